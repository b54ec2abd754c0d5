//! The product as many processes: `signup api` and `signup worker` on one PostgreSQL database.

use std::process::Output;

use serde_json::{Value, json};
use servers::{Durability, Postgres as Machine};
use tests::{Client, Cluster, Member, eventually, run, run_with};
use tokio::time::{Duration, Instant};

use crate::BUSY;
use crate::embedded::ended;
use crate::site::Site;

/// One of its steps hangs until its time is over, and then does not.
pub(crate) const HANGS_ONCE: &str = "sabotage create_profile:hang1";

/// A cluster on a server of its own, which can be killed.
pub(crate) struct Fragile {
    machine: Option<Machine>,
    pub(crate) cluster: Cluster,
}

impl Fragile {
    pub(crate) async fn start() -> Self {
        let machine = Machine::start(Durability::None).unwrap();
        let cluster = Cluster::on(&machine.url("postgres")).await.unwrap();
        cluster.migrate().await.unwrap();
        Self { machine: Some(machine), cluster }
    }

    pub(crate) fn kill(&mut self) {
        self.machine.as_mut().unwrap().kill().unwrap();
    }

    pub(crate) async fn revive(&mut self) {
        let mut machine = self.machine.take().unwrap();
        let revived = tokio::task::spawn_blocking(move || machine.revive().map(|()| machine)).await.unwrap().unwrap();
        self.machine = Some(revived);
    }
}

/// SIGTERM to all, each of which ends well.
pub(crate) async fn stop(members: impl IntoIterator<Item = Member>) {
    let mut members: Vec<_> = members.into_iter().collect();
    for member in &members {
        member.ask_to_stop().await.unwrap();
    }
    for member in &mut members {
        let status = member.ended().await.unwrap();
        assert!(status.success(), "{status}: {}", member.log().unwrap());
    }
}

/// Whether the process is ready: the status, and the component that the problem names.
pub(crate) async fn readiness(client: &Client) -> (u16, String) {
    let answer = client.get("/readyz").await.unwrap();
    (answer.status, answer.text("component").to_owned())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn sign_ups_are_taken_by_one_process_and_completed_by_others() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let api = cluster.start("api", "api").await.unwrap();
    let client = api.client().await.unwrap();
    let mut accepted = Vec::new();
    for number in 0..20 {
        let answer = client.sign_up(&format!("user{number}@example.com"), "Ada", 0).await.unwrap();
        assert_eq!((answer.status, answer.text("status")), (202, "pending"), "{answer:?}");
        accepted.push(answer.text("workflow_id").to_owned());
    }
    let status = client.get(&format!("/v1/signups/{}", accepted[0])).await.unwrap();
    assert_eq!(status.body["steps_done"], 0, "the API runs no steps: {status:?}");

    let (one, other) = (cluster.start("worker", "one").await.unwrap(), cluster.start("worker", "other").await.unwrap());
    for id in &accepted {
        assert_eq!(ended(&client, id).await.text("status"), "completed");
    }
    let waited = client.sign_up("grace@example.com", "Grace", 20).await.unwrap();
    assert_eq!((waited.status, waited.text("status")), (201, "completed"), "{waited:?}");

    let listed = cluster.operate(&api, &["worker", "list", "--json"]).await.unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut roles: Vec<_> = listed["workers"].as_array().unwrap().iter().map(|worker| worker["role"].clone()).collect();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(Value::from(roles), json!(["api", "worker", "worker"]));
    for worker in [&one, &other] {
        let answer = worker.client().await.unwrap().get("/v1/signups/x").await.unwrap();
        assert_eq!(answer.status, 404, "a worker takes no requests: {answer:?}");
    }
    assert_eq!(site.check().await.users.len(), accepted.len() + 1);
}

#[tokio::test]
async fn an_api_alone_wipes_passwords_that_are_too_old() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let api = cluster.start("api", "api").await.unwrap();
    let accepted = api.client().await.unwrap().sign_up("ada@example.com", "Ada", 0).await.unwrap();
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(site.sealed_passwords().await, 1);
    site.execute("UPDATE sealed_passwords SET sealed_at = now() - interval '16 minutes'").await;
    eventually("the password is wiped", async || (site.sealed_passwords().await == 0).then_some(())).await.unwrap();
}

#[tokio::test]
async fn what_a_process_is_not_told_is_named_in_one_line() {
    let cluster = Cluster::on("postgres://127.0.0.1:1/x").await.unwrap();
    for role in ["api", "worker"] {
        let told = cluster.told(role);
        for (left_out, _) in &told {
            let rest: Vec<_> = told.iter().filter(|(name, _)| name != left_out).copied().collect();
            let output = run_with(&[role], &rest).await.unwrap();
            let line = said(&output);
            assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
            assert!(line.starts_with(&format!("signup: `signup {role}` is not told `{left_out}` (")), "{line}");
            assert_eq!(line.contains("signup keys init"), left_out.ends_with("_KEY"), "{line}");
        }
        let line = said(&run_with(&[role], &[]).await.unwrap());
        assert!(told.iter().all(|(name, _)| line.contains(name)), "{line}");
        let line = said(&run_with(&[role], &[("DATABASE_URL", "sqlite:x")]).await.unwrap());
        assert!(line.contains("it is no PostgreSQL URL; give postgres://"), "{line}");
    }
}

#[tokio::test]
async fn a_schema_that_is_behind_is_left_as_it_is() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    for role in ["api", "worker"] {
        let mut member = cluster.spawn(role, role).await.unwrap();
        assert_eq!(member.ended().await.unwrap().code(), Some(1));
        let log = member.log().unwrap();
        assert!(log.contains("it has schema 0") && log.contains("run `signup migrate` first"), "{log}");
    }
}

#[tokio::test]
async fn a_process_with_other_keys_than_the_first_is_refused() {
    let site = Site::with_database().await;
    let (cluster, other) = (Cluster::on(&site.url).await.unwrap(), Cluster::on(&site.url).await.unwrap());
    cluster.migrate().await.unwrap();
    let _api = cluster.start("api", "api").await.unwrap();
    for (role, setting) in [("api", "SIGNUP_SEAL_PUBLIC_KEY"), ("worker", "SIGNUP_SEAL_PRIVATE_KEY")] {
        let mut member = other.spawn(role, role).await.unwrap();
        assert_eq!(member.ended().await.unwrap().code(), Some(2));
        let log = member.log().unwrap();
        let expected = format!("`{setting}`: it is not the key that the database's other processes have");
        assert!(log.contains(&expected), "{log}");
    }
}

#[tokio::test]
async fn an_api_that_stops_says_so_before_it_turns_anybody_away() {
    let _quiet = BUSY.write().await;
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let mut api = cluster.start("api", "api").await.unwrap();
    let client = api.client().await.unwrap();
    assert_eq!(readiness(&client).await, (200, String::new()));
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.sign_up("ada@example.com", "Ada", 30).await }
    });
    api.says("sign-up accepted").await.unwrap();
    api.ask_to_stop().await.unwrap();
    let begun = Instant::now();
    let unready = || async { (readiness(&client).await.0 == 503).then_some(()) };
    eventually("it is not ready", unready).await.unwrap();
    // Whatever has not seen that yet is still served, and is told to leave.
    let answer = client.sign_up("grace@example.com", "Grace", 0).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (202, "close"), "{answer:?}");
    assert_eq!(waiting.await.unwrap().unwrap().status, 202, "who waits is answered");
    assert!(api.ended().await.unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(client.get("/healthz").await.is_err());
    assert!(api.log().unwrap().trim_end().ends_with("stopped"));
}

/// Asks over and over, over the same connection, until it is told to leave: how often it was answered.
async fn asks_until_told_to_leave(client: Client) -> reqwest::Result<usize> {
    for answered in 1.. {
        let answer = client.get("/v1/signups/wf_00000000000000000000000000000000").await?;
        assert_eq!(answer.status, 404, "{answer:?}");
        if answer.header("connection") == "close" {
            return Ok(answered);
        }
    }
    unreachable!("it ends by itself")
}

#[tokio::test]
async fn no_request_is_lost_when_an_api_stops() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let mut api = cluster.start("api", "api").await.unwrap();
    let url = api.url().await.unwrap();
    let asking: Vec<_> = (0..16).map(|_| tokio::spawn(asks_until_told_to_leave(Client::new(&url)))).collect();
    let client = api.client().await.unwrap();
    for number in 0..20 {
        assert_eq!(client.sign_up(&format!("user{number}@example.com"), "Ada", 0).await.unwrap().status, 202);
    }
    api.ask_to_stop().await.unwrap();
    for asking in asking {
        assert!(asking.await.unwrap().unwrap() > 1);
    }
    assert!(api.ended().await.unwrap().success());
}

#[tokio::test]
async fn a_worker_that_stops_hands_its_sagas_to_the_others() {
    let _quiet = BUSY.write().await;
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let api = cluster.start("api", "api").await.unwrap();
    let mut one = cluster.start("worker", "one").await.unwrap();
    let client = api.client().await.unwrap();
    let mut accepted = Vec::new();
    for number in 0..60 {
        let answer = client.sign_up(&format!("user{number}@example.com"), HANGS_ONCE, 0).await.unwrap();
        accepted.push(answer.text("workflow_id").to_owned());
    }
    // It has its hands full, and more than it has hands for.
    let busy = || async {
        let answer = client.get(&format!("/v1/signups/{}", accepted[59])).await.ok()?;
        (answer.body["steps_done"] == 2).then_some(())
    };
    eventually("the last one has come as far", busy).await.unwrap();
    one.ask_to_stop().await.unwrap();
    let other = cluster.start("worker", "other").await.unwrap();
    let begun = Instant::now();
    assert!(one.ended().await.unwrap().success());
    for id in &accepted {
        assert_eq!(ended(&client, id).await.text("status"), "completed");
    }
    // A lease that nobody gave back would have to run out first.
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(!other.log().unwrap().contains("took over"), "{}", other.log().unwrap());
    assert!(one.log().unwrap().trim_end().ends_with("stopped"));
    let listed = cluster.operate(&api, &["worker", "list"]).await.unwrap();
    assert_eq!(listed.matches("alive").count(), 2, "{listed}");
    site.check().await;
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_within_2_seconds_and_its_return_within_5() {
    let _quiet = BUSY.write().await;
    let mut site = Fragile::start().await;
    let (api, worker) =
        (site.cluster.start("api", "api").await.unwrap(), site.cluster.start("worker", "worker").await.unwrap());
    let clients = [api.client().await.unwrap(), worker.client().await.unwrap()];
    let urls = [api.url().await.unwrap(), worker.url().await.unwrap()];
    for (client, url) in clients.iter().zip(&urls) {
        assert_eq!(readiness(client).await, (200, String::new()));
        let output = run(&["health", url]).await.unwrap();
        // There is no Redis here, which costs speed alone.
        assert_eq!((output.status.code(), said(&output).trim()), (Some(0), "degraded"));
    }
    let done = clients[0].sign_up("ada@example.com", "Ada", 20).await.unwrap();
    assert_eq!(done.status, 201, "{done:?}");

    site.kill();
    let away = || async { (clients[0].sign_up("first@example.com", "x", 0).await.ok()?.status == 503).then_some(()) };
    eventually("it says that it cannot", away).await.unwrap();
    // Many at once wait no longer than one.
    let asked = (0..40).map(|number| {
        let client = clients[0].clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let answer = client.sign_up(&format!("user{number}@example.com"), "x", 0).await.unwrap();
            (answer, begun.elapsed())
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        let (answer, took) = asked.await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    let begun = Instant::now();
    let other = format!("/v1/signups/wf_{:032x}", 1);
    let answer = clients[0].get(&other).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
    assert_eq!(clients[0].get(done.text("status_url")).await.unwrap().status, 200, "what has ended is remembered");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    for (client, url) in clients.iter().zip(&urls) {
        assert_eq!(readiness(client).await, (503, "database".to_owned()));
        assert_eq!(client.get("/healthz").await.unwrap().status, 200);
        let output = run(&["health", url]).await.unwrap();
        let expected = (Some(1), "signup: not ready: database: it does not answer".to_owned());
        assert_eq!((output.status.code(), said(&output).trim().to_owned()), expected);
    }

    site.revive().await;
    let begun = Instant::now();
    let back = || async {
        let answer = clients[0].sign_up("grace@example.com", "Grace", 20).await.ok()?;
        (answer.status == 201).then_some(())
    };
    eventually("sign-ups complete again", back).await.unwrap();
    // What was found a moment ago is told again without asking.
    for client in &clients {
        let ready = || async { (readiness(client).await.0 == 200).then_some(()) };
        eventually("it is ready again", ready).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_database_that_falls_silent_is_told_and_is_used_again_at_once() {
    let _quiet = BUSY.write().await;
    let mut site = Fragile::start().await;
    let (api, worker) =
        (site.cluster.start("api", "api").await.unwrap(), site.cluster.start("worker", "worker").await.unwrap());
    let clients = [api.client().await.unwrap(), worker.client().await.unwrap()];
    assert_eq!(clients[0].sign_up("ada@example.com", "Ada", 20).await.unwrap().status, 201);
    site.machine.as_mut().unwrap().pause().unwrap();
    for client in &clients {
        let begun = Instant::now();
        let silent = || async { (readiness(client).await == (503, "database".to_owned())).then_some(()) };
        eventually("it is not ready", silent).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let answer = clients[0].sign_up("grace@example.com", "Grace", 0).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    site.machine.as_mut().unwrap().resume().unwrap();
    let begun = Instant::now();
    let done = || async {
        let answer = clients[0].sign_up("lin@example.com", "Lin", 20).await.ok()?;
        (answer.status == 201).then_some(())
    };
    eventually("sign-ups complete again", done).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn processes_may_start_before_their_server() {
    let mut site = Fragile::start().await;
    site.kill();
    let (api, worker) =
        (site.cluster.spawn("api", "api").await.unwrap(), site.cluster.spawn("worker", "worker").await.unwrap());
    for member in [&api, &worker] {
        member.says("waiting for the database").await.unwrap();
        let client = member.client().await.unwrap();
        assert_eq!(client.get("/healthz").await.unwrap().status, 200);
        assert_eq!(readiness(&client).await, (503, "process".to_owned()));
    }
    let client = api.client().await.unwrap();
    let answer = client.sign_up("ada@example.com", "Ada", 0).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");

    site.revive().await;
    // The same connections, which were opened before.
    let done = || async {
        let answer = client.sign_up("ada@example.com", "Ada", 20).await.ok()?;
        (answer.status == 201).then_some(())
    };
    eventually("a sign-up completes", done).await.unwrap();
    assert_eq!(readiness(&worker.client().await.unwrap()).await, (200, String::new()));

    // A process that still waits stops at once.
    site.kill();
    let mut late = site.cluster.spawn("worker", "late").await.unwrap();
    late.says("waiting for the database").await.unwrap();
    late.ask_to_stop().await.unwrap();
    assert!(late.ended().await.unwrap().success());
}

#[tokio::test]
async fn a_worker_may_have_no_port_at_all() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let told = [&cluster.told("worker")[..], &[("SIGNUP_HEALTH_LISTEN", "off")]].concat();
    let worker = Member::spawn("worker", &cluster.log("worker"), &told).await.unwrap();
    worker.says(" started").await.unwrap();
    assert!(worker.log().unwrap().contains("health_at=nowhere"));
    let output = run(&["health", "http://127.0.0.1:1"]).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("signup: no answer from http://127.0.0.1:1/readyz: "), "{}", said(&output));
}
