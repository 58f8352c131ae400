//! Signatures in the query string: presigned requests, which whoever has the URL may send until they expire.
//!
//! Source: IAM User Guide, "Authentication methods" (query string parameters) and "Create a signed AWS API request".

use std::fmt;

use crate::authorization::{
    ALGORITHM, Authorization, MAX_AUTHORIZATION_BYTES, parse_credential, parse_signed_headers, without_signatures,
};
use crate::error::SignatureError;
use crate::hex;
use crate::percent_encoding::form_decoded;

/// The parameter that is no part of what it signs.
pub(crate) const SIGNATURE: &str = "X-Amz-Signature";

/// The longest time that a presigned request may be good for, in seconds: seven days.
pub const MAX_EXPIRES_SECONDS: u32 = 7 * 24 * 60 * 60;

/// What each parameter is called. They are told apart by the case of their letters as well.
const NAMES: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    SIGNATURE,
    "X-Amz-Security-Token",
];

/// The parameters of query string authentication, decoded. What they say is a claim until
/// [`verify_presigned`](crate::verify_presigned) has confirmed it.
///
/// `Debug` hides all of it: the signature and the token are good for a call while they are.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedQuery {
    values: [Option<String>; NAMES.len()],
}

impl fmt::Debug for PresignedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresignedQuery(..)")
    }
}

impl PresignedQuery {
    /// Whether a query parameter of this name, as it was sent, belongs to the signature and not to the operation.
    pub fn is_parameter(name: &str) -> bool {
        let decoded = form_decoded(name);
        NAMES.iter().any(|known| known.as_bytes() == decoded)
    }

    /// The parameters that are in `query`, which is what stands after the `?` of the request target. `None` if there is neither an
    /// algorithm, nor a credential, nor a signature among them: then the request is not presigned.
    ///
    /// Fails with `IncompleteSignature` if one is there twice, or is not text.
    pub fn of(query: &str) -> Result<Option<Self>, SignatureError> {
        let mut values = [const { None }; NAMES.len()];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decoded(name);
            let Some(index) = NAMES.iter().position(|known| known.as_bytes() == name) else { continue };
            let value = String::from_utf8(form_decoded(value)).map_err(|_| {
                SignatureError::IncompleteSignature(format!(
                    "Query-string parameter '{}' must be UTF-8 text.",
                    NAMES[index]
                ))
            })?;
            if values[index].replace(value).is_some() {
                return Err(SignatureError::IncompleteSignature(format!(
                    "AWS query-string parameters must include '{}' once only.",
                    NAMES[index]
                )));
            }
        }
        // An empty value counts as none.
        let values = values.map(|value: Option<String>| value.filter(|value| !value.is_empty()));
        let presigned = Self { values };
        let [algorithm, credential, _, _, _, signature, _] = &presigned.values;
        let claims = [algorithm, credential, signature].iter().any(|value| value.is_some());
        Ok(claims.then_some(presigned))
    }

    /// What is claimed, as the `Authorization` header has it of other requests.
    ///
    /// Fails with `IncompleteSignature`, `UnsupportedAlgorithm`, `WrongTerminator`, `SignedHeadersNotCanonical`, or `Mismatch` (a
    /// signature that is not 64 lower-case digits).
    pub fn authorization(&self) -> Result<Authorization<'_>, SignatureError> {
        let [Some(algorithm), Some(credential), Some(_), Some(_), Some(signed_headers), Some(signature), _] =
            self.values.each_ref().map(|value| value.as_deref())
        else {
            return Err(self.incomplete());
        };
        if algorithm != ALGORITHM {
            return Err(SignatureError::UnsupportedAlgorithm(without_signatures(algorithm)));
        }
        let length = credential.len() + signed_headers.len() + signature.len();
        if length > MAX_AUTHORIZATION_BYTES {
            return Err(SignatureError::IncompleteSignature(format!(
                "The query-string parameters of the signature are {length} bytes long. They must not be longer than \
                 {MAX_AUTHORIZATION_BYTES} bytes."
            )));
        }
        let (access_key_id, scope) = parse_credential(credential)?;
        let signed_headers = parse_signed_headers(signed_headers)?;
        let signature = hex::decode_32(signature).ok_or(SignatureError::Mismatch)?;
        Ok(Authorization { access_key_id, scope, signed_headers, signature })
    }

    /// When it is said to have been signed.
    pub(crate) fn date(&self) -> Option<&str> {
        self.values[2].as_deref()
    }

    /// How long the request is to be good for from its date, in seconds: 1 to 604800.
    ///
    /// Fails with `IncompleteSignature`. The text is unverified.
    pub fn expires_seconds(&self) -> Result<u32, SignatureError> {
        let text = self.values[3].as_deref().unwrap_or_default();
        let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        seconds.filter(|seconds| (1..=MAX_EXPIRES_SECONDS).contains(seconds)).ok_or_else(|| {
            SignatureError::IncompleteSignature(format!(
                "X-Amz-Expires must be a number from 1 to {MAX_EXPIRES_SECONDS}."
            ))
        })
    }

    /// The session token, if there is one.
    pub fn security_token(&self) -> Option<&str> {
        self.values[6].as_deref()
    }

    /// Lists what is missing, as other services of AWS do.
    fn incomplete(&self) -> SignatureError {
        // All but the last one are required.
        let required = NAMES.iter().zip(&self.values).take(NAMES.len() - 1);
        let missing = required.filter(|(_, value)| value.is_none());
        let sentences = missing.map(|(name, _)| format!("AWS query-string parameters must include '{name}'. "));
        SignatureError::IncompleteSignature(
            sentences.chain(std::iter::once("Re-examine the query-string parameters.".to_owned())).collect(),
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const HEX: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    fn query(changes: &[(&str, Option<&str>)]) -> String {
        let mut pairs = vec![
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsts%2Faws4_request"),
            ("X-Amz-Date", "20150830T123600Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", "host%3Bx-amz-date"),
            (SIGNATURE, HEX),
        ];
        for (name, value) in changes {
            pairs.retain(|(candidate, _)| candidate != name);
            pairs.extend(value.map(|value| (*name, value)));
        }
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    fn presigned(query: &str) -> PresignedQuery {
        PresignedQuery::of(query).unwrap().unwrap()
    }

    fn message(changes: &[(&str, Option<&str>)]) -> String {
        presigned(&query(changes)).authorization().unwrap_err().to_string()
    }

    #[test]
    fn reads_the_parts() {
        let text = format!("Action=GetCallerIdentity&{}&X-Amz-Security-Token=a%2Fb%3D%3D", query(&[]));
        let presigned = presigned(&text);
        let authorization = presigned.authorization().unwrap();
        assert_eq!(authorization.access_key_id, "AKIDEXAMPLE");
        assert_eq!(authorization.scope.to_string(), "20150830/us-east-1/sts/aws4_request");
        assert_eq!(authorization.signed_headers, ["host", "x-amz-date"]);
        assert_eq!(hex::encode(&authorization.signature), HEX);
        assert_eq!((presigned.expires_seconds(), presigned.date()), (Ok(60), Some("20150830T123600Z")));
        assert_eq!(presigned.security_token(), Some("a/b=="));
    }

    #[test]
    fn a_query_without_a_claim_is_not_presigned() {
        for query in
            ["", "a", "Action=ListUsers", "X-Amz-Date=20150830T123600Z", "x-amz-signature=1", "X-Amz-Signature="]
        {
            assert_eq!(PresignedQuery::of(query), Ok(None), "{query}");
        }
        for query in ["X-Amz-Signature=0", "a=b&X-Amz-Algorithm=x", "X-Amz-Credential=a", "X%2DAmz%2DCredential=a"] {
            assert!(PresignedQuery::of(query).unwrap().is_some(), "{query}");
        }
    }

    #[test]
    fn its_parameters_are_told_from_others() {
        assert!(NAMES.iter().all(|name| PresignedQuery::is_parameter(name)));
        assert!(PresignedQuery::is_parameter("X-Amz%2dSignature"));
        for other in ["", "Action", "x-amz-signature", "X-Amz-Signature2"] {
            assert!(!PresignedQuery::is_parameter(other), "{other}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", presigned(&query(&[]))), "PresignedQuery(..)");
    }

    #[test]
    fn missing_parameters_are_listed() {
        let must = |name: &str| format!("AWS query-string parameters must include '{name}'. ");
        let end = "Re-examine the query-string parameters.";
        for name in &NAMES[..6] {
            assert_eq!(message(&[(name, None)]), must(name) + end);
            assert_eq!(message(&[(name, Some(""))]), must(name) + end);
        }
        assert_eq!(message(&[(NAMES[0], None), (NAMES[3], None)]), must(NAMES[0]) + &must(NAMES[3]) + end);
    }

    #[test]
    fn what_is_there_twice_is_refused() {
        for name in NAMES {
            let error = PresignedQuery::of(&format!("{}&{name}=1&{name}=1", query(&[(name, None)]))).unwrap_err();
            assert_eq!(error.exception(), "IncompleteSignatureException");
            assert!(error.to_string().contains(&format!("'{name}' once only")), "{error}");
        }
        let error = PresignedQuery::of("X-Amz-Credential=%ff").unwrap_err();
        assert!(error.to_string().contains("UTF-8"), "{error}");
    }

    #[test]
    fn malformed_parts_fail_as_in_the_header() {
        let with = |name, value| presigned(&query(&[(name, Some(value))])).authorization().unwrap_err();
        assert_eq!(with(NAMES[0], "AWS4-HMAC-SHA1"), SignatureError::UnsupportedAlgorithm("AWS4-HMAC-SHA1".into()));
        assert_eq!(with(NAMES[1], "a/b/c/d/e"), SignatureError::WrongTerminator("e".into()));
        assert!(with(NAMES[1], "a").to_string().contains("exactly 5"));
        assert_eq!(with(NAMES[4], "x;host"), SignatureError::SignedHeadersNotCanonical("host".into()));
        assert_eq!(with(SIGNATURE, &HEX[1..]), SignatureError::Mismatch);
        assert!(with(NAMES[4], &"h".repeat(MAX_AUTHORIZATION_BYTES)).to_string().contains("longer than 4096 bytes"));
    }

    #[test]
    fn it_is_good_for_seven_days_at_most() {
        let expires = |text| presigned(&query(&[(NAMES[3], Some(text))])).expires_seconds();
        assert_eq!((expires("1"), expires("604800")), (Ok(1), Ok(MAX_EXPIRES_SECONDS)));
        for text in ["0", "604801", "-1", "%2B1", "1.5", "99999999999999999999", "soon"] {
            assert_eq!(expires(text).unwrap_err().exception(), "IncompleteSignatureException", "{text}");
        }
    }
}
