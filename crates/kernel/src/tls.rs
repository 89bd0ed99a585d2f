//! Server certificates: from files, or self-signed for a machine of one's own.

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
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

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| TlsError(format!("certificate and key do not fit: {e}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
