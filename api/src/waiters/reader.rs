//! Reads the store for all who wait.

use std::sync::Arc;

use metrics::counter;
use saga::store::{Error, View};
use saga::{SagaId, State, Store};
use signup::SignUp;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::Desk;
use super::rooms::{Round, Seen};

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
            let (round, sagas) = self.desk.rooms().begin();
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
                for saga in sagas {
                    Box::pin(self.read(round, std::slice::from_ref(saga))).await;
                }
            }
            Err(error) => {
                debug!(%error, sagas = sagas.len(), "not read for those who wait");
                let mut rooms = self.desk.rooms();
                for saga in sagas {
                    rooms.tell(*saga, Seen { round, view: Err(error.clone()) });
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

    /// In a task of its own: a store that panics fails this reading and no other.
    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        counter!("signup_waiter_queries_total").increment(1);
        let (store, sagas) = (Arc::clone(&self.store), sagas.to_vec());
        let read = tokio::spawn(async move { store.views(&sagas).await });
        read.await.unwrap_or_else(|_| Err(Error::Unreadable("reading panicked".into())))
    }
}
