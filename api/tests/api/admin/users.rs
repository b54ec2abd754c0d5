//! Finding users.

use saga::plan::EventKind;
use saga::store::Error;
use saga::{Active, SagaId, State, Transition};
use serde_json::{Value, json};
use signup::{Effect, PasswordHash, UserId};
use uuid::Uuid;

use super::{ORGANIZATION, Office};
use crate::stage::Answer;

impl Office {
    async fn find(&self, email: &str) -> Answer {
        self.get(&format!("/v1/admin/users?email={email}")).await
    }

    /// A sign-up whose user is there, and nothing else.
    async fn at_user(&self) -> SagaId {
        let saga = self.accept().await;
        let claimed = self.claim(signup::FIRST_STEP).await;
        let to = State::Active(Active::Running(ORGANIZATION));
        let made = Effect::CreateUser { hash: PasswordHash::from_stored("$argon2id$".to_owned()) };
        self.commit(claimed, Some(made), Transition::Advance { to, event: EventKind::Done }, None).await;
        saga
    }
}

#[tokio::test]
async fn who_is_not_there_is_not_found() {
    let office = Office::open().await;
    let found = office.find("nobody@example.com").await;
    assert_eq!((found.status.as_u16(), found.json()), (200, json!({ "users": [] })));
    let unknown = UserId(Uuid::from_u128(1)).to_string();
    for id in [&*unknown, &unknown.to_uppercase(), "usr_", "ada@example.com", "wf_00000000000000000000000000000000"] {
        office.get(&format!("/v1/admin/users/{id}")).await.assert_problem(404, "user_not_found");
    }
}

#[tokio::test]
async fn an_e_mail_is_needed_and_told_what_is_wrong_with_it() {
    let office = Office::open().await;
    for (query, field) in
        [("", "email"), ("?email=", "email"), ("?email=ada", "email"), ("?email=a@b.org&email=a@b.org", "email")]
    {
        let problem = office.get(&format!("/v1/admin/users{query}")).await.assert_problem(400, "invalid_parameters");
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let problem = office.find("a@b.org&name=ada").await.assert_problem(400, "invalid_parameters");
    assert_eq!(problem["errors"][0]["field"], "name");
}

#[tokio::test]
async fn whose_sign_up_is_under_way_is_seen_and_left_to_their_saga() {
    let office = Office::open().await;
    let saga = office.at_user().await;
    let user = office.find(&format!("{saga}@example.com")).await.json()["users"][0].clone();
    assert_eq!((&user["status"], &user["seq"]), (&json!("provisional"), &json!(0)));
    assert_eq!(
        (&user["role"], &user["organization"], &user["disabled_at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(user["saga"]["workflow_id"], saga.to_string());
    assert_eq!((&user["saga"]["status"], &user["saga"]["step"]), (&json!("running"), &json!("create_organization")));
    assert!(user["actions"].as_array().unwrap().iter().all(|choice| choice["possible"] == json!(false)), "{user}");
    for action in ["disable", "enable", "sign_out"] {
        let path = format!("/v1/admin/users/{}/{action}", user["user_id"].as_str().unwrap());
        let body = json!({ "reason": "she asked", "seq": 0 }).to_string();
        let answer = office.stage.send(crate::stage::post_to(&path, &body, &[("authorization", &office.token)])).await;
        let problem = answer.assert_problem(409, "action_impossible");
        assert_eq!(problem["why"], "the user's sign-up has not completed: act on its saga");
    }
}

#[tokio::test]
async fn a_store_in_trouble_is_told_and_its_error_is_not() {
    let office = Office::open().await;
    for (error, status, name) in [
        (Error::Unavailable("a secret".into()), 503, "unavailable"),
        (Error::Unreadable("a secret".into()), 500, "internal"),
    ] {
        *office.stage.store.load_error.lock().unwrap() = Some(error);
        for path in ["/v1/admin/users?email=ada@example.com", "/v1/admin/users/usr_00000000000000000000000000000001"] {
            let answer = office.get(path).await;
            answer.assert_problem(status, name);
            assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
        }
    }
}
