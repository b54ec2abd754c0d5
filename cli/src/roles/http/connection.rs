//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::debug;

use super::Bounds;
use super::progress::{InHand, Progress};
use super::room::Place;
use super::tapped::{Answer, Socket};

/// Answers what comes over a connection, until the client leaves, takes too long, or is to go: because its place is
/// needed and it has no request in hand, or because the port closes.
pub(super) async fn answer<S>(socket: S, peer: SocketAddr, router: Router, terms: Terms)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Terms { bounds, place, closing } = terms;
    let (recorder, mut progress) = Progress::begin();
    let socket = TokioIo::new(Socket { socket, recorder: recorder.clone() });
    let handler = service_fn(|request| handle(router.clone(), peer, recorder.take_in_hand(), request));
    let mut connection = pin!(http().serve_connection(socket, handler));
    let mut leaving = false;
    loop {
        let now = *progress.borrow_and_update();
        tokio::select! {
            biased;
            // Whatever went wrong with it, nobody is there any more to be told.
            _ = connection.as_mut() => return,
            changed = progress.changed() => if changed.is_err() { return },
            () = over(now.deadline(&bounds)) => {
                debug!("a client {}: its time is over", now.doing());
                return;
            }
            () = place.is_needed(), if now.has_no_request() => {
                debug!("a client {}: its place is needed", now.doing());
                return;
            }
            () = closing.cancelled(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What a connection goes by.
pub(super) struct Terms {
    pub(super) bounds: Bounds,
    pub(super) place: Place,
    pub(super) closing: CancellationToken,
}

/// HTTP as it is spoken here. A head that is too long is answered with 431, without a body.
///
/// Its own time for a head counts from the end of the answer before, so that it holds between two requests too: it is
/// not used.
fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_header_size(Bounds::HEAD).max_buf_size(Bounds::BUFFER);
    http
}

/// Hands a request to the router, with the address of who asks.
async fn handle(
    mut router: Router,
    peer: SocketAddr,
    in_hand: InHand,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = router.call(request).await?;
    Ok(answer.map(|body| Answer { body, _in_hand: in_hand }))
}

/// When the time is over, if there is an end to it.
async fn over(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
