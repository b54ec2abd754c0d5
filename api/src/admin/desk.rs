//! The operators' door: a token for everything behind it, and a role for what changes anything.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use signup::{Operator, OperatorToken};

use crate::problem::Problem;
use crate::{Api, bearer};

/// The API behind the operators' door: the state of their routes. Only a [`Desk`] gets at what is in it.
#[derive(Clone)]
pub(crate) struct Locked(Arc<Api>);

/// An operator who has shown their token, and what they work with.
///
/// It comes first among a handler's arguments, so that nobody without a token learns what else is wrong with their
/// request.
pub(super) struct Desk {
    /// What they work with.
    pub(super) api: Arc<Api>,
    /// Who they are.
    pub(super) operator: Operator,
}

/// The desk of an operator who may act.
pub(super) struct Controls(pub(super) Desk);

impl Locked {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self(api)
    }
}

impl FromRequestParts<Locked> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, Locked(api): &Locked) -> Result<Self, Problem> {
        let token = bearer::token(&parts.headers).and_then(|token| token.parse().ok());
        let token: OperatorToken = token.ok_or(Problem::Unauthorized)?;
        let operator = api.operators.find(&token.hash()).await.map_err(|error| Problem::unread(&error))?;
        Ok(Self { api: Arc::clone(api), operator: operator.ok_or(Problem::Unauthorized)? })
    }
}

impl FromRequestParts<Locked> for Controls {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, locked: &Locked) -> Result<Self, Problem> {
        let desk = Desk::from_request_parts(parts, locked).await?;
        if desk.operator.role.may_act() { Ok(Self(desk)) } else { Err(Problem::Forbidden) }
    }
}
