//! Connections to the server.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

/// How long an answer may take, and a connection: pushes, probes and the cleaner's deletions.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// The same for a worker, which ends where an answer does not come: a server that is stalled for seconds ends none.
const WORKERS_PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// Where the server is, and the connection that pushes and probes share: where a probe went through, so will a push.
pub(super) struct Link {
    pub(super) client: Client,
    shared: Mutex<Option<ConnectionManager>>,
}

impl Link {
    pub(super) fn new(url: &str) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, shared: Mutex::default() })
    }

    /// The shared connection. It connects when it is first used.
    pub(super) fn shared(&self) -> RedisResult<ConnectionManager> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let connection = self.lazy()?;
        Ok(shared.insert(connection).clone())
    }

    /// Lets go of the shared connection, so that the next one is fresh: one that has failed may answer with its failure
    /// once more, and one to a machine that has vanished is never answered again.
    pub(super) fn renew(&self) {
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A connection of its own that connects when it is first used.
    pub(super) fn lazy(&self) -> RedisResult<ConnectionManager> {
        let config = settings(PATIENCE, PATIENCE).set_number_of_retries(0);
        ConnectionManager::new_lazy_with_config(self.client.clone(), config)
    }

    /// A connection for a worker.
    pub(super) async fn workers(&self) -> RedisResult<ConnectionManager> {
        let (response, connection) = WORKERS_PATIENCE;
        let config = settings(response, connection).set_number_of_retries(1);
        ConnectionManager::new_with_config(self.client.clone(), config).await
    }
}

fn settings(response: Duration, connection: Duration) -> ConnectionManagerConfig {
    ConnectionManagerConfig::new().set_response_timeout(Some(response)).set_connection_timeout(Some(connection))
}
