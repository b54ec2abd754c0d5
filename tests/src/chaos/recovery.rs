//! How long it takes from the end of the last fault until people are accepted again, and sign-ups end.

use jiff::Timestamp;
use sqlx::PgConnection;

/// Milliseconds: half of them, all but a hundredth, and all are at most so long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// The median.
    pub p50: i64,
    /// Of a hundred, one is longer.
    pub p99: i64,
    /// The longest.
    pub max: i64,
}

/// From each of these moments to the next acceptance, and to the next end of a sign-up.
pub(super) async fn recoveries(database: &mut PgConnection, healed: &[Timestamp]) -> anyhow::Result<[Spread; 2]> {
    const TIMES: [&str; 2] = [
        "SELECT (extract(epoch FROM accepted_at) * 1000)::bigint FROM sagas ORDER BY 1",
        "SELECT (extract(epoch FROM ended_at) * 1000)::bigint FROM sagas WHERE ended_at IS NOT NULL ORDER BY 1",
    ];
    let mut spreads = [Spread::default(); 2];
    for (spread, sql) in spreads.iter_mut().zip(TIMES) {
        let times: Vec<i64> = sqlx::query_scalar(sql).fetch_all(&mut *database).await?;
        *spread = Spread::of(healed.iter().filter_map(|healed| {
            let healed = healed.as_millisecond();
            times.get(times.partition_point(|time| *time < healed)).map(|next| next - healed)
        }));
    }
    Ok(spreads)
}

impl Spread {
    fn of(times: impl Iterator<Item = i64>) -> Self {
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        let at = |part: usize| times.get(times.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}
