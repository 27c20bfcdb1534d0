//! What TLS is spoken with: the settings of every session, and the certificate that is shown, which can be another one
//! while the box runs.
//!
//! The box makes its own certificate at the first start and keeps it; or one is given, of which the files are looked at now
//! and then, so that whoever renews them need not restart the box. TLS 1.2 and 1.3, HTTP/1.1 alone, no client
//! certificates, no early data. Nothing here waits for a client.
//!
//! *own*: made by the box, signed by nobody else · *given*: named in the config · *fingerprint*: the SHA-256 of the
//! certificate, by which a person recognises it.

mod fault;
mod identity;
mod names;
mod validity;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use serde::Serialize;

pub use fault::TlsFault;
pub use identity::{FILE, Identity};

use crate::time::{Mono, Wall};

/// How often the certificate is looked at.
const LOOK: Duration = Duration::from_secs(60);

/// What the config says of TLS.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Where to listen, `host:port`; empty: TLS is not spoken.
    pub listen: String,
    /// PEM files of a certificate, with its chain, and of its key; nothing: the box makes its own.
    pub given: Option<Given>,
}

/// A certificate that is not the box's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// The certificate and those that lead from it to an authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Where a certificate comes from.
enum Source {
    Own { file: PathBuf, hosts: Vec<String> },
    Given(Given),
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(ArcSwap<Identity>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load().key.clone())
    }
}

/// TLS of the whole box.
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    source: Source,
    /// When the certificate is looked at again, and why the last look came to nothing, which is said once.
    next: Mutex<(Mono, Option<String>)>,
}

/// What people are told of the certificate.
#[derive(Serialize)]
pub struct About {
    /// Its fingerprint, as browsers and OpenSSL write it.
    pub sha256: String,
    /// From when it holds, in milliseconds since 1970.
    pub begins_ms: u64,
    /// Until when.
    pub ends_ms: u64,
    /// The box made it.
    pub own: bool,
}

impl Tls {
    /// Reads the certificate, or makes and keeps one; nothing where TLS is not wanted. `hosts` are more names of the box.
    ///
    /// # Errors
    /// What is given cannot be used, or none can be made.
    pub fn open(settings: &super::Settings, now: Wall) -> Result<Option<Arc<Tls>>, TlsFault> {
        if settings.tls.listen.is_empty() {
            return Ok(None);
        }
        let source = Source::of(settings);
        let identity = source.identity(now, None)?;
        match identity.is_due(now) {
            true => log::warn!("tls: {}; browsers refuse it, or will soon", identity.told()),
            false => log::info!("tls: {}", identity.told()),
        }
        let shown = Arc::new(Shown(ArcSwap::from_pointee(identity)));
        let config = config(shown.clone())?;
        Ok(Some(Arc::new(Tls { config, shown, source, next: Mutex::new((Mono::ZERO, None)) })))
    }

    /// What the box would show, for a person, without making anything. Nothing where TLS is not wanted.
    ///
    /// # Errors
    /// What is given cannot be used.
    pub fn foretell(settings: &super::Settings) -> Result<Option<String>, TlsFault> {
        if settings.tls.listen.is_empty() {
            return Ok(None);
        }
        let told = match Source::of(settings) {
            Source::Given(given) => Identity::given(&given)?.told(),
            Source::Own { file, .. } => match Identity::kept(&file) {
                Ok(identity) => identity.told(),
                Err(_) if identity::is_absent(&file) => {
                    format!("the certificate is made at the first start, in {}", file.display())
                }
                Err(fault) => fault.to_string(),
            },
        };
        Ok(Some(told))
    }

    /// The settings of every session.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// The certificate that is shown now.
    pub fn about(&self) -> About {
        let identity = self.shown.0.load();
        About {
            sha256: identity.sha256.clone(),
            begins_ms: identity.holds.start,
            ends_ms: identity.holds.end,
            own: matches!(self.source, Source::Own { .. }),
        }
    }

    /// Makes a new certificate when the own one is about to end, reads a given one when it was changed. At most once a
    /// minute; it may wait for the disk.
    pub fn tend(&self, mono: Mono, now: Wall) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if mono < next.0 {
            return;
        }
        next.0 = mono.plus(LOOK);
        let current = self.shown.0.load_full();
        // A file that is gone for a while, as with a disk, is no reason to be somebody else.
        if matches!(self.source, Source::Own { .. }) && current.is_kept() && !current.is_due(now) {
            return;
        }
        match self.source.identity(now, Some(&current)) {
            Ok(identity) => {
                next.1 = None;
                if identity.key.cert != current.key.cert {
                    log::info!("tls: {}", identity.told());
                    self.shown.0.store(Arc::new(identity));
                }
            }
            Err(fault) => {
                let said = fault.to_string();
                if next.1.as_ref() != Some(&said) {
                    log::warn!("tls: {said}; the certificate from before goes on being shown");
                    next.1 = Some(said);
                }
            }
        }
    }
}

impl Source {
    fn of(settings: &super::Settings) -> Source {
        match &settings.tls.given {
            Some(given) => Source::Given(given.clone()),
            None => Source::Own { file: Path::new(&settings.data_dir).join(FILE), hosts: settings.hosts.clone() },
        }
    }

    fn identity(&self, now: Wall, current: Option<&Identity>) -> Result<Identity, TlsFault> {
        match self {
            Source::Given(given) => Identity::given(given),
            Source::Own { file, hosts } => Identity::own(file, || names::of_this_box(hosts), now, current),
        }
    }
}

fn config(shown: Arc<Shown>) -> Result<Arc<ServerConfig>, TlsFault> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|why| TlsFault::NotMade { why: why.to_string() })?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
