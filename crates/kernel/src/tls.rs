//! Server certificates: from files, or self-signed for a machine of one's own.

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Why there is no certificate. The text names the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// Makes aws-lc-rs the process's crypto provider. Call first thing in `main`; later calls do nothing.
pub fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A server configuration from PEM files (certificate chain, private key), offering HTTP/2 and HTTP/1.1. The files are read
/// again when they change (a renewed certificate in a mounted Secret), looked at once in [`RECHECK`] at most; a pair that
/// cannot be used leaves the one before in place.
///
/// # Errors
/// When a file cannot be read or the pair does not fit.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let files = Files {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        current: ArcSwap::from(read_pair(certificate, key)?),
        looked: Mutex::new((Instant::now(), stamp(certificate, key))),
    };
    let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(files));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Least time between two looks at the files of a certificate.
pub const RECHECK: Duration = Duration::from_secs(30);

/// A certificate that follows its files.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    looked: Mutex<(Instant, Option<Stamp>)>,
}

/// When both files were written, and how long they are.
type Stamp = [(SystemTime, u64); 2];

fn stamp(certificate: &Path, key: &Path) -> Option<Stamp> {
    let of = |path: &Path| std::fs::metadata(path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
    Some([of(certificate)?, of(key)?])
}

impl Files {
    fn refresh(&self) {
        // whoever finds the lock taken uses what there is
        let Ok(mut looked) = self.looked.try_lock() else { return };
        if looked.0.elapsed() < RECHECK {
            return;
        }
        looked.0 = Instant::now();
        let now = stamp(&self.certificate, &self.key);
        if now.is_none() || now == looked.1 {
            return;
        }
        match read_pair(&self.certificate, &self.key) {
            Ok(pair) => {
                looked.1 = now;
                self.current.store(pair);
                tracing::info!(file = %self.certificate.display(), "the certificate was read again");
            }
            // half of a pair that is being replaced: the next look finds both
            Err(error) => tracing::warn!(%error, "the changed certificate cannot be used; the one before stays"),
        }
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.refresh();
        Some(self.current.load_full())
    }
}

fn read_pair(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| TlsError(format!("certificate {}: {e}", certificate.display())))?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|e| TlsError(format!("private key {}: {e}", key.display())))?;
    let pair = CertifiedKey::from_der(chain, key_der, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|e| TlsError(format!("certificate {} and key do not fit: {e}", certificate.display())))?;
    Ok(Arc::new(pair))
}

/// A self-signed certificate for `names` (host names or addresses), made anew at every start.
///
/// # Errors
/// When a name cannot stand in a certificate.
pub fn self_signed(names: &[String]) -> Result<Arc<ServerConfig>, TlsError> {
    let made = rcgen::generate_simple_self_signed(names.to_vec())
        .map_err(|e| TlsError(format!("self-signed certificate: {e}")))?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(|e| TlsError(e.to_owned()))?;
    config(vec![made.cert.der().clone()], key)
}

/// A certificate chain and its private key, both in PEM.
pub struct PemPair {
    /// Certificate chain.
    pub certificate: String,
    /// Private key (PKCS #8).
    pub key: SecretString,
}

/// A self-signed certificate for `names` (host names or addresses) that lasts `days` days from `now` (seconds since the
/// Unix epoch), with the given private key (PEM) or a new one (ECDSA P-256).
///
/// # Errors
/// When a name cannot stand in a certificate, or the key cannot be read.
pub fn self_signed_pem(names: &[String], key: Option<&str>, now: i64, days: i64) -> Result<PemPair, TlsError> {
    let refuse = |e: rcgen::Error| TlsError(format!("self-signed certificate: {e}"));
    let key = match key {
        Some(pem) => {
            rcgen::KeyPair::from_pem(pem).map_err(|_| TlsError("the private key is no PEM of PKCS #8".into()))?
        }
        None => rcgen::KeyPair::generate().map_err(refuse)?,
    };
    let mut params = rcgen::CertificateParams::new(names.to_vec()).map_err(refuse)?;
    let name = names.first().map_or("localhost", String::as_str);
    params.distinguished_name.push(rcgen::DnType::CommonName, name.chars().take(64).collect::<String>());
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let day = |offset: i64| {
        let date = jiff::Timestamp::from_second(now + offset * 86_400)
            .map_err(|_| TlsError("the clock is out of range".to_owned()))?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        Ok::<_, TlsError>(rcgen::date_time_ymd(date.year().into(), month, day))
    };
    // a day early: clocks of clients differ
    params.not_before = day(-1)?;
    params.not_after = day(days)?;
    let made = params.self_signed(&key).map_err(refuse)?;
    Ok(PemPair { certificate: made.pem(), key: key.serialize_pem().into() })
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| TlsError(format!("certificate and key do not fit: {e}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn write(folder: &Path, name: &str) {
        let pair = self_signed_pem(&[name.to_owned()], None, 1_800_000_000, 30).unwrap();
        std::fs::write(folder.join("tls.crt"), pair.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), pair.key.expose_secret()).unwrap();
    }

    #[test]
    fn a_changed_certificate_is_read_again_and_a_broken_one_is_not() {
        install_provider();
        let folder = std::env::temp_dir().join(format!("mainstay-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder, "one.example");
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        let files = Files {
            current: ArcSwap::from(read_pair(&certificate, &key).unwrap()),
            looked: Mutex::new((Instant::now(), stamp(&certificate, &key))),
            certificate: certificate.clone(),
            key,
        };
        let first = files.current.load_full();
        let look = || {
            files.looked.lock().unwrap().0 = Instant::now().checked_sub(RECHECK).unwrap();
            files.refresh();
            files.current.load_full()
        };
        assert!(Arc::ptr_eq(&first, &look()), "nothing changed");
        write(&folder, "a-longer-name.example");
        let second = look();
        assert_ne!(first.cert, second.cert);
        std::fs::write(&certificate, "no certificate").unwrap();
        assert_eq!(second.cert, look().cert, "the one before stays");
        assert!(from_files(&certificate, &folder.join("tls.key")).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
