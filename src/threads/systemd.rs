//! What the box tells systemd: that it is ready, that it lives, that it stops. Without systemd all of it is silence.
//!
//! The watchdog is kicked only while every thread beats: a hung box is restarted by systemd, which is the one way up.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::time::Mono;

/// The line to systemd.
pub struct Systemd {
    /// Half of what the unit allows; nothing: no watchdog is wanted.
    interval: Option<Duration>,
    kicked: Mono,
    ready: bool,
}

impl Systemd {
    /// `allowed`: how long systemd lets the box be silent; nothing: it keeps no watchdog for this process.
    pub fn new(allowed: Option<Duration>) -> Systemd {
        Systemd { interval: allowed.map(|allowed| allowed / 2), kicked: Mono::ZERO, ready: false }
    }

    /// From this process's environment.
    pub fn from_environment() -> Systemd {
        Systemd::new(sd_notify::watchdog_enabled())
    }

    /// The box serves; said once.
    pub fn ready(&mut self, status: &str) {
        if !std::mem::replace(&mut self.ready, true) {
            say(&[NotifyState::Ready, NotifyState::Status(status)]);
        }
    }

    /// Whether it was said that the box serves.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The box ends.
    pub fn stopping(&self) {
        say(&[NotifyState::Stopping]);
    }

    /// Kicks the watchdog when it is time and everybody is well. Returns whether it did.
    pub fn kick(&mut self, now: Mono, everybody_well: bool) -> bool {
        let due = self.interval.is_some_and(|interval| now.since(self.kicked) >= interval);
        if due && everybody_well {
            self.kicked = now;
            say(&[NotifyState::Watchdog]);
        }
        due && everybody_well
    }
}

fn say(states: &[NotifyState]) {
    if let Err(why) = sd_notify::notify(states) {
        log::warn!("systemd cannot be told {states:?}: {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_ns(ms * 1_000_000)
    }

    #[test]
    fn the_watchdog_is_kicked_at_half_its_time_and_only_while_all_are_well() {
        let mut systemd = Systemd::new(Some(Duration::from_secs(4)));
        assert!(systemd.kick(at(10_000), true));
        assert!(!systemd.kick(at(11_999), true));
        assert!(!systemd.kick(at(12_000), false));
        assert!(systemd.kick(at(12_001), true));
    }

    #[test]
    fn without_a_watchdog_nothing_is_kicked() {
        assert!(!Systemd::new(None).kick(at(10_000), true));
    }
}
