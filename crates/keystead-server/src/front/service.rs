//! Which of the services at the endpoint a request is for, and for what: the head tells.
//!
//! They share listener, limits and access keys. A service has its own protocol, its own name in the scope of a signature, and its own
//! words for errors.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method};
use keystead_core::kms::operation_named;
use keystead_model::shape::Operation;

use super::form;
use super::signed_head::{SignedHead, X_AMZ_SECURITY_TOKEN};

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
    Iam,
    Sts,
}

/// How the requests of a service look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    /// AWS JSON 1.1: the operation is in `X-Amz-Target`.
    AwsJson,
    /// EC2 query: the operation is in a form.
    Ec2Query,
    /// AWS query: the same, with other answers.
    AwsQuery,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) enum Called {
    /// KMS; `None` if the request names no operation that the API has.
    Kms(Option<&'static Operation>),
    /// CloudHSM; `None` if what the request names can be no operation. Whether it is one the service tells.
    CloudHsm(Option<String>),
    /// EC2: a form names the operation.
    Ec2,
    /// IAM: a form does.
    Iam,
    /// STS: a form does.
    Sts,
}

impl Service {
    /// How many there are.
    pub(super) const COUNT: usize = 5;

    /// As people know it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kms => "AWS KMS",
            Self::CloudHsm => "AWS CloudHSM",
            Self::Ec2 => "Amazon EC2",
            Self::Iam => "AWS IAM",
            Self::Sts => "AWS STS",
        }
    }

    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Self::Kms | Self::CloudHsm => Protocol::AwsJson,
            Self::Ec2 => Protocol::Ec2Query,
            Self::Iam | Self::Sts => Protocol::AwsQuery,
        }
    }

    /// Which Regions may be in the scope of a signature for it.
    pub(super) const fn regions(self) -> ServedRegions {
        match self {
            Self::Kms => ServedRegions::All,
            Self::CloudHsm | Self::Ec2 => ServedRegions::Home,
            Self::Iam | Self::Sts => ServedRegions::AllAndGlobal,
        }
    }
}

/// The Regions in which a service is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ServedRegions {
    /// The home Region.
    Home,
    /// Any that is served.
    All,
    /// Any that is served, and the Region of the partition's global endpoints: IAM is of no Region, STS once was of none, and clients sign
    /// for that one wherever they are (IAM User Guide, "Regions and endpoints").
    AllAndGlobal,
}

impl Protocol {
    /// Who changes these headers changes what is asked of whom, so they must be signed.
    pub(super) const fn must_sign(self) -> &'static [&'static str] {
        match self {
            Self::AwsJson => &["host", TARGET, X_AMZ_SECURITY_TOKEN],
            Self::Ec2Query | Self::AwsQuery => &["host", X_AMZ_SECURITY_TOKEN],
        }
    }

    /// The media types of its requests, the documented one first.
    pub(super) const fn content_types(self) -> &'static [&'static str] {
        match self {
            // 1.0 differs from 1.1 in nothing that the services use, so clients that send it are served.
            Self::AwsJson => &["application/x-amz-json-1.1", "application/x-amz-json-1.0"],
            Self::Ec2Query | Self::AwsQuery => &["application/x-www-form-urlencoded"],
        }
    }
}

impl Called {
    /// A target that names CloudHSM leads there, and a form without any target to the service that it is signed for, or seems to be for.
    /// All else is KMS's to serve or to refuse.
    pub(super) fn of(head: &SignedHead, is_form: bool) -> Self {
        let parts = &head.parts;
        if let Some(name) = target(&parts.headers).and_then(|target| target.strip_prefix(CLOUDHSM_TARGET_PREFIX)) {
            return Self::CloudHsm(may_be_operation(name).then(|| name.to_owned()));
        }
        if is_form {
            let signed_for = head.authorization().ok().map(|authorization| authorization.scope.service);
            return match signed_for.as_deref() {
                Some("iam") => Self::Iam,
                Some("sts") => Self::Sts,
                Some("ec2") => Self::Ec2,
                Some(_) | None => Self::of_unsigned_form(parts.uri.query().unwrap_or_default().as_bytes()),
            };
        }
        let name = target(&parts.headers).and_then(|target| target.strip_prefix(KMS_TARGET_PREFIX));
        Self::Kms(name.and_then(operation_named))
    }

    pub(super) const fn service(&self) -> Service {
        match self {
            Self::Kms(_) => Service::Kms,
            Self::CloudHsm(_) => Service::CloudHsm,
            Self::Ec2 => Service::Ec2,
            Self::Iam => Service::Iam,
            Self::Sts => Service::Sts,
        }
    }

    /// A form that is signed for none of them: for the service whose version of the API it names, which refuses it in its own words.
    pub(super) fn of_unsigned_form(form: &[u8]) -> Self {
        match form::service_of_version(form) {
            Some(Service::Iam) => Self::Iam,
            Some(Service::Sts) => Self::Sts,
            Some(Service::Kms | Service::CloudHsm | Service::Ec2) | None => Self::Ec2,
        }
    }

    /// Whether a form names the operation.
    pub(super) const fn is_form(&self) -> bool {
        matches!(self, Self::Ec2 | Self::Iam | Self::Sts)
    }

    /// The operation's name, `Unknown` if the head names none.
    pub(super) fn event_name(&self) -> &str {
        match self {
            Self::Kms(Some(operation)) => operation.name,
            Self::CloudHsm(Some(name)) => name,
            Self::Kms(None) | Self::CloudHsm(None) | Self::Ec2 | Self::Iam | Self::Sts => UNKNOWN,
        }
    }

    /// Whether the head lacks the operation that it must name.
    pub(super) const fn names_no_operation(&self) -> bool {
        matches!(self, Self::Kms(None) | Self::CloudHsm(None))
    }
}

/// Whether a request is one of a query protocol: a form in the body, or an operation in the query string, and no target.
pub(super) fn is_form(head: &Parts) -> bool {
    if head.uri.path() != "/" || head.headers.contains_key(TARGET) {
        return false;
    }
    let in_query = || head.uri.query().is_some_and(form::names_operation);
    match head.method {
        Method::POST => has_content_type(&head.headers, Protocol::AwsQuery) || in_query(),
        Method::GET => in_query(),
        _ => false,
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
        let parts = request.body(()).unwrap().into_parts().0;
        let is_form = is_form(&parts);
        Called::of(&SignedHead::new(parts, is_form), is_form)
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
    fn a_form_without_a_target_is_for_the_service_that_it_is_signed_for() {
        let digits = "5f".repeat(32);
        let authorization = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature={digits}"
            )
        };
        let presigned = |service: &str| {
            format!(
                "/?Action=A&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2F{service}%2Faws4_request&X-Amz-Signature={digits}"
            )
        };
        for (name, service) in [
            ("iam", Service::Iam),
            ("sts", Service::Sts),
            ("ec2", Service::Ec2),
            ("kms", Service::Ec2),
            ("", Service::Ec2),
        ] {
            let signed = authorization(name);
            let date = ("x-amz-date", "20260102T030405Z");
            let headers = [("authorization", signed.as_str()), date];
            let in_body = called("POST", "/", &[headers[0], headers[1], FORM]);
            let in_query = called("GET", "/?Action=A", &headers);
            for called in
                [in_body, in_query, called("GET", &presigned(name), &[]), called("POST", &presigned(name), &[])]
            {
                assert_eq!((called.service(), called.event_name()), (service, "Unknown"), "{name}");
                assert!(called.is_form() && !called.names_no_operation());
            }
        }
        assert!(matches!(called("POST", "/", &[FORM]), Called::Ec2), "nobody signed it");
        assert!(matches!(called("GET", "/?Action=A&Version=2010-05-08", &[]), Called::Iam), "nobody signed it");
        let for_another = format!("{}&Version=2011-06-15", presigned("s3"));
        assert!(matches!(called("GET", &for_another, &[]), Called::Sts), "it is signed for another");
    }

    #[test]
    fn what_is_no_form_is_for_kms() {
        for (method, uri, headers) in [
            ("GET", "/", vec![FORM]),
            ("GET", "/?Version=1", vec![]),
            ("PUT", "/?Action=A", vec![FORM]),
            ("POST", "/other", vec![FORM]),
            ("POST", "/other?Action=A", vec![]),
            ("POST", "/", vec![]),
            ("POST", "/", vec![("content-type", "text/plain")]),
            ("POST", "/", vec![FORM, ("x-amz-target", "")]),
            ("POST", "/?Action=A", vec![FORM, ("x-amz-target", "TrentService.ListKeys")]),
        ] {
            assert_eq!(called(method, uri, &headers).service(), Service::Kms, "{method} {uri} {headers:?}");
        }
    }

    #[test]
    fn an_unsigned_form_is_answered_by_the_service_of_its_version() {
        for (form, service) in [
            ("Action=ListUsers&Version=2010-05-08", Service::Iam),
            ("Action=A&Version=2011-06-15", Service::Sts),
            ("Action=A&Version=2016-11-15", Service::Ec2),
            ("Action=A", Service::Ec2),
        ] {
            assert_eq!(Called::of_unsigned_form(form.as_bytes()).service(), service, "{form}");
        }
    }
}
