//! Who may do what: the tokens file.

use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Access;
use crate::error::{Error, Result};
use crate::limits::NAME_OF_TOKEN_BYTES_MAX;

/// Who may do what.
#[derive(Default)]
pub struct Tokens(Vec<(TokenId, Grant)>);

/// What a token allows, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it allows.
    pub access: Access,
    /// Whose it is, as the history tells it. Empty where the file does not say.
    pub name: Arc<str>,
}

impl Grant {
    /// What is allowed to somebody who has no name.
    pub fn unnamed(access: Access) -> Grant {
        Grant { access, name: Arc::default() }
    }
}

/// Stands for a token and does not tell it: its SHA-256. Tokens are long random words, so nothing slower is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 32]);

impl TokenId {
    /// What a line of the file begins its second word with if that is the SHA-256 of the token.
    const HASHED: &str = "sha256:";

    /// That of a token.
    pub fn of(token: &[u8]) -> TokenId {
        TokenId(Sha256::digest(token).into())
    }

    /// That of a word of the file: a token, or `sha256:` and what `sha256sum` says of one.
    fn read(word: &str) -> std::result::Result<TokenId, &'static str> {
        match word.strip_prefix(TokenId::HASHED) {
            Some(hex) => {
                let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
                bytes.map(TokenId).ok_or("has a sha256: without 64 hexadecimal digits behind it")
            }
            None if word.len() < Tokens::BYTES_MIN => Err("has a token that is shorter than 16 characters"),
            None => Ok(TokenId::of(word.as_bytes())),
        }
    }
}

impl Tokens {
    /// The fewest bytes of a token: fewer can be guessed.
    const BYTES_MIN: usize = 16;

    /// Reads a tokens file. A line has `metrics`, `read`, `write` or `admin`, then a token or the `sha256:` of one, then the
    /// name of whose it is, which may be left out. Blank lines and lines that start with `#` are skipped.
    pub fn parse(text: &str) -> Result<Tokens> {
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            // The line itself is never shown: it holds a secret.
            let wrong = |what: &str| Error::bad_arg(format!("line {} {what}", number + 1));
            let (access, token, name) = match words[..] {
                [access, token] => (access, token, ""),
                [access, token, name] => (access, token, name),
                _ => {
                    let form = "must have metrics, read, write or admin, then a space, then the token, then a name if you like";
                    return Err(wrong(form));
                }
            };
            let access = Access::ALL[1..]
                .iter()
                .find(|known| known.word() == access)
                .ok_or_else(|| wrong("should begin with metrics, read, write or admin"))?;
            let id = TokenId::read(token).map_err(wrong)?;
            if name.len() > NAME_OF_TOKEN_BYTES_MAX || !name.chars().all(is_of_name) {
                let most = NAME_OF_TOKEN_BYTES_MAX;
                let form =
                    format!("has a name with more than {most} characters or others than letters, digits and . _ - @ +");
                return Err(wrong(&form));
            }
            tokens.push((id, Grant { access: *access, name: name.into() }));
        }
        if tokens.is_empty() {
            return Err(Error::bad_arg("the file has no token"));
        }
        Ok(Tokens(tokens))
    }

    /// Whether none are in use.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a token allows; None if the file does not have it. Of several lines the highest level counts. Takes the same time
    /// wherever a wrong token differs.
    pub fn grant(&self, id: TokenId) -> Option<&Grant> {
        let known = self.0.iter().filter(|(known, _)| known.0.ct_eq(&id.0).into());
        known.map(|(_, grant)| grant).max_by_key(|grant| grant.access)
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-@+".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn granted(text: &str, token: &str) -> Option<(Access, String)> {
        let tokens = Tokens::parse(text).map_err(|why| why.message).expect("a file");
        tokens.grant(TokenId::of(token.as_bytes())).map(|grant| (grant.access, grant.name.to_string()))
    }

    #[test]
    fn a_line_has_a_level_a_token_and_perhaps_a_name() {
        let read = |name: &str| Some((Access::Read, name.to_owned()));
        assert_eq!(granted(&format!("# who\n\nread {TOKEN}\n"), TOKEN), read(""));
        assert_eq!(granted(&format!("  read \t {TOKEN}   shop-1 \r\n"), TOKEN), read("shop-1"));
        assert_eq!(granted(&format!("read {TOKEN} ann@example.com"), "0123456789abcdeg"), None);
        // printf 0123456789abcdef | sha256sum
        let hashed = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
        for hashed in [hashed.to_owned(), hashed.to_uppercase()] {
            let text = format!("read sha256:{hashed} shop");
            assert_eq!(granted(&text, TOKEN), read("shop"));
            assert_eq!(granted(&text, &format!("sha256:{hashed}")), None, "the file does not hold a token");
        }
        let twice = format!("read {TOKEN} a\nadmin {TOKEN} b\nwrite {TOKEN} c");
        assert_eq!(granted(&twice, TOKEN), Some((Access::Admin, "b".to_owned())));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_secret_is_not() {
        for (line, told) in [
            ("read", "must have"),
            ("read 0123456789abcdef a b", "must have"),
            ("peek 0123456789abcdef", "should begin with"),
            ("read 0123456789abcde", "shorter than 16"),
            ("read sha256:0123456789abcdef", "64 hexadecimal digits"),
            ("read 0123456789abcdef a\u{301}", "has a name"),
            ("read 0123456789abcdef 123456789012345678901234567890123", "has a name"),
        ] {
            let why = Tokens::parse(&format!("# first\n{line}")).err().expect("refused").message;
            assert!(why.starts_with("line 2 ") && why.contains(told) && !why.contains("0123456789abcde"), "{why}");
        }
    }
}
