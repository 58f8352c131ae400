//! IAM and STS: forms in the body or in the query string, signed in the header, in the query string, or not at all.

use super::support::http1::{Response, call, call_at};
use super::support::request::{Request, Signer};
use super::support::{ACTIVE, OTHER_REGION, Running, presigned};

const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const USERS: &str = "Action=ListUsers&Version=2010-05-08";
const SESSION: &str = "Action=GetSessionToken&Version=2011-06-15";

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

fn sts() -> Signer<'static> {
    Signer { service: "sts", ..Signer::default() }
}

/// What a tool sends that has nothing but the URL.
fn bare(server: &Running) -> Request {
    Request { headers: vec![("host".to_owned(), server.address.to_string())], body: Vec::new() }
}

#[tokio::test]
async fn a_form_reaches_the_service_that_it_is_signed_for() {
    let server = Running::start().await;
    for (service, source) in [("iam", "iam.amazonaws.com"), ("sts", "sts.amazonaws.com"), ("ec2", "ec2.amazonaws.com")]
    {
        let signer = Signer { service, ..Signer::default() };
        let response = call(&server, &Request::form(server.address, "Action=A").signed_by(&signer)).await;
        assert_eq!((response.status, text(&response)), (200, format!("{service} - Action=A").as_str()));
        assert_eq!(server.records.all().last().unwrap()["eventSource"], source);

        let get = bare(&server).signed_at("GET", "Action=A&B=2", &signer);
        let response = call_at(&server, "GET", "/?Action=A&B=2", &get).await;
        assert_eq!((response.status, text(&response)), (200, format!("{service} - Action=A&B=2").as_str()));

        let tampered = call_at(&server, "GET", "/?Action=A&B=3", &get).await;
        assert!(text(&tampered).contains("InvalidSignatureException"), "{}", text(&tampered));
        assert_eq!(server.records.all().last().unwrap()["eventSource"], source);
    }
}

#[tokio::test]
async fn iam_and_sts_are_asked_everywhere_and_nowhere() {
    let server = Running::start().await;
    for service in ["iam", "sts"] {
        for (region, served) in [("us-east-1", true), (OTHER_REGION, true), ("eu-west-1", false), ("aws-global", false)]
        {
            let signer = Signer { service, region, ..Signer::default() };
            let response = call(&server, &Request::form(server.address, "Action=A").signed_by(&signer)).await;
            assert_eq!(response.status == 200, served, "{service} in {region}");
            let expected = format!("Credential should be scoped to a valid region, not '{region}'. ");
            assert!(served || text(&response).contains(&expected), "{}", text(&response));
        }
    }
}

#[tokio::test]
async fn a_presigned_request_is_good_until_it_ends() {
    let server = Running::start().await;
    let host = server.address.to_string();
    for method in ["GET", "POST"] {
        let target = presigned::target(method, &host, IDENTITY, "60", &sts());
        let response = call_at(&server, method, &target, &bare(&server)).await;
        assert_eq!((response.status, text(&response)), (200, format!("sts - {IDENTITY}").as_str()), "{method}");
    }
    assert_eq!(server.records.all()[0]["userIdentity"]["accessKeyId"], ACTIVE);
    // A quarter of an hour for who the caller is, whatever it says; for all else what it says, up to that.
    for (service, form, expires, off_seconds, good) in [
        ("sts", IDENTITY, "60", -900, true),
        ("sts", IDENTITY, "60", -901, false),
        ("sts", IDENTITY, "604800", -901, false),
        ("iam", USERS, "60", -60, true),
        ("iam", USERS, "60", -61, false),
        ("iam", USERS, "604800", -900, true),
        ("iam", USERS, "604800", -901, false),
        ("sts", SESSION, "60", -60, true),
        ("sts", SESSION, "60", -61, false),
        ("sts", SESSION, "604800", -901, false),
        ("iam", USERS, "60", 300, true),
        ("iam", USERS, "60", 301, false),
    ] {
        let signer = Signer { service, off_seconds, ..Signer::default() };
        let target = presigned::target("GET", &host, form, expires, &signer);
        let response = call_at(&server, "GET", &target, &bare(&server)).await;
        assert_eq!(response.status == 200, good, "{service} {expires} {off_seconds}: {}", text(&response));
        let said = text(&response);
        assert!(good || said.contains("Signature expired") || said.contains("Signature not yet current"), "{said}");
    }
}

#[tokio::test]
async fn a_presigned_request_is_refused_in_the_words_of_the_service() {
    let server = Running::start().await;
    let host = server.address.to_string();
    let target = presigned::target("GET", &host, IDENTITY, "60", &sts());
    let by = |signer: Signer<'_>| presigned::target("GET", &host, IDENTITY, "60", &signer);
    let unknown = by(Signer { access_key_id: "AKIAUNKNOWNUNKNOWN22", ..sts() });
    for (name, target, code) in [
        ("another parameter", format!("{target}&Another=1"), "InvalidSignatureException"),
        ("another operation", target.replace("GetCallerIdentity", "GetSessionToken"), "InvalidSignatureException"),
        ("a longer time", target.replace("Expires=60", "Expires=61"), "InvalidSignatureException"),
        ("another secret", by(Signer { secret: "another", ..sts() }), "InvalidSignatureException"),
        ("no signature", target.split("&X-Amz-Signature").next().unwrap().to_owned(), "IncompleteSignatureException"),
        ("two signatures", format!("{target}&X-Amz-Signature=1"), "IncompleteSignatureException"),
        ("no time", target.replace("X-Amz-Expires=60", "X-Amz-Expires=soon"), "IncompleteSignatureException"),
        ("a token", format!("{target}&X-Amz-Security-Token=token"), "UnrecognizedClientException"),
        ("unknown", unknown, "UnrecognizedClientException"),
    ] {
        let response = call_at(&server, "GET", &target, &bare(&server)).await;
        let said = text(&response);
        assert!(response.status == 400 && said.starts_with(&format!("<Code>{code}</Code>")), "{name}: {said}");
        assert_eq!(server.records.all().last().unwrap()["errorCode"], code, "{name}");
    }
    // The method is signed as well.
    let response = call_at(&server, "POST", &target, &bare(&server)).await;
    assert!(text(&response).contains("InvalidSignatureException"), "{}", text(&response));
}

/// What AWS KMS does with them is unverified: here they are requests without a signature.
#[tokio::test]
async fn kms_is_not_asked_by_presigned_requests() {
    let server = Running::start().await;
    let host = server.address.to_string();
    let target = presigned::target("POST", &host, "Action=ListKeys", "60", &Signer::default());
    let request = Request::new(&host, "ListKeys", "");
    let response = call_at(&server, "POST", &target, &request).await;
    assert_eq!(response.exception(), "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn one_operation_needs_no_signature() {
    let server = Running::start().await;
    let form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=token";
    let response = call(&server, &Request::form(server.address, form)).await;
    assert_eq!((response.status, text(&response)), (200, format!("sts anonymous {form}").as_str()));
    let response = call_at(&server, "GET", &format!("/?{form}"), &bare(&server)).await;
    assert_eq!((response.status, text(&response)), (200, format!("sts anonymous {form}").as_str()));
    // A bad signature is not as good as none.
    let forged = Request::form(server.address, form).signed_by(&Signer { secret: "another", ..sts() });
    let response = call(&server, &forged).await;
    assert!(text(&response).starts_with("<Code>InvalidSignatureException</Code>"), "{}", text(&response));
}

#[tokio::test]
async fn all_others_without_a_signature_are_refused_by_whom_they_seem_to_be_for() {
    let server = Running::start().await;
    for (form, source) in [
        (USERS, "iam.amazonaws.com"),
        (IDENTITY, "sts.amazonaws.com"),
        ("Action=DescribeVpcs&Version=2016-11-15", "ec2.amazonaws.com"),
        ("Action=AssumeRoleWithWebIdentities", "ec2.amazonaws.com"),
        ("", "ec2.amazonaws.com"),
    ] {
        let response = call(&server, &Request::form(server.address, form)).await;
        let said = text(&response);
        assert!(
            response.status == 400 && said.starts_with("<Code>MissingAuthenticationTokenException</Code>"),
            "{said}"
        );
        assert_eq!(server.records.all().last().unwrap()["eventSource"], source, "{form}");
    }
}

#[tokio::test]
async fn little_is_read_without_a_signature() {
    let server = Running::start().await;
    let form = format!("Action=AssumeRoleWithWebIdentity&WebIdentityToken={}", "a".repeat(64 * 1024));
    let response = call(&server, &Request::form(server.address, &form)).await;
    assert_eq!((response.status, text(&response).contains("not be longer than 65536 bytes")), (413, true));
    let response = call(&server, &Request::form(server.address, &form).signed_by(&sts())).await;
    assert_eq!(response.status, 200);
}
