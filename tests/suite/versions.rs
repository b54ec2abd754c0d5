//! Two versions of the program side by side: the next one's saga has one step more.

use saga::{SagaId, State};
use signup::testing::next;
use tests::{Client, Cluster};

/// A process of the next version of the program.
const NEXT: &[(&str, &str)] = &[(signup::testing::next::VARIABLE, "1")];

use crate::embedded::ended;
use crate::redis::redis;
use crate::site::Site;

/// Signs up, and tells the sign-up's id.
async fn accepted(client: &Client, name: &str, full_name: &str) -> String {
    let answer = client.sign_up(&format!("{name}@example.com"), full_name, 0).await.unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.text("workflow_id").to_owned()
}

/// Its version, and the steps that its journal names, each once.
async fn journey(site: &Site, id: &str) -> (u32, Vec<String>) {
    let (id, facts) = (id.parse::<SagaId>().unwrap(), site.check().await);
    let version = facts.sagas.iter().find(|saga| saga.id == id).unwrap().version;
    let named = facts.events.iter().filter(|event| event.saga == id).filter_map(|event| event.step.as_ref());
    let mut steps: Vec<_> = named.map(ToString::to_string).collect();
    steps.dedup();
    (version, steps)
}

#[tokio::test]
async fn each_worker_takes_the_versions_that_it_knows_and_a_deploy_leaves_nobody_behind() {
    let (site, redis) = (Site::with_database().await, redis().await);
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let apis =
        [cluster.start("api", "old-api").await.unwrap(), cluster.start_with("api", "new-api", NEXT).await.unwrap()];
    let (old, new) = (apis[0].client().await.unwrap(), apis[1].client().await.unwrap());
    let worker = cluster.start("worker", "old-worker").await.unwrap();

    // The old worker leaves alone what it does not know, and goes on with what it does.
    let waiting = accepted(&new, "next", "Next").await;
    for name in ["one", "two", "three"] {
        assert_eq!(ended(&old, &accepted(&old, name, name).await).await.text("status"), "completed");
    }
    let facts = site.facts().await;
    let left = facts.sagas.iter().find(|saga| saga.id == waiting.parse().unwrap()).unwrap();
    assert_eq!((left.version, left.epoch, left.seq), (next::VERSION, 0, 0), "{left:?}");

    // The new one takes both, also when it is alone.
    let _new_worker = cluster.start_with("worker", "new-worker", NEXT).await.unwrap();
    assert_eq!(ended(&old, &waiting).await.text("status"), "completed");
    assert_eq!(journey(&site, &waiting).await, (next::VERSION, next::STEPS.map(str::to_owned).to_vec()));
    worker.kill().await.unwrap();
    let late = accepted(&old, "late", "Late").await;
    assert_eq!(ended(&new, &late).await.text("status"), "completed");
    let steps = signup::STEPS.map(|step| step.to_string()).to_vec();
    assert_eq!(journey(&site, &late).await, (signup::VERSION, steps.clone()));

    // Both go back the way that they came.
    for (client, name, version, mut there) in [
        (&old, "back", signup::VERSION, steps),
        (&new, "back-too", next::VERSION, next::STEPS.map(str::to_owned).to_vec()),
    ] {
        let id = accepted(client, name, "sabotage update_claims:refuse").await;
        assert_eq!(ended(client, &id).await.text("status"), "failed");
        let back: Vec<_> = there.iter().rev().skip(1).cloned().collect();
        there.extend(back);
        assert_eq!(journey(&site, &id).await, (version, there));
    }
    let facts = site.check().await;
    assert!(facts.sagas.iter().all(|saga| matches!(saga.state, State::Ended(_))));
    assert_eq!(facts.users.len(), 5);
}
