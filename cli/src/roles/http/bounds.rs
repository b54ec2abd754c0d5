//! How long a client may take for what.

use std::time::Duration;

/// How long a client may take for what. How long it may take to send a body is the API's to say, which answers that.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Bounds {
    /// From its connection to the first byte that it sends.
    pub(in super::super) first_byte: Duration,
    /// From its connection to the end of a request's head; for later requests, from the head's first byte.
    pub(in super::super) head: Duration,
    /// Between two requests.
    pub(in super::super) idle: Duration,
    /// To read [`Bounds::READ`] of an answer, or what is left of it.
    pub(in super::super) read: Duration,
}

impl Bounds {
    /// What holds outside of tests.
    pub(in super::super) const STANDARD: Self = Self {
        first_byte: Duration::from_secs(5),
        head: Duration::from_secs(10),
        idle: Duration::from_mins(1),
        read: Duration::from_secs(30),
    };

    /// How many bytes of an answer a client reads in its time: about 500 a second are slower than any network that
    /// people use.
    pub(super) const READ: usize = 16 * 1024;

    /// How many bytes a request's head may have. Browsers stay well below: this service sets no cookies.
    pub(super) const HEAD: usize = 16 * 1024;

    /// How many bytes of a connection are buffered in either direction: a body, or one that is too large already.
    pub(super) const BUFFER: usize = 32 * 1024;
}
