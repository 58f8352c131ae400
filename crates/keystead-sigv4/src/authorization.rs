//! The `Authorization` header, from text to parts.

use std::fmt;

use crate::credential_scope::{CredentialScope, TERMINATOR};
use crate::error::SignatureError;
use crate::hex;

/// The one algorithm of Signature Version 4 with a shared secret.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Longest accepted `Authorization` value, in bytes. What the AWS SDKs send for KMS is about 300.
pub const MAX_AUTHORIZATION_BYTES: usize = 4096;

/// Most names accepted in SignedHeaders; it bounds the work of one verification.
pub const MAX_SIGNED_HEADERS: usize = 64;

/// Fewest hexadecimal digits in a row that are taken for a signature and kept out of messages.
const SIGNATURE_DIGITS: usize = 64;

/// Stands in messages where credentials were.
const WITHHELD: &str = "(withheld)";

/// A parsed `Authorization` header. What it says is a claim until [`verify`](crate::verify) has confirmed it.
///
/// `Debug` hides the signature, which is good for a replay while its date is.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The access key that is said to have signed.
    pub access_key_id: &'a str,
    /// The scope of the signing key.
    pub scope: CredentialScope,
    /// Names of the signed headers: 1..=64, lower case, ascending, each once.
    pub signed_headers: Vec<&'a str>,
    /// The signature.
    pub signature: [u8; 32],
}

impl fmt::Debug for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// Reads the value of an `Authorization` header of at most 4096 bytes.
///
/// `has_date_header`: whether the request has `X-Amz-Date` or `Date`; the message about missing parts mentions it.
/// Parameters may stand in any order, with or without a blank after the comma; unknown ones are passed over.
///
/// Fails with `MissingAuthenticationToken`, `NotKeyValue`, `IncompleteSignature`, `UnsupportedAlgorithm`,
/// `WrongTerminator`, `SignedHeadersNotCanonical`, or `Mismatch` (a signature that is not 64 lower-case digits).
pub fn parse_authorization(header_value: &str, has_date_header: bool) -> Result<Authorization<'_>, SignatureError> {
    let header = header_value.trim();
    check_length(header)?;
    let (algorithm, parameters) = header.split_once(blank).unwrap_or((header, ""));
    let (credential, signature, signed_headers) =
        Parameters::parse(parameters, header)?.complete(header, has_date_header)?;
    if algorithm != ALGORITHM {
        return Err(SignatureError::UnsupportedAlgorithm(algorithm.to_owned()));
    }
    let (access_key_id, scope) = parse_credential(credential)?;
    let signed_headers = parse_signed_headers(signed_headers)?;
    let signature = hex::decode_32(signature).ok_or(SignatureError::Mismatch)?;
    Ok(Authorization { access_key_id, scope, signed_headers, signature })
}

fn check_length(header: &str) -> Result<(), SignatureError> {
    match header.len() {
        0 => Err(SignatureError::MissingAuthenticationToken),
        1..=MAX_AUTHORIZATION_BYTES => Ok(()),
        len => Err(SignatureError::IncompleteSignature(format!(
            "Authorization header is {len} bytes long. It must not be longer than {MAX_AUTHORIZATION_BYTES} bytes."
        ))),
    }
}

fn blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// The three parameters, as far as they are there. An empty value counts as none.
#[derive(Default)]
struct Parameters<'a> {
    credential: Option<&'a str>,
    signature: Option<&'a str>,
    signed_headers: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn parse(text: &'a str, header: &str) -> Result<Self, SignatureError> {
        let mut parameters = Self::default();
        if text.trim().is_empty() {
            return Ok(parameters);
        }
        for piece in text.split(',').map(str::trim) {
            let (name, value) = piece.split_once('=').ok_or_else(|| not_key_value(piece, header))?;
            parameters.set(name.trim_end(), value.trim_start(), header)?;
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &str, value: &'a str, header: &str) -> Result<(), SignatureError> {
        let slot = match name {
            "Credential" => &mut self.credential,
            "Signature" => &mut self.signature,
            "SignedHeaders" => &mut self.signed_headers,
            _ => return Ok(()),
        };
        if slot.is_some() {
            return Err(SignatureError::IncompleteSignature(format!(
                "Authorization header must have one '{name}' parameter only. Authorization={}",
                echo(header)
            )));
        }
        *slot = (!value.is_empty()).then_some(value);
        Ok(())
    }

    /// Credential, signature, signed headers; or the error that lists what is missing.
    fn complete(self, header: &str, has_date: bool) -> Result<(&'a str, &'a str, &'a str), SignatureError> {
        if let (Some(credential), Some(signature), Some(signed_headers), true) =
            (self.credential, self.signature, self.signed_headers, has_date)
        {
            return Ok((credential, signature, signed_headers));
        }
        Err(self.incomplete(header, has_date))
    }

    fn incomplete(&self, header: &str, has_date: bool) -> SignatureError {
        let parameters =
            [("Credential", self.credential), ("Signature", self.signature), ("SignedHeaders", self.signed_headers)];
        let mut text = String::new();
        for (name, _) in parameters.iter().filter(|(_, value)| value.is_none()) {
            text.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
        if !has_date {
            text.push_str(&format!("{} ", SignatureError::DateMissing));
        }
        text.push_str("Authorization=");
        text.push_str(&echo(header));
        SignatureError::IncompleteSignature(text)
    }
}

pub(crate) fn parse_credential(credential: &str) -> Result<(&str, CredentialScope), SignatureError> {
    let mut elements = credential.split('/');
    let five: [Option<&str>; 5] = std::array::from_fn(|_| elements.next());
    let ([Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator)], None) =
        (five, elements.next())
    else {
        return Err(SignatureError::IncompleteSignature(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
            without_signatures(credential)
        )));
    };
    if terminator != TERMINATOR {
        return Err(SignatureError::WrongTerminator(without_signatures(terminator)));
    }
    let scope = CredentialScope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((access_key_id, scope))
}

pub(crate) fn parse_signed_headers(text: &str) -> Result<Vec<&str>, SignatureError> {
    let count = text.split(';').count();
    if count > MAX_SIGNED_HEADERS {
        return Err(SignatureError::IncompleteSignature(format!(
            "SignedHeaders lists {count} headers. It must not list more than {MAX_SIGNED_HEADERS}."
        )));
    }
    let mut names: Vec<&str> = Vec::with_capacity(count);
    for name in text.split(';') {
        let ascending = names.last().is_none_or(|previous| *previous < name);
        if !ascending || name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(SignatureError::SignedHeadersNotCanonical(without_signatures(name)));
        }
        names.push(name);
    }
    Ok(names)
}

fn not_key_value(piece: &str, header: &str) -> SignatureError {
    let piece = if is_signature_version_4(header) { without_signatures(piece) } else { WITHHELD.to_owned() };
    SignatureError::NotKeyValue { piece, header: echo(header) }
}

fn is_signature_version_4(header: &str) -> bool {
    header.starts_with("AWS4-")
}

/// The header as a message may repeat it: without its signature; of another scheme (`Basic`, `Bearer`) its name alone,
/// because what follows is a password or a token.
fn echo(header: &str) -> String {
    if is_signature_version_4(header) {
        return without_signatures(header);
    }
    header.split_once(blank).map_or_else(|| WITHHELD.to_owned(), |(scheme, _)| format!("{scheme} {WITHHELD}"))
}

/// `text` with each run of 64 or more hexadecimal digits withheld.
pub(crate) fn without_signatures(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = text;
    while !left.is_empty() {
        let digits = left.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(left.len());
        out.push_str(if digits >= SIGNATURE_DIGITS { WITHHELD } else { &left[..digits] });
        left = &left[digits..];
        let others = left.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(left.len());
        out.push_str(&left[..others]);
        left = &left[others..];
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const CREDENTIAL: &str = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

    fn message(header: &str, has_date: bool) -> String {
        parse_authorization(header, has_date).expect_err(header).to_string()
    }

    #[test]
    fn reads_the_parts_in_any_order_and_spacing() {
        let headers = [
            format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}"),
            format!("AWS4-HMAC-SHA256 Signature={SIGNATURE},SignedHeaders=host;x-amz-date,Credential={CREDENTIAL}"),
            format!(
                " AWS4-HMAC-SHA256\t Credential = {CREDENTIAL} ,  SignedHeaders= host;x-amz-date ,Signature={SIGNATURE}, a=b "
            ),
        ];
        for header in &headers {
            let parsed = parse_authorization(header, true).unwrap();
            assert_eq!(parsed.access_key_id, "AKIDEXAMPLE");
            assert_eq!(parsed.scope.to_string(), "20150830/us-east-1/service/aws4_request");
            assert_eq!(parsed.signed_headers, ["host", "x-amz-date"]);
            assert_eq!(hex::encode(&parsed.signature), SIGNATURE);
        }
    }

    #[test]
    fn debug_hides_the_signature() {
        let header = format!("{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders=host, Signature={SIGNATURE}");
        let shown = format!("{:?}", parse_authorization(&header, true).unwrap());
        assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("signature:"), "{shown}");
    }

    #[test]
    fn an_empty_header_is_none() {
        for header in ["", "  \t"] {
            assert_eq!(parse_authorization(header, true), Err(SignatureError::MissingAuthenticationToken));
        }
    }

    /// KMS core digest, front-end errors: only the missing parts are listed, in this order.
    #[test]
    fn missing_parts_are_listed() {
        let credential = "Authorization header requires 'Credential' parameter. ";
        let signature = "Authorization header requires 'Signature' parameter. ";
        let signed_headers = "Authorization header requires 'SignedHeaders' parameter. ";
        let date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
        let rows = [
            ("AWS4-HMAC-SHA256", true, format!("{credential}{signature}{signed_headers}")),
            ("AWS4-HMAC-SHA256", false, format!("{credential}{signature}{signed_headers}{date}")),
            ("AWS4-HMAC-SHA256 Credential=a", true, format!("{signature}{signed_headers}")),
            ("AWS4-HMAC-SHA256 Signature=a", true, format!("{credential}{signed_headers}")),
            ("AWS4-HMAC-SHA256 SignedHeaders=a, Signature=", true, format!("{credential}{signature}")),
            ("AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=c", false, date.to_owned()),
        ];
        for (header, has_date, expected) in rows {
            assert_eq!(message(header, has_date), format!("{expected}Authorization={header}"));
        }
    }

    #[test]
    fn a_piece_without_equal_sign_is_named() {
        let rows = [("AWS4-HMAC-SHA256 Credential=a, b", "b"), ("AWS4-HMAC-SHA256 Credential=a,", "")];
        for (header, piece) in rows {
            let expected = SignatureError::NotKeyValue { piece: piece.into(), header: header.into() };
            assert_eq!(parse_authorization(header, true), Err(expected));
        }
    }

    #[test]
    fn messages_withhold_credentials() {
        let rows = [
            (format!("AWS4-HMAC-SHA256 Signature={SIGNATURE}"), SIGNATURE),
            (format!("AWS4-HMAC-SHA256 Credential=a, {SIGNATURE}"), SIGNATURE),
            (format!("AWS4-HMAC-SHA256 Credential={SIGNATURE}, SignedHeaders=a, Signature={SIGNATURE}"), SIGNATURE),
            (format!("AWS4-HMAC-SHA256 Signature={SIGNATURE}, Signature={SIGNATURE}"), SIGNATURE),
            ("Basic dXNlcjpwYXNzd29yZA".to_owned(), "dXNl"),
            ("Bearer a,b=hush".to_owned(), "hush"),
            ("hush=hush".to_owned(), "hush"),
        ];
        for (header, hidden) in rows {
            for has_date in [true, false] {
                let message = message(&header, has_date);
                assert!(message.contains(WITHHELD) && !message.contains(hidden), "{message}");
            }
        }
    }

    #[test]
    fn other_algorithms_are_named() {
        let header = format!("AWS4-HMAC-SHA512 Credential={CREDENTIAL}, SignedHeaders=host, Signature={SIGNATURE}");
        let expected = SignatureError::UnsupportedAlgorithm("AWS4-HMAC-SHA512".into());
        assert_eq!(parse_authorization(&header, true), Err(expected));
    }

    #[test]
    fn a_credential_has_five_elements() {
        for credential in ["a", "a/b/c/d", "a/b/c/d/aws4_request/f", "/////"] {
            let header = format!("{ALGORITHM} Credential={credential}, SignedHeaders=host, Signature={SIGNATURE}");
            let expected = format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
                 got '{credential}'"
            );
            assert_eq!(message(&header, true), expected);
        }
        let header = format!("{ALGORITHM} Credential=a/b/c/d/e, SignedHeaders=host, Signature={SIGNATURE}");
        assert_eq!(parse_authorization(&header, true), Err(SignatureError::WrongTerminator("e".into())));
    }

    #[test]
    fn signed_headers_are_canonical() {
        let rows = [
            ("x-amz-date;host", "host"),
            ("host;host", "host"),
            ("Host", "Host"),
            ("host;;x-amz-date", ""),
            (";", ""),
            ("host;", ""),
        ];
        for (names, out_of_place) in rows {
            let header = format!("{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders={names}, Signature={SIGNATURE}");
            let expected = SignatureError::SignedHeadersNotCanonical(out_of_place.into());
            assert_eq!(parse_authorization(&header, true), Err(expected), "{names}");
        }
    }

    #[test]
    fn a_malformed_signature_does_not_match() {
        for signature in ["0", &SIGNATURE[1..], &SIGNATURE.to_uppercase(), &format!("{SIGNATURE}0"), "é"] {
            let header = format!("{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders=host, Signature={signature}");
            assert_eq!(parse_authorization(&header, true), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn work_is_bounded() {
        let names = |count| (0..count).map(|number| format!("h{number:03}")).collect::<Vec<_>>().join(";");
        let header =
            |names: &str| format!("{ALGORITHM} Credential={CREDENTIAL}, SignedHeaders={names}, Signature={SIGNATURE}");
        let (most, too_many) = (header(&names(MAX_SIGNED_HEADERS)), header(&names(MAX_SIGNED_HEADERS + 1)));
        assert_eq!(parse_authorization(&most, true).unwrap().signed_headers.len(), MAX_SIGNED_HEADERS);
        assert_eq!(message(&too_many, true), "SignedHeaders lists 65 headers. It must not list more than 64.");

        let too_long = header(&"h".repeat(MAX_AUTHORIZATION_BYTES));
        let expected =
            format!("Authorization header is {} bytes long. It must not be longer than 4096 bytes.", too_long.len());
        assert_eq!(message(&too_long, true), expected);
    }
}
