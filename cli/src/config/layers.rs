//! Flags over the environment over the file over defaults.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::environment::Environment;
use super::error::Error;
use super::file::File;
use super::flags::Flags;
use super::open_to_others;
use super::place::Place;
use super::setting::Setting;

/// Where secrets are mounted into a container: readable by all that is in it, and that cannot be changed.
const MOUNTED: &str = "/run/secrets";

/// Everything that was given, and what was found in it so far.
pub(super) struct Layers<'a> {
    flags: &'a Flags,
    environment: &'a Environment,
    file: Option<File>,
    pub(super) origins: Vec<Origin>,
    pub(super) warnings: Vec<String>,
}

/// Where the value of a setting comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The setting.
    pub(crate) setting: &'static Setting,
    /// Its value as it was given, or its default. None of a secret, and none where there is none.
    pub(crate) text: Option<String>,
    /// Where it was given; `None` if nowhere.
    pub(crate) place: Option<Place>,
}

/// A value that was given.
struct Found {
    text: Zeroizing<String>,
    place: Place,
}

impl<'a> Layers<'a> {
    /// Reads the file, and refuses names that no setting has.
    pub(super) fn read(flags: &'a Flags, environment: &'a Environment) -> Result<Self, Error> {
        environment.check()?;
        let file = File::find(flags.config(), environment)?;
        let warnings = file.iter().filter_map(File::warning).collect();
        Ok(Self { flags, environment, file, origins: Vec::new(), warnings })
    }

    /// The value of a setting, or its default.
    pub(super) fn value<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        if let Some(value) = self.optional(setting, &parse)? {
            return Ok(value);
        }
        let name = setting.variable;
        let default =
            setting.default().ok_or_else(|| Error::new(format!("`{name}` is not set: {}", setting.meaning)))?;
        parse(default).map_err(|what| Error::new(format!("the default of `{name}`: {what}")))
    }

    /// The value of a setting, if it was given.
    pub(super) fn optional<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let found = self.find(setting)?;
        let value = found.as_ref().map(|found| parse(&found.text).map_err(|what| Error::at(&found.place, what)));
        let value = value.transpose()?;
        let shown = found.as_ref().filter(|_| !setting.is_secret()).map(|found| found.text.to_string());
        self.origins.push(Origin {
            setting,
            text: shown.or_else(|| setting.default().map(str::to_owned)),
            place: found.map(|found| found.place),
        });
        Ok(value)
    }

    fn find(&mut self, setting: &'static Setting) -> Result<Option<Found>, Error> {
        if let Some((flag, text)) = setting.flag().and_then(|flag| Some((flag, self.flags.get(setting)?))) {
            return Ok(Some(Found { text: Zeroizing::new(text.to_owned()), place: Place::Flag(flag) }));
        }
        let variable = |name: &str| -> Result<Option<Found>, Error> {
            let found = |text: &str| Found { text: text.to_owned().into(), place: Place::Variable(name.to_owned()) };
            Ok(self.environment.get(name)?.map(found))
        };
        let direct = variable(setting.variable)?;
        let by_file = setting.file_variable().map(|name| variable(&name)).transpose()?.flatten();
        if let Some(found) = self.one_of(direct, by_file)? {
            return Ok(Some(found));
        }
        let Some(file) = &self.file else { return Ok(None) };
        let key = |name: &str| Ok(file.get(name)?.map(|(text, place)| Found { text, place }));
        let direct = key(setting.key)?;
        let by_file = setting.file_key().map(|name| key(&name)).transpose()?.flatten();
        self.one_of(direct, by_file)
    }

    /// A value that was given directly, or what is in the file that was named instead.
    fn one_of(&mut self, direct: Option<Found>, by_file: Option<Found>) -> Result<Option<Found>, Error> {
        match (direct, by_file) {
            (Some(direct), Some(by_file)) => {
                Err(Error::new(format!("{} and {} are both set; give one of them", direct.place, by_file.place)))
            }
            (direct, None) => Ok(direct),
            (None, Some(by_file)) => self.contents(by_file).map(Some),
        }
    }

    /// What is in the file that this names.
    fn contents(&mut self, named: Found) -> Result<Found, Error> {
        let path = Path::new(&*named.text);
        let cannot = |error| Error::at(&named.place, format!("cannot read {}: {error}", path.display()));
        let mut text = Zeroizing::new(fs::read_to_string(path).map_err(cannot)?);
        if open_to_others(&fs::metadata(path).map_err(cannot)?) && !path.starts_with(MOUNTED) {
            let path = path.display();
            self.warnings.push(format!("others may read the secret {path}: run `chmod 600 {path}`"));
        }
        // The end of the one line, as every editor writes it.
        let value = text.strip_suffix('\n').map_or(&**text, |line| line.strip_suffix('\r').unwrap_or(line)).len();
        text.truncate(value);
        if text.is_empty() {
            return Err(Error::at(&named.place, format!("{} is empty", path.display())));
        }
        Ok(Found { text, place: named.place })
    }
}
