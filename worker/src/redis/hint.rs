//! A hint as it lies in Redis.

use saga::{SagaId, StepName};
use serde::{Deserialize, Serialize};

/// This saga is due at this step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) saga: SagaId,
    pub(super) step: StepName,
}

/// What is found in a queue. Whatever bytes they are, they are one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payload {
    Hint(Hint),
    /// Not a hint, or not one of this program's.
    Foreign,
}

#[derive(Serialize, Deserialize)]
struct Written {
    saga: String,
    step: String,
}

impl Payload {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let written = serde_json::from_slice::<Written>(bytes).ok();
        let hint =
            written.and_then(|Written { saga, step }| Some(Hint { saga: saga.parse().ok()?, step: step.into() }));
        hint.map_or(Self::Foreign, Self::Hint)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let Self::Hint(Hint { saga, step }) = self else { return Vec::new() };
        serde_json::to_vec(&Written { saga: saga.to_string(), step: step.to_string() }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use saga::{OsRandom, SystemClock};

    use super::*;

    #[test]
    fn a_hint_reads_back_as_itself_and_anything_else_as_foreign() {
        let hint = Hint { saga: SagaId::new(&SystemClock, &OsRandom), step: StepName::new("step") };
        let written = Payload::Hint(hint.clone()).write();
        assert_eq!(Payload::read(&written), Payload::Hint(hint));
        for bytes in [&b""[..], b"null", b"{}", b"\xff\x00", br#"{"saga":"wf_1","step":"step"}"#, &written[1..]] {
            assert_eq!(Payload::read(bytes), Payload::Foreign);
        }
    }
}
