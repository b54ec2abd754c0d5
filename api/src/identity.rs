//! Who is who: what sign-ins, sessions and their tokens go through.

mod keys;
mod live;
mod signed_in;

use std::fmt;
use std::sync::Arc;

use accounts::{Accounts, Sessions};
use signup::Hasher;

pub use keys::Keys;
pub use live::LiveSessions;
pub(crate) use signed_in::SignedIn;

/// The name of a user's access token in the OpenAPI document.
pub(crate) const SCHEME: &str = "user";

/// Who is who: what sign-ins, sessions and their tokens go through.
pub struct Identity {
    /// The sessions that there are.
    pub sessions: Arc<dyn Sessions>,
    /// Users and what they sign in with.
    pub accounts: Arc<dyn Accounts>,
    /// The keys that access tokens are signed with.
    pub keys: Keys,
    /// Verifies passwords, and hashes new ones: apart from the workers', so that sign-ups do not keep anybody waiting who
    /// signs in.
    pub hasher: Arc<Hasher>,
    /// Sessions that were seen to be live a moment ago.
    pub live: LiveSessions,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}
