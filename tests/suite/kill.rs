//! `kill -9` at any moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditor::invariants;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tests::{Client, Server, eventually};

use crate::embedded::{ended, facts};

const KILLS: u32 = 50;
const CLIENTS: u32 = 8;

/// What becomes of a sign-up by this name, once nobody kills anything any more.
const FATES: [(&str, &str, &str); 6] = [
    ("Ada", "completed", ""),
    ("sabotage create_user:refuse", "failed", "sabotaged"),
    ("sabotage create_organization:refuse", "failed", "sabotaged"),
    ("sabotage create_profile:refuse create_organization:fail2:undo", "failed", "sabotaged"),
    ("sabotage update_claims:refuse create_profile:panic2:undo", "failed", "sabotaged"),
    ("sabotage create_organization:lose2 update_claims:panic2", "completed", ""),
];

/// Sign-ups that were answered with 202: their ids, and the number of their fate.
type Accepted = Arc<Mutex<BTreeMap<String, usize>>>;

/// Signs people up until the server is gone.
async fn sign_up_until_gone(client: Client, numbers: Arc<AtomicU32>, accepted: Accepted) {
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let fate = number as usize % FATES.len();
        match client.sign_up(&format!("user{number}@example.com"), FATES[fate].0, 0).await {
            Ok(answer) => {
                assert_eq!(answer.status, 202, "{answer:?}");
                accepted.lock().unwrap().insert(answer.text("workflow_id").to_owned(), fate);
            }
            // Whether it was accepted is unknown: it must be wholly there or not at all.
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_sign_up_survives_fifty_kills() {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (numbers, accepted) = (Arc::new(AtomicU32::new(0)), Accepted::default());

    for kill in 0..KILLS {
        let server = Server::start(&data).await.unwrap();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| sign_up_until_gone(server.client(), Arc::clone(&numbers), Arc::clone(&accepted)))
            .map(tokio::spawn)
            .collect();
        // The one thing that is meant to come at any moment.
        tokio::time::sleep(Duration::from_micros(random.random_range(0..300_000))).await;
        server.kill().await.unwrap();
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(invariants::violations(&facts(&data).await), Vec::<String>::new(), "after kill {kill}, seed {seed}");
    }

    let server = Server::start(&data).await.unwrap();
    let client = server.client();
    let accepted = std::mem::take(&mut *accepted.lock().unwrap());
    for (id, fate) in &accepted {
        let answer = ended(&client, id).await;
        let (name, status, code) = FATES[*fate];
        assert_eq!((answer.text("status"), answer.text("code")), (status, code), "{name}: {answer:?}, seed {seed}");
    }
    // Those whose 202 was lost are there too, and end as well.
    let all_ended = || async { invariants::unfinished(&facts(&data).await).is_empty().then_some(()) };
    eventually("every saga ends", all_ended).await.unwrap();
    assert!(server.terminate().await.unwrap().success());
    let facts = facts(&data).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new(), "seed {seed}");
    assert!(facts.sagas.len() >= accepted.len() && accepted.len() > 100, "{} of {}", accepted.len(), facts.sagas.len());
    println!("{} sign-ups accepted, {} in the database, {KILLS} kills", accepted.len(), facts.sagas.len());
}
