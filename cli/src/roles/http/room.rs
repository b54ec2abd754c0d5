//! How many connections may be open, and who may have how many of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use ::api::TrustedProxies;
use futures_util::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::warn;

/// The places that there are for connections.
#[derive(Debug)]
pub(in super::super) struct Room {
    size: usize,
    free: Arc<Semaphore>,
    /// Whoever has had no request in hand for the longest is told first.
    needed: Notify,
    is_full: AtomicBool,
    /// The proxies, through which others come: they may have all the places.
    proxies: TrustedProxies,
    shares: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    share: Share,
    _permit: OwnedSemaphorePermit,
}

/// A place's part of what its client may have.
#[derive(Debug)]
struct Share {
    room: Arc<Room>,
    /// `None` for a proxy.
    of: Option<IpAddr>,
}

impl Room {
    /// One client's part of the room: a quarter. An office behind one address does not need more; four attackers can
    /// fill it.
    const PART: usize = 4;

    /// Room for so many connections.
    pub(in super::super) fn new(size: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            size,
            free: Arc::new(Semaphore::new(size)),
            needed: Notify::new(),
            is_full: AtomicBool::default(),
            proxies,
            shares: Mutex::default(),
        })
    }

    /// A place for a client. Where all are taken, whoever has had no request in hand for the longest is sent away, or
    /// whoever has none next; meanwhile this waits. `None` if the client has its share.
    pub(super) async fn place(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let share = self.share(client)?;
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            if self.free.available_permits() > self.size / 10 {
                self.is_full.store(false, Ordering::Relaxed);
            }
            return Some(Place { share, _permit: permit });
        }
        if !self.is_full.swap(true, Ordering::Relaxed) {
            let connections = self.size;
            warn!(connections, "every connection is taken: those without a request are closed, and others wait");
        }
        self.make_room();
        // It is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        // If somebody left by themselves, nobody has to any more.
        let _told_nobody = self.needed.notified().now_or_never();
        Some(Place { share, _permit: permit })
    }

    /// Sends away whoever has had no request in hand for the longest, or whoever has none next.
    pub(super) fn make_room(&self) {
        self.needed.notify_one();
    }

    fn share(self: &Arc<Self>, client: IpAddr) -> Option<Share> {
        let client = client.to_canonical();
        if self.proxies.trust(client) {
            return Some(Share { room: Arc::clone(self), of: None });
        }
        let whose = network(client);
        let mut shares = self.shares();
        let taken = shares.entry(whose).or_default();
        if *taken >= self.size.div_ceil(Self::PART) {
            say_once_that_a_share_is_used_up();
            return None;
        }
        *taken += 1;
        Some(Share { room: Arc::clone(self), of: Some(whose) })
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Is over when somebody else needs this place.
    ///
    /// # Cancel safety
    /// If it is dropped once it was told, the next one is told.
    pub(super) async fn is_needed(&self) {
        self.share.room.needed.notified().await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(whose) = self.of else { return };
        if let Entry::Occupied(mut taken) = self.room.shares().entry(whose) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

/// A client as it is counted: one of IPv6 has a whole network of addresses.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Behind a proxy that is not named all clients are one.
fn say_once_that_a_share_is_used_up() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        warn!(
            "one address has a quarter of all connections open, and gets no more: if it is your proxy's, name that in \
             SIGNUP_TRUSTED_PROXIES"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMEBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    fn room(size: usize) -> Arc<Room> {
        Room::new(size, "10.0.0.0/8".parse().unwrap())
    }

    fn place(room: &Arc<Room>, client: &str) -> Option<Place> {
        room.place(client.parse().unwrap()).now_or_never().flatten()
    }

    #[test]
    fn one_client_has_a_quarter_of_the_places_and_a_proxy_may_have_all() {
        let room = room(8);
        let held = [place(&room, "198.51.100.1").unwrap(), place(&room, "::ffff:198.51.100.1").unwrap()];
        assert!(place(&room, "198.51.100.1").is_none());
        let others: Vec<_> = (0..6).filter_map(|_| place(&room, "10.1.2.3")).collect();
        assert_eq!(others.len(), 6);
        drop(held);
        assert!(place(&room, "198.51.100.1").is_some(), "what is given back can be had again");
        drop(others);
        assert!(room.shares().is_empty(), "nobody is remembered who has left");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let room = room(4);
        let _held = place(&room, "2001:db8:0:1::1").unwrap();
        assert!(place(&room, "2001:db8:0:1:ffff::2").is_none());
        assert!(place(&room, "2001:db8:0:2::1").is_some());
    }

    #[tokio::test]
    async fn whoever_has_waited_for_the_longest_makes_room() {
        let room = room(2);
        let clients = ["10.0.0.1", "10.0.0.2"].map(|client| place(&room, client).unwrap());
        let (mut first, mut second) = (Box::pin(clients[0].is_needed()), Box::pin(clients[1].is_needed()));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        let mut waiting = Box::pin(room.place(SOMEBODY));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none() && first.as_mut().now_or_never().is_some());
        drop((first, second));
        let [first, _second] = clients;
        drop(first);
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn where_everybody_has_a_request_the_next_who_has_none_makes_room() {
        let room = room(1);
        let busy = place(&room, "10.0.0.1").unwrap();
        let mut waiting = Box::pin(room.place(SOMEBODY));
        assert!(waiting.as_mut().now_or_never().is_none());
        busy.is_needed().await;
        drop(busy);
        assert!(waiting.await.is_some());
    }
}
