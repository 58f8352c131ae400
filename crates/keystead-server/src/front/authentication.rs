//! Who signed a request: AWS Signature Version 4 in the `Authorization` header.
//!
//! In two steps, so that little is done for who cannot show who it is: [`Authenticator::claim`] checks all that the head tells, before
//! the body is read; [`Authenticator::verify`] checks the signature, once it is. Source: KMS core digest 1.4.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, DATE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version};
use keystead_core::access::{AccessKeyStatus, Credential, PrincipalPolicies};
use keystead_core::{Kms, KmsError};
use keystead_model::arn::Region;
use keystead_model::kms::Exception;
use keystead_sigv4::{
    AmzDate, Authorization, Expectation, PathMode, SignableRequest, SignatureError, parse_authorization,
    payload_sha256_hex, verify, verify_claims,
};

use super::dispatch::Dispatch;
use super::refusal::Refusal;
use super::service::Service;
use super::signing_keys::SigningKeys;

const X_AMZ_DATE: &str = "x-amz-date";
const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";
/// IAM's access key IDs are 128 characters at most; what is longer is none and is not recorded.
const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;

/// Verifies signatures.
pub(super) struct Authenticator {
    kms: Arc<Kms>,
    dispatch: Arc<Dispatch>,
    signing_keys: SigningKeys,
    max_skew_seconds: i64,
}

/// A request head whose claims hold, so far as they can be checked without the body.
pub(super) struct Claim<'a> {
    head: &'a Parts,
    service: Service,
    headers: Vec<(&'a str, &'a [u8])>,
    authorization: Authorization<'a>,
    now: AmzDate,
    region: Region,
    credential: Arc<Credential>,
    policies: Arc<PrincipalPolicies>,
}

impl Claim<'_> {
    /// The Region that is asked: one of those that are served.
    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    /// Whose access key is said to have signed.
    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What IAM has of its holder.
    pub(super) fn policies(&self) -> &Arc<PrincipalPolicies> {
        &self.policies
    }
}

impl Authenticator {
    /// `clock_skew`: how far the date of a request may be off.
    pub(super) fn new(kms: Arc<Kms>, dispatch: Arc<Dispatch>, clock_skew: Duration) -> Self {
        let max_skew_seconds = i64::try_from(clock_skew.as_secs()).unwrap_or(i64::MAX);
        Self { kms, dispatch, signing_keys: SigningKeys::new(), max_skew_seconds }
    }

    /// Checks all that the head of a request to `service` tells: header, scope, date, signed headers; then that the access key may sign.
    pub(super) async fn claim<'a>(&self, head: &'a Parts, service: Service) -> Result<Claim<'a>, Refusal> {
        let authorization = authorization(&head.headers)?;
        let access_key_id = authorization.access_key_id;
        self.check_claims(head, service, authorization).await.map_err(|refusal| {
            if access_key_id.len() > ACCESS_KEY_ID_LENGTH_MAX { refusal } else { refusal.claimed_by(access_key_id) }
        })
    }

    async fn check_claims<'a>(
        &self,
        head: &'a Parts,
        service: Service,
        authorization: Authorization<'a>,
    ) -> Result<Claim<'a>, Refusal> {
        let headers = signable_headers(head);
        // HTTP requires a host; `must_sign` would not miss one that is not there.
        if !headers.iter().any(|(name, _)| *name == HOST.as_str()) {
            return Err(SignatureError::HeaderNotSigned(HOST.as_str().to_owned()).into());
        }
        let now = AmzDate::from_unix(self.kms.clock().now().millis().div_euclid(1000));
        let region = self.expected_region(service, &authorization.scope.region).clone();
        verify_claims(&authorization, &signable(head, &headers, ""), &self.expectation(service, &region, now))?;
        if head.headers.contains_key(X_AMZ_SECURITY_TOKEN) {
            // There are no temporary credentials that a session token could belong to.
            return Err(unrecognized().into());
        }
        let credential = self.usable_credential(authorization.access_key_id).await?;
        // The user may be gone, and another of its name there, before the cache of credentials has heard of it.
        let policies = self.kms.catalog().principal_policies(&credential.principal).await?.ok_or_else(unrecognized)?;
        Ok(Claim { head, service, headers, authorization, now, region, credential, policies })
    }

    async fn usable_credential(&self, access_key_id: &str) -> Result<Arc<Credential>, KmsError> {
        let Some(credential) = self.kms.catalog().credential(access_key_id).await? else {
            self.signing_keys.forget(access_key_id);
            return Err(unrecognized());
        };
        match credential.status {
            AccessKeyStatus::Inactive => return Err(unrecognized()),
            AccessKeyStatus::Active => {}
        }
        if credential.expires.is_some_and(|expires| expires <= self.kms.clock().now()) {
            return Err(KmsError::new(
                Exception::ExpiredToken,
                "The security token included in the request is expired",
            ));
        }
        Ok(credential)
    }

    /// Checks the signature over head and body.
    pub(super) fn verify(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Refusal> {
        let payload_sha256 = payload_sha256_hex(body);
        let key = self.signing_keys.get(claim.service, &claim.credential, &claim.authorization.scope);
        let request = signable(claim.head, &claim.headers, &payload_sha256);
        let expectation = self.expectation(claim.service, &claim.region, claim.now);
        verify(&claim.authorization, &request, &key, &expectation)
            .map_err(|error| Refusal::from(error).claimed_by(&claim.credential.access_key_id))
    }

    /// The Region that a request asks, so far as its head tells: the home Region if that names none.
    pub(super) fn asked_region(&self, head: &Parts, service: Service) -> &Region {
        match authorization(&head.headers) {
            Ok(authorization) => self.expected_region(service, &authorization.scope.region),
            Err(_) => self.kms.home_region(),
        }
    }

    /// KMS is asked in any of the Regions that are served, the other services in the home Region. Of a scope that names none of them, the
    /// home Region is what it ought to be.
    fn expected_region(&self, service: Service, named: &str) -> &Region {
        let asked = self.kms.region_named(named).filter(|_| service == Service::Kms);
        asked.unwrap_or(self.kms.home_region())
    }

    fn expectation<'a>(&'a self, service: Service, region: &'a Region, now: AmzDate) -> Expectation<'a> {
        Expectation {
            region: region.as_str(),
            service: self.dispatch.signing_name(service),
            now,
            max_skew_seconds: self.max_skew_seconds,
            path_mode: PathMode::Normalize,
            must_sign: service.protocol().must_sign(),
        }
    }
}

/// An access key that is unknown, inactive, or that a session token makes another one: the three look alike.
fn unrecognized() -> KmsError {
    KmsError::new(Exception::UnrecognizedClient, "The security token included in the request is invalid.")
}

fn authorization(headers: &HeaderMap) -> Result<Authorization<'_>, SignatureError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(SignatureError::MissingAuthenticationToken)?;
    if values.next().is_some() {
        return Err(SignatureError::IncompleteSignature(
            "The request has more than one Authorization header. It must have one only.".to_owned(),
        ));
    }
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| SignatureError::IncompleteSignature("Authorization header must be UTF-8 text.".to_owned()))?;
    parse_authorization(text, headers.contains_key(X_AMZ_DATE) || headers.contains_key(DATE))
}

/// The host that the client asked for: `:authority` of HTTP/2, else the `Host` header.
pub(super) fn host(head: &Parts) -> Option<&[u8]> {
    match head.uri.authority() {
        Some(authority) if head.version == Version::HTTP_2 => Some(authority.as_str().as_bytes()),
        _ => head.headers.get(HOST).map(HeaderValue::as_bytes),
    }
}

/// The headers as the client signed them. In HTTP/2 the authority stands for the host, and a `Host` header besides does not count.
fn signable_headers(head: &Parts) -> Vec<(&str, &[u8])> {
    let authority = head.uri.authority().filter(|_| head.version == Version::HTTP_2);
    let mut headers = Vec::with_capacity(head.headers.len() + 1);
    if let Some(authority) = authority {
        headers.push((HOST.as_str(), authority.as_str().as_bytes()));
    }
    let sent = head.headers.iter().filter(|(name, _)| authority.is_none() || *name != HOST);
    headers.extend(sent.map(|(name, value)| (name.as_str(), value.as_bytes())));
    headers
}

fn signable<'a>(head: &'a Parts, headers: &'a [(&'a str, &'a [u8])], payload_sha256: &'a str) -> SignableRequest<'a> {
    SignableRequest {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers,
        payload_sha256,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head(version: Version, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method("POST").version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_host_is_the_authority_in_http_2() {
        let http1 = head(Version::HTTP_11, "/", &[("host", "one")]);
        assert_eq!(host(&http1), Some(b"one".as_slice()));
        assert_eq!(signable_headers(&http1), [("host", b"one".as_slice())]);

        let http2 = head(Version::HTTP_2, "https://two/", &[("a", "1"), ("host", "other")]);
        assert_eq!(host(&http2), Some(b"two".as_slice()));
        assert_eq!(signable_headers(&http2), [("host", b"two".as_slice()), ("a", b"1")]);

        let without_authority = head(Version::HTTP_2, "/", &[("host", "three")]);
        assert_eq!(host(&without_authority), Some(b"three".as_slice()));
        assert_eq!(host(&head(Version::HTTP_10, "/", &[])), None);
    }

    #[test]
    fn there_is_one_authorization_header() {
        let none = head(Version::HTTP_11, "/", &[]);
        assert_eq!(authorization(&none.headers), Err(SignatureError::MissingAuthenticationToken));
        let two = head(Version::HTTP_11, "/", &[("authorization", "AWS4-HMAC-SHA256 a=b"), ("authorization", "b")]);
        let error = authorization(&two.headers).unwrap_err();
        assert_eq!(error.exception(), "IncompleteSignatureException");
        assert!(error.to_string().contains("more than one"));
    }
}
