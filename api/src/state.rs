//! What the handlers work with.

use std::fmt;
use std::sync::Arc;

use auditor::Evidence;
use metrics_exporter_prometheus::PrometheusHandle;
use saga::{Backlog, Clock, Fleet, Listener, Outline, Random, Store};
use signup::statistics::Statistics;
use signup::{Duplicates, HashKey, Operators, Replays, Sealer, SignUp};

use crate::{Admission, AllowedOrigins, Health, Identity, Overload, TakenEmails, Waiters};

/// What the handlers work with.
#[derive(Clone)]
pub struct Api {
    /// Where sign-ups are accepted and read.
    pub store: Arc<dyn Store<SignUp>>,
    /// Knows requests again.
    pub replays: Arc<dyn Replays>,
    /// Who may see and act on sagas.
    pub operators: Arc<dyn Operators>,
    /// Who is who: sessions and their tokens.
    pub identity: Arc<Identity>,
    /// What waits for a worker.
    pub backlog: Arc<dyn Backlog>,
    /// What all processes have counted.
    pub statistics: Arc<dyn Statistics>,
    /// What auditors have found.
    pub evidence: Arc<dyn Evidence>,
    /// The processes that work on the store.
    pub fleet: Arc<dyn Fleet>,
    /// Is told of an accepted sign-up and of an operator's action, so that a worker takes it at once.
    pub listener: Arc<dyn Listener>,
    /// Requests that wait for a sign-up to end. Hand the same ones to whatever learns of sagas that advance.
    pub waiters: Arc<Waiters>,
    /// Whether the process is well.
    pub health: Arc<Health>,
    /// Who may ask how often.
    pub admission: Arc<Admission>,
    /// E-mails that are known to belong to users.
    pub taken: Arc<TakenEmails>,
    /// Whether more sign-ups can be taken.
    pub overload: Arc<Overload>,
    /// What is counted.
    pub metrics: PrometheusHandle,
    /// The pages that may ask from a browser.
    pub origins: AllowedOrigins,
    /// Seals passwords to the workers.
    pub sealer: Sealer,
    /// The key of the keyed hashes of idempotency keys, of request bodies, of who is limited, and of refresh tokens.
    pub hash_key: HashKey,
    /// The time of new ids.
    pub clock: Arc<dyn Clock>,
    /// The randomness of new ids and of delays.
    pub random: Arc<dyn Random>,
    /// What sign-ups are accepted as.
    pub outline: Outline,
    /// What becomes of those whose e-mail is known.
    pub duplicates: Duplicates,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("outline", &self.outline).finish_non_exhaustive()
    }
}
