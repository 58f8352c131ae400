//! A GetHealthStatus request to an XKS proxy, signed as KMS signs it; every value was computed by another signer.
//!

//! Source: XKS proxy API specification, authentication; the values agree with botocore's signer.

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, Expectation, PathMode, SecretAccessKey, SignableRequest, SigningKey,
    canonical_request, parse_authorization, payload_sha256_hex, sign, verify,
};

const BODY: &[u8] =
    br#"{"requestMetadata":{"kmsOperation":"KmsHealthCheck","kmsRequestId":"4112f4d6-db54-4af4-ae30-c55a22a8dfae"}}"#;
const PAYLOAD_SHA256: &str = "479479bdb0630d291341de189b3a627b0b40ad6d5a1c8b33c53bf58b5ee5fb9f";
const CANONICAL_REQUEST_SHA256: &str = "b4db7720c07c98a02d227647ab5866ba6fb91ed01fecffc427af803661903185";
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=BETWEEN2TENAND3TENCHARACTERS/20260102/us-east-1/kms-xks-proxy/aws4_request, \
    SignedHeaders=host;x-amz-date, \
    Signature=54885ea1c0ec903315299c40784f78860c677dae614e23484acaf83c3c423f25";

const REQUEST: SignableRequest<'_> = SignableRequest {
    method: "POST",
    path: "/example/kms/xks/v1/health",
    query: "",
    headers: &[("Host", b"xks.example.com"), ("X-Amz-Date", b"20260102T030405Z")],
    payload_sha256: PAYLOAD_SHA256,
};

fn scope() -> CredentialScope {
    CredentialScope { date: "20260102".into(), region: "us-east-1".into(), service: "kms-xks-proxy".into() }
}

fn key() -> SigningKey {
    SigningKey::derive(&SecretAccessKey::new("PleaseReplaceThisWithSomeSecretOfLength43To64"), &scope())
}

#[test]
fn intermediate_values() {
    assert_eq!(payload_sha256_hex(BODY), PAYLOAD_SHA256);
    let canonical = canonical_request(&REQUEST, &["host", "x-amz-date"], PathMode::Normalize);
    assert_eq!(payload_sha256_hex(&canonical), CANONICAL_REQUEST_SHA256);
}

#[test]
fn signs() {
    let (id, date) = (AccessKeyId::new("BETWEEN2TENAND3TENCHARACTERS"), AmzDate::parse("20260102T030405Z").unwrap());
    for mode in [PathMode::Normalize, PathMode::AsIs] {
        assert_eq!(sign(&REQUEST, &id, &key(), &scope(), date, mode), AUTHORIZATION);
    }
}

#[test]
fn verifies() {
    let expectation = Expectation {
        region: "us-east-1",
        service: "kms-xks-proxy",
        now: AmzDate::parse("20260102T030904Z").unwrap(),
        max_skew_seconds: 300,
        path_mode: PathMode::Normalize,
        must_sign: &["host"],
    };
    let authorization = parse_authorization(AUTHORIZATION, true).unwrap();
    assert_eq!(verify(&authorization, &REQUEST, &key(), &expectation), Ok(()));
}
