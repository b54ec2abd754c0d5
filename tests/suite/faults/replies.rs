//! Statements of which nobody knows whether they were carried out.

use std::collections::BTreeMap;

use servers::{Pattern, Postgres as Machine, Proxy};
use tests::{Answer, Client, Cluster, eventually};
use tokio::time::{Duration, Instant};

use super::{PACE, lease, members};
use crate::BUSY;
use crate::cluster::stop;
use crate::embedded::ended;
use crate::redis::{is_ready, redis};
use crate::site::Site;

const HURRIED: &str = "0.2";
const REFUSED: &str = "sabotage update_claims:refuse";

/// What is in the text of each statement that moves a sign-up, and whom it moves.
const STATEMENTS: [(&str, &str); 8] = [
    ("INSERT INTO sagas", "Ada"),
    ("INSERT INTO users", "Ada"),
    ("INSERT INTO organizations", "Ada"),
    ("INSERT INTO profiles", "Ada"),
    ("INSERT INTO claims", "Ada"),
    ("DELETE FROM profiles", REFUSED),
    ("DELETE FROM organizations", REFUSED),
    ("DELETE FROM users", REFUSED),
];

/// A claim of the first step, by its arguments as they are on the wire: each has its length before it. Claims of other
/// steps have the same text.
const CLAIM: &str = "signup\0\0\0\u{b}create_user";

/// Signs somebody up, and sends the same again until it is known to be accepted.
async fn sign_up(client: &Client, number: usize, full_name: &str) -> Answer {
    let (email, key) = (format!("user{number}@example.com"), format!("key-{number}"));
    let sent = || async {
        let answer = client.sign_up_with_key(&email, full_name, &key).await.unwrap();
        let put_off = answer.status == 503 && answer.header("retry-after") == "1";
        assert!(put_off || [202, 201].contains(&answer.status), "{answer:?}");
        (!put_off).then_some(answer)
    };
    eventually("it is accepted", sent).await.unwrap()
}

/// Loses a statement on its way, or its reply.
fn lose(way: &Proxy, what: Pattern, reply: bool) {
    if reply { way.swallow_reply(what) } else { way.cut_before(what) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_lost_on_its_way_or_its_reply_is_done_once_and_the_sign_up_goes_on_within_seconds() {
    let _quiet = BUSY.write().await;
    let (site, way) = (Site::with_database().await, Proxy::to(Machine::shared().port()).unwrap());
    let redis = redis().await;
    let cluster = Cluster::with_redis(&way.url(&site.url), &redis.url()).await.unwrap().telling(&[(PACE, HURRIED)]);
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 1, 1).await;
    let (client, worker) = (members[0].client().await.unwrap(), &members[1]);
    is_ready(&client, "ready").await;
    is_ready(&worker.client().await.unwrap(), "ready").await;
    let (mut number, mut met) = (0, 0);
    for (text, full_name) in STATEMENTS {
        for reply in [true, false] {
            lose(&way, Pattern::statement(text), reply);
            let begun = Instant::now();
            let accepted = sign_up(&client, number, full_name).await;
            let end = ended(&client, accepted.text("workflow_id")).await;
            let took = begun.elapsed();
            assert_eq!(end.text("status"), if full_name == REFUSED { "failed" } else { "completed" }, "{text}");
            (number, met) = (number + 1, met + 1);
            assert_eq!(way.sprung(), met, "{text} was not met");
            println!("{text}: {} lost, over after {took:?}", if reply { "the reply" } else { "it was" });
            assert!(took < Duration::from_secs(3), "{text}: {took:?}");
        }
    }
    // A worker that goes on looks by itself too: of a claim that took nothing the reply is no loss. Then it is done again.
    let (mut lost, mut tries) = (vec![false, true], 0);
    while let Some(reply) = lost.pop() {
        tries += 1;
        assert!(tries <= 20, "no reply to a claim that took something was lost");
        // Nobody claims anything before it is waited for.
        worker.pause().await.unwrap();
        let accepted = sign_up(&client, number, "Ada").await;
        lose(&way, Pattern::from(CLAIM), reply);
        let begun = Instant::now();
        worker.resume().await.unwrap();
        assert_eq!(ended(&client, accepted.text("workflow_id")).await.text("status"), "completed");
        let took = begun.elapsed();
        (number, met) = (number + 1, met + 1);
        assert_eq!(way.sprung(), met, "no claim was met");
        println!("a claim: {} lost, over after {took:?}", if reply { "the reply" } else { "it was" });
        // Of a claim whose reply is lost nobody knows: its lease runs out.
        let lease = if reply { lease(HURRIED) } else { Duration::ZERO };
        if took < lease {
            lost.push(reply);
        }
        assert!(took < lease + Duration::from_secs(3), "{took:?}");
    }
    let facts = site.check().await;
    let mut events = BTreeMap::<_, usize>::new();
    for event in &facts.events {
        *events.entry(event.saga).or_default() += 1;
    }
    assert_eq!((facts.sagas.len(), facts.users.len()), (number, number - 6));
    // Accepted, and four steps done; or three done, one refused, and all four undone.
    assert!(events.values().all(|count| [5, 9].contains(count)), "{events:?}");
    stop(members).await;
}
