//! Who may do what: the tokens file.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Access;
use crate::error::{Error, Result};

/// Who may do what.
#[derive(Default)]
pub struct Tokens(Vec<(TokenId, Access)>);

/// Stands for a token and does not tell it: its SHA-256. Tokens are long random words, so nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 32]);

impl TokenId {
    /// That of a token.
    pub fn of(token: &[u8]) -> TokenId {
        TokenId(Sha256::digest(token).into())
    }
}

impl Tokens {
    /// The fewest bytes of a token: fewer can be guessed.
    const BYTES_MIN: usize = 16;

    /// Reads a tokens file: a line each, `metrics`, `read`, `write` or `admin`, then the token. Blank lines and lines that start
    /// with `#` are skipped.
    pub fn parse(text: &str) -> Result<Tokens> {
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself is never shown: it holds a secret.
            let wrong = |what: &str| Error::bad_arg(format!("line {} {what}", number + 1));
            let (access, token) = line
                .split_once(char::is_whitespace)
                .ok_or_else(|| wrong("must have metrics, read, write or admin, then a space, then the token"))?;
            let access = Access::ALL[1..]
                .iter()
                .find(|known| known.word() == access)
                .ok_or_else(|| wrong("should begin with metrics, read, write or admin"))?;
            let token = token.trim();
            if token.len() < Tokens::BYTES_MIN || token.contains(char::is_whitespace) {
                return Err(wrong("has a token that is shorter than 16 characters or has a space in it"));
            }
            tokens.push((TokenId::of(token.as_bytes()), *access));
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

    /// What a token allows; None if the file does not have it. Takes the same time wherever a wrong token differs.
    pub fn access(&self, id: TokenId) -> Option<Access> {
        let mut found = None;
        for (known, access) in &self.0 {
            if bool::from(known.0.ct_eq(&id.0)) {
                found = found.max(Some(*access));
            }
        }
        found
    }
}
