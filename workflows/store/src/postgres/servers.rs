//! The servers that the database may be on, and connections to whichever takes writes.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::time::timeout;
use tracing::info;

use super::open::OpenError;

const SCHEMES: [&str; 2] = ["postgres", "postgresql"];
/// What a server is asked once, when it is connected to.
const STANDBY: &str = "SELECT pg_is_in_recovery() AS standby";

/// One server or several, of which one takes writes.
#[derive(Clone)]
pub(super) struct Servers {
    all: Arc<[PgConnectOptions]>,
    /// The one that took writes when it was last looked: the others are tried after it.
    last: Arc<AtomicUsize>,
}

impl Servers {
    /// Servers by their URLs, with commas between.
    pub(super) fn parse(urls: &str) -> Result<Self, OpenError> {
        let urls = split(urls);
        let count = urls.len();
        let parse = |(at, url)| {
            parse(url).map_err(|what| match count {
                1 => OpenError::Url(what),
                _ => OpenError::Url(format!("number {} of {count}: {what}", at + 1)),
            })
        };
        let all: Result<_, _> = urls.into_iter().enumerate().map(parse).collect();
        Ok(Self { all: all?, last: Arc::default() })
    }

    /// The same, with more that each connection is told.
    pub(super) fn told(&self, settings: &[(&str, &str)]) -> Self {
        let all = self.all.iter().cloned().map(|options| options.options(settings.iter().copied()));
        Self { all: all.collect(), last: Arc::clone(&self.last) }
    }

    /// Where they are, for a person to read: never with a password.
    pub(super) fn place(&self) -> String {
        self.all.iter().map(place).collect::<Vec<_>>().join(" or ")
    }

    /// A connection to the first that takes writes. Each has so much of this time as the others.
    pub(super) async fn connect(&self, within: Duration) -> Result<PgConnection, OpenError> {
        let count = self.all.len();
        let each = within / u32::try_from(count).unwrap_or(u32::MAX);
        let last = self.last.load(Ordering::Relaxed);
        let mut refusals = Vec::new();
        for at in (last..count).chain(0..last) {
            let Some(options) = self.all.get(at) else { continue };
            match timeout(each, connect(options)).await.unwrap_or_else(|_| Err(no_answer())) {
                Ok(connection) => {
                    if self.last.swap(at, Ordering::Relaxed) != at {
                        info!(database = place(options), "another server takes the writes now");
                    }
                    return Ok(connection);
                }
                Err(refusal) => refusals.push((place(options), refusal)),
            }
        }
        Err(all_refuse(refusals))
    }
}

/// A comma is between two URLs where something like a scheme follows it: within one it may be part of a parameter.
fn split(urls: &str) -> Vec<&str> {
    let (mut found, mut begin) = (Vec::new(), 0);
    for (comma, _) in urls.match_indices(',') {
        let rest = urls.get(comma + 1..).unwrap_or_default().trim_start();
        let scheme = rest.split_once("://").map_or("", |(scheme, _)| scheme);
        if !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) {
            found.push(urls.get(begin..comma).unwrap_or_default().trim());
            begin = comma + 1;
        }
    }
    found.push(urls.get(begin..).unwrap_or_default().trim());
    found
}

fn parse(url: &str) -> Result<PgConnectOptions, String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| match error {
        sqlx::Error::Configuration(what) => what.to_string(),
        other => other.to_string(),
    })?;
    if !SCHEMES.iter().any(|scheme| url.split_once("://").is_some_and(|(said, _)| said == *scheme)) {
        return Err("another scheme".into());
    }
    if [Some(options.get_host()), options.get_database()].into_iter().flatten().any(|part| part.contains(',')) {
        return Err("a comma where no other URL follows; give each server a whole URL".into());
    }
    Ok(options.application_name("signup").disable_statement_logging())
}

fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{database} on {}:{}", options.get_host(), options.get_port())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let mut connection = PgConnection::connect_with(options).await.map_err(connect_error)?;
    let row = sqlx::raw_sql(STANDBY).fetch_one(&mut connection).await.map_err(connect_error)?;
    if row.try_get("standby").map_err(connect_error)? {
        return Err(OpenError::Away("it is a standby, which takes no writes".into()));
    }
    Ok(connection)
}

pub(super) fn no_answer() -> OpenError {
    OpenError::Away("no answer".into())
}

/// Of several servers, one that may still come is waited for, whatever the others say.
fn all_refuse(mut refusals: Vec<(String, OpenError)>) -> OpenError {
    if refusals.len() > 1 && refusals.iter().any(|(_, refusal)| refusal.passes()) {
        let said: Vec<_> = refusals.iter().map(|(place, refusal)| format!("{place}: {refusal}")).collect();
        return OpenError::Away(said.join("; "));
    }
    refusals.pop().map_or_else(no_answer, |(_, refusal)| refusal)
}

/// By SQLSTATE, see appendix A of PostgreSQL's manual.
pub(super) fn connect_error(error: sqlx::Error) -> OpenError {
    let sqlx::Error::Database(database) = &error else {
        return match error {
            sqlx::Error::Configuration(what) => OpenError::Url(what.to_string()),
            sqlx::Error::Tls(what) => OpenError::Tls(what.to_string()),
            sqlx::Error::Protocol(_) => OpenError::Away("what answers there is no PostgreSQL server".into()),
            sqlx::Error::Io(error) => OpenError::Away(error.to_string()),
            other => OpenError::Away(other.to_string()),
        };
    };
    let text = database.message().to_owned();
    match database.code().unwrap_or_default().as_ref() {
        // Invalid password, invalid authorization, insufficient privilege.
        "28P01" | "28000" => OpenError::Denied(text),
        "42501" => OpenError::Forbidden(text),
        "3D000" => OpenError::Away(format!("{text}; create it with `createdb`")),
        _ => OpenError::Away(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_between_urls_alone() {
        for (urls, places) in [
            ("postgres://a/x", "x on a:5432"),
            ("postgres://a/x,postgres://b:6543/x", "x on a:5432 or x on b:6543"),
            ("postgres://a/x , postgresql://b/y", "x on a:5432 or y on b:5432"),
            ("postgres://u:1,2@a/x?options=-csearch_path%3Dm,p,postgres://b/x", "x on a:5432 or x on b:5432"),
        ] {
            assert_eq!(Servers::parse(urls).unwrap().place(), places);
        }
    }

    #[test]
    fn of_several_urls_the_wrong_one_is_told_without_its_password() {
        for (urls, which) in [
            ("postgres://a/x,mysql://b:canary@c/x", "number 2 of 2"),
            ("postgres://a:canary@b:port/x,postgres://c/x", "number 1 of 2"),
            ("postgres://a/x,postgres://b/x,sqlite://canary", "number 3 of 3"),
            ("postgres://canary,b/x", "a whole URL"),
            ("postgres://a/x,canary", "a whole URL"),
            ("postgres://a/x,", "a whole URL"),
            (",postgres://a/x", "number 1 of 2"),
        ] {
            let refused = Servers::parse(urls).err().unwrap();
            let said = refused.to_string();
            assert!(matches!(refused, OpenError::Url(_)) && said.contains(which), "{said}");
            assert!(!said.contains("canary") && said.lines().count() == 1, "{said}");
        }
    }

    #[test]
    fn what_all_servers_refuse_for_good_is_not_tried_again() {
        let away = || ("x on a:5432".to_owned(), OpenError::Away("gone".into()));
        let denied = || ("x on b:5432".to_owned(), OpenError::Denied("no".into()));
        assert_eq!(all_refuse(vec![away()]), OpenError::Away("gone".into()));
        assert_eq!(all_refuse(vec![denied(), denied()]), OpenError::Denied("no".into()));
        let refused = all_refuse(vec![denied(), away()]);
        assert!(refused.passes());
        assert!(refused.to_string().contains("x on b:5432: the server refuses us"), "{refused}");
    }
}
