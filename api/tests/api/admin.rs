//! What operators see and do.

mod acting;
mod door;
mod listing;
mod showing;
mod users;
mod workers;

use std::time::Duration;

use saga::plan::EventKind;
use saga::store::{Claim, Claimed, Commit, Committed, Note};
use saga::{Active, Code, OsRandom, SagaId, State, StepName, Store, Transition, WorkerName};
use serde_json::Value;
use signup::{Applicant, Duplicates, Effect, EmailAddress, OrganizationName, Password, Proposal, SignUp, Unsealer};

use crate::stage::{Answer, PASSWORD, Stage, post_to};

const ORGANIZATION: StepName = StepName::new("create_organization");

/// An operator at work on sagas in memory.
struct Office {
    stage: Stage,
    token: String,
}

impl Office {
    async fn open() -> Self {
        let stage = Stage::new();
        let token = stage.hire("ada").await;
        Self { stage, token }
    }

    async fn get(&self, path: &str) -> Answer {
        self.stage.get(path, &[("authorization", &self.token)]).await
    }

    async fn list(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("/v1/admin/sagas{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        ids(&answer.json())
    }

    async fn show(&self, saga: SagaId) -> Value {
        let answer = self.get(&format!("/v1/admin/sagas/{saga}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn act(&self, saga: SagaId, action: &str, body: &Value) -> Answer {
        let path = format!("/v1/admin/sagas/{saga}/{action}");
        self.stage.send(post_to(&path, &body.to_string(), &[("authorization", &self.token)])).await
    }

    /// A sign-up that was just accepted. Each has an e-mail of its own, and a later id.
    async fn accept(&self) -> SagaId {
        let saga = self.next_id();
        self.sign_up(saga, saga).await
    }

    /// A sign-up that was just accepted, with the e-mail of that one.
    async fn decoy_of(&self, other: SagaId) -> SagaId {
        self.sign_up(self.next_id(), other).await
    }

    fn next_id(&self) -> SagaId {
        self.stage.hands.go_on(1);
        SagaId::new(&*self.stage.hands, &OsRandom)
    }

    async fn sign_up(&self, saga: SagaId, whose: SagaId) -> SagaId {
        let clock = &*self.stage.hands;
        let email = EmailAddress::parse(&format!("{whose}@example.com")).unwrap();
        let password = Password::parse(PASSWORD.to_owned(), &[]).unwrap();
        let sealed = Unsealer::new(&[7; 32]).unwrap().sealer().seal(saga, &password);
        let applicant = Applicant::new(email, None, None, clock, &OsRandom);
        let proposal = Proposal {
            saga,
            version: 1,
            applicant,
            sealed,
            idempotency: None,
            duplicates: Duplicates::Decoyed,
            told: false,
        };
        self.stage.store.memory.accept(&proposal).await.unwrap();
        saga
    }

    async fn claim(&self, step: StepName) -> Claimed<SignUp> {
        let claim = Claim {
            kind: "signup",
            versions: 1..=1,
            step,
            only: None,
            limit: 1,
            worker: WorkerName::from_stored("worker-1".into()),
            lease: Duration::from_secs(20),
        };
        self.stage.store.memory.claim(&claim).await.unwrap().remove(0)
    }

    async fn commit(&self, claimed: Claimed<SignUp>, effect: Option<Effect>, then: Transition, error: Option<&str>) {
        let note = Note {
            worker: WorkerName::from_stored("worker-1".into()),
            attempt: claimed.attempt,
            took: Duration::from_millis(7),
            error: error.map(Into::into),
        };
        let Claimed { fence, state: from, .. } = claimed;
        let commit = Commit { fence, from, effect, then, if_refused: None, hold: None, told: false, note };
        assert_eq!(self.stage.store.memory.commit(&commit).await.unwrap(), Committed::Then);
    }

    /// A sign-up whose first step is said to be done, and which has nothing to show for it.
    async fn at_organization(&self) -> SagaId {
        let saga = self.accept().await;
        let claimed = self.claim(signup::FIRST_STEP).await;
        let to = State::Active(Active::Running(ORGANIZATION));
        self.commit(claimed, None, Transition::Advance { to, event: EventKind::Done }, None).await;
        saga
    }

    /// A sign-up whose organization was made and cannot be unmade.
    async fn stuck(&self) -> SagaId {
        let saga = self.at_organization().await;
        let back = State::Active(Active::Compensating(ORGANIZATION, Code::STEP_FAILED));
        let made = Effect::CreateOrganization { name: OrganizationName::of(None) };
        let claimed = self.claim(ORGANIZATION).await;
        self.commit(claimed, Some(made), Transition::Advance { to: back, event: EventKind::GaveUp }, Some("gone"))
            .await;
        let claimed = self.claim(ORGANIZATION).await;
        let again = Transition::Again { after: Duration::from_mins(5), stuck: true, event: EventKind::UndoFailed };
        self.commit(claimed, None, again, Some("no deletes here")).await;
        saga
    }
}

fn ids(page: &Value) -> Vec<String> {
    page["sagas"].as_array().unwrap().iter().map(|saga| saga["workflow_id"].as_str().unwrap().to_owned()).collect()
}

fn shown(sagas: &[SagaId]) -> Vec<String> {
    sagas.iter().map(ToString::to_string).collect()
}
