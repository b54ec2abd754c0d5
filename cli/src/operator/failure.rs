//! How an operator's command fails: a line, and an exit code for scripts.

use std::fmt;

use super::table::clean;

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing could be done; trying again may help.
    Failed,
    /// The command line is wrong.
    Usage,
    /// There is no such saga.
    NotFound,
    /// The saga has moved, or does not allow the action.
    Refused,
}

impl Failure {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        // It may hold what a server said, whoever that was.
        Self { kind, message: clean(&message.into()) }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotFound => 3,
            Kind::Refused => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
