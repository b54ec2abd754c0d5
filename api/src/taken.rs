//! E-mails that are known to belong to users: whoever signs up with one again is answered without the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limits::Server;
use metrics::counter;
use moka::Expiry;
use moka::future::Cache;
use saga::Random;
use saga::store::Accepted;
use signup::{Conflict, EmailAddress, HashKey, Mac, Purpose, SignUp};
use tracing::debug;

use crate::problem::Problem;

/// How many e-mails a process knows at most.
const MOST: u64 = 100_000;
/// How long an e-mail is known, at most: each some time from half of it on, so that not all are forgotten at once.
const TIME: Duration = Duration::from_mins(1);

/// E-mails that are known to belong to users, under keyed hashes.
///
/// Nothing is known of the others: whether one is free is decided where it is accepted. What is known may be a minute
/// old, and of each e-mail one request at a time asks.
pub struct TakenEmails {
    own: Cache<Mac, Taken>,
    server: Option<Arc<Server>>,
    random: Arc<dyn Random>,
}

/// What is known of such an e-mail.
#[derive(Clone)]
struct Taken {
    providers: Arc<[String]>,
    time: Duration,
}

/// Why the e-mail is not known to be taken. How it went with the one who asked is told to that one alone.
enum Unknown {
    /// It was not, a moment ago.
    NotTaken,
    /// The database did not say.
    Away,
}

struct TimeOfEach;

impl TakenEmails {
    /// Nothing is known yet. What one process has learned the others learn from this server, where there are several.
    pub fn new(server: Option<Arc<Server>>, random: Arc<dyn Random>) -> Self {
        let own = Cache::builder().max_capacity(MOST).expire_after(TimeOfEach).build();
        Self { own, server, random }
    }

    /// What stands against the e-mail, if that is known; otherwise how `accept` goes, from which it is learned.
    ///
    /// # Errors
    /// Those of `accept`.
    ///
    /// # Cancel safety
    /// That of `accept`. Who waits for the answer to somebody else's then asks instead of them.
    pub(crate) async fn or_else<F: Future<Output = Result<Accepted<SignUp>, Problem>> + Send>(
        &self,
        key: &HashKey,
        email: &EmailAddress,
        accept: impl Fn() -> F,
    ) -> Result<Accepted<SignUp>, Problem> {
        let email = key.mac(Purpose::TakenEmail, &[email.key().as_bytes()]);
        let (mut asked, mut other) = (None, None);
        let looked = self.own.try_get_with(email, async {
            if let Some(taken) = self.recall(email).await {
                asked = Some("redis");
                return Ok(taken);
            }
            asked = Some("database");
            match accept().await {
                Ok(Accepted::Conflict(Conflict::EmailTaken { providers })) => Ok(self.learn(email, providers).await),
                answer => {
                    let unknown = if answer.is_ok() { Unknown::NotTaken } else { Unknown::Away };
                    other = Some(answer);
                    Err(unknown)
                }
            }
        });
        match looked.await {
            Ok(Taken { providers, .. }) => {
                let outcome = if asked == Some("database") { "miss" } else { "hit" };
                counter!("signup_cache_lookups_total", "cache" => "emails", "outcome" => outcome).increment(1);
                counter!("signup_duplicate_lookups_total", "answered_by" => asked.unwrap_or("process")).increment(1);
                Ok(Accepted::Conflict(Conflict::EmailTaken { providers: providers.to_vec() }))
            }
            Err(unknown) => match (other, &*unknown) {
                (Some(answer), _) => answer,
                // Somebody else asked, and it was not taken: what became of theirs says nothing of ours.
                (None, Unknown::NotTaken) => accept().await,
                // Nothing of ours was sent, and nobody waits for the same twice.
                (None, Unknown::Away) => Err(Problem::Unavailable),
            },
        }
    }

    async fn recall(&self, email: Mac) -> Option<Taken> {
        let recalled = self.server.as_ref()?.recall(&key(email)).await;
        let (providers, time) = recalled.inspect_err(|error| debug!(%error, "not known to Redis")).ok().flatten()?;
        Some(Taken {
            providers: providers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            time,
        })
    }

    async fn learn(&self, email: Mac, providers: Vec<String>) -> Taken {
        let time = self.random.upper_half(TIME);
        if let Some(server) = &self.server
            && let Err(error) = server.remember(&key(email), &providers.join(","), time).await
        {
            debug!(%error, "not told to Redis");
        }
        Taken { providers: providers.into(), time }
    }
}

/// No e-mail is in a key.
fn key(Mac(email): Mac) -> String {
    let mut half = [0; 16];
    half.copy_from_slice(&email[..16]);
    format!("signup:taken:{:032x}", u128::from_be_bytes(half))
}

impl Expiry<Mac, Taken> for TimeOfEach {
    fn expire_after_create(&self, _: &Mac, taken: &Taken, _: Instant) -> Option<Duration> {
        Some(taken.time)
    }
}

impl std::fmt::Debug for TakenEmails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TakenEmails({})", self.own.entry_count())
    }
}
