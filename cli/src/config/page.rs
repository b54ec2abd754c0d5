//! The table of settings in docs/configuration.md is the one that the list of settings makes.

use super::setting::{Setting, Unset};
use super::settings;
use crate::page;

#[test]
fn the_committed_table_of_settings_is_the_generated_one() {
    page::is_generated("configuration.md", "settings", &table());
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
