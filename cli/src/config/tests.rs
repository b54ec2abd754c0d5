//! Precedence, and the line for everything that can be wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::place::Place;
use super::*;

/// A configuration in the making.
#[derive(Default)]
struct Given {
    folder: Option<TempDir>,
    flags: Vec<(&'static str, &'static str)>,
    environment: Vec<(String, String)>,
}

impl Given {
    fn flag(mut self, key: &'static str, text: &'static str) -> Self {
        self.flags.push((key, text));
        self
    }

    fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// A file beside the configuration, its owner's alone.
    fn file(mut self, name: &str, text: &str) -> (Self, PathBuf) {
        let folder = self.folder.get_or_insert_with(|| tempfile::tempdir().unwrap());
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (self, path)
    }

    /// A configuration file that `SIGNUP_CONFIG` names.
    fn toml(self, text: &str) -> (Self, PathBuf) {
        let (given, path) = self.file("signup.toml", text);
        (given.variable("SIGNUP_CONFIG", path.to_str().unwrap()), path)
    }

    fn load(&self) -> Result<Config, Error> {
        let variables = self.environment.iter().map(|(name, value)| (name.into(), value.into()));
        Config::of(&Flags::new(None, &self.flags), &Environment::new(variables))
    }

    /// The line in which it is refused.
    fn refusal(&self) -> String {
        let line = self.load().unwrap_err().to_string();
        assert!(!line.contains('\n') && !line.contains("canary"), "{line}");
        line
    }
}

fn origin<'c>(config: &'c Config, key: &str) -> &'c Origin {
    config.origins.iter().find(|origin| origin.setting.key == key).unwrap()
}

#[test]
fn defaults_give_way_to_the_file_to_the_environment_to_flags() {
    let config = Given::default().load().unwrap();
    assert_eq!((config.listen.port(), &config.log_format), (8080, &LogFormat::Text));
    assert_eq!((config.database_connections, config.data_dir), (20, PathBuf::from("./data")));
    assert!(config.database_url.is_none() && config.hash_key.is_none() && config.seal_private_key.is_none());
    assert!(config.master_key.is_none() && config.origin.is_none());
    assert!(config.origins.iter().all(|origin| origin.place.is_none()));

    let (given, path) = Given::default().toml("listen = '127.0.0.1:1'\ndatabase_connections = 5\n");
    let config = given.load().unwrap();
    assert_eq!((config.listen.port(), config.database_connections), (1, 5));
    assert_eq!(origin(&config, "listen").place, Some(Place::File { key: "listen".to_owned(), path }));

    let given = given.variable("SIGNUP_LISTEN", "127.0.0.1:2");
    let config = given.load().unwrap();
    assert_eq!((config.listen.port(), config.database_connections), (2, 5));
    assert_eq!(origin(&config, "listen").place, Some(Place::Variable("SIGNUP_LISTEN".to_owned())));

    let config = given.flag("listen", "127.0.0.1:3").load().unwrap();
    assert_eq!((config.listen.port(), config.database_connections), (3, 5));
    assert_eq!(origin(&config, "listen").place, Some(Place::Flag("listen")));
}

#[test]
fn every_setting_is_read_and_in_order() {
    let config = Given::default().load().unwrap();
    let read: Vec<&str> = config.origins.iter().map(|origin| origin.setting.key).collect();
    assert_eq!(read, settings::ALL.map(|setting| setting.key));
}

#[test]
fn an_empty_variable_is_not_set() {
    let given =
        Given::default().variable("SIGNUP_LISTEN", "").variable("DATABASE_URL", "").variable("SIGNUP_CONFIG", "");
    let config = given.load().unwrap();
    assert!(config.database_url.is_none() && config.listen.port() == 8080);
}

#[test]
fn a_wrong_value_names_where_it_was_given() {
    let wrong = "`nonsense` is no address to listen on; give numbers with a port, as in 127.0.0.1:8080, or \
                 0.0.0.0:8080 to be reached from everywhere";
    assert_eq!(Given::default().flag("listen", "nonsense").refusal(), format!("`--listen`: {wrong}"));
    let given = Given::default().variable("SIGNUP_LISTEN", "nonsense");
    assert_eq!(given.refusal(), format!("`SIGNUP_LISTEN`: {wrong}"));
    let (given, path) = Given::default().toml("listen = 'nonsense'");
    assert_eq!(given.refusal(), format!("`listen` in {}: {wrong}", path.display()));
}

#[test]
fn a_wrong_value_that_a_stronger_one_hides_is_not_looked_at() {
    let given = Given::default().variable("SIGNUP_LISTEN", "nonsense").flag("listen", "127.0.0.1:1");
    assert_eq!(given.load().unwrap().listen.port(), 1);
}

#[test]
fn every_wrong_value_is_refused_in_a_line_that_says_what_is_good() {
    for (variable, value, good) in [
        ("SIGNUP_LISTEN", "8080", "127.0.0.1:8080"),
        ("SIGNUP_ORIGIN", "https://signup.example.com/", "as in https://signup.example.com"),
        ("SIGNUP_ORIGIN", "https://canary@signup.example.com", "as in https://signup.example.com"),
        ("DATABASE_URL", "mysql://canary@host", "postgres://user:password@host/database"),
        ("SIGNUP_DATABASE_CONNECTIONS", "3", "from 4 to 1000"),
        ("REDIS_URL", "http://canary@host", "redis://user:password@host:6379"),
        ("SIGNUP_HEALTH_LISTEN", "8081", "or off"),
        ("SIGNUP_CONNECTIONS", "15", "from 16 to 1000000"),
        ("SIGNUP_DRAIN", "61", "from 0 to 60"),
        ("SIGNUP_ADDRESS_LIMIT", "0", "from 1 to 1000000"),
        ("SIGNUP_EMAIL_LIMIT", "off", "from 1 to 1000000"),
        ("SIGNUP_TRUSTED_PROXIES", "nginx", "10.0.0.0/8,fd00::/8"),
        ("SIGNUP_ALLOWED_ORIGINS", "*", "as in https://app.example.com"),
        ("SIGNUP_LOG", "nonsense", "error, warn, info, debug or trace"),
        ("SIGNUP_LOG_FORMAT", "xml", "text or json"),
        ("SIGNUP_DUPLICATE_EMAIL", "hidden", "reveal or private"),
        ("SIGNUP_ARGON2", "nonsense", "m=19456,t=2,p=1"),
        ("SIGNUP_SEAL_PUBLIC_KEY", "nonsense", "32 bytes in Base64"),
        ("SIGNUP_SEAL_PRIVATE_KEY", "canary", "32 bytes in Base64"),
        ("SIGNUP_HASH_KEY", "canary", "32 bytes in Base64"),
        ("SIGNUP_MASTER_KEY", "canary", "32 bytes in Base64"),
    ] {
        let line = Given::default().variable(variable, value).refusal();
        assert!(line.starts_with(&format!("`{variable}`: ")) && line.contains(good), "{line}");
    }
    let line = Given::default().flag("data_dir", "").refusal();
    assert_eq!(line, "`--data-dir`: it is empty; give a folder, as in ./data");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    for (key, nearest) in [("lisen", "listen"), ("database_url_flie", "database_url_file"), ("dataDir", "data_dir")] {
        let (given, path) = Given::default().toml(&format!("log = 'info'\n{key} = 'x'"));
        let expected = format!("unknown setting `{key}` in {}; did you mean `{nearest}`?", path.display());
        assert_eq!(given.refusal(), expected);
    }
    let (given, _) = Given::default().toml("[server]\nlisten = 'x'");
    assert!(given.refusal().starts_with("unknown setting `server` in "));
}

#[test]
fn a_file_that_is_no_toml_or_has_no_texts_is_refused_without_being_shown() {
    let (given, path) = Given::default().toml("log = 'info'\nhash_key = canary canary\n");
    assert!(given.refusal().starts_with(&format!("{}, line 2: not TOML: ", path.display())), "{}", given.refusal());
    for (text, found) in [("listen = true", "boolean"), ("listen = ['canary']", "array"), ("[listen]", "table")] {
        let (given, path) = Given::default().toml(text);
        let what = format!("a value is a text in quotes or a whole number, not a {found}");
        assert_eq!(given.refusal(), format!("`listen` in {}: {what}", path.display()));
    }
}

#[test]
fn a_configuration_file_that_is_not_there_is_refused_by_whoever_named_it() {
    let given = Given::default().variable("SIGNUP_CONFIG", "/nowhere/x.toml");
    assert_eq!(given.refusal(), "`SIGNUP_CONFIG`: cannot read /nowhere/x.toml: No such file or directory (os error 2)");
    let error = Config::of(&Flags::new(Some("/nowhere/y.toml".into()), &[]), &Environment::new(std::iter::empty()));
    let line = error.unwrap_err().to_string();
    assert!(line.starts_with("`--config`: cannot read /nowhere/y.toml: "), "{line}");
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    for ending in ["", "\n", "\r\n"] {
        let (given, path) = Given::default().file("url", &format!("postgres://host/x{ending}"));
        let given = given.variable("DATABASE_URL_FILE", path.to_str().unwrap());
        let config = given.load().unwrap();
        assert_eq!(config.database_url.as_ref().unwrap().reveal(), "postgres://host/x");
        assert_eq!(origin(&config, "database_url").place, Some(Place::Variable("DATABASE_URL_FILE".to_owned())));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
    let (given, path) = Given::default().file("url", "postgres://host/x\n\n");
    let given = given.variable("DATABASE_URL_FILE", path.to_str().unwrap());
    assert_eq!(given.load().unwrap().database_url.unwrap().reveal(), "postgres://host/x\n", "one end of a line");

    let (given, path) = Given::default().file("key", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n");
    let (given, _) = given.toml(&format!("seal_private_key_file = '{}'", path.display()));
    assert!(given.load().unwrap().seal_private_key.is_some());
}

#[test]
fn a_secret_and_its_file_are_not_both_given() {
    let given = Given::default().variable("DATABASE_URL", "postgres://canary").variable("DATABASE_URL_FILE", "/x");
    assert_eq!(given.refusal(), "`DATABASE_URL` and `DATABASE_URL_FILE` are both set; give one of them");
    let (given, path) = Given::default().toml("hash_key = 'canary'\nhash_key_file = '/x'");
    let path = path.display();
    let expected = format!("`hash_key` in {path} and `hash_key_file` in {path} are both set; give one of them");
    assert_eq!(given.refusal(), expected);
    // The environment is stronger than the file, whichever way it gives the secret.
    let given = Given::default().variable("DATABASE_URL", "postgres://host");
    let (given, _) = given.toml("database_url_file = '/x'");
    assert!(given.load().is_ok());
}

#[test]
fn a_secrets_file_that_is_of_no_use_is_refused() {
    let given = Given::default().variable("SIGNUP_HASH_KEY_FILE", "/nowhere");
    assert_eq!(given.refusal(), "`SIGNUP_HASH_KEY_FILE`: cannot read /nowhere: No such file or directory (os error 2)");
    for (text, what) in [("\n", "is empty"), ("canary", "give 32 bytes in Base64")] {
        let (given, path) = Given::default().file("key", text);
        let line = given.variable("SIGNUP_HASH_KEY_FILE", path.to_str().unwrap()).refusal();
        assert!(line.starts_with("`SIGNUP_HASH_KEY_FILE`: ") && line.contains(what), "{line}");
    }
}

#[test]
fn secrets_that_others_may_read_are_warned_of() {
    let (given, secret) = Given::default().file("key", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    let (given, toml) = given.variable("SIGNUP_HASH_KEY_FILE", secret.to_str().unwrap()).toml("log = 'info'");
    for path in [&secret, &toml] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let warnings = given.load().unwrap().warnings;
    assert!(matches!(&warnings[..], [one] if one.contains(&format!("chmod 600 {}", secret.display()))), "{warnings:?}");
    fs::write(&toml, "database_url = 'postgres://host'").unwrap();
    let warnings = given.load().unwrap().warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains(&format!("chmod 600 {}", toml.display())), "{warnings:?}");
}

#[test]
fn no_secret_is_shown_by_debug() {
    let given = Given::default()
        .variable("DATABASE_URL", "postgres://canary@host")
        .variable("REDIS_URL", "redis://:canary@host")
        .variable("SIGNUP_HASH_KEY", "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E=")
        .variable("SIGNUP_MASTER_KEY", "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E=");
    let shown = format!("{:?}", given.load().unwrap());
    assert!(shown.contains("[redacted]") && !shown.contains("canary") && !shown.contains("Y2Fu"), "{shown}");
}
