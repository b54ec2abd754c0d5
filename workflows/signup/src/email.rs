//! E-mail addresses.

use email_address::Options;
use unicode_normalization::is_nfkc;
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

use crate::MailProvider;

/// An address as its owner wrote it, with the canonical form by which it is told from others.
///
/// Canonical means lower case, with the domain in its ASCII form. Dots and `+` tags are kept: only the owner's mail
/// server knows what they mean. Addresses that can pass for others are refused: compatibility characters, mixed
/// scripts, characters that are invisible or turn the direction of writing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    written: String,
    key: String,
}

/// Why a text is not accepted as an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Not `name@domain`.
    #[error("must be an e-mail address such as ada@example.com")]
    Malformed,
    /// Longer than SMTP allows: 254 bytes, of which 64 before the `@`.
    #[error("is too long for an e-mail address")]
    TooLong,
    /// It has characters by which it could pass for another address.
    #[error("has characters that can pass for others; use plain letters of one script")]
    Confusable,
}

impl EmailAddress {
    const MAX_BYTES: usize = 254;

    /// Reads an address; white space around it is dropped.
    ///
    /// # Errors
    /// [`EmailError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let written = text.trim();
        if written.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        email_address::EmailAddress::parse_with_options(written, options).map_err(|error| match error {
            email_address::Error::LocalPartTooLong | email_address::Error::DomainTooLong => EmailError::TooLong,
            _ => EmailError::Malformed,
        })?;
        let (local, domain) = written.rsplit_once('@').ok_or(EmailError::Malformed)?;
        if local.contains('"') {
            return Err(EmailError::Malformed);
        }
        if !is_plain(local) {
            return Err(EmailError::Confusable);
        }
        let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Malformed)?;
        let labels = idna::domain_to_unicode(&ascii).0;
        if !labels.split('.').all(is_plain) {
            return Err(EmailError::Confusable);
        }
        if is_numeric(ascii.rsplit('.').next().unwrap_or_default()) {
            return Err(EmailError::Malformed);
        }
        Ok(Self { written: written.to_owned(), key: format!("{}@{ascii}", local.to_lowercase()) })
    }

    /// The address behind its stored forms.
    pub fn from_stored(written: String, key: String) -> Self {
        Self { written, key }
    }

    /// As its owner wrote it: where mail goes.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The canonical form.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Who runs its mail.
    pub fn provider(&self) -> MailProvider {
        MailProvider::of(&self.key)
    }
}

/// Whether a domain with this last label is an IP address, or nothing (WHATWG URL, "ends in a number").
fn is_numeric(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|byte| byte.is_ascii_digit())
}

/// No invisible or turning characters, no compatibility forms, and at most scripts that are written together, such
/// as Latin with Japanese (Unicode TS 39, "highly restrictive").
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c.is_alphanumeric())
        && is_nfkc(text)
        && (text.is_single_script() || text.check_restriction_level(RestrictionLevel::HighlyRestrictive))
}

/// An address is personal data: it is not for logs.
impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_canonical_form() {
        for (text, key) in [
            ("Ada@Example.COM", "ada@example.com"),
            ("  ada@example.com\n", "ada@example.com"),
            ("ada+news@example.com", "ada+news@example.com"),
            ("a.d.a@example.co.uk", "a.d.a@example.co.uk"),
            ("ADA@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            ("jörg@example.com", "jörg@example.com"),
            ("用户@例子.example", "用户@xn--fsqu00a.example"),
            ("o'hara@example.com", "o'hara@example.com"),
            ("ada@127.0.0.1.example", "ada@127.0.0.1.example"),
            ("ada@3com.example1", "ada@3com.example1"),
        ] {
            assert_eq!(EmailAddress::parse(text).map(|e| e.key), Ok(key.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_malformed() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@@example.com",
            "ada example@example.com",
            "ada@exa mple.com",
            "ada@-example.com",
            "ada@example..com",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@1.2",
            "ada@example.123",
            "ada@127.0.0.0x1",
            "ada@1\u{ff0e}2\u{ff0e}3\u{ff0e}4",
            "\"ada\"@example.com",
            "Ada <ada@example.com>",
            "ada@example.com,eve@example.com",
            "ada\r\n@example.com",
            "ada\0@example.com",
        ] {
            assert_eq!(EmailAddress::parse(text), Err(EmailError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn an_address_that_can_pass_for_another_is_refused() {
        for text in [
            "\u{430}da@example.com",   // Cyrillic a in a Latin word
            "ada@\u{430}pple.com",     // the same in the domain
            "ada@xn--pple-43d.com",    // the same, already encoded
            "\u{ff41}da@example.com",  // full-width a
            "ad\u{200b}a@example.com", // zero-width space
            "\u{202e}ada@example.com", // right-to-left override
            "a\u{fb01}@example.com",   // ligature
        ] {
            let refused = EmailAddress::parse(text);
            assert!(matches!(refused, Err(EmailError::Confusable | EmailError::Malformed)), "{text:?}: {refused:?}");
        }
    }

    #[test]
    fn an_address_longer_than_smtp_allows_is_refused() {
        let local = "a".repeat(65);
        assert_eq!(EmailAddress::parse(&format!("{local}@example.com")), Err(EmailError::TooLong));
        let domain = "a.".repeat(125);
        assert_eq!(EmailAddress::parse(&format!("ada@{domain}com")), Err(EmailError::TooLong));
    }

    #[test]
    fn an_address_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", EmailAddress::parse("ada@example.com")), "Ok([redacted])");
    }
}
