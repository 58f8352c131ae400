//! Whatever arrives is answered with a verdict: no input makes the crate panic, and none is accepted by chance.

use keystead_sigv4::{
    AmzDate, CredentialScope, Expectation, PathMode, PresignedQuery, SecretAccessKey, SignableRequest, SigningKey,
    canonical_request, parse_authorization, verify, verify_presigned,
};

const ROUNDS: u64 = 20_000;
const SEED: u64 = 0x6b65_7973_7465_6164;
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request, \
    SignedHeaders=date;host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

const PRESIGNED: &str = "Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z\
    &X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fkms%2Faws4_request&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

/// Pieces that the parsers give a meaning to.
const MEANINGFUL: [&str; 24] = [
    "",
    " ",
    "\t",
    "\n",
    ",",
    ";",
    "=",
    "/",
    "//",
    "..",
    "%",
    "%2",
    "%C3",
    "+",
    "&",
    "é",
    "\u{0}",
    "host",
    "x-amz-date",
    "AWS4-",
    "Signature=",
    "Credential=",
    "20150830T123600Z",
    "aws4_request",
];

/// xorshift64: the same sequence in every run, so that a failing round can be repeated.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn text(&mut self) -> String {
        (0..self.next(8)).map(|_| MEANINGFUL[self.next(MEANINGFUL.len())]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.next(24)).map(|_| self.next(256) as u8).collect()
    }

    /// `text` with up to three of its characters replaced by something else.
    fn mutated(&mut self, text: &str) -> String {
        let mut pieces: Vec<String> = text.chars().map(String::from).collect();
        for _ in 0..self.next(4) {
            let index = self.next(pieces.len());
            pieces[index] = self.text();
        }
        pieces.concat()
    }
}

#[test]
fn every_input_gets_a_verdict() {
    let scope = CredentialScope { date: "20150830".into(), region: "us-east-1".into(), service: "kms".into() };
    let key = SigningKey::derive(&SecretAccessKey::new("hush"), &scope);
    let mut sequence = Sequence(SEED);
    let (mut parsed, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let header = sequence.mutated(AUTHORIZATION);
        let Ok(authorization) = parse_authorization(&header, round % 2 == 0) else {
            refused += 1;
            continue;
        };
        parsed += 1;
        let date = sequence.mutated("20150830T123600Z");
        let (noise, path, query) = (sequence.bytes(), sequence.text(), sequence.text());
        let request = SignableRequest {
            method: "POST",
            path: &path,
            query: &query,
            headers: &[("Date", date.as_bytes()), ("Host", &noise), ("X-Amz-Date", b"20150830T123600Z")],
            payload_sha256: "",
        };
        for path_mode in [PathMode::Normalize, PathMode::AsIs] {
            let now = AmzDate::from_unix(1_440_938_160);
            let (region, service, must_sign) = ("us-east-1", "kms", &["host"][..]);
            let expectation = Expectation { region, service, now, max_skew_seconds: 300, path_mode, must_sign };
            assert!(verify(&authorization, &request, &key, &expectation).is_err(), "round {round}: {header}");
        }
    }
    assert!(parsed > 1_000 && refused > 1_000, "{parsed} parsed, {refused} refused: the mix is too one-sided");
}

#[test]
fn every_presigned_query_gets_a_verdict() {
    let scope = CredentialScope { date: "20150830".into(), region: "us-east-1".into(), service: "kms".into() };
    let key = SigningKey::derive(&SecretAccessKey::new("hush"), &scope);
    let mut sequence = Sequence(SEED);
    let (mut parsed, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let query = sequence.mutated(PRESIGNED);
        let Ok(Some(presigned)) = PresignedQuery::of(&query) else {
            refused += 1;
            continue;
        };
        let Ok(authorization) = presigned.authorization() else {
            refused += 1;
            continue;
        };
        parsed += 1;
        let lifetime_seconds = presigned.expires_seconds().map_or(0, i64::from);
        let headers: &[(&str, &[u8])] = &[("host", b"h"), ("x-amz-date", b"20150830T123600Z")];
        let request = SignableRequest { method: "GET", path: "/", query: &query, headers, payload_sha256: "" };
        let now = AmzDate::from_unix(1_440_938_160);
        let (region, service, must_sign) = ("us-east-1", "kms", &["host"][..]);
        let path_mode = PathMode::Normalize;
        let expectation = Expectation { region, service, now, max_skew_seconds: 300, path_mode, must_sign };
        let verdict = verify_presigned(&presigned, &authorization, &request, &key, &expectation, lifetime_seconds);
        assert!(verdict.is_err(), "round {round}: {query}");
    }
    assert!(parsed > 1_000 && refused > 1_000, "{parsed} parsed, {refused} refused: the mix is too one-sided");
}

#[test]
fn dates_of_any_bytes_are_read_or_refused() {
    let mut sequence = Sequence(SEED);
    let mut read = 0;
    for _ in 0..ROUNDS {
        let text = sequence.mutated("20150830T123600Z");
        if let Ok(date) = AmzDate::parse(&text) {
            assert_eq!(date.to_string(), text);
            read += 1;
        }
    }
    assert!(read > 1_000, "{read} dates were readable");
}

/// The canonical request has one line for each part, whatever the parts hold: nothing can be smuggled into another line.
#[test]
fn path_query_and_values_stay_on_their_lines() {
    let mut sequence = Sequence(SEED);
    for _ in 0..ROUNDS {
        let (path, query, value) = (sequence.text(), sequence.text(), sequence.bytes());
        let headers: &[(&str, &[u8])] = &[("a", &value), ("a", &value)];
        let request = SignableRequest { method: "GET", path: &path, query: &query, headers, payload_sha256: "0" };
        for mode in [PathMode::Normalize, PathMode::AsIs] {
            let canonical = canonical_request(&request, &["a"], mode);
            assert_eq!(canonical.split(|byte| *byte == b'\n').count(), 7, "{path:?} {query:?} {value:?}");
        }
    }
}
