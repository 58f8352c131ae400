//! Whether a request is one of its service's protocol at all.

use http::request::Parts;
use http::{HeaderMap, Method};
use keystead_core::KmsError;
use keystead_model::kms::Exception;

use super::refusal::Refusal;
use super::service::{Called, has_content_type};

/// Refuses what cannot be served whoever signed it.
///
/// Source: KMS core digest 1.1 and 1.4. An unknown or missing target is answered without a message and with 400. What is answered to
/// another method, path or content type is unverified: the same exception, with a message, and 404 as for a page that is not there.
pub(super) fn check(head: &Parts, called: &Called, header_bytes_max: usize) -> Result<(), Refusal> {
    check_header_bytes(&head.headers, header_bytes_max)?;
    if called.is_form() {
        // Nothing leads here that is not one.
        return Ok(());
    }
    let service = called.service();
    if head.method != Method::POST || head.uri.path() != "/" {
        let name = service.name();
        return Err(not_the_protocol(format!("The {name} API is served by POST requests to the path /.")));
    }
    if !has_content_type(&head.headers, service.protocol()) {
        let documented = service.protocol().content_types()[0];
        return Err(not_the_protocol(format!("The Content-Type of the request must be {documented}.")));
    }
    if called.names_no_operation() {
        return Err(Refusal::new(KmsError::bare(Exception::UnknownOperation)));
    }
    Ok(())
}

fn not_the_protocol(message: String) -> Refusal {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::service::is_form;
    use super::super::signed_head::SignedHead;
    use super::*;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn called(head: &Parts) -> Called {
        let is_form = is_form(head);
        Called::of(&SignedHead::new(head.clone(), is_form), is_form)
    }

    fn checked(head: &Parts, header_bytes_max: usize) -> Result<Called, Refusal> {
        let called = called(head);
        check(head, &called, header_bytes_max).map(|()| called)
    }

    const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
    const ENCRYPT: (&str, &str) = ("x-amz-target", "TrentService.Encrypt");
    const LIST_TAGS: (&str, &str) = ("x-amz-target", "BaldrApiService.ListTags");

    #[test]
    fn requests_of_the_protocols_pass() {
        let accepted =
            ["application/x-amz-json-1.1", "application/x-amz-json-1.0", "Application/X-AMZ-JSON-1.1; charset=utf-8"];
        for content_type in accepted {
            for (target, name) in [(ENCRYPT, "Encrypt"), (LIST_TAGS, "ListTags")] {
                let head = head("POST", "/", &[("content-type", content_type), target]);
                assert_eq!(checked(&head, 1000).unwrap().event_name(), name, "{content_type}");
            }
        }
        let form = head("POST", "/", &[("content-type", "application/x-www-form-urlencoded")]);
        assert!(matches!(checked(&form, 1000).unwrap(), Called::Ec2));
        let in_query = head("GET", "/?Action=GetCallerIdentity", &[]);
        assert!(matches!(checked(&in_query, 1000).unwrap(), Called::Ec2));
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
            &[JSON, ("x-amz-target", "BaldrApiService.")],
        ];
        for headers in targets {
            let refusal = checked(&head("POST", "/", headers), 1000).unwrap_err();
            assert_eq!(
                (refusal.error, refusal.status),
                (KmsError::bare(Exception::UnknownOperation), None),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_404() {
        for (target, name, event_name) in [(ENCRYPT, "AWS KMS", "Encrypt"), (LIST_TAGS, "AWS CloudHSM", "ListTags")] {
            let method_or_path = format!("The {name} API is served by POST requests to the path /.");
            let content_type = "The Content-Type of the request must be application/x-amz-json-1.1.";
            let rows = [
                (head("GET", "/", &[JSON, target]), method_or_path.as_str()),
                (head("PUT", "/", &[JSON, target]), &method_or_path),
                (head("POST", "/other", &[JSON, target]), &method_or_path),
                (head("OPTIONS", "*", &[JSON, target]), &method_or_path),
                (head("POST", "/", &[target]), content_type),
                (head("POST", "/", &[target, ("content-type", "application/json")]), content_type),
            ];
            for (head, message) in rows {
                let refusal = checked(&head, 1000).unwrap_err();
                let expected = KmsError::new(Exception::UnknownOperation, message);
                assert_eq!((refusal.error, refusal.status), (expected, Some(404)), "{head:?}");
                assert_eq!(called(&head).event_name(), event_name);
            }
        }
    }

    #[test]
    fn the_limit_of_the_headers_is_exact() {
        let bytes = JSON.0.len() + JSON.1.len() + ENCRYPT.0.len() + ENCRYPT.1.len();
        let head = head("POST", "/", &[JSON, ENCRYPT]);
        assert!(checked(&head, bytes).is_ok());
        let refusal = checked(&head, bytes - 1).unwrap_err();
        assert_eq!((refusal.error.exception, refusal.status), (Exception::RequestEntityTooLarge, Some(431)));
    }
}
