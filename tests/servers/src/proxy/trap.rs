//! What a proxy looks for in requests.

use super::statements::Statements;

/// What a request is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// These bytes, at most 1 KiB, are in it.
    Bytes(Vec<u8>),
    /// It has a `PostgreSQL` server execute a statement with this in its text, which may have been prepared before.
    Statement(String),
}

impl Pattern {
    /// A `PostgreSQL` statement with this in its text.
    pub fn statement(text: &str) -> Self {
        Self::Statement(text.to_owned())
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// It passes, its answer does not.
    SwallowReply,
    /// It does not pass.
    CutBefore,
}

/// What is done once, and when.
#[derive(Debug)]
pub(super) struct Trap {
    pub(super) pattern: Pattern,
    pub(super) action: Action,
}

/// How much of what has passed is remembered: the longest pattern.
const MEMORY: usize = 1024;

/// What one client has sent.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The last of what came before, then the piece in hand.
    window: Vec<u8>,
    /// Where the piece in hand begins.
    fresh: usize,
    statements: Statements,
    /// What the piece in hand has executed.
    executed: Vec<String>,
}

impl Reader {
    /// Takes the next piece in hand.
    pub(super) fn read(&mut self, piece: &[u8]) {
        self.window.drain(..self.window.len().saturating_sub(MEMORY));
        self.fresh = self.window.len();
        self.window.extend_from_slice(piece);
        self.executed = self.statements.read(piece);
    }

    /// The statements that the piece in hand executes.
    pub(super) fn executed(&self) -> &[String] {
        &self.executed
    }

    /// Whether the piece in hand completes this pattern.
    pub(super) fn has(&self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Statement(text) => self.executed.iter().any(|sql| sql.contains(text.as_str())),
            Pattern::Bytes(bytes) if bytes.is_empty() => true,
            Pattern::Bytes(bytes) => {
                let from = (self.fresh + 1).saturating_sub(bytes.len());
                self.window.get(from..).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_come_in_pieces_and_counts_once() {
        let (mut reader, pattern) = (Reader::default(), Pattern::from("needle"));
        let mut found = |piece: &[u8]| {
            reader.read(piece);
            reader.has(&pattern)
        };
        assert!(!found(b"hay ne"));
        assert!(!found(b"ed"));
        assert!(found(b"le hay"));
        assert!(!found(b" hay"));
        assert!(!found(&[b'x'; 5000]));
        assert!(found(b"needle"));
        assert!(!found(b"needl"));
        assert!(found(b"e"));
    }
}
