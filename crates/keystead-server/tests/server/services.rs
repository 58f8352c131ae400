//! CloudHSM and EC2 at the same endpoint: who is called, who may call, and in whose words the answer is.

use std::time::Duration;

use keystead_server::Limits;
use tokio::io::AsyncWriteExt;

use super::support::http1::{Response, call, head, receive, send};
use super::support::request::{Request, Signer};
use super::support::{ACTIVE, Running};

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml;charset=UTF-8";
const FORM: &str = "Action=DescribeVpcs&Version=2016-11-15";

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// The answer carries the ID of the last record, and nothing else was recorded.
fn assert_recorded(server: &Running, response: &Response, count: usize, source: &str, event_name: &str) {
    let records = server.records.all();
    assert_eq!(records.len(), count, "{records:?}");
    let record = &records[count - 1];
    assert_eq!(record["requestID"].as_str(), response.header("x-amzn-requestid"));
    assert_eq!((record["eventSource"].as_str(), record["eventName"].as_str()), (Some(source), Some(event_name)));
}

#[tokio::test]
async fn each_request_reaches_its_service() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    // On one connection, so that nothing of one request sticks to the next.
    for round in 0..2 {
        let count = 3 * round;
        send(&mut stream, &Request::cloudhsm(server.address, "DescribeClusters", "{}")).await;
        let response = receive(&mut stream).await.unwrap();
        assert_eq!((response.status, text(&response)), (200, "cloudhsm DescribeClusters {}"));
        assert_eq!(response.header("content-type"), Some(JSON));
        assert_recorded(&server, &response, count + 1, "cloudhsm.amazonaws.com", "DescribeClusters");
        assert_eq!(server.records.all()[count]["userIdentity"]["accessKeyId"], ACTIVE);

        send(&mut stream, &Request::ec2(server.address, FORM)).await;
        let response = receive(&mut stream).await.unwrap();
        assert_eq!((response.status, text(&response)), (200, format!("ec2 - {FORM}").as_str()));
        assert_eq!(response.header("content-type"), Some(XML));
        assert_recorded(&server, &response, count + 2, "ec2.amazonaws.com", "Unknown");

        send(&mut stream, &Request::random(server.address)).await;
        let response = receive(&mut stream).await.unwrap();
        assert_eq!((response.status, response.header("content-type")), (200, Some(JSON)));
        assert_recorded(&server, &response, count + 3, "kms.amazonaws.com", "GenerateRandom");
    }
}

#[tokio::test]
async fn a_signature_for_one_service_is_none_for_another() {
    let server = Running::start().await;
    let host = server.address.to_string();
    let unsigned = |target: &str| Request::new(&host, "", "{}").changed("x-amz-target", target);
    let services = ["kms", "cloudhsm", "ec2"];
    for (called, request) in [
        ("kms", unsigned("TrentService.GenerateRandom").with_body(r#"{"NumberOfBytes":8}"#)),
        ("cloudhsm", unsigned("BaldrApiService.DescribeClusters")),
        ("ec2", Request::unsigned_ec2(&host, FORM)),
    ] {
        for signed in services {
            let response = call(&server, &request.clone().signed_for(signed)).await;
            if signed == called {
                assert_eq!(response.status, 200, "{called}");
                continue;
            }
            let message = format!("Credential should be scoped to correct service: '{called}'. ");
            assert_eq!(response.status, 400, "{called} signed for {signed}");
            let answer = text(&response);
            assert!(answer.contains("InvalidSignatureException") && answer.contains(&message), "{answer}");
        }
    }
}

#[tokio::test]
async fn refusals_are_worded_by_the_service() {
    let server = Running::start().await;
    let host = server.address;
    let wrong = Signer { service: "cloudhsm", secret: "another", ..Signer::default() };
    let cloudhsm =
        |operation: &str| Request::new(host, "", "{}").changed("x-amz-target", &format!("BaldrApiService.{operation}"));
    let mismatch = "InvalidSignatureException";
    for (count, (request, code, event_name)) in [
        (cloudhsm("ListTags"), "MissingAuthenticationTokenException", "ListTags"),
        (cloudhsm("ListTags").signed_by(&wrong), mismatch, "ListTags"),
        (Request::cloudhsm(host, "ListTags", "{}").with_body("{ }"), mismatch, "ListTags"),
        (Request::cloudhsm(host, "ListTags", "{}").changed("x-amz-target", "BaldrApiService.A"), mismatch, "A"),
        (
            cloudhsm("ListTags").signed_by(&Signer { unsigned: &["x-amz-target"], service: "cloudhsm", ..wrong }),
            mismatch,
            "ListTags",
        ),
        (Request::cloudhsm(host, "no name", "{}"), "UnknownOperationException", "Unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        let response = call(&server, &request).await;
        assert_eq!((response.status, response.exception().as_str()), (400, code));
        // CloudHSM writes it with a capital letter, unlike KMS.
        assert_eq!(response.json().get("message"), None);
        assert_recorded(&server, &response, count + 1, "cloudhsm.amazonaws.com", event_name);
        assert_eq!(server.records.all()[count]["errorCode"], code);
    }
}

#[tokio::test]
async fn a_refusal_of_ec2_has_the_request_id_in_the_body_too() {
    let server = Running::start().await;
    let host = server.address;
    for (count, (request, code)) in [
        (Request::unsigned_ec2(host, FORM), "MissingAuthenticationTokenException"),
        (Request::ec2(host, FORM).with_body("Action=DeleteVpc&VpcId=vpc-1"), "InvalidSignatureException"),
        (Request::ec2(host, FORM).changed("host", "example.com"), "InvalidSignatureException"),
        (
            Request::unsigned_ec2(host, FORM).signed_by(&Signer {
                service: "ec2",
                unsigned: &["host"],
                ..Signer::default()
            }),
            "InvalidSignatureException",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let response = call(&server, &request).await;
        let id = response.header("x-amzn-requestid").unwrap();
        let answer = text(&response);
        assert_eq!((response.status, response.header("content-type")), (400, Some(XML)), "{answer}");
        assert!(answer.starts_with(&format!("<Code>{code}</Code>")) && answer.contains(id), "{answer}");
        assert_recorded(&server, &response, count + 1, "ec2.amazonaws.com", "Unknown");
    }
}

/// The type of the body stands at the head of what is signed for EC2 too: whoever changes it leads the request to another service.
#[tokio::test]
async fn a_request_that_is_led_astray_is_refused_there() {
    let server = Running::start().await;
    let host = server.address;
    let with_target = Request::ec2(host, FORM).header("x-amz-target", "TrentService.ListKeys");
    assert_eq!(call(&server, &with_target).await.exception(), "UnknownOperationException");
    let as_json = Request::ec2(host, FORM).changed("content-type", JSON);
    assert_eq!(call(&server, &as_json).await.exception(), "UnknownOperationException");
    let as_json = as_json.header("x-amz-target", "TrentService.ListKeys");
    assert_eq!(call(&server, &as_json).await.exception(), "InvalidSignatureException");
}

#[tokio::test]
async fn what_is_not_the_protocol_is_not_found() {
    let server = Running::start().await;
    let request = Request::cloudhsm(server.address, "ListTags", "{}");
    let response = call(&server, &request.changed("content-type", "application/json")).await;
    assert_eq!((response.status, response.exception().as_str()), (404, "UnknownOperationException"));
    assert_recorded(&server, &response, 1, "cloudhsm.amazonaws.com", "ListTags");
}

#[tokio::test]
async fn the_limits_are_the_same_for_all() {
    let limits = Limits { body_bytes_max: 100, header_bytes_max: 2000, ..Limits::default() };
    let server = Running::with(limits, None).await;
    let host = server.address;
    let long = "a".repeat(101);
    for (request, code) in [
        (Request::cloudhsm(host, "ListTags", &long), 413),
        (Request::ec2(host, &long), 413),
        (Request::cloudhsm(host, "ListTags", "{}").header("x-long", "x".repeat(2000)), 431),
        (Request::ec2(host, FORM).header("x-long", "x".repeat(2000)), 431),
    ] {
        let response = call(&server, &request).await;
        assert_eq!(response.status, code);
        assert!(text(&response).contains("RequestEntityTooLargeException"), "{}", text(&response));
    }
    assert_eq!(server.records.all().len(), 4);
}

#[tokio::test]
async fn a_slow_body_is_answered_in_the_services_words() {
    let limits = Limits { body_timeout: Duration::from_millis(100), ..Limits::default() };
    let server = Running::with(limits, None).await;
    let mut stream = server.connect().await;
    stream.write_all(head(&Request::ec2(server.address, FORM)).as_bytes()).await.unwrap();
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.header("content-type")), (408, Some(XML)));
}

#[tokio::test]
async fn a_panic_is_answered_by_the_service_and_over() {
    let server = Running::start().await;
    let host = server.address;
    for (count, (request, content_type, source)) in [
        (Request::cloudhsm(host, "ListTags", "{}"), JSON, "cloudhsm.amazonaws.com"),
        (Request::ec2(host, FORM), XML, "ec2.amazonaws.com"),
    ]
    .into_iter()
    .enumerate()
    {
        server.records.panic_next(1);
        let response = call(&server, &request).await;
        assert_eq!((response.status, response.header("content-type")), (500, Some(content_type)));
        assert_eq!(server.records.all().len(), count + 1);
        assert_eq!(server.records.all()[count]["errorCode"], "InternalFailure");
        assert_eq!(server.records.all()[count]["eventSource"], source);
    }
    assert_eq!(call(&server, &Request::ec2(host, FORM)).await.status, 200);
}

#[tokio::test]
async fn a_panic_while_a_panic_is_recorded_is_answered_too() {
    let server = Running::start().await;
    server.records.panic_next(2);
    let response = call(&server, &Request::cloudhsm(server.address, "ListTags", "{}")).await;
    assert_eq!((response.status, response.exception().as_str()), (500, "InternalFailure"));
    server.records.panic_next(2);
    let response = call(&server, &Request::ec2(server.address, FORM)).await;
    let id = response.header("x-amzn-requestid").unwrap();
    assert_eq!((response.status, response.header("content-type")), (500, Some(XML)));
    assert!(text(&response).contains("<Code>InternalError</Code>") && text(&response).contains(id));
}

#[tokio::test]
async fn no_answer_leaves_before_its_record() {
    let server = Running::start().await;
    for (count, request) in
        [Request::cloudhsm(server.address, "ListTags", "{}"), Request::ec2(server.address, FORM)].iter().enumerate()
    {
        server.records.close();
        let mut stream = server.connect().await;
        send(&mut stream, request).await;
        server.records.arrived(count + 1).await;
        assert_eq!(server.records.all().len(), count);
        server.records.open();
        assert_eq!(receive(&mut stream).await.unwrap().status, 200);
        assert_eq!(server.records.all().len(), count + 1);
    }
}
