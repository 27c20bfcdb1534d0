//! What a `source` line means. Pure: no file is opened, no name resolved.
//!
//! An [`Address`] keeps credentials, since it must log in with them; its `Debug` and `Display` never show them.

use std::fmt;

use super::paced::PacedAddress;
use crate::error::{redacted, redacted_uri};
use crate::frame::PixelFormat;

/// A parsed source.
#[derive(Clone, PartialEq)]
pub enum Address {
    /// `demo:…`
    Demo(DemoAddress),
    /// `v4l2:PATH?…`
    V4l2(V4l2Address),
    /// `rtsp://…`, `rtsps://…`, as given
    Rtsp(String),
    /// `http://…`, `https://…`, as given
    Http(String),
    /// `file:PATH`
    File(String),
    /// `gst:PIPELINE`
    Gst(String),
    /// `webcam:INDEX`
    Webcam(u32),
    /// A stand-in for benches and tests, which no text names.
    Paced(PacedAddress),
}

/// What `demo:` shows.
#[derive(Clone, PartialEq, Debug)]
pub struct DemoAddress {
    /// `squat`, `curl`, `press`, `deadlift` or `lunge`.
    pub exercise: String,
    /// Repetitions in a set.
    pub reps: u32,
    /// Seconds of rest after a set.
    pub rest_s: f64,
    /// Frames a second.
    pub fps: f64,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// The same seed gives the same pictures.
    pub seed: u64,
}

/// Which V4L2 device, and what is wanted of it.
#[derive(Clone, PartialEq, Debug)]
pub struct V4l2Address {
    /// The device node, best one below `/dev/v4l/by-path` or `by-id`.
    pub path: String,
    /// The wanted size; nothing: the best.
    pub size: Option<(usize, usize)>,
    /// The wanted rate; nothing: the best for the size.
    pub fps: Option<f64>,
    /// The wanted format; nothing: the best.
    pub format: Option<PixelFormat>,
}

/// Why a text is no source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// No known scheme.
    #[error("a source begins with demo:, v4l2:, rtsp://, rtsps://, http://, https://, file:, gst: or webcam:")]
    Scheme,
    /// The part after the scheme is missing.
    #[error("{0} wants something after it")]
    Empty(&'static str),
    /// A parameter that the scheme does not know.
    #[error("{scheme} knows no parameter `{name}`; it knows {known}")]
    Unknown {
        /// The scheme.
        scheme: &'static str,
        /// As given.
        name: String,
        /// Its parameters.
        known: &'static str,
    },
    /// A parameter's value does not fit.
    #[error("`{name}={value}`: {want}")]
    Value {
        /// The parameter.
        name: String,
        /// As given.
        value: String,
        /// What would fit.
        want: &'static str,
    },
}

/// The exercises the demo athlete knows.
pub const DEMO_EXERCISES: [&str; 5] = ["squat", "curl", "press", "deadlift", "lunge"];

impl Address {
    /// Reads a source line.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a password.
    pub fn parse(text: &str) -> Result<Address, UriFault> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let after = |scheme: &'static str| match text[scheme.len()..].trim() {
            "" => Err(UriFault::Empty(scheme)),
            rest => Ok(rest),
        };
        for (scheme, network) in [
            ("rtsp://", Address::Rtsp as fn(String) -> Address),
            ("rtsps://", Address::Rtsp),
            ("http://", Address::Http),
            ("https://", Address::Http),
        ] {
            if lower.starts_with(scheme) {
                after(scheme)?;
                return Ok(network(text.to_string()));
            }
        }
        if lower.starts_with("demo:") {
            return demo(&text[5..]).map(Address::Demo);
        } else if lower.starts_with("v4l2:") {
            return v4l2(after("v4l2:")?).map(Address::V4l2);
        } else if lower.starts_with("file:") {
            let path = after("file:")?;
            return Ok(Address::File(path.strip_prefix("//").unwrap_or(path).to_string()));
        } else if lower.starts_with("gst:") {
            return after("gst:").map(|p| Address::Gst(p.to_string()));
        } else if lower.starts_with("webcam:") {
            let index = after("webcam:")?;
            return index.parse().map(Address::Webcam).map_err(|_| UriFault::Value {
                name: "webcam".into(),
                value: index.into(),
                want: "a number, 0 for the first",
            });
        }
        Err(UriFault::Scheme)
    }

    /// The scheme, for people.
    pub fn scheme(&self) -> &'static str {
        match self {
            Address::Demo(_) => "demo:",
            Address::V4l2(_) => "v4l2:",
            Address::Rtsp(_) => "rtsp:",
            Address::Http(_) => "http:",
            Address::File(_) => "file:",
            Address::Gst(_) => "gst:",
            Address::Webcam(_) => "webcam:",
            Address::Paced(_) => "paced:",
        }
    }

    /// Whether it is a recording: read in order, nothing dropped, and it ends.
    pub fn is_recording(&self) -> bool {
        matches!(self, Address::File(_))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Demo(d) => write!(
                f,
                "demo:{}?reps={}&rest={}&fps={}&size={}x{}&seed={}",
                d.exercise, d.reps, d.rest_s, d.fps, d.width, d.height, d.seed
            ),
            Address::V4l2(v) => {
                write!(f, "v4l2:{}", v.path)?;
                let size = v.size.map(|(w, h)| format!("size={w}x{h}"));
                let fps = v.fps.map(|r| format!("fps={r}"));
                let format = v.format.map(|p| format!("format={}", format_name(p)));
                for (i, part) in [size, fps, format].into_iter().flatten().enumerate() {
                    write!(f, "{}{part}", if i == 0 { '?' } else { '&' })?;
                }
                Ok(())
            }
            Address::Rtsp(uri) | Address::Http(uri) => f.write_str(&redacted_uri(uri)),
            Address::File(path) => write!(f, "file:{path}"),
            Address::Gst(pipeline) => write!(f, "gst:{}", redacted(pipeline)),
            Address::Webcam(index) => write!(f, "webcam:{index}"),
            Address::Paced(paced) => write!(f, "paced:{}", paced.fps),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A format's name in a source line.
pub fn format_name(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Mjpeg => "mjpeg",
        PixelFormat::I420 => "yu12",
        PixelFormat::Nv12 => "nv12",
        PixelFormat::Yuyv => "yuyv",
        PixelFormat::Uyvy => "uyvy",
        PixelFormat::Grey => "grey",
    }
}

fn format_from(value: &str) -> Option<PixelFormat> {
    use PixelFormat::*;
    [Mjpeg, I420, Nv12, Yuyv, Uyvy, Grey].into_iter().find(|f| format_name(*f).eq_ignore_ascii_case(value))
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")))
}

fn number<T: std::str::FromStr + PartialOrd>(
    name: &str,
    value: &str,
    fits: std::ops::RangeInclusive<T>,
    want: &'static str,
) -> Result<T, UriFault> {
    let bad = || UriFault::Value { name: name.into(), value: value.into(), want };
    value.parse::<T>().ok().filter(|n| fits.contains(n)).ok_or_else(bad)
}

fn size(name: &str, value: &str) -> Result<(usize, usize), UriFault> {
    let want = "WIDTHxHEIGHT with 16 to 8192 pixels each and 40 million in all, such as 1280x720";
    let bad = || UriFault::Value { name: name.into(), value: value.into(), want };
    let (w, h) = value.split_once(['x', 'X']).ok_or_else(bad)?;
    let side = |text| number(name, text, 16..=8192, want).map_err(|_| bad());
    let (w, h): (usize, usize) = (side(w)?, side(h)?);
    if w * h <= MOST_PIXELS { Ok((w, h)) } else { Err(bad()) }
}

/// More than this no encoder here takes.
const MOST_PIXELS: usize = 40_000_000;

fn demo(rest: &str) -> Result<DemoAddress, UriFault> {
    let (exercise, query) = rest.split_once('?').unwrap_or((rest, ""));
    let exercise = if exercise.is_empty() { "squat" } else { exercise };
    if !DEMO_EXERCISES.contains(&exercise) {
        let want = "the demo athlete knows squat, curl, press, deadlift and lunge";
        return Err(UriFault::Value { name: "exercise".into(), value: exercise.into(), want });
    }
    let mut out =
        DemoAddress { exercise: exercise.into(), reps: 5, rest_s: 8.0, fps: 30.0, width: 1280, height: 720, seed: 1 };
    for (name, value) in parameters(query) {
        match name {
            "reps" => out.reps = number(name, value, 1..=1000, "1 to 1000 repetitions")?,
            "rest" => out.rest_s = number(name, value, 0.0..=3600.0, "0 to 3600 seconds")?,
            "fps" => out.fps = number(name, value, 1.0..=240.0, "1 to 240 frames a second")?,
            "size" => (out.width, out.height) = size(name, value)?,
            "seed" => out.seed = number(name, value, 0..=u64::MAX, "a whole number")?,
            _ => {
                let known = "reps, rest, fps, size and seed";
                return Err(UriFault::Unknown { scheme: "demo:", name: name.into(), known });
            }
        }
    }
    Ok(out)
}

fn v4l2(rest: &str) -> Result<V4l2Address, UriFault> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(UriFault::Empty("v4l2:"));
    }
    let mut out = V4l2Address { path: path.into(), size: None, fps: None, format: None };
    for (name, value) in parameters(query) {
        match name {
            "size" => out.size = Some(size(name, value)?),
            "fps" => out.fps = Some(number(name, value, 0.1..=1000.0, "a rate above 0, such as 30")?),
            "format" => {
                let want = "mjpeg, yuyv, uyvy, nv12, yu12 or grey";
                let bad = || UriFault::Value { name: name.into(), value: value.into(), want };
                out.format = Some(format_from(value).ok_or_else(bad)?);
            }
            _ => {
                let known = "size, fps and format";
                return Err(UriFault::Unknown { scheme: "v4l2:", name: name.into(), known });
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_shown_again() {
        for (given, shown) in [
            ("demo:", "demo:squat?reps=5&rest=8&fps=30&size=1280x720&seed=1"),
            (
                "demo:curl?reps=3&fps=15&size=640x480&seed=7&rest=2.5",
                "demo:curl?reps=3&rest=2.5&fps=15&size=640x480&seed=7",
            ),
            ("v4l2:/dev/video0", "v4l2:/dev/video0"),
            (
                "v4l2:/dev/v4l/by-path/p-usb-0:2.1:1.0-video-index0?size=1280x720&fps=30&format=MJPEG",
                "v4l2:/dev/v4l/by-path/p-usb-0:2.1:1.0-video-index0?size=1280x720&fps=30&format=mjpeg",
            ),
            ("rtsp://u:p@cam/1?x=1", "rtsp://***@cam/1?x=1"),
            ("RTSPS://cam/1", "RTSPS://cam/1"),
            ("http://cam/stream.mjpg", "http://cam/stream.mjpg"),
            ("file:///srv/a.mp4", "file:/srv/a.mp4"),
            ("file:clips/a b.mp4", "file:clips/a b.mp4"),
            ("gst:rtspsrc location=rtsp://u:p@h/ ! decodebin", "gst:rtspsrc location=rtsp://***@h/ ! decodebin"),
            ("webcam:0", "webcam:0"),
        ] {
            assert_eq!(Address::parse(given).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_one_sentence() {
        for (given, part) in [
            ("", "begins with"),
            ("ftp://x", "begins with"),
            ("v4l2:", "wants something after it"),
            ("v4l2:?size=1x1", "wants something after it"),
            ("rtsp://", "wants something after it"),
            ("demo:yoga", "knows squat"),
            ("demo:squat?fps=0", "1 to 240"),
            ("demo:squat?fps=NaN", "1 to 240"),
            ("demo:squat?reps=1001", "1 to 1000"),
            ("demo:squat?size=1280", "WIDTHxHEIGHT"),
            ("demo:squat?size=15x16", "WIDTHxHEIGHT"),
            ("demo:squat?size=8192x8192", "40 million"),
            ("demo:squat?speed=1", "knows no parameter `speed`"),
            ("v4l2:/dev/video0?format=h264", "mjpeg, yuyv"),
            ("webcam:front", "a number"),
        ] {
            let fault = Address::parse(given).unwrap_err().to_string();
            assert!(fault.contains(part), "{given}: {fault}");
        }
    }

    #[test]
    fn no_printed_form_holds_a_password() {
        let address = Address::parse("rtsp://admin:geheim@cam/1").unwrap();
        assert!(!format!("{address} {address:?}").contains("geheim"));
    }
}
