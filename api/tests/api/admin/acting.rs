//! Acting on a saga.

use std::sync::Arc;
use std::time::Duration;

use saga::store::Error;
use saga::{Active, Code, End, OsRandom, SagaId, State, Store};
use serde_json::{Value, json};
use signup::Effect;

use super::{ORGANIZATION, Office};
use crate::stage::post_to;

fn order(seq: u64) -> Value {
    json!({ "reason": "the table is writable again", "seq": seq })
}

#[tokio::test]
async fn a_retry_is_due_at_once_signed_and_told_to_the_workers() {
    let office = Office::open().await;
    let id = office.stuck().await;
    let answer = office.act(id, "retry", &order(3)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let saga = answer.json();
    assert_eq!((&saga["seq"], &saga["epoch"], &saga["attempt"]), (&json!(4), &json!(4), &json!(0)));
    assert_eq!((&saga["stuck_since"], &saga["status"]), (&Value::Null, &json!("compensating")));
    assert_eq!(saga["due_at"], "2026-01-02T03:04:06.000Z");
    let event = &saga["events"][4];
    assert_eq!(
        (&event["event"], &event["operator"], &event["reason"]),
        (&json!("retried"), &json!("ada"), &json!("the table is writable again"))
    );
    let heard = office.stage.heard.0.lock().unwrap();
    let [news] = &heard[..] else { panic!("{heard:?}") };
    let back = State::Active(Active::Compensating(ORGANIZATION, Code::STEP_FAILED));
    assert_eq!((news.saga, &news.state, news.due_in), (id, &back, Duration::ZERO));
}

#[tokio::test]
async fn a_rollback_turns_a_running_saga_back() {
    let office = Office::open().await;
    let id = office.at_organization().await;
    let saga = office.act(id, "rollback", &order(1)).await.json();
    assert_eq!(
        (&saga["status"], &saga["step"], &saga["code"]),
        (&json!("compensating"), &json!("create_organization"), &json!("rolled_back"))
    );
    let problem = office.act(id, "rollback", &order(2)).await.assert_problem(409, "action_impossible");
    assert_eq!(problem["why"], "the saga is going back already");
    assert_eq!(problem["detail"], "It cannot be done: the saga is going back already.");
}

#[tokio::test]
async fn a_saga_is_resolved_only_when_nothing_is_left_of_it() {
    let office = Office::open().await;
    let id = office.stuck().await;
    let problem = office.act(id, "resolve", &order(3)).await.assert_problem(409, "saga_not_empty");
    assert_eq!(problem["left"][0]["what"], "organization");
    assert_eq!(office.show(id).await["seq"], 3, "nothing was written");

    office.stage.hands.go_on(300);
    let claimed = office.claim(ORGANIZATION).await;
    let to = State::Active(Active::Compensating(signup::FIRST_STEP, Code::STEP_FAILED));
    let undone = saga::Transition::Advance { to, event: saga::plan::EventKind::Undone };
    office.commit(claimed, Some(Effect::DeleteOrganization), undone, None).await;
    let saga = office.act(id, "resolve", &order(4)).await.json();
    assert_eq!((&saga["status"], &saga["code"]), (&json!("failed"), &json!("step_failed")));
    let problem = office.act(id, "retry", &order(5)).await.assert_problem(409, "action_impossible");
    assert_eq!(problem["why"], "the saga has ended");
    let news = office.stage.heard.0.lock().unwrap().last().unwrap().clone();
    assert_eq!(news.state, State::Ended(End::Failed(Code::STEP_FAILED)));
}

#[tokio::test]
async fn an_action_on_what_has_gone_on_is_refused_with_where_it_is() {
    let office = Office::open().await;
    let id = office.stuck().await;
    for seq in [0, 2, 4, (1 << 53) - 1] {
        for action in ["retry", "rollback", "resolve"] {
            let problem = office.act(id, action, &order(seq)).await.assert_problem(409, "saga_moved");
            assert_eq!(problem["seq"], 3);
            let state = json!({ "status": "compensating", "step": "create_organization", "code": "step_failed" });
            assert_eq!(problem["state"], state);
        }
    }
    assert!(office.stage.heard.0.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_clicks_at_once_one_takes_effect() {
    let office = Arc::new(Office::open().await);
    let id = office.stuck().await;
    let clicks = (0..100).map(|_| {
        let office = Arc::clone(&office);
        tokio::spawn(async move { office.act(id, "retry", &order(3)).await })
    });
    let mut statuses = Vec::new();
    for click in clicks.collect::<Vec<_>>() {
        let answer = click.await.unwrap();
        if answer.status == 409 {
            answer.assert_problem(409, "saga_moved");
        }
        statuses.push(answer.status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 99][..]));
    assert_eq!(office.show(id).await["seq"], 4);
}

#[tokio::test]
async fn an_order_says_why_and_on_what() {
    let office = Office::open().await;
    let id = office.stuck().await;
    let number = "must be a whole number from 0 to 9007199254740991";
    for (body, field, message) in [
        (json!({ "seq": 3 }), "reason", "is required"),
        (json!({ "reason": " \n", "seq": 3 }), "reason", "must not be empty: the journal keeps it"),
        (json!({ "reason": "x".repeat(501), "seq": 3 }), "reason", "must have at most 500 characters"),
        (json!({ "reason": "a\u{1b}[2J", "seq": 3 }), "reason", "must not have line breaks or control characters"),
        (json!({ "reason": 1, "seq": 3 }), "reason", "must be a string"),
        (json!({ "reason": "x" }), "seq", "is required"),
        (json!({ "reason": "x", "seq": "3" }), "seq", number),
        (json!({ "reason": "x", "seq": -1 }), "seq", number),
        (json!({ "reason": "x", "seq": 3.5 }), "seq", number),
        (json!({ "reason": "x", "seq": [3] }), "seq", number),
        (json!({ "reason": "x", "seq": 3, "force": true }), "force", "is not a field of this request"),
    ] {
        let problem = office.act(id, "retry", &body).await.assert_problem(422, "invalid_fields");
        assert_eq!(problem["errors"], json!([{ "field": field, "message": message }]), "{body}");
    }
    let path = format!("/v1/admin/sagas/{id}/retry");
    let empty = office.stage.send(post_to(&path, "", &[("authorization", &office.token)])).await;
    empty.assert_problem(400, "malformed_json");
    let longest = json!({ "reason": format!(" {} ", "ä".repeat(500)), "seq": 3 });
    assert_eq!(office.act(id, "retry", &longest).await.status, 200);
}

#[tokio::test]
async fn what_is_no_saga_cannot_be_acted_on() {
    let office = Office::open().await;
    let unknown = SagaId::new(&*office.stage.hands, &OsRandom);
    office.act(unknown, "retry", &order(0)).await.assert_problem(404, "signup_not_found");
}

#[tokio::test(start_paused = true)]
async fn an_action_whose_reply_was_lost_is_found_to_be_written() {
    let office = Office::open().await;
    let id = office.stuck().await;
    for error in [Error::InDoubt("lost".into()), Error::Unavailable("away".into())] {
        office.stage.store.errors.lock().unwrap().push_back(error);
    }
    let saga = office.act(id, "retry", &order(3)).await;
    assert_eq!((saga.status.as_u16(), &saga.json()["seq"]), (200, &json!(4)));
    assert_eq!(office.stage.heard.0.lock().unwrap().len(), 1);
    assert_eq!(office.stage.store.memory.events(id, 4).await.unwrap().len(), 1, "written once");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_is_said_to_have_done_nothing_or_to_be_in_doubt() {
    for (first, name) in
        [(Error::Unavailable("a secret".into()), "unavailable"), (Error::InDoubt("a secret".into()), "action_unknown")]
    {
        let office = Office::open().await;
        let id = office.stuck().await;
        let away = (0..1000).map(|_| Error::Unavailable("a secret".into()));
        office.stage.store.errors.lock().unwrap().extend([first].into_iter().chain(away));
        let answer = office.act(id, "retry", &order(3)).await;
        answer.assert_problem(503, name);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    let office = Office::open().await;
    let id = office.stuck().await;
    office.stage.store.errors.lock().unwrap().push_back(Error::Rejected("a secret".into()));
    office.act(id, "retry", &order(3)).await.assert_problem(500, "internal");
}
