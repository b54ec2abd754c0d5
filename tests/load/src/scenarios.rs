//! What is done to the service.

mod burst;
mod crowd;
mod duplicates;
mod few;
mod limits;
mod streams;
mod trouble;

use clap::ValueEnum;

use crate::findings::Findings;
use crate::stage::Kind;

/// What is done to the service, each on processes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 100 sign-ups, 10 at a time
    #[value(name = "a")]
    Few,
    /// More than an address may ask for
    #[value(name = "b")]
    Limits,
    /// 100 clients in a closed loop for 30 s
    #[value(name = "c")]
    Crowd,
    /// A step that is slow, and a database that stands still
    #[value(name = "d")]
    Trouble,
    /// 1 000 sign-ups at once, through connections that are open
    #[value(name = "e")]
    Burst,
    /// 2 000 requests for 50 e-mails that are taken
    #[value(name = "f")]
    Duplicates,
    /// 10 000 clients that are told what becomes of sign-ups
    #[value(name = "g")]
    Streams,
}

/// These, each once and in their order; all where there are none.
pub(crate) fn chosen(asked_for: &[Scenario]) -> Vec<Scenario> {
    let all = Scenario::value_variants().iter().copied();
    all.filter(|scenario| asked_for.is_empty() || asked_for.contains(scenario)).collect()
}

impl Scenario {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Few => 'a',
            Self::Limits => 'b',
            Self::Crowd => 'c',
            Self::Trouble => 'd',
            Self::Burst => 'e',
            Self::Duplicates => 'f',
            Self::Streams => 'g',
        }
    }

    pub(crate) fn story(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// Does it, and says what came of it.
    pub(crate) async fn measure(self, kind: Kind) -> anyhow::Result<Findings> {
        match self {
            Self::Few => Box::pin(few::measure(kind)).await,
            Self::Limits => Box::pin(limits::measure(kind)).await,
            Self::Crowd => Box::pin(crowd::measure(kind)).await,
            Self::Trouble => Box::pin(trouble::measure(kind)).await,
            Self::Burst => Box::pin(burst::measure(kind)).await,
            Self::Duplicates => Box::pin(duplicates::measure(kind)).await,
            Self::Streams => Box::pin(streams::measure(kind)).await,
        }
    }
}
