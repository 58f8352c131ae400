//! Presigned requests, as SDKs make them.

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, PathMode, SecretAccessKey, SignableRequest, SigningKey, payload_sha256_hex,
    sign,
};

use super::ports::FixedClock;
use super::request::Signer;

/// The target of a request without a body, signed over its host alone. `parameters` are written as a query string has them.
pub(crate) fn target(method: &str, host: &str, parameters: &str, expires: &str, signer: &Signer<'_>) -> String {
    let date = AmzDate::from_unix(FixedClock::UNIX + signer.off_seconds);
    let scope = CredentialScope::on(date, signer.region, signer.service);
    let credential = format!("{}/{scope}", signer.access_key_id).replace('/', "%2F");
    let query = format!(
        "{parameters}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={expires}\
         &X-Amz-SignedHeaders=host"
    );
    let key = SigningKey::derive(&SecretAccessKey::new(signer.secret), &scope);
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let payload_sha256 = payload_sha256_hex(b"");
    let request = SignableRequest { method, path: "/", query: &query, headers, payload_sha256: &payload_sha256 };
    // What the header would sign is what the query string signs, so long as the signature is not in it.
    let id = AccessKeyId::new(signer.access_key_id);
    let authorization = sign(&request, &id, &key, &scope, date, PathMode::Normalize);
    let (_, signature) = authorization.rsplit_once("Signature=").unwrap();
    format!("/?{query}&X-Amz-Signature={signature}")
}
