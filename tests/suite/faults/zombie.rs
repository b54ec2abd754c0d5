//! Workers that stand still for longer than their leases, and then go on as if nothing had been.

use servers::{Pattern, Postgres as Machine, Proxy};
use tests::{Client, Cluster, Member, eventually};
use tokio::time::{Duration, Instant, sleep};

use super::PACE;
use super::journal::Journal;
use crate::BUSY;
use crate::cluster::{HANGS_ONCE, stop};
use crate::embedded::ended;
use crate::site::Site;

/// Leases of 4 s, and all that must fit into them.
const HURRIED: (&str, &str) = (PACE, "0.2");
/// Of every commit, whatever its effect.
const COMMIT: &str = "FOR NO KEY UPDATE OF s";
const LATE: &str = "commit abandoned, the lease will run out";
const FENCED: &str = "fenced: another worker has this saga";

/// An API, and a worker that is on a way of its own to the database.
struct Stage {
    site: Site,
    cluster: Cluster,
    way: Proxy,
    api: Member,
    client: Client,
    zombie: Member,
}

impl Stage {
    async fn set() -> Self {
        let site = Site::with_database().await;
        let told = [HURRIED, ("SIGNUP_LOG", "info,saga=debug")];
        let cluster = Cluster::on(&site.url).await.unwrap().telling(&told);
        cluster.migrate().await.unwrap();
        let way = Proxy::to(Machine::shared().port()).unwrap();
        let api = cluster.start("api", "api").await.unwrap();
        let zombie = cluster.start_with("worker", "zombie", &[("DATABASE_URL", &way.url(&site.url))]).await.unwrap();
        let client = api.client().await.unwrap();
        Self { site, cluster, way, api, client, zombie }
    }

    async fn sign_up(&self, how_many: usize, full_name: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..how_many {
            let answer = self.client.sign_up(&format!("user{number}@example.com"), full_name, 0).await.unwrap();
            assert_eq!(answer.status, 202, "{answer:?}");
            ids.push(answer.text("workflow_id").to_owned());
        }
        ids
    }

    /// The other worker takes over all that the first has, and brings it to its end.
    async fn another_goes_on(&self, ids: &[String]) -> Member {
        let other = self.cluster.start("worker", "other").await.unwrap();
        for id in ids {
            assert_eq!(ended(&self.client, id).await.text("status"), "completed");
        }
        let log = other.log().unwrap();
        assert_eq!(log.matches("took over from a worker").count(), ids.len(), "{log}");
        other
    }

    /// What the first worker wrote late has reached the server, and changed nothing.
    async fn the_first_one_is_fenced(self, other: Member, ids: &[String]) {
        let wrote = || async { (self.way.sprung() > 0).then_some(()) };
        eventually("the first worker writes", wrote).await.unwrap();
        let log =
            || async { Some(self.zombie.log().unwrap()).filter(|log| log.contains(LATE) || log.contains(FENCED)) };
        eventually("it is told that its claim is over", log).await.unwrap();
        let facts = self.site.check().await;
        // Accepted, and each step done, once.
        assert_eq!((facts.events.len(), facts.users.len()), (5 * ids.len(), ids.len()));
        stop([self.zombie, other, self.api]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_past_its_lease_in_the_middle_of_a_step_writes_nothing_any_more() {
    let _quiet = BUSY.write().await;
    let stage = Stage::set().await;
    let ids = stage.sign_up(10, HANGS_ONCE).await;
    let mut journal = Journal::of(&stage.site.url).await;
    let begun = Instant::now();
    while journal.count("SELECT count(*) FROM sagas WHERE step = 'create_profile' AND lease_until > now()").await < 10 {
        assert!(begun.elapsed() < Duration::from_secs(30), "they are not all at it at once");
        sleep(Duration::from_millis(10)).await;
    }
    stage.zombie.pause().await.unwrap();
    let other = stage.another_goes_on(&ids).await;
    stage.way.swallow_reply(Pattern::statement(COMMIT));
    stage.zombie.resume().await.unwrap();
    stage.the_first_one_is_fenced(other, &ids).await;
}
