//! Who is who: what sign-ins, sessions and their tokens go through.

mod keys;
mod live;
mod signed_in;
mod sweep;

use std::fmt;
use std::sync::Arc;

use accounts::{Accounts, Issuer, MasterKey, Sessions, SigningKeys, Users};
use saga::{Clock, Random};
use signup::Hasher;
use tokio_util::task::AbortOnDropHandle;

use keys::Keys;
use live::LiveSessions;
pub(crate) use signed_in::SignedIn;

/// The name of a user's access token in the OpenAPI document.
pub(crate) const SCHEME: &str = "user";

/// Who is who: what sign-ins, sessions and their tokens go through.
pub struct Identity {
    /// The sessions that there are.
    pub(crate) sessions: Arc<dyn Sessions>,
    /// Users and what they sign in with.
    pub(crate) accounts: Arc<dyn Accounts>,
    /// Users, as operators see them.
    pub(crate) users: Arc<dyn Users>,
    /// The keys that access tokens are signed with.
    pub(crate) keys: Keys,
    /// Verifies passwords, and hashes new ones.
    pub(crate) hasher: Arc<Hasher>,
    /// Sessions that were seen to be live a moment ago.
    pub(crate) live: LiveSessions,
    _sweeping: AbortOnDropHandle<()>,
}

/// What an [`Identity`] is made of.
pub struct IdentityParts {
    /// The sessions that there are.
    pub sessions: Arc<dyn Sessions>,
    /// Users and what they sign in with.
    pub accounts: Arc<dyn Accounts>,
    /// Users, as operators see them.
    pub users: Arc<dyn Users>,
    /// Where the keys are kept that access tokens are signed with.
    pub signing_keys: Arc<dyn SigningKeys>,
    /// What seals them there.
    pub master_key: MasterKey,
    /// Who issues the tokens, and whom they are for.
    pub issuer: Issuer,
    /// Verifies passwords, and hashes new ones: apart from the workers', so that sign-ups do not keep anybody waiting who
    /// signs in.
    pub hasher: Arc<Hasher>,
}

impl Identity {
    /// Reads and tends the keys, and forgets sessions that are over, from now on.
    pub fn begin(parts: IdentityParts, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Self {
        let IdentityParts { sessions, accounts, users, signing_keys, master_key, issuer, hasher } = parts;
        Self {
            keys: Keys::begin(signing_keys, master_key, issuer, Arc::clone(clock), Arc::clone(random)),
            live: LiveSessions::new(Arc::clone(&sessions), Arc::clone(clock)),
            _sweeping: sweep::begin(Arc::clone(&sessions), Arc::clone(random)),
            sessions,
            accounts,
            users,
            hasher,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl fmt::Debug for IdentityParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityParts")
    }
}
