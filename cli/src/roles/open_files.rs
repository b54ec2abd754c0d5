//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files that are open besides connections to clients and to PostgreSQL: of SQLite, of Redis, of the runtime, of the log.
const OTHERS: usize = 100;
/// Connections that are taken whatever the limit.
const LEAST: usize = 16;

/// For how many connections there are files, of so many that are wanted, beside so many to the database. The limit is
/// raised as far as this process may raise it.
pub(super) fn connections(wanted: usize, to_database: u32) -> usize {
    let besides = OTHERS + usize::try_from(to_database).unwrap_or(usize::MAX);
    let files = wanted.saturating_add(besides);
    let limit = getrlimit(Resource::Nofile);
    let raised = raised(limit, files);
    let holds = if raised == limit || setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
    let there_are = usize::try_from(holds.current.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    if there_are >= files {
        return wanted;
    }
    let connections = there_are.saturating_sub(besides).max(LEAST);
    warn!(
        "this process may have {there_are} files open: {connections} connections are taken at most, not {wanted}; allow it \
         {files} (`ulimit -n`, `LimitNOFILE=`, `ulimits:`)"
    );
    connections
}

/// The limit as it would have to be for so many files, or as near to that as it can be.
fn raised(limit: Rlimit, files: usize) -> Rlimit {
    let files = u64::try_from(files).unwrap_or(u64::MAX);
    let most = limit.maximum.map_or(files, |most| most.min(files));
    match limit.current {
        Some(current) if current < most => Rlimit { current: Some(most), ..limit },
        Some(_) | None => limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_need_be_and_no_further_than_may_be() {
        for (current, maximum, expected) in [
            (Some(1024), Some(1_048_576), Some(12_120)),
            (Some(1024), None, Some(12_120)),
            (Some(1024), Some(4096), Some(4096)),
            (Some(1024), Some(1024), Some(1024)),
            (Some(65_536), Some(1_048_576), Some(65_536)),
            (None, None, None),
        ] {
            let limit = Rlimit { current, maximum };
            assert_eq!(raised(limit, 12_120), Rlimit { current: expected, maximum });
        }
    }
}
