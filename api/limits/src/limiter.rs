//! Both counts together.

use std::sync::Arc;

use metrics::counter;
use tracing::debug;

use crate::own::{self, Own};
use crate::shared::Shared;
use crate::{Bucket, Decision, Server};

/// Decides what may be done.
///
/// This process' own count refuses what it knows to be too much; for the rest the count of all processes decides. While
/// that is away the own count, which goes on all the time, is all there is: each process then allows as many as all did
/// together.
#[derive(Debug)]
pub struct Limiter {
    own: Own,
    shared: Option<Shared>,
}

/// What was taken, so that it can be given back.
#[derive(Debug)]
pub struct Taken {
    buckets: Vec<Bucket>,
    own: own::Taken,
    /// When, by Redis' clock, where Redis counted it.
    shared: Option<u64>,
}

impl Limiter {
    /// With a count of all processes on this server, where there are several.
    pub fn new(server: Option<Arc<Server>>) -> Self {
        Self { own: Own::default(), shared: server.map(Shared) }
    }

    /// Takes from all of these buckets, if each has something left: nothing is taken where it is not allowed.
    pub async fn take(&self, buckets: &[Bucket]) -> (Decision, Option<Taken>) {
        let (decision, own) = self.own.take(buckets);
        let Some(own) = own else {
            count(false, "process");
            return (decision, None);
        };
        let taken = |shared| Some(Taken { buckets: buckets.to_vec(), own, shared });
        match self.ask(buckets).await {
            None => {
                count(true, if self.shared.is_some() { "fallback" } else { "process" });
                (decision, taken(None))
            }
            Some((decision, Some(at))) => {
                count(true, "redis");
                (decision, taken(Some(at)))
            }
            Some((decision, None)) => {
                count(false, "redis");
                self.own.give_back(buckets, own);
                (decision, None)
            }
        }
    }

    /// Gives back what was taken for nothing. Where Redis does not answer, it stays taken there until its time is over.
    pub async fn give_back(&self, taken: Taken) {
        self.own.give_back(&taken.buckets, taken.own);
        if let (Some(shared), Some(at)) = (&self.shared, taken.shared)
            && let Err(error) = shared.give_back(&taken.buckets, at).await
        {
            debug!(%error, "not given back");
        }
    }

    /// What the count of all processes says, if it says anything.
    async fn ask(&self, buckets: &[Bucket]) -> Option<(Decision, Option<u64>)> {
        self.shared.as_ref()?.take(buckets).await.ok()
    }
}

/// Counts a decision, by who made it.
fn count(allowed: bool, by: &'static str) {
    let decision = if allowed { "allowed" } else { "refused" };
    counter!("signup_limit_decisions_total", "decision" => decision, "by" => by).increment(1);
}
