//! Hashing passwords: Argon2id, bounded, off the async threads.

use std::fmt;
use std::mem;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::Password;

/// What one hash costs an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost(Params);

/// Why a cost is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Not of the form `m=19456,t=2,p=1`.
    #[error("must look like m=19456,t=2,p=1")]
    Malformed,
    /// Less than OWASP's minimum.
    #[error("must be at least m=19456,t=2,p=1, the minimum that OWASP recommends")]
    TooCheap,
}

/// A password's hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Hashes passwords, at most so many at a time.
pub struct Hasher {
    cost: Cost,
    at_once: usize,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    pool: Arc<BlockPool>,
    #[cfg(feature = "testing")]
    inline: bool,
}

/// Somebody who waits for their turn, counted until they are dropped.
struct Waiting<'a>(&'a AtomicUsize);

/// Memory for hashing, kept between hashes while there is work.
#[derive(Default)]
struct BlockPool(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    free: Vec<Vec<Block>>,
    /// How many were put back so far.
    uses: u64,
    /// Whether somebody frees them when they are idle.
    is_watched: bool,
}

/// How much a hash gives way: threads that want the same core get three times its share.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;
/// How long unused memory is kept.
const IDLE: Duration = Duration::from_secs(10);

impl Default for Cost {
    /// 19 MiB, 2 passes, 1 lane: the OWASP minimum.
    fn default() -> Self {
        Self(Params::DEFAULT)
    }
}

impl FromStr for Cost {
    type Err = CostError;

    fn from_str(text: &str) -> Result<Self, CostError> {
        let values: Vec<(&str, u32)> = text
            .split(',')
            .map(|part| part.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?))))
            .collect::<Option<_>>()
            .ok_or(CostError::Malformed)?;
        let [("m", memory), ("t", passes), ("p", lanes)] = values[..] else { return Err(CostError::Malformed) };
        let params = Params::new(memory, passes, lanes, None).map_err(|_| CostError::Malformed)?;
        let cheap = memory < Params::DEFAULT_M_COST || passes < Params::DEFAULT_T_COST;
        if cheap && cfg!(not(feature = "testing")) { Err(CostError::TooCheap) } else { Ok(Self(params)) }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.0.m_cost(), self.0.t_cost(), self.0.p_cost())
    }
}

impl Hasher {
    /// How long somebody waits for their turn: half of a step's time. Whoever waits longer is not hashed, as their step
    /// might be over before the hash is, and the core is somebody's who is in time.
    pub const TURN: Duration = Duration::from_millis(2500);

    /// A hasher that runs at most `at_once` hashes: one for each core.
    pub fn new(cost: Cost, at_once: usize) -> Self {
        Self {
            cost,
            at_once,
            permits: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            pool: Arc::default(),
            #[cfg(feature = "testing")]
            inline: false,
        }
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
        let permit = self.permit().await?;
        let (params, pool) = (self.cost.0.clone(), Arc::clone(&self.pool));
        #[cfg(feature = "testing")]
        if self.inline {
            return hash_into(&mut vec![Block::default(); params.block_count()], params, password.as_bytes());
        }
        let here = Handle::current();
        background(move || {
            let _permit = permit;
            let mut blocks = pool.take(params.block_count());
            let hash = hash_into(&mut blocks, params, password.as_bytes());
            BlockPool::put(&pool, blocks, &here);
            hash
        })
        .await?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, String> {
        let _waiting = Waiting::among(&self.waiting);
        let turn = timeout(Self::TURN, Arc::clone(&self.permits).acquire_owned()).await;
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

    /// How many hashes run at most.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
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
}

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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

fn hash_into(blocks: &mut [Block], params: Params, password: &[u8]) -> Result<PasswordHash, String> {
    let salt = phc::Salt::generate();
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let text = phc::ParamsString::try_from(&params).map_err(|error| error.to_string())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, &salt, &mut output, blocks)
        .map_err(|error| error.to_string())?;
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: text,
        salt: Some(salt),
        hash: Some(phc::Output::new(&output).map_err(|error| error.to_string())?),
    };
    Ok(PasswordHash(hash.to_string()))
}

impl BlockPool {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, count: usize) -> Vec<Block> {
        let kept = self.kept().free.pop();
        kept.unwrap_or_else(|| vec![Block::default(); count])
    }

    /// Puts them back, and sees to it that they are freed when they are idle.
    fn put(pool: &Arc<Self>, blocks: Vec<Block>, runtime: &Handle) {
        let mut kept = pool.kept();
        kept.free.push(blocks);
        kept.uses += 1;
        if !mem::replace(&mut kept.is_watched, true) {
            runtime.spawn(Self::free_when_idle(Arc::clone(pool)));
        }
    }

    /// Frees them once there was no use for a while.
    async fn free_when_idle(pool: Arc<Self>) {
        let mut seen = 0;
        loop {
            tokio::time::sleep(IDLE).await;
            let mut kept = pool.kept();
            if kept.uses == seen {
                kept.is_watched = false;
                kept.free.clear();
                return;
            }
            seen = kept.uses;
        }
    }
}

impl PasswordHash {
    /// A hash as it is stored.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.cost)
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.into(), &[]).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_hash_verifies_its_own_password_alone() {
        let hasher = Hasher::new(Cost::default(), 1);
        let hash = hasher.hash(password("correct horse battery staple")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        let parsed = phc::PasswordHash::new(hash.as_str()).unwrap();
        let verify = |text: &[u8]| Argon2::default().verify_password(text, &parsed).is_ok();
        assert!(verify(b"correct horse battery staple"));
        assert!(!verify(b"correct horse battery stable"));
    }

    #[tokio::test(start_paused = true)]
    async fn reused_memory_does_not_show_in_the_next_hash() {
        let hasher = Hasher::new(Cost::default(), 1);
        let first = hasher.hash(password("correct horse battery staple")).await.unwrap();
        let second = hasher.hash(password("correct horse battery staple")).await.unwrap();
        assert_ne!(first, second, "the salt is fresh");
        let parsed = phc::PasswordHash::new(second.as_str()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery staple", &parsed).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_for_their_turn_is_not_hashed() {
        let hasher = Hasher::crowded(1).await;
        let late = hasher.hash(password("correct horse battery staple")).await.unwrap_err();
        assert_eq!(late, "no turn within 2.5s");
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_freed_when_idle() {
        let hasher = Hasher::new(Cost::default(), 1);
        hasher.hash(password("correct horse battery staple")).await.unwrap();
        assert_eq!(hasher.pool.kept().free.len(), 1);
        tokio::time::sleep(IDLE * 3).await;
        assert_eq!(hasher.pool.kept().free.len(), 0);
    }

    #[test]
    fn a_cost_reads_back_as_itself() {
        for text in ["m=19456,t=2,p=1", "m=65536,t=3,p=4"] {
            assert_eq!(text.parse::<Cost>().map(|cost| cost.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "m=19456", "t=2,m=19456,p=1", "m=x,t=2,p=1", "m=19456,t=2,p=1,q=1"] {
            assert_eq!(text.parse::<Cost>(), Err(CostError::Malformed), "{text}");
        }
    }

    #[test]
    #[cfg(not(feature = "testing"))]
    fn less_than_the_minimum_is_refused() {
        for text in ["m=19455,t=2,p=1", "m=19456,t=1,p=1"] {
            assert_eq!(text.parse::<Cost>(), Err(CostError::TooCheap), "{text}");
        }
    }
}
