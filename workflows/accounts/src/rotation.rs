//! Rotation: what a refresh token that is presented means for its session.

use jiff::{SignedDuration, Timestamp};

use crate::Generation;

/// For how long after a refresh the token before it still yields its successor: two tabs refresh at the same moment,
/// or a reply is lost and the request is repeated.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// For how long a session lives after its last refresh.
pub const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// For how long a session lives however often it is refreshed.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How a session stands, as far as its refresh tokens go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The latest generation that was issued.
    pub current: Generation,
    /// When that was.
    pub issued_at: Timestamp,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
    /// Whether somebody ended it.
    pub revoked: bool,
}

/// What follows when a token of some generation is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The session goes on with this generation, which is now the latest.
    Rotate(Generation),
    /// The session goes on with its latest generation, which was issued a moment ago.
    Repeat(Generation),
    /// A token that was used up: two hold the session, and one of them stole it. It is revoked.
    Reused,
    /// The session is over; nothing changes.
    Over,
}

impl Standing {
    /// What it means that a token of the generation `presented`, truly issued for this session, is presented at `now`.
    ///
    /// A generation above the latest can be presented after the database was restored from an earlier state: the
    /// session goes on from there.
    pub fn present(&self, presented: Generation, now: Timestamp) -> Rotation {
        if self.revoked || self.expires_at <= now {
            return Rotation::Over;
        }
        if self.current <= presented {
            return presented.next().map_or(Rotation::Over, Rotation::Rotate);
        }
        let parent = presented.next() == Some(self.current);
        let within = now.duration_since(self.issued_at) < GRACE;
        if parent && within { Rotation::Repeat(self.current) } else { Rotation::Reused }
    }
}

/// When a session ends by itself that began at `began_at` and was last refreshed at `used_at`.
pub fn expires_at(began_at: Timestamp, used_at: Timestamp) -> Timestamp {
    let after = |at: Timestamp, life| at.checked_add(life).unwrap_or(Timestamp::MAX);
    after(used_at, IDLE).min(after(began_at, LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn standing() -> Standing {
        Standing { current: Generation(5), issued_at: at(0), expires_at: at(1000), revoked: false }
    }

    #[test]
    fn the_latest_generation_rotates() {
        assert_eq!(standing().present(Generation(5), at(500)), Rotation::Rotate(Generation(6)));
        let new = Standing { current: Generation::FIRST, ..standing() };
        assert_eq!(new.present(Generation::FIRST, at(0)), Rotation::Rotate(Generation(1)));
    }

    #[test]
    fn the_parent_repeats_within_the_grace_alone() {
        let just_before = at(10).checked_sub(SignedDuration::from_nanos(1)).unwrap();
        assert_eq!(standing().present(Generation(4), just_before), Rotation::Repeat(Generation(5)));
        assert_eq!(standing().present(Generation(4), at(10)), Rotation::Reused);
    }

    #[test]
    fn a_clock_that_is_behind_the_one_that_rotated_repeats() {
        assert_eq!(standing().present(Generation(4), at(-5)), Rotation::Repeat(Generation(5)));
    }

    #[test]
    fn an_earlier_ancestor_is_reused_however_soon() {
        assert_eq!(standing().present(Generation(3), at(0)), Rotation::Reused);
        assert_eq!(standing().present(Generation::FIRST, at(0)), Rotation::Reused);
    }

    #[test]
    fn a_session_that_is_over_is_over_for_every_generation() {
        for generation in [0, 4, 5, 6] {
            let revoked = Standing { revoked: true, ..standing() };
            assert_eq!(revoked.present(Generation(generation), at(0)), Rotation::Over);
            assert_eq!(standing().present(Generation(generation), at(1000)), Rotation::Over);
        }
    }

    #[test]
    fn after_a_restore_the_session_goes_on_from_what_is_presented() {
        assert_eq!(standing().present(Generation(9), at(0)), Rotation::Rotate(Generation(10)));
    }

    #[test]
    fn no_generation_follows_the_last() {
        assert_eq!(standing().present(Generation(u32::MAX), at(0)), Rotation::Over);
    }

    #[test]
    fn a_session_ends_30_days_after_its_last_refresh_and_90_after_it_began() {
        assert_eq!(expires_at(at(0), at(0)), at(0) + 30 * DAY);
        assert_eq!(expires_at(at(0), at(0) + 59 * DAY), at(0) + 89 * DAY);
        assert_eq!(expires_at(at(0), at(0) + 61 * DAY), at(0) + 90 * DAY);
        assert_eq!(expires_at(Timestamp::MAX, Timestamp::MAX), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn a_live_session_only_ever_moves_on(current: u32, presented: u32, rotated in -100..100_i64, now in -100..100_i64) {
            let (current, presented) = (Generation(current), Generation(presented));
            let standing = Standing { current, issued_at: at(rotated), ..standing() };
            match standing.present(presented, at(now)) {
                Rotation::Rotate(next) => prop_assert!(next > current && Some(next) == presented.next()),
                Rotation::Repeat(same) => prop_assert!(same == current && now - rotated < 10),
                Rotation::Reused => prop_assert!(presented < current),
                Rotation::Over => prop_assert!(presented == Generation(u32::MAX)),
            }
        }

        #[test]
        fn of_two_holders_who_take_turns_one_is_noticed(turns in prop::collection::vec(any::<bool>(), 3..20)) {
            // Each keeps the latest token that they got, and refreshes after the grace. Once both have refreshed, somebody
            // has presented what was used up.
            let mut held = [Generation::FIRST; 2];
            let mut session = Standing { current: Generation::FIRST, ..standing() };
            let mut noticed = false;
            for (turn, thief) in turns.iter().enumerate() {
                let now = at(20 * i64::try_from(turn).unwrap());
                match session.present(held[usize::from(*thief)], now) {
                    Rotation::Rotate(next) => {
                        held[usize::from(*thief)] = next;
                        session = Standing { current: next, issued_at: now, ..session };
                    }
                    Rotation::Repeat(_) => prop_assert!(false, "outside the grace"),
                    Rotation::Reused | Rotation::Over => {
                        noticed = true;
                        session.revoked = true;
                    }
                }
            }
            let both = turns.iter().any(|thief| *thief) && turns.iter().any(|thief| !*thief);
            prop_assert_eq!(noticed, both);
        }
    }
}
