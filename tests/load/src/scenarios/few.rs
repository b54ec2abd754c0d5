//! (a) A few at a time, as on most days.

use std::time::Duration;

use figures::quantile;
use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::findings::Findings;
use crate::people::{ADA, Story, sign_up, times};
use crate::stage::{Kind, Stage};

/// All of them.
const COUNT: usize = 100;
/// At a time.
const AT_ONCE: usize = 10;
/// So many in a hundred must complete, and more.
const COMPLETED: usize = 95;
/// For half of them.
const HALF: Duration = Duration::from_millis(500);
/// For 95 in a hundred.
const MOST: Duration = Duration::from_secs(1);

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let stage = Stage::start(kind).await?;
    let all = iter(0..COUNT).map(|_| sign_up(&stage.client, ADA)).buffer_unordered(AT_ONCE);
    let stories: Vec<Story> = all.collect().await;
    let (took, mut findings) = (times(&stories), Findings::default());
    findings.more_than("completed", took.len(), COUNT, COMPLETED);
    findings.under("to completion, p50", quantile(50, took.clone()), HALF);
    findings.under("to completion, p95", quantile(95, took), MOST);
    let answers: Vec<_> = stories.iter().map(|story| story.asked.took).collect();
    findings.tell_times("to the answer", &answers);
    Ok(findings)
}
