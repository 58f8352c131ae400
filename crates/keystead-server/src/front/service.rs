//! Which of the services at the endpoint a request is for, and for what: the head tells.
//!
//! The three share listener, limits and access keys. A service has its own protocol, its own name in the scope of a signature, and its own
//! words for errors.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use keystead_core::kms::operation_named;
use keystead_model::shape::Operation;

/// The header that names the operation, and the service before it.
const TARGET: &str = "x-amz-target";
const KMS_TARGET_PREFIX: &str = "TrentService.";
/// CloudHSM key stores digest 5.
const CLOUDHSM_TARGET_PREFIX: &str = "BaldrApiService.";
/// No operation of AWS has a longer name.
const OPERATION_NAME_LENGTH_MAX: usize = 64;
/// What logs name where no operation is known.
const UNKNOWN: &str = "Unknown";

/// A service at the endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Service {
    Kms,
    CloudHsm,
    Ec2,
}

/// How the requests of a service look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    /// AWS JSON 1.1: the operation is in `X-Amz-Target`.
    AwsJson,
    /// EC2 query: the operation is in the form that is the body.
    Ec2Query,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) enum Called {
    /// KMS; `None` if the request names no operation that the API has.
    Kms(Option<&'static Operation>),
    /// CloudHSM; `None` if what the request names can be no operation. Whether it is one the service tells.
    CloudHsm(Option<String>),
    /// EC2: the body names the operation.
    Ec2,
}

impl Service {
    /// How many there are.
    pub(super) const COUNT: usize = 3;

    /// As people know it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kms => "AWS KMS",
            Self::CloudHsm => "AWS CloudHSM",
            Self::Ec2 => "Amazon EC2",
        }
    }

    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Self::Kms | Self::CloudHsm => Protocol::AwsJson,
            Self::Ec2 => Protocol::Ec2Query,
        }
    }
}

impl Protocol {
    /// Who changes these headers changes what is asked of whom, so they must be signed.
    pub(super) const fn must_sign(self) -> &'static [&'static str] {
        match self {
            Self::AwsJson => &["host", TARGET],
            Self::Ec2Query => &["host"],
        }
    }

    /// The media types of its requests, the documented one first.
    pub(super) const fn content_types(self) -> &'static [&'static str] {
        match self {
            // 1.0 differs from 1.1 in nothing that the services use, so clients that send it are served.
            Self::AwsJson => &["application/x-amz-json-1.1", "application/x-amz-json-1.0"],
            Self::Ec2Query => &["application/x-www-form-urlencoded"],
        }
    }
}

impl Called {
    /// A target that names CloudHSM leads there, and a form without any target to EC2. All else is KMS's to serve or to refuse.
    pub(super) fn of(head: &Parts) -> Self {
        if let Some(name) = target(&head.headers).and_then(|target| target.strip_prefix(CLOUDHSM_TARGET_PREFIX)) {
            return Self::CloudHsm(may_be_operation(name).then(|| name.to_owned()));
        }
        let is_call = head.method == Method::POST && head.uri.path() == "/";
        if is_call && !head.headers.contains_key(TARGET) && has_content_type(&head.headers, Protocol::Ec2Query) {
            return Self::Ec2;
        }
        let name = target(&head.headers).and_then(|target| target.strip_prefix(KMS_TARGET_PREFIX));
        Self::Kms(name.and_then(operation_named))
    }

    pub(super) const fn service(&self) -> Service {
        match self {
            Self::Kms(_) => Service::Kms,
            Self::CloudHsm(_) => Service::CloudHsm,
            Self::Ec2 => Service::Ec2,
        }
    }

    /// The operation's name, `Unknown` if the head names none.
    pub(super) fn event_name(&self) -> &str {
        match self {
            Self::Kms(Some(operation)) => operation.name,
            Self::CloudHsm(Some(name)) => name,
            Self::Kms(None) | Self::CloudHsm(None) | Self::Ec2 => UNKNOWN,
        }
    }

    /// Whether the head lacks the operation that it must name.
    pub(super) const fn names_no_operation(&self) -> bool {
        matches!(self, Self::Kms(None) | Self::CloudHsm(None))
    }
}

/// Whether the request says that its body is one of the protocol's.
pub(super) fn has_content_type(headers: &HeaderMap, protocol: Protocol) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    protocol.content_types().iter().any(|accepted| media_type.eq_ignore_ascii_case(accepted))
}

fn target(headers: &HeaderMap) -> Option<&str> {
    let mut targets = headers.get_all(TARGET).iter();
    // Of two targets nobody can tell which one is meant.
    let (Some(target), None) = (targets.next(), targets.next()) else { return None };
    target.to_str().ok()
}

fn may_be_operation(name: &str) -> bool {
    (1..=OPERATION_NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    fn called(method: &str, uri: &str, headers: &[(&str, &str)]) -> Called {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Called::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_target_names_service_and_operation() {
        for (target, service, event_name) in [
            ("TrentService.Encrypt", Service::Kms, "Encrypt"),
            ("TrentService.encrypt", Service::Kms, "Unknown"),
            ("BaldrApiService.DescribeClusters", Service::CloudHsm, "DescribeClusters"),
            ("BaldrApiService.NoSuchThing", Service::CloudHsm, "NoSuchThing"),
            ("BaldrApiService.", Service::CloudHsm, "Unknown"),
            ("BaldrApiService.a b", Service::CloudHsm, "Unknown"),
            ("DynamoDB_20120810.Encrypt", Service::Kms, "Unknown"),
            ("Encrypt", Service::Kms, "Unknown"),
        ] {
            // A target says more than the type of the body.
            for headers in [vec![("x-amz-target", target)], vec![FORM, ("x-amz-target", target)]] {
                let called = called("POST", "/", &headers);
                assert_eq!((called.service(), called.event_name()), (service, event_name), "{target}");
                assert_eq!(called.names_no_operation(), event_name == "Unknown", "{target}");
            }
        }
        let long = format!("BaldrApiService.{}", "a".repeat(OPERATION_NAME_LENGTH_MAX + 1));
        assert!(matches!(called("POST", "/", &[("x-amz-target", &long)]), Called::CloudHsm(None)));
    }

    #[test]
    fn of_two_targets_none_counts() {
        let two = [("x-amz-target", "BaldrApiService.ListTags"), ("x-amz-target", "TrentService.ListKeys")];
        assert!(matches!(called("POST", "/", &two), Called::Kms(None)));
    }

    #[test]
    fn a_form_without_a_target_is_for_ec2() {
        assert!(matches!(called("POST", "/", &[FORM]), Called::Ec2));
        assert!(!Called::Ec2.names_no_operation());
        for (method, path, headers) in [
            ("GET", "/", vec![FORM]),
            ("POST", "/other", vec![FORM]),
            ("POST", "/", vec![]),
            ("POST", "/", vec![("content-type", "text/plain")]),
            ("POST", "/", vec![FORM, ("x-amz-target", "")]),
        ] {
            assert!(matches!(called(method, path, &headers), Called::Kms(None)), "{method} {path} {headers:?}");
        }
    }
}
