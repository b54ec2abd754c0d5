//! Users, as operators see them, and what operators do to them.
//!
//! | action | on | then |
//! |---|---|---|
//! | disable | an active user | they cannot sign in |
//! | enable | a disabled user | they can sign in again |
//! | sign out | an active user | they have to sign in again |
//!
//! Each ends all of the user's sessions. A user whose sign-up has not completed is acted on by its saga.
//!
//! An action is guarded by the seq that the operator saw: of two clicks one takes effect.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use saga::SagaId;
use saga::operate::Signature;
use signup::{EmailAddress, OrganizationId, UserId};

use crate::Role;

/// A user, as operators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The sign-up that made them.
    pub saga: SagaId,
    /// The address that they sign in with.
    pub email: EmailAddress,
    /// Their name, if they gave one, and it has come so far.
    pub full_name: Option<String>,
    /// Their organization, if it has come so far.
    pub membership: Option<Membership>,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// How often operators have acted on them.
    pub seq: u64,
    /// When they were created.
    pub created_at: Timestamp,
}

/// What a user is, and in which organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// What they are in it.
    pub role: Role,
}

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// Their sign-up has not completed: they may not yet.
    Provisional,
    /// They may.
    Active,
    /// They may not, since then.
    Disabled(Timestamp),
}

/// What an operator does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserAction {
    /// Keeps them out.
    Disable,
    /// Lets them in again.
    Enable,
    /// Ends their sessions.
    SignOut,
}

/// An action, with what guards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserOrder {
    /// On whom.
    pub user: UserId,
    /// Their seq, as the operator saw it.
    pub seq: u64,
    /// What.
    pub action: UserAction,
    /// Who does it, and why.
    pub signature: Signature,
}

/// An action that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEvent {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: UserAction,
    /// Who did it, and why.
    pub signature: Signature,
}

/// Why an action makes no sense for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// Their sign-up has not completed.
    #[error("the user's sign-up has not completed: act on its saga")]
    Provisional,
    /// They are disabled.
    #[error("the user is disabled, and so has no session")]
    Disabled,
    /// They are not disabled.
    #[error("the user is not disabled")]
    NotDisabled,
}

/// The text is no action on a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action on a user: expected disable, enable or sign_out")]
pub struct UnknownUserAction;

impl UserStatus {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Active => "active",
            Self::Disabled(_) => "disabled",
        }
    }
}

impl UserAction {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Disable, Self::Enable, Self::SignOut];

    /// Its name in paths, and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::SignOut => "sign_out",
        }
    }

    /// Whether it leaves the user disabled.
    pub fn disables(self) -> bool {
        match self {
            Self::Disable => true,
            Self::Enable | Self::SignOut => false,
        }
    }

    /// Holds that it leads somewhere for a user of this status.
    ///
    /// # Errors
    /// [`Impossible`] where it does not.
    pub fn on(self, status: UserStatus) -> Result<(), Impossible> {
        match (self, status) {
            (_, UserStatus::Provisional) => Err(Impossible::Provisional),
            (Self::Disable | Self::SignOut, UserStatus::Disabled(_)) => Err(Impossible::Disabled),
            (Self::Enable, UserStatus::Active) => Err(Impossible::NotDisabled),
            (Self::Disable | Self::SignOut, UserStatus::Active) | (Self::Enable, UserStatus::Disabled(_)) => Ok(()),
        }
    }
}

impl FromStr for UserAction {
    type Err = UnknownUserAction;

    fn from_str(text: &str) -> Result<Self, UnknownUserAction> {
        Self::ALL.into_iter().find(|action| action.word() == text).ok_or(UnknownUserAction)
    }
}

impl fmt::Display for UserAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_back_and_other_words_are_none() {
        for action in UserAction::ALL {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        for text in ["", "Disable", "sign out", "delete"] {
            assert_eq!(text.parse::<UserAction>(), Err(UnknownUserAction), "{text}");
        }
    }

    #[test]
    fn each_action_is_for_users_of_one_status() {
        let disabled = UserStatus::Disabled(Timestamp::UNIX_EPOCH);
        for action in UserAction::ALL {
            assert_eq!(action.on(UserStatus::Provisional), Err(Impossible::Provisional));
        }
        for action in [UserAction::Disable, UserAction::SignOut] {
            assert_eq!((action.on(UserStatus::Active), action.on(disabled)), (Ok(()), Err(Impossible::Disabled)));
        }
        let enable = UserAction::Enable;
        assert_eq!((enable.on(UserStatus::Active), enable.on(disabled)), (Err(Impossible::NotDisabled), Ok(())));
    }
}
