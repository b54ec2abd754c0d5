//! Refresh tokens: derived from the session and its generation, and stored nowhere.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signup::{HashKey, Mac, Purpose};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Generation, SessionId};

/// What continues a session: `rft_`, and in Base64 the session, the generation and their keyed hash.
///
/// Whoever holds the key can make every token of a session anew, and tell that an old one was truly issued. The
/// database holds nothing that yields a token.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RefreshToken(String);

/// Why a text is no refresh token of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshTokenError {
    /// It does not have the shape of one.
    #[error("not a refresh token: expected `rft_` and 70 letters, digits, `-` and `_`")]
    Malformed,
    /// It has the shape, but was not made with this key.
    #[error("not a refresh token of this service")]
    Forged,
}

impl RefreshToken {
    const PREFIX: &str = "rft_";
    const SESSION_BYTES: usize = 16;
    const GENERATION_BYTES: usize = 4;
    const MAC_BYTES: usize = 32;
    const BYTES: usize = Self::SESSION_BYTES + Self::GENERATION_BYTES + Self::MAC_BYTES;
    const TEXT_BYTES: usize = Self::PREFIX.len() + (Self::BYTES * 4).div_ceil(3);

    /// The token of this generation of the session: the same one each time.
    pub fn issue(key: &HashKey, session: SessionId, generation: Generation) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        let (named, mac) = bytes.split_at_mut(Self::SESSION_BYTES + Self::GENERATION_BYTES);
        named[..Self::SESSION_BYTES].copy_from_slice(session.uuid().as_bytes());
        named[Self::SESSION_BYTES..].copy_from_slice(&generation.0.to_be_bytes());
        mac.copy_from_slice(&Self::mac(key, session, generation).0);
        let mut text = String::with_capacity(Self::TEXT_BYTES);
        text.push_str(Self::PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Self(text)
    }

    /// Which session and which generation of it a token is of.
    ///
    /// # Errors
    /// [`RefreshTokenError`] if this key did not issue it. That it did says nothing of the session's being live.
    pub fn verify(key: &HashKey, text: &str) -> Result<(SessionId, Generation), RefreshTokenError> {
        let bytes = Self::decode(text).ok_or(RefreshTokenError::Malformed)?;
        let (session, rest) = bytes.split_first_chunk().ok_or(RefreshTokenError::Malformed)?;
        let (generation, mac) = rest.split_first_chunk().ok_or(RefreshTokenError::Malformed)?;
        let session = SessionId::from_uuid(Uuid::from_bytes(*session));
        let generation = Generation(u32::from_be_bytes(*generation));
        match verify_slices_are_equal(&Self::mac(key, session, generation).0, mac) {
            Ok(()) => Ok((session, generation)),
            Err(_) => Err(RefreshTokenError::Forged),
        }
    }

    /// The token in the clear, for the one who holds the session.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let text = (text.len() == Self::TEXT_BYTES).then_some(text)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(Self::PREFIX)?).ok()?;
        Some(Zeroizing::new(bytes))
    }

    fn mac(key: &HashKey, session: SessionId, generation: Generation) -> Mac {
        key.mac(Purpose::RefreshToken, &[session.uuid().as_bytes(), &generation.0.to_be_bytes()])
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> HashKey {
        HashKey::new([7; 32])
    }

    fn token() -> RefreshToken {
        RefreshToken::issue(&key(), SessionId::from_uuid(Uuid::from_u128(1)), Generation(3))
    }

    #[test]
    fn a_token_shows_itself_to_nobody() {
        assert_eq!(format!("{:?}", token()), "[redacted]");
        assert_eq!(token().reveal().len(), 74);
    }

    #[test]
    fn the_same_generation_has_the_same_token() {
        assert_eq!(token().reveal(), token().reveal());
    }

    #[test]
    fn another_key_did_not_issue_it() {
        let refused = RefreshToken::verify(&HashKey::new([8; 32]), token().reveal());
        assert_eq!(refused, Err(RefreshTokenError::Forged));
    }

    #[test]
    fn a_hash_for_another_purpose_is_no_token() {
        let session = Uuid::from_u128(1);
        let mac = key().mac(Purpose::WorkflowToken, &[session.as_bytes(), &[0; 4]]);
        let text = URL_SAFE_NO_PAD.encode([&session.as_bytes()[..], &[0; 4], &mac.0].concat());
        let refused = RefreshToken::verify(&key(), &format!("rft_{text}"));
        assert_eq!(refused, Err(RefreshTokenError::Forged));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let ours = token();
        let ours = ours.reveal();
        for text in [
            String::new(),
            "rft_".to_owned(),
            ours[..73].to_owned(),
            format!("{ours}A"),
            format!(" {ours}"),
            format!("{}=", &ours[..73]),
            ours.replacen("rft_", "sgo_", 1),
            format!("rft_{}", "+".repeat(70)),
            "\u{e4}".repeat(37),
        ] {
            assert_eq!(RefreshToken::verify(&key(), &text), Err(RefreshTokenError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_token_says_what_it_was_issued_for(session: u128, generation: u32) {
            let (session, generation) = (SessionId::from_uuid(Uuid::from_u128(session)), Generation(generation));
            let token = RefreshToken::issue(&key(), session, generation);
            prop_assert_eq!(RefreshToken::verify(&key(), token.reveal()), Ok((session, generation)));
        }

        #[test]
        fn a_changed_character_anywhere_is_noticed(at in 0..74_usize, other in "[A-Za-z0-9_-]") {
            let mut text = token().reveal().to_owned();
            prop_assume!(text[at..=at] != other);
            text.replace_range(at..=at, &other);
            prop_assert!(RefreshToken::verify(&key(), &text).is_err());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,100}") {
            prop_assert!(RefreshToken::verify(&key(), &text).is_err());
        }
    }
}
