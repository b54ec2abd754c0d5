//! Rows that nothing of ours would leave, planted in the database behind the service's back, and found.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Client, Cluster, eventually};
use tokio::time::Instant;

use crate::cluster::stop;
use crate::site::Site;

/// A user without a saga: no constraint holds for whoever turns them off.
const ORPHAN: &str = "
SET session_replication_role = replica;
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
VALUES (gen_random_uuid(), '0190a000-0000-7000-8000-0000000000aa', 'eve@example.com', 'eve@example.com', '$argon2id$x',
        'active', now())";
/// A user whose sign-up has completed, without a profile.
const HALF: &str = "SET session_replication_role = replica; DELETE FROM claims; DELETE FROM profiles";

/// Within this an auditor tells what is wrong.
const PROMISED: Duration = Duration::from_mins(1);

async fn findings(client: &Client, token: &str, query: &str) -> Value {
    let path = format!("/v1/admin/findings{query}");
    let answer = client.get_with(&path, &[("authorization", &format!("Bearer {token}"))]).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// How many findings of this invariant are open, as this process counts.
async fn counted(client: &Client, invariant: &str) -> Option<u64> {
    let page = client.text("/metrics").await.unwrap();
    let name = format!("signup_invariant_violations{{invariant=\"{invariant}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&name)).map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_and_a_half_user_are_found_within_a_minute_by_one_process_of_the_fleet() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap().telling(&[("SIGNUP_LOG", "info,auditor=debug")]);
    cluster.migrate().await.unwrap();
    let token = cluster.add_operator("ada").await.unwrap();
    let begun = Instant::now();
    let mut members = vec![cluster.start("api", "api").await.unwrap()];
    for name in ["one", "other"] {
        members.push(cluster.start("worker", name).await.unwrap());
    }
    let client = members[0].client().await.unwrap();
    let half = client.sign_up("joe@example.com", "Joe", 20).await.unwrap();
    assert_eq!(half.status, 201, "{half:?}");
    assert_eq!(client.sign_up("ada@example.com", "Ada", 20).await.unwrap().status, 201);
    let nothing = async || {
        let told = findings(&client, &token, "").await;
        assert_eq!(told["findings"], json!([]));
        told["audited_at"].is_string().then_some(())
    };
    eventually("somebody audits", nothing).await.unwrap();
    // The next audit is as far away as it can be.
    site.execute(ORPHAN).await;
    site.execute(HALF).await;
    let planted = Instant::now();
    let found = loop {
        let told = findings(&client, &token, "?limit=10").await;
        if told["findings"].as_array().unwrap().len() == 4 {
            break told["findings"].clone();
        }
        assert!(planted.elapsed() < PROMISED, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    println!("found after {:?}", planted.elapsed());
    let of = |workflow: &str| {
        let theirs = found.as_array().unwrap().iter().filter(|finding| finding["workflow_id"] == workflow);
        theirs.map(|finding| (finding["invariant"].clone(), finding["what"].clone())).collect::<Vec<_>>()
    };
    let left = "user left: there is no such saga";
    assert!(of("wf_0190a0000000700080000000000000aa").contains(&(json!("no_orphan"), json!(left))), "{found}");
    let lacks = (json!("completed_is_complete"), json!("lacks profile, claims"));
    assert_eq!(of(half.text("workflow_id")), [lacks]);
    for member in &members {
        let client = member.client().await.unwrap();
        let told = async || (counted(&client, "completed_is_complete").await == Some(2)).then_some(());
        eventually("every process counts them", told).await.unwrap();
    }
    let audits: usize = members.iter().map(|member| member.log().unwrap().matches(" audited ").count()).sum();
    let most = begun.elapsed().as_secs() / 45 + 1;
    assert!((2..=most).contains(&(audits as u64)), "{audits} audits in {:?}", begun.elapsed());
    stop(members).await;
}
