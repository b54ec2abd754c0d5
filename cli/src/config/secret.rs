//! A text that nobody may see.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;

use zeroize::Zeroizing;

/// A secret text. It is neither displayed nor serialized, and wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text out of sight.
    pub(crate) fn new(text: impl Into<Zeroizing<String>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that uses it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether others than a file's owner may read it.
pub(crate) fn open_to_others(file: &Metadata) -> bool {
    file.permissions().mode() & 0o044 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::new("canary".to_owned()))), "Some([redacted])");
    }
}
