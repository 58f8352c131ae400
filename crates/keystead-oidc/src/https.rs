//! One GET of a key set over HTTPS: no redirects, no more bytes than a key set may have, no longer than the deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::SettingsError;
use crate::key_set::{InvalidKeySet, KEY_SET_BYTES_MAX, KeySet};

const DEFAULT_PORT: u16 = 443;
/// The largest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Why a key set could not be fetched. For the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no answer in time")]
    TimedOut,
    #[error("no connection: {0}")]
    Connection(#[from] io::Error),
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer cannot be read: {0}")]
    Body(String),
    #[error("the answer is no key set: {0}")]
    KeySet(#[from] InvalidKeySet),
}

/// Fetches one key set.
pub(crate) struct HttpsKeySet {
    uri: Uri,
    host: String,
    port: u16,
    server_name: ServerName<'static>,
    tls: TlsConnector,
    timeout: Duration,
}

impl HttpsKeySet {
    /// `authorities`: whom the server's certificate must chain to; `None`: the public ones.
    pub(crate) fn new(
        uri: &str,
        authorities: Option<Vec<CertificateDer<'static>>>,
        timeout: Duration,
    ) -> Result<Self, SettingsError> {
        let Address { uri, host, port, server_name } = Address::of(uri)?;
        Ok(Self { host, port, server_name, tls: TlsConnector::from(tls_config(authorities)?), timeout, uri })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        tokio::time::timeout(self.timeout, self.get()).await.map_err(|_| FetchError::TimedOut)?
    }

    async fn get(&self) -> Result<KeySet, FetchError> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let tls = self.tls.connect(self.server_name.clone(), tcp).await?;
        let mut builder = http1::Builder::new();
        builder.max_header_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = builder.handshake(TokioIo::new(tls)).await?;
        let request = self.request()?;
        let answer = async move { read(sender.send_request(request).await?).await };
        tokio::pin!(answer, connection);
        tokio::select! {
            answer = &mut answer => answer,
            // The connection may end as soon as the answer is read off it.
            ended = &mut connection => match ended {
                Ok(()) => answer.await,
                Err(error) => Err(error.into()),
            },
        }
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, http::Error> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        Request::get(path)
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "keystead")
            .body(Empty::new())
    }
}

/// Whether a key set can be fetched from there.
pub fn check_jwks_uri(uri: &str) -> Result<(), SettingsError> {
    Address::of(uri).map(|_| ())
}

/// A URI taken apart.
struct Address {
    uri: Uri,
    host: String,
    port: u16,
    server_name: ServerName<'static>,
}

impl Address {
    fn of(text: &str) -> Result<Self, SettingsError> {
        let refused = || SettingsError::Uri(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(refused)?;
        if uri.scheme_str() != Some("https") {
            return Err(refused());
        }
        // An IPv6 address is in brackets in a URI alone.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let server_name = ServerName::try_from(host.clone()).map_err(|_| refused())?;
        let port = authority.port_u16().unwrap_or(DEFAULT_PORT);
        Ok(Self { host, port, server_name, uri })
    }
}

async fn read(answer: Response<Incoming>) -> Result<KeySet, FetchError> {
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    let body = Limited::new(answer.into_body(), KEY_SET_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            FetchError::KeySet(InvalidKeySet::TooLong)
        } else {
            FetchError::Body(error.to_string())
        }
    })?;
    Ok(KeySet::read(&body.to_bytes())?)
}

fn tls_config(authorities: Option<Vec<CertificateDer<'static>>>) -> Result<Arc<rustls::ClientConfig>, SettingsError> {
    let refused = |error: &dyn std::fmt::Display| SettingsError::Certificate(error.to_string());
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(authorities) => {
            for certificate in authorities {
                roots.add(certificate).map_err(|error| refused(&error))?;
            }
        }
    }
    if roots.is_empty() {
        return Err(refused(&"there is no certificate in it"));
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
