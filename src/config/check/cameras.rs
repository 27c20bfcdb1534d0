//! `[[camera]]` and `--camera`: who is looked through.

use super::part::Part;
use crate::capture::{Address, CaptureFault};
use crate::config::fault::{Gathered, Place};
use crate::config::raw::Kind;
use crate::config::{CAMERAS, CameraConfig, Flags, PerThread};
use crate::workout::Zone;

const NAME_WANTS: &str = "a camera's name wants 1 to 32 of the letters a-z, A-Z, the digits, `_` and `-`";

/// All cameras, in order: those of the file, then those of the command line that the file does not have.
/// Then the places of those that are private and to be looked at.
pub(super) fn cameras(
    root: &Part,
    from_file: bool,
    flags: &Flags,
    faults: &Gathered,
) -> (Vec<CameraConfig>, Vec<Place>) {
    let mut cameras = Vec::new();
    let mut private = Vec::new();
    let mut lines: Vec<(String, usize)> = Vec::new();
    let mut given = 0;
    match root.find("camera").map(|value| (&value.kind, value.line)) {
        Some((Kind::List(list), _)) => {
            given = list.len();
            for value in list {
                cameras.extend(
                    root.item("camera", value).and_then(|part| camera(&part, &mut lines, &mut private, faults)),
                );
            }
            if let Some(first_over) = list.get(CAMERAS) {
                let sentence = format!("a box has at most {CAMERAS} cameras, and here are {}", list.len());
                faults.add(Place::Line(first_over.line), sentence);
            }
        }
        Some((other, line)) => {
            given = 1;
            faults.add(Place::Line(line), format!("`camera` wants [[camera]] tables, not {}", other.name()));
        }
        None => {}
    }
    for flag in &flags.cameras {
        if let Some(camera) = from_flag(flag, faults) {
            match cameras.iter_mut().find(|known| known.name == camera.name) {
                // Only the source changes hands; what the old source was told does not fit the new one.
                Some(known) => {
                    (known.source, known.rtsp_udp, known.full_speed) = (camera.source, false, false);
                }
                None => cameras.push(camera),
            }
        }
    }
    repeated_flags(flags, faults);
    if cameras.len() > CAMERAS && given <= CAMERAS {
        faults.add(Place::Option("--camera"), format!("a box has at most {CAMERAS} cameras"));
    }
    if given == 0 && flags.cameras.is_empty() {
        match from_file {
            true => {
                faults.add(Place::File, "there is no [[camera]] in this config; `source = \"demo:\"` needs no hardware")
            }
            false => cameras.push(CameraConfig::new("demo", demo())),
        }
    }
    (cameras, private)
}

fn demo() -> Address {
    Address::parse("demo:").expect("`demo:` alone is a source, as the tests of its parser show")
}

/// One `[[camera]]`; nothing when it has no usable name or source, which is reported.
fn camera(
    part: &Part,
    lines: &mut Vec<(String, usize)>,
    private: &mut Vec<Place>,
    faults: &Gathered,
) -> Option<CameraConfig> {
    for key in ["name", "source"] {
        if !part.has(key) {
            faults.add(Place::Line(part.line), format!("this camera has no `{key}`"));
        }
    }
    let name = part.text("name").and_then(|(name, line)| {
        if !is_name(name) {
            faults.add(Place::Line(line), NAME_WANTS);
            return None;
        }
        if let Some((_, first)) = lines.iter().find(|(known, _)| known == name) {
            faults.add(Place::Line(line), format!("the camera name `{name}` is already used in line {first}"));
            return None;
        }
        lines.push((name.to_string(), line));
        Some(name.to_string())
    });
    let source = part.text("source").and_then(|(text, line)| source(text, Place::Line(line), faults));
    let transport = part.choice("transport", &[("tcp", false), ("udp", true)], false);
    if part.has("transport") && source.as_ref().is_some_and(|s| !matches!(s, Address::Rtsp(_))) {
        faults.add(Place::Line(part.line_of("transport")), "`transport` is for rtsp: and rtsps: sources only");
    }
    let pace = part.choice("pace", &[("real", false), ("full", true)], false);
    if part.has("pace") && source.as_ref().is_some_and(|s| !s.is_recording()) {
        faults.add(Place::Line(part.line_of("pace")), "`pace` is for file: sources only");
    }
    let (cores, priority) = (part.part("cores"), part.part("priority"));
    let priority_of = |key: &str| priority.whole(key, 1..=99).and_then(|n| u8::try_from(n).ok());
    let read = CameraConfig {
        rtsp_udp: transport,
        full_speed: pace,
        pose: part.flag("pose", true),
        privacy: part.flag("privacy", false),
        zone: zone(part, faults),
        cores: PerThread { capture: cores.cores("capture"), pose: cores.cores("pose"), jpeg: cores.cores("jpeg") },
        priority: PerThread { capture: priority_of("capture"), pose: priority_of("pose"), jpeg: priority_of("jpeg") },
        ..CameraConfig::new(name?, source?)
    };
    let line = Place::Line(part.line_of("privacy"));
    match (read.privacy, read.pose) {
        (true, true) => private.push(line),
        (true, false) => {
            faults
                .add(line, "`privacy` in [camera] shows skeletons only, and with `pose = false` nobody looks for any");
        }
        _ => {}
    }
    Some(read)
}

fn zone(part: &Part, faults: &Gathered) -> Option<Zone> {
    let (corners, line) = part.places("zone")?;
    Zone::new(&corners).map_err(|fault| faults.add(Place::Line(line), fault.to_string())).ok()
}

/// A private camera that nobody looks at would show nothing at all.
pub(super) fn blind(private: &[Place], looks: bool, faults: &Gathered) {
    for line in private.iter().filter(|_| !looks) {
        faults.add(*line, "`privacy` in [camera] shows skeletons only, and [pose] has no engine and model to find any");
    }
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn source(text: &str, place: Place, faults: &Gathered) -> Option<Address> {
    match Address::parse(text) {
        Ok(address) if is_built(&address) => Some(address),
        Ok(address) => {
            faults.add(place, CaptureFault::NotBuilt { what: address.scheme() }.to_string());
            None
        }
        Err(fault) => {
            faults.add(place, fault.to_string());
            None
        }
    }
}

/// Whether this build has the kind of source. A box that can never show a camera does not start.
fn is_built(address: &Address) -> bool {
    match address {
        Address::Demo(_) | Address::Paced(_) => true,
        Address::V4l2(_) => cfg!(target_os = "linux"),
        Address::Rtsp(_) | Address::Http(_) | Address::File(_) | Address::Gst(_) => cfg!(feature = "gst"),
        Address::Webcam(_) => cfg!(feature = "webcam"),
    }
}

fn from_flag(flag: &str, faults: &Gathered) -> Option<CameraConfig> {
    let place = Place::Option("--camera");
    let Some((name, uri)) = flag.split_once('=').filter(|(name, _)| !name.contains(':')) else {
        faults.add(place, "a camera is given as NAME=URI, such as rack=rtsp://camera/stream");
        return None;
    };
    if !is_name(name) {
        faults.add(place, NAME_WANTS);
        return None;
    }
    source(uri, place, faults).map(|source| CameraConfig::new(name, source))
}

fn repeated_flags(flags: &Flags, faults: &Gathered) {
    let mut seen: Vec<&str> = Vec::new();
    for name in flags.cameras.iter().filter_map(|flag| Some(flag.split_once('=')?.0)).filter(|name| is_name(name)) {
        if seen.contains(&name) {
            faults.add(Place::Option("--camera"), format!("the camera name `{name}` is given twice"));
        }
        seen.push(name);
    }
}
