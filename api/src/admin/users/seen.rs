//! A user as an operator sees them: who they are, where they are signed in, and what can be done.

use accounts::{Impossible, Session, User, UserAction, UserEvent, UserStatus};
use saga::store::Record;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Api;
use crate::admin::saga::Document;
use crate::me::show::Organization;
use crate::problem::Problem;
use crate::sessions::list::Told;
use crate::time::shown;

const DISABLES: &str = "ends all sessions; they cannot sign in until they are enabled";
const ENABLES: &str = "they can sign in again, with the password that they have";
const SIGNS_OUT: &str = "ends all sessions; they can sign in again";

/// A user, with their organization, their sign-up, their live sessions, what operators have done to them, and what can
/// be done.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(in crate::admin) struct Seen {
    /// Their id: `sub` in their access tokens.
    #[schema(pattern = "^usr_[0-9a-f]{32}$")]
    user_id: String,
    /// The address that they sign in with.
    #[schema(example = "grace@example.com")]
    email: String,
    status: Status,
    /// Since when they are disabled. Only of one who is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    disabled_at: Option<String>,
    /// Their name, if they gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    full_name: Option<String>,
    /// What they are in their organization, once their sign-up has come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "owner")]
    role: Option<&'static str>,
    /// Their organization, once their sign-up has come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    organization: Option<Organization>,
    /// When they were created.
    #[schema(format = "date-time")]
    created_at: String,
    /// How often operators have acted on them. An action names the one that its operator saw.
    seq: u64,
    /// Their sign-up.
    saga: Document,
    /// Where they are signed in, the one that was used last first; a hundred at most.
    sessions: Vec<Told>,
    /// What operators have done to them, the latest first; a hundred at most.
    events: Vec<Entry>,
    /// What an operator can do.
    actions: Vec<Choice>,
}

/// Whether a user may sign in: `provisional` (their sign-up has not completed), `active` (they may), or `disabled` (an
/// operator keeps them out).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UserStatus)]
enum Status {
    Provisional,
    Active,
    Disabled,
}

/// What an operator does to a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UserAction)]
enum Word {
    Disable,
    Enable,
    SignOut,
}

/// Something that an operator has done to a user.
#[derive(Serialize, ToSchema)]
#[schema(as = UserEvent)]
struct Entry {
    /// Its number, from 1.
    seq: u64,
    /// When.
    #[schema(format = "date-time")]
    at: String,
    action: Word,
    /// Which operator did it.
    operator: String,
    /// Why they did it.
    reason: String,
}

/// What an operator can do to a user, or why they cannot.
#[derive(Serialize, ToSchema)]
#[schema(as = UserChoice)]
struct Choice {
    /// The action: the last part of its path.
    action: Word,
    /// Whether it is possible now.
    possible: bool,
    /// What it does. Only of one that is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    does: Option<&'static str>,
    /// Why it is not possible. Only of one that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why_not: Option<String>,
}

impl Seen {
    /// Reads what belongs to a user.
    pub(super) async fn of(api: &Api, user: User) -> Result<Self, Problem> {
        let unread = |error| Problem::unread(&error);
        let events = api.identity.users.events(user.id).await.map_err(unread)?;
        let sessions = api.identity.sessions.list(user.id).await.map_err(unread)?;
        let inspection = api.store.inspect(user.saga).await.map_err(unread)?;
        // Users refer to their sagas, which stay; a user may be undone between two readings.
        let record = inspection.ok_or(Problem::UserNotFound)?.record;
        Ok(Self::new(user, &record, sessions, events))
    }

    fn new(user: User, record: &Record, sessions: Vec<Session>, mut events: Vec<UserEvent>) -> Self {
        // They were read later, and an operator may have acted meanwhile.
        events.retain(|event| event.seq <= user.seq);
        let disabled_at = match user.status {
            UserStatus::Disabled(since) => Some(shown(since)),
            UserStatus::Provisional | UserStatus::Active => None,
        };
        let membership = user.membership.map(|of| {
            let organization = Organization { org_id: of.organization.to_string(), name: of.organization_name };
            (of.role.as_str(), organization)
        });
        let (role, organization) = membership.unzip();
        Self {
            user_id: user.id.to_string(),
            email: user.email.as_written().to_owned(),
            status: Status::of(user.status),
            disabled_at,
            full_name: user.full_name,
            role,
            organization,
            created_at: shown(user.created_at),
            seq: user.seq,
            saga: Document::of(record),
            sessions: sessions.into_iter().map(Told::of).collect(),
            events: events.into_iter().map(Entry::of).collect(),
            actions: UserAction::ALL.into_iter().map(|action| Choice::of(action, user.status)).collect(),
        }
    }

    pub(super) fn example() -> Value {
        let possible = |action: &str, does: &str| json!({ "action": action, "possible": true, "does": does });
        json!({
            "user_id": "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8",
            "email": "grace@example.com",
            "status": "active",
            "full_name": "Grace Hopper",
            "role": "owner",
            "organization": { "org_id": "org_019b7c8d5a2e7f3090b1c2d3e4f5a6b9", "name": "Compilers" },
            "created_at": "2026-01-02T03:04:05.250Z",
            "seq": 1,
            "saga": {
                "workflow_id": "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7",
                "status": "completed",
                "attempt": 1,
                "seq": 4,
                "accepted_at": "2026-01-02T03:04:05.210Z",
                "age_ms": 86_400_000,
                "ended_at": "2026-01-02T03:04:05.290Z",
            },
            "sessions": [Told::example()],
            "events": [{
                "seq": 1,
                "at": "2026-01-02T15:04:05.250Z",
                "action": "sign_out",
                "operator": "ola",
                "reason": "she has lost her laptop",
            }],
            "actions": [
                possible("disable", DISABLES),
                { "action": "enable", "possible": false, "why_not": Impossible::NotDisabled.to_string() },
                possible("sign_out", SIGNS_OUT),
            ],
        })
    }
}

impl Status {
    fn of(status: UserStatus) -> Self {
        match status {
            UserStatus::Provisional => Self::Provisional,
            UserStatus::Active => Self::Active,
            UserStatus::Disabled(_) => Self::Disabled,
        }
    }
}

impl Word {
    fn of(action: UserAction) -> Self {
        match action {
            UserAction::Disable => Self::Disable,
            UserAction::Enable => Self::Enable,
            UserAction::SignOut => Self::SignOut,
        }
    }
}

impl Entry {
    fn of(event: UserEvent) -> Self {
        Self {
            seq: event.seq,
            at: shown(event.at),
            action: Word::of(event.action),
            operator: event.signature.operator,
            reason: event.signature.reason,
        }
    }
}

impl Choice {
    fn of(action: UserAction, status: UserStatus) -> Self {
        let (does, why_not) = match action.on(status) {
            Ok(()) => (Some(does(action)), None),
            Err(impossible) => (None, Some(impossible.to_string())),
        };
        Self { action: Word::of(action), possible: does.is_some(), does, why_not }
    }
}

/// What an action does, in words.
fn does(action: UserAction) -> &'static str {
    match action {
        UserAction::Disable => DISABLES,
        UserAction::Enable => ENABLES,
        UserAction::SignOut => SIGNS_OUT,
    }
}
