//! The table at the end.

use figures::{Table, print};

use crate::findings::{Finding, Findings, Verdict};
use crate::scenarios::Scenario;
use crate::stage::Kind;

/// What all scenarios have found.
pub(crate) struct Report {
    kind: Kind,
    rows: Vec<(char, Finding)>,
}

impl Report {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, scenario: Scenario, findings: Findings) {
        self.rows.extend(findings.0.into_iter().map(|finding| (scenario.letter(), finding)));
    }

    /// Whether no target is missed.
    pub(crate) fn is_met(&self) -> bool {
        self.rows.iter().all(|(_, finding)| finding.verdict != Verdict::Missed)
    }

    pub(crate) fn print(&self) {
        let mut table = Table::new(format!("\n{}", self.kind.title()), &["", "measured", "target", ""]);
        for (letter, Finding { what, measured, target, verdict }) in &self.rows {
            let verdict = match verdict {
                Verdict::Met => "met",
                Verdict::Missed => "MISSED",
                Verdict::Told => "",
                Verdict::Skipped => "skipped",
            };
            table.row([format!("{letter}  {what}"), measured.clone(), target.clone(), verdict.to_owned()]);
        }
        table.print();
        let missed = self.rows.iter().filter(|(_, finding)| finding.verdict == Verdict::Missed).count();
        if missed > 0 {
            print(&format!("{missed} missed\n"));
        }
    }
}
