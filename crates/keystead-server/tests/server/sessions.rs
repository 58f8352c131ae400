//! Temporary credentials: the access key, the secret and the session token go together, and stand for someone who is there.

use keystead_core::access::{SessionContent, SessionPrincipal, TemporaryCredentials};
use keystead_core::port::SystemEntropy;
use keystead_model::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::http1::{Response, call, head, receive};
use super::support::ports::FixedClock;
use super::support::request::{Request, Signer};
use super::support::{ACTIVE, Running, USER, USERS, account, user};

const UNRECOGNIZED: (u16, &str, &str) =
    (400, "UnrecognizedClientException", "The security token included in the request is invalid.");
const EXPIRED: (u16, &str, &str) =
    (400, "ExpiredTokenException", "The security token included in the request is expired");
const SERVED: (u16, &str, &str) = (200, "", "");
const NOW_MS: i64 = FixedClock::UNIX * 1000;

/// A session of the root user, which began so many milliseconds from now.
fn root_session(server: &Running, began_ms: i64) -> TemporaryCredentials {
    issued(server, SessionPrincipal::Root, began_ms, 1000)
}

/// A session of the user, which began and ends so many milliseconds from now.
fn session(server: &Running, began_ms: i64, ends_ms: i64) -> TemporaryCredentials {
    let user = user();
    let principal =
        SessionPrincipal::User { user_name: USER.to_owned(), user_id: user.user_id.clone(), arn: user.arn() };
    issued(server, principal, began_ms, ends_ms)
}

fn issued(server: &Running, principal: SessionPrincipal, began_ms: i64, ends_ms: i64) -> TemporaryCredentials {
    let (issued, expires) = (Timestamp::from_millis(NOW_MS + began_ms), Timestamp::from_millis(NOW_MS + ends_ms));
    let content = SessionContent::new(account(), principal, issued, expires, &SystemEntropy);
    server.kms.catalog().issue_session(&content).unwrap()
}

fn random(server: &Running) -> Request {
    Request::new(server.address, "GenerateRandom", r#"{"NumberOfBytes":8}"#)
}

/// Signed by the session, with this token.
fn signed(server: &Running, session: &TemporaryCredentials, token: &str) -> Request {
    random(server).header("x-amz-security-token", token).signed_by(&of(session))
}

fn of(session: &TemporaryCredentials) -> Signer<'_> {
    Signer { access_key_id: &session.access_key_id, secret: session.secret_access_key.expose(), ..Signer::default() }
}

fn check(response: &Response, (status, exception, message): (u16, &str, &str), name: &str) {
    let json = response.json();
    let said = (response.status, json["__type"].as_str().unwrap_or(""), json["message"].as_str().unwrap_or(""));
    assert_eq!(said, (status, exception, message), "{name}");
}

#[tokio::test]
async fn access_key_secret_and_token_go_together() {
    let server = Running::start().await;
    let (one, two) = (session(&server, -1, 1), session(&server, -1, 1));
    let (token, other) = (one.session_token.expose(), two.session_token.expose());
    let altered = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let with_secret_of_another = random(&server)
        .header("x-amz-security-token", token)
        .signed_by(&Signer { secret: two.secret_access_key.expose(), ..of(&one) });
    let mismatch = (
        400,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
         method. Consult the service documentation for details.",
    );
    let long_term = |token: &str| random(&server).header("x-amz-security-token", token).signed();
    let token_not_signed = random(&server)
        .header("x-amz-security-token", token)
        .signed_by(&Signer { unsigned: &["x-amz-security-token"], ..of(&one) });
    let not_signed =
        (400, "InvalidSignatureException", "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.");
    for (name, request, expected) in [
        ("as they were given", signed(&server, &one, token), SERVED),
        ("again", signed(&server, &one, token), SERVED),
        ("without the token", random(&server).signed_by(&of(&one)), UNRECOGNIZED),
        ("with another session's token", signed(&server, &one, other), UNRECOGNIZED),
        ("with an altered token", signed(&server, &one, &altered), UNRECOGNIZED),
        ("with half a token", signed(&server, &one, &token[..token.len() / 2]), UNRECOGNIZED),
        ("with an empty token", signed(&server, &one, ""), UNRECOGNIZED),
        ("with two tokens", signed(&server, &one, token).header("x-amz-security-token", token), UNRECOGNIZED),
        ("with another session's secret", with_secret_of_another, mismatch),
        ("a token that nobody signed", token_not_signed, not_signed),
        ("a long-term access key with a token", long_term(token), UNRECOGNIZED),
        ("a long-term access key with anything", long_term("token"), UNRECOGNIZED),
    ] {
        check(&call(&server, &request).await, expected, name);
    }
    let records = server.records.all();
    assert_eq!(records[0]["userIdentity"]["accessKeyId"], one.access_key_id.as_str());
    assert!(!serde_json::to_string(&records).unwrap().contains(one.secret_access_key.expose()));
}

#[tokio::test]
async fn a_session_ends() {
    let server = Running::start().await;
    for (ends_ms, expected) in [(1, SERVED), (0, EXPIRED), (-1, EXPIRED)] {
        let session = session(&server, -1000, ends_ms);
        let response = call(&server, &signed(&server, &session, session.session_token.expose())).await;
        check(&response, expected, &format!("ends at {ends_ms}"));
    }
}

#[tokio::test]
async fn sessions_are_revoked_by_when_they_began() {
    let server = Running::start().await;
    server.store.change_users(|users| users[0].sessions_revoked_before = Some(Timestamp::from_millis(NOW_MS - 10)));
    server.kms.catalog().forget_identities();
    for (began_ms, expected) in [(-11, UNRECOGNIZED), (-10, SERVED), (-1, SERVED)] {
        let session = session(&server, began_ms, 1000);
        let response = call(&server, &signed(&server, &session, session.session_token.expose())).await;
        check(&response, expected, &format!("began at {began_ms}"));
    }
    let long_term = random(&server).signed_by(&Signer { access_key_id: USERS, ..Signer::default() });
    check(&call(&server, &long_term).await, SERVED, "a long-term access key of the same user");
}

#[tokio::test]
async fn sessions_of_the_root_user_are_revoked_and_its_access_key_works() {
    let server = Running::start().await;
    let revoked = Some(Timestamp::from_millis(NOW_MS - 10));
    server.store.change_account(|account| account.sessions_revoked_before = revoked);
    server.kms.catalog().forget_identities();
    for (began_ms, expected) in [(-11, UNRECOGNIZED), (-10, SERVED), (-1, SERVED)] {
        let session = root_session(&server, began_ms);
        let response = call(&server, &signed(&server, &session, session.session_token.expose())).await;
        check(&response, expected, &format!("began at {began_ms}"));
    }
    let of_user = session(&server, -11, 1000);
    let response = call(&server, &signed(&server, &of_user, of_user.session_token.expose())).await;
    check(&response, SERVED, "a session of a user");
    let long_term = random(&server).signed_by(&Signer { access_key_id: ACTIVE, ..Signer::default() });
    check(&call(&server, &long_term).await, SERVED, "a long-term access key of the root user");
}

#[tokio::test]
async fn nobody_signs_for_a_user_who_is_gone() {
    let server = Running::start().await;
    let session = session(&server, -1, 1000);
    let by_session = || signed(&server, &session, session.session_token.expose());
    let long_term = || random(&server).signed_by(&Signer { access_key_id: USERS, ..Signer::default() });
    check(&call(&server, &by_session()).await, SERVED, "the session");
    check(&call(&server, &long_term()).await, SERVED, "the access key");

    server.store.change_users(|users| users[0].user_id = "AIDAANOTHERANOTHER222".to_owned());
    server.kms.catalog().forget_identities();
    check(&call(&server, &by_session()).await, UNRECOGNIZED, "the session of one whose name another has");
    check(&call(&server, &long_term()).await, UNRECOGNIZED, "the access key of one whose name another has");

    server.store.change_users(Vec::clear);
    server.kms.catalog().forget_identities();
    check(&call(&server, &by_session()).await, UNRECOGNIZED, "the session of a user who is gone");
    check(&call(&server, &long_term()).await, UNRECOGNIZED, "the access key of a user who is gone");
}

/// Whoever may no longer call when the body has come is refused, although its head was good.
#[tokio::test]
async fn what_is_taken_away_while_a_body_is_on_its_way_is_not_used() {
    let server = Running::start().await;
    let request = random(&server).header("expect", "100-continue");
    let request = request.signed_by(&Signer { access_key_id: USERS, ..Signer::default() });
    let mut stream = server.connect().await;
    stream.write_all(head(&request).as_bytes()).await.unwrap();
    // The server asks for the body once it has looked at the head.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    server.store.change_users(Vec::clear);
    server.kms.catalog().forget_identities();
    stream.write_all(&request.body).await.unwrap();
    check(&receive(&mut stream).await.unwrap(), UNRECOGNIZED, "a user who is gone since");
}

#[tokio::test]
async fn the_last_use_of_an_access_key_is_noted_once_it_has_signed() {
    let server = Running::start().await;
    let last_use = async |id: &str| server.kms.access_key_last_use(id).await.unwrap();
    let forged = random(&server).signed_by(&Signer { secret: "another", ..Signer::default() });
    call(&server, &forged).await;
    assert_eq!(last_use(ACTIVE).await, None);

    call(&server, &Request::ec2(server.address, "Action=DescribeVpcs")).await;
    let noted = last_use(ACTIVE).await.unwrap();
    assert_eq!((noted.service.as_str(), noted.region.as_str()), ("ec2", "us-east-1"));

    let session = session(&server, -1, 1000);
    check(&call(&server, &signed(&server, &session, session.session_token.expose())).await, SERVED, "the session");
    assert_eq!(last_use(&session.access_key_id).await, None, "IAM tells nothing of temporary credentials");
}
