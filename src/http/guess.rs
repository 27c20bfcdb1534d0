//! Who guesses the key is slowed: an address may be wrong so many times in a row, and after that once in a while.
//!
//! While an address is slowed its keys are not even looked at, the right one included: else a guesser would know it by its
//! being answered at once. Cookies are not counted and pass meanwhile, so a wall that is logged in stays so beside a guesser
//! behind the same router: they are far too long to be guessed.
//!
//! *debt*: the moment until which an address would have to stay silent for all to be forgotten; each wrong key moves it by
//! one step, and at a minute from now no more is borrowed (the generic cell rate algorithm, ITU-T I.371).
//!
//! *network*: the first 64 bits of an IPv6 address. A machine takes addresses in it at will (RFC 8981), so that its addresses
//! alone bound nothing; but all machines of a house share one (RFC 4862), so that one guest must not use up what the others
//! have. Hence both owe, and a network may owe ten times as much.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::time::Mono;

/// Over this time the wrong keys that are allowed are spread.
const SPAN: Duration = Duration::from_secs(60);
/// A network has as many wrong keys as so many addresses.
const NETWORK_SHARE: u32 = 10;
/// Addresses in debt that are remembered, and networks; then the one that owes least is forgotten.
const DEBTORS: usize = 4096;

/// Who was wrong lately.
pub struct Guesses {
    debts: Mutex<(Debts<IpAddr>, Debts<u64>)>,
    /// As many as are in both tables, so that nobody takes the lock while they are empty.
    known: AtomicUsize,
}

impl Guesses {
    /// So many wrong keys are allowed to an address at once, and as many a minute.
    pub fn new(per_minute: usize) -> Guesses {
        let step = SPAN / u32::try_from(per_minute.max(1)).unwrap_or(u32::MAX);
        let debts = Mutex::new((Debts::new(step), Debts::new(step / NETWORK_SHARE)));
        Guesses { debts, known: AtomicUsize::new(0) }
    }

    /// How long this address must wait before its key is looked at; nothing: it may try.
    pub fn wait(&self, peer: IpAddr, now: Mono) -> Option<Duration> {
        if self.known.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let peer = peer.to_canonical();
        let debts = self.debts.lock().expect("nothing panics under this lock");
        let for_its_network = network_of(peer).and_then(|network| debts.1.wait(network, now));
        debts.0.wait(peer, now).max(for_its_network)
    }

    /// This address brought a wrong key.
    pub fn wrong(&self, peer: IpAddr, now: Mono) {
        let peer = peer.to_canonical();
        let mut debts = self.debts.lock().expect("nothing panics under this lock");
        let (addresses, networks) = &mut *debts;
        addresses.wrong(Some(peer), now);
        networks.wrong(network_of(peer), now);
        self.known.store(addresses.until.len() + networks.until.len(), Ordering::Relaxed);
    }
}

/// The network of an address that has been made canonical; an IPv4 address counts alone.
fn network_of(peer: IpAddr) -> Option<u64> {
    match peer {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some((address.to_bits() >> 64) as u64),
    }
}

/// What each of one kind owes.
struct Debts<Who> {
    step: Duration,
    until: HashMap<Who, Mono>,
}

impl<Who: Copy + Eq + Hash> Debts<Who> {
    fn new(step: Duration) -> Self {
        Debts { step, until: HashMap::new() }
    }

    fn wait(&self, who: Who, now: Mono) -> Option<Duration> {
        let until = *self.until.get(&who)?;
        let most = now.plus(SPAN - self.step);
        (until > most).then(|| until.since(most))
    }

    /// One more step for this one, if there is one; what is forgiven goes.
    fn wrong(&mut self, who: Option<Who>, now: Mono) {
        self.until.retain(|_, until| *until > now);
        let Some(who) = who else { return };
        if self.until.len() >= DEBTORS && !self.until.contains_key(&who) {
            let least = self.until.iter().min_by_key(|(_, until)| **until).map(|(who, _)| *who);
            if let Some(least) = least {
                self.until.remove(&least);
            }
        }
        let until = self.until.get(&who).copied().unwrap_or(now).max(now);
        self.until.insert(who, until.plus(self.step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_ns(ms * 1_000_000)
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_wrong_keys_are_looked_at_and_the_next_after_six_seconds_to_the_millisecond() {
        let (guesses, who) = (Guesses::new(10), peer("10.0.0.1"));
        for n in 0..10 {
            assert_eq!(guesses.wait(who, at(0)), None, "{n}");
            guesses.wrong(who, at(0));
        }
        assert_eq!(guesses.wait(who, at(0)), Some(Duration::from_secs(6)));
        assert_eq!(guesses.wait(who, at(5999)), Some(Duration::from_millis(1)));
        assert_eq!(guesses.wait(who, at(6000)), None);
        guesses.wrong(who, at(6000));
        assert_eq!(guesses.wait(who, at(6000)), Some(Duration::from_secs(6)), "one in six seconds, no more");
        assert_eq!(guesses.wait(who, at(66_000)), None);
        guesses.wrong(who, at(66_000));
        assert_eq!(guesses.wait(who, at(66_000)), None, "a minute's silence forgives all");
    }

    #[test]
    fn one_address_does_not_pay_for_another() {
        let guesses = Guesses::new(1);
        guesses.wrong(peer("10.0.0.1"), at(0));
        guesses.wrong(peer("fd00::1"), at(0));
        guesses.wrong(peer("fe80::1"), at(0));
        for slowed in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "fe80::1"] {
            assert!(guesses.wait(peer(slowed), at(0)).is_some(), "{slowed}");
        }
        for free in ["10.0.0.2", "::ffff:10.0.0.2", "fd00::2", "fd00:0:0:1::1", "fe80::2", "::1"] {
            assert_eq!(guesses.wait(peer(free), at(0)), None, "{free}");
        }
    }

    #[test]
    fn who_is_wrong_with_ever_new_addresses_has_the_tries_of_ten_and_then_his_network_waits() {
        let guesses = Guesses::new(10);
        let number = |n: u128| IpAddr::from((peer_bits("fd00::") | n).to_be_bytes());
        for n in 0..100 {
            assert_eq!(guesses.wait(number(n), at(0)), None, "{n}");
            guesses.wrong(number(n), at(0));
        }
        assert_eq!(guesses.wait(number(1000), at(0)), Some(Duration::from_millis(600)));
        assert_eq!(guesses.wait(number(1000), at(599)), Some(Duration::from_millis(1)));
        assert_eq!(guesses.wait(number(1000), at(600)), None);
        assert_eq!(guesses.wait(peer("fd00:0:0:1::1"), at(0)), None, "another network");
        assert_eq!(guesses.wait(peer("10.0.0.1"), at(0)), None);
        guesses.wrong(number(1000), at(600));
        assert_eq!(
            guesses.wait(number(1001), at(600)),
            Some(Duration::from_millis(600)),
            "then ten times as often as one"
        );
    }

    #[test]
    fn who_waits_for_himself_and_for_his_network_waits_for_both() {
        let guesses = Guesses::new(1);
        for n in 1..=10 {
            guesses.wrong(peer(&format!("fd00::{n}")), at(0));
        }
        assert_eq!(guesses.wait(peer("fd00::1"), at(0)), Some(SPAN));
        assert_eq!(guesses.wait(peer("fd00::11"), at(0)), Some(SPAN / NETWORK_SHARE));
    }

    fn peer_bits(text: &str) -> u128 {
        text.parse::<std::net::Ipv6Addr>().unwrap().to_bits()
    }

    #[test]
    fn the_table_is_bounded_and_forgets_who_owes_least() {
        let guesses = Guesses::new(2);
        let number = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..2 {
            guesses.wrong(number(n), at(0));
        }
        for n in 0..DEBTORS as u32 + 10 {
            guesses.wrong(number(n), at(1));
        }
        assert_eq!(guesses.known.load(Ordering::Relaxed), DEBTORS);
        assert!(guesses.wait(number(0), at(1)).is_some() && guesses.wait(number(1), at(1)).is_some());
        guesses.wrong(number(7), at(120_000));
        assert_eq!(guesses.known.load(Ordering::Relaxed), 1, "what is forgiven is forgotten");
    }
}
