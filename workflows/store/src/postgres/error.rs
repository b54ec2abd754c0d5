//! What PostgreSQL's errors mean for the caller.

use saga::store::Error;

/// Why a statement failed.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It was not sent, or the server definitely did not do it, for a reason that passes.
    Unavailable(String),
    /// As before, and the connection is of no more use; nor are those that were opened before it failed.
    Closing(String),
    /// The server lost a race with another statement and undid it: the same may succeed at once.
    Collided(String),
    /// Another transaction holds what it needs and does not let go: the server gave up waiting, and undid it.
    Held(String),
    /// It was sent, and no answer came.
    InDoubt(String),
    /// A constraint or trigger refuses it.
    Rejected(String),
    /// The database is not what this program expects.
    Unreadable(String),
}

impl Failure {
    /// What it is counted as.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Closing(_) => "closing",
            Self::Collided(_) => "collided",
            Self::Held(_) => "held",
            Self::InDoubt(_) => "in_doubt",
            Self::Rejected(_) => "rejected",
            Self::Unreadable(_) => "unreadable",
        }
    }

    pub(super) fn leaves_the_connection_usable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Collided(_) | Self::Held(_) | Self::Rejected(_) | Self::Unreadable(_) => true,
            Self::Closing(_) | Self::InDoubt(_) => false,
        }
    }

    /// Whether the server's reason is one that holds for its other connections.
    pub(super) fn ends_all_connections(&self) -> bool {
        match self {
            Self::Closing(_) => true,
            Self::Unavailable(_)
            | Self::Collided(_)
            | Self::Held(_)
            | Self::InDoubt(_)
            | Self::Rejected(_)
            | Self::Unreadable(_) => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(what) | Failure::Closing(what) | Failure::Collided(what) | Failure::Held(what) => {
                Self::Unavailable(what)
            }
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
    let code = database.code().unwrap_or_default();
    // The message alone: the detail tells values.
    by_code(&code, format!("{} ({code})", database.message()))
}

fn by_code(code: &str, text: String) -> Failure {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Failure::Collided(text),
        // Lock not available.
        "55P03" => Failure::Held(text),
        // Completion unknown, as when a server crashes. A cancelled statement may have committed where a synchronous
        // standby was waited for.
        "40003" | "57014" | "57P02" => Failure::InDoubt(text),
        // A standby, or a server that is being shut down: another connection may reach a better one. From 0A000 on,
        // what was prepared on this connection is gone, or does not fit the schema any more: a new one prepares anew.
        "25006" | "57P01" | "57P03" | "57P05" | "0A000" | "26000" | "42P05" => Failure::Closing(text),
        code if code.starts_with("08") => Failure::InDoubt(text),
        // Integrity constraints, those of our triggers among them, and what others' triggers raise.
        code if code.starts_with("23") || code.starts_with("P0") => Failure::Rejected(text),
        // A missing table or column, a type that does not fit, a database that is damaged.
        code if code.starts_with("42") || code.starts_with("22") || code.starts_with("XX") => Failure::Unreadable(text),
        // Out of disk, memory or connections, and all that has no better name.
        _ => Failure::Unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(code: &str) -> (Error, bool) {
        let failure = by_code(code, String::new());
        let usable = failure.leaves_the_connection_usable();
        (failure.into(), usable)
    }

    #[test]
    fn what_the_server_has_undone_is_not_in_doubt() {
        for code in ["40001", "40P01", "53100", "53200", "53300", "55P03", "58030"] {
            assert_eq!(means(code), (Error::Unavailable(String::new()), true), "{code}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_in_doubt_and_its_connection_is_dropped() {
        for code in ["40003", "57014", "57P02", "08006", "08007"] {
            assert_eq!(means(code), (Error::InDoubt(String::new()), false), "{code}");
        }
    }

    #[test]
    fn a_connection_that_cannot_serve_is_dropped() {
        for code in ["25006", "57P01", "57P03", "0A000", "26000", "42P05"] {
            assert_eq!(means(code), (Error::Unavailable(String::new()), false), "{code}");
        }
    }

    #[test]
    fn a_rule_that_says_no_is_told_from_a_database_that_does_not_fit() {
        for code in ["23000", "23503", "23505", "23514", "P0001"] {
            assert_eq!(means(code), (Error::Rejected(String::new()), true), "{code}");
        }
        for code in ["42P01", "42703", "22021", "XX001"] {
            assert_eq!(means(code), (Error::Unreadable(String::new()), true), "{code}");
        }
    }
}
