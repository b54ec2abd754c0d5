//! The steps of the sign-up, one to a file.

mod create_organization;
mod create_profile;
mod create_user;
mod update_claims;

use std::time::Duration;

pub use create_organization::CreateOrganization;
pub use create_profile::CreateProfile;
pub use create_user::CreateUser;
pub use update_claims::UpdateClaims;

/// How long one attempt of any step may take: the most that fits into a lease.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
