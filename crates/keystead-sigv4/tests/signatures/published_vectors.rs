//! The published Signature Version 4 test suite: each case verified as a server would, signed as a client would in its
//! header-signed half, and every intermediate value compared.
//!

//! The suite is read from the folder `sigv4` in `KEYSTEAD_VECTORS`, else in `../shared/vectors` beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, Expectation, PathMode, PresignedQuery, SecretAccessKey, SignableRequest,
    SignatureError, SigningKey, canonical_request, parse_authorization, payload_sha256_hex,
    presigned_canonical_request, sign, string_to_sign, verify, verify_presigned,
};
use serde_json::Value;

/// The suite as published has 38.
const CASES_MIN: usize = 38;

/// 2015-08-30T12:36:00Z, when all of them are signed.
const SIGNED_UNIX: i64 = 1_440_938_160;

type OwnedHeader = (String, Vec<u8>);

/// A request of the suite: an HTTP/1.1 text, which may hold what HTTP itself forbids (blanks and UTF-8 in the target).
struct RequestText {
    method: String,
    path: String,
    query: String,
    headers: Vec<OwnedHeader>,
    body: Vec<u8>,
}

impl RequestText {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
        let (request_line, headers) = head.split_once('\n').expect("a request line");
        let (method, target) = request_line.split_once(' ').expect("a method");
        let target = target.strip_suffix(" HTTP/1.1").expect("a version");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: parse_headers(headers),
            body: body.as_bytes().into(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        found.map(|(_, value)| std::str::from_utf8(value).expect("UTF-8"))
    }

    /// Runs `run` on the request as if it had arrived with `headers`.
    fn with<T>(&self, headers: &[OwnedHeader], run: impl FnOnce(&SignableRequest<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
        run(&SignableRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload_sha256: &payload_sha256_hex(&self.body),
        })
    }
}

/// A line that begins with a blank continues the value before it.
fn parse_headers(text: &str) -> Vec<OwnedHeader> {
    let mut headers: Vec<OwnedHeader> = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            let (_, value) = headers.last_mut().expect("a header to continue");
            value.extend_from_slice(format!("\n{line}").as_bytes());
        } else {
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.into(), value.into()));
        }
    }
    headers
}

/// `context.json`: how the case is to be signed.
struct Context {
    id: AccessKeyId,
    key: SigningKey,
    scope: CredentialScope,
    date: AmzDate,
    path_mode: PathMode,
    sign_body: bool,
    expiration_seconds: u32,
    omits_session_token: bool,
    /// The session token, if there is one and it is to be signed.
    signed_token: Option<String>,
}

impl Context {
    fn read(file: &Path) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
        let flag = |name: &str| json.get(name).is_some_and(|value| value.as_bool().expect(name));
        let date = AmzDate::parse(&text("/timestamp").replace(['-', ':'], "")).unwrap();
        let scope = CredentialScope::on(date, text("/region"), text("/service"));
        let secret = SecretAccessKey::new(text("/credentials/secret_access_key"));
        let token = json.pointer("/credentials/token").and_then(Value::as_str);
        Self {
            id: AccessKeyId::new(text("/credentials/access_key_id")),
            key: SigningKey::derive(&secret, &scope),
            scope,
            date,
            path_mode: if flag("normalize") { PathMode::Normalize } else { PathMode::AsIs },
            sign_body: flag("sign_body"),
            expiration_seconds: json["expiration_in_seconds"].as_u64().unwrap().try_into().unwrap(),
            omits_session_token: flag("omit_session_token"),
            signed_token: token.filter(|_| !flag("omit_session_token")).map(str::to_owned),
        }
    }

    /// What a signer adds to the headers of `request`.
    fn signer_headers(&self, request: &RequestText) -> Vec<OwnedHeader> {
        let mut headers = request.headers.clone();
        headers.push(("X-Amz-Date".into(), self.date.to_string().into()));
        if self.sign_body {
            headers.push(("x-amz-content-sha256".into(), payload_sha256_hex(&request.body).into()));
        }
        if let Some(token) = &self.signed_token {
            headers.push(("X-Amz-Security-Token".into(), token.clone().into()));
        }
        headers
    }
}

struct Case {
    folder: PathBuf,
    name: String,
    context: Context,
    /// As the application made it.
    request: RequestText,
    /// As it went over the wire.
    signed_request: RequestText,
    presigned_request: RequestText,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            context: Context::read(&folder.join("context.json")),
            request: RequestText::read(&folder.join("request.txt")),
            signed_request: RequestText::read(&folder.join("header-signed-request.txt")),
            presigned_request: RequestText::read(&folder.join("query-signed-request.txt")),
            folder,
        }
    }

    fn expected(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap().trim_end().to_owned()
    }

    fn authorization(&self) -> &str {
        self.signed_request.header("authorization").expect("an Authorization header")
    }

    fn verifies(&self) {
        let (authorization, context) = (parse_authorization(self.authorization(), true).unwrap(), &self.context);
        assert_eq!(authorization.scope, context.scope, "{}", self.name);
        let expectation = Expectation {
            region: &context.scope.region,
            service: &context.scope.service,
            now: context.date,
            max_skew_seconds: 0,
            path_mode: context.path_mode,
            must_sign: &["host", "content-type"],
        };
        let verdict = self
            .signed_request
            .with(&self.signed_request.headers, |request| verify(&authorization, request, &context.key, &expectation));
        assert_eq!(verdict, Ok(()), "{}", self.name);
    }

    fn intermediate_values_agree(&self) {
        let authorization = parse_authorization(self.authorization(), true).unwrap();
        let canonical = self.signed_request.with(&self.signed_request.headers, |request| {
            canonical_request(request, &authorization.signed_headers, self.context.path_mode)
        });
        let string_to_sign = string_to_sign(&canonical, self.context.date, &self.context.scope);
        let canonical = String::from_utf8(canonical).unwrap();
        assert_eq!(canonical, self.expected("header-canonical-request.txt"), "{}", self.name);
        assert_eq!(string_to_sign, self.expected("header-string-to-sign.txt"), "{}", self.name);
    }

    /// The query as it is verified: some services take the session token from it first, because it was added after signing.
    fn presigned_query(&self) -> String {
        let signed = |pair: &&str| !self.context.omits_session_token || !pair.starts_with("X-Amz-Security-Token=");
        self.presigned_request.query.split('&').filter(signed).collect::<Vec<_>>().join("&")
    }

    /// Runs `run` on the presigned request with this query.
    fn with_presigned<T>(&self, query: &str, run: impl FnOnce(&SignableRequest<'_>) -> T) -> T {
        let request = &self.presigned_request;
        request.with(&request.headers, |request| run(&SignableRequest { query, ..*request }))
    }

    fn presigned_verdict(&self, query: &str, age_seconds: i64) -> Result<(), SignatureError> {
        let presigned = PresignedQuery::of(query)?.expect("a presigned request");
        let (authorization, context) = (presigned.authorization()?, &self.context);
        let expectation = Expectation {
            region: &context.scope.region,
            service: &context.scope.service,
            now: AmzDate::from_unix(SIGNED_UNIX + age_seconds),
            max_skew_seconds: 0,
            path_mode: context.path_mode,
            must_sign: &["host"],
        };
        let lifetime_seconds = i64::from(presigned.expires_seconds()?);
        self.with_presigned(query, |request| {
            verify_presigned(&presigned, &authorization, request, &context.key, &expectation, lifetime_seconds)
        })
    }

    fn verifies_presigned(&self) {
        let (query, expires) = (self.presigned_query(), i64::from(self.context.expiration_seconds));
        assert_eq!(self.presigned_verdict(&query, 0), Ok(()), "{}", self.name);
        assert_eq!(self.presigned_verdict(&query, expires), Ok(()), "{}", self.name);
        let late = self.presigned_verdict(&query, expires + 1);
        assert!(matches!(late, Err(SignatureError::Expired { .. })), "{}: {late:?}", self.name);
        let early = self.presigned_verdict(&query, -1);
        assert!(matches!(early, Err(SignatureError::NotYetValid { .. })), "{}: {early:?}", self.name);
    }

    fn refuses_a_changed_presigned_request(&self) {
        let query = self.presigned_query();
        let longer = query.replacen("X-Amz-Expires=3600", "X-Amz-Expires=3601", 1);
        for changed in
            [format!("{query}&Param=another"), longer, query.replacen("20150830T123600Z", "20150830T123601Z", 1)]
        {
            assert_ne!(changed, query);
            assert_eq!(self.presigned_verdict(&changed, 1), Err(SignatureError::Mismatch), "{}", self.name);
        }
    }

    fn presigned_values_agree(&self) {
        assert_eq!(self.context.date, AmzDate::from_unix(SIGNED_UNIX), "{}", self.name);
        let query = self.presigned_query();
        let presigned = PresignedQuery::of(&query).unwrap().unwrap();
        let authorization = presigned.authorization().unwrap();
        let canonical = self.with_presigned(&query, |request| {
            presigned_canonical_request(request, &authorization.signed_headers, self.context.path_mode)
        });
        let string_to_sign = string_to_sign(&canonical, self.context.date, &self.context.scope);
        let canonical = String::from_utf8(canonical).unwrap();
        assert_eq!(canonical, self.expected("query-canonical-request.txt"), "{}", self.name);
        assert_eq!(string_to_sign, self.expected("query-string-to-sign.txt"), "{}", self.name);
        let signature = format!("X-Amz-Signature={}", self.expected("query-signature.txt"));
        assert!(query.split('&').any(|pair| pair == signature), "{}", self.name);
    }

    fn signs(&self) {
        let context = &self.context;
        let header = self.request.with(&context.signer_headers(&self.request), |request| {
            sign(request, &context.id, &context.key, &context.scope, context.date, context.path_mode)
        });
        assert_eq!(header, self.authorization(), "{}", self.name);
        assert!(header.ends_with(&format!(" Signature={}", self.expected("header-signature.txt"))), "{}", self.name);
    }
}

fn suite_folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    std::env::var_os("KEYSTEAD_VECTORS").map_or_else(beside, PathBuf::from).join("sigv4")
}

/// Every case of the suite, or nothing where the suite is not at hand.
fn cases() -> Vec<Case> {
    let folder = suite_folder();
    if !folder.is_dir() {
        eprintln!("skipped: no test suite in {}; name its parent in KEYSTEAD_VECTORS", folder.display());
        return Vec::new();
    }
    let folders = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let cases: Vec<Case> = folders.map(Case::read).collect();
    assert!(cases.len() >= CASES_MIN, "{} cases in {}", cases.len(), folder.display());
    cases
}

#[test]
fn published_requests_verify() {
    cases().iter().for_each(Case::verifies);
}

#[test]
fn canonical_requests_and_strings_to_sign_agree() {
    cases().iter().for_each(Case::intermediate_values_agree);
}

#[test]
fn requests_sign_as_published() {
    cases().iter().for_each(Case::signs);
}

#[test]
fn published_presigned_requests_verify_until_they_expire() {
    cases().iter().for_each(Case::verifies_presigned);
}

#[test]
fn presigned_requests_that_were_changed_do_not_verify() {
    cases().iter().for_each(Case::refuses_a_changed_presigned_request);
}

#[test]
fn canonical_requests_and_strings_to_sign_of_presigned_requests_agree() {
    cases().iter().for_each(Case::presigned_values_agree);
}
