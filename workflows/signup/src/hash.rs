//! Hashing passwords and verifying them: Argon2id, bounded, off the async threads.

mod cost;
mod memory;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use argon2::Block;
use metrics::{gauge, histogram};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

pub use self::cost::{Cost, CostError};
use self::memory::BlockPool;
pub use self::stored::PasswordHash;
use self::stored::Stored;
use crate::Password;

/// Hashes passwords and verifies them, at most so many at a time.
pub struct Hasher {
    /// What it is counted as.
    purpose: &'static str,
    cost: Cost,
    at_once: usize,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    pool: Arc<BlockPool>,
    #[cfg(feature = "testing")]
    inline: bool,
}

/// Whether a password is the one that a hash is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is, and the hash is worth less than what this hasher makes: it should be replaced by a new one.
    YesOutdated,
}

/// Why it is not known whether a password is the one that a hash is of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No turn in time, no memory, or no thread: later there may be.
    #[error("{0}")]
    NotNow(String),
    /// The hash cannot be read, or costs more than any hash may.
    #[error("{0}")]
    Unreadable(String),
}

/// Somebody who waits for their turn, counted until they are dropped.
struct Waiting<'a>(&'a Hasher);

/// How much a hash gives way: threads that want the same core get three times its share.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

impl Hasher {
    /// How long somebody waits for their turn: half of a step's time. Whoever waits longer is not hashed, as their step
    /// might be over before the hash is, and the core is somebody's who is in time.
    pub const TURN: Duration = Duration::from_millis(2500);

    /// A hasher for sign-ups, which runs at most `at_once` hashes: one for each core.
    pub fn new(cost: Cost, at_once: usize) -> Self {
        Self {
            purpose: "sign_up",
            pool: Arc::new(BlockPool::of(cost.0.block_count())),
            cost,
            at_once,
            permits: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            #[cfg(feature = "testing")]
            inline: false,
        }
    }

    /// A hasher for those who sign in.
    pub fn of_sign_ins(cost: Cost, at_once: usize) -> Self {
        Self { purpose: "sign_in", ..Self::new(cost, at_once) }
    }

    /// A hasher that hashes where it is called: without a thread, whose end would come at a time of its own.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn inline(cost: Cost) -> Self {
        Self { inline: true, ..Self::new(cost, 1) }
    }

    /// Hashes a password under a fresh salt.
    ///
    /// # Errors
    /// Says why there is no hash: no turn in time, no randomness, no memory, or the process is stopping.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop a hash that has begun; its permit is held until its thread is free.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, String> {
        let params = self.cost.0.clone();
        self.run(params.block_count(), move |blocks| PasswordHash::make(params, &password, blocks)).await?
    }

    /// Whether a hash is this password's, whatever the hash cost when it was made.
    ///
    /// # Errors
    /// [`Unverified`] says why that is not known.
    ///
    /// # Cancel safety
    /// As for [`Hasher::hash`].
    pub async fn verify(&self, hash: &PasswordHash, password: Password) -> Result<Verified, Unverified> {
        let stored = Stored::read(hash).map_err(Unverified::Unreadable)?;
        let yes = if stored.is_outdated(&self.cost) { Verified::YesOutdated } else { Verified::Yes };
        let size = stored.params.block_count();
        let matches = self.run(size, move |blocks| stored.is_of(&password, blocks)).await.flatten();
        let matches = matches.map_err(Unverified::NotNow)?;
        Ok(if matches { yes } else { Verified::No })
    }

    /// Does the work of [`Hasher::verify`] where there is no hash to verify against, so that it takes as long as with one
    /// that this hasher made. The answer is `No`, whatever the password.
    ///
    /// # Errors
    /// [`Unverified::NotNow`].
    ///
    /// # Cancel safety
    /// As for [`Hasher::hash`].
    pub async fn verify_nobody(&self, password: Password) -> Result<Verified, Unverified> {
        self.verify(&PasswordHash::of_nobody(&self.cost), password).await.map(|_| Verified::No)
    }

    /// How long one hash takes on this machine.
    ///
    /// # Errors
    /// As for [`Hasher::hash`].
    pub async fn trial(&self) -> Result<Duration, String> {
        let begun = Instant::now();
        self.hash(Password::of_nobody()).await?;
        Ok(begun.elapsed())
    }

    /// How many hashes run at most.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Does work that needs so many blocks of memory, once it is its turn.
    async fn run<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, String> {
        let permit = self.permit().await?;
        let took = histogram!("signup_hash_duration_seconds", "purpose" => self.purpose);
        #[cfg(feature = "testing")]
        if self.inline {
            let (begun, done) = (Instant::now(), work(&mut vec![Block::default(); size]));
            took.record(begun.elapsed());
            return Ok(done);
        }
        let (pool, here) = (Arc::clone(&self.pool), Handle::current());
        background(move || {
            let _permit = permit;
            let mut blocks = pool.take(size);
            let (begun, done) = (Instant::now(), work(&mut blocks));
            took.record(begun.elapsed());
            BlockPool::put(&pool, blocks, &here);
            done
        })
        .await
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, String> {
        let (_waiting, begun) = (Waiting::among(self), Instant::now());
        let turn = timeout(Self::TURN, Arc::clone(&self.permits).acquire_owned()).await;
        histogram!("signup_hash_wait_duration_seconds", "purpose" => self.purpose).record(begun.elapsed());
        turn.map_err(|_| format!("no turn within {:?}", Self::TURN))?.map_err(|error| error.to_string())
    }

    /// One at a time, which never ends, and so many who wait for it.
    #[cfg(test)]
    pub(crate) async fn crowded(size: usize) -> Arc<Self> {
        let hasher = Arc::new(Self::new(Cost::default(), 1));
        hasher.permits.forget_permits(1);
        for _ in 0..size {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.permit().await });
        }
        while hasher.waiting() < size {
            tokio::task::yield_now().await;
        }
        hasher
    }
}

impl<'a> Waiting<'a> {
    fn among(hasher: &'a Hasher) -> Self {
        hasher.waiting.fetch_add(1, Ordering::Relaxed);
        gauge!("signup_hash_queue", "purpose" => hasher.purpose).increment(1);
        Self(hasher)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        gauge!("signup_hash_queue", "purpose" => self.0.purpose).decrement(1);
    }
}

/// Runs this on a thread of its own, which everything else goes before: a hash takes a core for so long that whoever
/// waits for an answer meanwhile would wait for it.
async fn background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (answer, answered) = oneshot::channel();
    let run = move || {
        // Of the calling thread alone, on Linux; elsewhere it would be the process'. Where it cannot be had, it is as
        // important as any.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICE);
        let _ = answer.send(work());
    };
    thread::Builder::new().name("hash".to_owned()).spawn(run).map_err(|error| format!("no thread: {error}"))?;
    answered.await.map_err(|_| "the hash panicked".to_owned())
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.cost)
    }
}
