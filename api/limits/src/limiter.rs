//! Both counts together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{Bucket, Decision, Own, Shared};

/// How long Redis is left alone that did not decide.
const PAUSE: Duration = Duration::from_secs(1);

/// Decides what may be done.
///
/// This process' own count refuses what it knows to be too much; for the rest the count of all processes decides. While
/// that is away the own count, which goes on all the time, is all there is: each process then allows as many as all did
/// together.
#[derive(Debug)]
pub struct Limiter {
    own: Own,
    shared: Option<Shared>,
    /// Until when the shared count is left alone, where it is away.
    away_until: Mutex<Option<Instant>>,
}

impl Limiter {
    /// With a count of all processes, where there are several.
    pub fn new(shared: Option<Shared>) -> Self {
        Self { own: Own::default(), shared, away_until: Mutex::new(None) }
    }

    /// Takes from all of these buckets, if each has something left.
    pub async fn take(&self, buckets: &[Bucket]) -> Decision {
        let (decision, taken) = self.own.take(buckets);
        let Some(taken) = taken else { return decision };
        match self.ask(buckets).await {
            None => decision,
            Some(decision) => {
                if !decision.allowed {
                    self.own.give_back(buckets, taken);
                }
                decision
            }
        }
    }

    /// What the count of all processes says, if it says anything.
    async fn ask(&self, buckets: &[Bucket]) -> Option<Decision> {
        let shared = self.shared.as_ref().filter(|_| self.may_ask())?;
        match shared.take(buckets).await {
            Ok(decision) => {
                if self.away_until().take().is_some() {
                    info!("limits are counted over all processes again");
                }
                Some(decision)
            }
            Err(error) => {
                if self.away_until().replace(Instant::now() + PAUSE).is_none() {
                    warn!(%error, "limits are counted by each process alone while Redis does not decide");
                }
                None
            }
        }
    }

    /// Whether the shared count is worth asking: where it was away, one asks after a while, and the others go on without.
    fn may_ask(&self) -> bool {
        let (mut away_until, now) = (self.away_until(), Instant::now());
        match &mut *away_until {
            None => true,
            Some(until) if *until <= now => {
                *until = now + PAUSE;
                true
            }
            Some(_) => false,
        }
    }

    fn away_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
