//! A private Redis.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use servers::{Redis, RedisOptions, Reply};

use crate::within;

fn start() -> Redis {
    Redis::start(&RedisOptions::default()).unwrap()
}

fn get(server: &Redis, key: &str) -> Option<String> {
    server.command(&["GET", key]).unwrap().text().map(str::to_owned)
}

/// What it says about a write.
fn refusal(server: &Redis) -> String {
    format!("{:#}", server.command(&["SET", "b", "2"]).unwrap_err())
}

#[test]
fn it_does_what_it_is_told() {
    let server = start();
    assert_eq!(server.command(&["SET", "a", "1"]).unwrap(), Reply::Bytes(b"OK".to_vec()));
    assert_eq!(server.command(&["GET", "b"]).unwrap(), Reply::Nothing);
    assert_eq!(
        server.command(&["EVAL", "return {1, {'two', false}}", "0"]).unwrap(),
        Reply::List(vec![Reply::Number(1), Reply::List(vec![Reply::Bytes(b"two".to_vec()), Reply::Nothing])])
    );
    assert!(format!("{:#}", server.command(&["NONSENSE"]).unwrap_err()).contains("unknown command"));
    assert_eq!(server.info("memory").unwrap()["maxmemory_policy"], "noeviction");
    assert_eq!(server.keys().unwrap(), 1);
    server.flush().unwrap();
    assert_eq!(server.keys().unwrap(), 0);
}

#[test]
fn a_kill_loses_everything_without_a_log_and_nothing_with_one() {
    for append_only in [false, true] {
        let mut server = Redis::start(&RedisOptions { append_only, ..RedisOptions::default() }).unwrap();
        server.command(&["SET", "a", "1"]).unwrap();
        let (port, id) = (server.port(), server.info("server").unwrap()["run_id"].clone());
        for _ in 0..3 {
            server.kill().unwrap();
            server.command(&["PING"]).unwrap_err();
            server.revive().unwrap();
        }
        assert_eq!(server.port(), port);
        assert_ne!(server.info("server").unwrap()["run_id"], id);
        assert_eq!(get(&server, "a"), append_only.then(|| "1".to_owned()));
    }
}

#[test]
fn one_that_comes_back_empty_keeps_all_that_it_was_ever_told_in_its_folder() {
    let options = RedisOptions { append_only: true, keeps_all: true, ..RedisOptions::default() };
    let mut server = Redis::start(&options).unwrap();
    for _ in 0..2 {
        server.command(&["SET", "a", "1"]).unwrap();
        server.kill().unwrap();
        server.revive_empty().unwrap();
        assert_eq!(server.keys().unwrap(), 0);
    }
    let folders = std::fs::read_dir(server.folder()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), 3);
}

#[test]
fn it_asks_for_the_password() {
    let server = Redis::start(&RedisOptions { password: Some("secret".into()), ..RedisOptions::default() }).unwrap();
    assert_eq!(server.url(), format!("redis://:secret@127.0.0.1:{}", server.port()));
    assert_eq!(server.keys().unwrap(), 0);
    // This one speaks without.
    let cli = Command::new("redis-cli").args(["-p", &server.port().to_string(), "PING"]).output().unwrap();
    assert!(String::from_utf8(cli.stdout).unwrap().contains("NOAUTH"));
}

#[test]
fn full_it_refuses_or_forgets_as_it_was_set_up() {
    let value = "x".repeat(100_000);
    for policy in ["noeviction", "allkeys-lru"] {
        let server = Redis::start(&RedisOptions { max_memory: 4 << 20, policy, ..RedisOptions::default() }).unwrap();
        let write = |number: u32| server.command(&["SET", &number.to_string(), &value]);
        let refused = (0..100).find_map(|number| write(number).err());
        let evicted = server.info("stats").unwrap()["evicted_keys"].parse::<u64>().unwrap();
        let said = refused.map(|error| format!("{error:#}"));
        if policy == "noeviction" {
            assert!(said.unwrap().contains("OOM"));
        } else {
            assert!(said.is_none() && evicted > 0, "{said:?}, {evicted} evicted");
        }
    }
}

#[test]
fn paused_it_answers_afterwards() {
    let mut server = start();
    server.pause().unwrap();
    let port = server.port().to_string();
    let question = move || Command::new("redis-cli").args(["-p", &port, "PING"]).output().unwrap();
    let question = std::thread::spawn(question);
    within("a question", || connections(server.port()) == 1);
    assert!(!question.is_finished());
    server.resume().unwrap();
    assert_eq!(question.join().unwrap().stdout, b"PONG\n");
    server.pause().unwrap();
    server.kill().unwrap();
    server.revive().unwrap();
    assert_eq!(server.keys().unwrap(), 0);
    server.pause().unwrap();
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists());
}

/// How many connections there are to a port.
fn connections(port: u16) -> usize {
    let remote = format!("0100007F:{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().filter(|line| line.split_whitespace().nth(2) == Some(&remote) && line.contains(" 01 ")).count()
}

#[test]
fn stalled_it_answers_nobody_for_so_long() {
    let (server, stall) = (start(), Duration::from_millis(700));
    let begun = Instant::now();
    server.stall(stall).unwrap();
    assert!(begun.elapsed() < stall);
    server.command(&["PING"]).unwrap();
    assert!(begun.elapsed() >= stall, "{:?}", begun.elapsed());
}

#[test]
fn read_only_it_reads_only() {
    let server = start();
    server.command(&["SET", "a", "1"]).unwrap();
    server.read_only().unwrap();
    assert!(refusal(&server).contains("READONLY"));
    assert_eq!(get(&server, "a").unwrap(), "1");
    server.writable().unwrap();
    server.command(&["SET", "a", "2"]).unwrap();
    assert_eq!(get(&server, "a").unwrap(), "2");
}

#[test]
fn it_is_gone_with_its_value() {
    let server = start();
    let (folder, port) = (server.folder().to_owned(), server.port());
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists());
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap_err();
}

const LIFE: &str = "SERVERS_LIFE";

/// Not a test of its own: what [`it_is_gone_with_its_process`] runs and kills.
#[test]
fn a_life() {
    if std::env::var_os(LIFE).is_some() {
        let server = start();
        println!("folder={}", server.folder().display());
        std::thread::park();
    }
}

#[test]
fn it_is_gone_with_its_process() {
    use std::io::{BufRead, BufReader};
    let mut life = Command::new(std::env::current_exe().unwrap());
    life.args(["--exact", "--nocapture", "redis::a_life"]).env(LIFE, "1").stdout(Stdio::piped());
    let mut life = life.spawn().unwrap();
    let lines = BufReader::new(life.stdout.take().unwrap()).lines();
    let folder = lines.map(Result::unwrap).find_map(|line| Some(line.split_once("folder=")?.1.to_owned())).unwrap();
    assert!(std::path::Path::new(&folder).exists());
    life.kill().unwrap();
    life.wait().unwrap();
    within("the folder is gone", || !std::path::Path::new(&folder).exists());
}
