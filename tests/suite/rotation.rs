//! Signing keys that rotate while they are used, over real processes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::Value;
use tests::{Client, Cluster, PASSWORD, run_with};
use tokio::time::{Duration, sleep, timeout};

use crate::BUSY;
use crate::sessions::{Tokens, me, refresh, sign_in};
use crate::site::Site;

/// How many clients use their sessions all the time.
const CLIENTS: usize = 6;
/// How long a client lets the others go first, after each round of eight requests: a few hundred requests a second in all.
const PACE: Duration = Duration::from_millis(100);
/// The next key signs 15 minutes after it was made. Here it is brought forward, to after the minute within which every
/// process has read it.
const SOON: &str = "UPDATE signing_keys SET signs_from = now() + interval '75 s' WHERE signs_from > now()";

/// Which key has signed a token.
fn key(token: &str) -> String {
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// Refreshes a session at each process in turn, and shows what each has signed to the other, until told to stop. Returns
/// who has signed with what. Nothing is ever refused.
async fn go_on(apis: &[Client; 2], stop: &AtomicBool, seen: impl Fn(usize, String)) {
    let first = Tokens::of(&sign_in(&apis[0], "ada@example.com", PASSWORD).await);
    let mut latest = first.clone();
    while !stop.load(Ordering::Relaxed) {
        for signer in [0, 1] {
            latest = Tokens::of(&refresh(&apis[signer], &latest.refresh).await);
            seen(signer, key(&latest.access));
            for (verifier, tokens) in [(0, &latest), (1, &latest), (signer, &first)] {
                let answer = me(&apis[verifier], tokens).await;
                assert_eq!(answer.status, 200, "{} at {verifier}: {answer:?}", key(&tokens.access));
            }
        }
        sleep(PACE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_rotate_under_load_refuse_nothing() {
    let _busy = BUSY.read().await;
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let members = [cluster.start("api", "one").await.unwrap(), cluster.start("api", "other").await.unwrap()];
    let worker = cluster.start("worker", "worker").await.unwrap();
    let apis = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
    assert_eq!(apis[0].sign_up("ada@example.com", "Ada", 20).await.unwrap().status, 201);
    let rotated = run_with(&["keys", "rotate"], &cluster.told("api")).await.unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    site.execute(SOON).await;

    let (stop, seen) = (AtomicBool::new(false), std::sync::Mutex::new(BTreeSet::new()));
    let see = |signer, key| {
        let mut seen = seen.lock().unwrap();
        seen.insert((signer, key));
        // Both have signed with both.
        stop.fetch_or(seen.len() == 4, Ordering::Relaxed);
    };
    let clients = join_all((0..CLIENTS).map(|_| go_on(&apis, &stop, see)));
    timeout(Duration::from_mins(3), clients).await.unwrap();
    let keys: BTreeSet<_> = seen.into_inner().unwrap().into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys.len(), 2);
    crate::cluster::stop(members.into_iter().chain([worker])).await;
}
