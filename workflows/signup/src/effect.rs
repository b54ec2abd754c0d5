//! What the sign-up's steps record.

use saga::Code;

use crate::{EMAIL_TAKEN, OrganizationName, PasswordHash};

/// A write that the store commits together with the saga's advance.
///
/// Ids, e-mail and names are the saga's own; an effect carries only what its step has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Insert the user as provisional, with their e-mail identity, and wipe the sealed password.
    CreateUser {
        /// The hash of their password.
        hash: PasswordHash,
    },
    /// Delete the user and their identities.
    DeleteUser,
    /// Insert the organization.
    CreateOrganization {
        /// Its name.
        name: OrganizationName,
    },
    /// Delete the organization.
    DeleteOrganization,
    /// Insert the profile that makes the user the organization's owner.
    CreateProfile,
    /// Delete the profile.
    DeleteProfile,
    /// Write the user's claims and make the user active.
    WriteClaims,
    /// Delete the user's claims.
    DeleteClaims,
    /// Wipe the sealed password, and no more: a decoy's user.
    WipePassword,
    /// Nothing in this database.
    Nothing,
}

impl Effect {
    /// What a decoy's step records instead: its password is wiped as early as anybody's, and nothing is made, so there is
    /// nothing to delete either.
    pub(crate) fn of_a_decoy(self) -> Self {
        match self {
            Self::CreateUser { .. } | Self::WipePassword => Self::WipePassword,
            Self::DeleteUser
            | Self::CreateOrganization { .. }
            | Self::DeleteOrganization
            | Self::CreateProfile
            | Self::DeleteProfile
            | Self::WriteClaims
            | Self::DeleteClaims
            | Self::Nothing => Self::Nothing,
        }
    }
}

impl saga::Effect for Effect {
    fn refusal(&self) -> Option<Code> {
        match self {
            // Somebody else's user got the e-mail first.
            Self::CreateUser { .. } => Some(EMAIL_TAKEN),
            Self::DeleteUser
            | Self::CreateOrganization { .. }
            | Self::DeleteOrganization
            | Self::CreateProfile
            | Self::DeleteProfile
            | Self::WriteClaims
            | Self::DeleteClaims
            | Self::WipePassword
            | Self::Nothing => None,
        }
    }
}
