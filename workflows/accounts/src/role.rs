//! Roles: what a user is in their organization.

use std::fmt;
use std::str::FromStr;

/// What a user is in their organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// They made it by signing up.
    Owner,
}

/// The text is no role that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected `owner`")]
pub struct UnknownRole;

impl Role {
    /// The word that is stored, and that tokens carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "owner" => Ok(Self::Owner),
            _ => Err(UnknownRole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_back_and_other_words_are_none() {
        assert_eq!(Role::Owner.as_str().parse(), Ok(Role::Owner));
        for text in ["", "Owner", "owner ", "admin"] {
            assert_eq!(text.parse::<Role>(), Err(UnknownRole), "{text}");
        }
    }
}
