//! The table of settings in docs/configuration.md is the one that the list of settings makes.

use std::fs;
use std::path::Path;

use super::setting::{Setting, Unset};
use super::settings;

const BEGIN: &str = "<!-- settings: made by `UPDATE=1 cargo test -p cli` -->\n";
const END: &str = "<!-- end of settings -->\n";

#[test]
fn the_committed_table_of_settings_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page marks where the table begins");
    let (_, after) = rest.split_once(END).expect("the page marks where the table ends");
    let generated = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(
        committed == generated,
        "docs/configuration.md is not what the code says: run `UPDATE=1 cargo test -p cli`"
    );
}

fn table() -> String {
    let head = "\n| key | variable | flag | default | meaning |\n|---|---|---|---|---|\n";
    let rows: String = settings::ALL.iter().map(|setting| row(setting)).collect();
    format!("{head}{rows}\n")
}

fn row(setting: &Setting) -> String {
    let with_file = |name: &str, file: Option<String>| match file {
        Some(file) => format!("`{name}`, `{file}`"),
        None => format!("`{name}`"),
    };
    let key = with_file(setting.key, setting.file_key());
    let variable = with_file(setting.variable, setting.file_variable());
    let flag = setting.flag().map_or("never".to_owned(), |flag| format!("`--{flag}`"));
    let unset = match setting.unset {
        Unset::Default(value) => format!("`{value}`"),
        Unset::Means(what) => what.to_owned(),
    };
    format!("| {key} | {variable} | {flag} | {unset} | {} |\n", setting.meaning.replace('|', "\\|"))
}
