//! What a setting is.

/// One setting, as a person meets it.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its key in the file: `data_dir`.
    pub(crate) key: &'static str,
    /// Its environment variable: `SIGNUP_DATA_DIR`.
    pub(crate) variable: &'static str,
    /// Where it may be given, and whether it may be shown.
    pub(crate) kind: Kind,
    /// What its value looks like, for the help: `FOLDER`.
    pub(crate) value: &'static str,
    /// What holds without it.
    pub(crate) unset: Unset<'static>,
    /// What it means, in half a sentence.
    pub(crate) meaning: &'static str,
}

/// Where a setting may be given, and whether it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Also as a flag.
    Plain {
        /// Without the dashes: `data-dir`.
        flag: &'static str,
    },
    /// A public key: also as a flag, and from a file of its own, as its private half.
    Public {
        /// Without the dashes.
        flag: &'static str,
    },
    /// Never as a flag, which everyone on the machine could read; also from a file of its own. Never shown.
    Secret,
}

/// What holds where a setting is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unset<'a> {
    /// This value.
    Default(&'a str),
    /// Something that is no value of it.
    Means(&'a str),
}

impl Setting {
    /// Its flag, without the dashes.
    pub(crate) fn flag(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Plain { flag } | Kind::Public { flag } => Some(flag),
            Kind::Secret => None,
        }
    }

    /// Its default value.
    pub(crate) fn default(&self) -> Option<&'static str> {
        match self.unset {
            Unset::Default(value) => Some(value),
            Unset::Means(_) => None,
        }
    }

    /// The variable that names a file with its value: `DATABASE_URL_FILE`.
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.may_be_a_file().then(|| format!("{}_FILE", self.variable))
    }

    /// The key that names a file with its value: `database_url_file`.
    pub(crate) fn file_key(&self) -> Option<String> {
        self.may_be_a_file().then(|| format!("{}_file", self.key))
    }

    /// Whether nobody may see it.
    pub(crate) fn is_secret(&self) -> bool {
        match self.kind {
            Kind::Secret => true,
            Kind::Plain { .. } | Kind::Public { .. } => false,
        }
    }

    fn may_be_a_file(&self) -> bool {
        match self.kind {
            Kind::Secret | Kind::Public { .. } => true,
            Kind::Plain { .. } => false,
        }
    }
}
