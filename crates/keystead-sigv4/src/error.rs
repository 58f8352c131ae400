//! Why a signature is refused, in the words of AWS.

use crate::amz_date::AmzDate;

/// Why a request is not authenticated. Always the client's fault; `Display` is the message that AWS JSON services give.
///
/// No message repeats a signature, a secret, or the credentials of another authentication scheme.
/// Source: KMS API Reference, common errors; texts as recorded from services of the same front end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Authorization` header, or it is empty.
    #[error("Missing Authentication Token")]
    MissingAuthenticationToken,

    /// The header lacks parameters, or they are unusable. Holds the whole message.
    #[error("{0}")]
    IncompleteSignature(String),

    /// A piece between commas has no equal sign.
    #[error("'{piece}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'.")]
    NotKeyValue {
        /// The piece.
        piece: String,
        /// The header's value, without signature.
        header: String,
    },

    /// Signed with an algorithm other than `AWS4-HMAC-SHA256`.
    #[error("Unsupported AWS 'algorithm': '{0}' (only AWS4-HMAC-SHA256 for now). ")]
    UnsupportedAlgorithm(String),

    /// The credential scope names another Region, another service, or both.
    #[error("{}", scope_sentences(region.as_deref(), service.as_deref()))]
    WrongScope {
        /// The Region that the client named, if it is the wrong one.
        region: Option<String>,
        /// The service that would have been right, if the client named another.
        service: Option<String>,
    },

    /// The credential scope ends in something other than `aws4_request`; holds what it ends in.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{0}'. ")]
    WrongTerminator(String),

    /// The day of the credential scope is not that of the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '{scope_date}' != '{}', from '{date}'.", date.date_stamp()
    )]
    ScopeDateMismatch {
        /// What the credential scope has.
        scope_date: String,
        /// When the request says it was made.
        date: AmzDate,
    },

    /// Signed longer ago than the window allows.
    #[error("Signature expired: {date} is now earlier than {earliest} ({now} - {}.)", window(*max_age_seconds))]
    Expired {
        /// When the request says it was made.
        date: AmzDate,
        /// The earliest date that would do.
        earliest: AmzDate,
        /// The server's time.
        now: AmzDate,
        /// How long ago it may be, in seconds.
        max_age_seconds: i64,
    },

    /// Signed further in the future than the window allows.
    #[error(
        "Signature not yet current: {date} is still later than {latest} ({now} + {}.)", window(*max_skew_seconds)
    )]
    NotYetValid {
        /// When the request says it was made.
        date: AmzDate,
        /// The latest date that would do.
        latest: AmzDate,
        /// The server's time.
        now: AmzDate,
        /// The window, in seconds.
        max_skew_seconds: i64,
    },

    /// A header that must be signed is in the request, but not in SignedHeaders. Holds its lower-case name.
    #[error("{} must be a 'SignedHeader' in the AWS Authorization.", quoted_header(.0))]
    HeaderNotSigned(String),

    /// SignedHeaders lists a header that the request does not have. Holds its name.
    // The text is unverified: AWS may well answer with the mismatch instead.
    #[error("The header '{0}' is listed in SignedHeaders but is not in the request. Send it, or do not sign it.")]
    SignedHeaderMissing(String),

    /// SignedHeaders is not lower case, sorted, and each name once. Holds the name that is out of place.
    // The text is unverified: AWS may well answer with the mismatch instead.
    #[error(
        "SignedHeaders must list lower-case header names in ascending order, each once, separated by ';': \
         '{0}' is out of place."
    )]
    SignedHeadersNotCanonical(String),

    /// Neither `X-Amz-Date` nor `Date` is in the request.
    #[error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")]
    DateMissing,

    /// The date is in no accepted form. Holds the start of what was sent.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    BadDate(String),

    /// The signature is not that of this request under this key.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl SignatureError {
    /// The exception that carries the message, the `__type` of the JSON error body.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature(_)
            | Self::NotKeyValue { .. }
            | Self::UnsupportedAlgorithm(_)
            | Self::DateMissing
            | Self::BadDate(_) => "IncompleteSignatureException",
            Self::WrongScope { .. }
            | Self::WrongTerminator(_)
            | Self::ScopeDateMismatch { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::HeaderNotSigned(_)
            | Self::SignedHeaderMissing(_)
            | Self::SignedHeadersNotCanonical(_)
            | Self::Mismatch => "InvalidSignatureException",
        }
    }
}

/// The blank after each sentence is part of the recorded texts, also after the last.
fn scope_sentences(region: Option<&str>, service: Option<&str>) -> String {
    let region = region.map(|region| format!("Credential should be scoped to a valid region, not '{region}'. "));
    let service = service.map(|service| format!("Credential should be scoped to correct service: '{service}'. "));
    region.unwrap_or_default() + &service.unwrap_or_default()
}

/// The window as AWS writes it, `5 min`; in seconds where it is not whole minutes.
fn window(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}

/// A header's name as AWS writes it in this message: `'Host' or ':authority'`, `'X-Amz-Target'`.
fn quoted_header(name: &str) -> String {
    if name == "host" {
        return "'Host' or ':authority'".to_owned();
    }
    let words: Vec<String> = name.split('-').map(capitalized).collect();
    format!("'{}'", words.join("-"))
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCOMPLETE: &str = "IncompleteSignatureException";
    const INVALID: &str = "InvalidSignatureException";

    fn at(unix: i64) -> AmzDate {
        AmzDate::from_unix(unix)
    }

    fn wrong_scope(region: Option<&str>, service: Option<&str>) -> SignatureError {
        SignatureError::WrongScope { region: region.map(str::to_owned), service: service.map(str::to_owned) }
    }

    fn check(rows: &[(SignatureError, &str, &str)]) {
        for (error, exception, message) in rows {
            assert_eq!((error.exception(), error.to_string().as_str()), (*exception, *message));
        }
    }

    #[test]
    fn of_the_header() {
        let not_key_value = SignatureError::NotKeyValue { piece: "b".into(), header: "AWS4-HMAC-SHA256 a=1, b".into() };
        check(&[
            (
                SignatureError::MissingAuthenticationToken,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            (
                not_key_value,
                INCOMPLETE,
                "'b' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 a=1, b'.",
            ),
            (
                SignatureError::UnsupportedAlgorithm("AWS4-HMAC-SHA25".into()),
                INCOMPLETE,
                "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
            ),
            (
                SignatureError::HeaderNotSigned("host".into()),
                INVALID,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            (
                SignatureError::HeaderNotSigned("x-amz-target".into()),
                INVALID,
                "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            (
                SignatureError::Mismatch,
                INVALID,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ),
        ]);
    }

    #[test]
    fn of_the_scope() {
        let region = "Credential should be scoped to a valid region, not 'mars-1'. ";
        let service = "Credential should be scoped to correct service: 'kms'. ";
        check(&[
            (wrong_scope(Some("mars-1"), None), INVALID, region),
            (wrong_scope(None, Some("kms")), INVALID, service),
            (wrong_scope(Some("mars-1"), Some("kms")), INVALID, &format!("{region}{service}")),
            (
                SignatureError::WrongTerminator("e".into()),
                INVALID,
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. ",
            ),
        ]);
    }

    /// The dates are those of the recordings.
    #[test]
    fn of_the_date() {
        let skew = 300;
        let (past, now) = (at(1_425_757_660), at(1_425_933_645));
        let (future, then) = (at(1_501_492_920), at(1_501_492_575));
        check(&[
            (
                SignatureError::Expired { date: past, earliest: now.plus_seconds(-skew), now, max_age_seconds: skew },
                INVALID,
                "Signature expired: 20150307T194740Z is now earlier than 20150309T203545Z (20150309T204045Z - 5 min.)",
            ),
            (
                SignatureError::NotYetValid {
                    date: future,
                    latest: then.plus_seconds(skew),
                    now: then,
                    max_skew_seconds: skew,
                },
                INVALID,
                "Signature not yet current: 20170731T092200Z is still later than 20170731T092115Z \
                 (20170731T091615Z + 5 min.)",
            ),
            (
                SignatureError::ScopeDateMismatch { scope_date: "b".into(), date: past },
                INVALID,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 'b' != '20150307', from '20150307T194740Z'.",
            ),
            (
                SignatureError::BadDate("201".into()),
                INCOMPLETE,
                "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
            ),
            (
                SignatureError::DateMissing,
                INCOMPLETE,
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ),
        ]);
        assert_eq!(window(90), "90 sec");
    }
}
