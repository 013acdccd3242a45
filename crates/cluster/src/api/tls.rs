//! The API server's certificate: made anew at each start by an authority that lives in memory only.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls;

/// What TLS needs: the server's side, and the authority for clients.
pub(crate) struct TlsMaterial {
    pub(crate) server: Arc<rustls::ServerConfig>,
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: String,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("cannot make the API server's certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS did not take the certificate.
    #[error("TLS does not accept the API server's certificate: {0}")]
    Tls(#[from] rustls::Error),
}

impl TlsMaterial {
    /// A fresh authority and a certificate for `address`, `localhost` and `kubernetes`.
    pub(crate) fn generate(address: IpAddr) -> Result<Self, TlsError> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::<String>::new())?;
        ca.distinguished_name.push(DnType::CommonName, "shoplab");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let names = [
            address.to_string(),
            "127.0.0.1".into(),
            "localhost".into(),
            "kubernetes".into(),
        ];
        let mut server = CertificateParams::new(names.to_vec())?;
        server
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&key, &issuer)?;

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private.into())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(config),
            ca_pem,
        })
    }
}
