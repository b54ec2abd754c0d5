//! The environment's part of the configuration.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::error::Error;
use super::nearest::did_you_mean;
use super::place::Place;
use super::settings;

/// The variable that names the configuration file.
pub(super) const CONFIG: &str = "SIGNUP_CONFIG";
/// Variables of the commands that talk to a running service.
const OF_CLIENTS: [&str; 3] = ["SIGNUP_URL", "SIGNUP_OPERATOR_TOKEN", "SIGNUP_OPERATOR_TOKEN_FILE"];
const PREFIX: &str = "SIGNUP_";

/// Variables, those without a value left out.
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// This process' variables.
    pub(crate) fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// These variables.
    pub(super) fn new(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// A variable's value.
    ///
    /// # Errors
    /// If it is no text.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.raw(name).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(text)),
            Some(None) => Err(Error::at(&Place::Variable(name.to_owned()), "it is not UTF-8")),
        }
    }

    /// A variable's value, whatever it holds.
    pub(super) fn raw(&self, name: &str) -> Option<&OsString> {
        self.0.get(OsStr::new(name))
    }

    /// Refuses variables that look like settings and are none.
    pub(super) fn check(&self) -> Result<(), Error> {
        let files: Vec<String> = settings::ALL.iter().filter_map(|setting| setting.file_variable()).collect();
        let settings = settings::ALL.iter().map(|setting| setting.variable);
        let known: Vec<&str> =
            settings.chain(files.iter().map(String::as_str)).chain(OF_CLIENTS).chain([CONFIG]).collect();
        for (name, value) in &self.0 {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            if !known.contains(&name) && !is_of_kubernetes(name, value) {
                let hint = did_you_mean(name, known.iter().copied());
                return Err(Error::new(format!("unknown setting `{name}` in the environment; {hint}")));
            }
        }
        Ok(())
    }
}

/// Whether Kubernetes has put this variable there: it does so for every service of the namespace, and one may well be
/// called `signup`.
fn is_of_kubernetes(name: &str, value: &OsStr) -> bool {
    let of_a_link = value.as_encoded_bytes().windows(3).any(|part| part == b"://") && name.ends_with("_PORT");
    let of_a_port = name.contains("_PORT_") && ["_TCP", "_UDP", "_SCTP"].iter().any(|part| name.contains(part));
    name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || of_a_port || of_a_link
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<(), Error> {
        Environment::new([(name.into(), value.into())].into_iter()).check()
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_known_one() {
        let error = check("SIGNUP_LISEN", "127.0.0.1:80").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown setting `SIGNUP_LISEN` in the environment; did you mean `SIGNUP_LISTEN`?"
        );
        for (name, nearest) in [
            ("SIGNUP_DATABASE_URL", "DATABASE_URL"),
            ("SIGNUP_DATA", "SIGNUP_DATA_DIR"),
            ("SIGNUP_HASHKEY_FILE", "SIGNUP_HASH_KEY_FILE"),
            ("SIGNUP_CONFIGURATION", "SIGNUP_CONFIG"),
        ] {
            assert!(check(name, "x").unwrap_err().to_string().ends_with(&format!("`{nearest}`?")), "{name}");
        }
        assert!(check("SIGNUP_PORT", "8080").is_err());
    }

    #[test]
    fn other_peoples_variables_are_left_alone() {
        for (name, value) in [
            ("SIGNUP_URL", "http://127.0.0.1:8080"),
            ("SIGNUP_OPERATOR_TOKEN", "x"),
            ("SIGNUP_OPERATOR_TOKEN_FILE", "x"),
            ("SIGNUP_LISEN", ""),
            ("LISEN", "x"),
            ("SIGNUP_SERVICE_HOST", "10.0.0.1"),
            ("SIGNUP_SERVICE_PORT_HTTP", "80"),
            ("SIGNUP_PORT", "tcp://10.0.0.1:80"),
            ("SIGNUP_API_PORT_80_TCP_ADDR", "10.0.0.1"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
    }
}
