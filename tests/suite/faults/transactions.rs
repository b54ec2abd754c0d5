//! Transactions are begun nowhere but where they cannot be left open.

use std::path::{Path, PathBuf};

/// Where one is begun, and why it cannot be forgotten half-way.
const ALLOWED: [&str; 4] = [
    // One thread and one connection, which is in no pool; a transaction is one query, its end with it.
    "store/src/sqlite/transaction.rs",
    "store/src/sqlite/writer.rs",
    // For tests alone, on connections that they close.
    "store/src/sqlite/snapshot.rs",
    "store/src/postgres/snapshot.rs",
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
        for word in ["\"BEGIN", ".begin().await", ".begin_with(", "START TRANSACTION", "\"SAVEPOINT"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}
