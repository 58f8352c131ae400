//! One HTTP request to one answer, in the order that the crate's documentation gives.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use keystead_sigv4::Authorization;
use keystead_xks::wire::{Api, CONTENT_TYPE_JSON, ErrorResponse, ExternalKeyId, URI_MAX_CHARS, parse_suffix};
use tokio::time::Instant;

use crate::access_log::{AccessLog, Entry, OpenEntry};
use crate::api::{Call, Identity};
use crate::authentication::{authenticate, claimed_credential, claims};
use crate::body::Bodies;
use crate::config::{LimitsConfig, ProxyConfig};
use crate::credential::{CredentialSet, CredentialsError};
use crate::key_manager::KeyManager;
use crate::prefix::Prefix;
use crate::refusal::Refusal;

/// Everything that requests share.
pub(crate) struct Service {
    /// By `XksProxyUriPath`.
    prefixes: HashMap<String, Prefix>,
    key_manager: Arc<dyn KeyManager>,
    regions: Vec<String>,
    identity: Identity,
    pub(crate) limits: LimitsConfig,
    bodies: Bodies,
    access_log: Option<AccessLog>,
}

/// Where a request goes.
struct Route<'a> {
    prefix: &'a Prefix,
    api: Api,
    key: Option<ExternalKeyId>,
}

/// A request before its body: who it says it is from is known, and not yet proven.
struct Claim<'a> {
    route: Route<'a>,
    authorization: Authorization<'a>,
    credentials: Arc<CredentialSet>,
}

impl Service {
    /// Fails if a credentials file is not good.
    pub(crate) fn new(
        config: ProxyConfig,
        key_manager: Arc<dyn KeyManager>,
        access_log: Option<AccessLog>,
    ) -> Result<Self, CredentialsError> {
        let entries = config.prefix.iter();
        let prefixes = entries.map(|prefix| Ok((prefix.uri_path(), Prefix::new(prefix)?))).collect::<Result<_, _>>()?;
        Ok(Self {
            prefixes,
            key_manager,
            regions: config.regions(),
            identity: Identity {
                vendor: config.vendor,
                model: config.model,
                fleet_size: config.fleet_size.get().into(),
            },
            bodies: Bodies::new(&config.limits),
            limits: config.limits,
            access_log,
        })
    }

    /// Answers one request, and notes it in the access log.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let deadline = Instant::now() + self.limits.key_manager_timeout();
        let mut open = OpenEntry::begin(self.access_log.as_ref(), peer);
        let outcome = self.process(request, deadline, &mut open.entry).await;
        let response = match outcome {
            Ok(body) => json_response(StatusCode::OK, body),
            Err(refusal) => refusal_response(refusal, &mut open.entry),
        };
        open.entry.status = response.status().as_u16();
        response
    }

    async fn process(
        &self,
        request: Request<Incoming>,
        deadline: Instant,
        entry: &mut Entry,
    ) -> Result<Bytes, Refusal> {
        let (parts, body) = request.into_parts();
        let claim = match self.claim(&parts, entry).await {
            Ok(claim) => claim,
            Err(refusal) => {
                self.bodies.discard(body).await;
                return Err(refusal);
            }
        };
        let body = self.bodies.read(body).await?;
        let Claim { route, authorization, credentials } = claim;
        let credential = claimed_credential(&authorization, &parts, &credentials, &self.regions)?;
        authenticate(&authorization, &parts, body.bytes(), credential, &self.regions)?;
        route.prefix.admit(std::time::Instant::now())?;
        let call = Call {
            key_manager: &*self.key_manager,
            policy: &route.prefix.policy,
            limits: &self.limits,
            identity: &self.identity,
            deadline,
        };
        call.run(route.api, route.key.as_ref(), body.bytes(), entry).await
    }

    /// All that can be refused before the body, for which a stranger must get no memory.
    async fn claim<'a>(&'a self, parts: &'a Parts, entry: &mut Entry) -> Result<Claim<'a>, Refusal> {
        let route = self.route(parts, entry)?;
        if parts.method != Method::POST {
            return Err(Refusal::MethodNotAllowed);
        }
        let authorization = claims(parts)?;
        entry.access_key_id = Some(authorization.access_key_id.to_owned());
        let credentials = route.prefix.credentials.get().await;
        claimed_credential(&authorization, parts, &credentials, &self.regions)?;
        Ok(Claim { route, authorization, credentials })
    }

    /// Fails with InvalidUriPathException.
    fn route(&self, parts: &Parts, entry: &mut Entry) -> Result<Route<'_>, Refusal> {
        if uri_chars(parts) > URI_MAX_CHARS {
            return Err(Refusal::invalid_uri_path("the URI has more than 256 characters"));
        }
        if parts.uri.query().is_some() {
            return Err(Refusal::invalid_uri_path("a URI of this protocol has no query string"));
        }
        let path = parts.uri.path();
        let (uri_path, suffix) = split_path(path).ok_or_else(no_such_api)?;
        let (api, key) = parse_suffix(suffix).ok_or_else(no_such_api)?;
        let prefix = self.prefixes.get(uri_path).ok_or_else(no_such_prefix)?;
        entry.api = Some(api.name());
        entry.uri_path = Some(uri_path.to_owned());
        entry.external_key_id = key.as_ref().map(|key| key.as_str().to_owned());
        Ok(Route { prefix, api, key })
    }

    /// Writes what the access log still holds. Blocks on the disk.
    pub(crate) fn finish(&self) {
        if let Some(log) = &self.access_log {
            log.finish();
        }
    }
}

/// The length of `https://<authority><path>`; a query counts too.
fn uri_chars(parts: &Parts) -> usize {
    let from_uri = parts.uri.authority().map(|authority| authority.as_str().len());
    let from_header = || parts.headers.get(http::header::HOST).map(HeaderValue::len);
    let authority = from_uri.or_else(from_header).unwrap_or(0);
    let path = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    "https://".len() + authority + path
}

/// Splits a path into `XksProxyUriPath` and the API's suffix. A key id has no slash, so the split is certain.
fn split_path(path: &str) -> Option<(&str, &str)> {
    let at = match path.strip_suffix("/health") {
        Some(uri_path) => uri_path.len(),
        None => path.rfind("/keys/")?,
    };
    Some(path.split_at(at))
}

fn no_such_api() -> Refusal {
    Refusal::invalid_uri_path("there is no API of this protocol at this URI path")
}

fn no_such_prefix() -> Refusal {
    Refusal::invalid_uri_path(
        "this URI path prefix is not configured: compare the key store's XksProxyUriPath with the proxy's [[prefix]] \
         entries",
    )
}

fn refusal_response(refusal: Refusal, entry: &mut Entry) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::MethodNotAllowed => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        Refusal::Api(error) => {
            entry.error_name = Some(error.error_name.as_str());
            entry.error_message.clone_from(&error.error_message);
            error_response(&error)
        }
    }
}

fn error_response(error: &ErrorResponse) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.error_name.http_status());
    let body = serde_json::to_vec(error).unwrap_or_default();
    json_response(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body.into())
}

fn json_response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_JSON));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_path_splits_before_the_suffix() {
        for (path, split) in [
            ("/kms/xks/v1/health", Some(("/kms/xks/v1", "/health"))),
            ("/a/kms/xks/v1/keys/k/encrypt", Some(("/a/kms/xks/v1", "/keys/k/encrypt"))),
            ("/keys/kms/xks/v1/keys/k/encrypt", Some(("/keys/kms/xks/v1", "/keys/k/encrypt"))),
            ("/", None),
            ("/kms/xks/v1", None),
        ] {
            assert_eq!(split_path(path), split, "{path}");
        }
    }

    #[test]
    fn the_whole_uri_counts() {
        let request = Request::post("/p").header("host", "xks.example.com").body(()).unwrap();
        assert_eq!(uri_chars(&request.into_parts().0), "https://xks.example.com/p".len());
        let request = Request::post("https://xks.example.com/p?q").body(()).unwrap();
        assert_eq!(uri_chars(&request.into_parts().0), "https://xks.example.com/p?q".len());
    }
}
