//! Sign-ups that no worker can do anything with.

use saga::{End, State};
use tests::chaos::panics;
use tests::{Cluster, eventually, plant};

use super::{PACE, members};
use crate::BUSY;
use crate::cluster::stop;
use crate::embedded::ended;
use crate::nonsense::foreign;
use crate::redis::{is_ready, redis, sign_ups};
use crate::site::Site;

const PANICS: &str = "sabotage create_profile:panic";
const PANICS_WHEN_UNDONE: &str = "sabotage update_claims:refuse create_profile:panic:undo";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_panics_each_time_fails_or_gets_stuck_and_harms_nobody_else() {
    let _busy = BUSY.read().await;
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap().telling(&[(PACE, "0.25")]);
    cluster.migrate().await.unwrap();
    let mut members = members(&cluster, 1, 2).await;
    let client = members[0].client().await.unwrap();
    is_ready(&client, "ready").await;
    plant(&redis, "create_profile", &foreign()).unwrap();
    let mut poison = Vec::new();
    for (number, name) in [PANICS, PANICS_WHEN_UNDONE].into_iter().cycle().take(10).enumerate() {
        let answer = client.sign_up(&format!("poison{number}@example.com"), name, 0).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        poison.push(answer.text("workflow_id").to_owned());
    }
    // Meanwhile, and on the same workers.
    for id in sign_ups(std::slice::from_ref(&client), 0..100).await {
        assert_eq!(ended(&client, &id).await.text("status"), "completed");
    }
    for id in poison.iter().step_by(2) {
        let answer = ended(&client, id).await;
        assert_eq!((answer.text("status"), answer.text("code")), ("failed", "step_failed"), "{answer:?}");
    }
    let stuck = || async {
        let facts = site.facts().await;
        (facts.sagas.iter().filter(|saga| saga.stuck_since.is_some()).count() == 5).then_some(facts)
    };
    let facts = eventually("the others are stuck", stuck).await.unwrap();
    assert_eq!(auditor::invariants::violations(&facts), Vec::<String>::new());
    for saga in &facts.sagas {
        let is_poison = poison.iter().position(|id| *id == saga.id.to_string());
        let made = facts.users.iter().filter(|user| user.saga == saga.id).count();
        match (is_poison, &saga.state) {
            // A clean slate.
            (Some(at), State::Ended(End::Failed(_))) if at % 2 == 0 => assert_eq!(made, 0),
            (Some(at), State::Active(_)) if at % 2 == 1 => assert!(saga.stuck_since.is_some()),
            (None, State::Ended(End::Completed)) => assert_eq!(made, 1),
            other => panic!("{other:?}"),
        }
    }
    for member in &mut members {
        assert!(member.has_ended().unwrap().is_none(), "{}", member.log().unwrap());
        is_ready(&member.client().await.unwrap(), "ready").await;
    }
    stop(members).await;
    let found = panics(cluster.folder()).await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|line| line.starts_with("P2")), "{found:?}");
}
