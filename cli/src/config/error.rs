//! What is wrong with the configuration.

use std::fmt;

use super::place::Place;

/// A configuration that the program does not start with: one line that names the setting, says where it was given, and
/// what a good value is. It never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error(String);

impl Error {
    /// Something that no single value is to blame for.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }

    /// The value that was given there.
    pub(super) fn at(place: &Place, what: impl fmt::Display) -> Self {
        Self(format!("{place}: {what}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
