//! KMS core digest 1.4: front-end and authentication errors, and the order in which they are found.

use super::support::http1::{self, call};
use super::support::request::{Request, Signer};
use super::support::{EXPIRED, INACTIVE, Running};

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";
const UNRECOGNIZED: &str = "The security token included in the request is invalid.";

/// A request, the exception, the message (or how it begins), and what the audit record says of the operation.
struct Row(&'static str, Request, &'static str, Option<&'static str>);

fn base(host: &str) -> Request {
    Request::new(host, "GenerateRandom", r#"{"NumberOfBytes":8}"#)
}

fn rows(host: &str) -> Vec<Row> {
    let by = |signer: Signer| base(host).signed_by(&signer);
    let (missing, incomplete, invalid) =
        ("MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException");
    let unrecognized = "UnrecognizedClientException";
    let unsigned_date = base(host).header("x-amz-date", "20260102T030405Z");
    vec![
        Row("not signed", base(host), missing, Some("Missing Authentication Token")),
        Row(
            "parts missing",
            unsigned_date.clone().header("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"),
            incomplete,
            Some("Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders'"),
        ),
        Row(
            "not key=value",
            unsigned_date.header("authorization", "AWS4-HMAC-SHA256 Credential"),
            incomplete,
            Some("'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: "),
        ),
        Row("two headers", base(host).signed().header("authorization", "x"), incomplete, Some("The request has more")),
        Row(
            "no date",
            base(host).signed().without("x-amz-date"),
            incomplete,
            Some("Authorization header requires exist"),
        ),
        Row(
            "unknown access key",
            by(Signer { access_key_id: "AKIAUNKNOWNUNKNOWN22", ..Signer::default() }),
            unrecognized,
            Some(UNRECOGNIZED),
        ),
        Row("inactive", by(Signer { access_key_id: INACTIVE, ..Signer::default() }), unrecognized, Some(UNRECOGNIZED)),
        Row(
            "session token",
            base(host).header("x-amz-security-token", "token").signed(),
            unrecognized,
            Some(UNRECOGNIZED),
        ),
        Row(
            "expired access key",
            by(Signer { access_key_id: EXPIRED, ..Signer::default() }),
            "ExpiredTokenException",
            Some("The security token included in the request is expired"),
        ),
        Row("wrong secret", by(Signer { secret: "another", ..Signer::default() }), invalid, Some(MISMATCH)),
        Row("tampered body", base(host).signed().with_body(r#"{"NumberOfBytes":9}"#), invalid, Some(MISMATCH)),
        Row(
            "tampered target",
            base(host).signed().changed("x-amz-target", "TrentService.ListKeys"),
            invalid,
            Some(MISMATCH),
        ),
        Row("tampered host", base(host).signed().changed("host", "example.com"), invalid, Some(MISMATCH)),
        Row(
            "old",
            by(Signer { off_seconds: -301, ..Signer::default() }),
            invalid,
            Some(
                "Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)",
            ),
        ),
        Row(
            "of the future",
            by(Signer { off_seconds: 301, ..Signer::default() }),
            invalid,
            Some("Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z"),
        ),
        Row(
            "wrong region",
            by(Signer { region: "eu-west-1", ..Signer::default() }),
            invalid,
            Some("Credential should be scoped to a valid region, not 'eu-west-1'. "),
        ),
        Row(
            "wrong service",
            by(Signer { service: "s3", ..Signer::default() }),
            invalid,
            Some("Credential should be scoped to correct service: 'kms'. "),
        ),
        Row(
            "target not signed",
            by(Signer { unsigned: &["x-amz-target"], ..Signer::default() }),
            invalid,
            Some("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."),
        ),
        Row(
            "host not signed",
            by(Signer { unsigned: &["host"], ..Signer::default() }),
            invalid,
            Some("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
        ),
        Row(
            "no host",
            base(host).without("host").signed(),
            invalid,
            Some("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
        ),
        Row(
            "the target before the signature",
            base(host).changed("x-amz-target", "T.x"),
            "UnknownOperationException",
            None,
        ),
        Row("the signature before the body", base(host).signed().with_body("{"), invalid, Some(MISMATCH)),
        Row(
            "the body",
            base(host).with_body("{").signed(),
            "SerializationException",
            Some("The request body is not JSON."),
        ),
        Row(
            "constraints",
            base(host).with_body(r#"{"NumberOfBytes":0}"#).signed(),
            "ValidationException",
            Some("1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: "),
        ),
    ]
}

#[tokio::test]
async fn each_is_answered_and_recorded() {
    let server = Running::start().await;
    for (index, Row(name, request, exception, message)) in rows(&server.address.to_string()).into_iter().enumerate() {
        let response = call(&server, &request).await;
        let json = response.json();
        assert_eq!((response.status, json["__type"].as_str()), (400, Some(exception)), "{name}: {json}");
        match message {
            Some(message) => assert!(json["message"].as_str().unwrap().starts_with(message), "{name}: {json}"),
            None => assert_eq!(json.as_object().unwrap().len(), 1, "{name}: {json}"),
        }
        assert_eq!(response.header("content-type"), Some("application/x-amz-json-1.1"), "{name}");
        assert!(response.header("date").is_some(), "{name}");

        let records = server.records.all();
        assert_eq!(records.len(), index + 1, "{name}");
        let record = &records[index];
        assert_eq!(record["requestID"].as_str(), response.header("x-amzn-requestid"), "{name}");
        assert_eq!(record["errorCode"].as_str(), Some(exception), "{name}");
        assert_eq!(record["sourceIPAddress"].as_str(), Some("127.0.0.1"), "{name}");
        assert_eq!(record["userAgent"].as_str(), Some("a-test/1.0"), "{name}");
    }
}

#[tokio::test]
async fn a_refusal_is_recorded_with_what_was_claimed() {
    let server = Running::start().await;
    let host = server.address;
    let unknown = Signer { access_key_id: "AKIAUNKNOWNUNKNOWN22", ..Signer::default() };
    call(&server, &base(&host.to_string()).signed_by(&unknown)).await;
    call(&server, &Request::new(host, "NoSuchOperation", "{}").signed()).await;
    let records = server.records.all();
    assert_eq!(records[0]["userIdentity"]["type"], "Unknown");
    assert_eq!(records[0]["userIdentity"]["accessKeyId"], "AKIAUNKNOWNUNKNOWN22");
    assert_eq!(records[0]["eventName"], "GenerateRandom");
    assert_eq!(records[1]["eventName"], "Unknown");
}

#[tokio::test]
async fn what_is_not_the_protocol_is_not_found() {
    let server = Running::start().await;
    let request = Request::random(server.address);
    let rows = [
        http1::head_with(&request, "GET", "/"),
        http1::head_with(&request, "POST", "/health"),
        http1::head_with(&request.clone().changed("content-type", "application/json"), "POST", "/"),
    ];
    for head in rows {
        let mut stream = server.connect().await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        let response = http1::receive(&mut stream).await.unwrap();
        assert_eq!((response.status, response.exception().as_str()), (404, "UnknownOperationException"), "{head}");
    }
    assert_eq!(server.records.all().len(), 3);
}

/// The whole window is usable, also across midnight and after a change of the day that the signing key is cached for.
#[tokio::test]
async fn every_date_inside_the_window_is_accepted() {
    let server = Running::start().await;
    for off_seconds in [-300, 0, 300, -1] {
        let signer = Signer { off_seconds, ..Signer::default() };
        let response = call(&server, &base(&server.address.to_string()).signed_by(&signer)).await;
        assert_eq!(response.status, 200, "{off_seconds}");
    }
}
