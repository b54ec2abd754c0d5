//! Where a value was given.

use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the command line; without the dashes.
    Flag(&'static str),
    /// In the environment.
    Variable(String),
    /// In the configuration file.
    File {
        /// Under this key.
        key: String,
        /// In this file.
        path: PathBuf,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`--{flag}`"),
            Self::Variable(name) => write!(f, "`{name}`"),
            Self::File { key, path } => write!(f, "`{key}` in {}", path.display()),
        }
    }
}
