//! A signed request to a proxy, ready for either HTTP version.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use keystead_core::port::ExternalLink;
use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, PathMode, SecretAccessKey, SignableRequest, SigningKey, payload_sha256_hex,
    sign,
};

use super::endpoint::Endpoint;
use crate::wire::{CONTENT_TYPE_JSON, SIGV4_SERVICE};

/// The body of a request; Encrypt's is zeroed when the last reference is gone.
pub(crate) type RequestBody = Full<Bytes>;

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const JSON: HeaderValue = HeaderValue::from_static(CONTENT_TYPE_JSON);
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// All of a request that does not depend on the HTTP version: the signature covers path, host, date and body.
pub(crate) struct SignedRequest {
    path: PathAndQuery,
    date: HeaderValue,
    authorization: HeaderValue,
    body: Bytes,
}

impl SignedRequest {
    /// The request as a connection of `protocol` wants it: HTTP/1.1 names the host in a header, HTTP/2 in the URI.
    pub(crate) fn for_protocol(
        &self,
        protocol: Protocol,
        endpoint: &Endpoint,
    ) -> Result<Request<RequestBody>, http::Error> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = match protocol {
            Protocol::Http1 => Uri::from(self.path.clone()),
            Protocol::Http2 => Uri::builder()
                .scheme(Scheme::HTTPS)
                .authority(endpoint.authority.clone())
                .path_and_query(self.path.clone())
                .build()?,
        };
        let headers = request.headers_mut();
        if protocol == Protocol::Http1 {
            headers.insert(HOST, endpoint.host_header.clone());
        }
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(X_AMZ_DATE, self.date.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        Ok(request)
    }
}

/// Signs one key store's requests. The derived key lasts for a day, so it is kept.
pub(crate) struct Signer {
    access_key_id: AccessKeyId,
    secret: SecretAccessKey,
    region: String,
    today: Mutex<Option<Arc<DayKey>>>,
}

struct DayKey {
    /// Days since 1970-01-01, UTC.
    day: i64,
    scope: CredentialScope,
    key: SigningKey,
}

impl Signer {
    /// Signs with the link's credential for the link's Region.
    pub(crate) fn of(link: &ExternalLink) -> Self {
        Self {
            access_key_id: AccessKeyId::new(&link.access_key_id),
            secret: SecretAccessKey::new(link.secret_access_key.expose()),
            region: link.region.as_str().to_owned(),
            today: Mutex::new(None),
        }
    }

    /// A POST of `body` to `path`, signed for `now`: service `kms-xks-proxy`, signed headers `host;x-amz-date`.
    pub(crate) fn sign(
        &self,
        host: &str,
        path: String,
        body: Bytes,
        now: SystemTime,
    ) -> Result<SignedRequest, http::Error> {
        let now = amz_date(now);
        let today = self.day_key(now);
        let date = now.to_string();
        let payload_sha256 = payload_sha256_hex(&body);
        let signable = SignableRequest {
            method: "POST",
            path: &path,
            query: "",
            headers: &[("host", host.as_bytes()), ("x-amz-date", date.as_bytes())],
            payload_sha256: &payload_sha256,
        };
        let authorization = sign(&signable, &self.access_key_id, &today.key, &today.scope, now, PathMode::AsIs);
        Ok(SignedRequest {
            path: PathAndQuery::try_from(path)?,
            date: HeaderValue::try_from(date)?,
            authorization: HeaderValue::try_from(authorization)?,
            body,
        })
    }

    fn day_key(&self, now: AmzDate) -> Arc<DayKey> {
        let day = now.unix().div_euclid(SECONDS_PER_DAY);
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        match &*today {
            Some(known) if known.day == day => Arc::clone(known),
            _ => {
                let scope = CredentialScope::on(now, self.region.as_str(), SIGV4_SERVICE);
                let key = SigningKey::derive(&self.secret, &scope);
                Arc::clone(today.insert(Arc::new(DayKey { day, scope, key })))
            }
        }
    }
}

fn amz_date(now: SystemTime) -> AmzDate {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    AmzDate::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::time::Duration;

    use keystead_model::SecretString;
    use keystead_model::arn::Region;

    use super::*;

    fn link() -> ExternalLink {
        ExternalLink {
            custom_key_store_id: None,
            region: Region::parse("us-east-1").unwrap(),
            uri_endpoint: "https://XKS.example.com".into(),
            uri_path: "/example/kms/xks/v1".into(),
            access_key_id: "BETWEEN2TENAND3TENCHARACTERS".into(),
            secret_access_key: SecretString::from("PleaseReplaceThisWithSomeSecretOfLength43To64".to_owned()),
        }
    }

    const BODY: &[u8] = br#"{"requestMetadata":{"kmsOperation":"KmsHealthCheck","kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae"}}"#;
    /// 2026-01-02T03:04:05Z
    const DATE: Duration = Duration::from_secs(1_767_323_045);

    fn signed(signer: &Signer, endpoint: &Endpoint, now: Duration) -> SignedRequest {
        let path = "/example/kms/xks/v1/health".to_owned();
        signer.sign(&endpoint.host, path, Bytes::from_static(BODY), UNIX_EPOCH + now).unwrap()
    }

    /// External key stores digest, section 12; computed with another signer.
    #[test]
    fn the_known_signature_on_both_versions_of_http() {
        let link = link();
        let endpoint = Endpoint::of(&link).unwrap();
        let signed = signed(&Signer::of(&link), &endpoint, DATE);
        let expected = "AWS4-HMAC-SHA256 Credential=BETWEEN2TENAND3TENCHARACTERS/20260102/us-east-1/kms-xks-proxy/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=54885ea1c0ec903315299c40784f78860c677dae614e23484acaf83c3c423f25";
        for (protocol, uri, host) in [
            (Protocol::Http1, "/example/kms/xks/v1/health", Some("xks.example.com")),
            (Protocol::Http2, "https://xks.example.com/example/kms/xks/v1/health", None),
        ] {
            let request = signed.for_protocol(protocol, &endpoint).unwrap();
            assert_eq!(request.method(), "POST");
            assert_eq!(request.uri(), uri);
            assert_eq!(request.headers()["authorization"], expected);
            assert_eq!(request.headers()["x-amz-date"], "20260102T030405Z");
            assert_eq!(request.headers()["content-type"], "application/json");
            let found = request.headers().get("host");
            assert_eq!(found.map(|value| value.to_str().unwrap()), host);
        }
    }

    #[test]
    fn a_new_day_has_a_new_key() {
        let link = link();
        let (signer, endpoint) = (Signer::of(&link), Endpoint::of(&link).unwrap());
        let day = Duration::from_secs(24 * 60 * 60);
        let scope = |now| {
            let header = signed(&signer, &endpoint, now).authorization;
            header.to_str().unwrap()[..70].to_owned()
        };
        assert!(scope(DATE).contains("/20260102/"));
        assert!(scope(DATE + day).contains("/20260103/"));
        assert_eq!(scope(DATE), scope(DATE + Duration::from_secs(60)));
    }

    #[test]
    fn endpoints_other_than_https_and_a_domain_name_are_refused() {
        for endpoint in [
            "http://xks.example.com",
            "https://127.0.0.1",
            "https://localhost",
            "https://xks.example.com:8443",
            "https://xks.example.com/path",
            "https://user@xks.example.com",
            "xks.example.com",
        ] {
            let link = ExternalLink { uri_endpoint: endpoint.into(), ..link() };
            assert!(Endpoint::of(&link).is_err(), "{endpoint}");
        }
    }
}
