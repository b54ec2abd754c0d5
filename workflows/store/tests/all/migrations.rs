//! Both databases are made by the same migrations and spoken to by the same statements.

use std::collections::BTreeSet;

use store::{Postgres, Sqlite};

fn files(database: &str) -> BTreeSet<String> {
    let folder = format!("{}/../../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    let (postgres, sqlite) = (files("postgres"), files("sqlite"));
    assert_eq!(postgres, sqlite);
    for (number, name) in (1..).zip(&postgres) {
        let stem = name.strip_suffix(".sql").unwrap();
        assert!(stem.starts_with(&format!("{number:04}_")), "{name}");
    }
}

/// The part of a statement's name that tells what it is for.
fn subjects(names: impl Iterator<Item = (&'static str, &'static str)>) -> BTreeSet<&'static str> {
    names.map(|(name, _)| name.split('.').next().unwrap()).collect()
}

#[test]
fn both_databases_are_asked_for_the_same() {
    let (postgres, sqlite) = (subjects(Postgres::statements()), subjects(Sqlite::statements()));
    // A file belongs to one process, which need not agree with others, nor leave them room. Its effects are statements of
    // their own.
    assert_eq!(postgres.difference(&sqlite).collect::<Vec<_>>(), [&"keys", &"room"]);
    assert_eq!(sqlite.difference(&postgres).collect::<Vec<_>>(), [&"effect"]);
}
