//! Accounts: a user with what they sign in with, and with what they are told of themselves.

use jiff::Timestamp;
use signup::{EmailAddress, OrganizationId, PasswordHash, UserId};

use crate::Role;

/// What a user signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// The hash of their password.
    pub hash: PasswordHash,
}

/// A user, as they see themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Their id.
    pub user: UserId,
    /// The address that they sign in with.
    pub email: EmailAddress,
    /// Their name, if they gave one.
    pub full_name: Option<String>,
    /// Their organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// What they are in it.
    pub role: Role,
    /// When they were created.
    pub created_at: Timestamp,
}
