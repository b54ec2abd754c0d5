//! What a hash costs.

use std::fmt;
use std::str::FromStr;

use argon2::Params;

/// What one hash costs an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost(pub(super) Params);

/// Why a cost is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Not of the form `m=19456,t=2,p=1`.
    #[error("must look like m=19456,t=2,p=1")]
    Malformed,
    /// Less than OWASP's minimum.
    #[error("must be at least m=19456,t=2,p=1, the minimum that OWASP recommends")]
    TooCheap,
    /// More memory than one hash may take.
    #[error("must be at most m=1048576, 1 GiB of memory")]
    TooLarge,
}

impl Cost {
    /// The most memory that a hash may take, in KiB.
    pub(super) const MOST_MEMORY: u32 = 1 << 20;
}

impl Default for Cost {
    /// 19 MiB, 2 passes, 1 lane: the OWASP minimum.
    fn default() -> Self {
        Self(Params::DEFAULT)
    }
}

impl FromStr for Cost {
    type Err = CostError;

    fn from_str(text: &str) -> Result<Self, CostError> {
        let values: Vec<(&str, u32)> = text
            .split(',')
            .map(|part| part.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?))))
            .collect::<Option<_>>()
            .ok_or(CostError::Malformed)?;
        let [("m", memory), ("t", passes), ("p", lanes)] = values[..] else { return Err(CostError::Malformed) };
        let params = Params::new(memory, passes, lanes, None).map_err(|_| CostError::Malformed)?;
        if memory > Self::MOST_MEMORY {
            return Err(CostError::TooLarge);
        }
        let cheap = memory < Params::DEFAULT_M_COST || passes < Params::DEFAULT_T_COST;
        if cheap && cfg!(not(feature = "testing")) { Err(CostError::TooCheap) } else { Ok(Self(params)) }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.0.m_cost(), self.0.t_cost(), self.0.p_cost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_reads_back_as_itself() {
        for text in ["m=19456,t=2,p=1", "m=65536,t=3,p=4", "m=1048576,t=2,p=1"] {
            assert_eq!(text.parse::<Cost>().map(|cost| cost.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "m=19456", "t=2,m=19456,p=1", "m=x,t=2,p=1", "m=19456,t=2,p=1,q=1"] {
            assert_eq!(text.parse::<Cost>(), Err(CostError::Malformed), "{text}");
        }
    }

    #[test]
    fn more_memory_than_anybody_has_is_refused() {
        for text in ["m=1048577,t=2,p=1", "m=4294967295,t=2,p=1"] {
            assert_eq!(text.parse::<Cost>(), Err(CostError::TooLarge), "{text}");
        }
    }

    #[test]
    #[cfg(not(feature = "testing"))]
    fn less_than_the_minimum_is_refused() {
        for text in ["m=19455,t=2,p=1", "m=19456,t=1,p=1"] {
            assert_eq!(text.parse::<Cost>(), Err(CostError::TooCheap), "{text}");
        }
    }
}
