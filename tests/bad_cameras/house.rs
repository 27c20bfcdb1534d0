//! A box with several cameras at once, asked how each of them is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::common::{SpotterBox, until};

/// A running box and the config that it was started with.
pub struct House {
    pub spotter: SpotterBox,
    _folder: tempfile::TempDir,
}

/// Threads, descriptors and resident kilobytes.
pub type Holdings = (usize, usize, usize);

impl House {
    /// Starts a box with these cameras, names and addresses, that looks for nobody.
    pub fn start(cameras: &[(&str, String)], stall_s: u32, env: &[(&str, &str)]) -> House {
        House::retrying(cameras, &format!("stall_s = {stall_s}\nretry_first_s = 0.1\nretry_most_s = 0.5"), env)
    }

    /// The same with these lines about when cameras are opened again.
    pub fn retrying(cameras: &[(&str, String)], lines: &str, env: &[(&str, &str)]) -> House {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("spotter.toml");
        let mut text = format!("[capture]\n{lines}\n[health]\nstale_s = 3600\n");
        for (name, uri) in cameras {
            text += &format!("[[camera]]\nname = \"{name}\"\nsource = \"{uri}\"\npose = false\n");
        }
        std::fs::write(&config, text).unwrap();
        let spotter = SpotterBox::start_with(&["--config", config.to_str().unwrap()], env);
        House { spotter, _folder: folder }
    }

    /// What the box says of one camera.
    pub fn row(&self, name: &str) -> Value {
        let rows = self.spotter.json("/api/v1/cameras");
        let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
        row.unwrap_or_else(|| panic!("no camera {name} in {rows}")).clone()
    }

    /// Waits until the camera has no picture for this kind of reason, in a sentence with these words.
    pub fn until_lost(&self, name: &str, kind: &str, words: &str) {
        until(&format!("{name} is lost: {kind}"), || {
            let row = self.row(name);
            let sentence = row["fault"]["sentence"].as_str().unwrap_or("");
            let lost = row["fault"]["kind"] == kind && sentence.contains(words) && row["has_frame"] == false;
            if lost { Ok(()) } else { Err(row.to_string()) }
        });
        let reply = self.snapshot(name);
        // It may have come back meanwhile for a moment, but what it has no picture for is never answered with one.
        assert!(reply.status == 404 || self.row(name)["fault"].is_null(), "{name}: {}", reply.status);
    }

    /// Waits until the camera has a picture.
    pub fn until_up(&self, name: &str) {
        until(&format!("{name} has a picture"), || {
            let row = self.row(name);
            if row["has_frame"] == true { Ok(()) } else { Err(row.to_string()) }
        });
    }

    /// Waits until the camera has shown so many more frames.
    pub fn until_more(&self, name: &str, frames: u64) {
        let id = || self.row(name)["frame_id"].as_u64().unwrap();
        let begun = id();
        until(&format!("{name} goes on"), || match id() {
            now if now >= begun + frames => Ok(()),
            now => Err(format!("from {begun} to {now}")),
        });
    }

    pub fn snapshot(&self, name: &str) -> super::common::Reply {
        self.spotter.get(&format!("/api/v1/cameras/{name}/snapshot"))
    }

    /// Waits until the camera's picture is this grey, given as a raw picture's luma of 16 to 235.
    pub fn until_grey(&self, name: &str, luma: u8) {
        let grey = ((u32::from(luma) - 16) * 255 / 219) as u8;
        until(&format!("{name} shows {grey}"), || {
            let reply = self.snapshot(name);
            if reply.status != 200 {
                return Err(reply.text());
            }
            let picture = turbojpeg::decompress(&reply.body, turbojpeg::PixelFormat::GRAY).unwrap();
            let seen = picture.pixels[picture.pixels.len() / 2];
            if seen.abs_diff(grey) <= 8 { Ok(()) } else { Err(format!("it is {seen}")) }
        });
    }

    /// How often it was opened since the box began.
    pub fn opens(&self, name: &str) -> f64 {
        self.spotter.metric(&format!("spotter_source_opens_total{{camera=\"{name}\"}}"))
    }

    /// How often the camera was lost since the box began.
    pub fn losses(&self, name: &str) -> f64 {
        self.spotter.metric(&format!("spotter_source_losses_total{{camera=\"{name}\"}}"))
    }

    pub fn holdings(&self) -> Holdings {
        let process = format!("/proc/{}", self.spotter.child.id());
        let count = |what: &str| std::fs::read_dir(format!("{process}/{what}")).unwrap().count();
        (count("task"), count("fd"), self.kilobytes("VmRSS:"))
    }

    /// What its descriptors are, each sort with how many; a socket's is its protocol with, of TCP, the
    /// kernel's number of its state.
    pub fn descriptors(&self) -> BTreeMap<String, usize> {
        let process = format!("/proc/{}", self.spotter.child.id());
        let read = |table: &str| std::fs::read_to_string(format!("{process}/net/{table}")).unwrap_or_default();
        let tables = ["tcp", "tcp6", "udp", "udp6", "unix", "netlink"].map(|table| (table, read(table)));
        let sort = |link: String| {
            let Some(inode) = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')) else {
                return if link.starts_with("pipe:[") { "pipe".to_owned() } else { link };
            };
            let found = tables.iter().find_map(|(table, text)| {
                let line = text.lines().find(|line| line.split_whitespace().any(|word| word == inode))?;
                let state = line.split_whitespace().nth(3).filter(|_| table.starts_with("tcp")).unwrap_or_default();
                Some(format!("{table} {state}"))
            });
            found.unwrap_or_else(|| "a socket of no table".to_owned())
        };
        let mut sorts = BTreeMap::new();
        for entry in std::fs::read_dir(format!("{process}/fd")).unwrap().flatten() {
            // One may be closed meanwhile.
            if let Ok(link) = std::fs::read_link(entry.path()) {
                *sorts.entry(sort(link.to_string_lossy().into_owned())).or_default() += 1;
            }
        }
        sorts
    }

    /// A line of the process's status, such as `VmHWM:`.
    pub fn kilobytes(&self, line: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.spotter.child.id())).unwrap();
        let rest = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    }
}

/// Lets time go by while something must hold that no condition tells; the box is asked meanwhile.
pub fn during(span: Duration, mut look: impl FnMut()) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < span {
        look();
    }
}
