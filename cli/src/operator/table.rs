//! A table for people: columns as wide as their content, in 100 columns.

/// The widest line.
const WIDTH: usize = 100;
const GAP: &str = "  ";
const INDENT: &str = "    ";

/// A table whose last column is cut where a line gets too long. Below a row there may be notes.
pub(super) struct Table<const N: usize> {
    rows: Vec<([String; N], Vec<String>)>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(head: [&str; N]) -> Self {
        Self { rows: vec![(head.map(str::to_owned), Vec::new())] }
    }

    pub(super) fn row(&mut self, cells: [String; N], notes: impl IntoIterator<Item = String>) {
        let notes = notes.into_iter().map(|note| clean(&note)).collect();
        self.rows.push((cells.map(|cell| clean(&cell)), notes));
    }

    pub(super) fn text(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|(cells, _)| length(&cells[column])).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        let mut text = String::new();
        for (cells, notes) in &self.rows {
            let padded =
                cells.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - length(cell))));
            let line = padded.collect::<Vec<_>>().join(GAP);
            text.push_str(cut(line.trim_end(), WIDTH).as_str());
            text.push('\n');
            for note in notes {
                text.push_str(&cut(&format!("{INDENT}{note}"), WIDTH));
                text.push('\n');
            }
        }
        text
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width - 1).collect();
    format!("{}…", start.trim_end())
}

/// A text that does to a terminal nothing but show itself.
pub(super) fn clean(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let shown = |c: char| if c.is_control() || turns(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let mut table = Table::new(["ID", "STEP", "CODE"]);
        table.row(["a".into(), "create_user".into(), String::new()], None);
        table.row(["äöü".into(), String::new(), "expired".into()], Some("stuck: no".to_owned()));
        assert_eq!(
            table.text(),
            "ID   STEP         CODE\na    create_user\näöü               expired\n    stuck: no\n"
        );
    }

    #[test]
    fn no_line_is_longer_than_100_columns_or_moves_the_cursor() {
        let mut table = Table::new(["ID", "ERROR"]);
        let evil = format!("\u{1b}[2Ja\u{202e}b\n{}", "x".repeat(200));
        table.row(["a".into(), evil.clone()], Some(evil));
        let text = table.text();
        assert_eq!(text.lines().map(length).collect::<Vec<_>>(), [9, 100, 100]);
        assert!(!text.replace('\n', "").chars().any(char::is_control), "{text:?}");
        assert!(text.contains("\\u{1b}[2Ja\\u{202e}b\\u{a}x"), "{text}");
    }
}
