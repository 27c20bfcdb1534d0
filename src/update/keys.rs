//! Whose releases this box takes: minisign's public keys, in a file that root alone can write.

use std::fs;

use minisign_verify::PublicKey;

use super::fault::{Fault, unreadable};
use super::place::{Place, owned};

/// Where the keys stand.
pub(super) const KEYS: &str = "/etc/spotter/update.pub";

/// The keys of the box: every line of the file that is no comment.
///
/// # Errors
/// There is none, one is none, or others may write there.
pub(super) fn trusted(place: &Place) -> Result<Vec<PublicKey>, Fault> {
    let file = place.at(KEYS);
    let path = || file.display().to_string();
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Err(Fault::NoKeys { path: path() }),
        Err(why) => return Err(unreadable(&file, &why)),
    };
    owned(&file)?;
    let keys = keys_of(&text).ok_or_else(|| Fault::BadKeys { path: path() })?;
    if keys.is_empty() { Err(Fault::NoKeys { path: path() }) } else { Ok(keys) }
}

/// Nothing when a line is no key.
fn keys_of(text: &str) -> Option<Vec<PublicKey>> {
    let is_key = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("untrusted comment:");
    text.lines().map(str::trim).filter(is_key).map(|line| PublicKey::from_base64(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of minisign's own documentation.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn several_keys_and_comments_may_stand_in_the_file() {
        let two = format!("untrusted comment: minisign public key\n{KEY}\n\n# the one for next year\n{KEY}\n");
        assert_eq!(keys_of(&two).map(|keys| keys.len()), Some(2));
        assert_eq!(keys_of("# none yet\n").map(|keys| keys.len()), Some(0));
        assert!(keys_of(&format!("{KEY}\n{}\n", &KEY[1..])).is_none());
    }
}
