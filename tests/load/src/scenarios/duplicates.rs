//! (f) E-mails that are taken, asked for again and again.

use figures::percent;
use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::findings::Findings;
use crate::metrics::{Metrics, growth};
use crate::people::{ADA, JSON, SIGN_UPS, body, email};
use crate::stage::{Kind, Stage};

/// Users there are.
const KNOWN: usize = 50;
/// How often somebody asks for one of their e-mails, and how many at a time.
const ASKED: (usize, usize) = (2000, 20);
/// Of the questions whether an e-mail is taken, this part and more reach no database.
const HITS: f64 = 0.8;
/// What they are counted by.
const LOOKUPS: &str = "signup_duplicate_lookups_total";

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let (stage, mut findings) = (Stage::start(kind).await?, Findings::default());
    let emails: Vec<_> = (0..KNOWN).map(|_| email()).collect();
    let client = &stage.client;
    let known = iter(&emails).map(|email| client.sign_up(email, ADA, 30)).buffer_unordered(ASKED.1);
    let known = known.filter(|answer| std::future::ready(matches!(answer, Ok(answer) if answer.status == 201)));
    findings.exactly("users to begin with", known.count().await, KNOWN);

    let before = Metrics::of(client).await;
    let (count, at_once) = ASKED;
    let asking = iter(emails.iter().cycle().take(count)).map(async |email| {
        let begun = tokio::time::Instant::now();
        let answer = client.post(SIGN_UPS, &[JSON], body(email, ADA)).await;
        (begun.elapsed(), answer.map(|answer| answer.status).ok())
    });
    let answers: Vec<_> = asking.buffer_unordered(at_once).collect().await;
    let after = Metrics::of(client).await;
    let refused = answers.iter().filter(|(_, status)| *status == Some(409)).count();
    findings.exactly("answered with 409", refused, count);
    findings.tell_times("to the 409", &answers.iter().map(|(took, _)| *took).collect::<Vec<_>>());

    let by = |who: &str| growth(&format!("{LOOKUPS}{{answered_by=\"{who}\"}}"), &before, &after).unwrap_or_default();
    let [process, redis, database] = ["process", "redis", "database"].map(by);
    let (all, target) = (process + redis + database, format!("> {}", percent(HITS)));
    if all > 0.0 {
        let hits = (process + redis) / all;
        findings.holds("found in a cache", percent(hits), target, hits > HITS);
        findings.tell("by process, Redis, database", format!("{process:.0}, {redis:.0}, {database:.0}"));
    } else {
        findings.not_measurable("found in a cache", &format!("/metrics has no {LOOKUPS}"), target);
    }
    Ok(findings)
}
