//! What goes wrong around the box: each fault begins at a moment that the seed decides and is over some seconds later.

use std::time::{Duration, Instant};

use super::FPS;
use super::helpers::Server;
use super::receiver::{Manner, Receiver};
use super::viewers::Viewers;

/// Seconds between the beginnings of two faults.
const PAUSE_S: std::ops::Range<u64> = 8..45;
/// And how long one lasts.
const LASTS_S: std::ops::Range<u64> = 1..20;

/// A fair chance that a test can repeat. SplitMix64.
struct Chance(u64);

impl Chance {
    fn of(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (z ^ (z >> 31)) % (range.end - range.start)
    }
}

/// What must be put right again.
#[derive(Clone, Copy, PartialEq)]
enum Heal {
    Restart,
    Continue,
    Receiver,
    Viewer(usize),
}

pub struct Faults<'a> {
    chance: Chance,
    server: Option<Server>,
    port: u16,
    hook: &'a Receiver,
    next: Instant,
    heals: Vec<(Instant, Heal)>,
    pub count: u64,
    pub last: String,
}

impl Faults<'_> {
    pub fn new(seed: u64, server: Server, hook: &Receiver) -> Faults<'_> {
        let (port, next) = (server.port(), Instant::now());
        let (chance, last) = (Chance(seed), "nothing".to_string());
        Faults { chance, server: Some(server), port, hook, next, heals: Vec::new(), count: 0, last }
    }

    /// Lets begin and end what is due.
    pub fn turn(&mut self, now: Instant, viewers: &Viewers) {
        let (due, later) = std::mem::take(&mut self.heals).into_iter().partition(|(at, _)| *at <= now);
        self.heals = later;
        let due: Vec<(Instant, Heal)> = due;
        due.into_iter().for_each(|(_, heal)| self.heal_one(heal, viewers));
        if now >= self.next {
            self.next = now + Duration::from_secs(self.chance.of(PAUSE_S));
            let over = now + Duration::from_secs(self.chance.of(LASTS_S));
            self.begin(over, viewers);
        }
    }

    fn begin(&mut self, over: Instant, viewers: &Viewers) {
        self.count += 1;
        let kind = self.chance.of(0..9);
        let (what, heal) = match kind {
            0 | 1 => {
                self.server = None;
                ("the RTSP server is killed", Some(Heal::Restart))
            }
            2 => {
                self.signal("STOP");
                ("the RTSP server is halted", Some(Heal::Continue))
            }
            3..=6 => {
                let (what, manner) = match kind {
                    3 => ("the receiver answers 503", Manner::status(503)),
                    4 => ("the receiver hangs up", Manner::Refuse),
                    5 => ("the receiver gives no answer", Manner::Drop),
                    _ => ("the receiver is late", Manner::Late),
                };
                self.hook.behave(move |_| manner.clone());
                (what, Some(Heal::Receiver))
            }
            7 => {
                viewers.cut(self.chance.of(0..viewers.count() as u64) as usize);
                ("a viewer hangs up", None)
            }
            _ => {
                let which = self.chance.of(0..viewers.count() as u64) as usize;
                viewers.deafen(which, true);
                ("a viewer does not read", Some(Heal::Viewer(which)))
            }
        };
        self.last = what.to_string();
        self.heals.extend(heal.map(|heal| (over, heal)));
    }

    fn signal(&self, signal: &str) {
        if let Some(server) = &self.server {
            server.signal(signal);
        }
    }

    fn heal_one(&mut self, heal: Heal, viewers: &Viewers) {
        match heal {
            Heal::Restart if self.server.is_none() => {
                self.server = Some(Server::start(320, 240, FPS, Some(self.port)));
            }
            Heal::Restart => {}
            Heal::Continue => self.signal("CONT"),
            // Another fault of the receiver's may have begun meanwhile; its own end comes later.
            Heal::Receiver if self.heals.iter().any(|(_, heal)| *heal == Heal::Receiver) => {}
            Heal::Receiver => self.hook.behave(|_| Manner::Well),
            Heal::Viewer(which) => viewers.deafen(which, false),
        }
    }

    /// From now on all is well.
    pub fn heal(&mut self, viewers: &Viewers) {
        for (_, heal) in std::mem::take(&mut self.heals) {
            self.heal_one(heal, viewers);
        }
    }
}
