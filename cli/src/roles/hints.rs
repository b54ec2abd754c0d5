//! Redis, through which the processes of a cluster tell each other what is due.

use std::sync::Arc;
use std::time::Duration;

use ::api::{Component, Condition, Trouble};
use ::worker::{Redis, RedisHealth};
use async_trait::async_trait;
use saga::Random;
use signup::SignUp;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::cluster::Cluster;
use super::seams;
use crate::config::{Error, settings};

/// How long pushing the last hints may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Hints, while they are pushed.
pub(super) struct Hints {
    pub(super) redis: Arc<Redis>,
    end: CancellationToken,
    pushing: JoinHandle<()>,
}

impl Hints {
    /// Pushes hints from now on, whenever Redis is there.
    pub(super) fn begin(cluster: &Cluster, random: &Arc<dyn Random>) -> anyhow::Result<Self> {
        let redis = Redis::open::<SignUp>(cluster.redis_url.reveal(), &seams::outline(), Arc::clone(random))
            .map_err(|error| Error::new(format!("`{}`: {error}", settings::REDIS_URL.variable)))?;
        let end = CancellationToken::new();
        let pushing = tokio::spawn({
            let (redis, end) = (Arc::clone(&redis), end.clone());
            async move { redis.run(end).await }
        });
        Ok(Self { redis, end, pushing })
    }

    /// How Redis is, for whoever asks whether the process is ready.
    pub(super) fn component(&self) -> Arc<dyn Component> {
        Arc::new(Pushed(self.redis.health()))
    }

    /// Pushes what is left: of it are hints of what this process handed back.
    pub(super) async fn end(self) {
        self.end.cancel();
        if timeout(LAST_WORDS, self.pushing).await.is_err() {
            debug!("the last hints were not pushed in time; whoever looks for due sagas finds theirs");
        }
    }
}

/// How pushing goes.
struct Pushed(RedisHealth);

#[async_trait]
impl Component for Pushed {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn condition(&self) -> Condition {
        match self.0.trouble() {
            None => Condition::Well,
            Some(trouble) => Condition::Degraded(Trouble {
                shown: "it is of no use; sign-ups go on, a second or two slower",
                cause: trouble.why,
            }),
        }
    }
}
