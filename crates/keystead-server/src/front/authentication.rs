//! Who signed a request: AWS Signature Version 4 in the `Authorization` header, or in the query string of a presigned request.
//!
//! In two steps, so that little is done for who cannot show who it is: [`Authenticator::claim`] checks all that the head tells, before
//! the body is read; [`Authenticator::verify`] checks the signature, once it is, and what may have changed since. Source: KMS core digest 1.4.
//!
//! A long-term access key comes alone, a temporary one with its session token; each request asks anew whether their holder is still there.

use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use keystead_core::access::{AccessKeyStatus, Credential, PrincipalPolicies, is_revoked};
use keystead_core::{Kms, KmsError};
use keystead_model::arn::Region;
use keystead_model::kms::Exception;
use keystead_sigv4::{
    AmzDate, Authorization, Expectation, PathMode, PresignedQuery, SignatureError, payload_sha256_hex, verify,
    verify_claims, verify_presigned, verify_presigned_claims,
};

use super::bad_signatures::BadSignatures;
use super::dispatch::Dispatch;
use super::form;
use super::refusal::Refusal;
use super::service::{ServedRegions, Service};
use super::signed_head::{NoToken, SignedHead};
use super::signing_keys::SigningKeys;

/// The Region of the partition's global endpoints.
const GLOBAL_REGION: &str = "us-east-1";
/// How long a presigned request is good for at most, in seconds. What IAM and STS take is unverified; whoever finds an old URL that makes
/// an access key is to have nothing.
const PRESIGNED_SECONDS_MAX: i64 = 15 * 60;
/// The operation of STS that is good for as long as that, whatever its URL says. Tools sign it for a minute and use it for a quarter of an
/// hour, as the tokens of Amazon EKS are used; that AWS takes them is told by those tools, not by its guides (unverified).
const CALLER_IDENTITY: &str = "GetCallerIdentity";
/// IAM's access key IDs are 128 characters at most; what is longer is none and is not recorded.
const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;

/// Verifies signatures.
pub(super) struct Authenticator {
    kms: Arc<Kms>,
    dispatch: Arc<Dispatch>,
    signing_keys: SigningKeys,
    bad_signatures: BadSignatures,
    /// [`GLOBAL_REGION`].
    global_region: Option<Region>,
    max_skew_seconds: i64,
}

/// A request head whose claims hold, so far as they can be checked without the body.
pub(super) struct Claim<'a> {
    head: &'a SignedHead,
    service: Service,
    headers: Vec<(&'a str, &'a [u8])>,
    authorization: Authorization<'a>,
    now: AmzDate,
    region: Region,
    credential: Arc<Credential>,
}

/// Who signed a request, and what IAM has of them now.
pub(super) struct Signer {
    pub(super) credential: Arc<Credential>,
    pub(super) policies: Arc<PrincipalPolicies>,
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
}

impl Authenticator {
    /// `clock_skew`: how far the date of a request may be off.
    pub(super) fn new(kms: Arc<Kms>, dispatch: Arc<Dispatch>, clock_skew: Duration) -> Self {
        let max_skew_seconds = i64::try_from(clock_skew.as_secs()).unwrap_or(i64::MAX);
        Self {
            kms,
            dispatch,
            signing_keys: SigningKeys::new(),
            bad_signatures: BadSignatures::new(),
            global_region: Region::parse(GLOBAL_REGION),
            max_skew_seconds,
        }
    }

    /// Checks all that the head of a request to `service` tells: header, scope, date, signed headers; then that the access key may sign,
    /// and that the same signature was not bad a moment ago.
    pub(super) async fn claim<'a>(&self, head: &'a SignedHead, service: Service) -> Result<Claim<'a>, Refusal> {
        let unknown = |error| Refusal::from(error).of_unknown_caller();
        let authorization = head.authorization().map_err(unknown)?;
        let access_key_id = authorization.access_key_id;
        self.check_claims(head, service, authorization).await.map_err(|refusal| {
            if access_key_id.len() > ACCESS_KEY_ID_LENGTH_MAX { refusal } else { refusal.claimed_by(access_key_id) }
        })
    }

    async fn check_claims<'a>(
        &self,
        head: &'a SignedHead,
        service: Service,
        authorization: Authorization<'a>,
    ) -> Result<Claim<'a>, Refusal> {
        let unknown = |error| Refusal::from(error).of_unknown_caller();
        let headers = head.signable_headers();
        // HTTP requires a host; `must_sign` would not miss one that is not there.
        if !headers.iter().any(|(name, _)| *name == HOST.as_str()) {
            return Err(unknown(SignatureError::HeaderNotSigned(HOST.as_str().to_owned())));
        }
        let now = AmzDate::from_unix(self.kms.clock().now().millis().div_euclid(1000));
        let region = self.expected_region(service, &authorization.scope.region).clone();
        self.check_signing(head, service, &authorization, &headers, &region, now).map_err(unknown)?;
        let credential = self.credential(authorization.access_key_id, head.session_token()).await;
        let credential = credential.map_err(|error| Refusal::from(error).of_unknown_caller())?;
        let now_ms = self.kms.clock().monotonic_ms();
        if self.bad_signatures.holds(&authorization.signature, &credential, &head.parts, now_ms) {
            return Err(unknown(SignatureError::Mismatch));
        }
        Ok(Claim { head, service, headers, authorization, now, region, credential })
    }

    /// Whether scope, date and signed headers are as they have to be.
    fn check_signing(
        &self,
        head: &SignedHead,
        service: Service,
        authorization: &Authorization<'_>,
        headers: &[(&str, &[u8])],
        region: &Region,
        now: AmzDate,
    ) -> Result<AmzDate, SignatureError> {
        let (request, expectation) = (head.signable(headers, ""), self.expectation(service, region, now));
        match head.presigned() {
            None => verify_claims(authorization, &request, &expectation),
            Some(presigned) => {
                let lifetime_seconds = lifetime_seconds(service, head, presigned)?;
                verify_presigned_claims(presigned, authorization, &request, &expectation, lifetime_seconds)
            }
        }
    }

    /// An access key that may sign, with its session token if it is a temporary one.
    async fn credential(
        &self,
        access_key_id: &str,
        token: Result<Option<&str>, NoToken>,
    ) -> Result<Arc<Credential>, KmsError> {
        let catalog = self.kms.catalog();
        let credential = match token {
            Err(NoToken) => return Err(unrecognized()),
            Ok(None) => catalog.credential(access_key_id).await?,
            // A long-term access key is in no token.
            Ok(Some(token)) => {
                let of_token = catalog.session_credential(token).await?;
                of_token.filter(|credential| credential.access_key_id == access_key_id)
            }
        };
        let Some(credential) = credential else {
            // A token that is none says nothing of the access key: it may be that of someone else, who goes on signing.
            if token == Ok(None) {
                self.signing_keys.forget(access_key_id);
            }
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

    /// Who holds an access key now: it may sign, its user or role is there, and its session is not revoked.
    async fn signer(&self, access_key_id: &str, token: Result<Option<&str>, NoToken>) -> Result<Signer, KmsError> {
        let credential = self.credential(access_key_id, token).await?;
        let policies = self.kms.catalog().principal_policies(&credential.principal).await?;
        match policies {
            Some(policies) if !is_revoked(&credential.principal, Some(&policies)) => {
                Ok(Signer { credential, policies })
            }
            Some(_) | None => Err(unrecognized()),
        }
    }

    /// Checks the signature over head and body, and tells who signed. That is asked once the body is here: it may have taken its time, and
    /// what was taken away meanwhile is not to be used.
    pub(super) async fn verify(&self, claim: &Claim<'_>, body: &[u8]) -> Result<Signer, Refusal> {
        self.verify_signature(claim, body)?;
        let access_key_id = claim.authorization.access_key_id;
        let signer = self.signer(access_key_id, claim.head.session_token()).await;
        signer.map_err(|error| Refusal::from(error).claimed_by(access_key_id))
    }

    fn verify_signature(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Refusal> {
        let Claim { head, service, authorization, credential, .. } = claim;
        let payload_sha256 = payload_sha256_hex(body);
        let key = self.signing_keys.get(*service, credential, &authorization.scope);
        let request = head.signable(&claim.headers, &payload_sha256);
        let expectation = self.expectation(*service, &claim.region, claim.now);
        let verified = match head.presigned() {
            None => verify(authorization, &request, &key, &expectation),
            Some(presigned) => lifetime_seconds(*service, head, presigned).and_then(|lifetime_seconds| {
                verify_presigned(presigned, authorization, &request, &key, &expectation, lifetime_seconds)
            }),
        };
        verified.map_err(|error| {
            let now_ms = self.kms.clock().monotonic_ms();
            self.bad_signatures.add(&authorization.signature, credential, &head.parts, now_ms);
            Refusal::from(error).claimed_by(&credential.access_key_id)
        })
    }

    /// Notes that an access key signed what is now served: a long-term one, since IAM tells nothing of temporary ones.
    pub(super) fn note_use(&self, claim: &Claim<'_>) {
        let Claim { service, region, credential, .. } = claim;
        if credential.principal.session.is_none() {
            let service = self.dispatch.signing_name(*service);
            self.kms.note_access_key_use(&credential.access_key_id, region, service);
        }
    }

    /// The Region that a request asks, so far as its head tells: the home Region if that names none.
    pub(super) fn asked_region(&self, head: &SignedHead, service: Service) -> &Region {
        match head.authorization() {
            Ok(authorization) => self.expected_region(service, &authorization.scope.region),
            Err(_) => self.kms.home_region(),
        }
    }

    /// The Region that a scope names, if the service is asked there. Of a scope that names none of them, the home Region is what it ought
    /// to be.
    fn expected_region(&self, service: Service, named: &str) -> &Region {
        let served = self.kms.region_named(named);
        let asked = match service.regions() {
            ServedRegions::Home => None,
            ServedRegions::All => served,
            ServedRegions::AllAndGlobal => {
                served.or(self.global_region.as_ref().filter(|global| global.as_str() == named))
            }
        };
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

/// How long a presigned request to a service is good for.
fn lifetime_seconds(service: Service, head: &SignedHead, presigned: &PresignedQuery) -> Result<i64, SignatureError> {
    let asked = i64::from(presigned.expires_seconds()?);
    let query = head.parts.uri.query().unwrap_or_default();
    let whatever_it_says = service == Service::Sts && form::names_only(query, CALLER_IDENTITY);
    Ok(if whatever_it_says { PRESIGNED_SECONDS_MAX } else { asked.min(PRESIGNED_SECONDS_MAX) })
}

/// An access key that is unknown, inactive, or without the session token that belongs to it; a token that is altered, of another access
/// key, or of someone who is gone: all look alike.
fn unrecognized() -> KmsError {
    KmsError::new(Exception::UnrecognizedClient, "The security token included in the request is invalid.")
}
