//! The keys that make a delivery recognisable: made once with the set, kept for its life, the same at every attempt.

use std::sync::atomic::{AtomicU32, Ordering};

/// 96 random bits in hexadecimal.
pub(super) fn random_hex() -> String {
    let mut bytes = [0; 12];
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        // A kernel without randomness: the clocks and the process still differ from those of other boxes.
        let now = crate::time::Mono::now().as_ns() ^ crate::time::Wall::now().unix_ms().rotate_left(20);
        bytes[..8].copy_from_slice(&now.to_le_bytes());
        bytes[8..].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where keys come from: randomness once at the start, then a count, so that making one asks nothing of the kernel.
pub(super) struct Keys {
    start: String,
    count: AtomicU32,
}

impl Default for Keys {
    fn default() -> Self {
        Keys { start: random_hex(), count: AtomicU32::new(0) }
    }
}

impl Keys {
    /// A key that nobody has: 32 hexadecimal digits.
    pub(super) fn next(&self) -> String {
        format!("{}{:08x}", self.start, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_within_a_start_and_between_starts() {
        let (one, other) = (Keys::default(), Keys::default());
        let all = [one.next(), one.next(), other.next(), other.next()];
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|key| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit())), "{all:?}");
    }
}
