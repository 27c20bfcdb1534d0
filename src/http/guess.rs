//! Who guesses the key is slowed: an address may be wrong so many times in a row, and after that once in a while.
//!
//! While an address is slowed its keys are not even looked at, the right one included: else a guesser would know it by its
//! being answered at once. Cookies are not counted and pass meanwhile, so a wall that is logged in stays so beside a guesser
//! behind the same router: they are far too long to be guessed.
//!
//! *debt*: the moment until which an address would have to stay silent for all to be forgotten; each wrong key moves it by
//! one step, and at a minute from now no more is borrowed (the generic cell rate algorithm, ITU-T I.371).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::time::Mono;

/// Over this time the wrong keys that are allowed are spread.
const SPAN: Duration = Duration::from_secs(60);
/// Addresses in debt that are remembered; then the one that owes least is forgotten.
const ADDRESSES: usize = 4096;

/// Who was wrong lately.
pub struct Guesses {
    step: Duration,
    debts: Mutex<HashMap<IpAddr, Mono>>,
    /// As many as are in the table, so that nobody takes the lock while it is empty.
    known: AtomicUsize,
}

impl Guesses {
    /// So many wrong keys are allowed to an address at once, and as many a minute.
    pub fn new(per_minute: usize) -> Guesses {
        let step = SPAN / u32::try_from(per_minute.max(1)).unwrap_or(u32::MAX);
        Guesses { step, debts: Mutex::default(), known: AtomicUsize::new(0) }
    }

    /// How long this address must wait before its key is looked at; nothing: it may try.
    pub fn wait(&self, peer: IpAddr, now: Mono) -> Option<Duration> {
        if self.known.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let debts = self.debts.lock().expect("nothing panics under this lock");
        let until = *debts.get(&house_of(peer))?;
        let most = now.plus(SPAN - self.step);
        (until > most).then(|| until.since(most))
    }

    /// This address brought a wrong key.
    pub fn wrong(&self, peer: IpAddr, now: Mono) {
        let peer = house_of(peer);
        let mut debts = self.debts.lock().expect("nothing panics under this lock");
        debts.retain(|_, until| *until > now);
        if debts.len() >= ADDRESSES && !debts.contains_key(&peer) {
            let least = debts.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
            if let Some(least) = least {
                debts.remove(&least);
            }
        }
        let until = debts.get(&peer).copied().unwrap_or(now).max(now);
        debts.insert(peer, until.plus(self.step));
        self.known.store(debts.len(), Ordering::Relaxed);
    }
}

/// What one machine cannot change at will: of an IPv6 address the network, of which each machine has a whole one for itself,
/// but for link-local ones, which all share.
fn house_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_unicast_link_local() && !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        other => other,
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
    fn one_address_does_not_pay_for_another_and_a_network_is_one() {
        let guesses = Guesses::new(1);
        guesses.wrong(peer("10.0.0.1"), at(0));
        guesses.wrong(peer("fd00::1"), at(0));
        guesses.wrong(peer("fe80::1"), at(0));
        for slowed in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "fd00::2", "fe80::1"] {
            assert!(guesses.wait(peer(slowed), at(0)).is_some(), "{slowed}");
        }
        for free in ["10.0.0.2", "fd00:0:0:1::1", "fe80::2", "::1"] {
            assert_eq!(guesses.wait(peer(free), at(0)), None, "{free}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_forgets_who_owes_least() {
        let guesses = Guesses::new(2);
        let number = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..2 {
            guesses.wrong(number(n), at(0));
        }
        for n in 0..ADDRESSES as u32 + 10 {
            guesses.wrong(number(n), at(1));
        }
        assert_eq!(guesses.known.load(Ordering::Relaxed), ADDRESSES);
        assert!(guesses.wait(number(0), at(1)).is_some() && guesses.wait(number(1), at(1)).is_some());
        guesses.wrong(number(7), at(120_000));
        assert_eq!(guesses.known.load(Ordering::Relaxed), 1, "what is forgiven is forgotten");
    }
}
