//! Hints are left to others while this process could not take them up.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use tokio::sync::{Semaphore, oneshot};
use tower::{Layer, Service};

/// Is ready while a slot is free.
#[derive(Clone)]
pub(super) struct Gate(pub(super) Arc<Semaphore>);

/// A service behind a [`Gate`].
pub(super) struct Gated<S> {
    inner: S,
    slots: Arc<Semaphore>,
    /// While it waits for a slot.
    opening: Option<oneshot::Receiver<()>>,
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, slots: Arc::clone(&self.0), opening: None }
    }
}

impl<S: Service<R>, R> Service<R> for Gated<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        loop {
            if let Some(opening) = &mut self.opening {
                // One who waits no more counts as open: whoever takes up a hint waits for a slot itself.
                let _ = ready!(opening.poll_unpin(cx));
                self.opening = None;
            } else if self.slots.available_permits() > 0 {
                return self.inner.poll_ready(cx);
            } else {
                self.opening = Some(opening(Arc::clone(&self.slots)));
            }
        }
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

/// Tells when a slot comes free. It waits in a task of its own, which lets go of the slot at once: a worker that waits
/// for Redis meanwhile would keep it.
fn opening(slots: Arc<Semaphore>) -> oneshot::Receiver<()> {
    let (mut open, opened) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            slot = slots.acquire() => drop(slot),
            () = open.closed() => return,
        }
        let _ = open.send(());
    });
    opened
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, poll_fn, ready};

    use tokio::task::yield_now;
    use tower::service_fn;

    use super::*;

    fn nothing((): ()) -> Ready<Result<(), Infallible>> {
        ready(Ok(()))
    }

    #[tokio::test]
    async fn it_is_shut_while_no_slot_is_free_and_keeps_none() {
        let slots = Arc::new(Semaphore::new(1));
        let mut gated = Gate(Arc::clone(&slots)).layer(service_fn(nothing));
        poll_fn(|cx| gated.poll_ready(cx)).await.unwrap();
        assert_eq!(slots.available_permits(), 1);
        let taken = slots.acquire().await.unwrap();
        assert!(poll_fn(|cx| Poll::Ready(gated.poll_ready(cx))).await.is_pending());
        yield_now().await;
        drop(taken);
        // Nobody asks the gate meanwhile, and the slot is free all the same.
        drop(slots.acquire().await.unwrap());
        poll_fn(|cx| gated.poll_ready(cx)).await.unwrap();
        drop(gated);
        yield_now().await;
        assert_eq!(slots.available_permits(), 1);
    }
}
