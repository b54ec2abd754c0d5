//! What PostgreSQL's errors mean for the caller.

use saga::store::Error;

/// Why a statement failed.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It was not sent, or the server definitely did not do it, for a reason that passes.
    Unavailable(String),
    /// As before, and the connection is of no more use.
    Closing(String),
    /// The server lost a race with another statement and undid it: the same may succeed at once.
    Collided(String),
    /// It was sent, and no answer came.
    InDoubt(String),
    /// A constraint or trigger refuses it.
    Rejected(String),
    /// The database is not what this program expects.
    Unreadable(String),
}

impl Failure {
    pub(super) fn leaves_the_connection_usable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Collided(_) | Self::Rejected(_) | Self::Unreadable(_) => true,
            Self::Closing(_) | Self::InDoubt(_) => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(what) | Failure::Closing(what) | Failure::Collided(what) => Self::Unavailable(what),
            Failure::InDoubt(what) => Self::InDoubt(what),
            Failure::Rejected(what) => Self::Rejected(what),
            Failure::Unreadable(what) => Self::Unreadable(what),
        }
    }
}

/// By SQLSTATE, see appendix A of PostgreSQL's manual.
pub(super) fn failure(error: sqlx::Error) -> Failure {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Failure::Unreadable(error.to_string())
            }
            // The connection broke, before or after the server had done it.
            other => Failure::InDoubt(other.to_string()),
        };
    };
    let code = database.code().unwrap_or_default().into_owned();
    let text = format!("{} ({code})", database.message());
    match code.as_str() {
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => Failure::Collided(text),
        // Completion unknown. A cancelled statement may have committed where a synchronous standby was waited for.
        "40003" | "57014" => Failure::InDoubt(text),
        // A standby, or a server that is being shut down: another connection may reach a better one.
        "25006" | "57P01" | "57P02" | "57P03" | "57P05" => Failure::Closing(text),
        code if code.starts_with("08") => Failure::InDoubt(text),
        // Integrity constraints, those of our triggers among them, and what others' triggers raise.
        code if code.starts_with("23") || code.starts_with("P0") => Failure::Rejected(text),
        // A missing table or column, a type that does not fit, a database that is damaged.
        code if code.starts_with("42") || code.starts_with("22") || code.starts_with("XX") => Failure::Unreadable(text),
        // Out of disk, memory or connections, and all that has no better name.
        _ => Failure::Unavailable(text),
    }
}
