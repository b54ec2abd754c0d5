//! The configuration file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::Value;
use zeroize::Zeroizing;

use super::environment::{CONFIG, Environment};
use super::error::Error;
use super::nearest::did_you_mean;
use super::place::Place;
use super::{open_to_others, settings};

/// The file that is read from the working directory if it is there.
const USUAL: &str = "signup.toml";

/// A configuration file: TOML, one key for each setting.
pub(super) struct File {
    path: PathBuf,
    keys: toml::Table,
    open_to_others: bool,
}

impl File {
    /// The file that was named, or else the usual one if it is there.
    pub(super) fn find(named: Option<&Path>, environment: &Environment) -> Result<Option<Self>, Error> {
        if let Some(path) = named {
            return Self::read(path, Some(&Place::Flag("config"))).map(Some);
        }
        if let Some(path) = environment.raw(CONFIG) {
            return Self::read(Path::new(path), Some(&Place::Variable(CONFIG.to_owned()))).map(Some);
        }
        match fs::symlink_metadata(USUAL) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Ok(_) | Err(_) => Self::read(Path::new(USUAL), None).map(Some),
        }
    }

    fn read(path: &Path, named_by: Option<&Place>) -> Result<Self, Error> {
        let cannot = |error: std::io::Error| {
            let line = format!("cannot read {}: {error}", path.display());
            named_by.map_or_else(|| Error::new(&*line), |place| Error::at(place, &line))
        };
        let text = Zeroizing::new(fs::read_to_string(path).map_err(cannot)?);
        let open_to_others = open_to_others(&fs::metadata(path).map_err(cannot)?);
        let keys = text.parse().map_err(|error| malformed(path, &text, &error))?;
        let file = Self { path: path.to_owned(), keys, open_to_others };
        file.check()?;
        Ok(file)
    }

    /// The value of a key, as text.
    ///
    /// # Errors
    /// If it is of a kind that no setting has.
    pub(super) fn get(&self, key: &str) -> Result<Option<(Zeroizing<String>, Place)>, Error> {
        let Some(value) = self.keys.get(key) else { return Ok(None) };
        let place = Place::File { key: key.to_owned(), path: self.path.clone() };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                let found = value.type_str();
                return Err(Error::at(&place, format!("a value is a text in quotes or a whole number, not a {found}")));
            }
        };
        Ok(Some((Zeroizing::new(text), place)))
    }

    /// What to say of a file with secrets that others may read.
    pub(super) fn warning(&self) -> Option<String> {
        let with_secrets =
            settings::ALL.iter().any(|setting| setting.is_secret() && self.keys.contains_key(setting.key));
        let path = self.path.display();
        (with_secrets && self.open_to_others)
            .then(|| format!("{path} holds secrets and others may read it: run `chmod 600 {path}`"))
    }

    fn check(&self) -> Result<(), Error> {
        let files: Vec<String> = settings::ALL.iter().filter_map(|setting| setting.file_key()).collect();
        let known = || settings::ALL.iter().map(|setting| setting.key).chain(files.iter().map(String::as_str));
        match self.keys.keys().find(|key| !known().any(|known| known == *key)) {
            None => Ok(()),
            Some(key) => {
                let (path, hint) = (self.path.display(), did_you_mean(key, known()));
                Err(Error::new(format!("unknown setting `{key}` in {path}; {hint}")))
            }
        }
    }
}

/// Names the line, and does not show it: a secret may be on it.
fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, message) = (before.matches('\n').count() + 1, error.message().replace('\n', ", "));
    Error::new(format!("{}, line {line}: not TOML: {message}", path.display()))
}
