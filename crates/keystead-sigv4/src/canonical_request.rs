//! The canonical request and the string to sign, from the request as it arrived.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

use crate::amz_date::AmzDate;
use crate::authorization::ALGORITHM;
use crate::canonical_headers::{Header, push_canonical_headers, push_names};
use crate::canonical_query::push_canonical_query;
use crate::canonical_uri::{PathMode, push_canonical_uri};
use crate::credential_scope::CredentialScope;
use crate::{hex, presigned};

/// What a signature covers. `path` and `query` exactly as in the request target.
#[derive(Clone, Copy)]
pub struct SignableRequest<'a> {
    /// Upper-case method, such as `POST`.
    pub method: &'a str,
    /// The path, still encoded as it was sent, without query.
    pub path: &'a str,
    /// What stands after `?`, still encoded as it was sent; empty if there is none.
    pub query: &'a str,
    /// Names in any case, values as bytes, in order of arrival. On HTTP/2 the authority is given as `host`.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// SHA-256 of the exact body, 64 lower-case hexadecimal digits: see [`payload_sha256_hex`].
    pub payload_sha256: &'a str,
}

/// SHA-256 of a body, as 64 lower-case hexadecimal digits.
pub fn payload_sha256_hex(body: &[u8]) -> String {
    hex::encode(digest(&SHA256, body).as_ref())
}

/// The canonical request over the headers named by `signed_headers` (lower case, sorted).
///
/// A listed header that the request lacks gets a line without a value; [`verify`](crate::verify) refuses it beforehand.
pub fn canonical_request<S: AsRef<str>>(
    request: &SignableRequest<'_>,
    signed_headers: &[S],
    path_mode: PathMode,
) -> Vec<u8> {
    canonical(request, signed_headers, path_mode, None)
}

/// The canonical request of a presigned request: its query string without the signature itself.
pub fn presigned_canonical_request<S: AsRef<str>>(
    request: &SignableRequest<'_>,
    signed_headers: &[S],
    path_mode: PathMode,
) -> Vec<u8> {
    canonical(request, signed_headers, path_mode, Some(presigned::SIGNATURE))
}

fn canonical<S: AsRef<str>>(
    request: &SignableRequest<'_>,
    signed_headers: &[S],
    path_mode: PathMode,
    without_parameter: Option<&str>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity(request));
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    push_canonical_uri(&mut out, request.path, path_mode);
    out.push(b'\n');
    push_canonical_query(&mut out, request.query, without_parameter);
    out.push(b'\n');
    push_canonical_headers(&mut out, signed_headers, request.headers);
    out.push(b'\n');
    push_names(&mut out, signed_headers);
    out.push(b'\n');
    out.extend_from_slice(request.payload_sha256.as_bytes());
    out
}

/// Enough for a request that needs no encoding; names are written twice.
fn capacity(request: &SignableRequest<'_>) -> usize {
    let header_len = |(name, value): &Header<'_>| 2 * name.len() + value.len() + 4;
    let headers_len: usize = request.headers.iter().map(header_len).sum();
    headers_len + request.method.len() + request.path.len() + request.query.len() + request.payload_sha256.len() + 8
}

/// The text that the signing key signs: algorithm, date, scope and the digest of the canonical request, a line each.
pub fn string_to_sign(canonical_request: &[u8], date: AmzDate, scope: &CredentialScope) -> String {
    let mut text = String::with_capacity(192);
    // Writing into a `String` cannot fail.
    let _ = write!(text, "{ALGORITHM}\n{date}\n{scope}\n");
    text.push_str(&payload_sha256_hex(canonical_request));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        assert_eq!(payload_sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn lines_are_in_the_documented_order() {
        let request = SignableRequest {
            method: "POST",
            path: "/a",
            query: "q",
            headers: &[("X-Amz-Date", b"20150830T123600Z"), ("Host", b"h"), ("Unsigned", b"\xff")],
            payload_sha256: "00ff",
        };
        let canonical = canonical_request(&request, &["host", "x-amz-date"], PathMode::Normalize);
        let expected = "POST\n/a\nq=\nhost:h\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n00ff";
        assert_eq!(canonical, expected.as_bytes());
        assert!(canonical.len() <= capacity(&request));
    }
}
