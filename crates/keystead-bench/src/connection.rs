//! One persistent HTTP/1.1 connection to a server, plain or over TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failure;
use crate::request::PreparedRequest;
use crate::signer::Signer;

/// Where a server is reached.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Endpoint {
    /// A server without TLS.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// A server whose certificate for `name` a CA in the PEM file `ca` has issued.
    pub(crate) fn tls(address: SocketAddr, name: ServerName<'static>, ca: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { address, tls: Some((Arc::new(config), name)) })
    }

    /// Another server with the same certificate.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, tls: self.tls.clone() }
    }
}

/// What is asked of whom, and by whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) request: Arc<PreparedRequest>,
    pub(crate) signer: Signer,
}

/// A connection that sends one request over and over.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    request: Arc<PreparedRequest>,
    signer: Signer,
}

impl Connection {
    /// Connects; the current runtime drives the connection whenever it runs.
    pub(crate) async fn open(target: &Target) -> Result<Self, Failure> {
        let Target { endpoint, request, signer } = target;
        let stream = TcpStream::connect(endpoint.address).await?;
        stream.set_nodelay(true)?;
        let sender = match &endpoint.tls {
            None => http1(stream).await?,
            Some((config, name)) => {
                http1(TlsConnector::from(config.clone()).connect(name.clone(), stream).await?).await?
            }
        };
        Ok(Self { sender, request: request.clone(), signer: signer.clone() })
    }

    /// Sends the request and reads the whole answer. Every status but 200 is an error.
    pub(crate) async fn call(&mut self) -> Result<Bytes, Failure> {
        let (status, body) = self.send(&self.request.clone()).await?;
        match status {
            StatusCode::OK if !body.is_empty() => Ok(body),
            _ => Err(format!("answered with {status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }

    /// Sends another request and reads the whole answer, whatever it is.
    pub(crate) async fn send(&mut self, request: &PreparedRequest) -> Result<(StatusCode, Bytes), Failure> {
        let request = request.sign(&mut self.signer)?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

async fn http1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, hyper::Error> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends is what the next call on it reports.
    tokio::spawn(connection);
    Ok(sender)
}
