//! How sign-ups go, as operators are told, over all processes.

use serde_json::{Value, json};
use tests::{Client, Cluster, eventually, run_with};

use crate::cluster::stop;
use crate::embedded::ended;
use crate::site::Site;

async fn stats(client: &Client, token: &str) -> Value {
    let bearer = format!("Bearer {token}");
    let answer = client.get_with("/v1/admin/stats", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_how_sign_ups_go_over_all_processes() {
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap();
    cluster.migrate().await.unwrap();
    let token = cluster.add_operator("ada").await.unwrap();
    let mut members = Vec::new();
    for (role, name) in [("api", "one"), ("api", "other"), ("worker", "first"), ("worker", "second")] {
        members.push(cluster.start(role, name).await.unwrap());
    }
    let clients = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
    let nothing = stats(&clients[0], &token).await;
    assert_eq!((&nothing["day"]["received"], &nothing["now"]["stuck"]), (&json!(0), &json!(0)));
    assert!(nothing["hour"].get("completing").is_none(), "{nothing}");
    for (number, domain) in ["gmail.com", "gmail.com", "example.com"].iter().enumerate() {
        let client = &clients[number % 2];
        let answer = client.sign_up(&format!("user{number}@{domain}"), "Ada", 20).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    assert_eq!(clients[0].sign_up("user0@gmail.com", "Ada", 0).await.unwrap().status, 409);
    let undone = clients[1].sign_up("joe@gmail.com", "sabotage create_profile:refuse", 0).await.unwrap();
    assert_eq!(ended(&clients[1], undone.text("workflow_id")).await.text("status"), "failed");

    let told = async || {
        let told = stats(&clients[1], &token).await;
        let hour = &told["hour"];
        let all = (hour["received"].as_u64(), hour["completed"].as_u64(), hour["failed"].as_u64());
        (all == (Some(5), Some(3), Some(1))).then_some(told)
    };
    let told = eventually("all of it is told", told).await.unwrap();
    assert_eq!(told["hour"], told["day"]);
    let hour = &told["hour"];
    assert_eq!(hour["answers"], json!({ "accepted": 4, "email_taken": 1 }));
    assert_eq!(hour["failures"], json!([{ "step": "create_profile", "code": "sabotaged", "count": 1 }]));
    let funnel: Vec<_> = hour["funnel"].as_array().unwrap().iter().map(|stage| stage["count"].clone()).collect();
    assert_eq!(funnel, [5, 4, 4, 4, 3, 3]);
    assert_eq!(hour["classes"]["gmail"], json!({ "received": 4, "completed": 2, "failed": 1 }));
    let p50 = |what: &str| hour[what]["p50_ms"].as_f64().unwrap();
    assert!(p50("accepting") > 0.0 && p50("completing") > p50("accepting"), "{hour}");

    let url = members[0].url().await.unwrap();
    let environment = [("SIGNUP_URL", &*url), ("SIGNUP_OPERATOR_TOKEN", &*token)];
    let output = run_with(&["stats"], &environment).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |of: &str| text.lines().find(|line| line.trim_start().starts_with(of)).unwrap_or_default().to_owned();
    assert!(text.starts_with("now: 0 stuck, 0 waiting\n"), "{text}");
    let words = |of: &str| line(of).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("received"), ["received", "5", "5"]);
    assert_eq!(words("answered"), ["answered", "email_taken", "1", "1"]);
    assert!(words("turned back").starts_with(&["turned".into(), "back:".into(), "sabotaged".into()]), "{text}");

    // What a process has counted is handed on when it stops.
    assert_eq!(clients[0].sign_up("eve@gmail.com", "Eve", 20).await.unwrap().status, 201);
    let rest = members.split_off(1);
    stop(members).await;
    let last = async || (stats(&clients[1], &token).await["hour"]["received"] == 6).then_some(());
    eventually("the last is told", last).await.unwrap();
    stop(rest).await;
}
