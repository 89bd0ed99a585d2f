//! Server certificates: from files, or self-signed for a machine of one's own.

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::SecretString;
use std::path::Path;
use std::sync::Arc;

/// Why there is no certificate. The text names the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// Makes aws-lc-rs the process's crypto provider. Call first thing in `main`; later calls do nothing.
pub fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A server configuration from PEM files (certificate chain, private key), offering HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When a file cannot be read or the pair does not fit.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| TlsError(format!("certificate {}: {e}", certificate.display())))?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|e| TlsError(format!("private key {}: {e}", key.display())))?;
    config(chain, key_der)
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
