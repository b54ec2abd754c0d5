//! `signup config`: the effective settings, and where each comes from.

use std::io::Write;

use anyhow::Context;
use serde_json::{Value, json};

use super::layers::Origin;
use super::place::Place;
use super::{Config, Flags};

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    flags: Flags,

    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Prints the settings that `signup serve` would have here.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.flags)?;
        let shown = if self.json { format!("{:#}\n", document(&config)) } else { table(&config) };
        std::io::stdout().write_all(shown.as_bytes()).context("cannot write the settings")
    }
}

/// Three columns, as wide as what is in them.
fn table(config: &Config) -> String {
    let head = ["setting".to_owned(), "value".to_owned(), "from".to_owned()];
    let rows = config.origins.iter().map(|origin| [origin.setting.key.to_owned(), origin.shown(), origin.from()]);
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[key, value, from]: &[String; 3]| format!("{key:first$}  {value:second$}  {from}\n");
    rows.iter().map(line).collect::<Vec<_>>().concat()
}

/// An object with a member for each setting.
fn document(config: &Config) -> Value {
    config.origins.iter().map(|origin| (origin.setting.key.to_owned(), origin.document())).collect()
}

impl Origin {
    fn shown(&self) -> String {
        match &self.text {
            Some(text) => text.clone(),
            None if self.place.is_some() => "[set]".to_owned(),
            None => "[not set]".to_owned(),
        }
    }

    fn from(&self) -> String {
        match &self.place {
            None => "default".to_owned(),
            Some(Place::Flag(flag)) => format!("--{flag}"),
            Some(Place::Variable(name)) => name.clone(),
            Some(Place::File { path, .. }) => path.display().to_string(),
        }
    }

    fn document(&self) -> Value {
        let kind = match self.place {
            None => "default",
            Some(Place::Flag(_)) => "flag",
            Some(Place::Variable(_)) => "environment",
            Some(Place::File { .. }) => "file",
        };
        let name = self.place.is_some().then(|| self.from());
        let set = self.text.is_some() || self.place.is_some();
        json!({ "value": self.text, "set": set, "secret": self.setting.is_secret(), "from": kind, "name": name })
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::*;

    fn config(flags: &Flags) -> Config {
        let environment = [
            ("DATABASE_URL", "postgres://canary@host/x"),
            ("REDIS_URL", "redis://:canary@host"),
            ("SIGNUP_LOG_FORMAT", "json"),
        ];
        let environment = Environment::new(environment.into_iter().map(|(name, value)| (name.into(), value.into())));
        Config::of(flags, &environment).unwrap()
    }

    #[test]
    fn the_table_is_aligned_says_where_from_and_hides_secrets() {
        let shown = table(&config(&Flags::new(None, &[("listen", "127.0.0.1:1")])));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "setting               value            from");
        assert_eq!(lines[1], "listen                127.0.0.1:1      --listen");
        assert_eq!(lines[2], "origin                [not set]        default");
        assert_eq!(lines[6], "data_dir              ./data           default");
        assert_eq!(lines[7], "database_url          [set]            DATABASE_URL");
        assert_eq!(lines[9], "redis_url             [set]            REDIS_URL");
        assert_eq!(lines[21], "master_key            [not set]        default");
        assert!(!shown.contains("canary"));
    }

    #[test]
    fn the_document_has_a_member_for_each_setting() {
        let document = document(&config(&Flags::default()));
        assert_eq!(document.as_object().unwrap().len(), super::super::settings::ALL.len());
        assert_eq!(
            document["database_url"],
            json!({ "value": null, "set": true, "secret": true, "from": "environment", "name": "DATABASE_URL" })
        );
        assert_eq!(
            document["log"],
            json!({ "value": "info", "set": true, "secret": false, "from": "default", "name": null })
        );
        assert!(!document.to_string().contains("canary"));
    }
}
