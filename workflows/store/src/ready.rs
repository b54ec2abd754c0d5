//! Whether a database can be worked with right now.

use saga::store::Error;

/// Why a database cannot be worked with right now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// It gives no answer.
    #[error("{0}")]
    Away(String),
    /// It has a schema that this program cannot work with.
    #[error("its schema does not fit: {0}")]
    Schema(String),
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(what) | Error::InDoubt(what) => Self::Away(what),
            // There are no such tables.
            Error::Rejected(what) | Error::Unreadable(what) => Self::Schema(what),
        }
    }
}

/// Whether a program that knows the schema `known` works with the schema `found`, which needs one that knows `needs` at
/// least, if it says so.
pub(crate) fn fits(found: Option<i64>, needs: Option<i64>, known: i64) -> Result<(), Unready> {
    let found = found.unwrap_or(0);
    if found < known {
        return Err(Unready::Schema(format!("it has schema {found}, this program needs {known}")));
    }
    let needs = needs.unwrap_or(found);
    if found > known && needs > known {
        return Err(Unready::Schema(format!(
            "it has schema {found}, which needs a program that knows schema {needs}, and this one knows {known}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_fits_if_it_says_so_and_an_older_one_never() {
        for (found, needs, ok) in [
            (Some(7), Some(6), true),
            (Some(7), None, true),
            (Some(9), Some(7), true),
            (Some(9), Some(8), false),
            (Some(9), None, false),
            (Some(6), Some(6), false),
            (None, None, false),
        ] {
            assert_eq!(fits(found, needs, 7).is_ok(), ok, "{found:?} {needs:?}");
        }
    }
}
