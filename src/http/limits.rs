//! How many may be here at once: connections in all and per address, streams, listeners. A place is given back when its
//! holder is dropped, wherever that happens.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::camera::View;
use crate::metrics::HttpMetrics;

/// The counts that the workers share.
pub struct Limits {
    connections: usize,
    per_peer: usize,
    peers: Mutex<(usize, HashMap<IpAddr, usize>)>,
    streams: Places,
    listeners: Places,
    metrics: HttpMetrics,
}

struct Places {
    most: usize,
    taken: AtomicUsize,
}

impl Places {
    fn take(&self) -> bool {
        let more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    /// None taken yet.
    pub fn new(settings: &super::Settings, metrics: HttpMetrics) -> Limits {
        let places = |most| Places { most, taken: AtomicUsize::new(0) };
        Limits {
            connections: settings.connections,
            per_peer: settings.connections_per_peer,
            peers: Mutex::default(),
            streams: places(settings.stream_viewers),
            listeners: places(settings.event_viewers),
            metrics,
        }
    }

    /// A place for a connection from this address; nothing, and counted, when there is none.
    pub fn connect(self: &Arc<Self>, peer: IpAddr) -> Option<Ticket> {
        let peer = peer.to_canonical();
        let mut peers = self.peers.lock().expect("nothing panics under this lock");
        let (all, by_peer) = &mut *peers;
        let own = by_peer.get(&peer).copied().unwrap_or(0);
        if *all >= self.connections || own >= self.per_peer {
            drop(peers);
            self.metrics.refused.inc();
            return None;
        }
        *all += 1;
        by_peer.insert(peer, own + 1);
        drop(peers);
        self.metrics.connections.inc();
        Some(Ticket { limits: self.clone(), peer })
    }

    /// A place for a stream of this camera.
    pub fn watch(self: &Arc<Self>, view: &Arc<View>) -> Option<Seat> {
        if !self.streams.take() {
            return None;
        }
        view.viewer_came();
        Some(Seat { limits: self.clone(), view: Some(view.clone()) })
    }

    /// A place for a listener of events.
    pub fn listen(self: &Arc<Self>) -> Option<Seat> {
        if !self.listeners.take() {
            return None;
        }
        self.metrics.listeners.inc();
        Some(Seat { limits: self.clone(), view: None })
    }
}

/// One connection's place.
pub struct Ticket {
    limits: Arc<Limits>,
    peer: IpAddr,
}

impl Ticket {
    /// The address at the other end.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut peers = self.limits.peers.lock().expect("nothing panics under this lock");
        peers.0 -= 1;
        if let Some(own) = peers.1.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                peers.1.remove(&self.peer);
            }
        }
        drop(peers);
        self.limits.metrics.connections.dec();
    }
}

/// One stream's or listener's place.
pub struct Seat {
    limits: Arc<Limits>,
    view: Option<Arc<View>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        match &self.view {
            Some(view) => {
                view.viewer_went();
                self.limits.streams.give();
            }
            None => {
                self.limits.metrics.listeners.dec();
                self.limits.listeners.give();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Settings;
    use crate::metrics::Metrics;

    fn limits() -> Arc<Limits> {
        let settings = Settings {
            connections: 3,
            connections_per_peer: 2,
            stream_viewers: 1,
            event_viewers: 1,
            ..Settings::default()
        };
        Arc::new(Limits::new(&settings, Metrics::default().http))
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn places_are_counted_in_all_and_per_address_and_given_back() {
        let limits = limits();
        let first = limits.connect(peer(1)).unwrap();
        let _second = limits.connect(peer(1)).unwrap();
        assert!(limits.connect("::ffff:10.0.0.1".parse().unwrap()).is_none(), "the same address in other words");
        let _third = limits.connect(peer(2)).unwrap();
        assert!(limits.connect(peer(3)).is_none());
        assert_eq!((limits.metrics.refused.get(), limits.metrics.connections.get()), (2, 3));
        drop(first);
        assert!(limits.connect(peer(1)).is_some());
        assert_eq!(limits.peers.lock().unwrap().0, 2);
    }

    #[test]
    fn listeners_have_their_own_places() {
        let limits = limits();
        let seat = limits.listen().unwrap();
        assert!(limits.listen().is_none());
        drop(seat);
        assert!(limits.listen().is_some());
    }
}
