//! Engine files: what they are called, where they lie, and how one is read.
//!
//! A file may begin as Ultralytics writes it: four bytes with the length of a JSON text, least significant first, then
//! that text, then the engine. TensorRT wants the engine alone.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Fault;
use super::ffi::{Session, Shim};
use crate::pose::tensorrt::Precision;

/// No engine is larger; the largest model of the family makes one of 300 MB.
const BYTES_MAX: u64 = 2 << 30;
/// So many engines are kept: two precisions of a model, and those of the version before for the way back.
const KEPT: usize = 4;
/// Ultralytics writes some hundred bytes.
const JSON_MAX: usize = 1 << 20;

/// What an engine is bound to, but for the precision.
pub(super) fn key(model: &[u8], version: &str, device: &str) -> String {
    let hash = Sha256::digest(model);
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_");
    format!("{hash}-trt{}-{}", plain(version), plain(device))
}

/// The file.
pub(super) fn path(cache: &Path, key: &str, precision: Precision) -> PathBuf {
    cache.join(format!("{key}-{}.engine", precision.name()))
}

/// Whether engines can be written there, tried with a file.
pub(super) fn may_be_kept(cache: &Path) -> Result<(), Fault> {
    let trial = cache.join(format!(".trial-{}", std::process::id()));
    std::fs::create_dir_all(cache)
        .and_then(|()| std::fs::write(&trial, "trial"))
        .and_then(|()| std::fs::remove_file(&trial))
        .map_err(|why| Fault::NotKept { path: cache.to_path_buf(), why: why.to_string() })
}

/// Whether there is any engine.
pub(super) fn any(cache: &Path) -> bool {
    let files = std::fs::read_dir(cache).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|end| end == "engine"))
}

/// Removes the oldest engines beyond [`KEPT`], with what `trtexec` said of them.
pub(super) fn thin(cache: &Path) {
    let files = std::fs::read_dir(cache).into_iter().flatten().flatten().map(|file| file.path());
    let engines = files.filter(|path| path.extension().is_some_and(|end| end == "engine"));
    let mut dated: Vec<_> = engines.filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).collect();
    dated.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in dated.into_iter().skip(KEPT) {
        log::info!("pose: the TensorRT engine {} is removed: {KEPT} newer ones are kept", path.display());
        let _ = std::fs::remove_file(path.with_extension("log"));
        let _ = std::fs::remove_file(path);
    }
}

/// The engine of this file with inputs and answers of these lengths; nothing when there is no file.
pub(super) fn session(
    shim: &std::sync::Arc<Shim>,
    file: &Path,
    lengths: (usize, usize),
) -> Result<Option<Session>, Fault> {
    let unreadable = |why: String| Fault::Unreadable { path: file.to_path_buf(), why };
    match std::fs::metadata(file) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(unreadable(why.to_string())),
        Ok(found) if found.len() > BYTES_MAX => return Err(unreadable(format!("it has {} bytes", found.len()))),
        Ok(_) => {}
    }
    let bytes = std::fs::read(file).map_err(|why| unreadable(why.to_string()))?;
    let session = Session::load(shim, without_json(&bytes)).map_err(unreadable)?;
    if session.lengths() != lengths {
        let (found, want) = (session.lengths(), lengths);
        let why = format!("it takes {} numbers and gives {}; the model {} and {}", found.0, found.1, want.0, want.1);
        return Err(unreadable(why));
    }
    Ok(Some(session))
}

/// The engine without Ultralytics' text, if it has one.
pub(super) fn without_json(bytes: &[u8]) -> &[u8] {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return bytes };
    let length = u32::from_le_bytes(*length) as usize;
    if length > JSON_MAX || length > rest.len() {
        return bytes;
    }
    let (text, engine) = rest.split_at(length);
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => engine,
        Err(_) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ultralytics_text_is_taken_off_and_nothing_else() {
        let with = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes(), b"engine"].concat();
        assert_eq!(without_json(&with("{\"task\":\"pose\"}")), b"engine");
        assert_eq!(without_json(&with("{}")), b"engine");
        for kept in [with("[1]"), with("text"), b"engine".to_vec(), b"en".to_vec(), vec![], vec![0xff; 40]] {
            assert_eq!(without_json(&kept), kept);
        }
    }

    #[test]
    fn the_newest_engines_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, age_s: u64| {
            let file = std::fs::File::create(dir.path().join(name)).unwrap();
            let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10_000 - age_s);
            file.set_modified(at).unwrap();
        };
        (0..=KEPT as u64).for_each(|n| put(&format!("{n}.engine"), n));
        put(&format!("{KEPT}.log"), 0);
        put("old.txt", 9000);
        thin(dir.path());
        let files = std::fs::read_dir(dir.path()).unwrap().flatten();
        let mut left: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["0.engine", "1.engine", "2.engine", "3.engine", "old.txt"]);
    }

    #[test]
    fn a_name_says_all_that_an_engine_is_bound_to() {
        let name = |model: &[u8], version: &str, device: &str, precision| {
            path(Path::new("/c"), &key(model, version, device), precision).display().to_string()
        };
        // The hash of nothing begins with e3b0c44298fc1c14.
        let plain = name(b"", "10.3.0", "sm87x8", Precision::Fp16);
        assert_eq!(plain, "/c/e3b0c44298fc1c14-trt10.3.0-sm87x8-fp16.engine");
        let others = [
            name(b"m", "10.3.0", "sm87x8", Precision::Fp16),
            name(b"", "10.4.0", "sm87x8", Precision::Fp16),
            name(b"", "10.3.0", "sm86x8", Precision::Fp16),
            name(b"", "10.3.0", "sm87x8", Precision::Fp32),
            name(b"", "../../x", "a b", Precision::Fp32),
        ];
        assert!(others.iter().all(|other| *other != plain && other.matches('/').count() == 2), "{others:?}");
    }
}
