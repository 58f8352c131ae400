//! From what a service answers to an HTTP response.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use zeroize::Zeroizing;

use super::service::Protocol;

/// The type of an answer in AWS JSON 1.1.
pub(super) const CONTENT_TYPE_AWS_JSON: &str = "application/x-amz-json-1.1";
/// The type of an answer in the EC2 query protocol.
const CONTENT_TYPE_EC2_XML: &str = "text/xml;charset=UTF-8";
/// The type of an answer in the AWS query protocol.
const CONTENT_TYPE_XML: &str = "text/xml";
/// What is answered when even the refusal of a request ends in a panic.
const INTERNAL_FAILURE_STATUS: u16 = 500;
/// The stable, machine-readable cause of a failure.
const ERROR_CAUSE: &str = "x-keystead-error-cause";
/// The UUID of the request, which its audit record has too. As HTTP/2 and the HTTP library write it: in lower case.
pub(crate) const REQUEST_ID: &str = "x-amzn-requestid";

/// What a service answers, in its own protocol.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// May hold plaintext.
    pub(super) body: Zeroizing<Vec<u8>>,
    /// The machine-readable cause of a failure.
    pub(super) cause: Option<&'static str>,
}

impl Reply {
    /// Whether it lays the fault on the client.
    pub(super) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// `InternalFailure`, made without the help of what just failed.
    pub(super) fn internal_failure(protocol: Protocol, request_id: &str) -> Self {
        let (content_type, body) = match protocol {
            Protocol::AwsJson => (CONTENT_TYPE_AWS_JSON, r#"{"__type":"InternalFailure"}"#.to_owned()),
            Protocol::Ec2Query => (CONTENT_TYPE_EC2_XML, ec2_internal_error(request_id)),
            Protocol::AwsQuery => (CONTENT_TYPE_XML, query_internal_failure(request_id)),
        };
        Self { status: INTERNAL_FAILURE_STATUS, content_type, body: Zeroizing::new(body.into_bytes()), cause: None }
    }
}

/// EC2's name for it is another one (EC2 API Reference, "Error codes").
fn ec2_internal_error(request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InternalError</Code><Message>An internal error has \
         occurred</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
}

/// IAM API Reference, "Common errors".
fn query_internal_failure(request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>An \
         internal error has occurred</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

/// The response for a reply; the HTTP library adds `Date`. The body's memory is zeroed once it is sent.
pub(super) fn response(reply: Reply, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // A request ID is a UUID, which any header can hold.
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    if let Some(cause) = reply.cause {
        headers.insert(ERROR_CAUSE, HeaderValue::from_static(cause));
    }
    *response.body_mut() = Full::new(Bytes::from_owner(reply.body));
    response
}

/// Tells an HTTP/1 client that the connection ends with this response.
pub(super) fn close(response: &mut Response<Full<Bytes>>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn reply(status: u16, body: &str, cause: Option<&'static str>) -> Reply {
        Reply { status, content_type: CONTENT_TYPE_AWS_JSON, body: Zeroizing::new(body.as_bytes().to_vec()), cause }
    }

    #[tokio::test]
    async fn carries_everything_of_the_reply() {
        let response = response(reply(400, "{}", Some("KEY_DISABLED")), "1234abcd-12ab-34cd-56ef-1234567890ab");
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
        assert!(!response(reply(200, "", None), "id").headers().contains_key(ERROR_CAUSE));
    }

    #[test]
    fn the_last_resort_is_worded_in_the_protocol() {
        let rows = [
            (Protocol::AwsJson, "application/x-amz-json-1.1", "\"InternalFailure\""),
            (Protocol::Ec2Query, "text/xml;charset=UTF-8", "<RequestID>an-id</RequestID>"),
        ];
        for (protocol, content_type, part) in rows {
            let reply = Reply::internal_failure(protocol, "an-id");
            assert_eq!((reply.status, reply.content_type, reply.is_refusal()), (500, content_type, false));
            assert!(std::str::from_utf8(&reply.body).is_ok_and(|body| body.contains(part)), "{protocol:?}");
        }
    }
}
