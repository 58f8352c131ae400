//! SigV4 of a request, against the credentials of its prefix. Every failure is AuthenticationFailedException.

use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use keystead_sigv4::{
    AmzDate, Authorization, Expectation, PathMode, SignableRequest, parse_authorization, payload_sha256_hex, verify,
    verify_claims,
};
use keystead_xks::wire::SIGV4_SERVICE;
use time::OffsetDateTime;

use crate::credential::{CredentialSet, VerifyingCredential};
use crate::refusal::Refusal;

/// How far a request's date may be off, either way ("more than 5 minutes" is refused).
const MAX_SKEW_SECONDS: i64 = 300;

/// The credential that the request claims to be signed with. All is checked that needs neither body nor secret, so that a
/// stranger is told before anything of the body is kept.
pub(crate) fn claimed_credential<'c>(
    authorization: &Authorization<'_>,
    parts: &Parts,
    credentials: &'c CredentialSet,
    regions: &[String],
) -> Result<&'c VerifyingCredential, Refusal> {
    let headers = signable_headers(parts);
    // The claims are about the headers alone.
    let request = signable(parts, &headers, "");
    verify_claims(authorization, &request, &expectation(authorization, regions)).map_err(refused)?;
    credentials.find(authorization.access_key_id).ok_or_else(unknown_access_key)
}

/// Checks that `parts` and `body` were signed with `credential`, which is the [`claimed_credential`]: a signing key is derived
/// and kept only for a scope that can be right.
pub(crate) fn authenticate(
    authorization: &Authorization<'_>,
    parts: &Parts,
    body: &[u8],
    credential: &VerifyingCredential,
    regions: &[String],
) -> Result<(), Refusal> {
    let headers = signable_headers(parts);
    let payload_sha256 = payload_sha256_hex(body);
    let request = signable(parts, &headers, &payload_sha256);
    let key = credential.signing_key(&authorization.scope);
    verify(authorization, &request, &key, &expectation(authorization, regions)).map_err(refused)
}

fn signable<'a>(parts: &'a Parts, headers: &'a [(&'a str, &'a [u8])], payload_sha256: &'a str) -> SignableRequest<'a> {
    SignableRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers,
        payload_sha256,
    }
}

/// What the request says of its signature; nothing of it is proven before [`authenticate`].
pub(crate) fn claims(parts: &Parts) -> Result<Authorization<'_>, Refusal> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::authentication_failed("exactly one Authorization header is needed"));
    };
    let text = value
        .to_str()
        .map_err(|_| Refusal::authentication_failed("the Authorization header has bytes outside ASCII"))?;
    let has_date_header = ["x-amz-date", "date"].iter().any(|name| parts.headers.contains_key(*name));
    parse_authorization(text, has_date_header).map_err(refused)
}

/// Any of the Regions will do. Of a scope that names none of them, the first is what it ought to be.
fn expectation<'a>(authorization: &Authorization<'_>, regions: &'a [String]) -> Expectation<'a> {
    let named = regions.iter().find(|region| **region == *authorization.scope.region);
    Expectation {
        region: named.or(regions.first()).map_or("", String::as_str),
        service: SIGV4_SERVICE,
        now: AmzDate::from_unix(OffsetDateTime::now_utc().unix_timestamp()),
        max_skew_seconds: MAX_SKEW_SECONDS,
        path_mode: PathMode::AsIs,
        must_sign: &["host"],
    }
}

/// The headers as they arrived; the authority of the URI (HTTP/2) takes the place of `host`.
fn signable_headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    let authority = parts.uri.authority().map(|a| a.as_str().as_bytes());
    let mut headers: Vec<(&str, &[u8])> = Vec::with_capacity(parts.headers.len() + 1);
    headers.extend(authority.map(|value| (HOST.as_str(), value)));
    let others = parts.headers.iter().filter(|(name, _)| authority.is_none() || **name != HOST);
    headers.extend(others.map(|(name, value)| (name.as_str(), value.as_bytes())));
    headers
}

fn refused(error: keystead_sigv4::SignatureError) -> Refusal {
    Refusal::authentication_failed(&error.to_string())
}

fn unknown_access_key() -> Refusal {
    Refusal::authentication_failed(
        "the access key id is none of this URI path prefix: compare the key store's XksProxyAuthenticationCredential \
         with the proxy's credentials file",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_authority_takes_the_place_of_host() {
        let http2 = parts(Request::post("https://xks.example.com/health").header("host", "other.example.com"));
        assert_eq!(signable_headers(&http2), [("host", &b"xks.example.com"[..])]);
        let http1 = parts(Request::post("/health").header("host", "xks.example.com"));
        assert_eq!(signable_headers(&http1), [("host", &b"xks.example.com"[..])]);
    }

    #[test]
    fn one_authorization_header_is_needed() {
        let none = parts(Request::post("/health"));
        let two = parts(Request::post("/health").header("authorization", "a").header("authorization", "b"));
        for parts in [none, two] {
            let Err(Refusal::Api(error)) = claims(&parts) else {
                panic!("must be refused");
            };
            assert_eq!(error.error_name.http_status(), 401);
        }
    }
}
