//! The invariants as queries: each returns no row in every committed state, also in the middle of a run, and otherwise
//! says what is wrong.
//!
//! They are written against the schema alone, apart from `auditor::invariants`, which checks the same on a snapshot: these
//! are cheap enough to be asked every second of a database with a hundred thousand sign-ups.

use std::fmt;
use std::time::Duration;

use saga::{Clock, SystemClock};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// What must hold, and the query that finds what does not.
#[derive(Debug)]
pub struct Invariant {
    /// In plain words.
    pub name: &'static str,
    sql: &'static str,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What is wrong.
    pub what: String,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    /// What was accepted so recently by the clock of the API that made its id, and whatever is under way.
    Recent(Duration),
    /// Everything.
    All,
}

/// What every query begins with.
const SCOPE: &str = include_str!("audit/scope.sql");

/// Every invariant that a query can tell.
pub const ALL: [Invariant; 14] = [
    Invariant { name: "I1 no row without a living saga", sql: include_str!("audit/no_orphan.sql") },
    Invariant {
        name: "I2 a user is provisional exactly while their saga is not completed",
        sql: include_str!("audit/no_half_user.sql"),
    },
    Invariant { name: "I3 completed is complete", sql: include_str!("audit/complete.sql") },
    Invariant { name: "I4 one sign-up for an e-mail", sql: include_str!("audit/one_for_an_email.sql") },
    Invariant { name: "I5 a saga makes at most one of each", sql: include_str!("audit/once.sql") },
    Invariant { name: "I6 the journal is a word of the state machine", sql: include_str!("audit/legal_history.sql") },
    Invariant { name: "I7 a claim writes once, and epochs never go back", sql: include_str!("audit/epochs_grow.sql") },
    Invariant { name: "I7 who is fenced writes nothing", sql: include_str!("audit/fenced.sql") },
    Invariant { name: "I7 nobody takes what another holds", sql: include_str!("audit/leases_hold.sql") },
    Invariant { name: "I8 an ended saga never changes", sql: include_str!("audit/ended_stay.sql") },
    Invariant { name: "I9 no sealed password outlives its use", sql: include_str!("audit/no_late_secret.sql") },
    Invariant {
        name: "I11 every operator's action is signed, and nothing else is",
        sql: include_str!("audit/signed.sql"),
    },
    Invariant { name: "I12 no transaction is idle for long", sql: include_str!("audit/no_idle_transaction.sql") },
    Invariant { name: "I13 a decoy makes nothing", sql: include_str!("audit/decoys_make_nothing.sql") },
];

/// Has the database write down what its rows do not keep, from now on. It must have been migrated.
///
/// # Errors
/// If it does not, or cannot be reached.
pub async fn watch(url: &str) -> anyhow::Result<()> {
    let mut database = PgConnection::connect(url).await?;
    database.execute(include_str!("audit/watch.sql")).await?;
    Ok(database.close().await?)
}

/// Everything that does not hold, of a database that is watched.
///
/// # Errors
/// If the database does not answer.
pub async fn violations(database: &mut PgConnection, scope: Scope) -> anyhow::Result<Vec<Violation>> {
    // To compile these takes longer than to run them.
    database.execute("SET jit = off").await?;
    let since = scope.first_id();
    let mut found = Vec::new();
    for Invariant { name, sql } in ALL {
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("{SCOPE}{sql}"))).bind(since).fetch_all(&mut *database).await?;
        found.extend(rows.into_iter().map(|what| Violation { invariant: name, what }));
    }
    Ok(found)
}

impl Scope {
    /// The least id that is looked at: ids begin with the milliseconds of their time.
    fn first_id(self) -> Uuid {
        match self {
            Self::Recent(time) => {
                let now = SystemClock.now().as_millisecond();
                let since = now.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
                Uuid::from_u128(u128::try_from(since).unwrap_or_default() << 80)
            }
            Self::All => Uuid::nil(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}
