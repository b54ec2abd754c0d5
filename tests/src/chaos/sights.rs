//! What a run must have seen: one in which nothing happens proves nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use sqlx::PgConnection;

/// What must have happened, and whether it does in any run of a minute.
pub const SIGHTS: [(&str, bool); 13] = [
    ("create_user was undone", true),
    ("create_organization was undone", true),
    ("create_profile was undone", true),
    ("update_claims was undone", true),
    ("a step that was given up was undone", true),
    ("a fenced write was refused", false),
    ("a lease was taken over", true),
    ("a hint of no use was absorbed", true),
    ("a lost reply's commit was found written", false),
    ("a lost reply's commit was found absent", false),
    ("a saga was claimed past its hint's time", false),
    ("a step was tried again", true),
    ("an operator acted", false),
];

/// From the journal, and from what was written down beside it.
const STORED: &str = "
SELECT step || ' was undone' AS sight, count(*) FROM saga_events WHERE kind = 'undone' GROUP BY step
 UNION ALL
SELECT 'a step that was given up was undone', count(*)
  FROM saga_events g JOIN saga_events u ON u.saga_id = g.saga_id AND u.step = g.step AND u.kind = 'undone'
 WHERE g.kind = 'gave_up'
 UNION ALL
SELECT 'an operator acted', count(*) FROM saga_events WHERE operator IS NOT NULL
 UNION ALL
SELECT 'a step was tried again', count(*) FROM saga_events WHERE kind = 'failed'
 UNION ALL
SELECT 'a lease was taken over', count(*) FROM audit.seen WHERE what = 'claimed' AND overdue
 UNION ALL
SELECT 'a saga was claimed past its hint''s time', count(*) FROM audit.seen WHERE what = 'claimed' AND untold";

/// From what processes log.
const LOGGED: [(&str, &str); 4] = [
    ("fenced: another worker has this saga, nothing was written", "a fenced write was refused"),
    ("hints of no use", "a hint of no use was absorbed"),
    ("a commit without an answer is found written", "a lost reply's commit was found written"),
    ("a commit without an answer was not written", "a lost reply's commit was found absent"),
];

/// How often each was seen.
///
/// # Errors
/// If the database or a log cannot be read.
pub(super) async fn count(database: &mut PgConnection, logs: &[PathBuf]) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut sights: BTreeMap<_, _> = SIGHTS.iter().map(|(sight, _)| ((*sight).to_owned(), 0)).collect();
    let rows: Vec<(String, i64)> = sqlx::query_as(STORED).fetch_all(database).await?;
    for (sight, count) in rows {
        sights.insert(sight, u64::try_from(count)?);
    }
    for log in logs {
        for line in BufReader::new(File::open(log)?).lines() {
            let line = line?;
            for (_, sight) in LOGGED.iter().filter(|(text, _)| line.contains(text)) {
                *sights.entry((*sight).to_owned()).or_default() += 1;
            }
        }
    }
    Ok(sights)
}

/// What should have been seen and was not.
pub(super) fn missing(sights: &BTreeMap<String, u64>, all: bool) -> Vec<String> {
    let needed = SIGHTS.iter().filter(|(_, always)| all || *always);
    let unseen = needed.filter(|(sight, _)| sights.get(*sight).is_none_or(|count| *count == 0));
    unseen.map(|(sight, _)| format!("never seen: {sight}")).collect()
}
