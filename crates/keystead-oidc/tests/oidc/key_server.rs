//! A server with TLS that publishes keys.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::signer::ISSUER;

/// An authority, and what it certifies.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn server(&self, host: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap()
    }
}

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// The same, as soon as the test says so.
    WhenTold(Arc<Notify>, Vec<u8>),
    /// Nothing at all.
    Silence,
}

impl Reply {
    pub(crate) fn of(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes())
    }

    /// Keys as soon as the test says so.
    pub(crate) fn keys_when_told(told: &Arc<Notify>, text: &str) -> Self {
        match Self::keys(text) {
            Self::Bytes(bytes) => Self::WhenTold(told.clone(), bytes),
            other => other,
        }
    }

    pub(crate) fn keys(text: &str) -> Self {
        Self::of("200 OK", "content-type: application/json\r\n", text)
    }
}

/// The server. Its port is closed with the test's runtime.
pub(crate) struct KeyServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    reply: Arc<Mutex<Reply>>,
}

impl KeyServer {
    /// Serves with a certificate for `host`.
    pub(crate) async fn start(authority: &Authority, host: &str, reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server(host)));
        let (requests, reply) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(reply)));
        let (counted, replies) = (requests.clone(), reply.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, counted, replies) = (acceptor.clone(), counted.clone(), replies.clone());
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = tls.read_u8().await else { return };
                        head.push(byte);
                    }
                    assert!(head.starts_with(b"GET /keys?v=1 HTTP/1.1\r\n"));
                    counted.fetch_add(1, Ordering::SeqCst);
                    let reply = replies.lock().unwrap().clone();
                    let bytes = match reply {
                        Reply::Bytes(bytes) => bytes,
                        Reply::WhenTold(told, bytes) => {
                            told.notified().await;
                            bytes
                        }
                        Reply::Silence => std::future::pending().await,
                    };
                    // A client that has heard enough hangs up.
                    let _ = tls.write_all(&bytes).await;
                    let _ = tls.shutdown().await;
                });
            }
        });
        Self { address, requests, reply }
    }

    pub(crate) fn uri(&self) -> String {
        format!("https://localhost:{}/keys?v=1", self.address.port())
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Waits until this many requests have come.
    pub(crate) async fn asked(&self, requests: usize) {
        while self.requests() < requests {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    pub(crate) fn issuers(&self, authority: &Authority, policy: RefreshPolicy) -> Issuers {
        let keys = KeySettings::Https { uri: self.uri(), authorities: Some(vec![authority.root()]) };
        Issuers::new(vec![IssuerSettings { issuer: ISSUER.to_owned(), keys }], policy).unwrap()
    }
}

/// Keys are fetched once, and for unknown keys as often as is asked.
pub(crate) fn at_once() -> RefreshPolicy {
    RefreshPolicy { retry_after: Duration::ZERO, ..RefreshPolicy::default() }
}
