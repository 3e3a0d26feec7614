//! Whom TLS trusts, and which protocols it offers.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// The machine's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` count), or Mozilla's where the machine has none, and
/// the operator's own.
pub(crate) fn roots(extra_roots_pem: &[Vec<u8>]) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = machine_roots();
    for (index, pem) in extra_roots_pem.iter().enumerate() {
        add_extra_root(&mut roots, pem).map_err(|reason| Error::ExtraRoot { number: index + 1, reason })?;
    }
    Ok(Arc::new(roots))
}

/// Offers these protocols (ALPN) in this order.
pub(crate) fn config(roots: &Arc<RootCertStore>, protocols: &[&str]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(config)
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    // Stores of real machines hold certificates that are out of date in form; those are left out.
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn add_extra_root(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before {
        return Err("it holds no certificate".to_owned());
    }
    Ok(())
}
