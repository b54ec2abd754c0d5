//! The table of docs/metrics.md is the one that the list of metrics makes.

use std::collections::BTreeSet;

use super::list::{ALL, At, Kind, Metric};
use crate::page;

#[test]
fn the_committed_table_of_metrics_is_the_generated_one() {
    page::is_generated("metrics.md", "metrics", &table());
}

#[test]
fn names_say_what_is_counted_and_in_which_unit() {
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    for Metric { name, kind, help, .. } in &ALL {
        assert!(name.starts_with("signup_") && help.ends_with('.'), "{name}: {help}");
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(*kind == Kind::Histogram, name.ends_with("_duration_seconds"), "{name}");
    }
}

fn table() -> String {
    let head = "\n| name | kind | labels | at | what |\n|---|---|---|---|---|\n";
    let rows: String = ALL.iter().map(row).collect();
    format!("{head}{rows}\n")
}

fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let at = match metric.at {
        At::Requests => "api",
        At::Work => "worker",
        At::Both => "both",
    };
    let labels: Vec<_> = metric.labels.iter().map(|(label, words)| format!("`{label}` ({words})")).collect();
    format!("| `{}` | {kind} | {} | {at} | {} |\n", metric.name, labels.join(", "), metric.help)
}
