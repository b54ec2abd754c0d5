//! The service as processes: one `signup api` and one `signup worker`, on a database of their own, and Redis.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use servers::Redis;
use sqlx::{Connection, PgConnection};
use tests::{Client, Member};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::users::email;

/// How long one sign-up may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at which sign-ups have ended.
const LOOK: Duration = Duration::from_millis(4);
/// Those of these that have.
const ENDED: &str = "SELECT id, state = 'completed' AS well FROM sagas WHERE id = ANY($1) AND ended_at IS NOT NULL";
/// From acceptance to the end, of the youngest that ended.
const TOOK: &str = "
SELECT extract(epoch FROM ended_at - accepted_at)::float8 FROM sagas
 WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT $1";

/// The processes, while they run, and a client of theirs.
pub(crate) struct Processes {
    client: Client,
    ends: Arc<Ends>,
    watching: JoinHandle<()>,
    database: String,
    _members: [Member; 2],
    _redis: Redis,
}

/// Who waits for which sign-up's end.
#[derive(Default)]
struct Ends(Mutex<HashMap<Uuid, oneshot::Sender<bool>>>);

impl Processes {
    /// Starts them on an empty database, with passwords hashed at this cost. They log to a folder.
    pub(crate) async fn start(database: &str, redis: Redis, cost: &str, folder: &Path) -> anyhow::Result<Self> {
        let keys = String::from_utf8(tests::run(&["keys", "init"]).await?.stdout)?;
        let servers = [("DATABASE_URL", database), ("REDIS_URL", &*redis.url()), ("SIGNUP_ARGON2", cost)];
        let keys = keys.lines().filter_map(|line| line.split_once('='));
        let told: Vec<_> = servers.into_iter().chain(keys).collect();
        let migrated = tests::run_with(&["migrate"], &told).await?;
        ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let start = async |role: &str| {
            let member = Member::spawn(role, &folder.join(format!("{role}.log")), &told).await?;
            member.says(" started").await.map(|()| member)
        };
        let members = [start("api").await?, start("worker").await?];
        let ends = Arc::<Ends>::default();
        let watching = tokio::spawn(Arc::clone(&ends).watch(PgConnection::connect(database).await?));
        let (client, database) = (members[0].client().await?, database.to_owned());
        Ok(Self { client, ends, watching, database, _members: members, _redis: redis })
    }

    /// Signs someone up, and waits until that has completed.
    pub(crate) async fn sign_up(&self) -> anyhow::Result<()> {
        let answer = self.client.sign_up(&email(), "Ada Lovelace", 0).await?;
        ensure!(answer.status == 202, "not accepted: {answer:?}");
        let saga = answer.text("workflow_id").strip_prefix("wf_").context("no id")?.parse()?;
        ensure!(!self.watching.is_finished(), "the database cannot be watched");
        let ended = timeout(PATIENCE, self.ends.of(saga)).await.context("a sign-up does not end")?;
        ensure!(ended?, "a sign-up has failed");
        Ok(())
    }

    /// How long the last so many took from their acceptance to their end, by the database's clock.
    pub(crate) async fn took(&self, last: usize) -> anyhow::Result<Vec<Duration>> {
        let mut database = PgConnection::connect(&self.database).await?;
        let took = sqlx::query_scalar(TOOK).bind(i64::try_from(last)?).fetch_all(&mut database).await?;
        Ok(took.into_iter().map(Duration::from_secs_f64).collect())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Ends {
    async fn of(&self, saga: Uuid) -> Result<bool, oneshot::error::RecvError> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(saga, sender);
        receiver.await
    }

    /// One query for all who wait, until it fails.
    async fn watch(self: Arc<Self>, mut database: PgConnection) {
        loop {
            sleep(LOOK).await;
            let awaited: Vec<Uuid> = self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
            if awaited.is_empty() {
                continue;
            }
            let ended = sqlx::query_as::<_, (Uuid, bool)>(ENDED).bind(awaited).fetch_all(&mut database).await;
            let Ok(ended) = ended else { return };
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (saga, well) in ended {
                if let Some(waits) = waiting.remove(&saga) {
                    // Whoever waited may have given up.
                    let _ = waits.send(well);
                }
            }
        }
    }
}
