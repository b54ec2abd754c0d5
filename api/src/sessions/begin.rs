//! A session that begins.

use std::net::IpAddr;

use accounts::{Generation, NewSession, Proof, SessionId};
use axum::http::HeaderMap;

use super::client;
use super::pair::Pair;
use crate::Api;
use crate::problem::Problem;
use crate::settle::{WhileAway, settle};

/// Begins a session for who has proved that they may. None if the proof does not hold.
pub(super) async fn begin(
    api: &Api,
    proof: Proof,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<Option<Pair>, Problem> {
    let session = NewSession {
        id: SessionId::new(&*api.clock, &*api.random),
        proof,
        device: client::device(headers),
        address_class: client::address_class(address),
    };
    let begin = || api.identity.sessions.begin(&session);
    match settle(&*api.random, &"begin a session", WhileAway::IsRefused, begin).await?.said {
        Some(holder) => Pair::issue(api, &holder, Generation::FIRST).await.map(Some),
        None => Ok(None),
    }
}
