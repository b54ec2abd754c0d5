//! Whether the server answers and takes what is written, and how many hints wait there.

use std::time::Duration;

use redis::aio::ConnectionManager;
use saga::{Random, Retry};
use tokio::time::{Instant, sleep, timeout};

use super::health::RedisHealth;
use super::hints::Hints;
use super::link::{Link, PATIENCE};
use super::queues::Queues;
use super::server::Server;

/// Between two probes while hints are pushed, and while none are.
const BEAT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// Between two probes of a server that fails them: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(250), Duration::from_secs(5));
/// Between two looks at how the server is set up.
const INSPECTION: Duration = Duration::from_mins(1);
/// How long what a probe writes is kept, in milliseconds.
const KEPT: u32 = 10_000;

/// Written by a script, as hints are: a server may take the one and refuse the other.
const WRITE: &str = "return redis.call('SET', KEYS[1], '', 'PX', ARGV[1])";

/// Probes the server again and again.
pub(super) struct Pulse<'a> {
    pub(super) link: &'a Link,
    pub(super) queues: &'a Queues,
    pub(super) health: &'a RedisHealth,
    pub(super) hints: &'a Hints,
    pub(super) random: &'a dyn Random,
}

impl Pulse<'_> {
    /// Goes on until dropped.
    pub(super) async fn beat(&self) {
        let (mut failures, mut server) = (0_u32, Server::default());
        let mut inspected = None;
        loop {
            match self.probe().await {
                Ok(()) => {
                    failures = 0;
                    self.health.found();
                }
                Err(why) => {
                    failures = failures.saturating_add(1);
                    self.health.lost(why);
                }
            }
            // Not since the last probe: whoever pushes may have found out before.
            let linked = self.health.is_linked();
            let known = |(at, was_linked): (Instant, bool)| was_linked == linked && at.elapsed() < INSPECTION;
            if !inspected.is_some_and(known) {
                self.inspect(&mut server).await;
                inspected = Some((Instant::now(), linked));
            }
            if failures > 0 {
                self.link.renew();
                sleep(PAUSES.delay(failures, self.random.fraction())).await;
            } else {
                let busy = self.hints.unseen().values().any(|pushed| *pushed > 0);
                // Whoever suspects something is right, or the probe finds that all is well.
                let _ = timeout(if busy { BEAT.0 } else { BEAT.1 }, self.health.suspicion()).await;
            }
        }
    }

    /// Writes something as a push does, and looks how many hints wait.
    async fn probe(&self) -> Result<(), String> {
        let mut connection = self.link.shared().map_err(|error| error.to_string())?;
        let unseen = self.hints.unseen();
        let mut written = connection.clone();
        let mut write = redis::cmd("EVAL");
        write.arg(WRITE).arg(1).arg(&self.queues.probe).arg(KEPT);
        let mut questions = redis::pipe();
        for queue in self.queues.all() {
            questions.cmd("ZCARD").arg(queue.scheduled()).cmd("LLEN").arg(queue.active());
        }
        let both = async {
            let asked = questions.query_async::<Vec<usize>>(&mut connection);
            tokio::try_join!(biased; write.query_async::<()>(&mut written), asked)
        };
        let answer = timeout(PATIENCE, both).await.map_err(|_| "no answer in time".to_owned())?;
        let ((), depths) = answer.map_err(|error| error.to_string())?;
        for (queue, depth) in self.queues.all().zip(depths.chunks_exact(2)) {
            self.hints.seen(&queue.step, depth[0] + depth[1], unseen.get(&queue.step).copied().unwrap_or(0));
        }
        Ok(())
    }

    /// A server that does not take what is written may answer this all the same.
    async fn inspect(&self, server: &mut Server) {
        let Ok(mut connection) = self.link.shared() else { return };
        if let Some(info) = info(&mut connection).await {
            server.inspect(&info);
        }
    }
}

async fn info(connection: &mut ConnectionManager) -> Option<String> {
    timeout(PATIENCE, redis::cmd("INFO").query_async::<String>(connection)).await.ok()?.ok()
}
