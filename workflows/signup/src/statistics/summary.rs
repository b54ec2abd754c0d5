//! What is told of a span of time.

use std::collections::BTreeMap;

use super::{Bucket, Counted, Kind, Percentiles};
use crate::STEPS;

/// How sign-ups went within a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many were asked for, by what they were answered.
    pub asked: BTreeMap<String, u64>,
    /// How many have completed.
    pub completed: u64,
    /// How many have failed.
    pub failed: u64,
    /// What they failed for.
    pub failures: Vec<Failure>,
    /// How many got how far, from being asked for to completed.
    pub funnel: Vec<Stage>,
    /// How long it took to accept one.
    pub accepting: Option<Percentiles>,
    /// How long completed ones took from their acceptance.
    pub completing: Option<Percentiles>,
    /// The same by who runs the e-mail.
    pub classes: BTreeMap<String, OfClass>,
}

/// Why sign-ups turned back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// At this step.
    pub step: String,
    /// For this reason.
    pub code: String,
    /// So many.
    pub count: u64,
}

/// How far sign-ups got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Where: `asked`, `accepted`, a step.
    pub name: String,
    /// How many got there.
    pub count: u64,
}

/// Sign-ups of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfClass {
    /// How many were asked for.
    pub asked: u64,
    /// How many have completed.
    pub completed: u64,
    /// How many have failed.
    pub failed: u64,
}

impl Summary {
    /// What these sums say.
    pub fn of(sums: &[Counted]) -> Self {
        let mut summary = Self::default();
        let (mut done, mut accepting, mut completing) = (BTreeMap::new(), Vec::new(), Vec::new());
        for Counted { kind, word, class, count } in sums {
            let of_class = || class.clone();
            match kind {
                Kind::Asked => {
                    *summary.asked.entry(word.clone()).or_default() += count;
                    summary.classes.entry(of_class()).or_default().asked += count;
                }
                Kind::Ended if word == "completed" => {
                    summary.completed += count;
                    summary.classes.entry(of_class()).or_default().completed += count;
                }
                Kind::Ended => {
                    summary.failed += count;
                    summary.classes.entry(of_class()).or_default().failed += count;
                }
                Kind::TurnedBack => {
                    let (step, code) = word.split_once(' ').unwrap_or((word, ""));
                    summary.failures.push(Failure { step: step.to_owned(), code: code.to_owned(), count: *count });
                }
                Kind::Done => *done.entry(word.as_str()).or_default() += count,
                Kind::Accepting => accepting.extend(bucket(word, *count)),
                Kind::Completing => completing.extend(bucket(word, *count)),
            }
        }
        summary.failures.sort_by(|one, other| other.count.cmp(&one.count).then(one.step.cmp(&other.step)));
        summary.funnel = funnel(&summary.asked, &done);
        summary.accepting = Percentiles::of(&accepting);
        summary.completing = Percentiles::of(&completing);
        summary
    }
}

fn bucket(word: &str, count: u64) -> Option<(Bucket, u64)> {
    Some((Bucket::at(word.parse().ok()?)?, count))
}

fn funnel(asked: &BTreeMap<String, u64>, done: &BTreeMap<&str, u64>) -> Vec<Stage> {
    let accepted = asked.get("accepted").copied().unwrap_or_default();
    let first = [("asked".to_owned(), asked.values().sum()), ("accepted".to_owned(), accepted)];
    let steps = STEPS.into_iter().map(|step| (step.to_string(), done.get(step.as_str()).copied().unwrap_or_default()));
    first.into_iter().chain(steps).map(|(name, count)| Stage { name, count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(kind: Kind, word: &str, class: &str, count: u64) -> Counted {
        Counted { kind, word: word.to_owned(), class: class.to_owned(), count }
    }

    #[test]
    fn what_was_counted_is_told_as_people_ask_for_it() {
        let summary = Summary::of(&[
            counted(Kind::Asked, "accepted", "gmail", 7),
            counted(Kind::Asked, "accepted", "other", 2),
            counted(Kind::Asked, "email_taken", "gmail", 1),
            counted(Kind::Done, "create_user", "", 8),
            counted(Kind::Done, "update_claims", "", 6),
            counted(Kind::TurnedBack, "create_user email_taken", "", 1),
            counted(Kind::TurnedBack, "create_profile step_failed", "", 2),
            counted(Kind::Ended, "completed", "gmail", 6),
            counted(Kind::Ended, "failed", "gmail", 3),
            counted(Kind::Completing, "50", "", 6),
            counted(Kind::Completing, "nonsense", "", 6),
        ]);
        assert_eq!(summary.asked, BTreeMap::from([("accepted".to_owned(), 9), ("email_taken".to_owned(), 1)]));
        assert_eq!((summary.completed, summary.failed), (6, 3));
        let failures: Vec<_> =
            summary.failures.iter().map(|one| (one.step.as_str(), one.code.as_str(), one.count)).collect();
        assert_eq!(failures, [("create_profile", "step_failed", 2), ("create_user", "email_taken", 1)]);
        let funnel: Vec<_> = summary.funnel.iter().map(|stage| (stage.name.as_str(), stage.count)).collect();
        let steps = [("create_user", 8), ("create_organization", 0), ("create_profile", 0), ("update_claims", 6)];
        assert_eq!(funnel, [[("asked", 10), ("accepted", 9)].as_slice(), &steps].concat());
        assert_eq!(summary.classes["gmail"], OfClass { asked: 8, completed: 6, failed: 3 });
        assert_eq!(summary.accepting, None);
        assert_eq!(summary.completing.unwrap().p50, Bucket::at(50).unwrap().longest());
    }
}
