//! Arrows between crates point one way.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which of our crates each of our crates may name, outside its tests.
const ARROWS: [(&str, &[&str]); 15] = [
    ("saga", &[]),
    ("signup", &["saga"]),
    ("accounts", &["saga", "signup"]),
    ("auditor", &["saga", "signup"]),
    ("store", &["accounts", "auditor", "saga", "signup"]),
    ("worker", &["saga", "signup"]),
    ("limits", &[]),
    ("api", &["accounts", "auditor", "limits", "saga", "signup"]),
    ("cli", &["accounts", "auditor", "saga", "signup", "store", "worker", "limits", "api"]),
    ("figures", &[]),
    ("bench", &["accounts", "auditor", "saga", "signup", "store", "worker", "servers", "tests", "figures"]),
    ("servers", &[]),
    ("tests", &["auditor", "saga", "signup", "store", "servers"]),
    ("simulation", &["auditor", "saga", "signup", "store"]),
    ("load", &["servers", "tests", "figures"]),
];

#[test]
fn crates_name_only_what_the_architecture_allows() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    assert_eq!(ours, allowed.keys().map(ToString::to_string).collect());
    for package in &metadata.packages {
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in normal.filter(|dependency| ours.contains(&dependency.name)) {
            let may = allowed[package.name.as_str()].contains(&dependency.name.as_str());
            assert!(may, "{} names {}", package.name, dependency.name);
        }
    }
}

#[test]
fn apalis_is_named_by_the_worker_alone() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    for package in metadata.packages.iter().filter(|package| package.name.as_str() != "worker") {
        assert!(
            package.dependencies.iter().all(|dependency| !dependency.name.starts_with("apalis")),
            "{}",
            package.name
        );
    }
}

#[test]
fn one_file_names_apalis_redis() {
    let worker = concat!(env!("CARGO_MANIFEST_DIR"), "/../worker/src");
    let mut folders = vec![std::path::PathBuf::from(worker)];
    let mut naming = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("apalis_redis") {
                naming.push(path.file_name().unwrap().to_owned());
            }
        }
    }
    assert_eq!(naming, ["backend.rs"]);
}
