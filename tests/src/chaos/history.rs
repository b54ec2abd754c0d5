//! What clients have heard, held against what is in the database at the end.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::book::{Book, Request, is_end};

/// A sign-up as the database has it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// As clients know it.
    pub id: String,
    /// Its state.
    pub state: String,
    /// Why it failed or is about to, or nothing.
    pub code: String,
    /// The canonical e-mail.
    pub email_key: String,
    /// Whether its user is there.
    pub has_user: bool,
    /// Whether it is a decoy.
    pub decoy: bool,
}

const ROWS: &str = "
SELECT 'wf_' || replace(s.id::text, '-', '') AS id, s.state, coalesce(s.code, '') AS code,
       coalesce(s.email_key, '') AS email_key, u.id IS NOT NULL AS has_user, s.decoy
  FROM sagas s LEFT JOIN users u ON u.saga_id = s.id AND u.status = 'active'";

/// Every sign-up.
///
/// # Errors
/// If the database does not answer.
pub async fn rows(database: &mut PgConnection) -> anyhow::Result<Vec<Row>> {
    Ok(sqlx::query_as(ROWS).fetch_all(database).await?)
}

/// Whether a name lets a sign-up complete, unless everything else conspires against it.
pub fn may_complete(name: &str) -> bool {
    let rules = name.strip_prefix("sabotage ").unwrap_or_default();
    rules.split(' ').all(|rule| !rule.ends_with(":refuse") && !rule.ends_with(":fail"))
}

/// What clients have heard and the database does not have, or has otherwise.
pub fn check(book: &Book, requests: &[Request], rows: &[Row]) -> Vec<String> {
    let by_id: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut by_email = BTreeMap::<&str, Vec<&Row>>::new();
    for row in rows {
        by_email.entry(&row.email_key).or_default().push(row);
    }
    let mut wrong: Vec<String> = book.wrong().into_iter().collect();
    for id in book.ids().iter().filter(|id| !by_id.contains_key(id.as_str())) {
        wrong.push(format!("C1 a sign-up once accepted answers for ever: {id} is not in the database"));
    }
    for (id, seen) in book.statuses() {
        match by_id.get(id.as_str()) {
            Some(row) if is_end(&seen) && row.state != seen => {
                wrong.push(format!("C2 an end is for ever: {id} was {seen} and is {}", row.state));
            }
            Some(_) | None => {}
        }
    }
    for row in rows.iter().filter(|row| row.state == "completed" && !row.has_user && !row.decoy) {
        wrong.push(format!("C7 completed has its user: {}", row.id));
    }
    let mut of_email = BTreeMap::<&str, Vec<&Request>>::new();
    for request in requests {
        of_email.entry(&request.email).or_default().push(request);
    }
    let none = Vec::new();
    for (email, requests) in of_email {
        wrong.extend(check_email(email, &requests, by_email.get(email).unwrap_or(&none)));
    }
    wrong
}

fn check_email(email: &str, requests: &[&Request], rows: &[&Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    let known: BTreeSet<&str> = requests.iter().filter_map(|request| request.id.as_deref()).collect();
    let unknown = rows.iter().filter(|row| !known.contains(row.id.as_str())).count();
    let in_doubt = requests.iter().filter(|request| request.id.is_none() && request.in_doubt).count();
    if unknown > in_doubt {
        wrong.push(format!("C6 a request is there once or not at all: {unknown} for {email}, {in_doubt} in doubt"));
    }
    // Who was given a decoy heard of a sign-up, of which nothing was to come.
    let rows: Vec<_> = rows.iter().filter(|row| !row.decoy).collect();
    let completed = rows.iter().filter(|row| row.state == "completed").count();
    let failed = rows.iter().filter(|row| row.state == "failed").count();
    if completed > 1 {
        wrong.push(format!("C5 of sign-ups of one e-mail at most one completes: {completed} for {email}"));
    }
    if !known.is_empty() && completed == 0 && failed < rows.len() {
        wrong.push(format!("C5 of sign-ups of one e-mail one completes, or all fail: neither for {email}"));
    }
    // One of an e-mail is under way at a time: so whoever is and finds it taken finds the user of one that completed.
    // Who is not even accepted may have met one that failed.
    let lost = rows.iter().any(|row| row.code == "email_taken") && completed == 0;
    let refused = requests.iter().any(|request| request.taken) && rows.is_empty();
    if lost || refused {
        wrong.push(format!("C5 an e-mail is taken by a sign-up: by none for {email}"));
    }
    if completed > 0 && requests.iter().all(|request| !may_complete(&request.name)) {
        wrong.push(format!("C9 what is refused fails: {email} completed"));
    }
    wrong
}
