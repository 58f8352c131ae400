//! A signed KMS request, changed in one place at a time: each change is refused, and for the reason it should be.

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, Expectation, PathMode, SecretAccessKey, SignableRequest, SignatureError,
    SigningKey, parse_authorization, payload_sha256_hex, sign, verify,
};

const SECRET: &str = "an example of a secret access key 012345";
const DATE: &str = "20260102T030405Z";

/// A request that owns its parts, so that a test can change one.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

fn sent() -> Sent {
    Sent {
        method: "POST",
        path: "/keys/a".into(),
        query: "b=1&a=2".into(),
        headers: vec![
            ("Content-Type", b"application/x-amz-json-1.1".into()),
            ("Host", b"kms.example.com".into()),
            ("X-Amz-Date", DATE.into()),
            ("X-Amz-Target", b"TrentService.Encrypt".into()),
            ("X-Not-Utf-8", b"\xff\xfe".into()),
            ("X-Twice", b"1".into()),
            ("X-Twice", b"2".into()),
        ],
        body: br#"{"KeyId":"alias/a"}"#.into(),
    }
}

/// What is changed, and the change.
type Change = (&'static str, fn(&mut Sent));

impl Sent {
    fn with<T>(&self, run: impl FnOnce(&SignableRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> = self.headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        run(&SignableRequest {
            method: self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload_sha256: &payload_sha256_hex(&self.body),
        })
    }

    fn authorization(&self) -> String {
        let (id, date) = (AccessKeyId::new("AKIAEXAMPLEEXAMPLE22"), AmzDate::parse(DATE).unwrap());
        self.with(|request| sign(request, &id, &key(SECRET), &scope(), date, PathMode::Normalize))
    }

    fn verify(&self, authorization: &str) -> Result<(), SignatureError> {
        self.verify_with(authorization, &key(SECRET))
    }

    fn verify_with(&self, authorization: &str, key: &SigningKey) -> Result<(), SignatureError> {
        let expectation = Expectation {
            region: "us-east-1",
            service: "kms",
            now: AmzDate::parse(DATE).unwrap(),
            max_skew_seconds: 300,
            path_mode: PathMode::Normalize,
            must_sign: &["host", "x-amz-target"],
        };
        let authorization = parse_authorization(authorization, true)?;
        self.with(|request| verify(&authorization, request, key, &expectation))
    }
}

fn scope() -> CredentialScope {
    CredentialScope { date: "20260102".into(), region: "us-east-1".into(), service: "kms".into() }
}

fn key(secret: &str) -> SigningKey {
    SigningKey::derive(&SecretAccessKey::new(secret), &scope())
}

#[test]
fn untouched_is_accepted() {
    assert_eq!(sent().verify(&sent().authorization()), Ok(()));
}

#[test]
fn every_digit_of_the_signature_counts() {
    let authorization = sent().authorization();
    let start = authorization.len() - 64;
    for index in start..authorization.len() {
        for digit in "0123456789abcdef".chars().filter(|digit| !authorization[index..].starts_with(*digit)) {
            let mut changed = authorization.clone();
            changed.replace_range(index..=index, digit.encode_utf8(&mut [0; 4]));
            assert_eq!(sent().verify(&changed), Err(SignatureError::Mismatch), "{index}");
        }
    }
}

#[test]
fn every_bit_of_the_body_counts() {
    let authorization = sent().authorization();
    for bit in 0..sent().body.len() * 8 {
        let mut changed = sent();
        changed.body[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(changed.verify(&authorization), Err(SignatureError::Mismatch), "{bit}");
    }
    let mut longer = sent();
    longer.body.push(b' ');
    assert_eq!(longer.verify(&authorization), Err(SignatureError::Mismatch));
}

#[test]
fn every_byte_of_a_signed_header_counts() {
    let authorization = sent().authorization();
    // The date is left out: another one is refused before the signature is looked at, see `the_date_counts`.
    let positions = sent().headers.into_iter().enumerate().filter(|(_, (name, _))| *name != "X-Amz-Date");
    for (position, (name, value)) in positions {
        for index in 0..value.len() {
            let mut changed = sent();
            changed.headers[position].1[index] ^= 1;
            assert_eq!(changed.verify(&authorization), Err(SignatureError::Mismatch), "{name} {index}");
        }
    }
}

#[test]
fn the_date_counts() {
    let mut changed = sent();
    changed.headers[2].1 = b"20260102T030406Z".into();
    assert_eq!(changed.verify(&sent().authorization()), Err(SignatureError::Mismatch));
}

#[test]
fn the_rest_of_the_request_counts() {
    let changes: [Change; 8] = [
        ("method", |sent| sent.method = "PUT"),
        ("path", |sent| sent.path = "/keys/b".into()),
        ("end of the path", |sent| sent.path.push('/')),
        ("case of the path", |sent| sent.path = "/keys/A".into()),
        ("value in the query", |sent| sent.query = "b=1&a=3".into()),
        ("parameter removed", |sent| sent.query = "b=1".into()),
        ("parameter added", |sent| sent.query.push_str("&c")),
        ("order of a repeated header", |sent| sent.headers.swap(5, 6)),
    ];
    for (what, change) in changes {
        let mut changed = sent();
        change(&mut changed);
        assert_eq!(changed.verify(&sent().authorization()), Err(SignatureError::Mismatch), "{what}");
    }
}

#[test]
fn what_a_relay_may_change_does_not_count() {
    let changes: [Change; 5] = [
        ("order of different headers", |sent| sent.headers.swap(0, 3)),
        ("case of a header's name", |sent| sent.headers[1].0 = "hOST"),
        ("blanks around a value", |sent| sent.headers[3].1 = b"  TrentService.Encrypt\t".into()),
        ("order of the query", |sent| sent.query = "a=2&b=1".into()),
        ("a header that is not signed", |sent| sent.headers.push(("Via", b"1.1 relay".into()))),
    ];
    for (what, change) in changes {
        let mut changed = sent();
        change(&mut changed);
        assert_eq!(changed.verify(&sent().authorization()), Ok(()), "{what}");
    }
}

#[test]
fn a_signed_header_cannot_be_removed_or_unlisted() {
    let authorization = sent().authorization();
    let mut removed = sent();
    removed.headers.remove(3);
    let missing = SignatureError::SignedHeaderMissing("x-amz-target".into());
    assert_eq!(removed.verify(&authorization), Err(missing));

    let not_signed = SignatureError::HeaderNotSigned("x-amz-target".into());
    let unlisted = authorization.replace(";x-amz-target", "");
    assert_eq!(sent().verify(&unlisted), Err(not_signed));
    assert_eq!(removed.verify(&unlisted), Err(SignatureError::Mismatch));

    let unlisted = authorization.replace("content-type;", "");
    assert_eq!(sent().verify(&unlisted), Err(SignatureError::Mismatch));
}

#[test]
fn a_header_that_must_be_signed_cannot_be_added() {
    let mut unsigned = sent();
    unsigned.headers.remove(3);
    let authorization = unsigned.authorization();
    assert_eq!(unsigned.verify(&authorization), Ok(()));
    assert_eq!(sent().verify(&authorization), Err(SignatureError::HeaderNotSigned("x-amz-target".into())));
}

#[test]
fn signed_headers_in_another_order_are_refused() {
    let authorization = sent().authorization().replace("host;x-amz-date", "x-amz-date;host");
    let expected = SignatureError::SignedHeadersNotCanonical("host".into());
    assert_eq!(sent().verify(&authorization), Err(expected));
}

#[test]
fn the_scope_counts() {
    let authorization = sent().authorization();
    let rows = [
        ("/us-east-1/", "/us-east-2/", "Credential should be scoped to a valid region, not 'us-east-2'. "),
        ("/kms/", "/s3/", "Credential should be scoped to correct service: 'kms'. "),
    ];
    for (from, to, message) in rows {
        assert_eq!(sent().verify(&authorization.replace(from, to)).unwrap_err().to_string(), message);
    }
    let other_day = authorization.replace("/20260102/", "/20260103/");
    assert!(matches!(sent().verify(&other_day), Err(SignatureError::ScopeDateMismatch { .. })));
}

#[test]
fn another_secret_does_not_match() {
    let other = key("an example of a secret access key 012346");
    assert_eq!(sent().verify_with(&sent().authorization(), &other), Err(SignatureError::Mismatch));
}

#[test]
fn no_message_repeats_the_signature() {
    let authorization = sent().authorization();
    let signature = &authorization[authorization.len() - 64..];
    let broken = [
        authorization.replace("Credential=", "Credential:"),
        authorization.replace("SignedHeaders=", "Headers="),
        authorization.replace("/aws4_request", ""),
        authorization.replace(", SignedHeaders", ", Signature"),
        authorization.replace("Signature=", ""),
    ];
    for authorization in broken {
        let message = sent().verify(&authorization).unwrap_err().to_string();
        assert!(!message.contains(signature), "{message}");
    }
}
