//! Why an operator acts, in their own words.

/// The longest reason, in characters.
pub(super) const LONGEST: usize = 500;

/// What is wrong with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Empty,
    TooLong,
    Control,
}

/// Reads a reason: one line of text; white space around it is dropped.
pub(super) fn parse(text: &str) -> Result<String, Wrong> {
    let reason = text.trim();
    // These turn the direction of all that is shown after them, or break lines.
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    if reason.is_empty() {
        Err(Wrong::Empty)
    } else if reason.chars().count() > LONGEST {
        Err(Wrong::TooLong)
    } else if reason.chars().any(|c| c.is_control() || turns(c)) {
        Err(Wrong::Control)
    } else {
        Ok(reason.to_owned())
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "must not be empty: the journal keeps it",
            Self::TooLong => "must have at most 500 characters",
            Self::Control => "must not have line breaks or control characters",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_1_to_500_characters() {
        assert_eq!(parse("  the disk was full \n"), Ok("the disk was full".to_owned()));
        assert!(parse(&"ä".repeat(LONGEST)).is_ok());
        assert_eq!(parse(&"ä".repeat(LONGEST + 1)), Err(Wrong::TooLong));
        for text in ["", " \t\n"] {
            assert_eq!(parse(text), Err(Wrong::Empty), "{text:?}");
        }
        for text in ["a\nb", "a\0b", "\u{1b}[2J", "a\u{202e}b", "a\u{2028}b"] {
            assert_eq!(parse(text), Err(Wrong::Control), "{text:?}");
        }
    }
}
