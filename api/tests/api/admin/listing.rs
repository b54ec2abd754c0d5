//! Listing sagas.

use serde_json::{Value, json};

use super::{Office, ids, shown};

#[tokio::test]
async fn a_stuck_saga_is_listed_with_why_and_without_personal_data() {
    let office = Office::open().await;
    let saga = office.stuck().await;
    office.stage.hands.go_on(10);
    let answer = office.get("/v1/admin/sagas?stuck=true").await;
    assert_eq!(
        answer.json(),
        json!({ "sagas": [{
            "workflow_id": saga.to_string(),
            "status": "compensating",
            "step": "create_organization",
            "code": "step_failed",
            "stuck_since": "2026-01-02T03:04:06.000Z",
            "reason": "no deletes here",
            "attempt": 1,
            "seq": 3,
            "accepted_at": "2026-01-02T03:04:06.000Z",
            "age_ms": 10_000,
            "due_at": "2026-01-02T03:09:06.000Z",
        }] })
    );
    assert!(!String::from_utf8(answer.body).unwrap().contains("example.com"));
}

#[tokio::test]
async fn sagas_are_listed_by_every_filter_the_newest_first() {
    let office = Office::open().await;
    let stuck = office.stuck().await;
    let waiting = office.at_organization().await;
    office.stage.hands.go_on(60);
    let fresh = office.accept().await;
    let all = shown(&[fresh, waiting, stuck]);
    for (query, expected) in [
        ("", &all[..]),
        ("?stuck=false&status=&step=&code=&older_than=&cursor=&limit=", &all),
        ("?status=running", &all[..2]),
        ("?status=compensating", &all[2..]),
        ("?status=completed", &[]),
        ("?stuck=true", &all[2..]),
        ("?step=create_user", &all[..1]),
        ("?step=create_organization&status=running", &all[1..2]),
        ("?code=step_failed", &all[2..]),
        ("?code=expired", &[]),
        ("?older_than=30s", &all[1..]),
        ("?older_than=1m&stuck=true", &all[2..]),
        ("?older_than=1h", &[]),
    ] {
        assert_eq!(office.list(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn pages_hold_every_saga_once_also_while_more_come() {
    let office = Office::open().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, office.accept().await.to_string());
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/admin/sagas?limit=2".to_owned());
    let mut pages = 0;
    loop {
        let page = office.get(&path).await.json();
        office.accept().await;
        seen.extend(ids(&page));
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/admin/sagas?limit=2&cursor={cursor}");
    }
    assert_eq!((seen, pages), (expected, 3));
}

#[tokio::test]
async fn a_page_has_50_sagas_unless_asked_for_up_to_200() {
    let office = Office::open().await;
    for _ in 0..201 {
        office.accept().await;
    }
    for (query, expected, more) in [("", 50, true), ("?limit=1", 1, true), ("?limit=200", 200, true)] {
        let page = office.get(&format!("/v1/admin/sagas{query}")).await.json();
        assert_eq!((ids(&page).len(), page["next_cursor"].is_string()), (expected, more), "{query}");
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named_with_what_is_accepted() {
    let office = Office::open().await;
    for (query, named, part) in [
        ("status=stuck", "status", "must be one of running, compensating, completed, failed"),
        ("stuck=yes", "stuck", "must be one of true, false"),
        ("step=nothing", "step", "must be one of create_user, create_organization"),
        ("code=Step%20failed", "code", "must be a code such as step_failed"),
        ("older_than=5", "older_than", "must be a duration such as 90s, 5m, 2h or 1d"),
        ("cursor=x", "cursor", "must be the next_cursor of an earlier answer"),
        ("limit=0", "limit", "must be a whole number from 1 to 200"),
        ("limit=201", "limit", "must be a whole number from 1 to 200"),
        ("limit=1&limit=2", "limit", "is given more than once"),
        ("page=2", "page", "is not a parameter of this request, which takes status, stuck, step, code"),
        ("%3Cscript%3E=1", "", "is not a parameter of this request"),
    ] {
        let problem = office.get(&format!("/v1/admin/sagas?{query}")).await.assert_problem(400, "invalid_parameters");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{problem}");
        assert_eq!(errors[0]["field"], named, "{query}");
        assert!(errors[0]["message"].as_str().unwrap().contains(part), "{query}: {problem}");
    }
    let problem = office.get("/v1/admin/sagas?limit=x&status=x&x=x").await.json();
    let fields: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["status", "limit", "x"]);
}
