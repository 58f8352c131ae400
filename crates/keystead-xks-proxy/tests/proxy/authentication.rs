//! SigV4: what is accepted, what is refused, and the rotation of credentials.

use crate::support::client::{Call, Client, good_body};
use crate::support::{REGION, RunningProxy, Setup, copy};
use bytes::Bytes;
use http::{HeaderValue, Request, Version};
use http_body_util::Full;
use keystead_xks::wire::{Api, ErrorName};
use keystead_xks_proxy::credential::{self, XksCredential};

const API: Api = Api::GetHealthStatus;

fn call(credential: &XksCredential) -> Call {
    Call::new(credential, API, &good_body(API))
}

async fn is_accepted(proxy: &RunningProxy, call: &Call) -> bool {
    let answer = Client::http1(proxy).await.send(call).await;
    if answer.status == 200 {
        return true;
    }
    assert_eq!(answer.error(), ErrorName::AuthenticationFailedException);
    false
}

#[tokio::test]
async fn the_claims_of_the_signature() {
    let proxy = Setup::new().start().await;
    type Change = fn(&mut Call);
    let table: [(&str, Change, bool); 9] = [
        ("as it should be", |_| {}, true),
        ("4 minutes ago", |call| call.skew_seconds = -240, true),
        ("in 4 minutes", |call| call.skew_seconds = 240, true),
        ("6 minutes ago", |call| call.skew_seconds = -360, false),
        ("in 6 minutes", |call| call.skew_seconds = 360, false),
        ("another Region", |call| call.region = "us-west-2".to_owned(), false),
        ("another service", |call| call.service = "kms".to_owned(), false),
        ("unknown access key id", |call| call.credential = credential::generate().unwrap(), false),
        (
            "another secret",
            |call| {
                let other = credential::generate().unwrap();
                let secret = other.expose_raw_secret_access_key().to_owned().into();
                call.credential = XksCredential::new(call.credential.access_key_id().to_owned(), secret).unwrap();
            },
            false,
        ),
    ];
    for (name, change, accepted) in table {
        let mut call = call(&proxy.setup.credential);
        change(&mut call);
        assert_eq!(is_accepted(&proxy, &call).await, accepted, "{name}");
    }
    proxy.stop().await;
}

#[tokio::test]
async fn key_stores_of_several_regions_may_share_a_proxy() {
    let mut setup = Setup::new();
    setup.top = "other_regions = [\"eu-west-1\", \"eu-central-1\"]".to_owned();
    let proxy = setup.start().await;
    for (region, accepted) in
        [(REGION, true), ("eu-west-1", true), ("eu-central-1", true), (REGION, true), ("us-west-2", false), ("", false)]
    {
        let mut call = call(&proxy.setup.credential);
        call.region = region.to_owned();
        assert_eq!(is_accepted(&proxy, &call).await, accepted, "{region:?}");
    }
    proxy.stop().await;
}

#[tokio::test]
async fn whatever_was_signed_cannot_be_changed() {
    let proxy = Setup::new().start().await;
    type Change = fn(&mut Request<Full<Bytes>>);
    let table: [(&str, Change); 8] = [
        ("body", |r| {
            *r.body_mut() =
                Full::new(Bytes::from_static(b"{\"requestMetadata\":{\"kmsOperation\":\"x\",\"kmsRequestId\":\"y\"}}"))
        }),
        ("path", |r| *r.uri_mut() = "/example/kms/xks/v1/keys/key-1/metadata".parse().unwrap()),
        ("host", |r| drop(r.headers_mut().insert("host", HeaderValue::from_static("other.example.com")))),
        ("date", |r| drop(r.headers_mut().insert("x-amz-date", HeaderValue::from_static("20200101T000000Z")))),
        ("no date", |r| drop(r.headers_mut().remove("x-amz-date"))),
        ("no authorization", |r| drop(r.headers_mut().remove("authorization"))),
        ("two authorizations", |r| {
            let first = r.headers()["authorization"].clone();
            r.headers_mut().append("authorization", first);
        }),
        ("other scheme", |r| drop(r.headers_mut().insert("authorization", HeaderValue::from_static("Basic YTpi")))),
    ];
    for (name, change) in table {
        let mut request = call(&proxy.setup.credential).signed(Version::HTTP_11);
        change(&mut request);
        let answer = Client::http1(&proxy).await.send_request(request).await;
        assert_eq!(answer.error(), ErrorName::AuthenticationFailedException, "{name}");
    }
    proxy.stop().await;
}

#[tokio::test]
async fn authentication_comes_before_the_body_and_after_the_path() {
    let proxy = Setup::new().start().await;
    let mut bad_body = call(&credential::generate().unwrap());
    bad_body.body = "{".into();
    assert!(!is_accepted(&proxy, &bad_body).await);
    let bad_path = call(&credential::generate().unwrap()).at("/nowhere/kms/xks/v1/health".to_owned());
    let answer = Client::http1(&proxy).await.send(&bad_path).await;
    assert_eq!(answer.error(), ErrorName::InvalidUriPathException);
    proxy.stop().await;
}

#[tokio::test]
async fn credentials_are_rotated_without_a_restart() {
    let proxy = Setup::new().start().await;
    let path = proxy.setup.path("credentials.json");
    let old = proxy.setup.copy_of_credential();
    assert!(!is_accepted(&proxy, &call(&credential::generate().unwrap())).await);
    let new = credential::add(&path).unwrap();
    assert!(is_accepted(&proxy, &call(&old)).await);
    assert!(is_accepted(&proxy, &call(&new)).await);
    credential::remove(&path, old.access_key_id()).unwrap();
    assert!(!is_accepted(&proxy, &call(&old)).await);
    assert!(is_accepted(&proxy, &call(&new)).await);
    proxy.stop().await;
}

#[tokio::test]
async fn each_prefix_has_its_own_credentials() {
    let mut setup = Setup::new();
    setup.rest = "[[prefix]]\ncredentials_file = \"other.json\"".to_owned();
    let other = credential::generate().unwrap();
    credential::create_file(&setup.path("other.json"), &[copy(&other)]).unwrap();
    let proxy = setup.start().await;
    let root = || "/kms/xks/v1/health".to_owned();
    assert!(is_accepted(&proxy, &call(&other).at(root())).await);
    assert!(!is_accepted(&proxy, &call(&proxy.setup.credential).at(root())).await);
    assert!(!is_accepted(&proxy, &call(&other)).await);
    proxy.stop().await;
}

#[tokio::test]
async fn http_2_signs_the_authority() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http2(&proxy).await;
    let good = call(&proxy.setup.credential);
    assert_eq!(client.send(&good).await.status, 200);
    let mut request = good.signed(Version::HTTP_2);
    *request.uri_mut() = "https://other.example.com/example/kms/xks/v1/health".parse().unwrap();
    let answer = client.send_request(request).await;
    assert_eq!(answer.error(), ErrorName::AuthenticationFailedException);
    proxy.stop().await;
}
