//! Passwords.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password in the clear, in memory and nowhere else: wiped when dropped, and never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// No characters at all.
    #[error("must not be empty")]
    Empty,
    /// Fewer than 8 characters.
    #[error("must have at least 8 characters")]
    TooShort,
    /// More than 256 characters.
    #[error("must have at most 256 characters")]
    TooLong,
    /// Among the most common, a repetition, or made of the user's own words.
    #[error("is among the first that an attacker tries; choose one that is harder to guess")]
    Guessable,
}

impl Password {
    /// What counts as guessable: found within so many guesses by an attacker who tries the likeliest first.
    const GUESSES: u64 = 10_001;
    /// How many characters it may have.
    const LONGEST: usize = 256;
    /// How many characters are judged at a time. zxcvbn's time grows beyond bounds with the number of characters that
    /// can stand for others (24 of them take ten times as long as 16), and no common password is longer.
    const JUDGED: usize = 16;
    /// This service's own words.
    const OWN_WORDS: [&str; 2] = ["signup", "signup-saga"];

    /// Takes a password as it is: exact characters, nothing trimmed or cut, no rules of composition.
    ///
    /// `words` are the user's own: their e-mail address, their names. The estimate is zxcvbn's, whose lists hold the
    /// most common passwords. A long password is judged in parts, and is guessable if every part is.
    ///
    /// # Errors
    /// [`PasswordError`] says what is wrong with it.
    pub fn parse(text: String, words: &[&str]) -> Result<Self, PasswordError> {
        let password = Self(text);
        match password.0.chars().count() {
            ..8 => return Err(PasswordError::TooShort),
            length if length > Self::LONGEST => return Err(PasswordError::TooLong),
            _ => {}
        }
        let own = words.iter().flat_map(|word| word.split(['@', ' ']).chain([*word])).chain(Self::OWN_WORDS);
        let own: Vec<_> = own.map(str::to_lowercase).collect();
        let lower = Self(password.0.to_lowercase());
        if own.contains(&lower.0) || lower.is_guessable(&own.iter().map(String::as_str).collect::<Vec<_>>()) {
            return Err(PasswordError::Guessable);
        }
        Ok(password)
    }

    /// Takes a password that somebody signs in with: exact characters, and no rules but those that no password of anybody
    /// breaks, whenever it was chosen.
    ///
    /// # Errors
    /// [`PasswordError`] if it is nobody's for certain: empty, or longer than any.
    pub fn presented(text: String) -> Result<Self, PasswordError> {
        let password = Self(text);
        match password.0.chars().count() {
            0 => Err(PasswordError::Empty),
            length if length > Self::LONGEST => Err(PasswordError::TooLong),
            _ => Ok(password),
        }
    }

    fn is_guessable(&self, own: &[&str]) -> bool {
        let mut rest = self.0.as_str();
        while !rest.is_empty() {
            let end = rest.char_indices().nth(Self::JUDGED).map_or(rest.len(), |(end, _)| end);
            let (part, after) = rest.split_at(end);
            if zxcvbn::zxcvbn(part, own).guesses() > Self::GUESSES {
                return false;
            }
            rest = after;
        }
        true
    }

    /// The exact bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A password that nobody has, to try a hash with.
    pub(crate) fn of_nobody() -> Self {
        Self("a password of nobody".to_owned())
    }

    /// A password that was sealed: it was parsed before.
    pub(crate) fn from_sealed(bytes: Vec<u8>) -> Option<Self> {
        String::from_utf8(bytes).ok().map(Self)
    }

    /// The characters, for a keyed MAC of the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<(), PasswordError> {
        Password::parse(text.to_owned(), &["ada.lovelace@example.com", "Ada Lovelace"]).map(drop)
    }

    #[test]
    fn length_counts_characters() {
        assert_eq!(parse("seven77"), Err(PasswordError::TooShort));
        assert_eq!(parse("пароль7"), Err(PasswordError::TooShort));
        assert_eq!(parse(&"k7!".repeat(86)), Err(PasswordError::TooLong));
    }

    #[test]
    fn a_password_to_sign_in_with_has_1_to_256_characters_and_no_other_rules() {
        let presented = |text: &str| Password::presented(text.to_owned()).map(|password| password.0.clone());
        for text in ["x", "password", " ", " padded ", "\0", &"é".repeat(256)] {
            assert_eq!(presented(text), Ok(text.to_owned()));
        }
        assert_eq!(presented(""), Err(PasswordError::Empty));
        assert_eq!(presented(&"é".repeat(257)), Err(PasswordError::TooLong));
    }

    #[test]
    fn common_passwords_are_refused() {
        for text in ["password", "PASSWORD", "Password", "12345678", "qwertyuiop", "iloveyou", "sunshine", "aaaaaaaa"] {
            assert_eq!(parse(text), Err(PasswordError::Guessable), "{text}");
        }
    }

    #[test]
    fn the_users_own_words_are_refused() {
        for text in ["ada.lovelace", "Ada Lovelace", "ada.lovelace@example.com", "signup-saga"] {
            assert_eq!(parse(text), Err(PasswordError::Guessable), "{text}");
        }
    }

    #[test]
    fn a_password_made_to_be_slow_to_judge_is_judged_in_parts() {
        let slow = "4@8({[<369&#!1/|0$5+7%2".repeat(11);
        assert_eq!(parse(&slow), Ok(()));
        assert_eq!(parse(&"aaaaaaaaaaaaaaaa".repeat(3)), Err(PasswordError::Guessable));
        assert_eq!(parse(&format!("{}zq7#Lw!x0Vb", "a".repeat(32))), Ok(()));
    }

    #[test]
    fn a_passphrase_needs_no_digits_and_no_symbols() {
        assert_eq!(parse("correct horse battery staple"), Ok(()));
        assert_eq!(parse(" leading and trailing spaces count "), Ok(()));
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let password = Password::parse("correct horse battery staple".into(), &[]).unwrap();
        assert_eq!(format!("{password:?}"), "[redacted]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn accepted_passwords_keep_their_exact_bytes(text in "[a-zA-Z0-9 !é漢]{12,256}") {
            if let Ok(password) = Password::parse(text.clone(), &[]) {
                prop_assert_eq!(password.as_bytes(), text.as_bytes());
            }
        }
    }
}
