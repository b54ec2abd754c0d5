//! What a client has a PostgreSQL server execute.
//!
//! A statement's text is sent once, when it is prepared, and its name from then on: bytes alone do not tell. The
//! messages are those of <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::collections::HashMap;

/// The longest message that is looked into; a client that sends a longer one is not followed any further.
const LONGEST: usize = 16 << 20;
/// The codes in place of a version by which a client asks for encryption.
const REQUESTS: [u32; 2] = [80_877_103, 80_877_104];
/// The version of the protocol, whichever minor one.
const VERSION: u32 = 3;

/// How far a client has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its first message has no kind.
    #[default]
    Greeting,
    /// The others have.
    Talking,
    /// It speaks something else.
    Foreign,
}

/// The statements of one connection.
#[derive(Debug, Default)]
pub(super) struct Statements {
    stage: Stage,
    /// What is not a whole message yet.
    rest: Vec<u8>,
    prepared: HashMap<String, String>,
}

impl Statements {
    /// The texts of those that this piece has executed, by its end.
    pub(super) fn read(&mut self, piece: &[u8]) -> Vec<String> {
        if self.stage == Stage::Foreign {
            return Vec::new();
        }
        self.rest.extend_from_slice(piece);
        let rest = std::mem::take(&mut self.rest);
        let (mut left, mut executed) = (&*rest, Vec::new());
        while self.stage != Stage::Foreign {
            let kind_size = usize::from(self.stage == Stage::Talking);
            let Some(length) = left.get(kind_size..).and_then(|left| left.first_chunk()) else { break };
            // It counts itself.
            let length = u32::from_be_bytes(*length) as usize;
            if !(4..=LONGEST).contains(&length) {
                self.stage = Stage::Foreign;
                break;
            }
            let Some((message, others)) = left.split_at_checked(kind_size + length) else { break };
            let body = message.get(kind_size + 4..).unwrap_or_default();
            if self.stage == Stage::Greeting {
                self.greeted(body);
            } else {
                executed.extend(self.executed(message.first().copied().unwrap_or_default(), body));
            }
            left = others;
        }
        if self.stage != Stage::Foreign {
            self.rest = left.to_vec();
        }
        executed
    }

    fn greeted(&mut self, body: &[u8]) {
        let code = body.first_chunk().map_or(0, |code| u32::from_be_bytes(*code));
        if code >> 16 == VERSION {
            self.stage = Stage::Talking;
        } else if !REQUESTS.contains(&code) {
            self.stage = Stage::Foreign;
        }
    }

    fn executed(&mut self, kind: u8, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        let (first, second) = (texts.next()?, texts.next());
        match kind {
            // Query.
            b'Q' => Some(first),
            // Parse: a name and a text.
            b'P' => {
                self.prepared.insert(first, second?);
                None
            }
            // Bind: a portal and a name. Nothing is bound but to be executed.
            b'B' => self.prepared.get(&second?).cloned(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, body: &str) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [kind.as_bytes(), &length, body.as_bytes()].concat()
    }

    #[test]
    fn a_prepared_statement_is_known_by_its_name_in_pieces_of_any_size() {
        let stream = [
            [8_u32.to_be_bytes(), REQUESTS[0].to_be_bytes()].concat(),
            message("", "\0\x03\0\0user\0me\0\0"),
            message("P", "s1\0SELECT 1\0\0\0"),
            message("S", ""),
            message("B", "\0s1\0\0\0"),
            message("E", "\0\0\0\0\0"),
            message("Q", "COMMIT\0"),
            message("B", "\0s1\0\0\0"),
        ];
        let stream = stream.concat();
        for size in [1, 2, 7, 40, stream.len()] {
            let mut statements = Statements::default();
            let executed: Vec<_> = stream.chunks(size).flat_map(|piece| statements.read(piece)).collect();
            assert_eq!(executed, ["SELECT 1", "COMMIT", "SELECT 1"], "pieces of {size}");
        }
    }

    #[test]
    fn who_speaks_something_else_is_not_followed() {
        let mut statements = Statements::default();
        assert!(statements.read(b"*1\r\n$4\r\nPING\r\n").is_empty());
        assert_eq!((statements.stage, statements.rest.len()), (Stage::Foreign, 0));
    }
}
