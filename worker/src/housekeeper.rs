//! What must happen though no job asks for it.

use std::sync::Arc;
use std::time::Duration;

use saga::{Policy, Random, Saga, Store};
use tracing::{debug, info, warn};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);

/// Marks silent sagas stuck, wipes overdue secrets and forgets old idempotency keys, until dropped.
pub(crate) async fn housekeep<S: Saga>(store: Arc<dyn Store<S>>, policy: Policy, random: Arc<dyn Random>) {
    loop {
        match store.housekeep(&policy).await {
            Ok(kept) => {
                for saga in &kept.silent {
                    warn!(saga.id = %saga, silence = ?policy.silence, "stuck: its step has been under way for long");
                }
                if kept.secrets > 0 {
                    info!(sealed_passwords = kept.secrets, "wiped for their age");
                }
                if kept.keys > 0 {
                    debug!(idempotency_keys = kept.keys, "forgotten");
                }
            }
            Err(error) => warn!(%error, "housekeeping put off"),
        }
        tokio::time::sleep(ROUND.mul_f64(0.8 + 0.4 * random.fraction())).await;
    }
}
