//! From an answer to an HTTP response.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use keystead_core::kms::Answer;

const CONTENT_TYPE_AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
/// The stable, machine-readable cause of a failure.
const ERROR_CAUSE: &str = "x-keystead-error-cause";
/// The UUID of the request, which its audit record has too. As HTTP/2 and the HTTP library write it: in lower case.
pub(crate) const REQUEST_ID: &str = "x-amzn-requestid";

/// The response for an answer; the HTTP library adds `Date`. The body's memory is zeroed once it is sent.
pub(super) fn response(answer: Answer, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // A request ID is a UUID, which any header can hold.
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    headers.insert(CONTENT_TYPE, CONTENT_TYPE_AWS_JSON);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
    if let Some(cause) = answer.cause {
        headers.insert(ERROR_CAUSE, HeaderValue::from_static(cause));
    }
    *response.body_mut() = Full::new(Bytes::from_owner(answer.body));
    response
}

/// Tells an HTTP/1 client that the connection ends with this response.
pub(super) fn close(response: &mut Response<Full<Bytes>>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use zeroize::Zeroizing;

    use super::*;

    #[tokio::test]
    async fn carries_everything_of_the_answer() {
        let answer = Answer { status: 400, body: Zeroizing::new(b"{}".to_vec()), cause: Some("KEY_DISABLED") };
        let response = response(answer, "1234abcd-12ab-34cd-56ef-1234567890ab");
        assert_eq!(response.status(), 400);
        let header = |name: &str| response.headers().get(name).map(HeaderValue::as_bytes);
        assert_eq!(header("x-amzn-RequestId"), Some(b"1234abcd-12ab-34cd-56ef-1234567890ab".as_slice()));
        assert_eq!(header("content-type"), Some(b"application/x-amz-json-1.1".as_slice()));
        assert_eq!(header("content-length"), Some(b"2".as_slice()));
        assert_eq!(header("x-keystead-error-cause"), Some(b"KEY_DISABLED".as_slice()));
        assert_eq!(response.into_body().collect().await.map(|body| body.to_bytes()), Ok(Bytes::from_static(b"{}")));
    }

    #[test]
    fn without_a_cause_there_is_no_header() {
        let answer = Answer { status: 200, body: Zeroizing::default(), cause: None };
        assert!(!response(answer, "id").headers().contains_key(ERROR_CAUSE));
    }
}
