//! Ids of sagas and names of workers.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Clock, Random};

/// The id of one saga: a UUIDv7, shown as `wf_` and 32 hexadecimal digits.
///
/// The prefix is the public API's word: a client calls a saga its *workflow*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SagaId(Uuid);

/// The text is not an id of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not such an id: expected `{0}` and 32 hexadecimal digits in lower case")]
pub struct MalformedId(&'static str);

impl SagaId {
    const PREFIX: &str = "wf_";

    /// A fresh id, in order of time.
    pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
        Self(uuid_v7(clock, random))
    }

    /// What the ids of all sagas come after that were begun from this time on.
    pub fn first_at(at: Timestamp) -> Self {
        let millis = u128::try_from(at.as_millisecond()).unwrap_or_default();
        Self(Uuid::from_u128(millis << 80))
    }

    /// The id behind a stored UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID to store.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// A fresh UUIDv7 from the clock and the randomness in hand.
pub fn uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    let mut tail = [0; 10];
    tail.copy_from_slice(&random.bits().to_be_bytes()[..10]);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// Writes an id for whoever is outside: a prefix that says of what, and 32 hexadecimal digits.
///
/// # Errors
/// Those of the formatter.
pub fn show(prefix: &str, id: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{prefix}{}", id.simple())
}

/// The id behind a text, which must be exactly what [`show`] makes of it.
///
/// # Errors
/// [`MalformedId`] if it is not.
pub fn read(prefix: &'static str, text: &str) -> Result<Uuid, MalformedId> {
    let digits = text.strip_prefix(prefix).filter(|digits| digits.len() == 32);
    let digits = digits.filter(|digits| !digits.contains(|c: char| c.is_ascii_uppercase()));
    digits.and_then(|digits| Uuid::try_parse(digits).ok()).ok_or(MalformedId(prefix))
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(Self::PREFIX, self.0, f)
    }
}

impl fmt::Debug for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SagaId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        read(Self::PREFIX, text).map(Self)
    }
}

/// The name of a worker process, never used twice: what a lease names as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerName(String);

impl WorkerName {
    /// A name made of a readable prefix and fresh randomness.
    pub fn unique(prefix: &str, random: &dyn Random) -> Self {
        Self(format!("{prefix}-{:012x}", random.bits() >> 80))
    }

    /// A name that was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name as it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = SagaId::new(&crate::SystemClock, &crate::OsRandom);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_texts_are_not_ids() {
        let id = Uuid::from_u128(0x0190_abcd);
        let text = SagaId(id).to_string();
        assert_eq!(text, "wf_0000000000000000000000000190abcd");
        for other in [
            String::new(),
            "wf_".to_owned(),
            "0190".to_owned(),
            "wf_0190".to_owned(),
            text.to_uppercase(),
            text.replace("abcd", "ABCD"),
            text.replace("wf_", "org_"),
            text.replace("wf_", ""),
            format!("wf_{}", id.hyphenated()),
            format!("wf_{}", id.braced()),
            format!("{text} "),
            format!("{text}0"),
        ] {
            assert_eq!(other.parse::<SagaId>(), Err(MalformedId("wf_")), "{other}");
        }
    }
}
