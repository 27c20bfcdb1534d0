//! What cameras this machine has, for people and for `spotter probe --json`.
//!
//! Looking disturbs nobody: a device is opened and asked, never set or streamed from, so a camera in use is listed too.

use std::collections::BTreeMap;
use std::path::Path;

use super::identity::{self, Identity};
use super::negotiate::{Offer, Wish, choose};
use super::offers_of;
use super::sys::{Caps, Node};
use crate::capture::Address;
use crate::capture::uri::V4l2Address;

/// One camera of this machine.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Found {
    /// The node of today, such as `/dev/video0`.
    pub node: String,
    /// The link that names the socket.
    pub by_path: Option<String>,
    /// The link that names the model and serial number.
    pub by_id: Option<String>,
    /// The product's name.
    pub name: String,
    /// The kernel's driver.
    pub driver: String,
    /// Where it is connected.
    pub bus: String,
    /// The serial number that the camera claims to have.
    pub serial: Option<String>,
    /// The formats that Spotter reads, with sizes and rates.
    pub formats: Vec<Offer>,
    /// The source line that opens it with the best choice.
    pub uri: String,
    /// What a person should know about it.
    pub hints: Vec<String>,
}

/// Looks at every video node; those that are no cameras are left out.
pub fn probe() -> Vec<Found> {
    let mut all: Vec<Found> = identity::nodes().iter().filter_map(|node| look(node)).collect();
    add_hints(&mut all);
    all
}

fn look(node: &Path) -> Option<Found> {
    let path = node.to_str()?;
    let (by_path, by_id) = (identity::link_to(node, "/dev/v4l/by-path"), identity::link_to(node, "/dev/v4l/by-id"));
    let opened = match Node::open(path) {
        Ok(opened) => opened,
        Err(why) => {
            let hints = vec![super::open_fault(path, &why, 0).to_string()];
            let text = String::new;
            let uri = format!("v4l2:{}", by_path.as_deref().unwrap_or(path));
            let (name, driver, bus) = (text(), text(), text());
            let node = path.to_string();
            return Some(Found { node, by_path, by_id, name, driver, bus, serial: None, formats: vec![], uri, hints });
        }
    };
    let caps = opened.caps().ok().filter(|c| c.capture)?;
    let formats = offers_of(&opened, None);
    let Identity { serial, .. } = Identity::of(node, &caps);
    let uri = ready_uri(by_path.as_deref().unwrap_or(path), &formats, &caps);
    let mut hints = Vec::new();
    if formats.is_empty() {
        hints.push("it offers no format that Spotter reads".to_string());
    }
    if opened.lacks_signal() {
        hints.push("it has no signal".to_string());
    }
    let Caps { driver, card, bus, .. } = caps;
    Some(Found { node: path.to_string(), by_path, by_id, name: card, driver, bus, serial, formats, uri, hints })
}

fn ready_uri(path: &str, formats: &[Offer], caps: &Caps) -> String {
    let choice = choose(formats, &Wish::default(), super::is_usb(caps)).ok();
    let rounded = |fps: f64| (fps * 100.0).round() / 100.0;
    let address = V4l2Address {
        path: path.to_string(),
        size: choice.map(|c| c.size),
        fps: choice.and_then(|c| c.fps).map(rounded),
        format: choice.map(|c| c.format),
    };
    Address::V4l2(address).to_string()
}

/// The controller in a bus name: `usb-0000:00:14.0-2.1` is socket 2.1 of `usb-0000:00:14.0`.
fn controller(bus: &str) -> Option<&str> {
    bus.starts_with("usb-").then(|| bus.rsplit_once('-').map(|(controller, _)| controller))?
}

/// What only shows when all cameras are seen together.
fn add_hints(all: &mut [Found]) {
    let mut serials: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut buses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in all.iter() {
        if let Some(serial) = &found.serial {
            let places = serials.entry((found.name.clone(), serial.clone())).or_default();
            if !places.contains(&found.bus) {
                places.push(found.bus.clone());
            }
        }
        if let Some(controller) = controller(&found.bus) {
            let places = buses.entry(controller.to_string()).or_default();
            if !places.contains(&found.bus) {
                places.push(found.bus.clone());
            }
        }
    }
    for found in all.iter_mut() {
        let twins = found.serial.as_ref().and_then(|s| serials.get(&(found.name.clone(), s.clone())));
        if twins.is_some_and(|places| places.len() > 1) {
            found.hints.push("another camera has the same serial number; name this one by its by-path link".into());
        }
        let shared = controller(&found.bus).and_then(|c| Some((c, buses.get(c)?.len())));
        if let Some((controller, cameras)) = shared.filter(|(_, cameras)| *cameras > 1) {
            found
                .hints
                .push(format!("{cameras} cameras share the USB controller {controller}; MJPEG saves its bandwidth"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bus: &str, serial: Option<&str>) -> Found {
        Found {
            node: String::new(),
            by_path: None,
            by_id: None,
            name: "Cam".into(),
            driver: "uvcvideo".into(),
            bus: bus.into(),
            serial: serial.map(str::to_string),
            formats: vec![],
            uri: String::new(),
            hints: vec![],
        }
    }

    #[test]
    fn twins_and_neighbours_are_told_of() {
        let mut all = [
            found("usb-0000:00:14.0-2", Some("0001")),
            found("usb-0000:00:14.0-3", Some("0001")),
            found("usb-0000:05:00.0-1.4", Some("0002")),
            found("platform:vivid-000", None),
        ];
        add_hints(&mut all);
        let counts = all.each_ref().map(|f| f.hints.len());
        assert_eq!(counts, [2, 2, 0, 0]);
        assert!(all[0].hints[0].contains("same serial number") && all[0].hints[1].starts_with("2 cameras share"));
    }

    #[test]
    fn two_nodes_of_one_camera_are_no_twins() {
        let mut all = [found("usb-0000:00:14.0-2", Some("0001")), found("usb-0000:00:14.0-2", Some("0001"))];
        add_hints(&mut all);
        assert!(all.iter().all(|f| f.hints.is_empty()));
    }
}
