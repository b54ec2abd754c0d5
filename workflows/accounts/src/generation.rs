//! Generations: which of a session's refresh tokens one is.

use std::fmt;

/// Which of a session's refresh tokens one is. Each refresh makes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// What a session begins with.
    pub const FIRST: Self = Self(0);

    /// The one after. None after 2^32 refreshes: more than a session can have in its life.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
