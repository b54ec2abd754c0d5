//! docker-compose.yml, as docker-compose understands it.

mod local;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

pub use local::Local;

/// The services of docker-compose.yml.
#[derive(Debug)]
pub struct Compose(BTreeMap<String, Value>);

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Service<'c>(&'c Value);

impl Compose {
    /// Reads the file with the variables of an env file.
    ///
    /// # Errors
    /// If docker-compose refuses it.
    pub fn read(variables: &Path) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the tests have no parent folder")?;
        let mut command = Command::new("docker-compose");
        command.args(["--file", "docker-compose.yml", "--env-file"]).arg(variables).arg("config").current_dir(root);
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| ["SIGNUP_", "POSTGRES_"].iter().any(|ours| starts_with(name, ours))) {
            command.env_remove(name);
        }
        let output = command.output().context("no docker-compose; install Debian's package `docker-compose`")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut document: BTreeMap<String, Value> = serde_norway::from_slice(&output.stdout)?;
        Ok(Self(serde_json::from_value(document.remove("services").context("no services")?)?))
    }

    /// A service.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn service(&self, name: &str) -> anyhow::Result<Service<'_>> {
        Ok(Service(self.0.get(name).with_context(|| format!("no service {name}"))?))
    }

    /// Each service, by name.
    pub fn services(&self) -> impl Iterator<Item = (&str, Service<'_>)> {
        self.0.iter().map(|(name, service)| (name.as_str(), Service(service)))
    }
}

impl<'c> Service<'c> {
    /// One of its keys.
    pub fn key(self, name: &str) -> &'c Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// The words of its command.
    pub fn command(self) -> Vec<&'c str> {
        self.words("/command")
    }

    /// The words of the command that tells whether it is well.
    pub fn health_check(self) -> Vec<&'c str> {
        let words = self.words("/healthcheck/test");
        words.into_iter().skip_while(|word| *word == "CMD").collect()
    }

    /// Its environment.
    pub fn environment(self) -> BTreeMap<&'c str, &'c str> {
        let variables = self.key("environment").as_object().into_iter().flatten();
        variables.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
    }

    /// The services that must be there before it, and how they must be.
    pub fn needs(self) -> BTreeMap<&'c str, &'c str> {
        let needed = self.key("depends_on").as_object().into_iter().flatten();
        needed.filter_map(|(name, how)| Some((name.as_str(), how.get("condition")?.as_str()?))).collect()
    }

    fn words(self, pointer: &str) -> Vec<&'c str> {
        self.0.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

fn starts_with(name: &std::ffi::OsStr, prefix: &str) -> bool {
    name.as_encoded_bytes().starts_with(prefix.as_bytes())
}
