//! The page that lists the faults.

use std::path::Path;

#[test]
fn every_test_that_the_page_of_faults_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/faults.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault |"));
    let mut shown = 0;
    for row in rows {
        let named = row.split('`').filter_map(|part| part.split_once(".rs::"));
        let mut tests = named.map(|(file, test)| (root.join(format!("{file}.rs")), test)).peekable();
        assert!(tests.peek().is_some(), "no test shows this: {row}");
        for (file, test) in tests {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let is_there = ["fn ", "async fn "].iter().any(|kind| text.contains(&format!("\n{kind}{test}(")));
            assert!(is_there, "{} has no test {test}", file.display());
            shown += 1;
        }
    }
    assert!(shown > 30, "{shown}");
}

#[test]
fn every_test_of_a_fault_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.parent().unwrap().join("docs/faults.md")).unwrap();
    for file in std::fs::read_dir(root.join("suite/faults")).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name == "page.rs" {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let tests = text.split("\n#[t").skip(1).filter_map(|test| test.split_once("fn ")?.1.split('(').next());
        for test in tests {
            assert!(page.contains(&format!("`tests/suite/faults/{name}::{test}`")), "{name}::{test} is not on it");
        }
    }
}
