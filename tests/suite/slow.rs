//! Clients that take their time, and clients that are too many: the others do not notice.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tests::{Client, Cluster, Server, eventually};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, interval, timeout};

use crate::BUSY;
use crate::cluster::stop;
use crate::raw::Raw;

/// In whose environment this is set to a part of 1, clients have so much less time.
const PACE: &str = saga::testing::Pace::OF_CLIENTS;
/// How late a connection may be closed on a machine that has much to do.
const SLACK: Duration = Duration::from_millis(2_500);
/// A sign-up whose body is still to come.
const BEGUN: &str =
    "POST /v1/signups HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n";
/// The largest file that is served, of more than a megabyte.
const LARGE: &str = "/docs/swagger-ui-bundle.js";

/// The files that a process has open: their numbers, and what they are.
fn files(server: &Server) -> BTreeMap<u64, PathBuf> {
    let folder = std::fs::read_dir(format!("/proc/{}/fd", server.pid().unwrap())).unwrap();
    let file = |path: PathBuf| Some((path.file_name()?.to_str()?.parse().ok()?, path.read_link().ok()?));
    folder.filter_map(|entry| file(entry.ok()?.path())).collect()
}

/// How many sockets it has open: the database opens files as it needs them.
fn sockets(server: &Server) -> usize {
    files(server).values().filter(|file| file.to_string_lossy().starts_with("socket:")).count()
}

/// Waits until it has so many sockets open.
async fn has_open(server: &Server, expected: usize) {
    let open = || async { (sockets(server) == expected).then_some(()) };
    eventually("sockets are opened and closed", open).await.unwrap();
}

/// Lets this process have as many files open as it may.
fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

/// Somebody whose sign-up does not end for a while: where its status is.
async fn lasting(client: &Client) -> String {
    let answer = client.sign_up("ada@example.com", "sabotage create_profile:hang", 0).await.unwrap();
    answer.header("location").to_owned()
}

/// Sends what comes first, then a byte a second: how long until it is closed, and whether it was answered before.
async fn dribble(server: &Server, first: &str, byte: u8) -> JoinHandle<(Duration, bool)> {
    let mut raw = Raw::to(server.url()).await;
    let begun = Instant::now();
    raw.send(first).await.unwrap();
    let (mut from, to) = raw.0.into_split();
    let dribbling = tokio::spawn(async move {
        let mut second = interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            if to.writable().await.is_err() || to.try_write(&[byte]).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut said = Vec::new();
        // Closed is closed: with what it sent unread, it is told so in another way.
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut from, &mut said).await;
        let closed = begun.elapsed();
        dribbling.abort();
        (closed, said.starts_with(b"HTTP/1.1 408 "))
    })
}

/// How long one sign-up after the other takes to be accepted, until this is over.
async fn served_until<T>(client: &Client, over: impl Future<Output = T>) -> (T, Vec<Duration>) {
    let (mut took, mut over) = (Vec::new(), Box::pin(over));
    for number in 0.. {
        let begun = Instant::now();
        let email = format!("ada-{number}@example.com");
        let answer = client.sign_up(&email, "Ada", 0).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        took.push(begun.elapsed());
        tokio::select! {
            biased;
            result = &mut over => return (result, took),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    unreachable!("numbers end never")
}

async fn joined<T: Send + 'static>(handles: Vec<JoinHandle<T>>) -> Vec<T> {
    join_all(handles).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_dribbling_clients_are_closed_in_time_and_harm_nobody() {
    let _alone = BUSY.write().await;
    many_files();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let client = server.client();
    assert_eq!(client.sign_up("eve@example.com", "Eve", 5).await.unwrap().status, 201);
    let before = sockets(&server);

    let mut silent = JoinSet::new();
    for _ in 0..2_000 {
        let mut raw = Raw::to(server.url()).await;
        let begun = Instant::now();
        silent.spawn(async move {
            raw.closed().await;
            begun.elapsed()
        });
    }
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for _ in 0..250 {
        heads.push(dribble(&server, "GET / HTTP/1.1\r\nX: ", b'x').await);
        bodies.push(dribble(&server, BEGUN, b' ').await);
    }
    let most = sockets(&server);
    assert!(most > before + 1_000, "{most} sockets are open");

    let all = async { (silent.join_all().await, joined(heads).await, joined(bodies).await) };
    let ((silent, heads, bodies), took) = served_until(&client, all).await;
    let slowest = took.iter().max().unwrap();
    println!("{most} sockets open at once, {} others served, the slowest in {slowest:?}", took.len());
    assert!(took.len() > 50 && *slowest < Duration::from_secs(1), "{took:?}");
    let in_time = |closed: &Duration, bound: u64| {
        let least = Duration::from_millis(bound * 1000 - 100);
        (least..least + SLACK).contains(closed)
    };
    assert!(silent.len() == 2_000 && silent.iter().all(|closed| in_time(closed, 5)), "{silent:?}");
    assert!(heads.iter().all(|(closed, answered)| in_time(closed, 10) && !answered), "{heads:?}");
    assert!(bodies.iter().all(|(closed, answered)| in_time(closed, 15) && *answered), "{bodies:?}");
    has_open(&server, before).await;
    assert!(server.terminate().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_nothing_more_or_does_not_read_is_closed_and_whoever_waits_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let hurried = [(PACE, "0.05")];
    let server = Server::start_in(&folder.path().join("data"), &[], &hurried).await.unwrap();
    let before = sockets(&server);
    let status = lasting(&server.client()).await;

    // 3 s between two requests, and 1.5 s to read.
    let (mut idle, mut deaf, mut patient) =
        (Raw::to(server.url()).await, Raw::to(server.url()).await, Raw::to(server.url()).await);
    patient.request(&status, "Prefer: wait=4\r\n").await;
    assert_eq!(idle.get("/healthz").await, Some(200));
    let begun = Instant::now();
    for _ in 0..8 {
        deaf.request(LARGE, "").await;
    }
    idle.closed().await;
    let (least, took) = (Duration::from_millis(2_900), begun.elapsed());
    assert!((least..least + SLACK).contains(&took), "{took:?}");
    assert_eq!(patient.answer().await, Some(200));
    drop(patient);
    has_open(&server, before).await;
    let read = deaf.closed().await;
    let whole = server.client().text(LARGE).await.unwrap().len();
    assert!(read < 8 * whole, "{read} bytes of 8 times {whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_are_too_many_the_longest_idle_leaves_and_otherwise_the_new_ones_wait() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("data"), &["--connections", "16"]).await.unwrap();
    let status = lasting(&server.client()).await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        let mut raw = Raw::to(server.url()).await;
        assert_eq!(raw.get("/healthz").await, Some(200));
        idle.push(raw);
    }
    let mut newcomer = Raw::to(server.url()).await;
    assert_eq!(newcomer.get("/healthz").await, Some(200));
    idle.remove(0).closed().await;
    for raw in &mut idle {
        assert_eq!(raw.get("/healthz").await, Some(200));
    }

    // Each of them waits for an answer: nobody can leave, and nobody is refused.
    idle.push(newcomer);
    for raw in &mut idle {
        raw.request(&status, "Prefer: wait=3\r\n").await;
    }
    let begun = Instant::now();
    let mut late = [Raw::to(server.url()).await, Raw::to(server.url()).await];
    for raw in &mut late {
        assert_eq!(raw.get("/healthz").await, Some(200));
    }
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    for raw in &mut idle {
        assert_eq!(raw.answer().await, Some(200));
    }
    assert!(server.log().unwrap().contains("every connection is taken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_a_quarter_of_the_connections_and_others_have_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let nobody_is_trusted = [("SIGNUP_TRUSTED_PROXIES", ""), ("SIGNUP_CONNECTIONS", "16")];
    let server = Server::start_in(&folder.path().join("data"), &[], &nobody_is_trusted).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::to(server.url()).await;
        assert_eq!(raw.get("/healthz").await, Some(200));
        held.push(raw);
    }
    assert_eq!(Raw::to(server.url()).await.closed().await, 0);
    assert_eq!(Raw::from(Ipv4Addr::new(127, 0, 0, 2), server.url()).await.get("/healthz").await, Some(200));
    held.pop();
    let again = || async { (Raw::to(server.url()).await.get("/healthz").await == Some(200)).then_some(()) };
    eventually("there is room for one more", again).await.unwrap();
    assert!(server.log().unwrap().contains("name that in SIGNUP_TRUSTED_PROXIES"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_idle_connections_at_once_and_answers_those_who_wait() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let status = lasting(&server.client()).await;
    let (mut idle, mut silent, mut waiting) = (Vec::new(), Vec::new(), Raw::to(server.url()).await);
    for _ in 0..50 {
        let mut raw = Raw::to(server.url()).await;
        assert_eq!(raw.get("/healthz").await, Some(200));
        idle.push(raw);
        silent.push(Raw::to(server.url()).await);
    }
    waiting.request(&status, "Prefer: wait=30\r\n").await;
    let begun = Instant::now();
    assert!(server.terminate().await.unwrap().success());
    // A step that hangs is given its time; nobody who is connected adds to that.
    assert!(begun.elapsed() < Duration::from_secs(13), "{:?}", begun.elapsed());
    assert_eq!(waiting.answer().await, Some(200));
    for raw in idle.iter_mut().chain(&mut silent) {
        raw.closed().await;
    }
    let log = std::fs::read_to_string(folder.path().join("data.log")).unwrap();
    assert!(!log.contains("requests were cut off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_for_it_a_connection_waits_and_nothing_spins_or_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data")).await.unwrap();
    let (before, mut busy) = (sockets(&server), Vec::new());
    for _ in 0..5 {
        let mut raw = Raw::to(server.url()).await;
        raw.send(&format!("{BEGUN}{{")).await.unwrap();
        busy.push(raw);
    }
    has_open(&server, before + busy.len()).await;
    let open = files(&server);
    // The number of the next file is one that it may not have.
    let next = (0..10_000).find(|number| !open.contains_key(number)).unwrap();
    let pid = server.pid().and_then(|pid| Pid::from_raw(pid.try_into().unwrap()));
    let limit = prlimit(pid, Resource::Nofile, Rlimit { current: Some(next), ..getrlimit(Resource::Nofile) }).unwrap();
    let before = processor_time(&server);
    let mut late = Raw::to(server.url()).await;
    late.request("/healthz", "").await;
    assert!(timeout(Duration::from_secs(2), late.0.readable()).await.is_err(), "it waits");
    let used = processor_time(&server).abs_diff(before);
    assert!(used < Duration::from_millis(500), "{used:?}");
    for raw in &mut busy {
        raw.send(&"x".repeat(998)).await.unwrap();
        assert_eq!(raw.answer().await, Some(400));
    }
    assert_eq!(late.answer().await, Some(200), "those who have their answers have left for it");
    prlimit(pid, Resource::Nofile, limit).unwrap();
    assert_eq!(Raw::to(server.url()).await.get("/healthz").await, Some(200));
    assert_eq!(server.log().unwrap().matches("nobody can be let in for now").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_answers_for_health_alone_is_no_more_patient() {
    // Nobody is where the database should be, so nothing else is answered for.
    let cluster = Cluster::on("postgres://127.0.0.1:1/nowhere").await.unwrap().telling(&[(PACE, "0.2")]);
    for role in ["worker", "api"] {
        let member = cluster.spawn(role, role).await.unwrap();
        let url = member.url().await.unwrap();
        let (mut silent, mut dribbling, mut idle) = (Raw::to(&url).await, Raw::to(&url).await, Raw::to(&url).await);
        dribbling.send("GET /hea").await.unwrap();
        assert_eq!(idle.get("/healthz").await, Some(200));
        let begun = Instant::now();
        silent.closed().await;
        dribbling.closed().await;
        let (least, took) = (Duration::from_millis(1_900), begun.elapsed());
        assert!((least..least + SLACK).contains(&took), "{role}: {took:?}");
        assert_eq!(idle.get("/healthz").await, Some(200));
        stop([member]).await;
        assert_eq!(idle.closed().await, 0);
    }
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_and_one_that_cannot_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let start = async |limit: &str, name: &str| {
        let server = Server::start_within(limit, &folder.path().join(name), &["--connections", "1000"]).await.unwrap();
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid().unwrap())).unwrap();
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
        (files.split_whitespace().nth(3).unwrap().to_owned(), server.log().unwrap())
    };
    let (files, log) = start("200:4096", "raised").await;
    assert!(files == "1120" && !log.contains("files open"), "{files}: {log}");
    let (files, log) = start("200:200", "low").await;
    assert_eq!(files, "200");
    assert!(
        log.contains("may have 200 files open: 80 connections are taken at most, not 1000; allow it 1120"),
        "{log}"
    );
}

/// What the process has used of the processors.
fn processor_time(server: &Server) -> Duration {
    let path = format!("/proc/{}/stat", server.pid().unwrap());
    let stat = std::fs::read_to_string(path).unwrap();
    // After the name, which may hold anything: user and system time, in hundredths of a second.
    let ticks = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}
