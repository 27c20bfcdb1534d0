//! A certificate and its key: read from the files that are given, or the box's own, which it makes at the first start and
//! keeps in one file for itself alone, so that the two can never be of different age.
//!
//! The own one is signed by itself. It holds for 820 days, since some systems take none that holds for more than 825, and is
//! made anew when less than 30 days of it are left. A file of its own that is damaged is replaced rather than refused: there is
//! nobody at the box to mend it. One that cannot be written is shown all the same, and is tried again.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::{Given, TlsFault, validity};
use crate::http::stamp;
use crate::store;
use crate::time::Wall;

/// The own certificate and its key, in the data directory.
pub const FILE: &str = "tls.pem";
/// A file may be this long.
const FILE_BYTES: u64 = 256 * 1024;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// So many days an own certificate holds, and it held one before it was made: clocks differ.
const HOLDS_DAYS: u64 = 820;
/// It is made anew when fewer are left.
const LEFT_DAYS: u64 = 30;
/// What a clock that is not set stands for: the earliest time that it can be.
const EARLIEST: Wall = Wall::from_unix_ms(1_767_225_600_000);

/// A certificate that can be shown.
pub struct Identity {
    /// It, its chain and its key.
    pub key: Arc<CertifiedKey>,
    /// Its fingerprint: 32 bytes in hexadecimal with colons between them.
    pub sha256: String,
    /// When it holds, in milliseconds since 1970.
    pub holds: Range<u64>,
    /// Where it stands.
    place: String,
    /// The text of an own one that could not be kept.
    unkept: Option<String>,
}

/// Neither the key nor the text that holds it.
impl std::fmt::Debug for Identity {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Identity").field("place", &self.place).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

impl Identity {
    /// One that is given.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn given(given: &Given) -> Result<Identity, TlsFault> {
        let (certificate, key) = (text_of(&given.certificate)?, text_of(&given.key)?);
        Identity::of((&given.certificate, &certificate), (&given.key, &key))
    }

    /// The own one that is kept in `file`.
    ///
    /// # Errors
    /// It is not there or cannot be used.
    pub fn kept(file: &Path) -> Result<Identity, TlsFault> {
        let text = text_of(file)?;
        Identity::of((file, &text), (file, &text))
    }

    /// The own one: that in `file`, unless it is about to end or damaged; else `current`, if it could not be kept before;
    /// else a new one with these names.
    ///
    /// # Errors
    /// None can be made.
    pub fn own(
        file: &Path,
        names: impl FnOnce() -> Vec<SanType>,
        now: Wall,
        current: Option<&Identity>,
    ) -> Result<Identity, TlsFault> {
        match Identity::kept(file) {
            Ok(identity) if !identity.is_due(now) => return Ok(identity),
            Ok(_) => log::info!("tls: the certificate in {} is about to end, a new one is made", file.display()),
            Err(_) if is_absent(file) => {}
            Err(fault) => log::warn!("tls: {fault}; a new one is made"),
        }
        let again = current.filter(|identity| !identity.is_due(now)).and_then(|identity| identity.unkept.clone());
        let known_lost = again.is_some();
        let text = again.map_or_else(|| make(names(), now), Ok)?;
        let mut identity = Identity::of((file, &text), (file, &text))?;
        if let Err(why) = keep(file, &text) {
            if !known_lost {
                log::warn!(
                    "tls: the certificate cannot be kept in {}: {why}; the next start makes another",
                    file.display()
                );
            }
            identity.unkept = Some(text);
        }
        Ok(identity)
    }

    fn of((path, text): (&Path, &str), (key_path, key_text): (&Path, &str)) -> Result<Identity, TlsFault> {
        let (certificate, key_file) = (path.display().to_string(), key_path.display().to_string());
        let unusable = |why: String| TlsFault::BadCertificate { path: certificate.clone(), why };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let chain = chain.map_err(|why| unusable(why.to_string()))?;
        let Some(first) = chain.first() else { return Err(TlsFault::NoCertificate { path: certificate }) };
        let holds = validity::of(first).ok_or_else(|| unusable("it does not say when it holds".into()))?;
        let sha256 = fingerprint(first);
        let key = PrivateKeyDer::from_pem_slice(key_text.as_bytes())
            .map_err(|_| TlsFault::NoKey { path: key_file.clone() })?;
        let signing = ring::default_provider().key_provider.load_private_key(key);
        let signing = signing.map_err(|why| TlsFault::BadKey { path: key_file.clone(), why: why.to_string() })?;
        let key = CertifiedKey::new(chain, signing);
        match key.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(_)) => return Err(TlsFault::NoPair { certificate, key: key_file }),
            Err(why) => return Err(unusable(why.to_string())),
        }
        Ok(Identity { key: Arc::new(key), sha256, holds, place: certificate, unkept: None })
    }

    /// Whether the next start finds it.
    pub fn is_kept(&self) -> bool {
        self.unkept.is_none()
    }

    /// Whether a browser refuses it because of the time, or will soon. A clock that is not set says nothing.
    pub fn is_due(&self, now: Wall) -> bool {
        let now = now.unix_ms();
        store::is_plausible(now)
            && !(self.holds.start..self.holds.end.saturating_sub(LEFT_DAYS * DAY_MS)).contains(&now)
    }

    /// What a person is told of it.
    pub fn told(&self) -> String {
        let mut until = Vec::new();
        stamp::http_date(&mut until, Wall::from_unix_ms(self.holds.end));
        let until = String::from_utf8_lossy(&until).into_owned();
        format!("the certificate in {} has the SHA-256 fingerprint {} and holds until {until}", self.place, self.sha256)
    }
}

/// As browsers and OpenSSL write it.
fn fingerprint(certificate: &[u8]) -> String {
    let bytes = Sha256::digest(certificate);
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Whether nothing is there, rather than something that this user may not see.
pub(super) fn is_absent(file: &Path) -> bool {
    file.symlink_metadata().is_err_and(|why| why.kind() == ErrorKind::NotFound)
}

fn text_of(file: &Path) -> Result<String, TlsFault> {
    let unread = |why: std::io::Error| TlsFault::Unread { path: file.display().to_string(), why: why.to_string() };
    let mut text = Vec::new();
    File::open(file).and_then(|open| open.take(FILE_BYTES).read_to_end(&mut text)).map_err(unread)?;
    // What is no text holds no PEM, which is said as such.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A new certificate and its key, as PEM.
fn make(names: Vec<SanType>, now: Wall) -> Result<String, TlsFault> {
    let not_made = |why: rcgen::Error| TlsFault::NotMade { why: why.to_string() };
    let now = if store::is_plausible(now.unix_ms()) { now } else { EARLIEST };
    let since_1970 = |ms: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(ms);
    let mut params = CertificateParams::default();
    params.not_before = since_1970(now.unix_ms() - DAY_MS);
    params.not_after = since_1970(now.unix_ms() + HOLDS_DAYS * DAY_MS);
    let called = names.iter().find_map(|name| match name {
        SanType::DnsName(name) => Some(name.to_string()),
        _ => None,
    });
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, called.as_deref().unwrap_or("spotter"));
    params.distinguished_name.push(DnType::OrganizationName, "Spotter");
    params.subject_alt_names = names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // ECDSA on P-256, which every browser takes and which costs the box little.
    let key = KeyPair::generate().map_err(not_made)?;
    let certificate = params.self_signed(&key).map_err(not_made)?;
    Ok(pem("CERTIFICATE", certificate.der()) + &pem("PRIVATE KEY", key.serialized_der()))
}

/// RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {label}-----\n")
}

/// For the box alone, and whole or not at all, whenever the power goes.
fn keep(file: &Path, text: &str) -> std::io::Result<()> {
    let (part, folder) = (file.with_extension("pem.part"), file.parent().unwrap_or(Path::new(".")));
    // What a power cut left would keep its own mode.
    match fs::remove_file(&part) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut open = File::options().write(true).create_new(true).mode(0o600).open(&part)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    fs::rename(&part, file)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;

    const NOW: Wall = Wall::from_unix_ms(1_800_000_000_000);

    fn names() -> Vec<SanType> {
        vec![SanType::DnsName("box".to_string().try_into().unwrap()), SanType::IpAddress([10, 0, 0, 7].into())]
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        (folder, file)
    }

    fn own(file: &Path, now: Wall) -> Identity {
        Identity::own(file, names, now, None).unwrap()
    }

    #[test]
    fn what_is_printed_of_it_holds_no_key() {
        // Nothing can be kept in a folder that is not there, so it holds its own text.
        let identity = own(Path::new("/nowhere/tls.pem"), NOW);
        assert!(identity.unkept.as_ref().is_some_and(|text| text.contains("PRIVATE KEY")));
        let said = format!("{identity:?}");
        assert!(said.contains(&identity.sha256) && !said.contains("PRIVATE KEY"), "{said}");
    }

    fn days(days: i64) -> Wall {
        Wall::from_unix_ms(NOW.unix_ms().saturating_add_signed(days * DAY_MS as i64))
    }

    #[test]
    fn an_own_certificate_is_made_once_and_kept_for_the_box_alone() {
        let (folder, file) = folder();
        fs::write(folder.path().join("tls.pem.part"), "what a power cut left").unwrap();
        let first = own(&file, NOW);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(first.holds, NOW.unix_ms() - DAY_MS..NOW.unix_ms() + 820 * DAY_MS);
        assert!((first.holds.end - first.holds.start) / DAY_MS <= 825, "some systems take no longer one");
        assert_eq!(own(&file, days(1)).sha256, first.sha256, "the box has restarted");
        assert_eq!(first.sha256.len(), 32 * 3 - 1);
        assert!(
            first.told().contains(&first.sha256) && first.told().ends_with("holds until Sat, 14 Apr 2029 08:00:00 GMT")
        );
    }

    #[test]
    fn it_is_made_anew_when_30_days_are_left_and_when_it_is_of_the_future() {
        let (_folder, file) = folder();
        let first = own(&file, NOW);
        let last = Wall::from_unix_ms(days(790).unix_ms() - 1);
        assert_eq!(own(&file, last).sha256, first.sha256);
        let second = own(&file, days(790));
        assert_ne!(second.sha256, first.sha256);
        assert_eq!(second.holds.end, days(790 + 820).unix_ms());
        assert_eq!(own(&file, days(791)).sha256, second.sha256);
        let third = own(&file, days(780));
        assert_ne!(third.sha256, second.sha256, "the clock was wrong when it was made");
    }

    #[test]
    fn a_clock_that_is_not_set_makes_one_that_holds_when_it_is() {
        let (_folder, file) = folder();
        let first = own(&file, Wall::from_unix_ms(7_000));
        assert_eq!(first.holds.start, EARLIEST.unix_ms() - DAY_MS);
        assert!(!first.is_due(Wall::from_unix_ms(7_000)) && !first.is_due(EARLIEST));
        assert_eq!(own(&file, EARLIEST).sha256, first.sha256);
        assert_eq!(store::is_plausible(EARLIEST.unix_ms()), !store::is_plausible(EARLIEST.unix_ms() - 1));
    }

    #[test]
    fn one_that_is_damaged_is_replaced_and_one_that_cannot_be_kept_is_tried_again() {
        let (folder, file) = folder();
        let first = own(&file, NOW);
        let whole = fs::read_to_string(&file).unwrap();
        for length in [0, 100, whole.len() / 2, whole.len() - 40] {
            fs::write(&file, &whole[..length]).unwrap();
            let next = own(&file, NOW);
            assert_ne!(next.sha256, first.sha256, "{length}");
            assert_eq!(own(&file, NOW).sha256, next.sha256);
        }
        let missing = folder.path().join("not yet");
        let late = missing.join(FILE);
        let unkept = own(&late, NOW);
        assert!(unkept.unkept.is_some());
        let still = Identity::own(&late, names, NOW, Some(&unkept)).unwrap();
        assert_eq!((still.sha256.clone(), still.unkept.is_some()), (unkept.sha256.clone(), true));
        fs::create_dir(&missing).unwrap();
        let kept = Identity::own(&late, names, NOW, Some(&still)).unwrap();
        assert_eq!((kept.sha256.clone(), kept.unkept), (unkept.sha256, None));
        assert_eq!(own(&late, NOW).sha256, kept.sha256);
        fs::copy(&file, &late).unwrap();
        let other = Identity::own(&late, names, NOW, Some(&still)).unwrap();
        assert_eq!(other.sha256, own(&file, NOW).sha256, "what is there goes before what could not be kept");
    }

    #[test]
    fn what_is_given_and_wrong_is_said_with_its_file() {
        let (folder, file) = folder();
        let at = |name: &str| folder.path().join(name);
        own(&file, NOW);
        own(&at("other"), NOW);
        fs::write(at("text"), "no PEM").unwrap();
        fs::write(at("torn"), pem("CERTIFICATE", b"0123") + &pem("PRIVATE KEY", b"0123")).unwrap();
        let given = |certificate: &Path, key: &Path| {
            Identity::given(&Given { certificate: certificate.into(), key: key.into() }).map(|identity| identity.sha256)
        };
        let shown = |path: &Path| path.display().to_string();
        assert_eq!(given(&file, &file), Ok(own(&file, NOW).sha256));
        let (text, torn, none) = (at("text"), at("torn"), at("none"));
        let unread = TlsFault::Unread { path: shown(&none), why: "No such file or directory (os error 2)".into() };
        assert_eq!(given(&none, &file), Err(unread.clone()));
        assert_eq!(given(&file, &none), Err(unread));
        assert_eq!(given(&text, &file), Err(TlsFault::NoCertificate { path: shown(&text) }));
        assert_eq!(given(&file, &text), Err(TlsFault::NoKey { path: shown(&text) }));
        assert_eq!(
            given(&file, &at("other")),
            Err(TlsFault::NoPair { certificate: shown(&file), key: shown(&at("other")) })
        );
        let why = given(&torn, &file).unwrap_err();
        assert!(matches!(&why, TlsFault::BadCertificate { path, .. } if *path == shown(&torn)), "{why}");
        let why = given(&file, &torn).unwrap_err();
        assert!(matches!(&why, TlsFault::BadKey { path, .. } if *path == shown(&torn)), "{why}");
    }
}
