//! What every test here stands on: a store whose answers are set by the test, the API on top of it, and a client that
//! holds every answer against the OpenAPI document.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use accounts::{Issuer, MasterKey};
use api::{
    Admission, AllowedOrigins, Api, Component, Condition, Health, Identity, IdentityParts, Overload, Quotas,
    TakenEmails, Trouble, Waiters,
};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use limits::Limiter;
use metrics_exporter_prometheus::PrometheusBuilder;
use saga::{Active, Advanced, Clock, End, Listener, OsRandom, Outline, Random, SagaId, State, StepName};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signup::{Cost, Duplicates, HashKey, Hasher, Operator, OperatorRole, OperatorToken, Operators, Unsealer};
use store::memory::Memory;
use tower::ServiceExt;

use crate::log::log_everything;
pub(crate) use crate::script::{Order, Script};

pub(crate) const STEPS: [StepName; 2] = [StepName::new("create_user"), StepName::new("create_organization")];
/// Where all requests come from.
const PROXY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4711);
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// It is always the same time.
pub(crate) struct ManualClock;

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_767_323_045, 0)
    }
}

/// A clock that goes on when it is told to: the memory's.
#[derive(Default)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn go_on(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_323_045 + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Remembers what it was told.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<Advanced>>);

impl Listener for Heard {
    fn advanced(&self, news: &Advanced) {
        self.0.lock().unwrap().push(news.clone());
    }
}

/// The API on a scripted store.
pub(crate) struct Stage {
    pub(crate) store: Arc<Script>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) router: Router,
    /// The time in the memory.
    pub(crate) hands: Arc<Hands>,
    pub(crate) health: Arc<Health>,
    /// What readiness goes by.
    pub(crate) parts: [Arc<Part>; 2],
}

/// A component that is as it is told to be.
pub(crate) struct Part {
    name: &'static str,
    /// `None`: it never answers.
    condition: Mutex<Option<Condition>>,
    pub(crate) asked: Mutex<u32>,
}

impl Part {
    fn well(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, condition: Mutex::new(Some(Condition::Well)), asked: Mutex::default() })
    }

    pub(crate) fn becomes(&self, condition: Option<Condition>) {
        *self.condition.lock().unwrap() = condition;
    }
}

#[async_trait]
impl Component for Part {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn condition(&self) -> Condition {
        *self.asked.lock().unwrap() += 1;
        let condition = self.condition.lock().unwrap().clone();
        match condition {
            Some(condition) => condition,
            None => std::future::pending().await,
        }
    }
}

pub(crate) fn trouble(shown: &'static str) -> Trouble {
    Trouble { shown, cause: "a secret of the component".to_owned() }
}

/// What stages differ by.
struct Props {
    quotas: Quotas,
    origins: AllowedOrigins,
    hasher: Hasher,
    hands: Arc<Hands>,
    memory: Option<Arc<Memory>>,
    master: MasterKey,
}

impl Default for Props {
    fn default() -> Self {
        Self {
            quotas: Quotas { address: 1_000_000, email: 1_000_000 },
            origins: AllowedOrigins::default(),
            hasher: Hasher::inline("m=8,t=1,p=1".parse::<Cost>().unwrap()),
            hands: Arc::default(),
            memory: None,
            master: MasterKey::new([5; 32]),
        }
    }
}

fn identity(store: &Arc<Script>, master_key: MasterKey, hands: &Arc<Hands>, hasher: Hasher) -> Identity {
    let origin = "https://signup.test".to_owned();
    let issuer = Issuer { issuer: origin.clone(), audience: origin };
    let clock: Arc<dyn Clock> = Arc::<Hands>::clone(hands);
    let parts = IdentityParts {
        sessions: Arc::<Script>::clone(store),
        accounts: Arc::<Script>::clone(store),
        users: Arc::<Script>::clone(store),
        signing_keys: Arc::<Memory>::clone(&store.memory),
        master_key,
        issuer,
        hasher: Arc::new(hasher),
    };
    Identity::begin(parts, &clock, &(Arc::new(OsRandom) as Arc<dyn Random>))
}

impl Stage {
    /// One where anybody may ask as often as they like.
    pub(crate) fn new() -> Self {
        Self::made(Props::default())
    }

    /// One where nobody may ask more often. Requests come through a proxy that is believed.
    pub(crate) fn with(quotas: Quotas) -> Self {
        Self::with_pages(quotas, "")
    }

    /// As [`Stage::with`], for pages of these origins too.
    pub(crate) fn with_pages(quotas: Quotas, origins: &str) -> Self {
        Self::made(Props { quotas, origins: origins.parse().unwrap(), ..Props::default() })
    }

    /// One where passwords are hashed like this.
    pub(crate) fn hashing(hasher: Hasher) -> Self {
        Self::made(Props { hasher, ..Props::default() })
    }

    /// Another process on the memory of an earlier one, whose signing keys are sealed by this key.
    pub(crate) fn beside(other: &Self, master: MasterKey) -> Self {
        let (hands, memory) = (Arc::clone(&other.hands), Arc::clone(&other.store.memory));
        Self::made(Props { hands, memory: Some(memory), master, ..Props::default() })
    }

    fn made(props: Props) -> Self {
        log_everything();
        let Props { quotas, origins, hasher, hands, memory, master } = props;
        let memory = memory.unwrap_or_else(|| Arc::new(Memory::new(Arc::<Hands>::clone(&hands))));
        let (store, heard) = (Arc::new(Script::new(Arc::clone(&memory))), Arc::new(Heard::default()));
        let waiters = Arc::new(Waiters::begin(Arc::<Script>::clone(&store)));
        let (parts, health) = ([Part::well("database"), Part::well("redis")], Arc::new(Health::starting()));
        health.begin(parts.iter().map(|part| Arc::<Part>::clone(part) as Arc<dyn Component>).collect());
        let admission =
            Admission { limiter: Limiter::new(None), quotas, proxies: PROXY.ip().to_string().parse().unwrap() };
        let outline = Outline { version: 1, steps: STEPS.to_vec() };
        let api = Api {
            store: Arc::<Script>::clone(&store),
            replays: Arc::<Script>::clone(&store),
            operators: Arc::<Memory>::clone(&memory),
            identity: Arc::new(identity(&store, master, &hands, hasher)),
            backlog: Arc::<Script>::clone(&store),
            statistics: Arc::<Memory>::clone(&memory),
            evidence: Arc::<Memory>::clone(&memory),
            fleet: memory,
            listener: Arc::<Heard>::clone(&heard),
            waiters: Arc::clone(&waiters),
            health: Arc::clone(&health),
            taken: Arc::new(TakenEmails::new(None, Arc::new(OsRandom))),
            overload: Arc::new(Overload::begin(Arc::<Script>::clone(&store), outline.clone(), Arc::new(OsRandom))),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            admission: Arc::new(admission),
            origins,
            sealer: Unsealer::new(&[7; 32]).unwrap().sealer(),
            hash_key: HashKey::new([1; 32]),
            clock: Arc::new(ManualClock),
            random: Arc::new(OsRandom),
            outline,
            duplicates: Duplicates::Refused,
        };
        let router = api::router(api).layer(MockConnectInfo(PROXY));
        Self { store, heard, waiters, router, hands, health, parts }
    }

    /// Adds an operator. Returns what they send in `Authorization`.
    pub(crate) async fn hire(&self, name: &str) -> String {
        self.hire_as(OperatorRole::Operator, name).await
    }

    /// Adds an operator in a role. Returns what they send in `Authorization`.
    pub(crate) async fn hire_as(&self, role: OperatorRole, name: &str) -> String {
        let token = OperatorToken::new(Sha256::digest(name).into());
        let operator = Operator { name: name.parse().unwrap(), role };
        assert!(self.store.memory.add(&operator, &token.hash()).await.unwrap());
        format!("Bearer {}", token.reveal())
    }

    /// Sends a request, and holds the answer against the OpenAPI document.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
        let answer = Answer { status, headers, body };
        assert_documented(&method, &path, &answer);
        answer
    }

    /// Sends a sign-up with these headers.
    pub(crate) async fn sign_up(&self, headers: &[(&str, &str)]) -> Answer {
        self.send(post(&ada().to_string(), headers)).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(with(Request::get(path), headers).body(Body::empty()).unwrap()).await
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The problem's name, if this is one.
    pub(crate) fn problem(&self) -> Option<String> {
        (self.header("content-type") == Some("application/problem+json")).then(|| {
            let problem = self.json();
            assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
            problem["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned()
        })
    }

    /// Asserts that it is this problem.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, name: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.problem().as_deref()), (status, Some(name)), "{self:?}");
        self.json()
    }
}

pub(crate) fn ada() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "Ada Lovelace" })
}

pub(crate) fn post(body: &str, headers: &[(&str, &str)]) -> Request<Body> {
    post_to("/v1/signups", body, headers)
}

pub(crate) fn post_to(path: &str, body: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    with(request, headers).body(Body::from(body.to_owned())).unwrap()
}

fn with(request: axum::http::request::Builder, headers: &[(&str, &str)]) -> axum::http::request::Builder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

pub(crate) fn running(step: usize) -> State {
    State::Active(Active::Running(STEPS[step].clone()))
}

pub(crate) fn completed() -> State {
    State::Ended(End::Completed)
}

pub(crate) fn failed(code: saga::Code) -> State {
    State::Ended(End::Failed(code))
}

pub(crate) fn any_saga() -> SagaId {
    SagaId::new(&ManualClock, &OsRandom)
}

/// Lets the other tasks run until this holds.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came to this");
}

/// Every answer of a described endpoint is described: its status, and its problem's name among the examples.
fn assert_documented(method: &str, path: &str, answer: &Answer) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&api::openapi()).unwrap());
    let route = described(path);
    let operation = &DOCUMENT["paths"][&route][method.to_lowercase()];
    if operation.is_null() {
        return;
    }
    let response = &operation["responses"][answer.status.as_str()];
    assert!(!response.is_null(), "{method} {route} is not described to answer {}", answer.status);
    if let Some(problem) = answer.problem() {
        let examples = &response["content"]["application/problem+json"]["examples"];
        assert!(!examples[&problem].is_null(), "{method} {route} is not described to answer {problem}");
    }
}

/// The path as the OpenAPI document has it.
fn described(path: &str) -> String {
    if path == "/v1/sessions/refresh" {
        return path.to_owned();
    }
    for above in ["/v1/signups/", "/v1/sessions/", "/v1/admin/sagas/", "/v1/admin/users/"] {
        if let Some(rest) = path.strip_prefix(above).filter(|rest| !rest.is_empty()) {
            let action = rest.split_once('/').map(|(_, action)| format!("/{action}")).unwrap_or_default();
            return format!("{above}{{id}}{action}");
        }
    }
    path.to_owned()
}
