//! Transactions are begun nowhere but where they cannot be left open.

use std::path::{Path, PathBuf};

/// Where one is begun, and why it cannot be forgotten half-way.
const ALLOWED: [&str; 4] = [
    // One thread and one connection, which is in no pool; a transaction is one query, its end with it.
    "store/src/sqlite/writer.rs",
    // For tests alone, on connections that they close.
    "store/src/sqlite/snapshot.rs",
    "store/src/postgres/snapshot.rs",
    // The word marks where a table begins in a page.
    "cli/src/config/page.rs",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What of a source begins a transaction, whatever the shape of its lines; comments are none of it.
fn begins(source: &str) -> Option<&'static str> {
    let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let dense: String = code.split_whitespace().collect();
    let call = [".begin()", ".begin_with(", ".transaction("].into_iter().find(|call| dense.contains(call));
    let is_of_a_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words: Vec<_> = code.split(|letter| !is_of_a_word(letter)).filter(|word| !word.is_empty()).collect();
    let statement = ["BEGIN", "SAVEPOINT", "START TRANSACTION"].into_iter().find(|statement| {
        let statement: Vec<_> = statement.split(' ').collect();
        words.windows(statement.len()).any(|words| words == statement)
    });
    call.or(statement)
}

#[test]
fn a_transaction_that_is_begun_is_seen_in_any_shape() {
    let seen = [
        ("database.begin().await?", ".begin()"),
        ("let transaction = self\n    .pool\n    .begin()\n    .await?;", ".begin()"),
        ("database\n    .begin_with(\"BEGIN IMMEDIATE\")", ".begin_with("),
        ("connection.transaction(|inside| inside.commit())", ".transaction("),
        ("const SQL: &str = \"\nBEGIN;\nSELECT 1\";", "BEGIN"),
        ("execute(\"SAVEPOINT one\")", "SAVEPOINT"),
        ("execute(\"START\n  TRANSACTION\")", "START TRANSACTION"),
    ];
    for (source, what) in seen {
        assert_eq!(begins(source), Some(what), "{source}");
    }
    for source in ["// BEGIN is never sent.", "health.begin(parts)", "const BEGINNING: u8 = 0;", "Transaction::begin()"]
    {
        assert_eq!(begins(source), None, "{source}");
    }
}

#[test]
fn no_transaction_is_begun_that_could_be_left_open() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for member in ["api", "cli", "worker", "workflows/saga", "workflows/signup", "workflows/store"] {
        sources(&root.join(member).join("src"), &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    for path in found.iter().filter(|path| !ALLOWED.iter().any(|allowed| path.ends_with(allowed))) {
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(begins(&text), None, "{}", path.display());
    }
}
