//! What settings may be. Whoever is refused is told what a good value is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::{AllowedOrigins, TrustedProxies};
use signup::{Cost, Duplicates, Sealer};

use super::own_origin::OwnOrigin;
use super::secret::Secret;
use crate::key::{self, Key};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For a person.
    Text,
    /// For a program: one JSON object a line.
    Json,
}

/// How many connections from clients a process may have.
const OPEN_CONNECTIONS: std::ops::RangeInclusive<usize> = 16..=1_000_000;
/// How many connections to the database a process may have.
const CONNECTIONS: std::ops::RangeInclusive<u32> = 4..=1000;
/// How many sign-ups may be allowed.
const LIMIT: std::ops::RangeInclusive<u32> = 1..=1_000_000;
/// The most seconds that requests may still be taken for.
const LONGEST_DRAIN: u64 = 60;

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    // The one name that everybody tries, and that means the same everywhere.
    let numbers = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numbers.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!(
            "`{text}` is no address to listen on; give numbers with a port, as in 127.0.0.1:8080, or 0.0.0.0:8080 to be \
             reached from everywhere"
        )
    })
}

/// No address for `off`.
pub(super) fn listen_or_off(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" { Ok(None) } else { listen(text).map(Some).map_err(|what| format!("{what}; or off")) }
}

pub(super) fn open_connections(text: &str) -> Result<usize, String> {
    let (least, most) = (OPEN_CONNECTIONS.start(), OPEN_CONNECTIONS.end());
    let number = text.parse().ok().filter(|number| OPEN_CONNECTIONS.contains(number));
    number.ok_or_else(|| format!("`{text}` is no number of connections; give one from {least} to {most}"))
}

pub(super) fn drain(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= LONGEST_DRAIN);
    let seconds =
        seconds.ok_or_else(|| format!("`{text}` is no number of seconds; give one from 0 to {LONGEST_DRAIN}"));
    seconds.map(Duration::from_secs)
}

pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("it is empty; give a folder, as in ./data".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn database_url(text: &str) -> Result<Secret, String> {
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(Secret::new(text.to_owned()));
    }
    Err("it is no PostgreSQL URL; give postgres://user:password@host/database, or leave it out to use SQLite in the \
         data folder"
        .to_owned())
}

pub(super) fn redis_url(text: &str) -> Result<Secret, String> {
    if ["redis://", "rediss://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(Secret::new(text.to_owned()));
    }
    Err("it is no Redis URL; give redis://user:password@host:6379".to_owned())
}

pub(super) fn connections(text: &str) -> Result<u32, String> {
    let (least, most) = (CONNECTIONS.start(), CONNECTIONS.end());
    let number = text.parse().ok().filter(|number| CONNECTIONS.contains(number));
    number.ok_or_else(|| format!("`{text}` is no number of connections; give one from {least} to {most}"))
}

pub(super) fn limit(text: &str) -> Result<u32, String> {
    let (least, most) = (LIMIT.start(), LIMIT.end());
    let number = text.parse().ok().filter(|number| LIMIT.contains(number));
    number.ok_or_else(|| format!("`{text}` is no limit; give a number from {least} to {most}"))
}

pub(super) fn duplicate_email(text: &str) -> Result<Duplicates, String> {
    match text {
        "reveal" => Ok(Duplicates::Refused),
        "private" => Ok(Duplicates::Decoyed),
        other => Err(format!("`{other}` is nothing to do about a known e-mail; give reveal or private")),
    }
}

pub(super) fn proxies(text: &str) -> Result<TrustedProxies, String> {
    text.parse().map_err(|what| format!("{what}; give networks with commas between, as in 10.0.0.0/8,fd00::/8"))
}

pub(super) fn origins(text: &str) -> Result<AllowedOrigins, String> {
    text.parse().map_err(|what| format!("{what}; give origins with commas between, as in https://app.example.com"))
}

pub(super) fn own_origin(text: &str) -> Result<OwnOrigin, String> {
    text.parse().map_err(|what| format!("{what}; give scheme, host and port alone, as in https://signup.example.com"))
}

pub(super) fn cost(text: &str) -> Result<Cost, String> {
    text.parse().map_err(|error| format!("`{text}` is no cost of a hash: it {error}"))
}

pub(super) fn public_key(text: &str) -> Result<Sealer, String> {
    let bytes = key::decode(text).map_err(|what| key_error(&what))?;
    Sealer::new(&*bytes).map_err(|error| key_error(&error.to_string()))
}

pub(super) fn key(text: &str) -> Result<Key, String> {
    key::decode(text).map(Key::new).map_err(|what| key_error(&what))
}

fn key_error(what: &str) -> String {
    format!("{what}; give 32 bytes in Base64, as `signup keys init` prints them")
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("`{other}` is no format of a log; give text or json")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_localhost() {
        assert_eq!(listen("localhost:80"), Ok(SocketAddr::from(([127, 0, 0, 1], 80))));
        assert_eq!(listen("[::1]:80").map(|address| address.port()), Ok(80));
        for text in ["", "8080", ":8080", "127.0.0.1", "localhost", "localhost:x", "example.com:80", "127.0.0.1:65536"]
        {
            let said = listen(text).unwrap_err();
            assert!(said.starts_with(&format!("`{text}` is no address to listen on; give ")), "{said}");
        }
    }

    #[test]
    fn connections_have_bounds() {
        assert_eq!((connections("4"), connections("1000")), (Ok(4), Ok(1000)));
        for text in ["", "3", "1001", "-5", "many"] {
            let expected = format!("`{text}` is no number of connections; give one from 4 to 1000");
            assert_eq!(connections(text), Err(expected));
        }
        assert_eq!((open_connections("16"), open_connections("1000000")), (Ok(16), Ok(1_000_000)));
        for text in ["", "15", "1000001", "unlimited"] {
            let expected = format!("`{text}` is no number of connections; give one from 16 to 1000000");
            assert_eq!(open_connections(text), Err(expected));
        }
    }

    #[test]
    fn limits_are_numbers_and_proxies_are_networks() {
        assert_eq!((limit("1"), limit("1000000")), (Ok(1), Ok(1_000_000)));
        for text in ["", "0", "1000001", "off"] {
            assert_eq!(limit(text), Err(format!("`{text}` is no limit; give a number from 1 to 1000000")));
        }
        assert!(proxies("10.0.0.0/8, ::1").is_ok());
        let said = proxies("nginx").unwrap_err();
        assert!(said.contains("\"nginx\" is no network") && said.ends_with("as in 10.0.0.0/8,fd00::/8"), "{said}");
    }

    #[test]
    fn origins_are_named_each_and_not_all_at_once() {
        assert!(origins("https://app.example.com, http://localhost:3000").is_ok());
        let said = origins("*").unwrap_err();
        assert_eq!(
            said,
            "\"*\" would let every page there is sign people up; give origins with commas between, as in \
             https://app.example.com"
        );
        assert!(origins("app.example.com").unwrap_err().starts_with("\"app.example.com\" is no origin such as "));
    }

    #[test]
    fn a_health_address_may_be_off_and_a_drain_has_a_bound() {
        assert_eq!(listen_or_off("off"), Ok(None));
        assert_eq!(listen_or_off("127.0.0.1:1"), Ok(Some(SocketAddr::from(([127, 0, 0, 1], 1)))));
        assert!(listen_or_off("on").unwrap_err().ends_with("; or off"));
        assert_eq!((drain("0"), drain("60")), (Ok(Duration::ZERO), Ok(Duration::from_mins(1))));
        for text in ["", "61", "-1", "2s"] {
            assert_eq!(drain(text), Err(format!("`{text}` is no number of seconds; give one from 0 to 60")));
        }
    }

    #[test]
    fn only_redis_is_a_redis_url_and_what_was_given_is_not_shown() {
        for url in ["redis://localhost", "rediss://user:password@host:6380/1"] {
            assert_eq!(redis_url(url).unwrap().reveal(), url);
        }
        for url in ["", "canary", "http://canary", "redis:canary"] {
            let said = redis_url(url).unwrap_err();
            assert!(said.contains("give redis://") && !said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn only_postgresql_is_a_database_to_name_and_what_was_given_is_not_shown() {
        for url in ["postgres://localhost/signup", "postgresql://user:password@host/x", "postgres://a/x,postgres://b/x"]
        {
            assert_eq!(database_url(url).unwrap().reveal(), url);
        }
        for url in ["", "mysql://canary@host/x", "sqlite:canary", "canary", "postgres:canary"] {
            let said = database_url(url).unwrap_err();
            assert!(said.contains("give postgres://") && !said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_and_what_was_given_is_not_shown() {
        assert!(key("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").is_ok());
        for text in ["", "canary!", "Y2FuYXJ5"] {
            let said = key(text).unwrap_err();
            assert!(said.ends_with("; give 32 bytes in Base64, as `signup keys init` prints them"), "{said}");
            assert!(!said.contains("canary") && !said.contains("Y2Fu"), "{said}");
        }
        assert!(public_key(&"A".repeat(43)).is_err(), "without padding");
        assert!(public_key(&format!("{}=", "A".repeat(43))).is_err(), "of low order");
    }

    #[test]
    fn a_known_email_is_revealed_or_private() {
        assert_eq!(duplicate_email("reveal"), Ok(Duplicates::Refused));
        assert_eq!(duplicate_email("private"), Ok(Duplicates::Decoyed));
        let said = "`hidden` is nothing to do about a known e-mail; give reveal or private";
        assert_eq!(duplicate_email("hidden"), Err(said.to_owned()));
    }

    #[test]
    fn a_cost_and_a_format_say_what_they_may_be() {
        assert_eq!(cost("nonsense").unwrap_err(), "`nonsense` is no cost of a hash: it must look like m=19456,t=2,p=1");
        assert_eq!(LogFormat::parse("xml").unwrap_err(), "`xml` is no format of a log; give text or json");
    }
}
