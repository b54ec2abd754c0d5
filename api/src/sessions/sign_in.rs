//! `POST /v1/sessions`: signs in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use accounts::{Credentials, Proof};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use metrics::counter;
use signup::{EmailAddress, Password, Unverified, Verified};
use tracing::{debug, error, warn};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::attempts::Attempts;
use super::begin::begin;
use super::pair::Pair;
use crate::Api;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};

/// How often a password is verified: once more where its hash was replaced meanwhile, be it by one of the same password.
const TRIES: usize = 2;

/// Who signs in. Fields other than these are refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The address that they have signed up with.
    #[schema(value_type = String, format = "email", max_length = 254, example = "grace@example.com")]
    email: EmailAddress,
    /// Their password.
    #[schema(
        value_type = String, format = "password", write_only, min_length = 1, max_length = 256,
        example = "correct horse battery staple"
    )]
    password: Password,
}

/// Sign in
///
/// Whether an e-mail is known does not show, neither in the answer nor in its time. Attempts that fail are counted for
/// each address; many for one e-mail make each of them slower, and lock nobody out.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    operation_id = "sign_in",
    tag = "sessions",
    request_body(content = SignIn, content_type = "application/json"),
    responses((status = 201, description = "The session has begun.", body = Pair, example = json!(Pair::example())), Problems)
)]
pub(crate) async fn sign_in(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Result<(StatusCode, Json<Pair>), Problem> {
    let SignIn { email, password } = SignIn::read(fields)?;
    for _ in 0..TRIES {
        let known = prove(&api, address.0, &email, password.clone()).await?;
        let Some(Credentials { user, hash }) = known else { break };
        if let Some(pair) = begin(&api, Proof::Password { user, hash }, address.0, &headers).await? {
            counter!("signup_sessions_begun_total", "by" => "password").increment(1);
            return Ok((StatusCode::CREATED, Json(pair)));
        }
    }
    Err(Problem::InvalidCredentials)
}

impl SignIn {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let email = fields.required("email", |text| EmailAddress::parse(&text));
        let password = fields.required("password", Password::presented);
        let errors = fields.finish();
        match (email, password) {
            (Some(email), Some(password)) if errors.is_empty() => Ok(Self { email, password }),
            _ => Err(Problem::InvalidFields { errors }),
        }
    }
}

/// Whose e-mail and password these are, if anybody's. It takes the same time whether the e-mail is known or not.
///
/// # Errors
/// [`Problem::RateLimited`] after too many attempts, [`Problem::Overloaded`] if it is nobody's turn in time.
pub(crate) async fn prove(
    api: &Arc<Api>,
    address: IpAddr,
    email: &EmailAddress,
    password: Password,
) -> Result<Option<Credentials>, Problem> {
    let identity = &api.identity;
    let attempt = Attempts::one_more(&api.admission, &api.hash_key, address, email).await?;
    let known = match identity.accounts.credentials(email).await {
        Ok(known) => known,
        Err(error) => {
            attempt.right().await;
            return Err(Problem::unread(&error));
        }
    };
    let verified = match &known {
        Some(known) => identity.hasher.verify(&known.hash, password.clone()).await,
        None => identity.hasher.verify_nobody(password.clone()).await,
    };
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            attempt.right().await;
            return Err(unverified(api, &error));
        }
    };
    let Some(known) = known.filter(|_| verified != Verified::No) else {
        counter!("signup_sign_ins_refused_total", "why" => "password").increment(1);
        return Ok(None);
    };
    attempt.right().await;
    if verified == Verified::YesOutdated {
        tokio::spawn(rehash(Arc::clone(api), known.clone(), password));
    }
    Ok(Some(known))
}

fn unverified(api: &Api, error: &Unverified) -> Problem {
    match error {
        Unverified::NotNow(_) => {
            debug!(%error, "a password was not verified");
            counter!("signup_sign_ins_refused_total", "why" => "load").increment(1);
            api.overload.too_many_hashes()
        }
        Unverified::Unreadable(_) => {
            error!(%error, "a user cannot sign in");
            Problem::Internal
        }
    }
}

/// Hashes a password anew, whose hash is cheaper than hashes are now.
async fn rehash(api: Arc<Api>, known: Credentials, password: Password) {
    let hashed = api.identity.hasher.hash(password).await;
    let replaced = match &hashed {
        Ok(hash) => api.identity.accounts.rehash(&known, hash).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    };
    match replaced {
        Ok(replaced) => debug!(replaced, "a password is hashed anew"),
        Err(error) => warn!(error, "a password could not be hashed anew: it is tried again at the next sign-in"),
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let own =
            [Kind::InvalidCredentials, Kind::RateLimited, Kind::Overloaded, Kind::ActionUnknown, Kind::Unavailable];
        problem::responses(&[&own[..], &Kind::OF_A_BODY].concat())
    }
}
