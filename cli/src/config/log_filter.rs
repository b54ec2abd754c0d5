//! What is logged.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged: a level, or directives for parts of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

/// What is said by our own lines, once and with what follows from it: each end of a worker that Redis ended is an error
/// to the library. Whoever names it in the setting hears it all the same.
const QUIET: &str = "apalis_core=off";

const GOOD: &str = "give off, error, warn, info, debug or trace, or directives such as info,saga=debug";

impl LogFilter {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        // The library takes a lone word that is no level for the name of a part of the program, and silences all others.
        let is_lone = |part: &&&str| !part.contains(['=', '[']);
        if let Some(word) = parts.iter().filter(is_lone).find(|word| word.parse::<LevelFilter>().is_err()) {
            return Err(format!("`{word}` is no level of a log; {GOOD}"));
        }
        let text = parts.join(",");
        match EnvFilter::try_new(&text) {
            Ok(_) if !text.is_empty() => Ok(Self(text)),
            Ok(_) | Err(_) => Err(format!("`{text}` does not say what to log; {GOOD}")),
        }
    }

    /// The filter.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::try_new(format!("{QUIET},{}", self.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_taken() {
        for text in ["info", "OFF", "info,saga=debug", "warn, api=trace", "saga=debug", "info,[saga.step]=debug"] {
            assert!(LogFilter::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_library_of_workers_is_heard_where_it_is_named() {
        let filter = |text| LogFilter::parse(text).unwrap().filter().to_string();
        assert!(filter("debug").contains("apalis_core=off"));
        assert!(filter("info,apalis_core=debug").contains("apalis_core=debug"));
        assert!(!filter("info,apalis_core=debug").contains("off"));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_instead_of_silencing_everything() {
        assert_eq!(LogFilter::parse("nonsense").unwrap_err(), format!("`nonsense` is no level of a log; {GOOD}"));
        assert_eq!(LogFilter::parse("info,saga").unwrap_err(), format!("`saga` is no level of a log; {GOOD}"));
        for text in ["", ",", "saga=nonsense", "info=debug=trace"] {
            let said = LogFilter::parse(text).unwrap_err();
            assert!(said.ends_with(GOOD) && said.contains("does not say what to log"), "{text}: {said}");
        }
    }
}
