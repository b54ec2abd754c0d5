//! Reads the store for all who wait.

use std::sync::Arc;

use metrics::counter;
use saga::store::{Error, View};
use saga::{SagaId, State, Store};
use signup::SignUp;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::rooms::{Round, Seen};
use super::{Desk, PATIENCE};

/// Reads the store for all who wait.
pub(super) struct Reader {
    pub(super) desk: Arc<Desk>,
    pub(super) store: Arc<dyn Store<SignUp>>,
}

impl Reader {
    /// Reads whatever is due, for ever.
    pub(super) async fn run(self) {
        let mut before = None;
        loop {
            self.until_due(before).await;
            before = Some(Instant::now());
            let (round, sagas) = self.desk.rooms().take_due();
            if !sagas.is_empty() {
                self.read(round, &sagas).await;
            }
        }
    }

    async fn until_due(&self, before: Option<Instant>) {
        loop {
            let next = self.desk.rooms().next(before);
            let Some(next) = next else {
                self.desk.bell.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                () = sleep_until(next) => return,
                // Something else may be due before.
                () = self.desk.bell.notified() => {}
            }
        }
    }

    async fn read(&self, round: Round, sagas: &[SagaId]) {
        match self.views(sagas).await {
            Ok(views) => self.tell(round, sagas, &views),
            // One that cannot be read is not to keep the others from being seen.
            Err(Error::Unreadable(_)) if sagas.len() > 1 => {
                let (some, others) = sagas.split_at(sagas.len() / 2);
                Box::pin(self.read(round, some)).await;
                Box::pin(self.read(round, others)).await;
            }
            Err(error) => {
                debug!(%error, sagas = sagas.len(), "not read for those who wait");
                let mut rooms = self.desk.rooms();
                rooms.tell_all(sagas, round, &error);
                if matches!(error, Error::Unavailable(_) | Error::InDoubt(_)) {
                    // Whoever came meanwhile would hear the same, after as long.
                    let (next, later) = rooms.take_due();
                    rooms.tell_all(&later, next, &error);
                }
            }
        }
    }

    fn tell(&self, round: Round, sagas: &[SagaId], views: &[View]) {
        let ended = views.iter().filter(|view| matches!(view.state, State::Ended(_)));
        ended.for_each(|view| self.desk.ended.insert(view.saga, view.clone()));
        let views: std::collections::HashMap<_, _> = views.iter().map(|view| (view.saga, view)).collect();
        let mut rooms = self.desk.rooms();
        for saga in sagas {
            rooms.tell(*saga, Seen { round, view: Ok(views.get(saga).copied().cloned()) });
        }
    }

    /// In a task of its own, and in time: a store that panics or hangs fails this reading and no other.
    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        counter!("signup_waiter_queries_total").increment(1);
        let (store, sagas) = (Arc::clone(&self.store), sagas.to_vec());
        let read = AbortOnDropHandle::new(tokio::spawn(async move { store.views(&sagas).await }));
        match timeout(PATIENCE, read).await {
            Ok(read) => read.unwrap_or_else(|_| Err(Error::Unreadable("reading panicked".into()))),
            Err(_) => Err(Error::Unavailable("the store did not answer in time".into())),
        }
    }
}
