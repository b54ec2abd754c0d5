//! Every figure that a process counts.

use self::At::{Both, Requests, Work};
use self::Kind::{Counter, Gauge, Histogram};

/// What is counted under one name.
#[cfg_attr(not(test), expect(dead_code, reason = "where and by which labels it is counted is told in docs alone"))]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What its series are told apart by: each label, and the words that it may have.
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) at: At,
    pub(super) help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// Of seconds.
    Histogram,
}

/// What a process does that counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// It answers requests: `signup api` and `signup serve`.
    Requests,
    /// It runs steps: `signup worker` and `signup serve`.
    Work,
    /// Either.
    Both,
}

const STEP: (&str, &str) = ("step", "a step's name");
const CLASS: (&str, &str) =
    ("class", "who runs the e-mail: gmail, outlook, yahoo, icloud, proton, gmx, other; or decoy; or unknown");

/// All of them, in the order in which they are shown.
pub(super) static ALL: [Metric; 36] = [
    Metric {
        name: "signup_build_info",
        kind: Gauge,
        labels: &[("version", "the program's"), ("role", "api, worker, serve")],
        at: Both,
        help: "Always 1: what runs here.",
    },
    Metric {
        name: "signup_requests_total",
        kind: Counter,
        labels: &[("answer", "accepted, replayed, or the name of a problem"), CLASS],
        at: Requests,
        help: "Sign-ups that were asked for, by what they were answered.",
    },
    Metric {
        name: "signup_accept_duration_seconds",
        kind: Histogram,
        labels: &[],
        at: Requests,
        help: "How long the store took to accept a sign-up or to refuse it, the wait for its turn included.",
    },
    Metric {
        name: "signup_saga_ended_total",
        kind: Counter,
        labels: &[("outcome", "completed, failed"), ("code", "why it failed, or nothing"), CLASS],
        at: Work,
        help: "Sagas that have ended.",
    },
    Metric {
        name: "signup_saga_duration_seconds",
        kind: Histogram,
        labels: &[("outcome", "completed, failed")],
        at: Work,
        help: "How long sagas took from their acceptance to their end.",
    },
    Metric {
        name: "signup_saga_attempts_total",
        kind: Counter,
        labels: &[STEP, ("outcome", "done, refused, failed, gave_up; undone, undo_failed")],
        at: Work,
        help: "Attempts at steps, by what the journal says of them: done by step is the funnel, failed and undo_failed are \
               tried again, refused and gave_up turn a saga back.",
    },
    Metric {
        name: "signup_saga_turned_back_total",
        kind: Counter,
        labels: &[STEP, ("code", "why")],
        at: Work,
        help: "Sagas that turned back, at the step from which they are undone. Those that an operator rolls back are counted by \
               the process that was asked to.",
    },
    Metric {
        name: "signup_saga_attempt_duration_seconds",
        kind: Histogram,
        labels: &[STEP, ("direction", "forward, backward")],
        at: Work,
        help: "How long attempts at steps took, their commits aside.",
    },
    Metric {
        name: "signup_saga_claims_total",
        kind: Counter,
        labels: &[STEP, ("by", "look, hint, commit")],
        at: Work,
        help: "Sagas claimed: by looking for what is due, by a hint, by the commit of the step before.",
    },
    Metric {
        name: "signup_saga_jobs_total",
        kind: Counter,
        labels: &[STEP, ("outcome", "committed, fenced, handed_back, abandoned")],
        at: Work,
        help: "What became of claims: fenced wrote nothing, since somebody else had the saga by then.",
    },
    Metric {
        name: "signup_saga_takeovers_total",
        kind: Counter,
        labels: &[STEP],
        at: Work,
        help: "Claims that took a saga over from a worker whose lease had run out.",
    },
    Metric {
        name: "signup_saga_in_doubt_total",
        kind: Counter,
        labels: &[("found", "written, absent")],
        at: Work,
        help: "Commits whose answer was lost, by what was found when they were sent again.",
    },
    Metric {
        name: "signup_sagas_stuck",
        kind: Gauge,
        labels: &[],
        at: Requests,
        help: "Sagas that an operator should look at, 10 000 at most. The same in every process.",
    },
    Metric {
        name: "signup_queue_depth",
        kind: Gauge,
        labels: &[STEP],
        at: Requests,
        help: "Sagas that are due at a step and unclaimed, 10 000 at most. The same in every process.",
    },
    Metric {
        name: "signup_backlog_age_seconds",
        kind: Gauge,
        labels: &[],
        at: Requests,
        help: "How long the saga that has waited longest has been due and unclaimed. The same in every process.",
    },
    Metric {
        name: "signup_worker_looks_total",
        kind: Counter,
        labels: &[STEP, ("because", "tick, wake")],
        at: Work,
        help: "Looks for due sagas: at a tick, or since something was said to be due.",
    },
    Metric {
        name: "signup_worker_slots",
        kind: Gauge,
        labels: &[STEP, ("state", "busy, free")],
        at: Work,
        help: "Slots of a step, as they were at the last heartbeat.",
    },
    Metric {
        name: "signup_worker_restarts_total",
        kind: Counter,
        labels: &[("queue", "database, redis")],
        at: Work,
        help: "apalis workers that ended by themselves and were started again.",
    },
    Metric {
        name: "signup_hints_total",
        kind: Counter,
        labels: &[("outcome", "pushed, dropped, refused; heard, claimed, absorbed, crowded, foreign")],
        at: Both,
        help: "Hints through Redis: pushed, promised and dropped, or not promised; heard, and of those that were: led to a \
               claim, to none, found no free slot in time, made no sense.",
    },
    Metric {
        name: "signup_hash_queue",
        kind: Gauge,
        labels: &[("purpose", "sign_up, sign_in")],
        at: Both,
        help: "Passwords that wait for their turn to be hashed.",
    },
    Metric {
        name: "signup_hash_wait_duration_seconds",
        kind: Histogram,
        labels: &[("purpose", "sign_up, sign_in")],
        at: Both,
        help: "How long passwords waited for their turn.",
    },
    Metric {
        name: "signup_hash_duration_seconds",
        kind: Histogram,
        labels: &[("purpose", "sign_up, sign_in")],
        at: Both,
        help: "How long passwords took to hash or to verify, the wait aside.",
    },
    Metric {
        name: "signup_database_connections",
        kind: Gauge,
        labels: &[("users", "requests, workers, operators"), ("state", "busy, idle, most")],
        at: Both,
        help: "Connections to PostgreSQL, and how many there may be at most.",
    },
    Metric {
        name: "signup_database_wait_duration_seconds",
        kind: Histogram,
        labels: &[("users", "requests, workers, operators; all")],
        at: Both,
        help: "How long calls waited for a connection to PostgreSQL, or writes for the one to SQLite.",
    },
    Metric {
        name: "signup_database_failures_total",
        kind: Counter,
        labels: &[
            ("users", "requests, workers, operators"),
            ("kind", "unavailable, closing, collided, held, in_doubt, rejected, unreadable"),
        ],
        at: Both,
        help: "Calls of PostgreSQL that failed. Most are repeated, and not seen by anybody.",
    },
    Metric {
        name: "signup_limit_decisions_total",
        kind: Counter,
        labels: &[("decision", "allowed, refused"), ("by", "process, redis, fallback")],
        at: Requests,
        help: "Decisions of the limits: by this process' own count, by that of all in Redis, or by its own where Redis did \
               not answer.",
    },
    Metric {
        name: "signup_cache_lookups_total",
        kind: Counter,
        labels: &[("cache", "emails, ended, sessions"), ("outcome", "hit, miss")],
        at: Requests,
        help: "Looks at what is remembered: taken e-mails, ended sagas, live sessions.",
    },
    Metric {
        name: "signup_duplicate_lookups_total",
        kind: Counter,
        labels: &[("answered_by", "process, redis, database")],
        at: Requests,
        help: "Sign-ups with an e-mail that belongs to a user, by what knew it.",
    },
    Metric {
        name: "signup_shed_total",
        kind: Counter,
        labels: &[("reason", "backlog, queue")],
        at: Requests,
        help: "Sign-ups refused for too much to do.",
    },
    Metric {
        name: "signup_waiters",
        kind: Gauge,
        labels: &[],
        at: Requests,
        help: "Requests and streams that wait for a sign-up.",
    },
    Metric {
        name: "signup_waiter_queries_total",
        kind: Counter,
        labels: &[],
        at: Requests,
        help: "Readings of the store for all who wait together.",
    },
    Metric {
        name: "signup_sessions_begun_total",
        kind: Counter,
        labels: &[("by", "password, signup")],
        at: Requests,
        help: "Sessions that began.",
    },
    Metric {
        name: "signup_sessions_refreshed_total",
        kind: Counter,
        labels: &[("outcome", "live, reused, over")],
        at: Requests,
        help: "Refreshes, by what became of the session.",
    },
    Metric {
        name: "signup_sign_ins_refused_total",
        kind: Counter,
        labels: &[("why", "password, attempts, load")],
        at: Requests,
        help: "Sign-ins that were refused.",
    },
    Metric {
        name: "signup_http_request_duration_seconds",
        kind: Histogram,
        labels: &[
            ("method", "a method of HTTP, or other"),
            ("route", "a pattern, or unmatched"),
            ("status", "or hung_up"),
        ],
        at: Requests,
        help: "How long requests took to answer, the wait that they asked for included.",
    },
    Metric {
        name: "signup_invariant_violations",
        kind: Gauge,
        labels: &[("invariant", "its name")],
        at: Both,
        help: "Open findings of the auditor. The same in every process.",
    },
];
