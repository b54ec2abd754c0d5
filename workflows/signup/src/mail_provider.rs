//! Who runs somebody's mail, where it is one of the few who run most people's.

/// Who runs somebody's mail: what sign-ups are told apart by where they are counted. Only a few are told by name, so
/// that nobody is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailProvider {
    /// Google's, of people.
    Gmail,
    /// Microsoft's, of people.
    Outlook,
    /// Yahoo and AOL.
    Yahoo,
    /// Apple's.
    Icloud,
    /// Proton.
    Proton,
    /// GMX, WEB.DE and mail.com.
    Gmx,
    /// Anybody else.
    Other,
}

impl MailProvider {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Gmail, Self::Outlook, Self::Yahoo, Self::Icloud, Self::Proton, Self::Gmx, Self::Other];

    /// The provider of an address in its canonical form.
    pub fn of(key: &str) -> Self {
        let domain = key.rsplit_once('@').map_or("", |(_, domain)| domain);
        let (name, ending) = domain.split_once('.').unwrap_or_default();
        match (name, ending) {
            ("gmail" | "googlemail", "com") => Self::Gmail,
            // One of each country: `outlook.fr`, `hotmail.co.uk`.
            ("outlook" | "hotmail" | "live", _) | ("msn", "com") => Self::Outlook,
            ("yahoo" | "ymail" | "rocketmail", _) | ("aol", "com") => Self::Yahoo,
            ("icloud" | "me" | "mac", "com") => Self::Icloud,
            ("proton" | "pm", "me") | ("protonmail", "com" | "ch") => Self::Proton,
            ("gmx", _) | ("web", "de") | ("mail", "com") => Self::Gmx,
            _ => Self::Other,
        }
    }

    /// The word that it is counted under.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gmail => "gmail",
            Self::Outlook => "outlook",
            Self::Yahoo => "yahoo",
            Self::Icloud => "icloud",
            Self::Proton => "proton",
            Self::Gmx => "gmx",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::EmailAddress;

    #[test]
    fn a_provider_is_known_by_its_domains_and_by_no_others() {
        let provider = |email: &str| EmailAddress::parse(email).unwrap().provider().word();
        let told = ["a@GMail.com", "a@hotmail.co.uk", "a@yahoo.fr", "a@me.com", "a@pm.me", "a@gmx.net"];
        assert_eq!(told.map(provider), ["gmail", "outlook", "yahoo", "icloud", "proton", "gmx"]);
        for other in ["gmail.com@example.com", "a@gmail.com.example.org", "a@mail.gmail.com", "a@me.org", "a@gmail.co"]
        {
            assert_eq!(provider(other), "other", "{other}");
        }
    }
}
