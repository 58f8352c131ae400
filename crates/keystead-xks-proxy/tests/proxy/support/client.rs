//! A client of the proxy: TLS, HTTP/1.1 or HTTP/2, SigV4 with every part open to change.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, PathMode, SecretAccessKey, SignableRequest, SigningKey, payload_sha256_hex,
    sign,
};
use keystead_xks::wire::{Api, ErrorName, ErrorResponse};
use keystead_xks_proxy::credential::XksCredential;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{KEY, PREFIX, REGION, RunningProxy, SERVER_NAME, copy};

pub(crate) enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// A request before it is signed.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    pub(crate) credential: XksCredential,
    pub(crate) region: String,
    pub(crate) service: String,
    /// Off the clock, in seconds.
    pub(crate) skew_seconds: i64,
    pub(crate) host: String,
}

pub(crate) fn uri(prefix: &str, api: Api, key: &str) -> String {
    match api {
        Api::GetHealthStatus => format!("{prefix}/kms/xks/v1/health"),
        Api::GetKeyMetadata => format!("{prefix}/kms/xks/v1/keys/{key}/metadata"),
        Api::Encrypt => format!("{prefix}/kms/xks/v1/keys/{key}/encrypt"),
        Api::Decrypt => format!("{prefix}/kms/xks/v1/keys/{key}/decrypt"),
    }
}

/// `requestMetadata` with everything that any API needs.
pub(crate) fn metadata(operation: &str) -> Value {
    json!({
        "awsPrincipalArn": "arn:aws:iam::111122223333:user/Alice",
        "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": operation,
        "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"
    })
}

/// A body that `api` takes; a Decrypt of it fails, since nothing was encrypted.
pub(crate) fn good_body(api: Api) -> Value {
    let request_metadata = metadata(api.name());
    match api {
        Api::GetHealthStatus | Api::GetKeyMetadata => json!({ "requestMetadata": request_metadata }),
        Api::Encrypt => json!({
            "requestMetadata": request_metadata,
            "plaintext": "SGVsbG8gV29ybGQh",
            "encryptionAlgorithm": "AES_GCM"
        }),
        Api::Decrypt => json!({
            "requestMetadata": request_metadata,
            "ciphertext": "ghxkK1txeDNn3q8Y",
            "encryptionAlgorithm": "AES_GCM",
            "initializationVector": "HMrlRw85cAJUd5Ax",
            "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ=="
        }),
    }
}

/// The Decrypt body for what an Encrypt answered.
pub(crate) fn decrypt_body(encrypted: &Value, aad: Option<&str>) -> Value {
    let mut body = json!({
        "requestMetadata": metadata("Decrypt"),
        "encryptionAlgorithm": "AES_GCM"
    });
    for member in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
        if let Some(value) = encrypted.get(member) {
            body[member] = value.clone();
        }
    }
    if let Some(aad) = aad {
        body["additionalAuthenticatedData"] = aad.into();
    }
    body
}

impl Call {
    pub(crate) fn new(credential: &XksCredential, api: Api, body: &Value) -> Self {
        Self {
            method: Method::POST,
            path: uri(PREFIX, api, KEY),
            body: body.to_string().into(),
            credential: copy(credential),
            region: REGION.to_owned(),
            service: "kms-xks-proxy".to_owned(),
            skew_seconds: 0,
            host: SERVER_NAME.to_owned(),
        }
    }

    pub(crate) fn at(mut self, path: String) -> Self {
        self.path = path;
        self
    }

    /// The signed request. HTTP/2 has the authority in its URI, HTTP/1.1 in `host`.
    pub(crate) fn signed(&self, version: Version) -> Request<Full<Bytes>> {
        let now = OffsetDateTime::now_utc().unix_timestamp() + self.skew_seconds;
        let date = AmzDate::from_unix(now);
        let date_text = date.to_string();
        let scope = CredentialScope::on(date, self.region.as_str(), self.service.as_str());
        let secret = SecretAccessKey::new(self.credential.expose_raw_secret_access_key());
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let signable = SignableRequest {
            method: self.method.as_str(),
            path,
            query,
            headers: &[("host", self.host.as_bytes()), ("x-amz-date", date_text.as_bytes())],
            payload_sha256: &payload_sha256_hex(&self.body),
        };
        let authorization = sign(
            &signable,
            &AccessKeyId::new(self.credential.access_key_id()),
            &SigningKey::derive(&secret, &scope),
            &scope,
            date,
            PathMode::AsIs,
        );
        let builder = match version {
            Version::HTTP_2 => Request::builder().uri(format!("https://{}{}", self.host, self.path)),
            _ => Request::builder().uri(&self.path).header("host", &self.host),
        };
        builder
            .method(self.method.clone())
            .header("x-amz-date", date_text)
            .header("content-type", "application/json")
            .header("authorization", authorization)
            .body(Full::new(self.body.clone()))
            .unwrap()
    }
}

impl Client {
    pub(crate) async fn http1(proxy: &RunningProxy) -> Self {
        let stream = tls(proxy, client_config(proxy, b"http/1.1")).await.unwrap();
        Self::over(stream, false).await.0
    }

    pub(crate) async fn http2(proxy: &RunningProxy) -> Self {
        let stream = tls(proxy, client_config(proxy, b"h2")).await.unwrap();
        Self::over(stream, true).await.0
    }

    /// A client, and a task that ends when its connection has.
    pub(crate) async fn over(stream: TlsStream<TcpStream>, http2: bool) -> (Self, JoinHandle<()>) {
        let io = TokioIo::new(stream);
        if http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            return (Self::Http2(sender), tokio::spawn(async { drop(connection.await) }));
        }
        let (sender, connection) = http1::handshake(io).await.unwrap();
        (Self::Http1(sender), tokio::spawn(async { drop(connection.await) }))
    }

    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Http1(_) => Version::HTTP_11,
            Self::Http2(_) => Version::HTTP_2,
        }
    }

    pub(crate) async fn send(&mut self, call: &Call) -> Answer {
        self.send_request(call.signed(self.version())).await
    }

    pub(crate) async fn send_request(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await
            }
            Self::Http2(sender) => sender.send_request(request).await,
        };
        let (parts, body) = response.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// A call that must succeed, with its answer.
    pub(crate) async fn ok(&mut self, proxy: &RunningProxy, api: Api, body: &Value) -> Value {
        let answer = self.send(&Call::new(&proxy.setup.credential, api, body)).await;
        assert_eq!(answer.status, 200, "{api:?}: {:?}", answer.body);
        answer.json()
    }

    /// A call that must fail, with the name of its error.
    pub(crate) async fn error(&mut self, proxy: &RunningProxy, api: Api, body: &Value) -> ErrorName {
        self.send(&Call::new(&proxy.setup.credential, api, body)).await.error()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks the error's form against the specification and returns its name.
    pub(crate) fn error(&self) -> ErrorName {
        assert_eq!(self.headers["content-type"], "application/json");
        let error: ErrorResponse =
            serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{} {:?}: {e}", self.status, self.body));
        assert_eq!(self.status.as_u16(), error.error_name.http_status(), "{error:?}");
        let message = error.error_message.unwrap();
        assert!(message.len() < 512, "{message}");
        assert!(message.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{message}");
        error.error_name
    }
}

pub(crate) fn client_config(proxy: &RunningProxy, alpn: &[u8]) -> ClientConfig {
    let authority = &proxy.setup.authority;
    let mut config = authority.client_config(default_provider(), None);
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}

pub(crate) async fn tls(proxy: &RunningProxy, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(proxy.address).await?;
    let name = SERVER_NAME.try_into().unwrap();
    TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await
}
