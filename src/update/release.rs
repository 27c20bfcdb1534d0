//! The file of a release: five lines of text, then the payload.
//!
//! ```text
//! spotter release 1
//! untrusted comment: …
//! (the signature)
//! trusted comment: product=spotter version=0.2.0 arch=aarch64 board=any bytes=31457280
//! (the signature of the signature and the trusted comment)
//! (payload: a gzipped tar, to the end of the file)
//! ```
//!
//! The four lines in the middle are a minisign signature of the payload, as `minisign -S` writes it. Its trusted comment is the
//! *label*; it is signed like the payload, and until both were verified nothing of either is used.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use minisign_verify::{Error, PublicKey, Signature};
use semver::Version;

use super::fault::{Fault, unreadable};

/// The first line, by which a release is known.
const MAGIC: &str = "spotter release 1";
/// The lines before the payload.
const LINES: usize = 5;
/// They are no longer than this together.
const HEAD_BYTES: usize = 4096;
/// How much is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What the label says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Label {
    pub(super) version: Version,
    /// The processor, as Rust names it.
    pub(super) arch: String,
    /// `any`, or one of the names that a board has in its device tree.
    pub(super) board: String,
    /// What the payload's files have together, unpacked.
    pub(super) bytes: u64,
}

/// Verifies all of `file`, which `path` names to people, and leaves it at the beginning of the payload.
///
/// # Errors
/// It is no release, no key of `keys` signed it, or it is not what was signed.
pub(super) fn verified(file: &mut File, path: &Path, keys: &[PublicKey]) -> Result<Label, Fault> {
    let name = path.display().to_string();
    let failed = |why: io::Error| unreadable(path, &why);
    let (signature, payload) = head(file).map_err(failed)?.ok_or(Fault::NotRelease { path: name.clone() })?;
    let mut stranger = true;
    for key in keys {
        let mut verifier = match key.verify_stream(&signature) {
            Ok(verifier) => verifier,
            Err(Error::UnexpectedKeyId) => continue,
            // An old form, in which nothing can be verified piece by piece.
            Err(_) => return Err(Fault::NotRelease { path: name }),
        };
        stranger = false;
        file.seek(SeekFrom::Start(payload)).map_err(failed)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => verifier.update(&piece[..len]),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(failed(why)),
            }
        }
        if verifier.finalize().is_ok() {
            file.seek(SeekFrom::Start(payload)).map_err(failed)?;
            return label(signature.trusted_comment()).map_err(|why| Fault::Label { path: name, why });
        }
    }
    Err(if stranger { Fault::Stranger { path: name } } else { Fault::Damaged { path: name } })
}

/// The signature and where the payload begins; nothing when it does not begin like a release.
pub(super) fn head(file: &mut File) -> io::Result<Option<(Signature, u64)>> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let Some(end) = ends.take(LINES).nth(LINES - 1) else { return Ok(None) };
    let signed = std::str::from_utf8(&bytes[..end]).ok().and_then(|text| text.strip_prefix(MAGIC)?.strip_prefix('\n'));
    Ok(signed.and_then(|text| Signature::decode(text).ok()).map(|signature| (signature, end as u64)))
}

/// Reads `product=spotter version=… arch=… board=… bytes=…`; names that are not known are for later versions.
pub(super) fn label(text: &str) -> Result<Label, String> {
    let value = |name: &str| {
        let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.filter(|value| !value.is_empty()).ok_or_else(|| format!("its label has no {name}"))
    };
    match value("product")? {
        "spotter" => {}
        other => return Err(format!("its product is {other}")),
    }
    let version = value("version")?;
    let bytes = value("bytes")?;
    Ok(Label {
        version: Version::parse(version).map_err(|why| format!("its version {version}: {why}"))?,
        arch: value("arch")?.into(),
        board: value("board")?.into(),
        bytes: bytes.parse().map_err(|why| format!("its bytes {bytes}: {why}"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_and_what_it_lacks_is_said() {
        let whole = "product=spotter version=1.2.3-rc.1 arch=aarch64 board=a,b later=x bytes=7";
        let read = label(whole).unwrap();
        assert_eq!((read.version.to_string().as_str(), read.bytes, read.board.as_str()), ("1.2.3-rc.1", 7, "a,b"));
        for (from, to, why) in [
            ("product=spotter", "product=mixer", "its product is mixer"),
            ("product=spotter ", "", "its label has no product"),
            ("arch=aarch64", "arch=", "its label has no arch"),
            ("bytes=7", "bytes=-7", "its bytes -7: invalid digit found in string"),
            ("1.2.3-rc.1", "1.2", "its version 1.2: unexpected end of input while parsing minor version number"),
            (
                "1.2.3-rc.1",
                "../1.2.3",
                "its version ../1.2.3: unexpected character '.' while parsing major version number",
            ),
        ] {
            assert_eq!(label(&whole.replace(from, to)).unwrap_err(), why);
        }
    }
}
