//! How many may be here at once: connections, streams, listeners, each in all and of one address. A place is given back when
//! its holder is dropped, wherever that happens.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::camera::View;
use crate::metrics::HttpMetrics;

/// The counts that the workers share.
pub struct Limits {
    connections: Places,
    streams: Places,
    listeners: Places,
    metrics: HttpMetrics,
}

struct Places {
    most: usize,
    /// Of one address.
    own_most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

impl Places {
    fn new(most: usize, own_most: usize) -> Places {
        Places { most, own_most, taken: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("nothing panics under this lock")
    }

    fn take(&self, peer: IpAddr) -> bool {
        let mut taken = self.taken();
        let own = taken.by_peer.get(&peer).copied().unwrap_or(0);
        if taken.all >= self.most || own >= self.own_most {
            return false;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, own + 1);
        true
    }

    fn give(&self, peer: IpAddr) {
        let mut taken = self.taken();
        taken.all -= 1;
        if let Some(own) = taken.by_peer.get_mut(&peer) {
            *own -= 1;
            if *own == 0 {
                taken.by_peer.remove(&peer);
            }
        }
    }
}

impl Limits {
    /// None taken yet.
    pub fn new(settings: &super::Settings, metrics: HttpMetrics) -> Limits {
        Limits {
            connections: Places::new(settings.connections, settings.connections_per_peer),
            streams: Places::new(settings.stream_viewers, settings.stream_viewers_per_peer),
            listeners: Places::new(settings.event_viewers, settings.event_viewers_per_peer),
            metrics,
        }
    }

    /// A place for a connection from this address; nothing, and counted, when there is none.
    pub fn connect(self: &Arc<Self>, peer: IpAddr) -> Option<Ticket> {
        let peer = peer.to_canonical();
        if !self.connections.take(peer) {
            self.metrics.refused.inc();
            return None;
        }
        self.metrics.connections.inc();
        Some(Ticket { limits: self.clone(), peer })
    }

    /// A place for a stream of this camera.
    pub fn watch(self: &Arc<Self>, peer: IpAddr, view: &Arc<View>) -> Option<Seat> {
        if !self.streams.take(peer) {
            return None;
        }
        view.viewer_came();
        Some(Seat { limits: self.clone(), peer, view: Some(view.clone()) })
    }

    /// A place for a listener of events.
    pub fn listen(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        if !self.listeners.take(peer) {
            return None;
        }
        self.metrics.listeners.inc();
        Some(Seat { limits: self.clone(), peer, view: None })
    }
}

/// One connection's place.
pub struct Ticket {
    limits: Arc<Limits>,
    peer: IpAddr,
}

impl Ticket {
    /// The address at the other end, an IPv4 one as such.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.limits.connections.give(self.peer);
        self.limits.metrics.connections.dec();
    }
}

/// One stream's or listener's place.
pub struct Seat {
    limits: Arc<Limits>,
    peer: IpAddr,
    view: Option<Arc<View>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        match &self.view {
            Some(view) => {
                view.viewer_went();
                self.limits.streams.give(self.peer);
            }
            None => {
                self.limits.metrics.listeners.dec();
                self.limits.listeners.give(self.peer);
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
            event_viewers: 3,
            event_viewers_per_peer: 2,
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
        assert_eq!(limits.connections.taken().all, 2);
    }

    #[test]
    fn one_address_does_not_take_all_places_of_listeners() {
        let limits = limits();
        let seats = [limits.listen(peer(1)).unwrap(), limits.listen(peer(1)).unwrap()];
        assert!(limits.listen(peer(1)).is_none());
        let _other = limits.listen(peer(2)).unwrap();
        assert!(limits.listen(peer(3)).is_none());
        drop(seats);
        assert!(limits.listen(peer(1)).is_some());
        assert_eq!(limits.listeners.taken().by_peer.len(), 1, "who is gone is forgotten");
    }
}
