//! What operators see of members, and do to them.

use accounts::{MasterKey, Users};
use saga::store::Error;
use serde_json::{Value, json};
use signup::OperatorRole;

use super::{Member, Tokens};
use crate::stage::{Answer, PASSWORD, Stage, post_to};

fn order(seq: u64) -> Value {
    json!({ "reason": "she asked for it", "seq": seq })
}

impl Member {
    /// What an operator does who saw Ada at this seq.
    async fn act(&self, operator: &str, action: &str, seq: u64) -> Answer {
        let path = format!("/v1/admin/users/{}/{action}", self.user);
        self.stage.send(post_to(&path, &order(seq).to_string(), &[("authorization", operator)])).await
    }

    /// Has a new operator do this. Returns what they are answered.
    pub(super) async fn operated(&self, action: &str, seq: u64) -> Value {
        let operator = self.stage.hire(&format!("ola-{seq}")).await;
        let answer = self.act(&operator, action, seq).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn seen(&self, operator: &str, path: &str) -> Value {
        let answer = self.stage.get(&format!("/v1/admin/users{path}"), &[("authorization", operator)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn events(&self) -> usize {
        Users::events(&*self.stage.store.memory, self.user).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_user_is_found_by_their_e_mail_and_shown_by_their_id() {
    let member = Member::new().await;
    let viewer = member.stage.hire_as(OperatorRole::Viewer, "vera").await;
    let tokens = member.signed_in().await;
    let me = member.get("/v1/me", &tokens).await.json();
    let user = member.seen(&viewer, &format!("/{}", member.user)).await;
    assert_eq!(member.seen(&viewer, "?email=ADA@Example.com").await, json!({ "users": [user] }));
    for name in ["user_id", "email", "full_name", "role", "organization", "created_at"] {
        assert_eq!(user[name], me[name], "{name}");
    }
    assert_eq!((&user["status"], &user["seq"], &user["disabled_at"]), (&json!("active"), &json!(0), &Value::Null));
    assert_eq!(user["saga"]["workflow_id"], member.workflow.to_string());
    let own = member.get("/v1/sessions", &tokens).await.json()["sessions"].clone();
    let mut told = user["sessions"].clone();
    told[0]["current"] = json!(true);
    assert_eq!(told, own);
    let possible: Vec<_> = user["actions"].as_array().unwrap().iter().map(|choice| &choice["possible"]).collect();
    assert_eq!((possible, &user["events"]), (vec![&json!(true), &json!(false), &json!(true)], &json!([])));
    assert!(!user.to_string().contains("argon2"), "{user}");
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_within_20_seconds_elsewhere_until_they_are_enabled() {
    let member = Member::new().await;
    let other = Stage::beside(&member.stage, MasterKey::new([5; 32]));
    let tokens = member.signed_in().await;
    let elsewhere = async || other.get("/v1/sessions", &[("authorization", &tokens.bearer())]).await.status;
    assert_eq!(elsewhere().await, 200);
    let user = member.operated("disable", 0).await;
    assert_eq!((&user["status"], &user["seq"], &user["sessions"]), (&json!("disabled"), &json!(1), &json!([])));
    let event = &user["events"][0];
    assert_eq!(
        (&event["action"], &event["operator"], &event["reason"], &event["at"]),
        (&json!("disable"), &json!("ola-0"), &json!("she asked for it"), &user["disabled_at"])
    );
    assert!(!member.is_live(&tokens).await);
    member.sign_in("ada@example.com", PASSWORD).await.assert_problem(401, "invalid_credentials");
    member.refresh(&tokens.refresh).await.assert_problem(401, "session_over");
    member.stage.hands.go_on(19);
    assert_eq!(elsewhere().await, 200, "what was seen is believed");
    member.stage.hands.go_on(1);
    assert_eq!(elsewhere().await, 401);
    let user = member.operated("enable", 1).await;
    assert_eq!((&user["status"], &user["disabled_at"]), (&json!("active"), &Value::Null));
    assert!(!member.is_live(&tokens).await, "it stays over");
    let anew = member.signed_in().await;
    assert!(member.is_live(&anew).await);
}

#[tokio::test]
async fn who_is_signed_out_may_sign_in_again() {
    let member = Member::new().await;
    let (first, second) = (member.signed_in().await, member.signed_in().await);
    assert_eq!(member.operated("sign_out", 0).await["sessions"], json!([]));
    for Tokens { refresh, .. } in [&first, &second] {
        member.refresh(refresh).await.assert_problem(401, "session_over");
    }
    assert!(!member.is_live(&first).await && !member.is_live(&second).await);
    let third = member.signed_in().await;
    assert!(member.is_live(&third).await);
}

#[tokio::test]
async fn an_action_on_what_the_operator_did_not_see_or_that_leads_nowhere_is_refused() {
    let member = Member::new().await;
    let operator = member.stage.hire("uwe").await;
    let tokens = member.signed_in().await;
    for seq in [1, (1 << 53) - 1] {
        let problem = member.act(&operator, "disable", seq).await.assert_problem(409, "user_moved");
        assert_eq!(problem["seq"], 0);
    }
    let problem = member.act(&operator, "enable", 0).await.assert_problem(409, "action_impossible");
    assert_eq!(problem["why"], "the user is not disabled");
    assert!(member.is_live(&tokens).await && member.events().await == 0);
    member.operated("disable", 0).await;
    for action in ["disable", "sign_out"] {
        let problem = member.act(&operator, action, 1).await.assert_problem(409, "action_impossible");
        assert_eq!(problem["why"], "the user is disabled, and so has no session");
        member.act(&operator, action, 0).await.assert_problem(409, "user_moved");
    }
    assert_eq!(member.events().await, 1);
}

#[tokio::test]
async fn an_order_says_why_and_on_what() {
    let member = Member::new().await;
    let operator = member.stage.hire("uwe").await;
    let path = format!("/v1/admin/users/{}/disable", member.user);
    for (body, field) in [
        (json!({ "seq": 0 }), "reason"),
        (json!({ "reason": " ", "seq": 0 }), "reason"),
        (json!({ "reason": "x" }), "seq"),
        (json!({ "reason": "x", "seq": 0, "force": true }), "force"),
    ] {
        let answer = member.stage.send(post_to(&path, &body.to_string(), &[("authorization", &operator)])).await;
        let problem = answer.assert_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!(member.events().await, 0);
}

#[tokio::test]
async fn of_many_clicks_at_once_one_takes_effect() {
    let member = Member::new().await;
    let operator = member.stage.hire("uwe").await;
    let clicks = (0..100).map(|_| member.act(&operator, "sign_out", 0));
    let mut statuses = Vec::new();
    for answer in futures_util::future::join_all(clicks).await {
        if answer.status == 409 {
            answer.assert_problem(409, "user_moved");
        }
        statuses.push(answer.status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 99][..]));
    assert_eq!(member.events().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_action_whose_reply_was_lost_is_found_to_be_written() {
    let member = Member::new().await;
    let tokens = member.signed_in().await;
    assert!(member.is_live(&tokens).await);
    for error in [Error::InDoubt("lost".into()), Error::Unavailable("away".into())] {
        member.stage.store.errors.lock().unwrap().push_back(error);
    }
    assert_eq!(member.operated("disable", 0).await["seq"], 1);
    assert_eq!(member.events().await, 1, "written once");
    assert!(!member.is_live(&tokens).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_is_said_to_have_done_nothing_or_to_be_in_doubt() {
    for (first, name) in
        [(Error::Unavailable("a secret".into()), "unavailable"), (Error::InDoubt("a secret".into()), "action_unknown")]
    {
        let member = Member::new().await;
        let operator = member.stage.hire("uwe").await;
        let tokens = member.signed_in().await;
        assert!(member.is_live(&tokens).await);
        let away = (0..1000).map(|_| Error::Unavailable("a secret".into()));
        member.stage.store.errors.lock().unwrap().extend([first].into_iter().chain(away));
        let answer = member.act(&operator, "disable", 0).await;
        answer.assert_problem(503, name);
        assert_eq!(answer.header("retry-after"), Some("1"));
        // What may have been done counts.
        assert_eq!(member.is_live(&tokens).await, name == "unavailable");
    }
}
