//! A minute of chaos; `cargo run -p tests --bin chaos` has more of it.

use std::sync::Arc;

use rand::RngExt;
use serde_json::json;
use tests::chaos::{
    Book, Doors, Durability, Heard, Options, Request, Row, Seat, all_are_well, check, run, schedule, stop_all,
};
use tests::{Answer, Cluster};
use tokio::sync::Mutex;
use tokio::time::Duration;

use crate::redis::redis;
use crate::site::Site;
use crate::{BUSY, how_many};

#[test]
fn what_goes_wrong_is_a_function_of_the_seed() {
    let length = Duration::from_mins(10);
    assert_eq!(schedule(1, length), schedule(1, length));
    assert_ne!(schedule(1, length), schedule(2, length));
}

#[test]
fn a_minute_has_nearly_every_kind_of_fault_and_two_never_meet() {
    for seed in 0..100 {
        let plan = schedule(seed, Duration::from_mins(1));
        let kinds: std::collections::BTreeSet<_> = plan.iter().map(|planned| planned.fault.kind).collect();
        assert!(kinds.len() >= 15, "seed {seed}: {kinds:?}");
        for (number, one) in plan.iter().enumerate() {
            let mut others = plan.iter().skip(number + 1).filter(|other| other.fault.target == one.fault.target);
            assert!(others.all(|other| other.at > one.at + one.lasts), "seed {seed}: {one:?}");
        }
    }
}

fn row(id: &str, state: &str, email: &str) -> Row {
    let (state, code) = state.split_once(' ').unwrap_or((state, ""));
    let [id, state, code, email_key] = [id, state, code, email].map(str::to_owned);
    Row { has_user: state == "completed", id, state, code, email_key, decoy: false }
}

/// An answer, which has come.
#[expect(clippy::unnecessary_wraps, reason = "requests may have none")]
fn answer(status: u16, body: serde_json::Value) -> reqwest::Result<Answer> {
    Ok(Answer { status, headers: reqwest::header::HeaderMap::new(), body })
}

/// What somebody has asked for twice, and was told of once.
fn told(book: &Book, email: &str, name: &str, id: &str) -> Request {
    let mut request = Request::new(email, name, "key");
    book.heard_nothing(&mut request);
    let heard = book.heard(&mut request, &answer(202, json!({"workflow_id": id})));
    assert_eq!(heard, Heard::SignUp(id.to_owned()));
    request
}

#[test]
fn what_clients_heard_and_is_not_so_is_found() {
    let cases: [(&str, &str, &str); 9] = [
        ("", "Ada", "wf_1 completed"),
        ("C1", "Ada", ""),
        ("C1", "Ada", "wf_2 completed"),
        ("C5", "Ada", "wf_1 completed, wf_2 completed"),
        ("C5", "Ada", "wf_1 running"),
        ("C5", "Ada", "wf_1 failed email_taken"),
        ("", "Ada", "wf_1 failed gave_up"),
        ("C6", "Ada", "wf_1 completed, wf_2 failed"),
        ("C9", "sabotage create_user:refuse", "wf_1 completed"),
    ];
    for (broken, name, rows) in cases {
        let book = Book::default();
        let request = told(&book, "ada@example.com", name, "wf_1");
        let rows = rows.split(", ").filter_map(|row| row.split_once(' '));
        let rows: Vec<_> = rows.map(|(id, state)| row(id, state, "ada@example.com")).collect();
        let found = check(&book, &[request], &rows);
        let named =
            if broken.is_empty() { found.is_empty() } else { found.iter().any(|line| line.starts_with(broken)) };
        assert!(named, "{broken} of {rows:?}: {found:?}");
    }
}

#[test]
fn an_e_mail_that_is_taken_by_nobody_is_found() {
    let (book, mut request) = (Book::default(), Request::new("ada@example.com", "Ada", "key"));
    let heard = book.heard(&mut request, &answer(409, json!({"type": "/problems/email_taken"})));
    assert_eq!(heard, Heard::Taken);
    let found = check(&book, &[request], &[]);
    assert!(found.iter().any(|line| line.starts_with("C5")), "{found:?}");
}

#[test]
fn a_failed_run_tells_how_to_have_the_same_go_wrong() {
    let options = Options { seed: 7, length: Duration::from_mins(3), people: 4, durability: Durability::Full };
    assert!(options.again().ends_with(" --seed 7 --minutes 3 --people 4 --durability full"));
}

#[test]
fn answers_that_cannot_be_are_noted() {
    let (book, id) = (Book::default(), "wf_1");
    let mut request = told(&book, "ada@example.com", "Ada", id);
    assert!(book.wrong().is_empty());
    let now_and_then =
        ["pending", "completed", "completed", "failed"].map(|status| answer(200, json!({"status": status})));
    for answer in &now_and_then {
        book.seen(id, book.end_of(id).as_deref(), answer);
    }
    // Somebody who asked before the end was known hears of it late.
    book.seen(id, None, &answer(200, json!({"status": "pending"})));
    book.seen(id, None, &answer(404, json!({"type": "/problems/signup_not_found"})));
    book.heard(&mut request, &answer(202, json!({"workflow_id": "wf_2"})));
    book.heard(&mut request, &answer(409, json!({"type": "/problems/email_taken"})));
    book.heard(&mut request, &answer(500, json!({})));
    book.heard_of_another_body("key", &answer(422, json!({"type": "/problems/idempotency_key_reused"})));
    book.heard_of_another_body("key", &answer(409, json!({"type": "/problems/email_taken"})));
    book.heard_of_another_body("key", &answer(202, json!({"workflow_id": "wf_3"})));
    let wrong: Vec<_> = book.wrong().into_iter().collect();
    let named: Vec<&str> = wrong.iter().map(|line| &line[..2]).collect();
    assert_eq!(named, ["C1", "C2", "C3", "C3", "C4", "C4", "C8"], "{wrong:?}");
    assert_eq!(book.ids(), [id]);
}

#[tokio::test]
async fn a_process_that_ends_by_itself_is_found() {
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let mut seat = Seat::new("worker", 0, &Arc::new(Doors::default()));
    seat.start(&cluster, 0).await.unwrap();
    let seats = [Mutex::new(seat)];
    assert_eq!(all_are_well(&seats).await, Vec::<String>::new());
    let mut seat = seats[0].lock().await;
    let member = seat.member().unwrap();
    member.ask_to_stop().await.unwrap();
    member.ended().await.unwrap();
    drop(seat);
    for (found, broken) in [(all_are_well(&seats).await, "L2"), (stop_all(&seats).await, "P1")] {
        assert!(found.len() == 1 && found[0].starts_with(broken), "{broken}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_every_sign_up_ends_and_all_that_was_said_is_true() {
    let _quiet = BUSY.write().await;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let length = Duration::from_mins(how_many("CHAOS", 1).try_into().unwrap());
    let options = Options { seed, length, people: 4, durability: Durability::None };
    let report = run(options, |line| println!("{line}")).await.unwrap();
    println!("{report}");
    assert!(report.violations.is_empty(), "{}: {:?}", options.again(), report.violations);
}
