//! A user who has shown an access token.

use std::sync::Arc;

use accounts::Holder;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::Problem;
use crate::{Api, bearer};

/// A user who has shown an access token of a session that is live.
///
/// It comes first among a handler's arguments, so that nobody else learns what else is wrong with their request.
pub(crate) struct SignedIn {
    /// What is worked with.
    pub(crate) api: Arc<Api>,
    /// Who they are: what the database says, not what the token says.
    pub(crate) holder: Holder,
}

impl FromRequestParts<Arc<Api>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let token = bearer::token(&parts.headers).ok_or(Problem::SignInRequired)?;
        let shown = api.identity.keys.verify(token).await?;
        let holder = api.identity.live.holder(shown.session).await?;
        let holder = holder.filter(|holder| holder.user == shown.user).ok_or(Problem::SignInRequired)?;
        Ok(Self { api: Arc::clone(api), holder })
    }
}
