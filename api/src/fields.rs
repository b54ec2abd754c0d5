//! The fields of a JSON body, read one by one, so that all that is wrong with them is told at once.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Number, Value};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::problem::{FieldError, Problem};

/// The longest body.
const LIMIT: usize = 16 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many wrong fields are told of at once: an answer is not to be much longer than its request.
const MOST_ERRORS: usize = 16;

/// The fields of a JSON body that have not been read yet, and what was wrong with those that have.
///
/// What they hold is wiped when they are dropped: it may be a password, under whatever name.
pub(crate) struct Fields {
    given: Vec<(String, Given)>,
    errors: Vec<FieldError>,
}

/// The value of a field.
enum Given {
    Text(Zeroizing<String>),
    Number(Number),
    Null,
    Other,
}

impl Fields {
    /// Reads a field that must be there. `None` if it is wrong, which is noted.
    pub(crate) fn required<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        match self.take_text(name) {
            Ok(Some(mut text)) => self.parsed(name, parse(std::mem::take(&mut text))),
            Ok(None) => self.wrong(name, "is required"),
            Err(error) => self.wrong(name, error),
        }
    }

    /// Reads a field that may be left out or null. `None` if it is, or if it is wrong, which is noted.
    pub(crate) fn optional<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        match self.take_text(name) {
            Ok(Some(mut text)) => self.parsed(name, parse(std::mem::take(&mut text))),
            Ok(None) => None,
            Err(error) => self.wrong(name, error),
        }
    }

    /// Reads a whole number that must be there. `None` if it is wrong, which is noted.
    pub(crate) fn required_number(&mut self, name: &'static str) -> Option<u64> {
        const WRONG: &str = "must be a whole number from 0 to 9007199254740991";
        match self.take(name) {
            Ok(Given::Number(number)) => whole(&number).map_or_else(|| self.wrong(name, WRONG), Some),
            Ok(Given::Null) => self.wrong(name, "is required"),
            Ok(Given::Text(_) | Given::Other) => self.wrong(name, WRONG),
            Err(error) => self.wrong(name, error),
        }
    }

    /// What was wrong, the fields that nobody has read included.
    pub(crate) fn finish(mut self) -> Vec<FieldError> {
        for (name, _) in std::mem::take(&mut self.given) {
            // A client's own text is sent back only where it looks like the name of a field.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let shown = name.len() <= 64 && name.chars().all(plain);
            let field = if shown { name.into() } else { Cow::Borrowed("") };
            self.wrong::<()>(field, if shown { "is not a field of this request" } else { "has an unknown field" });
        }
        self.errors
    }

    /// The text of a field, if it is there; or what is wrong with it.
    fn take_text(&mut self, name: &str) -> Result<Option<Zeroizing<String>>, &'static str> {
        match self.take(name)? {
            Given::Text(text) => Ok(Some(text)),
            Given::Null => Ok(None),
            Given::Number(_) | Given::Other => Err("must be a string"),
        }
    }

    /// The value of a field, which is null if it is left out.
    fn take(&mut self, name: &str) -> Result<Given, &'static str> {
        let mut values = self.given.extract_if(.., |(given, _)| given == name).map(|(_, value)| value);
        match (values.next(), values.count()) {
            (_, 1..) => Err("is given more than once"),
            (value, 0) => Ok(value.unwrap_or(Given::Null)),
        }
    }

    fn parsed<T, E: fmt::Display>(&mut self, name: &'static str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_or_else(|error| self.wrong(name, &error), Some)
    }

    fn wrong<T>(&mut self, field: impl Into<Cow<'static, str>>, message: impl fmt::Display) -> Option<T> {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(FieldError { field: field.into(), message: message.to_string() });
        }
        None
    }
}

/// The same of a body that is JSON, whatever it is said to be.
#[derive(Debug)]
pub(crate) struct AnyFields(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::UnsupportedMediaType);
        }
        AnyFields::from_request(request, state).await.map(|AnyFields(fields)| fields)
    }
}

impl<S: Send + Sync> FromRequest<S> for AnyFields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if is_encoded(request.headers()) {
            return Err(Problem::UnsupportedEncoding);
        }
        let bytes = timeout(PATIENCE, read(request.into_body())).await.map_err(|_| Problem::BodyTimeout)??;
        parse(&bytes).map(Self)
    }
}

/// Whether the content type is `application/json` or `application/<something>+json`, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(text)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

/// Whether the body is compressed or otherwise not what it is.
fn is_encoded(headers: &HeaderMap) -> bool {
    let plain =
        |value: &axum::http::HeaderValue| value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity");
    !headers.get_all(CONTENT_ENCODING).into_iter().all(plain)
}

async fn read(mut body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    if body.size_hint().lower() > LIMIT as u64 {
        return Err(Problem::BodyTooLarge);
    }
    // All the room at once: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::IncompleteBody)?.into_data() else { continue };
        if bytes.len() + data.len() > LIMIT {
            return Err(Problem::BodyTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Fields, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            let errors = vec![FieldError { field: "".into(), message: "the body must be a JSON object".into() }];
            Problem::InvalidFields { errors }
        }
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            Problem::MalformedJson { line: error.line(), column: error.column() }
        }
    })
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut given = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    given.push((name, Given::from(value)));
                }
                Ok(Fields { given, errors: Vec::new() })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.into()),
            Value::Null => Self::Null,
            Value::Number(number) => Self::Number(number),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Self::Other,
        }
    }
}

/// A number without a fraction: `3.0` is the same as `3`. None that some parser of JSON would take for another one
/// (RFC 8259, 6).
fn whole(number: &serde_json::Number) -> Option<u64> {
    const LARGEST: u64 = (1 << 53) - 1;
    let number = number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    number.filter(|number| *number <= LARGEST)
}

/// Fields may hold a password: only their number is shown.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.given.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_read_however_it_is_written() {
        let read = |text: &str| whole(&serde_json::from_str(text).unwrap());
        for (text, number) in [("0", 0), ("3", 3), ("3.0", 3), ("3e2", 300), ("9007199254740991", (1 << 53) - 1)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["-1", "-1.0", "0.5", "9007199254740992", "9007199254740992.0", "1e16", "1e300"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
