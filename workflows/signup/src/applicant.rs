//! Who signs up, with the ids of all that the sign-up makes.

use saga::{Clock, Random};
use uuid::Uuid;

use crate::{EmailAddress, FullName, OrganizationName};

/// Who signs up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// The user that is made.
    pub user: UserId,
    /// The organization that is made.
    pub organization: OrganizationId,
    /// The profile that is made.
    pub profile: ProfileId,
    /// The address they sign in with.
    pub email: EmailAddress,
    /// Their name, if given.
    pub full_name: Option<FullName>,
    /// Their organization's name, if given.
    pub organization_name: Option<OrganizationName>,
}

impl Applicant {
    /// An applicant with fresh ids.
    pub fn new(
        email: EmailAddress,
        full_name: Option<FullName>,
        organization_name: Option<OrganizationName>,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Self {
        Self {
            user: UserId(saga::id::uuid_v7(clock, random)),
            organization: OrganizationId(saga::id::uuid_v7(clock, random)),
            profile: ProfileId(saga::id::uuid_v7(clock, random)),
            email,
            full_name,
            organization_name,
        }
    }
}

/// The id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub Uuid);

/// The id of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(pub Uuid);

/// The id of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub Uuid);
