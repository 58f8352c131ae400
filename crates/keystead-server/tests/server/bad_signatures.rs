//! What it costs to send what nobody signed: a look-up, no body, and no more than the operator allows.

use keystead_server::Limits;
use tokio::io::AsyncWriteExt;

use super::support::http1::{call, head, head_with, is_closed, receive, send};
use super::support::request::{Request, Signer};
use super::support::{ACTIVE, Running};

fn forged(server: &Running) -> Request {
    Request::new(server.address, "GenerateRandom", r#"{"NumberOfBytes":8}"#)
        .signed_by(&Signer { secret: "another", ..Signer::default() })
}

/// The second time the answer comes while the body has not been sent.
#[tokio::test]
async fn the_same_bad_signature_is_refused_before_its_body_is_read() {
    let server = Running::start().await;
    let request = forged(&server);
    assert_eq!(call(&server, &request).await.exception(), "InvalidSignatureException");
    let mut stream = server.connect().await;
    stream.write_all(head(&request.clone().header("expect", "100-continue")).as_bytes()).await.unwrap();
    // With another header it is another head: the body is asked for.
    assert_eq!(receive(&mut stream).await.unwrap().status, 100);

    let waiting = request.header("expect", "100-continue");
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    stream.write_all(&waiting.body).await.unwrap();
    assert_eq!(receive(&mut stream).await.unwrap().exception(), "InvalidSignatureException");
    for stream in [&mut first, &mut second] {
        stream.write_all(head(&waiting).as_bytes()).await.unwrap();
        let response = receive(stream).await.unwrap();
        assert_eq!((response.status, response.exception().as_str()), (400, "InvalidSignatureException"));
    }
    let records = server.records.all();
    assert_eq!(records.len(), 4, "each is recorded");
    assert!(records.iter().all(|record| record["userIdentity"]["accessKeyId"] == ACTIVE));
}

#[tokio::test]
async fn a_bad_signature_stands_in_the_way_of_no_good_one() {
    let server = Running::start().await;
    let good = Request::random(server.address);
    // Cut on the way, and sent again by the same client as another attempt: the same signature, since that covers no such header.
    let cut = good.clone().header("amz-sdk-request", "attempt=1").with_body("{");
    assert_eq!(call(&server, &cut).await.exception(), "InvalidSignatureException");
    let again = good.clone().header("amz-sdk-request", "attempt=2");
    assert_eq!(call(&server, &again).await.status, 200);
    assert_eq!(call(&server, &again).await.status, 200, "what is good is asked each time");
    assert_eq!(call(&server, &good).await.status, 200);
}

#[tokio::test]
async fn a_body_of_who_is_not_known_is_not_read() {
    let server = Running::start().await;
    let unknown = Signer { access_key_id: "AKIAUNKNOWNUNKNOWN22", ..Signer::default() };
    let request = Request::new(server.address, "GenerateRandom", "{}").signed_by(&unknown);
    for (bytes, closes) in [(256 * 1024, false), (256 * 1024 + 1, true)] {
        let mut stream = server.connect().await;
        let long = request.clone().header("content-length", bytes.to_string());
        stream.write_all(head_with(&long, "POST", "/").as_bytes()).await.unwrap();
        if !closes {
            stream.write_all(&vec![b' '; bytes]).await.unwrap();
        }
        let response = receive(&mut stream).await.unwrap();
        assert_eq!(response.exception(), "UnrecognizedClientException");
        assert_eq!(response.header("connection"), closes.then_some("close"), "{bytes}");
        if closes {
            assert!(is_closed(&mut stream).await);
        }
    }
}

/// The clock of these tests stands still: nothing comes back.
#[tokio::test]
async fn an_address_may_fail_so_often_a_second_if_the_operator_says_so() {
    let limits = Limits { failed_authentications_per_second_max: 2, ..Limits::default() };
    let server = Running::with(limits, None).await;
    let mut stream = server.connect().await;
    for (request, exception) in [
        (Request::random(server.address), None),
        (forged(&server), Some("InvalidSignatureException")),
        (Request::random(server.address), None),
        (Request::new(server.address, "ListKeys", "{}"), Some("MissingAuthenticationTokenException")),
        (Request::random(server.address), Some("ThrottlingException")),
        (forged(&server), Some("ThrottlingException")),
    ] {
        send(&mut stream, &request).await;
        let response = receive(&mut stream).await.unwrap();
        match exception {
            Some(exception) => assert_eq!((response.status, response.exception().as_str()), (400, exception)),
            None => assert_eq!(response.status, 200),
        }
    }
    assert_eq!(server.records.all().len(), 6);
}

#[tokio::test]
async fn a_web_identity_that_nobody_vouches_for_is_a_failure_too() {
    let limits = Limits { failed_authentications_per_second_max: 2, ..Limits::default() };
    let server = Running::with(limits, None).await;
    let web_identity = |token: &str| {
        let form = format!("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken={token}");
        Request::form(server.address, &form)
    };
    for (token, status) in [("good", 200), ("forged", 400), ("good", 200), ("forged", 400)] {
        assert_eq!(call(&server, &web_identity(token)).await.status, status, "{token}");
    }
    assert_eq!(call(&server, &Request::random(server.address)).await.exception(), "ThrottlingException");
}

#[tokio::test]
async fn otherwise_an_address_may_fail_as_often_as_it_likes() {
    let server = Running::start().await;
    for _ in 0..20 {
        assert_eq!(call(&server, &forged(&server)).await.exception(), "InvalidSignatureException");
    }
    assert_eq!(call(&server, &Request::random(server.address)).await.status, 200);
}
