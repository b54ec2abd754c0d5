//! What processes count: all that is listed, nothing else, and in a form that Prometheus likes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use servers::{Pattern, Postgres as Machine, Proxy, Redis};
use tests::{Client, Cluster, Member, PASSWORD, eventually};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::block_in_place;

use crate::cluster::stop;
use crate::embedded::ended;
use crate::faults::PACE;
use crate::redis::{is_ready, redis};
use crate::sessions::{Tokens, me, redeem, refresh, sign_in};
use crate::site::Site;

/// The page that lists them. The program's own tests hold that it is what the program says.
const PAGE: &str = include_str!("../../docs/metrics.md");

/// Which labels there are, by metric.
type Labels = BTreeMap<String, BTreeSet<String>>;

/// What a process in this role is to count.
fn listed(role: &str) -> Labels {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `signup_")?.strip_suffix(" |"));
    let metrics = rows.filter_map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        let [name, _, labels, at, _] = cells[..] else { unreachable!("{row}") };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        [role, "both"].contains(&at).then(|| (format!("signup_{}", name.trim_end_matches('`')), labels))
    });
    metrics.collect()
}

/// What a page of metrics counts.
fn counted(page: &str) -> Labels {
    let mut counted = Labels::new();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let histograms: BTreeSet<_> = types.filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name).collect();
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let whole = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let name = whole.filter(|whole| histograms.contains(whole)).unwrap_or(name);
        // No value has a quote or a comma in it.
        let labels = labels.split(',').filter_map(|label| label.split_once("=\"")).map(|(label, _)| label.to_owned());
        counted.entry(name.to_owned()).or_default().extend(labels.filter(|label| label != "le"));
    }
    counted
}

/// Asks Prometheus' own judge.
async fn prometheus_likes(page: &str) {
    let mut judge = Command::new(promtool());
    judge.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // `tests/run` fetches it.
    let mut judge = judge.spawn().unwrap();
    judge.stdin.take().unwrap().write_all(page.as_bytes()).await.unwrap();
    let output = judge.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// Where `tests/run` puts it, if it is not installed.
fn promtool() -> PathBuf {
    let fetched = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promtool");
    if fetched.exists() { fetched } else { "promtool".into() }
}

/// A cluster to which everything happens that is counted.
struct Stage {
    site: Site,
    redis: Redis,
    way: Proxy,
    cluster: Cluster,
    api: Member,
    client: Client,
}

impl Stage {
    async fn set() -> Self {
        let (site, redis, way) =
            (Site::with_database().await, redis().await, Proxy::to(Machine::shared().port()).unwrap());
        let cluster = Cluster::with_redis(&way.url(&site.url), &redis.url()).await.unwrap().telling(&[(PACE, "0.2")]);
        cluster.migrate().await.unwrap();
        let api = cluster.start("api", "api").await.unwrap();
        let client = api.client().await.unwrap();
        is_ready(&client, "ready").await;
        Self { site, redis, way, cluster, api, client }
    }

    async fn worker(&self, name: &str) -> (Member, Client) {
        let worker = self.cluster.start("worker", name).await.unwrap();
        let client = worker.client().await.unwrap();
        is_ready(&client, "ready").await;
        (worker, client)
    }

    async fn ends(&self, name: &str, full_name: &str, status: &str) {
        let started = self.client.sign_up(&format!("{name}@gmail.com"), full_name, 0).await.unwrap();
        assert_eq!(ended(&self.client, started.text("workflow_id")).await.text("status"), status, "{name}");
    }

    /// Somebody signs up, is known from then on, and has sessions.
    async fn people_come_and_go(&self) {
        let client = &self.client;
        let started = client.sign_up("ada@gmail.com", "Ada", 20).await.unwrap();
        assert_eq!(started.status, 201, "{started:?}");
        assert_eq!(client.get(started.text("status_url")).await.unwrap().text("status"), "completed");
        assert_eq!(client.sign_up("ada@gmail.com", "Eve", 0).await.unwrap().status, 409);
        let tokens = Tokens::of(&redeem(client, &started).await);
        assert_eq!(me(client, &tokens).await.status, 200);
        assert_eq!(sign_in(client, "ada@gmail.com", PASSWORD).await.status, 201);
        assert_eq!(sign_in(client, "ada@gmail.com", "not her password").await.status, 401);
        assert_eq!(refresh(client, &tokens.refresh).await.status, 200);
    }

    /// Nobody comes for a sign-up for a while, and new ones are refused.
    async fn workers_fall_behind(&self) {
        let started = self.client.sign_up("bob@gmail.com", "Bob", 0).await.unwrap();
        let late = "UPDATE sagas SET due_at = now() - interval '2 minutes', sweep_at = now() - interval '2 minutes'
                     WHERE ended_at IS NULL";
        self.site.execute(late).await;
        let refused = async || {
            let answer = self.client.sign_up("eve@gmail.com", "Eve", 0).await.unwrap();
            (answer.text("type") == "/problems/overloaded").then_some(())
        };
        eventually("new sign-ups are refused", refused).await.unwrap();
        let (worker, _) = self.worker("late").await;
        assert_eq!(ended(&self.client, started.text("workflow_id")).await.text("status"), "completed");
        let caught_up = async || {
            let answer = self.client.sign_up("joe@gmail.com", "Joe", 0).await.unwrap();
            (answer.status == 202).then_some(())
        };
        eventually("the workers have caught up", caught_up).await.unwrap();
        stop([worker]).await;
    }
}

/// What of this a page of metrics does not count.
fn lacking(page: &str, all: &Labels) -> Vec<String> {
    let counted = counted(page);
    all.keys().filter(|name| !counted.contains_key(*name)).cloned().collect()
}

/// Waits until a process counts all of this. Returns what it then tells.
async fn until_all_is_counted(client: &Client, all: &Labels) -> String {
    let page = async || client.text("/metrics").await.unwrap();
    let whole = async || Some(page().await).filter(|page| lacking(page, all).is_empty());
    let waited = eventually("all is counted", whole).await;
    if waited.is_err() {
        assert_eq!(lacking(&page().await, all), Vec::<String>::new());
    }
    waited.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_listed_is_counted_and_nothing_else_and_prometheus_likes_it() {
    let mut stage = Stage::set().await;
    // Before anything has happened.
    prometheus_likes(&stage.client.text("/metrics").await.unwrap()).await;
    stage.workers_fall_behind().await;
    let (killed, _) = stage.worker("killed").await;
    let hangs = stage.client.sign_up("hal@gmail.com", "sabotage create_profile:hang", 0).await.unwrap();
    let reached = async || {
        let seen = stage.client.get(hangs.text("status_url")).await.unwrap();
        (seen.body["steps_done"] == 2).then_some(())
    };
    eventually("the step hangs", reached).await.unwrap();
    killed.kill().await.unwrap();
    let (worker, other) = stage.worker("worker").await;
    stage.people_come_and_go().await;
    stage.ends("fails", "sabotage create_profile:fail1", "completed").await;
    stage.ends("undone", "sabotage create_profile:refuse", "failed").await;
    // The replies to an acceptance and to a commit are lost.
    for (number, statement) in ["INSERT INTO sagas", "INSERT INTO organizations"].into_iter().enumerate() {
        stage.way.swallow_reply(Pattern::statement(statement));
        stage.ends(&format!("doubtful{number}"), "Ada", "completed").await;
        assert_eq!(stage.way.sprung(), number as u64 + 1);
    }
    block_in_place(|| stage.redis.kill().and_then(|()| stage.redis.revive())).unwrap();
    for (role, client) in [("api", &stage.client), ("worker", &other)] {
        let listed = listed(role);
        assert!(listed.len() > 10, "{listed:?}");
        let page = until_all_is_counted(client, &listed).await;
        let counted = counted(&page);
        assert_eq!(counted, listed, "{role}");
        prometheus_likes(&page).await;
    }
    stop([stage.api, worker]).await;
}
