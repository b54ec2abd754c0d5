//! Hearing that hints have been pushed, in whatever process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::RedisResult;
use redis::aio::{PubSubSink, PubSubStream};
use saga::{Retry, StepName};
use tokio::time::{interval, sleep, timeout};
use tracing::debug;

use super::Redis;
use super::ear::Ear;

/// How long it may take to subscribe.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two questions whether the server is still there.
const PING: Duration = Duration::from_secs(5);
/// Between two attempts to subscribe: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(100), Duration::from_secs(5));

/// Rings each step's [`Ear`] when it is told to.
pub(super) struct Bell {
    pub(super) redis: Arc<Redis>,
    pub(super) ears: BTreeMap<StepName, Arc<Ear>>,
}

impl Bell {
    /// Goes on until dropped, through every loss of the connection.
    pub(super) async fn listen(self) {
        let mut failures = 0;
        loop {
            self.redis.health.linked().await;
            let error = match timeout(PATIENCE, self.subscribe()).await {
                Ok(Ok((sink, stream))) => {
                    failures = 0;
                    self.ring_until_silent(sink, stream).await
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            failures += 1;
            debug!(%error, "not told of hints, looking for them at each tick");
            self.redis.health.suspect();
            sleep(PAUSES.delay(failures, self.redis.random.fraction())).await;
        }
    }

    async fn subscribe(&self) -> RedisResult<(PubSubSink, PubSubStream)> {
        let (mut sink, stream) = self.redis.link.client.get_async_pubsub().await?.split();
        sink.subscribe(&self.redis.queues.wakes).await?;
        Ok((sink, stream))
    }

    /// Rings until the connection is lost, and says how.
    async fn ring_until_silent(&self, mut sink: PubSubSink, mut stream: PubSubStream) -> String {
        // Something may have been pushed before it was listened for.
        self.ears.values().for_each(|ear| ear.ring());
        let mut pings = interval(PING);
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.ring(message.get_payload_bytes()),
                    None => return "the connection is lost".to_owned(),
                },
                _ = pings.tick() => {
                    let ping = timeout(PATIENCE, sink.ping::<()>());
                    match ping.await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return error.to_string(),
                        Err(_) => return "no answer in time".to_owned(),
                    }
                }
            }
        }
    }

    fn ring(&self, step: &[u8]) {
        if let Some((_, ear)) = self.ears.iter().find(|(known, _)| known.as_str().as_bytes() == step) {
            ear.ring();
        }
    }
}
