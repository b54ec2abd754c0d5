//! What users see and do: signing in, staying signed in, signing out, and changing their password.

mod door;
mod lost;
mod operated;
mod password;
mod redeeming;
mod refreshing;
mod rotating;
mod sessions;
mod signing_in;
mod verifying;

use accounts::Accounts;
use axum::body::Body;
use axum::http::Request;
use saga::SagaId;
use serde_json::{Value, json};
use signup::{Cost, Hasher, Password, UserId};

use crate::stage::{Answer, PASSWORD, Stage, completed, post_to};

/// A stage with somebody on it who has signed up: Ada.
pub(crate) struct Member {
    stage: Stage,
    workflow: SagaId,
    workflow_token: String,
    user: UserId,
}

/// A session's tokens.
#[derive(Debug, Clone, PartialEq)]
struct Tokens {
    access: String,
    refresh: String,
    session: String,
}

impl Member {
    async fn new() -> Self {
        Self::on(Stage::new()).await
    }

    async fn on(stage: Stage) -> Self {
        let started = stage.sign_up(&[]).await.json();
        let proposal = stage.store.proposals.lock().unwrap()[0].clone();
        stage.store.put(proposal.saga, completed());
        let memory = &stage.store.memory;
        memory.plant_account(&proposal);
        let known = memory.credentials(&proposal.applicant.email).await.unwrap().unwrap();
        assert!(memory.rehash(&known, &hash("m=8,t=1,p=1", PASSWORD).await).await.unwrap());
        Self {
            workflow: proposal.saga,
            workflow_token: started["workflow_token"].as_str().unwrap().to_owned(),
            user: proposal.applicant.user,
            stage,
        }
    }

    async fn redeem(&self) -> Answer {
        self.redeem_with(&self.workflow_token).await
    }

    async fn redeem_with(&self, token: &str) -> Answer {
        self.post(&format!("/v1/signups/{}/session", self.workflow), &json!({ "workflow_token": token })).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/sessions", &json!({ "email": email, "password": password })).await
    }

    /// Signs in as Ada.
    async fn signed_in(&self) -> Tokens {
        tokens(&self.sign_in("ada@example.com", PASSWORD).await)
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/sessions/refresh", &json!({ "refresh_token": token })).await
    }

    async fn change_password(&self, tokens: &Tokens, old: &str, new: &str) -> Answer {
        let body = json!({ "old_password": old, "new_password": new }).to_string();
        self.stage.send(post_to("/v1/me/password", &body, &[("authorization", &tokens.bearer())])).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.stage.send(post_to(path, &body.to_string(), &[])).await
    }

    async fn get(&self, path: &str, tokens: &Tokens) -> Answer {
        self.stage.get(path, &[("authorization", &tokens.bearer())]).await
    }

    async fn delete(&self, path: &str, tokens: &Tokens) -> Answer {
        let request = Request::delete(path).header("authorization", tokens.bearer());
        self.stage.send(request.body(Body::empty()).unwrap()).await
    }

    /// Whether the service still knows whose session it is.
    async fn is_live(&self, tokens: &Tokens) -> bool {
        let answer = self.get("/v1/me", tokens).await;
        if answer.status != 200 {
            answer.assert_problem(401, "sign_in_required");
        }
        answer.status == 200
    }
}

impl Tokens {
    fn bearer(&self) -> String {
        format!("Bearer {}", self.access)
    }
}

/// Does all that members do, and fails at some of it. Returns what nobody is to find anywhere afterwards.
pub(crate) async fn everything_once() -> (Member, Vec<String>) {
    const NEW: &str = "an entirely different phrase";
    let member = Member::new().await;
    let first = tokens(&member.redeem().await);
    let second = member.signed_in().await;
    let third = tokens(&member.refresh(&second.refresh).await);
    member.sign_in("ada@example.com", "wrong wrong").await;
    member.redeem_with("wft_wrong").await;
    for path in ["/v1/me", "/v1/sessions"] {
        assert_eq!(member.get(path, &third).await.status, 200);
    }
    assert_eq!(member.change_password(&third, PASSWORD, NEW).await.status, 204);
    member.stage.hands.go_on(10);
    member.refresh(&second.refresh).await.assert_problem(401, "session_over");
    assert!(!member.is_live(&first).await);
    let secrets = [PASSWORD, NEW, "wrong wrong", "ada@example.com", &member.workflow_token].map(str::to_owned);
    let tokens = [first, second, third].into_iter().flat_map(|one| {
        let signature = one.access.rsplit_once('.').map(|(_, signature)| signature.to_owned());
        [one.access, one.refresh, signature.unwrap_or_default()]
    });
    let secrets = secrets.into_iter().chain(tokens).collect();
    (member, secrets)
}

#[track_caller]
fn tokens(answer: &Answer) -> Tokens {
    assert!(answer.status.is_success(), "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["token_type"], &json["expires_in"]), (&json!("Bearer"), &json!(600)), "{json}");
    let [access, refresh, session] = ["access_token", "refresh_token", "session_id"]
        .map(|name| json[name].as_str().unwrap_or_else(|| panic!("no {name}: {json}")).to_owned());
    Tokens { access, refresh, session }
}

async fn hash(cost: &str, password: &str) -> signup::PasswordHash {
    let cost: Cost = cost.parse().unwrap();
    Hasher::inline(cost).hash(Password::presented(password.to_owned()).unwrap()).await.unwrap()
}
