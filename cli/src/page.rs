//! Tables in docs that the code's own lists make.

use std::fs;
use std::path::Path;

/// Holds that what a page of docs has between the marks of `what` is this table. With `UPDATE=1` it is written there.
pub(crate) fn is_generated(page: &str, what: &str, table: &str) {
    let begin = format!("<!-- {what}: made by `UPDATE=1 cargo test -p cli` -->\n");
    let end = format!("<!-- end of {what} -->\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let committed = fs::read_to_string(&path).unwrap();
    let (before, rest) = committed.split_once(&begin).expect("the page marks where the table begins");
    let (_, after) = rest.split_once(&end).expect("the page marks where the table ends");
    let generated = format!("{before}{begin}{table}{end}{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == generated, "docs/{page} is not what the code says: run `UPDATE=1 cargo test -p cli`");
}
