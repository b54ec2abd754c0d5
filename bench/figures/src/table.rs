//! Tables for people.

use std::io::Write;
use std::time::Duration;

/// Rows of cells, the first row being the header.
#[derive(Debug)]
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one, under this title.
    pub fn new(title: impl Into<String>, header: &[&str]) -> Self {
        Self { title: title.into(), rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it: the first column to the left, the others to the right.
    pub fn print(&self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = format!("{}\n", self.title);
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = if column == 0 { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
                text.push_str(&cell);
            }
            text.push('\n');
        }
        text.push('\n');
        print(&text);
    }
}

/// Prints text. Nobody may be reading.
pub fn print(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// To a hundredth of a millisecond.
pub fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

/// A part of one.
pub fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}

/// Whether a goal is met.
pub fn verdict(met: bool) -> String {
    if met { "met" } else { "not met" }.to_owned()
}
