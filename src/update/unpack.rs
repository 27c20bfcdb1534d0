//! The payload of a release, unpacked: plain files and folders below the one that was given, and nothing else.
//!
//! Whoever signs may be mistaken, and so may the tool that packed. So each member is looked at before it is made: no link, no device, no
//! path that leaves the folder, no file with another's rights; and all of them together have exactly the bytes that the label names.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Entry};

use super::fault::{Fault, unwritable};
use super::place::{allow, sync_folder};

/// Members that a release may have.
const MEMBERS: usize = 1024;
/// What a tar has beside its files, for each member.
const MEMBER_BYTES: u64 = 1024;
/// Set user, set group, sticky.
const SPECIAL: u32 = 0o7000;

/// Unpacks the payload that `file` stands at into `folder`, which is made. `path` names the release to people. What lies
/// there afterwards is on the disk.
///
/// # Errors
/// It holds what it may not, or not `bytes` bytes, or there is no room. The folder may then hold a part of it.
pub(super) fn unpack(file: &mut File, path: &Path, bytes: u64, folder: &Path) -> Result<(), Fault> {
    let name = path.display().to_string();
    let damaged = || Fault::Damaged { path: name.clone() };
    fs::create_dir(folder).and_then(|()| allow(folder, 0o755)).map_err(|why| unwritable(folder, &why))?;
    // No more than this comes out of it, whatever the compression hides.
    let most = bytes.saturating_add((MEMBERS as u64 + 2) * MEMBER_BYTES);
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)).take(most));
    let mut left = bytes;
    // Raw: what only describes the next member, as long names do, is seen and refused like any other.
    for (count, entry) in archive.entries().map_err(|_| damaged())?.raw(true).enumerate() {
        let mut entry = entry.map_err(|_| damaged())?;
        let member = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let refused = |why: &'static str| Fault::Member { path: name.clone(), member: member.clone(), why };
        if count == MEMBERS {
            return Err(refused("it is one too many"));
        }
        let (inside, is_folder) = looked_at(&entry).map_err(refused)?;
        let to = folder.join(inside);
        if is_folder {
            make_folder(folder, &to)?;
            continue;
        }
        left = left.checked_sub(entry.size()).ok_or_else(|| refused("together they are more than was signed"))?;
        make_folder(folder, to.parent().unwrap_or(folder))?;
        write(&mut entry, &to).map_err(|why| match why {
            Trouble::Read => damaged(),
            Trouble::Twice => refused("it is there twice"),
            Trouble::Write(why) => unwritable(&to, &why),
        })?;
    }
    if left > 0 {
        return Err(damaged());
    }
    sync_all(folder).map_err(|why| unwritable(folder, &why))
}

/// The path of a member below the folder, and whether it is a folder itself.
///
/// # Errors
/// Why no update may hold it.
fn looked_at<R: Read>(entry: &Entry<'_, R>) -> Result<(PathBuf, bool), &'static str> {
    let kind = entry.header().entry_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err("it is no file and no folder");
    }
    if entry.header().mode().map_err(|_| "it has no mode")? & SPECIAL != 0 {
        return Err("it would run with another's rights");
    }
    let path = entry.path().map_err(|_| "it has no path")?;
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            _ => return Err("it leads out of its folder"),
        }
    }
    if inside.as_os_str().is_empty() && kind.is_file() { Err("it has no path") } else { Ok((inside, kind.is_dir())) }
}

enum Trouble {
    Read,
    Twice,
    Write(io::Error),
}

/// One file, new, with the rights of a program or of a plain file.
fn write<R: Read>(entry: &mut Entry<'_, R>, to: &Path) -> Result<(), Trouble> {
    let is_program = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
    let mode = if is_program { 0o755 } else { 0o644 };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(to).map_err(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => Trouble::Twice,
            _ => Trouble::Write(why),
        })?;
    let (mut left, mut piece) = (entry.size(), vec![0; 128 * 1024]);
    while left > 0 {
        let len = entry.read(&mut piece).map_err(|_| Trouble::Read)?;
        if len == 0 {
            return Err(Trouble::Read);
        }
        io::Write::write_all(&mut file, &piece[..len]).map_err(Trouble::Write)?;
        left = left.saturating_sub(len as u64);
    }
    allow(to, mode).and_then(|()| file.sync_all()).map_err(Trouble::Write)
}

/// `to` and the folders between it and `top`, for all to read.
fn make_folder(top: &Path, to: &Path) -> Result<(), Fault> {
    let missing: Vec<&Path> = to.ancestors().take_while(|folder| *folder != top && !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder).and_then(|()| allow(folder, 0o755)).map_err(|why| unwritable(folder, &why))?;
    }
    Ok(())
}

/// The folders; the files were, each as it was written.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};
    use tar::{Builder, EntryType, Header};

    /// A payload of one member and its bytes, unpacked.
    fn tried(path: &str, kind: EntryType, mode: u32, content: &[u8], bytes: u64) -> Result<(), Fault> {
        let mut header = Header::new_ustar();
        let name = header.as_old_mut();
        // The library refuses to pack what it should not; the bytes are set by hand.
        name.name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, content).unwrap();
        unpacked(&builder.into_inner().unwrap(), bytes)
    }

    fn unpacked(archive: &[u8], bytes: u64) -> Result<(), Fault> {
        let mut packed = flate2::write::GzEncoder::new(tempfile::tempfile().unwrap(), flate2::Compression::fast());
        packed.write_all(archive).unwrap();
        let mut file = packed.finish().unwrap();
        file.rewind().unwrap();
        let folder = tempfile::tempdir().unwrap();
        unpack(&mut file, Path::new("FILE"), bytes, &folder.path().join("new"))?;
        let outside = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(outside, 1, "nothing beside the folder");
        Ok(())
    }

    fn why(outcome: Result<(), Fault>) -> &'static str {
        match outcome {
            Err(Fault::Member { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_plain_files_and_folders_below_the_folder_are_made() {
        let plain = EntryType::Regular;
        assert_eq!(tried("./a/b", plain, 0o644, b"four", 4), Ok(()));
        assert_eq!(tried("a/", EntryType::Directory, 0o755, b"", 0), Ok(()));
        for path in ["../b", "a/../../b", "/etc/b"] {
            assert_eq!(why(tried(path, plain, 0o644, b"four", 4)), "it leads out of its folder", "{path}");
        }
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo] {
            assert_eq!(why(tried("a", kind, 0o644, b"", 0)), "it is no file and no folder", "{kind:?}");
        }
        for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::GNUSparse] {
            assert_eq!(why(tried("a", kind, 0o644, b"", 0)), "it is no file and no folder", "{kind:?}");
        }
        for mode in [0o4755, 0o2755, 0o1755] {
            assert_eq!(why(tried("a", plain, mode, b"", 0)), "it would run with another's rights", "{mode:o}");
        }
        assert_eq!(why(tried(".", plain, 0o644, b"", 0)), "it has no path");
    }

    #[test]
    fn files_have_the_bytes_that_were_signed_to_the_last_one() {
        let damaged = Err(Fault::Damaged { path: "FILE".into() });
        assert_eq!(tried("a", EntryType::Regular, 0o644, b"four", 4), Ok(()));
        assert_eq!(tried("a", EntryType::Regular, 0o644, b"four", 5), damaged);
        assert_eq!(why(tried("a", EntryType::Regular, 0o644, b"four", 3)), "together they are more than was signed");
        assert_eq!(unpacked(b"no archive at all", 0), damaged);
        // Cut off within a file.
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_ustar();
        header.set_size(2048);
        header.set_mode(0o644);
        builder.append_data(&mut header, "a", [7; 2048].as_slice()).unwrap();
        assert_eq!(unpacked(&builder.into_inner().unwrap()[..1024], 2048), damaged);
    }

    #[test]
    fn the_last_member_that_may_be_is_taken_and_one_more_is_not() {
        let members = |count: usize| {
            let mut builder = Builder::new(Vec::new());
            for n in 0..count {
                let mut header = Header::new_ustar();
                header.set_size(0);
                header.set_mode(0o644);
                builder.append_data(&mut header, format!("{n}"), [].as_slice()).unwrap();
            }
            unpacked(&builder.into_inner().unwrap(), 0)
        };
        assert_eq!(members(MEMBERS), Ok(()));
        assert_eq!(why(members(MEMBERS + 1)), "it is one too many");
    }

    #[test]
    fn no_member_is_written_twice() {
        let mut builder = Builder::new(Vec::new());
        for _ in 0..2 {
            let mut header = Header::new_ustar();
            header.set_size(0);
            header.set_mode(0o644);
            builder.append_data(&mut header, "a", [].as_slice()).unwrap();
        }
        assert_eq!(why(unpacked(&builder.into_inner().unwrap(), 0)), "it is there twice");
    }
}
