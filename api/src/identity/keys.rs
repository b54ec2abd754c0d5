//! The keys that access tokens are signed and verified with, as this process knows them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    Access, AccessToken, Holder, Issuer, JwkSet, Keyring, MasterKey, NotGenerated, SigningKey, SigningKeys, StoredKey,
};
use saga::store::Error;
use saga::{Clock, Random};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, error, info, warn};

use crate::problem::Problem;

/// Between two looks at the keys, at most. A key is published for much longer before it signs.
const LOOK: Duration = Duration::from_mins(1);
/// The same, while they are not known.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a request waits for the keys of a process that has just started.
const FIRST: Duration = Duration::from_secs(2);

/// The keys that access tokens are signed and verified with.
///
/// They are read from the database again and again, and the next one is made when it is due: of all processes that see
/// to that, one does.
pub(crate) struct Keys {
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    known: watch::Receiver<Option<Arc<Known>>>,
    _tending: AbortOnDropHandle<()>,
}

/// The keys that this process has read and opened.
struct Known {
    ring: Keyring,
    private: Vec<SigningKey>,
}

/// Who reads the keys, and makes the next one.
struct Tender {
    store: Arc<dyn SigningKeys>,
    master: MasterKey,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    known: watch::Sender<Option<Arc<Known>>>,
}

/// Why the keys are not known.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error(transparent)]
    Unread(#[from] Error),
    #[error(transparent)]
    Unmade(#[from] NotGenerated),
    #[error(
        "no signing key in the database opens with SIGNUP_MASTER_KEY: nobody can sign in. Give every process the key \
         that sealed them, or make a key with `signup keys rotate`"
    )]
    Unopened,
}

impl Keys {
    /// Reads and tends the keys from now on.
    pub(super) fn begin(
        store: Arc<dyn SigningKeys>,
        master: MasterKey,
        issuer: Issuer,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (sender, known) = watch::channel(None);
        let tender = Tender { store, master, clock: Arc::clone(&clock), random: Arc::clone(&random), known: sender };
        let tending = AbortOnDropHandle::new(tokio::spawn(tender.tend()));
        Self { issuer, clock, random, known, _tending: tending }
    }

    /// Who issues the tokens, and whom they are for.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// A token for the holder of a session.
    pub(crate) async fn sign(&self, holder: &Holder) -> Result<AccessToken, Problem> {
        let (known, now) = (self.known().await?, self.clock.now());
        let signing = known.ring.signing(now);
        let key = signing.and_then(|signing| known.private.iter().find(|key| *key.id() == signing.id));
        let Some(key) = key else { return Err(Problem::Unavailable) };
        self.issuer.issue(key, holder, now, &*self.random).map_err(|error| {
            error!(%error, "an access token");
            Problem::Internal
        })
    }

    /// What a token says, if it is one of ours and its time has not ended.
    pub(crate) async fn verify(&self, token: &str) -> Result<Access, Problem> {
        let known = self.known().await?;
        self.issuer.verify(&known.ring, token, self.clock.now()).map_err(|refused| {
            debug!(%refused, "an access token is refused");
            Problem::SignInRequired
        })
    }

    /// What others verify our tokens with.
    pub(crate) async fn published(&self) -> Result<JwkSet, Problem> {
        Ok(self.known().await?.ring.jwks(self.clock.now()))
    }

    async fn known(&self) -> Result<Arc<Known>, Problem> {
        let mut known = self.known.clone();
        let first = timeout(FIRST, known.wait_for(Option::is_some)).await;
        first.ok().and_then(|known| known.ok()?.clone()).ok_or(Problem::Unavailable)
    }
}

impl Tender {
    async fn tend(self) {
        loop {
            let pause = match self.read().await {
                Ok(known) => {
                    self.known.send_replace(Some(Arc::new(known)));
                    LOOK
                }
                Err(error @ Unknown::Unread(Error::Unavailable(_) | Error::InDoubt(_))) => {
                    debug!(%error, "signing keys not read");
                    LOOK_AGAIN
                }
                Err(error) => {
                    error!(%error, "signing keys");
                    LOOK
                }
            };
            sleep(self.random.upper_half(pause)).await;
        }
    }

    /// Reads the keys, after making the next one if it is due.
    async fn read(&self) -> Result<Known, Unknown> {
        let now = self.clock.now();
        let stored = self.store.keys().await?;
        let Some(due) = Keyring::new(stored.clone()).due(now) else { return self.open(stored) };
        let key = StoredKey::seal(due, &SigningKey::generate()?, &self.master, now);
        if self.store.add(&key).await? {
            info!(key = key.id.as_str(), signs_from = %key.signs_from, "a signing key is made");
        }
        self.open(self.store.keys().await?)
    }

    /// Those that open: a public key that somebody else has put into the database does not, and verifies nothing.
    fn open(&self, stored: Vec<StoredKey>) -> Result<Known, Unknown> {
        let (mut opened, mut private) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
        for key in stored {
            match key.open(&self.master) {
                Ok(open) => {
                    private.push(open);
                    opened.push(key);
                }
                Err(error) => warn!(key = key.id.as_str(), %error, "a signing key is passed over"),
            }
        }
        if opened.is_empty() { Err(Unknown::Unopened) } else { Ok(Known { ring: Keyring::new(opened), private }) }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
