//! What somebody meant who mistyped a name.

/// How alike two names are (Jaro-Winkler, from 0 to 1) for one to be taken for the other.
const ALIKE: f64 = 0.75;

/// The end of a line about an unknown name: the known name that is most like it, or where the known ones are listed.
pub(super) fn did_you_mean<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let likeness = |name: &str| strsim::jaro_winkler(stem(unknown), stem(name));
    let nearest = known.map(|name| (likeness(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, name)) if likeness >= ALIKE => format!("did you mean `{name}`?"),
        Some(_) | None => "`signup config` lists all settings".to_owned(),
    }
}

/// The part of a name that tells it from others.
fn stem(name: &str) -> &str {
    name.strip_prefix("SIGNUP_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_none_where_none_is_near() {
        let known = ["listen", "log", "log_format", "data_dir", "SIGNUP_LISTEN", "DATABASE_URL"];
        for (unknown, expected) in [
            ("lisen", "did you mean `listen`?"),
            ("datadir", "did you mean `data_dir`?"),
            ("log_fromat", "did you mean `log_format`?"),
            ("SIGNUP_LISTN", "did you mean `SIGNUP_LISTEN`?"),
            ("SIGNUP_DATABASE_URL", "did you mean `DATABASE_URL`?"),
            ("colour", "`signup config` lists all settings"),
        ] {
            assert_eq!(did_you_mean(unknown, known.into_iter()), expected, "{unknown}");
        }
    }
}
