//! A certificate for localhost, and a client that trusts it.

use std::path::Path;
use std::sync::Arc;

use keystead_server::TlsFiles;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Writes a new certificate and its key into `folder`.
pub(crate) fn certificate(folder: &Path) -> (TlsFiles, CertificateDer<'static>) {
    certificate_named(folder, "server")
}

/// The same with file names that begin so.
pub(crate) fn certificate_named(folder: &Path, name: &str) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files =
        TlsFiles { certificate: folder.join(format!("{name}.pem")), private_key: folder.join(format!("{name}.key")) };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.private_key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

pub(crate) async fn connect(
    stream: TcpStream,
    root: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    alpn: &[&[u8]],
) -> TlsStream<TcpStream> {
    connect_trusting(stream, std::slice::from_ref(root), version, alpn).await
}

/// A new client, which remembers no session, that trusts several certificates.
pub(crate) async fn connect_trusting(
    stream: TcpStream,
    trusted: &[CertificateDer<'static>],
    version: &'static SupportedProtocolVersion,
    alpn: &[&[u8]],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    for root in trusted {
        roots.add(root.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}
