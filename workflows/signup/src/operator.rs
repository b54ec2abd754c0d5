//! Operators: who may see sagas, who may act on them, and the tokens they show.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use saga::store::Error;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An operator's name: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`. It is what the journal knows them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorName(String);

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorRole {
    /// Sees everything.
    Viewer,
    /// Acts on it as well.
    Operator,
}

/// Somebody who may operate the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who they are.
    pub name: OperatorName,
    /// What they may do.
    pub role: OperatorRole,
}

/// An operator as the books have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnlistedOperator {
    /// Who they are, and what they may do.
    pub operator: Operator,
    /// Since when.
    pub added_at: Timestamp,
    /// Since when no more.
    pub revoked_at: Option<Timestamp>,
}

/// What an operator shows: `sgo_` and 256 random bits in Base64.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct OperatorToken(String);

/// What is stored of a token. A token is random, so its hash needs neither salt nor key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// The text is no operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an operator's name: expected 1 to 64 of a-z, 0-9, `.`, `_` and `-`")]
pub struct MalformedName;

/// The text is no operator's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an operator's role: expected viewer or operator")]
pub struct MalformedRole;

/// The text is no operator's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an operator's token: expected `sgo_` and 43 letters, digits, `-` and `_`")]
pub struct MalformedToken;

/// The operators that a store knows.
#[async_trait]
pub trait Operators: Send + Sync + 'static {
    /// Adds an operator. False if there is one of that name, or was; nothing is written then.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn add(&self, operator: &Operator, token: &TokenHash) -> Result<bool, Error>;

    /// The operator who has this token, unless they were revoked.
    async fn find(&self, token: &TokenHash) -> Result<Option<Operator>, Error>;

    /// Every operator, also those who were revoked, by name.
    async fn operators(&self) -> Result<Vec<EnlistedOperator>, Error>;

    /// Lets an operator's token open nothing any more. False if there is no operator of this name; one who was revoked
    /// before stays so since then.
    async fn revoke(&self, name: &OperatorName) -> Result<bool, Error>;
}

impl OperatorName {
    /// A name that was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = MalformedName;

    fn from_str(text: &str) -> Result<Self, MalformedName> {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
        name.then(|| Self(text.to_owned())).ok_or(MalformedName)
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OperatorRole {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Viewer, Self::Operator];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }

    /// Whether they may change anything.
    pub fn may_act(self) -> bool {
        match self {
            Self::Viewer => false,
            Self::Operator => true,
        }
    }
}

impl FromStr for OperatorRole {
    type Err = MalformedRole;

    fn from_str(text: &str) -> Result<Self, MalformedRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(MalformedRole)
    }
}

impl fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl OperatorToken {
    const PREFIX: &str = "sgo_";

    /// A token of these random bits, which must come from the operating system.
    pub fn new(mut bits: [u8; 32]) -> Self {
        let token = format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bits));
        bits.zeroize();
        Self(token)
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }

    /// The token in the clear, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorToken {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        let bits = text.strip_prefix(Self::PREFIX).and_then(|bits| URL_SAFE_NO_PAD.decode(bits).ok());
        bits.filter(|bits| bits.len() == 32).map(|_| Self(text.to_owned())).ok_or(MalformedToken)
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_shows_itself_to_nobody() {
        let token = OperatorToken::new([1; 32]);
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        assert_eq!(token.reveal().len(), 47);
        assert_eq!(format!("{token:?}"), "[redacted]");
        assert_ne!(token.hash(), OperatorToken::new([2; 32]).hash());
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in ["", "sgo_", "sgo_short", "sgo_!!!", &"a".repeat(47)] {
            assert_eq!(text.parse::<OperatorToken>(), Err(MalformedToken), "{text}");
        }
    }

    #[test]
    fn a_role_reads_back_as_itself() {
        for role in OperatorRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for text in ["", "Viewer", "admin", "operator "] {
            assert_eq!(text.parse::<OperatorRole>(), Err(MalformedRole), "{text}");
        }
    }

    #[test]
    fn names_are_plain() {
        for name in ["a", "ada.l-1_x", &"a".repeat(64)] {
            assert!(name.parse::<OperatorName>().is_ok(), "{name}");
        }
        for name in ["", "Ada", "a b", "a\n", "ä", &"a".repeat(65)] {
            assert_eq!(name.parse::<OperatorName>(), Err(MalformedName), "{name}");
        }
    }
}
