//! Which operation a request is for.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use keystead_core::KmsError;
use keystead_core::kms::operation_named;
use keystead_model::kms::Exception;
use keystead_model::shape::Operation;

use super::refusal::Refusal;

/// The service's name on the wire, before the operation's.
const TARGET_PREFIX: &str = "TrentService.";
/// The header that names the operation.
const TARGET: &str = "x-amz-target";
/// 1.0 differs from 1.1 in nothing that KMS uses, so clients that send it are served.
const CONTENT_TYPES: [&str; 2] = ["application/x-amz-json-1.1", "application/x-amz-json-1.0"];
/// What the audit record names where no operation is known.
const UNKNOWN: &str = "Unknown";

/// The operation that the request names, if the API has it.
pub(super) fn operation(headers: &HeaderMap) -> Option<&'static Operation> {
    let mut targets = headers.get_all(TARGET).iter();
    // Of two targets nobody can tell which one is meant.
    let (Some(target), None) = (targets.next(), targets.next()) else { return None };
    target.to_str().ok()?.strip_prefix(TARGET_PREFIX).and_then(operation_named)
}

/// The operation's name for the audit record, `Unknown` if the request names none.
pub(super) fn event_name(headers: &HeaderMap) -> &'static str {
    operation(headers).map_or(UNKNOWN, |operation| operation.name)
}

/// The operation, if this is a request of the protocol at all.
///
/// Source: KMS core digest 1.1 and 1.4. An unknown or missing target is answered without a message and with 400. What is answered to
/// another method, path or content type is unverified: the same exception, with a message, and 404 as for a page that is not there.
pub(super) fn route(head: &Parts, header_bytes_max: usize) -> Result<&'static Operation, Refusal> {
    check_header_bytes(&head.headers, header_bytes_max)?;
    if head.method != Method::POST || head.uri.path() != "/" {
        return Err(not_the_protocol("The AWS KMS API is served by POST requests to the path /."));
    }
    if !has_content_type(&head.headers) {
        return Err(not_the_protocol("The Content-Type of the request must be application/x-amz-json-1.1."));
    }
    operation(&head.headers).ok_or_else(|| Refusal::new(KmsError::bare(Exception::UnknownOperation)))
}

fn not_the_protocol(message: &str) -> Refusal {
    Refusal::with_status(KmsError::new(Exception::UnknownOperation, message), 404)
}

/// The exception is unverified; the status is HTTP's (RFC 6585).
fn check_header_bytes(headers: &HeaderMap, max: usize) -> Result<(), Refusal> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes <= max {
        return Ok(());
    }
    let message =
        format!("The headers of the request are {bytes} bytes long. They must not be longer than {max} bytes.");
    Err(Refusal::with_status(KmsError::new(Exception::RequestEntityTooLarge, message), 431))
}

fn has_content_type(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    CONTENT_TYPES.iter().any(|accepted| media_type.eq_ignore_ascii_case(accepted))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
    const ENCRYPT: (&str, &str) = ("x-amz-target", "TrentService.Encrypt");

    #[test]
    fn routes_by_target() {
        let accepted =
            ["application/x-amz-json-1.1", "application/x-amz-json-1.0", "Application/X-AMZ-JSON-1.1; charset=utf-8"];
        for content_type in accepted {
            let head = head("POST", "/", &[("content-type", content_type), ENCRYPT]);
            assert_eq!(route(&head, 1000).unwrap().name, "Encrypt", "{content_type}");
        }
    }

    #[test]
    fn an_unknown_target_is_400_without_a_message() {
        let targets: &[&[(&str, &str)]] = &[
            &[JSON],
            &[JSON, ("x-amz-target", "TrentService.encrypt")],
            &[JSON, ("x-amz-target", "TrentService.")],
            &[JSON, ("x-amz-target", "DynamoDB_20120810.Encrypt")],
            &[JSON, ("x-amz-target", "Encrypt")],
            &[JSON, ENCRYPT, ENCRYPT],
        ];
        for headers in targets {
            let refusal = route(&head("POST", "/", headers), 1000).unwrap_err();
            assert_eq!(
                (refusal.error, refusal.status),
                (KmsError::bare(Exception::UnknownOperation), None),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_404() {
        let rows = [
            head("GET", "/", &[JSON, ENCRYPT]),
            head("PUT", "/", &[JSON, ENCRYPT]),
            head("POST", "/other", &[JSON, ENCRYPT]),
            head("OPTIONS", "*", &[JSON, ENCRYPT]),
            head("POST", "/", &[ENCRYPT]),
            head("POST", "/", &[ENCRYPT, ("content-type", "application/json")]),
        ];
        for head in rows {
            let refusal = route(&head, 1000).unwrap_err();
            assert_eq!((refusal.error.exception, refusal.status), (Exception::UnknownOperation, Some(404)), "{head:?}");
            assert_eq!(event_name(&head.headers), "Encrypt");
        }
    }

    #[test]
    fn the_limit_of_the_headers_is_exact() {
        let bytes = JSON.0.len() + JSON.1.len() + ENCRYPT.0.len() + ENCRYPT.1.len();
        let head = head("POST", "/", &[JSON, ENCRYPT]);
        assert!(route(&head, bytes).is_ok());
        let refusal = route(&head, bytes - 1).unwrap_err();
        assert_eq!((refusal.error.exception, refusal.status), (Exception::RequestEntityTooLarge, Some(431)));
    }
}
