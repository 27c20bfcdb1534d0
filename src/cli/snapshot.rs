//! `spotter snapshot`: one frame of a source as JPEG.
//!
//! A file is written beside its place and renamed, so that nobody ever sees half a picture; when anything fails the
//! old file stays as it was.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::capture::{Address, CaptureFault, Next, Settings, Source};
use crate::config::CaptureConfig;
use crate::error::Exit;
use crate::frame::Frame;
use crate::jpeg::{Encoder, Variant, cpu::Cpu};
use crate::threads::Stop;
use crate::time::Mono;

/// Frames that a camera is given to find its exposure.
const SETTLING_FRAMES: usize = 5;

/// What `spotter snapshot` takes.
#[derive(clap::Args)]
pub(super) struct SnapshotArgs {
    /// The source, as in a config: v4l2:/dev/video0, rtsp://camera/stream, file:clip.mp4, demo: and the others
    #[arg(value_name = "URI")]
    uri: String,
    /// Where to put the picture; without it, stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Quality, 1 to 95; without it, the camera's own JPEG if it gives one, else 75
    #[arg(short, long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=95))]
    quality: Option<u8>,
}

/// Takes it.
pub(super) fn snapshot(args: &SnapshotArgs) -> Exit {
    let address = match Address::parse(&args.uri) {
        Ok(address) => address,
        Err(fault) => return super::say(&fault.to_string(), Exit::Usage),
    };
    if args.output.is_none() && std::io::stdout().is_terminal() {
        return super::say("a picture is nothing for a terminal; name a file with -o, or redirect stdout", Exit::Usage);
    }
    let stall = CaptureConfig::default().stall;
    let picture = first_frame(address, stall).map_err(|fault| fault.to_string()).and_then(|frame| {
        let mut encoder = Cpu::new().map(Encoder::Cpu).map_err(|fault| fault.to_string())?;
        let mut jpeg = Vec::new();
        let variant = Variant { quality: args.quality, width: None };
        encoder.encode(&frame, variant, &mut jpeg).map_err(|fault| fault.to_string())?;
        Ok(jpeg)
    });
    match (picture, &args.output) {
        (Ok(jpeg), None) => super::put(&jpeg),
        (Ok(jpeg), Some(path)) => match write_whole(path, &jpeg) {
            Ok(()) => Exit::Done,
            Err(error) => super::say(&format!("{} cannot be written: {error}", path.display()), Exit::Failed),
        },
        (Err(sentence), _) => super::say(&sentence, Exit::Failed),
    }
}

/// The first frame worth having, within `stall` of the opening.
fn first_frame(address: Address, stall: Duration) -> Result<Frame, CaptureFault> {
    let mut to_skip = if matches!(address, Address::V4l2(_) | Address::Webcam(_)) { SETTLING_FRAMES } else { 0 };
    let settings = Settings { address, rtsp_udp: false, stall, full_speed: true };
    let mut source = Source::open(&settings, &Stop::default(), &|| ())?;
    let deadline = Mono::now().plus(stall);
    let mut frame = Frame::default();
    loop {
        let left = deadline.since(Mono::now());
        if left.is_zero() {
            return Err(CaptureFault::Stalled { after: stall });
        }
        frame.reset();
        match source.next(&mut frame, left)? {
            Next::Frame if to_skip == 0 => return Ok(frame),
            Next::Frame => to_skip -= 1,
            Next::Nothing | Next::Broken => {}
            Next::Ended => return Err(CaptureFault::Ended),
        }
    }
}

/// Writes the whole file or leaves things as they were.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().ok_or_else(|| std::io::Error::other("it names no file"))?;
    if path.exists() && !path.is_file() {
        // A device or a pipe cannot be renamed over, and nobody can see half of it.
        return std::fs::File::options().write(true).open(path)?.write_all(bytes);
    }
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(hidden);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // It may never have been made; what matters is that it is not there.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(write_whole(&dir.path().join("no/such/a.jpg"), b"x").is_err());
        assert!(write_whole(dir.path(), b"x").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
