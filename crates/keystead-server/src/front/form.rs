//! The form that a request of a query protocol is: in its body, in its query string, or in both.

use keystead_sigv4::PresignedQuery;
use zeroize::Zeroizing;

use super::service::{Protocol, Service, has_content_type};
use super::signed_head::SignedHead;

/// The parameter that names the operation.
const ACTION: &str = "Action";
/// The parameter that names the version of the API, which no two services share.
const VERSION: &str = "Version";
const VERSIONS: [(&str, Service); 3] =
    [("2016-11-15", Service::Ec2), ("2010-05-08", Service::Iam), ("2011-06-15", Service::Sts)];

/// Whether a query string names an operation.
pub(super) fn names_operation(query: &str) -> bool {
    values(query, ACTION).next().is_some()
}

/// Whether a query string names this operation, and no other.
pub(super) fn names_only(query: &str, operation: &str) -> bool {
    values(query, ACTION).eq([operation])
}

/// The service whose version of the API a form names. It tells nothing of who may call, and only how a refusal is worded.
pub(super) fn service_of_version(form: &[u8]) -> Option<Service> {
    let form = std::str::from_utf8(form).ok()?;
    values(form, VERSION).find_map(|version| {
        let named = VERSIONS.iter().find(|(known, _)| *known == version)?;
        Some(named.1)
    })
}

/// Names and versions have no characters that a form would write in another way.
fn values<'a>(form: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(move |(candidate, _)| *candidate == name)
        .map(|(_, value)| value)
}

/// The whole form: what the query string has, without what signs it, then the body if that is a form too.
pub(super) fn whole(head: &SignedHead, body: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let body = if has_content_type(&head.parts.headers, Protocol::AwsQuery) { body } else { Zeroizing::default() };
    let query = head.parts.uri.query().unwrap_or_default();
    let is_of_form = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !pair.is_empty() && !PresignedQuery::is_parameter(name)
    };
    let in_query = query.split('&').filter(is_of_form).collect::<Vec<_>>().join("&").into_bytes();
    if in_query.is_empty() {
        return body;
    }
    if body.is_empty() {
        return Zeroizing::new(in_query);
    }
    Zeroizing::new([&in_query[..], b"&", &body].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_operation_and_no_other() {
        for (query, named) in
            [("Action=A", true), ("x=1&Action=A", true), ("Action=A&Action=B", false), ("Action=B", false), ("", false)]
        {
            assert_eq!(names_only(query, "A"), named, "{query}");
        }
    }

    fn head(uri: &str, content_type: &str) -> SignedHead {
        let request = http::Request::builder().uri(uri).header("content-type", content_type);
        SignedHead::new(request.body(()).unwrap().into_parts().0, true)
    }

    #[test]
    fn query_and_body_are_one_form() {
        const FORM: &str = "application/x-www-form-urlencoded";
        for (uri, content_type, body, expected) in [
            ("/", FORM, "Action=A&B=1", "Action=A&B=1"),
            ("/?Action=A", FORM, "", "Action=A"),
            ("/?Action=A&B=2&", FORM, "C=3", "Action=A&B=2&C=3"),
            ("/?Action=A", "text/plain", "C=3", "Action=A"),
            ("/?Action=A&X-Amz-Date=1&X-Amz-Signature=2&x=3", "", "", "Action=A&x=3"),
            ("/?X-Amz-Security-Token=1", FORM, "Action=A", "Action=A"),
        ] {
            let form = whole(&head(uri, content_type), Zeroizing::new(body.as_bytes().to_vec()));
            assert_eq!(form.as_slice(), expected.as_bytes(), "{uri} {body}");
        }
    }

    #[test]
    fn the_operation_is_named() {
        for (query, named) in
            [("Action=A", true), ("a=1&Action=", true), ("Action", false), ("action=A", false), ("", false)]
        {
            assert_eq!(names_operation(query), named, "{query}");
        }
    }

    #[test]
    fn the_version_tells_the_service() {
        for (form, service) in [
            (b"Action=ListUsers&Version=2010-05-08".as_slice(), Some(Service::Iam)),
            (b"Version=2011-06-15", Some(Service::Sts)),
            (b"Version=2016-11-15&x", Some(Service::Ec2)),
            (b"Version=1&Version=2016-11-15", Some(Service::Ec2)),
            (b"Version=2026-01-01", None),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(service_of_version(form), service);
        }
    }
}
