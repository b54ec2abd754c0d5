//! How far a connection is, and until when it may be there.

use tokio::sync::watch;
use tokio::time::Instant;

use super::Bounds;

/// How far a connection is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    at: At,
    /// There is something of an answer that the client has no room for.
    unread: Option<Unread>,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// Nothing was heard of it yet.
    Silent { since: Instant },
    /// A head is on its way.
    Head { since: Instant },
    /// A request is in hand, up to the end of its answer.
    Request,
    /// Between two requests.
    Idle { since: Instant },
}

#[derive(Debug, Clone, Copy)]
struct Unread {
    /// The time for [`Bounds::READ`] counts from here.
    since: Instant,
    /// What the client has read since.
    read: usize,
}

/// Takes down how far a connection is.
#[derive(Debug, Clone)]
pub(super) struct Recorder(watch::Sender<Progress>);

/// A request is in hand. It is not any more when this is dropped.
#[derive(Debug)]
pub(super) struct InHand(Recorder);

impl Progress {
    /// Of a connection that begins now.
    pub(super) fn begin() -> (Recorder, watch::Receiver<Self>) {
        let (recorder, progress) = watch::channel(Self { at: At::Silent { since: Instant::now() }, unread: None });
        (Recorder(recorder), progress)
    }

    /// When the client's time is over, unless it is not the client who takes time.
    pub(super) fn deadline(&self, bounds: &Bounds) -> Option<Instant> {
        match (self.unread, self.at) {
            (Some(unread), _) => Some(unread.since + bounds.read),
            (None, At::Silent { since }) => Some(since + bounds.first_byte),
            (None, At::Head { since }) => Some(since + bounds.head),
            (None, At::Request) => None,
            (None, At::Idle { since }) => Some(since + bounds.idle),
        }
    }

    /// Whether the client would lose nothing but its connection.
    pub(super) fn has_no_request(&self) -> bool {
        match self.at {
            At::Silent { .. } | At::Head { .. } | At::Idle { .. } => self.unread.is_none(),
            At::Request => false,
        }
    }

    /// What the client does, for the log.
    pub(super) fn doing(&self) -> &'static str {
        match (self.unread, self.at) {
            (Some(_), _) => "does not read its answer",
            (None, At::Silent { .. }) => "says nothing",
            (None, At::Head { .. }) => "does not finish a request's head",
            (None, At::Request) => "waits for an answer",
            (None, At::Idle { .. }) => "makes no more requests",
        }
    }
}

impl Recorder {
    /// Bytes have come.
    pub(super) fn heard(&self) {
        self.0.send_if_modified(|progress| match progress.at {
            At::Silent { since } => {
                progress.at = At::Head { since };
                true
            }
            At::Idle { .. } => {
                progress.at = At::Head { since: Instant::now() };
                true
            }
            At::Head { .. } | At::Request => false,
        });
    }

    /// A head is whole.
    pub(super) fn take_in_hand(&self) -> InHand {
        self.0.send_modify(|progress| progress.at = At::Request);
        InHand(self.clone())
    }

    /// The client has no room for what comes next.
    pub(super) fn blocked(&self) {
        self.0.send_if_modified(|progress| {
            let news = progress.unread.is_none();
            progress.unread.get_or_insert_with(|| Unread { since: Instant::now(), read: 0 });
            news
        });
    }

    /// The client had room for so many bytes.
    pub(super) fn read(&self, bytes: usize) {
        self.0.send_if_modified(|progress| {
            let Some(unread) = &mut progress.unread else { return false };
            unread.read += bytes;
            let enough = unread.read >= Bounds::READ;
            if enough {
                *unread = Unread { since: Instant::now(), read: 0 };
            }
            enough
        });
    }

    /// The client had room for all that there was.
    pub(super) fn all_read(&self) {
        self.0.send_if_modified(|progress| {
            let news = progress.unread.take().is_some();
            if let (true, At::Idle { since }) = (news, &mut progress.at) {
                *since = Instant::now();
            }
            news
        });
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.0.send_modify(|progress| progress.at = At::Idle { since: Instant::now() });
    }
}
