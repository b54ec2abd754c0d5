//! What was found: each figure, beside its target where it has one.

use std::time::Duration;

use figures::{float, millis, percent, print, quantile};

/// What a scenario has found, in its order.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

/// A figure.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) target: String,
    pub(crate) verdict: Verdict,
}

/// What to think of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The target is met.
    Met,
    /// The target is missed, or nothing can be said of it.
    Missed,
    /// It has no target.
    Told,
    /// It cannot be measured on this machine, or there is no such thing in this mode.
    Skipped,
}

impl Findings {
    /// A scenario did not come to its end, which is said at once.
    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        print(&format!("{error:#}\n"));
        let mut findings = Self::default();
        findings.add("it came to its end", "no, as is said above", "yes", Verdict::Missed);
        findings
    }

    /// Whether this is so.
    pub(crate) fn holds(&mut self, what: &str, measured: impl Into<String>, target: impl Into<String>, met: bool) {
        self.add(what, measured, target, if met { Verdict::Met } else { Verdict::Missed });
    }

    /// So many, and no other number.
    pub(crate) fn exactly(&mut self, what: &str, count: usize, target: usize) {
        self.holds(what, count.to_string(), target.to_string(), count == target);
    }

    /// More than so many hundredths of all.
    pub(crate) fn more_than(&mut self, what: &str, count: usize, all: usize, hundredths: usize) {
        let measured = format!("{count} of {all}, {}", percent(float(count) / float(all.max(1))));
        self.holds(what, measured, format!("> {hundredths} %"), count * 100 > all * hundredths);
    }

    /// It takes less than this.
    pub(crate) fn under(&mut self, what: &str, took: Duration, target: Duration) {
        self.holds(what, millis(took), format!("< {}", millis(target)), took < target);
    }

    /// A figure without a target.
    pub(crate) fn tell(&mut self, what: &str, measured: impl Into<String>) {
        self.add(what, measured, "", Verdict::Told);
    }

    /// How long several took.
    pub(crate) fn tell_times(&mut self, what: &str, took: &[Duration]) {
        let at = |hundredths| millis(quantile(hundredths, took.to_vec()));
        self.tell(&format!("{what}: p50, p95, all"), format!("{}, {}, {}", at(50), at(95), at(100)));
    }

    /// Nothing shows it, so the target counts as missed.
    pub(crate) fn not_measurable(&mut self, what: &str, why: &str, target: impl Into<String>) {
        self.add(what, format!("not measurable: {why}"), target, Verdict::Missed);
    }

    /// Left out.
    pub(crate) fn skip(&mut self, what: &str, why: impl Into<String>) {
        self.add(what, why, "", Verdict::Skipped);
    }

    fn add(&mut self, what: &str, measured: impl Into<String>, target: impl Into<String>, verdict: Verdict) {
        self.0.push(Finding { what: what.to_owned(), measured: measured.into(), target: target.into(), verdict });
    }
}
