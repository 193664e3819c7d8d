//! How a daemon introduces a client to the one that has a partition.
//!
//! It asks for a word that nobody has used (`PARTITION place of`), and then says who the client is and what it may do, with a proof:
//! the HMAC of all that, and of the word, under the secret that the daemons of one store have. From then on the connection is the
//! client's, to that partition.

use subtle::ConstantTimeEq;

use crate::command::{Access, Grant, Peer, Transport};
use crate::error::{Code, Error, Result};
use crate::model::slot::Partition;
use crate::store::Secret;
use crate::wire::{Args, write_request};

use super::Caller;

/// What stands for the right of a client that depends on the token that it gives.
const BY_TOKEN: &str = "token";

/// A word that nobody has used.
pub fn nonce() -> Result<String> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).map_err(Error::internal)?;
    Ok(data_encoding::HEXLOWER.encode(&random))
}

/// Asks for one.
pub fn ask(partition: Partition) -> Vec<u8> {
    format!("PARTITION {} {}\n", partition.place, partition.of).into_bytes()
}

/// Introduces a client.
pub fn introduce(partition: Partition, caller: &Caller, nonce: &str, secret: &Secret) -> Vec<u8> {
    let (place, of) = (partition.place.to_string(), partition.of.to_string());
    let (access, name) =
        caller.grant.as_ref().map_or((BY_TOKEN, ""), |grant| (grant.access.word(), grant.name.as_ref()));
    let said = [&place, &of, access, name, caller.peer.transport.word(), &caller.peer.address];
    let proof = proof(&said, nonce, secret);
    let words: Vec<&[u8]> = ["PARTITION"].into_iter().chain(said).chain([proof.as_str()]).map(str::as_bytes).collect();
    let mut request = Vec::new();
    write_request(&mut request, &words);
    request
}

/// What was said of a client, and where it wants to be; the client is none if a word is asked for.
///
/// # Errors
/// The proof is wrong, or the store has another number of partitions.
pub fn read(args: Args<'_>, of: u16, nonce: Option<&str>, secret: &Secret) -> Result<(u16, Option<Caller>)> {
    let words: Vec<&str> = args.map(|arg| std::str::from_utf8(arg).unwrap_or_default()).collect();
    let [place, partitions, said @ ..] = words.as_slice() else { return Err(wrong()) };
    let number = |word: &str| word.parse::<u16>().map_err(|_| wrong());
    if number(partitions)? != of {
        return Err(Error::bad_arg(format!("this store has {of} partitions, and not {partitions}")));
    }
    let place = Some(number(place)?).filter(|place| *place < of).ok_or_else(wrong)?;
    let &[access, name, transport, address, given] = said else {
        return if said.is_empty() { Ok((place, None)) } else { Err(wrong()) };
    };
    let expected = nonce.map(|nonce| proof(&words[..words.len() - 1], nonce, secret));
    if !expected.is_some_and(|expected| expected.as_bytes().ct_eq(given.as_bytes()).into()) {
        return Err(Error::new(Code::NoAuth, "the proof is wrong: have all daemons the same --tombstone-key?"));
    }
    let granted = Access::ALL.into_iter().find(|known| known.word() == access);
    let grant = match granted {
        None if access == BY_TOKEN => None,
        granted => Some(Grant { access: granted.ok_or_else(wrong)?, name: name.into() }),
    };
    let transport = Transport::ALL.into_iter().find(|known| known.word() == transport).ok_or_else(wrong)?;
    Ok((place, Some(Caller { grant, peer: Peer { transport, address: address.to_owned() } })))
}

fn proof(said: &[&str], nonce: &str, secret: &Secret) -> String {
    // A word's length stands before it, so that no two introductions are one text.
    let words: Vec<String> = said.iter().chain([&nonce]).map(|word| format!("{} {word}\n", word.len())).collect();
    secret.proof(words.concat().as_bytes())
}

fn wrong() -> Error {
    Error::bad_arg("this is not how a daemon introduces a client: do all run the same contactd?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Decoded, Decoder};

    const HERE: Partition = Partition { place: 2, of: 4 };

    fn secret() -> Secret {
        let dir = tempfile::tempdir().expect("a directory");
        Secret::open(dir.path(), None, None).map_err(|why| why.message).expect("made")
    }

    fn taken(request: &[u8], nonce: Option<&str>, secret: &Secret) -> Result<(u16, Option<Caller>)> {
        let mut decoder = Decoder::default();
        let Decoded::Request(request, _) = decoder.step(request) else { panic!("no request") };
        assert_eq!(request.verb, b"PARTITION");
        read(request.args, 4, nonce, secret)
    }

    #[test]
    fn who_knows_the_secret_and_the_word_is_believed() {
        let peer = Peer { transport: Transport::Unix, address: String::new() };
        let callers = [None, Some(Grant { access: Access::Read, name: "ann".into() })];
        let (secret, other) = (secret(), self::secret());
        for grant in callers {
            let caller = Caller { grant, peer: peer.clone() };
            let request = introduce(HERE, &caller, "word", &secret);
            let (place, found) = taken(&request, Some("word"), &secret).expect("believed");
            assert_eq!((place, found.map(|found| found.grant)), (2, Some(caller.grant)));
            for (nonce, secret) in [(Some("other"), &secret), (None, &secret), (Some("word"), &other)] {
                assert_eq!(taken(&request, nonce, secret).map(|_| ()).map_err(|why| why.code), Err(Code::NoAuth));
            }
            let raised = String::from_utf8(request).expect("UTF-8").replace("$4\r\nread", "$5\r\nadmin");
            if raised.contains("admin") {
                assert!(taken(raised.as_bytes(), Some("word"), &secret).is_err());
            }
        }
        assert!(taken(&ask(HERE), None, &secret).is_ok_and(|(place, caller)| place == 2 && caller.is_none()));
        assert!(taken(&ask(Partition { place: 4, of: 4 }), None, &secret).is_err());
        assert!(taken(&ask(Partition { place: 1, of: 2 }), None, &secret).is_err());
    }
}
