//! What a run has come to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::fault::Kind;
use super::recovery::Spread;

/// What a run has come to.
#[derive(Debug)]
pub struct Report {
    /// Decides everything that goes wrong.
    pub seed: u64,
    /// How long things went wrong.
    pub length: Duration,
    /// How often what went wrong.
    pub faults: BTreeMap<Kind, usize>,
    /// Requests that were answered well, that were refused or put off, and whose outcome their clients never heard.
    pub requests: [u64; 3],
    /// Sign-ups that clients heard of, and all.
    pub accepted: [usize; 2],
    /// How many of them ended in which state.
    pub ended: BTreeMap<String, usize>,
    /// Of those that failed, how many nobody meant to fail, by their codes.
    pub unlucky: BTreeMap<String, usize>,
    /// How often the invariants were held against the database.
    pub looks: u64,
    /// From when nothing is wrong any more to the next acceptance, and to the next end of a sign-up.
    pub recovery: [Spread; 2],
    /// From the last fault's end until every sign-up had ended.
    pub settled: Duration,
    /// How often what was seen that a run should see.
    pub sights: BTreeMap<String, u64>,
    /// What does not hold.
    pub violations: Vec<String>,
    /// Where the journals and logs are kept, if something does not hold.
    pub evidence: Option<PathBuf>,
}

/// Of what does not hold, so much is shown.
const SHOWN: usize = 50;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, how: String| writeln!(f, "{what:<44} {how}");
        line("seed", self.seed.to_string())?;
        line("length", format!("{:?}", self.length))?;
        for (kind, count) in &self.faults {
            line(&format!("fault: {}", kind.text()), count.to_string())?;
        }
        for (what, count) in ["ok", "fail", "info"].iter().zip(self.requests) {
            line(&format!("requests: {what}"), count.to_string())?;
        }
        line("sign-ups: accepted, as clients heard", self.accepted[0].to_string())?;
        line("sign-ups: in the database", self.accepted[1].to_string())?;
        for (state, count) in &self.ended {
            line(&format!("sign-ups: {state}"), count.to_string())?;
        }
        for (code, count) in &self.unlucky {
            line(&format!("sign-ups: failed, and not meant to: {code}"), count.to_string())?;
        }
        for (what, spread) in ["accepted", "ended"].iter().zip(self.recovery) {
            let Spread { p50, p99, max } = spread;
            line(
                &format!("nothing wrong any more, to the next {what}"),
                format!("p50 {p50} ms, p99 {p99} ms, max {max} ms"),
            )?;
        }
        line("the last fault's end until all had ended", format!("{:.1} s", self.settled.as_secs_f64()))?;
        line("looks at the invariants", self.looks.to_string())?;
        for (sight, count) in &self.sights {
            line(&format!("seen: {sight}"), count.to_string())?;
        }
        line("violations", self.violations.len().to_string())?;
        if let Some(folder) = &self.evidence {
            line("journals and logs", folder.display().to_string())?;
        }
        for violation in self.violations.iter().take(SHOWN) {
            writeln!(f, "  {violation}")?;
        }
        Ok(())
    }
}
