//! Sign-ups that carry their own faults, for tests of a whole binary.

use saga::testing::{Fault, Sabotage};
use saga::{Attempt, Code, Direction};

use crate::SignUp;

/// Reads faults from the applicant's full name: `sabotage create_profile:refuse`.
///
/// After the word `sabotage` come rules `step:fault`, or `step:fault:undo` for its compensation. A fault is `refuse`,
/// `fail`, `lose`, `panic` or `hang`; `fail2` fails only the first two attempts. Anyone else signs up in peace.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByName;

impl Sabotage<SignUp> for ByName {
    fn fault(&self, attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
        let rules = attempt.data.applicant.full_name.as_ref()?.as_str().strip_prefix("sabotage ")?;
        rules.split(' ').find_map(|rule| {
            let mut parts = rule.split(':');
            let (step, word, undo) = (parts.next()?, parts.next()?, parts.next() == Some("undo"));
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let times = rule.split(':').nth(1)?.strip_prefix(word)?.parse().unwrap_or(u32::MAX);
            let meant = attempt.step.as_str() == step && attempt.number <= times;
            (meant && undo == (direction == Direction::Backward)).then(|| fault(word)).flatten()
        })
    }
}

fn fault(word: &str) -> Option<Fault> {
    match word {
        "refuse" => Some(Fault::Refuse(Code::new("sabotaged"))),
        "fail" => Some(Fault::Fail),
        "lose" => Some(Fault::Lose),
        "panic" => Some(Fault::Panic),
        "hang" => Some(Fault::Hang),
        _ => None,
    }
}
