//! The command line's part of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::setting::{Setting, Unset};
use super::settings;

const CONFIG: &str = "config";

/// Settings that were given as flags. Flatten it into the arguments of a command that needs the settings.
///
/// The flags are made from the list of settings. They are texts here: they are read with those of the other sources,
/// so that a wrong value is refused in the same words wherever it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    config: Option<PathBuf>,
    given: BTreeMap<&'static str, String>,
}

impl Flags {
    /// The configuration file that is named.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What is given for a setting.
    pub(super) fn get(&self, setting: &Setting) -> Option<&str> {
        self.given.get(setting.key).map(String::as_str)
    }

    /// These settings, by key.
    #[cfg(test)]
    pub(super) fn new(config: Option<PathBuf>, given: &[(&'static str, &str)]) -> Self {
        Self { config, given: given.iter().map(|(key, text)| (*key, (*text).to_owned())).collect() }
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("A TOML file with settings [default: signup.toml if it is there] [env: SIGNUP_CONFIG]");
        settings::ALL.iter().filter_map(|setting| arg(setting)).fold(command.arg(config), Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &'static Setting) -> Option<Arg> {
    let flag = setting.flag()?;
    let (Unset::Default(unset) | Unset::Means(unset)) = setting.unset;
    let help = format!("{} [default: {unset}] [env: {}]", setting.meaning, setting.variable);
    Some(Arg::new(setting.key).long(flag).value_name(setting.value).help(help))
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let with_flags = settings::ALL.iter().filter(|setting| setting.flag().is_some());
        let given =
            with_flags.filter_map(|setting| Some((setting.key, matches.get_one::<String>(setting.key)?.clone())));
        Ok(Self { config: matches.get_one(CONFIG).cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_secrets_are_none() {
        let command = || Flags::augment_args(Command::new("signup"));
        let matches = command().try_get_matches_from(["signup", "--data-dir", "x", "--config", "y"]).unwrap();
        let flags = Flags::from_arg_matches(&matches).unwrap();
        assert_eq!(flags.get(&settings::DATA_DIR), Some("x"));
        assert_eq!((flags.get(&settings::LISTEN), flags.config()), (None, Some(Path::new("y"))));
        for secret in ["--database-url", "--hash-key", "--master-key", "--seal-private-key"] {
            assert!(command().try_get_matches_from(["signup", secret, "x"]).is_err(), "{secret}");
        }
    }
}
