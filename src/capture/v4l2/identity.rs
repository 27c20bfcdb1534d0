//! Which camera it is, whatever number the kernel gave it today.
//!
//! A path below `/dev/v4l/by-path` or `by-id` names a socket or a serial number, and the kernel's links do the work. A
//! bare `/dev/videoN` is only a number: after an unplug another camera may have it. So the identity of the first
//! camera that was opened under such a path is remembered for as long as the process runs, and later opens look for
//! that camera, under any number, and take no other.
//!
//! *bus*: the driver's name of the place, such as `usb-0000:00:14.0-2` · *index*: which of the camera's nodes

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::sys::Caps;

/// What makes a camera that camera.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    pub card: String,
    pub bus: String,
    pub index: u32,
    pub serial: Option<String>,
}

impl Identity {
    /// Reads it from the driver's words and from sysfs.
    pub fn of(node: &Path, caps: &Caps) -> Identity {
        let name = node.file_name().unwrap_or_default();
        let sys = Path::new("/sys/class/video4linux").join(name);
        let index = read(&sys.join("index")).and_then(|i| i.parse().ok()).unwrap_or(0);
        // The node belongs to a USB interface; the serial number is the device's, one level up.
        let serial = read(&sys.join("device/../serial"));
        Identity { card: caps.card.clone(), bus: caps.bus.clone(), index, serial }
    }

    /// A camera with a serial number may move to another socket; one without is known by its socket.
    pub fn is_same(&self, other: &Identity) -> bool {
        let same_place = match (&self.serial, &other.serial) {
            (Some(own), Some(others)) => own == others,
            (None, None) => self.bus == other.bus,
            _ => false,
        };
        same_place && self.card == other.card && self.index == other.index
    }
}

fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_string()).filter(|t| !t.is_empty())
}

/// One entry per bare path that was ever opened; as many as the config has cameras.
static SEEN: Mutex<Vec<(String, Identity)>> = Mutex::new(Vec::new());

/// The camera that was first opened under `path`.
pub(super) fn remembered(path: &str) -> Option<Identity> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.iter().find(|(known, _)| known == path).map(|(_, identity)| identity.clone())
}

/// Remembers the camera behind a bare path, once.
pub(super) fn remember(path: &str, identity: Identity) {
    if !is_bare(path) {
        return;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen.iter().any(|(known, _)| known == path) {
        seen.push((path.to_string(), identity));
    }
}

/// Whether a path is only a number that the kernel gave.
fn is_bare(path: &str) -> bool {
    path.strip_prefix("/dev/video").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// All video nodes of this machine, by number.
pub(super) fn nodes() -> Vec<PathBuf> {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries.filter_map(|e| Some((number(&e.path())?, e.path()))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The link in `directory` that leads to `node`.
pub(super) fn link_to(node: &Path, directory: &str) -> Option<String> {
    let links = std::fs::read_dir(directory).ok()?.flatten();
    let mut found: Vec<PathBuf> =
        links.map(|l| l.path()).filter(|l| std::fs::canonicalize(l).is_ok_and(|to| to == node)).collect();
    // Kernels since 6.x link one socket twice, as usb- and usbv2-; the shorter name is the old one, known everywhere.
    found.sort_by_key(|l| l.as_os_str().len());
    found.into_iter().next().map(|l| l.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(card: &str, bus: &str, serial: Option<&str>) -> Identity {
        Identity { card: card.into(), bus: bus.into(), index: 0, serial: serial.map(str::to_string) }
    }

    #[test]
    fn a_serial_number_moves_with_the_camera_and_a_socket_stays() {
        let with = camera("C920", "usb-0000:00:14.0-2", Some("A1"));
        assert!(with.is_same(&camera("C920", "usb-0000:00:14.0-5", Some("A1"))));
        assert!(!with.is_same(&camera("C920", "usb-0000:00:14.0-2", Some("B2"))));
        assert!(!with.is_same(&camera("C920", "usb-0000:00:14.0-2", None)));
        let without = camera("Cam", "usb-0000:00:14.0-2", None);
        assert!(without.is_same(&without.clone()));
        assert!(!without.is_same(&camera("Cam", "usb-0000:00:14.0-3", None)));
        assert!(!without.is_same(&Identity { index: 1, ..without.clone() }));
    }

    #[test]
    fn only_bare_numbers_are_remembered_and_only_the_first() {
        let (first, second) = (camera("a", "x", None), camera("b", "y", None));
        remember("/dev/video901", first.clone());
        remember("/dev/video901", second.clone());
        remember("/dev/v4l/by-path/p-901", second);
        assert_eq!(remembered("/dev/video901"), Some(first));
        assert_eq!(remembered("/dev/v4l/by-path/p-901"), None);
        assert!(!is_bare("/dev/video") && !is_bare("/dev/video1x"));
    }
}
