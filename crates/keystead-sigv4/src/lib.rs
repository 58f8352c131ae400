//! AWS Signature Version 4: verify incoming requests, sign outgoing ones. Sans-IO.
//!
//! Bytes and a time come in, a verdict or a header value goes out: nothing here opens a socket, reads a clock or looks up
//! a credential. A signature is in the `Authorization` header, or in the query string of a presigned request.
//!
//! A server parses the header, checks what needs no key, looks up the secret, then verifies:
//!
//! ```
//! use keystead_sigv4::{
//!     AccessKeyId, AmzDate, CredentialScope, Expectation, PathMode, SecretAccessKey, SignableRequest, SigningKey,
//!     parse_authorization, payload_sha256_hex, sign, verify,
//! };
//!
//! # fn main() -> Result<(), keystead_sigv4::SignatureError> {
//! let now = AmzDate::parse("20260102T030405Z")?;
//! let scope = CredentialScope::on(now, "us-east-1", "kms");
//! let key = SigningKey::derive(&SecretAccessKey::new("an example, not a secret"), &scope);
//! let payload_sha256 = payload_sha256_hex(b"{}");
//! let request = SignableRequest {
//!     method: "POST",
//!     path: "/",
//!     query: "",
//!     headers: &[("Host", b"kms.example.com"), ("X-Amz-Date", b"20260102T030405Z")],
//!     payload_sha256: &payload_sha256,
//! };
//! let header = sign(&request, &AccessKeyId::new("AKIAEXAMPLEEXAMPLE22"), &key, &scope, now, PathMode::Normalize);
//!
//! let authorization = parse_authorization(&header, true)?;
//! let expectation = Expectation {
//!     region: "us-east-1",
//!     service: "kms",
//!     now,
//!     max_skew_seconds: 300,
//!     path_mode: PathMode::Normalize,
//!     must_sign: &["host", "x-amz-target"],
//! };
//! verify(&authorization, &request, &key, &expectation)
//! # }
//! ```
//!
//! Source: AWS General Reference, "Signing AWS API requests"; XKS proxy API specification, authentication.

mod access_key;
mod amz_date;
mod authorization;
mod canonical_headers;
mod canonical_query;
mod canonical_request;
mod canonical_uri;
mod credential_scope;
mod error;
mod hex;
mod percent_encoding;
mod presigned;
mod sign;
mod signing_key;
mod verify;

pub use access_key::{AccessKeyId, SecretAccessKey};
pub use amz_date::AmzDate;
pub use authorization::{ALGORITHM, Authorization, MAX_AUTHORIZATION_BYTES, MAX_SIGNED_HEADERS, parse_authorization};
pub use canonical_request::{
    SignableRequest, canonical_request, payload_sha256_hex, presigned_canonical_request, string_to_sign,
};
pub use canonical_uri::PathMode;
pub use credential_scope::CredentialScope;
pub use error::SignatureError;
pub use presigned::{MAX_EXPIRES_SECONDS, PresignedQuery};
pub use sign::sign;
pub use signing_key::SigningKey;
pub use verify::{Expectation, verify, verify_claims, verify_presigned, verify_presigned_claims};
