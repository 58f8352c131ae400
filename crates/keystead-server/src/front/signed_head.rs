//! The head of a request, and where in it the signature is.

use http::header::{AUTHORIZATION, DATE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version};
use keystead_sigv4::{Authorization, PresignedQuery, SignableRequest, SignatureError, parse_authorization};

const X_AMZ_DATE: &str = "x-amz-date";
pub(super) const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";

/// A request head whose query string is read once.
pub(super) struct SignedHead {
    pub(super) parts: Parts,
    presigned: Result<Option<PresignedQuery>, SignatureError>,
}

impl SignedHead {
    /// Only a form can be presigned, and only where no `Authorization` header says who signed. What AWS KMS does with presigned requests is
    /// unverified (KMS core digest 1.1); here they are requests without a signature, as with everything in AWS JSON.
    pub(super) fn new(parts: Parts, is_form: bool) -> Self {
        let presigned = match parts.uri.query() {
            Some(query) if is_form && !parts.headers.contains_key(AUTHORIZATION) => PresignedQuery::of(query),
            Some(_) | None => Ok(None),
        };
        Self { parts, presigned }
    }

    /// Whether it carries anything that is meant as a signature.
    pub(super) fn is_signed(&self) -> bool {
        self.parts.headers.contains_key(AUTHORIZATION) || !matches!(self.presigned, Ok(None))
    }

    /// The query string's signature, if that is where it is.
    pub(super) fn presigned(&self) -> Option<&PresignedQuery> {
        self.presigned.as_ref().ok().and_then(Option::as_ref)
    }

    /// What the request claims of its signature.
    pub(super) fn authorization(&self) -> Result<Authorization<'_>, SignatureError> {
        match &self.presigned {
            Ok(None) => header_authorization(&self.parts.headers),
            Ok(Some(presigned)) => presigned.authorization(),
            Err(error) => Err(error.clone()),
        }
    }

    /// The session token, in the header or in a presigned query string. Of several nobody can tell which one is meant, nor of one that is
    /// no text: `Err`.
    pub(super) fn session_token(&self) -> Result<Option<&str>, NoToken> {
        let in_query = self.presigned().and_then(PresignedQuery::security_token);
        let mut in_head = self.parts.headers.get_all(X_AMZ_SECURITY_TOKEN).iter();
        match (in_query, in_head.next(), in_head.next()) {
            (in_query, None, _) => Ok(in_query),
            (None, Some(token), None) => token.to_str().map(Some).map_err(|_| NoToken),
            (Some(_), Some(_), _) | (None, Some(_), Some(_)) => Err(NoToken),
        }
    }

    /// The headers as the client signed them. In HTTP/2 the authority stands for the host, and a `Host` header besides does not count.
    pub(super) fn signable_headers(&self) -> Vec<(&str, &[u8])> {
        let head = &self.parts;
        let authority = head.uri.authority().filter(|_| head.version == Version::HTTP_2);
        let mut headers = Vec::with_capacity(head.headers.len() + 1);
        if let Some(authority) = authority {
            headers.push((HOST.as_str(), authority.as_str().as_bytes()));
        }
        let sent = head.headers.iter().filter(|(name, _)| authority.is_none() || *name != HOST);
        headers.extend(sent.map(|(name, value)| (name.as_str(), value.as_bytes())));
        headers
    }

    /// What a signature covers.
    pub(super) fn signable<'a>(
        &'a self,
        headers: &'a [(&'a str, &'a [u8])],
        payload_sha256: &'a str,
    ) -> SignableRequest<'a> {
        SignableRequest {
            method: self.parts.method.as_str(),
            path: self.parts.uri.path(),
            query: self.parts.uri.query().unwrap_or_default(),
            headers,
            payload_sha256,
        }
    }
}

/// There is a session token, and none that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoToken;

fn header_authorization(headers: &HeaderMap) -> Result<Authorization<'_>, SignatureError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(SignatureError::MissingAuthenticationToken)?;
    if values.next().is_some() {
        return Err(SignatureError::IncompleteSignature(
            "The request has more than one Authorization header. It must have one only.".to_owned(),
        ));
    }
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| SignatureError::IncompleteSignature("Authorization header must be UTF-8 text.".to_owned()))?;
    parse_authorization(text, headers.contains_key(X_AMZ_DATE) || headers.contains_key(DATE))
}

/// The host that the client asked for: `:authority` of HTTP/2, else the `Host` header.
pub(super) fn host(head: &Parts) -> Option<&[u8]> {
    match head.uri.authority() {
        Some(authority) if head.version == Version::HTTP_2 => Some(authority.as_str().as_bytes()),
        _ => head.headers.get(HOST).map(HeaderValue::as_bytes),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PRESIGNED: &str = "https://h/?Action=A&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60\
        &X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    fn head(version: Version, uri: &str, headers: &[(&str, &str)], is_form: bool) -> SignedHead {
        let mut request = http::Request::builder().method("POST").version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        SignedHead::new(request.body(()).unwrap().into_parts().0, is_form)
    }

    #[test]
    fn the_host_is_the_authority_in_http_2() {
        let http1 = head(Version::HTTP_11, "/", &[("host", "one")], false);
        assert_eq!(host(&http1.parts), Some(b"one".as_slice()));
        assert_eq!(http1.signable_headers(), [("host", b"one".as_slice())]);

        let http2 = head(Version::HTTP_2, "https://two/", &[("a", "1"), ("host", "other")], false);
        assert_eq!(host(&http2.parts), Some(b"two".as_slice()));
        assert_eq!(http2.signable_headers(), [("host", b"two".as_slice()), ("a", b"1")]);

        let without_authority = head(Version::HTTP_2, "/", &[("host", "three")], false);
        assert_eq!(host(&without_authority.parts), Some(b"three".as_slice()));
        assert_eq!(host(&head(Version::HTTP_10, "/", &[], false).parts), None);
    }

    #[test]
    fn there_is_one_authorization_header() {
        let none = head(Version::HTTP_11, "/", &[], false);
        assert_eq!(none.authorization(), Err(SignatureError::MissingAuthenticationToken));
        assert!(!none.is_signed());
        let two = [("authorization", "AWS4-HMAC-SHA256 a=b"), ("authorization", "b")];
        let two = head(Version::HTTP_11, "/", &two, true);
        let error = two.authorization().unwrap_err();
        assert_eq!(error.exception(), "IncompleteSignatureException");
        assert!(error.to_string().contains("more than one") && two.is_signed());
    }

    #[test]
    fn a_form_may_be_presigned() {
        let form = head(Version::HTTP_11, PRESIGNED, &[], true);
        assert_eq!(form.authorization().unwrap().scope.service, "sts");
        assert!(form.is_signed() && form.presigned().is_some());
        let json = head(Version::HTTP_11, PRESIGNED, &[], false);
        assert_eq!(json.authorization(), Err(SignatureError::MissingAuthenticationToken));
        let header = head(Version::HTTP_11, PRESIGNED, &[("authorization", "x")], true);
        assert!(header.presigned().is_none(), "the header says who signed");
        let twice = head(Version::HTTP_11, &format!("{PRESIGNED}&X-Amz-Signature=1"), &[], true);
        assert!(twice.is_signed() && twice.authorization().is_err());
    }

    #[test]
    fn there_is_one_session_token() {
        let token = |uri: &str, tokens: &[&str]| {
            let headers: Vec<_> = tokens.iter().map(|token| (X_AMZ_SECURITY_TOKEN, *token)).collect();
            head(Version::HTTP_11, uri, &headers, true).session_token().map(|token| token.map(str::to_owned))
        };
        let in_query = format!("{PRESIGNED}&X-Amz-Security-Token=q");
        assert_eq!(token(PRESIGNED, &[]), Ok(None));
        assert_eq!(token(PRESIGNED, &["a"]), Ok(Some("a".to_owned())));
        assert_eq!(token(&in_query, &[]), Ok(Some("q".to_owned())));
        assert_eq!(token("/?X-Amz-Security-Token=q", &[]), Ok(None), "it is not presigned");
        assert_eq!(token(&in_query, &["a"]), Err(NoToken));
        assert_eq!(token("/", &["a", "a"]), Err(NoToken));
        assert_eq!(token("/", &["\u{e9}"]), Err(NoToken));
    }
}
