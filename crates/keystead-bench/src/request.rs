//! A request, ready but for its date and signature.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use keystead_sigv4::{SignableRequest, payload_sha256_hex};
use serde_json::Value;

use crate::Failure;
use crate::signer::{Signer, now};

static X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A POST that is sent many times; each time it is signed anew.
pub(crate) struct PreparedRequest {
    path: Uri,
    host: HeaderValue,
    /// With `host` and `x-amz-date`, these are signed and sent.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent and not signed.
    content_type: HeaderValue,
    body: Bytes,
    payload_sha256: String,
}

impl PreparedRequest {
    /// A request of the KMS API.
    pub(crate) fn kms(host: &str, operation: &str, input: &Value) -> Result<Self, Failure> {
        let target = HeaderValue::try_from(format!("TrentService.{operation}"))?;
        Self::new("/", host, vec![(X_AMZ_TARGET, target)], "application/x-amz-json-1.1", serde_json::to_vec(input)?)
    }

    /// A request of the XKS proxy API.
    pub(crate) fn proxy(host: &str, path: &str, input: &Value) -> Result<Self, Failure> {
        Self::new(path, host, Vec::new(), "application/json", serde_json::to_vec(input)?)
    }

    /// A request of the IAM API.
    pub(crate) fn iam(host: &str, action: &str, parameters: &[(&str, &str)]) -> Result<Self, Failure> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-05-08").extend_pairs(parameters);
        Self::new("/", host, Vec::new(), "application/x-www-form-urlencoded; charset=utf-8", form.finish().into_bytes())
    }

    fn new(
        path: &str,
        host: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Self, Failure> {
        let body = Bytes::from(body);
        Ok(Self {
            path: path.parse()?,
            host: HeaderValue::try_from(host)?,
            headers,
            content_type: HeaderValue::from_static(content_type),
            payload_sha256: payload_sha256_hex(&body),
            body,
        })
    }

    /// The request as of now.
    pub(crate) fn sign(&self, signer: &mut Signer) -> Result<Request<Full<Bytes>>, Failure> {
        let date = now();
        let date_text = HeaderValue::try_from(date.to_string())?;
        let mut signed: Vec<(&str, &[u8])> =
            vec![(HOST.as_str(), self.host.as_bytes()), (X_AMZ_DATE.as_str(), date_text.as_bytes())];
        signed.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let signable = SignableRequest {
            method: "POST",
            path: self.path.path(),
            query: "",
            headers: &signed,
            payload_sha256: &self.payload_sha256,
        };
        let authorization = HeaderValue::try_from(signer.authorization(&signable, date))?;
        Ok(self.build(date_text, authorization))
    }

    fn build(&self, date: HeaderValue, authorization: HeaderValue) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.extend(self.headers.iter().cloned());
        headers.insert(&X_AMZ_DATE, date);
        headers.insert(AUTHORIZATION, authorization);
        request
    }
}
