//! The database alone: the store's own statements on one connection, one at a time, with nothing of ours around them.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use saga::Saga;
use signup::{Proposal, SignUp};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, PgConnection, Row};
use uuid::Uuid;

/// As the store sets its connections.
const SETTINGS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Each step, the name of the statement that commits it, and what it brings.
const STEPS: [(&str, &str, Option<&str>); 4] = [
    (
        "create_user",
        "commit.create_user",
        Some("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"),
    ),
    ("create_organization", "commit.create_organization", Some("Analytical Engines")),
    ("create_profile", "commit.create_profile", None),
    ("update_claims", "commit.write_claims", None),
];

/// Who claims and writes the journal: a name as long as a worker's.
const WORKER: &str = "serial-0123456789ab";

/// A connection to the database, and the statements.
pub(crate) struct Serial {
    connection: PgConnection,
    statements: BTreeMap<&'static str, &'static str>,
}

/// A claimed saga's fence.
struct Fence {
    saga: Uuid,
    epoch: i64,
    seq: i64,
}

impl Serial {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let connection = options.options(SETTINGS).disable_statement_logging().connect().await?;
        Ok(Self { connection, statements: store::Postgres::statements().collect() })
    }

    /// Runs these sagas from acceptance to their end, each statement for all of them: how many have completed.
    pub(crate) async fn run(&mut self, proposals: &[Proposal]) -> anyhow::Result<usize> {
        let accepted = self.fetch("accept", |query| accept(query, proposals)).await?.len();
        ensure!(accepted == proposals.len(), "not accepted");
        let mut completed = 0;
        for (at, (step, commit_of, brings)) in STEPS.iter().enumerate() {
            let claimed = self.fetch("claim", |query| claim(query, step, proposals.len())).await?;
            // Where others run sagas too, they may be others' sagas, and fewer.
            let fences = claimed.iter().map(Fence::of).collect::<Result<Vec<_>, _>>()?;
            let next = STEPS.get(at + 1).map(|(next, ..)| *next);
            completed = self.fetch(commit_of, |query| commit(query, step, next, *brings, &fences)).await?.len();
        }
        Ok(completed)
    }

    /// The connection, for whoever looks at what it has cost.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    async fn fetch(&mut self, name: &str, bind: impl FnOnce(Statement) -> Statement) -> anyhow::Result<Vec<PgRow>> {
        let sql = *self.statements.get(name).with_context(|| format!("the store has no statement {name}"))?;
        Ok(bind(sqlx::query(sql)).fetch_all(&mut self.connection).await?)
    }
}

type Statement = Query<'static, sqlx::Postgres, PgArguments>;

impl Fence {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { saga: row.try_get("id")?, epoch: row.try_get("epoch")?, seq: row.try_get("seq")? })
    }
}

fn accept(query: Statement, proposals: &[Proposal]) -> Statement {
    let ids = |part: fn(&Proposal) -> Uuid| proposals.iter().map(part).collect::<Vec<_>>();
    let text = |part: fn(&Proposal) -> Option<&str>| {
        proposals.iter().map(|of| part(of).map(str::to_owned)).collect::<Vec<_>>()
    };
    let none = vec![None::<Vec<u8>>; proposals.len()];
    query
        .bind(SignUp::KIND)
        .bind(STEPS[0].0)
        .bind(ids(|of| of.saga.uuid()))
        .bind(proposals.iter().map(|of| i64::from(of.version)).collect::<Vec<_>>())
        .bind(ids(|of| of.applicant.user.0))
        .bind(ids(|of| of.applicant.organization.0))
        .bind(ids(|of| of.applicant.profile.0))
        .bind(text(|of| Some(of.applicant.email.as_written())))
        .bind(text(|of| Some(of.applicant.email.key())))
        .bind(text(|of| of.applicant.full_name.as_ref().map(signup::FullName::as_str)))
        .bind(text(|of| of.applicant.organization_name.as_ref().map(signup::OrganizationName::as_str)))
        .bind(none.clone())
        .bind(none)
        .bind(proposals.iter().map(|of| of.sealed.as_bytes().to_vec()).collect::<Vec<_>>())
        .bind(vec![false; proposals.len()])
}

fn claim(query: Statement, step: &'static str, limit: usize) -> Statement {
    let (version, limit) = (i64::from(signup::VERSION), i64::try_from(limit).unwrap_or(i64::MAX));
    query.bind(SignUp::KIND).bind(step).bind(version).bind(version).bind(limit).bind(WORKER).bind(20_000_i64)
}

/// What a commit without a fault binds, see the store's `commit.rs`.
fn commit(
    query: Statement,
    step: &'static str,
    next: Option<&'static str>,
    brings: Option<&'static str>,
    fences: &[Fence],
) -> Statement {
    fn each<T: Clone>(fences: &[Fence], value: T) -> Vec<T> {
        vec![value; fences.len()]
    }
    let refused = step == STEPS[0].0;
    let (nothing, then) = (None::<&str>, if next.is_some() { "running" } else { "completed" });
    query
        .bind(fences.iter().map(|of| of.saga).collect::<Vec<_>>())
        .bind(fences.iter().map(|of| of.epoch).collect::<Vec<_>>())
        .bind(fences.iter().map(|of| of.seq).collect::<Vec<_>>())
        .bind(each(fences, "running"))
        .bind(each(fences, step))
        .bind(each(fences, nothing))
        .bind(each(fences, then))
        .bind(each(fences, next))
        .bind(each(fences, nothing))
        .bind(each(fences, None::<i64>))
        .bind(each(fences, false))
        .bind(each(fences, "done"))
        .bind(each(fences, refused.then_some("failed")))
        .bind(each(fences, nothing))
        .bind(each(fences, refused.then_some("email_taken")))
        .bind(each(fences, refused.then_some("refused")))
        .bind(each(fences, 1_i64))
        .bind(each(fences, WORKER))
        .bind(each(fences, 0_i64))
        .bind(each(fences, nothing))
        .bind(each(fences, brings))
        // The next step is claimed by a statement of its own.
        .bind(each(fences, None::<i64>))
        .bind(each(fences, false))
}
