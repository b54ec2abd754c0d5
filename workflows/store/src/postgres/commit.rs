//! Committing steps: lock, effect, advance, event; one statement for each kind of effect, for many sagas at once.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use saga::store::{Commit, Committed, Error};
use saga::{Active, Random, SagaId, State, Transition};
use signup::{Effect, SignUp};

use super::connections::Connections;
use super::effect::{
    create_organization, create_profile, create_user, delete_claims, delete_organization, delete_profile, delete_user,
    nothing, payload, wipe_password, write_claims,
};
use super::error::Failure;
use super::lane::{Batch, Lane};
use super::value::{get, millis, saga_id, stored};

pub(super) const SQL: &[(&str, &str)] = &[
    ("commit.nothing", NOTHING),
    ("commit.create_user", CREATE_USER),
    ("commit.delete_user", DELETE_USER),
    ("commit.create_organization", CREATE_ORGANIZATION),
    ("commit.delete_organization", DELETE_ORGANIZATION),
    ("commit.create_profile", CREATE_PROFILE),
    ("commit.delete_profile", DELETE_PROFILE),
    ("commit.write_claims", WRITE_CLAIMS),
    ("commit.delete_claims", DELETE_CLAIMS),
    ("commit.wipe_password", WIPE_PASSWORD),
];

/// The whole statement around an effect.
///
/// - `l` holds the fence, in the order of ids. Not "update the saga first": a violation by the effect would undo it.
/// - `t` decides between the two planned transitions. Where the effect is not applied and no refusal is planned,
///   nothing is written. A delay means that the saga stays where it is.
/// - `a` advances the saga, and claims what follows for a worker that goes on with it. Where others are told of it,
///   they have a second ([`saga::store::HEARSAY`]) in which no sweep takes it.
/// - The result: no row where the fence does not hold.
macro_rules! committing {
    ($effect:expr) => {
        concat!(
            "
WITH i AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                         $7::text[], $8::text[], $9::text[], $10::bigint[], $11::boolean[], $12::text[],
                         $13::text[], $14::text[], $15::text[], $16::text[],
                         $17::bigint[], $18::text[], $19::bigint[], $20::text[], $21::text[], $22::bigint[],
                         $23::boolean[])
        AS i (saga, at_epoch, at_seq, from_state, from_step, from_code,
              then_state, then_step, then_code, delay_ms, stuck, then_event,
              else_state, else_step, else_code, else_event,
              attempt_number, worker, took_ms, error, payload, hold_ms, told)
), l AS MATERIALIZED (
    SELECT i.*, s.id, s.user_id, s.organization_id, s.profile_id, s.email, s.email_key, s.full_name
      FROM sagas s JOIN i ON s.id = i.saga
     WHERE s.epoch = i.at_epoch AND s.seq = i.at_seq AND s.state = i.from_state AND s.step = i.from_step
       AND s.code IS NOT DISTINCT FROM i.from_code
     ORDER BY s.id FOR NO KEY UPDATE OF s
), ",
            $effect,
            ", t AS (
    SELECT o.*, applied OR else_state IS NOT NULL AS writes,
           CASE WHEN applied THEN then_state ELSE else_state END AS to_state,
           CASE WHEN applied THEN then_step ELSE else_step END AS to_step,
           CASE WHEN applied THEN then_code ELSE else_code END AS to_code,
           CASE WHEN applied THEN then_event ELSE else_event END AS event,
           CASE WHEN told THEN interval '1 second' ELSE interval '0' END AS hearsay,
           applied AND delay_ms IS NOT NULL AS again, applied AND hold_ms IS NOT NULL AS holds
      FROM o
), a AS (
    UPDATE sagas s
       SET seq = s.seq + 1, state = t.to_state, step = t.to_step, code = t.to_code,
           epoch = s.epoch + t.holds::int,
           attempt = CASE WHEN t.again THEN s.attempt ELSE t.holds::int END,
           due_at = now() + CASE WHEN t.again THEN t.delay_ms ELSE 0 END * interval '1 millisecond',
           sweep_at = now() + CASE WHEN t.again THEN t.delay_ms * interval '1 millisecond' ELSE t.hearsay END,
           lease_owner = CASE WHEN t.holds THEN t.worker END,
           lease_until = CASE WHEN t.holds THEN now() + t.hold_ms * interval '1 millisecond' END,
           step_claimed_at = CASE WHEN t.again THEN s.step_claimed_at WHEN t.holds THEN now() END,
           stuck_since = CASE WHEN t.again AND t.stuck THEN coalesce(s.stuck_since, now()) END,
           ended_at = CASE WHEN t.to_state IN ('completed', 'failed') THEN now() END
      FROM t WHERE s.id = t.id AND t.writes
    RETURNING s.id
), e AS (
    INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, error, at)
    SELECT t.id, at_seq + 1, at_epoch, event, from_step, attempt_number, worker, took_ms, error, now()
      FROM t JOIN a ON a.id = t.id
), w AS (
    DELETE FROM sealed_passwords p USING t
     WHERE p.saga_id = t.id AND t.writes AND (t.hashed OR t.to_state IN ('completed', 'failed'))
)
SELECT t.id, t.applied, a.id IS NOT NULL AS written FROM t LEFT JOIN a ON a.id = t.id"
        )
    };
}

const NOTHING: &str = committing!(nothing!());
const CREATE_USER: &str = committing!(create_user!());
const DELETE_USER: &str = committing!(delete_user!());
const CREATE_ORGANIZATION: &str = committing!(create_organization!());
const DELETE_ORGANIZATION: &str = committing!(delete_organization!());
const CREATE_PROFILE: &str = committing!(create_profile!());
const DELETE_PROFILE: &str = committing!(delete_profile!());
const WRITE_CLAIMS: &str = committing!(write_claims!());
const DELETE_CLAIMS: &str = committing!(delete_claims!());
const WIPE_PASSWORD: &str = committing!(wipe_password!());

/// The statement that commits one kind of effect.
pub(super) struct CommitBatch {
    connections: Connections,
    sql: &'static str,
}

#[async_trait]
impl Batch for CommitBatch {
    type Member = Commit<SignUp>;
    /// [`Error::Rejected`] where the effect is not applied and no refusal is planned.
    type Answer = Result<Committed, Error>;

    const EXCLUSIVE: bool = true;

    fn order(one: &Commit<SignUp>, other: &Commit<SignUp>) -> Ordering {
        one.fence.saga.cmp(&other.fence.saga)
    }

    async fn run(&self, commits: &[Commit<SignUp>]) -> Result<Vec<Self::Answer>, Failure> {
        let unreadable = |error: Error| Failure::Unreadable(error.to_string());
        let statement = statement(self.sql, commits).map_err(unreadable)?;
        let rows = self.connections.try_fetch(statement).await?;
        let written = rows.iter().map(|row| {
            let answer = match (get(row, "written")?, get(row, "applied")?) {
                (true, true) => Ok(Committed::Then),
                (true, false) => Ok(Committed::Refused),
                (false, _) => Err(Error::Rejected("the effect conflicts with what is there, or lacks it".into())),
            };
            Ok((saga_id(row, "id")?, answer))
        });
        let written: BTreeMap<SagaId, Self::Answer> = written.collect::<Result<_, Error>>().map_err(unreadable)?;
        let answer = |commit: &Commit<SignUp>| written.get(&commit.fence.saga).cloned();
        Ok(commits.iter().map(|commit| answer(commit).unwrap_or(Ok(Committed::Fenced))).collect())
    }
}

fn statement(sql: &'static str, commits: &[Commit<SignUp>]) -> Result<super::connections::Statement, Error> {
    let each =
        |part: fn(&Commit<SignUp>) -> u64| commits.iter().map(|of| stored(part(of))).collect::<Result<Vec<_>, _>>();
    let from: Vec<_> = commits.iter().map(|of| State::Active(of.from.clone())).collect();
    let then: Vec<_> = commits.iter().map(|of| Planned::of(&of.then, &of.from)).collect();
    let refusal = |of: &Commit<SignUp>| of.if_refused.as_ref().map(|refused| Planned::of(refused, &of.from));
    let refused: Vec<_> = commits.iter().map(refusal).collect();
    let note = |part: fn(&Commit<SignUp>) -> i64| commits.iter().map(part).collect::<Vec<_>>();
    Ok(sqlx::query(sql)
        .bind(commits.iter().map(|of| of.fence.saga.uuid()).collect::<Vec<_>>())
        .bind(each(|of| of.fence.epoch)?)
        .bind(each(|of| of.fence.seq)?)
        .bind(words(&from))
        .bind(steps(&from))
        .bind(codes(&from))
        .bind(then.iter().map(|to| to.state.word()).collect::<Vec<_>>())
        .bind(then.iter().map(Planned::step).collect::<Vec<_>>())
        .bind(then.iter().map(Planned::code).collect::<Vec<_>>())
        .bind(then.iter().map(|to| to.delay).collect::<Vec<_>>())
        .bind(then.iter().map(|to| to.stuck).collect::<Vec<_>>())
        .bind(then.iter().map(|to| to.event).collect::<Vec<_>>())
        .bind(refused.iter().map(|to| to.as_ref().map(|to| to.state.word())).collect::<Vec<_>>())
        .bind(refused.iter().map(|to| to.as_ref().and_then(Planned::step)).collect::<Vec<_>>())
        .bind(refused.iter().map(|to| to.as_ref().and_then(Planned::code)).collect::<Vec<_>>())
        .bind(refused.iter().map(|to| to.as_ref().map(|to| to.event)).collect::<Vec<_>>())
        .bind(note(|of| i64::from(of.note.attempt)))
        .bind(commits.iter().map(|of| of.note.worker.to_string()).collect::<Vec<_>>())
        .bind(note(|of| millis(of.note.took)))
        .bind(commits.iter().map(|of| of.note.error.clone()).collect::<Vec<_>>())
        .bind(commits.iter().map(|of| payload(of.effect.as_ref())).collect::<Vec<_>>())
        .bind(commits.iter().map(|of| of.claims().map(millis)).collect::<Vec<_>>())
        .bind(commits.iter().map(|of| of.told).collect::<Vec<_>>()))
}

fn words(states: &[State]) -> Vec<&'static str> {
    states.iter().map(State::word).collect()
}

fn steps(states: &[State]) -> Vec<Option<String>> {
    states.iter().map(|state| state.step().map(|step| step.as_str().to_owned())).collect()
}

fn codes(states: &[State]) -> Vec<Option<String>> {
    states.iter().map(|state| state.code().map(|code| code.as_str().to_owned())).collect()
}

/// A planned transition as the statement wants it.
struct Planned {
    state: State,
    delay: Option<i64>,
    stuck: bool,
    event: &'static str,
}

impl Planned {
    fn of(transition: &Transition, from: &Active) -> Self {
        let event = transition.event().word();
        match transition {
            Transition::Advance { to, .. } => Self { state: to.clone(), delay: None, stuck: false, event },
            Transition::Again { after, stuck, .. } => {
                Self { state: State::Active(from.clone()), delay: Some(millis(*after)), stuck: *stuck, event }
            }
        }
    }

    fn step(&self) -> Option<String> {
        self.state.step().map(|step| step.as_str().to_owned())
    }

    fn code(&self) -> Option<String> {
        self.state.code().map(|code| code.as_str().to_owned())
    }
}

/// A lane for each kind of effect.
#[derive(Debug, Clone)]
pub(super) struct Commits {
    nothing: Lane<CommitBatch>,
    create_user: Lane<CommitBatch>,
    delete_user: Lane<CommitBatch>,
    create_organization: Lane<CommitBatch>,
    delete_organization: Lane<CommitBatch>,
    create_profile: Lane<CommitBatch>,
    delete_profile: Lane<CommitBatch>,
    write_claims: Lane<CommitBatch>,
    delete_claims: Lane<CommitBatch>,
    wipe_password: Lane<CommitBatch>,
}

impl Commits {
    pub(super) fn open(connections: &Connections, random: &Arc<dyn Random>) -> Self {
        let lane = |sql| Lane::open(Arc::new(CommitBatch { connections: connections.clone(), sql }), random);
        Self {
            nothing: lane(NOTHING),
            create_user: lane(CREATE_USER),
            delete_user: lane(DELETE_USER),
            create_organization: lane(CREATE_ORGANIZATION),
            delete_organization: lane(DELETE_ORGANIZATION),
            create_profile: lane(CREATE_PROFILE),
            delete_profile: lane(DELETE_PROFILE),
            write_claims: lane(WRITE_CLAIMS),
            delete_claims: lane(DELETE_CLAIMS),
            wipe_password: lane(WIPE_PASSWORD),
        }
    }

    pub(super) async fn send(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let lane = match &commit.effect {
            None | Some(Effect::Nothing) => &self.nothing,
            Some(Effect::CreateUser { .. }) => &self.create_user,
            Some(Effect::DeleteUser) => &self.delete_user,
            Some(Effect::CreateOrganization { .. }) => &self.create_organization,
            Some(Effect::DeleteOrganization) => &self.delete_organization,
            Some(Effect::CreateProfile) => &self.create_profile,
            Some(Effect::DeleteProfile) => &self.delete_profile,
            Some(Effect::WriteClaims) => &self.write_claims,
            Some(Effect::DeleteClaims) => &self.delete_claims,
            Some(Effect::WipePassword) => &self.wipe_password,
        };
        lane.send(commit.clone()).await?
    }
}
