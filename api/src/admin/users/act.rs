//! `POST /v1/admin/users/{id}/disable`, `enable` and `sign_out`: who may sign in, and who has to again.

use std::collections::BTreeMap;

use accounts::{UserAction, UserOrder};
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::operate::Signature;
use signup::UserId;
use tracing::info;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::seen::Seen;
use super::show::{user, user_id};
use crate::Api;
use crate::admin::desk::{Controls, Desk};
use crate::admin::order::{self, Order};
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::settle::{Settled, WhileAway, settle};

/// Disable a user
///
/// They cannot sign in until they are enabled; their sessions are over, at once in this process and within 20 s in every
/// other. Access tokens stay good for up to 10 minutes where they are verified without asking this service.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/disable",
    operation_id = "disable_user",
    tag = "operators",
    security(("operator" = ["operator"])),
    params(
        ("id" = String, Path, description = "The `user_id`: `sub` in access tokens.",
            example = "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8"),
    ),
    request_body(content = Order, content_type = "application/json"),
    responses(
        (status = 200, description = "Done: the user as they are now.", body = Seen, example = json!(Seen::example())),
        Problems
    )
)]
pub(in crate::admin) async fn disable(
    controls: Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Seen>, Problem> {
    answer(UserAction::Disable, controls, id, fields).await
}

/// Enable a user who is disabled
///
/// They can sign in again, with the password that they have. The sessions that they had stay over.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/enable",
    operation_id = "enable_user",
    tag = "operators",
    security(("operator" = ["operator"])),
    params(
        ("id" = String, Path, description = "The `user_id`: `sub` in access tokens.",
            example = "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8"),
    ),
    request_body(content = Order, content_type = "application/json"),
    responses(
        (status = 200, description = "Done: the user as they are now.", body = Seen, example = json!(Seen::example())),
        Problems
    )
)]
pub(in crate::admin) async fn enable(
    controls: Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Seen>, Problem> {
    answer(UserAction::Enable, controls, id, fields).await
}

/// End all sessions of a user
///
/// They can sign in again. When it counts where: as when they are disabled.
#[utoipa::path(
    post,
    path = "/v1/admin/users/{id}/sign_out",
    operation_id = "sign_out_user",
    tag = "operators",
    security(("operator" = ["operator"])),
    params(
        ("id" = String, Path, description = "The `user_id`: `sub` in access tokens.",
            example = "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8"),
    ),
    request_body(content = Order, content_type = "application/json"),
    responses(
        (status = 200, description = "Done: the user as they are now.", body = Seen, example = json!(Seen::example())),
        Problems
    )
)]
pub(in crate::admin) async fn sign_out(
    controls: Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Seen>, Problem> {
    answer(UserAction::SignOut, controls, id, fields).await
}

async fn answer(
    action: UserAction,
    Controls(desk): Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Seen>, Problem> {
    let (id, order) = (user_id(id)?, Order::read(fields)?);
    order::see_through(&action, perform(action, desk, id, order)).await
}

async fn perform(action: UserAction, desk: Desk, id: UserId, order: Order) -> Result<Seen, Problem> {
    let Desk { api, operator } = desk;
    let known = user(&api, id).await?;
    if known.seq != order.seq {
        return Err(Problem::UserMoved { seq: known.seq });
    }
    action.on(known.status).map_err(|why| Problem::ActionImpossible { why: why.to_string() })?;
    let signature = Signature { operator: operator.name.to_string(), reason: order.reason };
    let written = write(&api, &UserOrder { user: id, seq: order.seq, action, signature }).await;
    // It may be written also where that is not known.
    api.identity.live.are_over(id);
    written?;
    info!(operator = %operator.name, user = %id, %action, "operator acted on a user");
    // It is done, whatever becomes of this reading.
    let known = user(&api, id).await.map_err(|_| Problem::ActionUnknown)?;
    Seen::of(&api, known).await.map_err(|_| Problem::ActionUnknown)
}

/// Writes it, whatever becomes of a reply.
async fn write(api: &Api, order: &UserOrder) -> Result<(), Problem> {
    let act = || api.identity.users.act(order);
    let Settled { said: is_done, in_doubt } = settle(&*api.random, &order.action, WhileAway::Waits, act).await?;
    if is_done || in_doubt && is_written(api, order).await? {
        Ok(())
    } else {
        Err(Problem::UserMoved { seq: user(api, order.user).await?.seq })
    }
}

/// Whether the event that follows what the operator saw is theirs.
async fn is_written(api: &Api, order: &UserOrder) -> Result<bool, Problem> {
    let events = api.identity.users.events(order.user).await.map_err(|_| Problem::ActionUnknown)?;
    let next = events.into_iter().find(|event| event.seq == order.seq + 1);
    Ok(next.is_some_and(|event| event.action == order.action && event.signature == order.signature))
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let kinds: Vec<Kind> = order::KINDS.into_iter().chain([Kind::UserNotFound, Kind::UserMoved]).collect();
        problem::responses(&kinds)
    }
}
