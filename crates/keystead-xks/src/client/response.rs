//! What a proxy answered: read within a limit, then interpreted to the letter of the specification.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keystead_core::key_store::ProxyFailure;
use keystead_core::port::{BackendCiphertext, ExternalKeyMetadata};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::failure;
use crate::wire::{
    Api, DecryptResponse, EncryptResponse, ErrorName, ErrorResponse, GetHealthStatusResponse, GetKeyMetadataResponse,
    KeyStatus, MalformedResponse,
};

/// The largest body that is read, in bytes. The specification names no limit; its largest answer is below 8 KiB.
pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;
/// Room for any good answer, so that the buffer, which may hold plaintext, does not move.
const BODY_USUAL_BYTES: usize = 8 * 1024;

/// A whole answer. The body is zeroed on drop, since Decrypt's holds plaintext.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Why a response could not be read to its end.
pub(crate) enum ReadError {
    /// More than [`BODY_MAX_BYTES`].
    Oversized,
    /// The connection or the framing broke.
    Http(hyper::Error),
}

/// Reads a response to its end.
pub(crate) async fn read(response: Response<Incoming>) -> Result<Answer, ReadError> {
    let (head, mut incoming) = response.into_parts();
    let announced = content_length(&head.headers);
    if announced.is_some_and(|length| length > BODY_MAX_BYTES) {
        return Err(ReadError::Oversized);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(BODY_USUAL_BYTES)));
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(ReadError::Http)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if body.len() + data.len() > BODY_MAX_BYTES {
            return Err(ReadError::Oversized);
        }
        append(&mut body, data);
    }
    Ok(Answer { status: head.status, body })
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Appends without leaving a copy of the old content behind, as a growing `Vec` would.
fn append(body: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    if body.capacity() - body.len() < data.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(BODY_MAX_BYTES));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(data);
}

/// GetHealthStatus: well formed, and not every external key manager instance UNAVAILABLE.
pub(crate) fn health(answer: &Answer) -> Result<(), ProxyFailure> {
    let response: GetHealthStatusResponse = parse(Api::GetHealthStatus, answer)?;
    response.validate().map_err(malformed)?;
    if response.is_unavailable() {
        return Err(ProxyFailure::ExternalKeyManagerUnavailable);
    }
    Ok(())
}

/// GetKeyMetadata.
pub(crate) fn key_metadata(answer: &Answer) -> Result<ExternalKeyMetadata, ProxyFailure> {
    let response: GetKeyMetadataResponse = parse(Api::GetKeyMetadata, answer)?;
    response.validate().map_err(malformed)?;
    let key_status = match response.key_status {
        KeyStatus::Enabled => "ENABLED",
        KeyStatus::Disabled => "DISABLED",
    };
    Ok(ExternalKeyMetadata {
        key_spec: response.key_spec,
        key_usage: response.key_usage,
        key_status: key_status.to_owned(),
    })
}

/// Encrypt of `plaintext_bytes` bytes with `aad`: all lengths and the integrity value are checked.
pub(crate) fn encrypt(answer: &Answer, plaintext_bytes: usize, aad: &[u8]) -> Result<BackendCiphertext, ProxyFailure> {
    let response: EncryptResponse = parse(Api::Encrypt, answer)?;
    response.validate(plaintext_bytes, aad, true).map_err(malformed)?;
    let tag = response.authentication_tag.as_ref().try_into();
    Ok(BackendCiphertext {
        authentication_tag: tag.map_err(|_| ProxyFailure::MalformedResponse)?,
        ciphertext: response.ciphertext.into_vec(),
        initialization_vector: response.initialization_vector.into_vec(),
        metadata: response.ciphertext_metadata.map(|bytes| bytes.into_vec()),
    })
}

/// Decrypt of `ciphertext_bytes` bytes.
pub(crate) fn decrypt(answer: &Answer, ciphertext_bytes: usize) -> Result<Zeroizing<Vec<u8>>, ProxyFailure> {
    let response: DecryptResponse = parse(Api::Decrypt, answer)?;
    response.validate(ciphertext_bytes).map_err(malformed)?;
    Ok(response.plaintext.into_zeroizing())
}

/// A success of type `T`, or the error that the proxy names. `errorName` decides, not the HTTP status.
fn parse<T: DeserializeOwned>(api: Api, answer: &Answer) -> Result<T, ProxyFailure> {
    let mut defect = None;
    if answer.status == StatusCode::OK {
        match serde_json::from_slice(&answer.body) {
            Ok(response) => return Ok(response),
            Err(error) => defect = Some(error),
        }
    }
    match serde_json::from_slice::<ErrorResponse>(&answer.body) {
        Ok(error) => Err(named(api, answer.status, &error)),
        Err(error) => Err(uninterpretable(answer, &defect.unwrap_or(error))),
    }
}

/// The proxy's own message goes to the log, cut and made printable, and never to the caller of KMS.
fn named(api: Api, status: StatusCode, error: &ErrorResponse) -> ProxyFailure {
    let message = error.error_message.as_deref().unwrap_or_default();
    let printable = ErrorResponse::new(error.error_name, message).error_message;
    tracing::debug!(
        xks_operation = api.name(),
        error_name = error.error_name.as_str(),
        error_message = printable.as_deref().unwrap_or_default(),
        http_status = status.as_u16(),
        "the XKS proxy answered with an error"
    );
    if is_expected(error.error_name, api) {
        failure::of_error_name(error.error_name)
    } else {
        ProxyFailure::MalformedResponse
    }
}

/// What the specification's table leaves out, but the KMS Developer Guide has an outcome for: AccessDeniedException as a
/// ConnectionErrorCode, InvalidKeyUsageException as an exception of CreateKey.
const TOLERATED: [(Api, ErrorName); 2] = [
    (Api::GetHealthStatus, ErrorName::AccessDeniedException),
    (Api::GetKeyMetadata, ErrorName::InvalidKeyUsageException),
];

/// Whether `api` may answer so; anything else cannot be interpreted.
fn is_expected(name: ErrorName, api: Api) -> bool {
    name.may_come_from(api) || TOLERATED.contains(&(api, name))
}

/// Says where the answer stops making sense; its content is not repeated, as it may be plaintext.
fn uninterpretable(answer: &Answer, defect: &serde_json::Error) -> ProxyFailure {
    tracing::debug!(
        http_status = answer.status.as_u16(),
        body_bytes = answer.body.len(),
        category = ?defect.classify(),
        line = defect.line(),
        column = defect.column(),
        "the XKS proxy's answer cannot be interpreted"
    );
    ProxyFailure::MalformedResponse
}

fn malformed(reason: MalformedResponse) -> ProxyFailure {
    tracing::debug!(%reason, "the XKS proxy's answer breaks a rule of the specification");
    failure::of_malformed(&reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::wire::ERROR_TABLE;

    fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body: Zeroizing::new(body.into()) }
    }

    /// What `api` makes of an answer that is an error.
    fn failure_of(api: Api, answer: &Answer) -> ProxyFailure {
        match api {
            Api::GetHealthStatus => health(answer).unwrap_err(),
            Api::GetKeyMetadata => key_metadata(answer).unwrap_err(),
            Api::Encrypt => encrypt(answer, 12, b"").unwrap_err(),
            Api::Decrypt => decrypt(answer, 12).unwrap_err(),
        }
    }

    #[test]
    fn the_error_name_decides_whatever_the_status() {
        for (row, api) in ERROR_TABLE.iter().flat_map(|row| Api::ALL.map(|api| (row, api))) {
            let body = format!(r#"{{"errorName":"{}","errorMessage":"text"}}"#, row.text);
            let expected = if row.apis.contains(&api) || TOLERATED.contains(&(api, row.name)) {
                failure::of_error_name(row.name)
            } else {
                ProxyFailure::MalformedResponse
            };
            for status in [row.http_status, 200, 418, 500] {
                assert_eq!(failure_of(api, &answer(status, body.as_str())), expected, "{api:?} {} {status}", row.text);
            }
        }
    }

    #[test]
    fn whatever_else_is_malformed() {
        let good = r#"{"plaintext":"SGVsbG8gV29ybGQh"}"#;
        assert_eq!(**decrypt(&answer(200, good), 12).unwrap(), *b"Hello World!");
        for (status, body) in [
            (201, good),
            (301, good),
            (200, ""),
            (200, "null"),
            (200, "[]"),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQh"} trailing"#),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQh","plaintext":""}"#),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQ"}"#),
            (200, r#"{"plaintext":"SGVsbG8gV29ybGQhIQ=="}"#),
            (200, r#"{"plaintext":null}"#),
            (200, "{}"),
            (200, "<html>welcome</html>"),
            (404, "<html>not found</html>"),
            (500, r#"{"errorName":"TeapotException"}"#),
            (500, r#"{"errorMessage":"no name"}"#),
            (500, r#"{"errorName":12}"#),
        ] {
            let failure = decrypt(&answer(status, body), 12).unwrap_err();
            assert_eq!(failure, ProxyFailure::MalformedResponse, "{status} {body}");
        }
    }

    #[test]
    fn key_status_is_told_as_written() {
        for status in ["ENABLED", "DISABLED"] {
            let body = format!(r#"{{"keySpec":"AES_256","keyUsage":["ENCRYPT"],"keyStatus":"{status}"}}"#);
            let metadata = key_metadata(&answer(200, body)).unwrap();
            assert_eq!(metadata.key_status, status);
            assert_eq!(metadata.key_usage, ["ENCRYPT"]);
        }
    }

    #[test]
    fn appending_keeps_the_content_when_it_grows() {
        let mut body = Zeroizing::new(Vec::with_capacity(4));
        for _ in 0..1000 {
            append(&mut body, b"abc");
        }
        assert_eq!(body.len(), 3000);
        assert!(body.chunks(3).all(|chunk| chunk == b"abc"));
    }
}
