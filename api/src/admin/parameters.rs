//! The parameters of a query, read one by one, so that all that is wrong with them is told at once.

use std::fmt;
use std::time::Duration;

use axum::http::Uri;

use crate::problem::{FieldError, Problem};

/// How many wrong parameters are told of at once.
const MOST_ERRORS: usize = 16;

/// The parameters of a query that have not been read yet, and what was wrong with those that have.
///
/// An empty value is none: a form sends its empty fields so.
pub(super) struct Parameters {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Parameters {
    pub(super) fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let given = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { given, known: Vec::new(), errors: Vec::new() }
    }

    /// Reads a parameter. `None` if it is not given, or if it is wrong, which is noted.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.known.push(name);
        let given: Vec<String> =
            self.given.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect();
        match &given[..] {
            [] => None,
            [value] if value.is_empty() => None,
            [value] => parse(value).map_or_else(|error| self.wrong(name, &error), Some),
            [..] => self.wrong(name, &"is given more than once"),
        }
    }

    /// Reads a parameter that must be there. `None` if it is wrong, which is noted.
    pub(super) fn required<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let errors = self.errors.len();
        let read = self.read(name, parse);
        if read.is_none() && self.errors.len() == errors {
            return self.wrong(name, &"is required");
        }
        read
    }

    /// Holds that nothing was wrong, and that every parameter has been read.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        let known = self.known.join(", ");
        for (name, _) in std::mem::take(&mut self.given) {
            // A client's own text is sent back only where it looks like the name of a parameter.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let shown = (1..=64).contains(&name.len()) && name.chars().all(plain);
            let name = if shown { name } else { String::new() };
            self.wrong::<()>(name, &format!("is not a parameter of this request, which takes {known}"));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::InvalidParameters { errors: self.errors }) }
    }

    fn wrong<T>(&mut self, name: impl Into<std::borrow::Cow<'static, str>>, message: &dyn fmt::Display) -> Option<T> {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(FieldError { field: name.into(), message: message.to_string() });
        }
        None
    }
}

/// One of these words.
pub(super) fn one_of<'w>(words: &[&'w str], text: &str) -> Result<&'w str, String> {
    let found = words.iter().find(|word| **word == text);
    found.copied().ok_or_else(|| format!("must be one of {}", words.join(", ")))
}

/// A whole number of seconds, minutes, hours or days, of six digits at most: `90s`, `5m`, `2h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "must be a duration such as 90s, 5m, 2h or 1d, with six digits at most";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(WRONG),
    };
    if !(1..=6).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    let number: u64 = digits.parse().map_err(|_| WRONG)?;
    Ok(Duration::from_secs(number * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("5m", 300), ("2h", 7_200), ("1d", 86_400), ("999999d", 86_399_913_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "-5m", "+5m", "1.5h", "5 m", "5M", "5min", "5m30s", "1000000d", "0000001s", "5µs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
