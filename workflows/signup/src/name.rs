//! Names of people and organizations.

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or white space alone.
    #[error("must not be empty; leave the field out instead")]
    Empty,
    /// More than 200 characters.
    #[error("must have at most 200 characters")]
    TooLong,
    /// It has line breaks or other control characters.
    #[error("must not have line breaks or control characters")]
    Control,
}

/// A person's name: any text of one line.
#[derive(Clone, PartialEq, Eq)]
pub struct FullName(String);

/// An organization's name: any text of one line.
#[derive(Clone, PartialEq, Eq)]
pub struct OrganizationName(String);

/// The longest name, in characters.
const LONGEST: usize = 200;

fn parse(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    // U+202A.. and U+2066.. turn the direction of all that is shown after the name.
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    match name.chars().count() {
        0 => Err(NameError::Empty),
        length if length > LONGEST => Err(NameError::TooLong),
        _ if name.chars().any(|c| c.is_control() || turns(c)) => Err(NameError::Control),
        _ => Ok(name.to_owned()),
    }
}

impl FullName {
    /// Reads a name; white space around it is dropped.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        parse(text).map(Self)
    }

    /// A name that was read before.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrganizationName {
    /// Reads a name; white space around it is dropped.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        parse(text).map(Self)
    }

    /// The name of an organization whose founder gave none. A founder's name that leaves no room is cut short.
    pub fn of(founder: Option<&FullName>) -> Self {
        const REST: &str = "'s organization";
        let Some(FullName(name)) = founder else { return Self("My organization".to_owned()) };
        let room = LONGEST - REST.len();
        if name.chars().count() <= room {
            return Self(format!("{name}{REST}"));
        }
        let start: String = name.chars().take(room - 1).collect();
        Self(format!("{}…{REST}", start.trim_end()))
    }

    /// A name that was read before.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name is personal data: it is not for logs.
impl std::fmt::Debug for FullName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A name is personal data: it is not for logs.
impl std::fmt::Debug for OrganizationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_any_text_of_one_line() {
        for text in ["Ada", " Ada King, Countess of Lovelace ", "李", "<img onerror=alert(1)>", &"x".repeat(200)] {
            assert_eq!(parse(text), Ok(text.trim().to_owned()), "{text}");
        }
        assert_eq!(parse(" \t"), Err(NameError::Empty));
        assert_eq!(parse(&"x".repeat(201)), Err(NameError::TooLong));
        for text in ["a\r\nb", "a\0b", "\u{202e}evil", "a\u{2028}b"] {
            assert_eq!(parse(text), Err(NameError::Control), "{text:?}");
        }
    }

    #[test]
    fn an_organization_without_a_name_is_named_after_its_founder() {
        let ada = FullName::parse("Ada").unwrap();
        assert_eq!(OrganizationName::of(Some(&ada)).as_str(), "Ada's organization");
        assert_eq!(OrganizationName::of(None).as_str(), "My organization");
    }

    #[test]
    fn an_organization_named_after_a_long_name_fits_its_limit() {
        for length in [185, 186, 200] {
            let founder = FullName::parse(&"ä".repeat(length)).unwrap();
            let name = OrganizationName::of(Some(&founder));
            assert_eq!(name.as_str().chars().count(), 200, "{length}");
            assert_eq!(name.as_str().contains('…'), length > 185, "{length}");
            assert_eq!(OrganizationName::parse(name.as_str()).as_ref(), Ok(&name));
        }
    }
}
