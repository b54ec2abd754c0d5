//! What a client may take its time for, by a clock that goes on by itself.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::get;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::Room;
use super::*;

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4711);
/// What a socket has room for, which nobody has read.
const SOCKET: usize = 4096;
const EVENT: &[u8] = b": nothing new\n\n";

/// A connection, and the client at its other end.
struct Line {
    client: DuplexStream,
    /// When it is closed.
    closed: JoinHandle<Instant>,
    closing: CancellationToken,
    begun: Instant,
}

fn routes() -> Router {
    let long = async || {
        sleep(Duration::from_secs(30)).await;
        "at last"
    };
    let events = async || {
        let next = |()| async {
            sleep(Duration::from_secs(20)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(EVENT)), ()))
        };
        Body::from_stream(stream::unfold((), next))
    };
    Router::new()
        .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/large", get(async || "x".repeat(100_000)))
        .route("/long", get(long))
        .route("/events", get(events))
}

impl Line {
    fn new() -> Self {
        Self::within(&Room::new(1, PEER.ip().to_string().parse().unwrap())).unwrap()
    }

    fn within(room: &Arc<Room>) -> Option<Self> {
        let (client, socket) = duplex(SOCKET);
        let place = futures_util::FutureExt::now_or_never(room.place(PEER.ip()))??;
        let closing = CancellationToken::new();
        let terms = Terms { bounds: Bounds::STANDARD, place, closing: closing.clone() };
        let answering = answer(socket, PEER, routes(), terms);
        let closed = tokio::spawn(async {
            answering.await;
            Instant::now()
        });
        Some(Self { client, closed, closing, begun: Instant::now() })
    }

    async fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.unwrap();
    }

    /// Asks for a page: the head of the answer, and what of its body came with it.
    async fn ask(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n")).await;
        self.heard().await
    }

    async fn heard(&mut self) -> String {
        let mut bytes = vec![0; SOCKET];
        let read = timeout(Duration::from_mins(2), self.client.read(&mut bytes)).await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    /// In which second it is closed.
    async fn end(mut self) -> u64 {
        let closed = timeout(Duration::from_hours(1), &mut self.closed).await.unwrap().unwrap();
        (closed - self.begun).as_secs()
    }

    /// Sends this byte by byte, one a second: in which second it is closed.
    async fn dribble(mut self, text: &str) -> u64 {
        for byte in text.bytes() {
            if self.client.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        self.end().await
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_gone_after_5_seconds() {
    assert_eq!(Line::new().end().await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_whole_within_10_seconds_of_the_connection() {
    assert_eq!(Line::new().dribble(&"GET / HTTP/1.1\r\n".repeat(9)).await, 10);
    let mut late = Line::new();
    sleep(Duration::from_secs(4)).await;
    late.send("G").await;
    assert_eq!(late.end().await, 10);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_nothing_more_is_gone_after_a_minute() {
    let mut line = Line::new();
    assert!(line.ask("/").await.ends_with("192.0.2.1:4711"), "handlers know who asks");
    sleep(Duration::from_secs(50)).await;
    assert!(line.ask("/").await.starts_with("HTTP/1.1 200"));
    assert_eq!(line.end().await, 50 + 60);
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_10_seconds_from_its_first_byte() {
    let mut line = Line::new();
    line.ask("/").await;
    sleep(Duration::from_secs(55)).await;
    assert_eq!(line.dribble(&"GET / HTTP/1.1\r\n".repeat(9)).await, 55 + 10);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_its_time_and_so_may_what_comes_after_it() {
    let mut line = Line::new();
    for _ in 0..3 {
        assert!(line.ask("/long").await.ends_with("at last"));
    }
    assert_eq!(line.end().await, 3 * 30 + 60);
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_as_long_as_somebody_reads_it() {
    let mut line = Line::new();
    line.ask("/events").await;
    for _ in 0..100 {
        assert!(line.heard().await.contains("nothing new"));
    }
    assert!(line.begun.elapsed() >= Duration::from_secs(100 * 20));
    drop(line.client);
    timeout(Duration::from_secs(1), line.closed).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_an_answer_is_gone_after_30_seconds() {
    let mut line = Line::new();
    line.send("GET /large HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert_eq!(line.end().await, 30);
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_an_answer_slowly_gets_it_and_whoever_merely_pretends_to_does_not() {
    let reads = async |bytes: usize| {
        let mut line = Line::new();
        line.send("GET /large HTTP/1.1\r\nHost: here\r\n\r\n").await;
        let mut all = 0;
        loop {
            let mut part = vec![0; bytes];
            let read = line.client.read(&mut part).await.unwrap();
            all += read;
            if read == 0 || all > 100_000 {
                return (all, line.begun.elapsed().as_secs());
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let (all, seconds) = reads(1000).await;
    assert!(all > 100_000 && seconds >= 100, "{all} bytes in {seconds} s");
    let (all, _) = reads(100).await;
    assert!(all < 10_000, "{all} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_long_is_answered_with_431() {
    for head in ["X: 1\r\n".repeat(101), format!("X: {}\r\n", "x".repeat(Bounds::HEAD))] {
        let mut line = Line::new();
        let (mut from, mut to) = tokio::io::split(line.client);
        let sending = tokio::spawn(async move {
            // It may be refused before it is all sent.
            let _ = to.write_all(format!("GET / HTTP/1.1\r\nHost: here\r\n{head}\r\n").as_bytes()).await;
        });
        let mut answer = String::new();
        from.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("connection: close") && answer.ends_with("\r\n\r\n"), "{answer}");
        timeout(Duration::from_secs(1), &mut line.closed).await.unwrap().unwrap();
        sending.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_closes_lets_answers_finish_and_nobody_wait_for_another_request() {
    let (silent, mut idle, mut busy) = (Line::new(), Line::new(), Line::new());
    idle.ask("/").await;
    busy.send("GET /long HTTP/1.1\r\nHost: here\r\n\r\n").await;
    sleep(Duration::from_secs(2)).await;
    for line in [&silent, &idle, &busy] {
        line.closing.cancel();
    }
    assert_eq!((silent.end().await, idle.end().await), (2, 2));
    assert!(busy.heard().await.ends_with("at last"));
    assert_eq!(busy.end().await, 30);
}

#[tokio::test(start_paused = true)]
async fn where_all_places_are_taken_whoever_has_no_request_in_hand_gives_theirs_up() {
    let room = Room::new(4, PEER.ip().to_string().parse().unwrap());
    let mut lines = std::array::from_fn::<_, 4, _>(|_| Line::within(&room).unwrap());
    lines[0].send("GET /long HTTP/1.1\r\nHost: here\r\n\r\n").await;
    lines[1].ask("/").await;
    sleep(Duration::from_secs(1)).await;
    lines[2].send("GET / HTTP").await;
    sleep(Duration::from_secs(1)).await;
    lines[3].ask("/").await;
    sleep(Duration::from_secs(1)).await;
    let [mut busy, longest, dribbling, idle] = lines;
    assert!(Line::within(&room).is_none());
    assert_eq!(longest.end().await, 3);
    let newcomer = Line::within(&room).unwrap();
    assert!(Line::within(&room).is_none());
    assert_eq!(dribbling.end().await, 3);
    assert!(busy.heard().await.ends_with("at last"));
    assert_eq!((newcomer.end().await, idle.end().await), (5, 2 + 60));
}
