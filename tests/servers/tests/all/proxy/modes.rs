//! What the network does with everything.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use servers::{Flow, Mode, Proxy};

use super::{Client, Place};
use crate::within;

#[test]
fn what_passes_is_counted() {
    let place = Place::new();
    let mut client = place.client();
    assert_eq!(client.count().unwrap(), ":1");
    assert_eq!(client.count().unwrap(), ":2");
    let traffic = place.proxy.traffic();
    assert_eq!(traffic.connections, 1);
    assert_eq!(traffic.up, Flow { bytes: 16, pieces: 2 });
    assert_eq!(traffic.down, Flow { bytes: 8, pieces: 2 });
    drop(client);
    within("the connection ends", || place.proxy.connections() == 0);
    let url = place.proxy.url("redis://:secret@127.0.0.1:1234/0?a=b");
    assert_eq!(url, format!("redis://:secret@127.0.0.1:{}/0?a=b", place.proxy.port()));
}

#[test]
fn what_is_large_passes_whole() {
    let place = Place::new();
    let mut client = place.client();
    let value = "x".repeat(5 << 20);
    let mut back = place.client();
    client.say(&format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${}\r\n{value}\r\n", value.len())).unwrap();
    assert_eq!(client.hear().unwrap(), "+OK");
    back.say("GET a\r\n").unwrap();
    assert_eq!(back.hear().unwrap(), format!("${}", value.len()));
    back.0.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut read = vec![0; value.len()];
    std::io::Read::read_exact(&mut back.0, &mut read).unwrap();
    assert_eq!(read, value.as_bytes());
}

#[test]
fn a_delay_is_each_ways() {
    let (place, delay) = (Place::new(), Duration::from_millis(100));
    let mut client = place.client();
    client.count().unwrap();
    place.proxy.set(Mode::Delay(delay)).unwrap();
    let begun = Instant::now();
    client.count().unwrap();
    assert!(begun.elapsed() >= delay * 2, "{:?}", begun.elapsed());
    place.proxy.set(Mode::Delay(Duration::from_hours(1))).unwrap();
    client.say("INCR n\r\n").unwrap();
    client.hears_nothing();
    place.proxy.set(Mode::Pass).unwrap();
    assert_eq!(client.hear().unwrap(), ":3");
}

#[test]
fn what_was_held_arrives() {
    let place = Place::new();
    let mut client = place.client();
    client.count().unwrap();
    place.proxy.set(Mode::Hold).unwrap();
    let mut later = place.client();
    for client in [&mut client, &mut later] {
        client.say("INCR n\r\n").unwrap();
        client.hears_nothing();
    }
    assert_eq!((place.counter(), place.proxy.held().len()), (1, 2));
    place.proxy.set(Mode::Pass).unwrap();
    client.hear().unwrap();
    later.hear().unwrap();
    assert!(place.proxy.held().is_empty());
    assert_eq!(place.counter(), 3);
}

#[test]
fn a_black_hole_kills_the_connections_it_took_from() {
    let place = Place::new();
    let (mut silent, mut speaking, mut leaving) = (place.client(), place.client(), place.client());
    for client in [&mut silent, &mut speaking, &mut leaving] {
        client.count().unwrap();
    }
    let clients = || place.server.info("clients").unwrap()["connected_clients"].clone();
    assert_eq!(clients(), "4");
    place.proxy.set(Mode::BlackHole).unwrap();
    let mut new = place.client();
    speaking.say("INCR n\r\n").unwrap();
    new.say("INCR n\r\n").unwrap();
    drop(leaving);
    let lost = Flow { bytes: 16, pieces: 3 };
    within("two requests and the end of the one that left are lost", || place.proxy.traffic().lost == lost);
    place.proxy.set(Mode::Pass).unwrap();
    assert_eq!(clients(), "4");
    assert_eq!(silent.count().unwrap(), ":4");
    speaking.say("INCR n\r\n").unwrap();
    for dead in [&mut speaking, &mut new] {
        dead.hears_nothing();
    }
    assert_eq!(place.client().count().unwrap(), ":5");
    place.proxy.reset();
    assert_eq!(place.proxy.connections(), 0);
    within("the server knows", || clients() == "1");
    for dead in [&mut silent, &mut speaking, &mut new] {
        dead.is_reset();
    }
}

#[test]
fn a_refusal_concerns_new_connections() {
    let place = Place::new();
    let mut client = place.client();
    client.count().unwrap();
    for _ in 0..20 {
        place.proxy.set(Mode::Refuse).unwrap();
        let refused = Client::of(&place.proxy).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        client.count().unwrap();
        place.proxy.set(Mode::Refuse).unwrap();
        place.proxy.set(Mode::Pass).unwrap();
        place.client().count().unwrap();
    }
}

#[test]
fn a_reset_is_one_to_both_sides() {
    let place = Place::new();
    let mut clients: Vec<_> = (0..20).map(|_| place.client()).collect();
    for client in &mut clients {
        client.count().unwrap();
    }
    place.proxy.reset();
    for client in &mut clients {
        client.is_reset();
    }
    place.client().count().unwrap();
}

#[test]
fn half_closed_the_client_hears_no_more_and_is_still_heard() {
    let place = Place::new();
    let mut client = place.client();
    client.count().unwrap();
    place.proxy.half_close();
    assert_eq!(client.hear().unwrap(), "");
    client.say("INCR n\r\n").unwrap();
    within("it is heard", || place.counter() == 2);
    client.say("INCR n\r\n").unwrap();
    within("it is heard again", || place.counter() == 3);
    drop(client);
    within("the connection ends", || place.proxy.connections() == 0);
}

#[test]
fn it_leads_to_another_server() {
    let (mut place, other) = (Place::new(), Place::new());
    let mut client = place.client();
    client.count().unwrap();
    place.proxy.redirect(other.server.port());
    place.client().count().unwrap();
    assert_eq!((place.counter(), other.counter()), (1, 1));
    place.server.kill().unwrap();
    // The end of the server is the end of its connections.
    assert!(client.hear().is_ok_and(|end| end.is_empty()) || client.hear().is_err());
}

#[test]
fn a_server_that_is_gone_is_gone_behind_the_network_too() {
    let mut place = Place::new();
    place.server.kill().unwrap();
    place.client().is_reset();
    place.server.revive().unwrap();
    assert_eq!(place.client().count().unwrap(), ":1");
}

#[test]
fn it_ends_with_its_value() {
    for mode in [Mode::Pass, Mode::Hold, Mode::BlackHole, Mode::Refuse] {
        let place = Place::new();
        let mut client = place.client();
        client.count().unwrap();
        place.proxy.set(mode).unwrap();
        client.say("INCR n\r\n").unwrap();
        let port = place.proxy.port();
        drop(place.proxy);
        client.0.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let end = client.hear().and_then(|_| client.hear());
        assert!(end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset), "{mode:?}");
        Proxy::to(place.server.port()).unwrap();
        std::net::TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    }
}
