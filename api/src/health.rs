//! Whether the process is well: for whatever starts it, restarts it, and sends it requests. Each endpoint is a file.

pub(crate) mod live;
pub(crate) mod ready;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a component may take to tell how it is.
const LIMIT: Duration = Duration::from_millis(1500);
/// How long it is taken at its word: however many ask, a component is asked twice a second at most.
const HOLD: Duration = Duration::from_millis(500);

/// The endpoints that tell.
pub(crate) fn endpoints() -> OpenApiRouter<Arc<Health>> {
    OpenApiRouter::new().routes(routes!(live::check)).routes(routes!(ready::check))
}

/// Something that the process does its work with.
#[async_trait]
pub trait Component: Send + Sync + 'static {
    /// What it is called where it is told of: `database`.
    fn name(&self) -> &'static str;

    /// How it is right now. It is not waited for longer than 1.5 s.
    async fn condition(&self) -> Condition;
}

/// How a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    Well,
    /// The process does its work without it, if not as quickly.
    Degraded(Trouble),
    /// The process cannot do its work.
    Down(Trouble),
}

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In words for everybody: it names nothing that only operators should know.
    pub shown: &'static str,
    /// For the log.
    pub cause: String,
}

/// Whether the process is well.
///
/// It is not ready before [`Health::begin`] nor after [`Health::stop`], and in between while a component is down.
pub struct Health {
    phase: Mutex<Phase>,
    latest: tokio::sync::Mutex<Option<(Instant, Vec<Finding>)>>,
}

#[derive(Clone)]
enum Phase {
    Starting,
    Working(Arc<[Arc<dyn Component>]>),
    Stopping,
}

/// How a component was found.
#[derive(Debug, Clone)]
struct Finding {
    component: &'static str,
    condition: Condition,
}

impl Health {
    /// The health of a process that is not ready yet.
    pub fn starting() -> Self {
        Self { phase: Mutex::new(Phase::Starting), latest: tokio::sync::Mutex::default() }
    }

    /// The process can do its work from now on, while these components are well enough.
    pub fn begin(&self, components: Vec<Arc<dyn Component>>) {
        let mut phase = self.phase();
        if let Phase::Starting = &*phase {
            *phase = Phase::Working(components.into());
        }
    }

    /// The process is about to stop: nobody should send it anything any more.
    pub fn stop(&self) {
        *self.phase() = Phase::Stopping;
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(&*self.phase(), Phase::Starting)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        matches!(&*self.phase(), Phase::Stopping)
    }

    /// How each component is: asked now, or found so a moment ago.
    async fn findings(&self, components: &[Arc<dyn Component>]) -> Vec<Finding> {
        let mut latest = self.latest.lock().await;
        if let Some((at, findings)) = &*latest
            && at.elapsed() < HOLD
        {
            return findings.clone();
        }
        let found = ask(components).await;
        let before = latest.take().map(|(_, findings)| findings).unwrap_or_default();
        for finding in &found {
            finding.log(before.iter().find(|before| before.component == finding.component));
        }
        *latest = Some((Instant::now(), found.clone()));
        found
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks all of them at once, in tasks of their own: one that panics is down.
async fn ask(components: &[Arc<dyn Component>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = components.iter().map(|component| Finding::silent(component.name())).collect();
    let mut asked = JoinSet::new();
    for (place, component) in components.iter().enumerate() {
        let component = Arc::clone(component);
        asked.spawn(async move { (place, timeout(LIMIT, component.condition()).await) });
    }
    while let Some(answer) = asked.join_next().await {
        if let Ok((place, Ok(condition))) = answer
            && let Some(finding) = findings.get_mut(place)
        {
            finding.condition = condition;
        }
    }
    findings
}

impl Finding {
    fn silent(component: &'static str) -> Self {
        let trouble = Trouble { shown: "it does not answer", cause: "no answer in time".to_owned() };
        Self { component, condition: Condition::Down(trouble) }
    }

    /// Says so where it has changed, and not each time.
    fn log(&self, before: Option<&Self>) {
        let component = self.component;
        let shown = |condition: &Condition| match condition {
            Condition::Well => None,
            Condition::Degraded(trouble) | Condition::Down(trouble) => Some(trouble.shown),
        };
        match (&self.condition, before.and_then(|before| shown(&before.condition))) {
            (Condition::Well, Some(_)) => info!(component, "well again"),
            (Condition::Down(trouble), known) if known != Some(trouble.shown) => {
                warn!(component, error = trouble.cause, "not ready: {}", trouble.shown);
            }
            (Condition::Degraded(trouble), known) if known != Some(trouble.shown) => {
                warn!(component, error = trouble.cause, "degraded: {}", trouble.shown);
            }
            (Condition::Well | Condition::Down(_) | Condition::Degraded(_), _) => {}
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Health")
    }
}
