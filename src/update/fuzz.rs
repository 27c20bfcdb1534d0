//! A door for the fuzzer to what is read of a release before and after its signature.
//!
//! Built only with `--cfg fuzzing` (`make fuzz`); see `tests/fuzz`.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{release, unpack};

/// The first byte says which: the head and label of a file of these bytes; or a payload that is a tar of them, which may leave
/// nothing beside its folder.
pub fn release(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let below = std::env::temp_dir().join(format!("spotter-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&below);
    fs::create_dir(&below).expect("there is a folder for what is temporary");
    let path = below.join("release");
    let mut file =
        fs::File::options().create(true).truncate(true).read(true).write(true).open(&path).expect("it is new");
    if which % 2 == 0 {
        file.write_all(bytes).expect("there is room");
        if let Some((signature, payload)) = release::head(&mut file).expect("a file can be read") {
            assert!(payload <= bytes.len() as u64);
            let _ = release::label(signature.trusted_comment());
        }
        let _ = release::label(&String::from_utf8_lossy(bytes));
    } else {
        // Packed here, since a fuzzer seldom hits upon a checksum.
        let mut packed = GzEncoder::new(&file, Compression::none());
        packed.write_all(bytes).and_then(|()| packed.try_finish()).expect("there is room");
        drop(packed);
        file.seek(SeekFrom::Start(0)).expect("it is a file");
        // All that it may have: more would only be refused sooner.
        let _ = unpack::unpack(&mut file, Path::new("release"), bytes.len() as u64, &below.join("folder"));
        let names = fs::read_dir(&below).expect("it is there").flatten().map(|entry| entry.file_name());
        assert!(names.into_iter().all(|name| name == "release" || name == "folder"), "it left its folder");
    }
    let _ = fs::remove_dir_all(&below);
}
