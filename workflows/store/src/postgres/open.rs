//! Opening a PostgreSQL database.

use std::sync::Arc;
use std::time::Duration;

use saga::{OsRandom, Random, Retry};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};
use tokio::time::timeout;
use tracing::{info, warn};

use super::connections::{Bounds, Connections, STATEMENT};
use super::servers::{Servers, connect_error, no_answer};
use super::{Postgres, schema};

/// The oldest server that is known to do, as it tells its own version: 15.0.
const OLDEST: i32 = 150_000;
/// What is asked of a server before it is used.
const SERVER: &str = "
SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version";
/// How long one try to connect may take, and each answer to a question about what is there.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two tries to connect: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(250), Duration::from_secs(8));

/// What every connection is set to.
///
/// Every statement is short, static and made of nested loops over indexes, however large the tables have grown and
/// whatever was known of them when it was planned. A page of a list is read in its index' order: a bitmap would have
/// all
/// that the index holds read and sorted first.
///
/// Who waits for a row that another transaction holds gives up before the statement's time is over, and after the
/// server has looked for a deadlock (1 s): it is known then that nothing was written.
///
/// The statements are made for READ COMMITTED, whatever the database or the role has as its default.
const SETTINGS: [(&str, &str); 10] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("lock_timeout", "1500ms"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
];

/// A PostgreSQL database, on one server or on several of which one takes writes, and how to use it.
#[derive(Clone)]
pub struct Database {
    servers: Servers,
    connections: u32,
    random: Arc<dyn Random>,
}

/// Why a database does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read.
    #[error(
        "it is not a PostgreSQL URL ({0}); expected postgres://user:password@host:5432/database, or several with \
         commas between"
    )]
    Url(String),
    /// The server does not let us in.
    #[error("the server refuses us: {0}; check user and password")]
    Denied(String),
    /// The role may not do what has to be done.
    #[error("the role may not do what it has to: {0}; make it the owner of the database")]
    Forbidden(String),
    /// There is no encrypted connection to be had, or none that can be trusted.
    #[error("no TLS with the server: {0}; check sslmode and sslrootcert in the URL")]
    Tls(String),
    /// The server is older than what this program knows.
    #[error("the server is PostgreSQL {0}, too old: 15 is the oldest that will do")]
    TooOld(String),
    /// It was written by a newer program.
    #[error(
        "it has schema {found}, which needs a program that knows schema {needs}, and this one knows {known}: \
         run the newer program"
    )]
    TooNew {
        /// Its schema's number.
        found: i64,
        /// The newest that this program knows.
        known: i64,
        /// The newest that a program must know at least.
        needs: i64,
    },
    /// A migration that it has is not the one that this program has under the same number.
    #[error("its schema {0} is not this program's: it was written by another build")]
    Foreign(i64),
    /// It lacks migrations that this program needs.
    #[error("it has schema {found}, this program needs {known}: run `signup migrate` first")]
    Behind {
        /// Its schema's number, 0 for none.
        found: i64,
        /// The one that this program needs.
        known: i64,
    },
    /// A migration failed.
    #[error("it cannot be migrated: {0}")]
    Migration(String),
    /// It is not there, or not yet.
    #[error("{0}")]
    Away(String),
}

impl OpenError {
    /// Whether the same may succeed later.
    pub fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Url(_)
            | Self::Denied(_)
            | Self::Forbidden(_)
            | Self::Tls(_)
            | Self::TooOld(_)
            | Self::TooNew { .. }
            | Self::Foreign(_)
            | Self::Behind { .. }
            | Self::Migration(_) => false,
        }
    }
}

impl Database {
    /// The database behind a URL, or behind several with commas between, each of a server that may take the writes;
    /// with at most so many connections from this process, of which 3 are the fewest.
    ///
    /// # Errors
    /// [`OpenError::Url`].
    pub fn new(urls: &str, connections: u32) -> Result<Self, OpenError> {
        Ok(Self { servers: Servers::parse(urls)?, connections, random: Arc::new(OsRandom) })
    }

    /// Where it is, for a person to read: never with a password.
    pub fn place(&self) -> String {
        self.servers.place()
    }

    /// Brings the schema up to date: the numbers of the migrations that were missing.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong; where it [passes](OpenError::passes), the same may succeed later.
    pub async fn migrate(&self) -> Result<Vec<i64>, OpenError> {
        let mut connection = self.connect().await?;
        // A migration may take its time over large tables, but nobody queues for long behind one that waits.
        let patience = sqlx::query("SELECT set_config('lock_timeout', '5s', false)").execute(&mut connection);
        patience.await.map_err(connect_error)?;
        let missing = match timeout(CONNECT, schema::check(&mut connection)).await {
            Ok(Ok(())) => Vec::new(),
            Ok(Err(OpenError::Behind { found, .. })) => schema::bring_up_to_date(&mut connection, found).await?,
            Ok(Err(other)) => return Err(other),
            Err(_) => return Err(no_answer()),
        };
        // It is closed politely where that is quick; the server finds out otherwise.
        let _ = timeout(CONNECT, connection.close()).await;
        Ok(missing)
    }

    /// Opens the store, once the schema is found to be one that this program can work with.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong; where it [passes](OpenError::passes), the same may succeed later.
    pub async fn open(&self) -> Result<Postgres, OpenError> {
        let mut connection = self.connect().await?;
        let checked = timeout(CONNECT, schema::check(&mut connection)).await;
        checked.unwrap_or_else(|_| Err(no_answer()))?;
        let _ = timeout(CONNECT, connection.close()).await;
        let statement_timeout = format!("{}ms", STATEMENT.as_millis());
        let servers = self.servers.told(&SETTINGS).told(&[("statement_timeout", statement_timeout.as_str())]);
        let [front, work, back] = shares(self.connections);
        let pool = |users, connections, acquire| {
            Connections::new(users, servers.clone(), Bounds { connections, acquire }, &self.random)
        };
        // A request waits for that of another in its lane, and then for its own: a client hears within 2 s that the server
        // is away.
        Ok(Postgres::over(
            pool("requests", front, Duration::from_millis(800)),
            pool("workers", work, Duration::from_secs(2)),
            pool("operators", back, Duration::from_secs(2)),
            &self.random,
        ))
    }

    /// Does `what` as soon as the database lets us, and says meanwhile what it waits for.
    ///
    /// # Errors
    /// Those that do not [pass](OpenError::passes).
    pub async fn patiently<T>(&self, what: impl AsyncFn(&Self) -> Result<T, OpenError>) -> Result<T, OpenError> {
        let mut failures = 0;
        loop {
            match what(self).await {
                Err(error) if error.passes() => {
                    failures += 1;
                    let pause = PAUSES.delay(failures, self.random.fraction());
                    warn!(database = self.place(), %error, again_in = ?pause, "waiting for the database");
                    tokio::time::sleep(pause).await;
                }
                other => {
                    if failures > 0 && other.is_ok() {
                        info!(database = self.place(), "the database is there");
                    }
                    return other;
                }
            }
        }
    }

    async fn connect(&self) -> Result<PgConnection, OpenError> {
        let mut connection = self.servers.connect(CONNECT).await?;
        let asked = sqlx::query(SERVER);
        let row = timeout(CONNECT, asked.fetch_one(&mut connection)).await.map_err(|_| no_answer())?;
        let row = row.map_err(connect_error)?;
        let number = row.try_get("number").map_err(connect_error)?;
        will_do(number, row.try_get("version").map_err(connect_error)?)?;
        Ok(connection)
    }
}

impl std::fmt::Debug for Database {
    /// Without the password, which sqlx shows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.place()).finish()
    }
}

/// Whether a server of this version will do.
fn will_do(number: i32, version: String) -> Result<(), OpenError> {
    if number < OLDEST { Err(OpenError::TooOld(version)) } else { Ok(()) }
}

/// How many connections are for requests, for workers and for operators. Operators are let in however busy the rest
/// is, and workers do not wait behind requests.
fn shares(connections: u32) -> [u32; 3] {
    let connections = connections.max(3);
    let back = if connections < 6 { 1 } else { 2 };
    let work = (connections - back) / 2;
    [connections - back - work, work, back]
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;

    /// Draws the same again and again.
    struct Drawn(u128);

    impl Random for Drawn {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn connections_are_shared_out_and_none_goes_without() {
        for connections in 0..=100 {
            let shares = shares(connections);
            assert!(shares.iter().all(|share| *share > 0), "{connections}: {shares:?}");
            assert_eq!(shares.iter().sum::<u32>(), connections.max(3), "{shares:?}");
        }
        assert_eq!(shares(32), [15, 15, 2]);
    }

    #[test]
    fn a_server_that_is_too_old_is_named() {
        let refused = will_do(140_019, "14.19 (Debian 14.19-1)".to_owned()).unwrap_err();
        assert!(!refused.passes());
        assert_eq!(
            refused.to_string(),
            "the server is PostgreSQL 14.19 (Debian 14.19-1), too old: 15 is the oldest that will do"
        );
        for number in [150_000, 150_018, 180_001] {
            assert_eq!(will_do(number, "15.0".to_owned()), Ok(()));
        }
    }

    #[test]
    fn a_place_is_told_without_its_password() {
        let url = "postgres://ada:canary@db.example.com:6543/signup?application_name=canary&password=canary";
        let database = Database::new(url, 1).unwrap();
        assert_eq!(database.place(), "signup on db.example.com:6543");
        let shown = format!("{database:?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(Database::new("postgres://ada@db.example.com", 1).unwrap().place().starts_with("ada on"));
    }

    #[test]
    fn an_unreadable_url_is_told_without_its_password() {
        for url in ["", "canary", "postgres://ada:canary@host:port/x", "postgres://ada:canary@host/x?sslmode=what"] {
            let refused = Database::new(url, 1).unwrap_err();
            assert!(matches!(refused, OpenError::Url(_)), "{url}: {refused:?}");
            assert!(!refused.passes() && !refused.to_string().contains("canary"), "{refused}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn processes_that_miss_a_server_at_the_same_moment_ask_for_it_at_moments_of_their_own() {
        // A quarter, a half, one and two seconds, or half of each at least.
        for (drawn, waited) in [(0, 1_875), (1 << 126, 2_343), (1 << 127, 2_812), (u128::MAX, 3_749)] {
            let random = Arc::new(Drawn(drawn));
            let database = Database { random, ..Database::new("postgres://127.0.0.1:1/x", 3).unwrap() };
            let (begun, tries) = (Instant::now(), AtomicU32::new(0));
            let comes = async |_: &Database| match tries.fetch_add(1, Ordering::Relaxed) {
                0..4 => Err(OpenError::Away("gone".to_owned())),
                _ => Ok(()),
            };
            database.patiently(comes).await.unwrap();
            // The clock rounds each pause up.
            assert!((waited..=waited + 4).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        }
    }
}
