//! Who signs up, with the ids of all that the sign-up makes.

use std::fmt;
use std::str::FromStr;

use saga::id::{self, MalformedId};
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
            user: UserId(id::uuid_v7(clock, random)),
            organization: OrganizationId(id::uuid_v7(clock, random)),
            profile: ProfileId(id::uuid_v7(clock, random)),
            email,
            full_name,
            organization_name,
        }
    }
}

/// The id of a user, shown as `usr_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub Uuid);

/// The id of an organization, shown as `org_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(pub Uuid);

/// The id of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub Uuid);

impl UserId {
    const PREFIX: &str = "usr_";
}

impl OrganizationId {
    const PREFIX: &str = "org_";
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        id::show(Self::PREFIX, self.0, f)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UserId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        id::read(Self::PREFIX, text).map(Self)
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        id::show(Self::PREFIX, self.0, f)
    }
}

impl fmt::Debug for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OrganizationId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        id::read(Self::PREFIX, text).map(Self)
    }
}
