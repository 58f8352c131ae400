//! Verification: the server's half.

use crate::amz_date::AmzDate;
use crate::authorization::Authorization;
use crate::canonical_headers::{Header, is_present, is_signed, values};
use crate::canonical_request::{SignableRequest, canonical_request, presigned_canonical_request, string_to_sign};
use crate::canonical_uri::PathMode;
use crate::credential_scope::CredentialScope;
use crate::error::SignatureError;
use crate::presigned::PresignedQuery;
use crate::signing_key::SigningKey;

/// What a server expects of every request.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Region that the scope must name.
    pub region: &'a str,
    /// Service that the scope must name.
    pub service: &'a str,
    /// The server's time.
    pub now: AmzDate,
    /// How far the request's date may be off, either way, in seconds; a negative number is 0.
    pub max_skew_seconds: i64,
    /// How the path is canonicalized.
    pub path_mode: PathMode,
    /// Lower-case names of headers that must be signed when present, such as `["host", "x-amz-target"]`.
    pub must_sign: &'a [&'a str],
}

/// Whether `authorization` is the signature of `request` under `key`, which was derived for `authorization.scope`.
///
/// Checks, in this order: scope, date, required signed headers, signature (in constant time). Fails with what
/// [`verify_claims`] fails with, or `Mismatch`.
pub fn verify(
    authorization: &Authorization<'_>,
    request: &SignableRequest<'_>,
    key: &SigningKey,
    expectation: &Expectation<'_>,
) -> Result<(), SignatureError> {
    let date = verify_claims(authorization, request, expectation)?;
    let canonical = canonical_request(request, &authorization.signed_headers, expectation.path_mode);
    let string_to_sign = string_to_sign(&canonical, date, &authorization.scope);
    let matches = key.is_signature(&string_to_sign, &authorization.signature);
    matches.then_some(()).ok_or(SignatureError::Mismatch)
}

/// All checks of [`verify`] that need no key: those to make before a secret is looked up and a key is derived and cached
/// for a scope that the client chose. Returns the date that was signed.
///
/// Fails with `WrongScope`, `DateMissing`, `BadDate`, `ScopeDateMismatch`, `Expired`, `NotYetValid`, `HeaderNotSigned`,
/// `SignedHeaderMissing`.
pub fn verify_claims(
    authorization: &Authorization<'_>,
    request: &SignableRequest<'_>,
    expectation: &Expectation<'_>,
) -> Result<AmzDate, SignatureError> {
    verify_scope(&authorization.scope, expectation)?;
    let date = request_date(request.headers)?;
    verify_date(date, &authorization.scope.date, expectation, expectation.max_skew_seconds)?;
    verify_signed_headers(&authorization.signed_headers, request.headers, expectation.must_sign)?;
    Ok(date)
}

/// Whether `authorization`, which is that of `presigned`, is the signature of the presigned `request` under `key`.
///
/// Fails with what [`verify_presigned_claims`] fails with, or `Mismatch`.
pub fn verify_presigned(
    presigned: &PresignedQuery,
    authorization: &Authorization<'_>,
    request: &SignableRequest<'_>,
    key: &SigningKey,
    expectation: &Expectation<'_>,
    lifetime_seconds: i64,
) -> Result<(), SignatureError> {
    let date = verify_presigned_claims(presigned, authorization, request, expectation, lifetime_seconds)?;
    let canonical = presigned_canonical_request(request, &authorization.signed_headers, expectation.path_mode);
    let string_to_sign = string_to_sign(&canonical, date, &authorization.scope);
    let matches = key.is_signature(&string_to_sign, &authorization.signature);
    matches.then_some(()).ok_or(SignatureError::Mismatch)
}

/// All checks of [`verify_presigned`] that need no key, as [`verify_claims`] makes them of other requests.
///
/// The date is that of the query string. `lifetime_seconds` from then the request is good, whatever the window; a negative number
/// is 0. A service may take [`PresignedQuery::expires_seconds`] for it, or decide for itself.
pub fn verify_presigned_claims(
    presigned: &PresignedQuery,
    authorization: &Authorization<'_>,
    request: &SignableRequest<'_>,
    expectation: &Expectation<'_>,
    lifetime_seconds: i64,
) -> Result<AmzDate, SignatureError> {
    verify_scope(&authorization.scope, expectation)?;
    let date = AmzDate::parse(presigned.date().unwrap_or_default())?;
    verify_date(date, &authorization.scope.date, expectation, lifetime_seconds)?;
    verify_signed_headers(&authorization.signed_headers, request.headers, expectation.must_sign)?;
    Ok(date)
}

fn verify_scope(scope: &CredentialScope, expectation: &Expectation<'_>) -> Result<(), SignatureError> {
    let region = (scope.region != expectation.region).then(|| scope.region.clone());
    let service = (scope.service != expectation.service).then(|| expectation.service.to_owned());
    if region.is_none() && service.is_none() {
        return Ok(());
    }
    Err(SignatureError::WrongScope { region, service })
}

/// `X-Amz-Date` counts before `Date`.
fn request_date(headers: &[Header<'_>]) -> Result<AmzDate, SignatureError> {
    if let Some(value) = values(headers, "x-amz-date").next() {
        return AmzDate::parse(String::from_utf8_lossy(value).trim());
    }
    let value = values(headers, "date").next().ok_or(SignatureError::DateMissing)?;
    AmzDate::parse_date_header(String::from_utf8_lossy(value).trim())
}

/// `max_age_seconds`: how long ago the date may be.
fn verify_date(
    date: AmzDate,
    scope_date: &str,
    expectation: &Expectation<'_>,
    max_age_seconds: i64,
) -> Result<(), SignatureError> {
    if date.date_stamp() != scope_date {
        return Err(SignatureError::ScopeDateMismatch { scope_date: scope_date.to_owned(), date });
    }
    let (now, max_age_seconds) = (expectation.now, max_age_seconds.max(0));
    let max_skew_seconds = expectation.max_skew_seconds.max(0);
    let (earliest, latest) = (now.plus_seconds(-max_age_seconds), now.plus_seconds(max_skew_seconds));
    if date < earliest {
        return Err(SignatureError::Expired { date, earliest, now, max_age_seconds });
    }
    if date > latest {
        return Err(SignatureError::NotYetValid { date, latest, now, max_skew_seconds });
    }
    Ok(())
}

fn verify_signed_headers(
    signed_headers: &[&str],
    headers: &[Header<'_>],
    must_sign: &[&str],
) -> Result<(), SignatureError> {
    let unsigned = must_sign.iter().find(|name| is_present(headers, name) && !is_signed(signed_headers, name));
    if let Some(name) = unsigned {
        return Err(SignatureError::HeaderNotSigned((*name).to_owned()));
    }
    match signed_headers.iter().find(|name| !is_present(headers, name)) {
        Some(name) => Err(SignatureError::SignedHeaderMissing((*name).to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: &str = "20150830T123600Z";

    fn expectation() -> Expectation<'static> {
        Expectation {
            region: "us-east-1",
            service: "kms",
            now: AmzDate::parse(NOW).unwrap(),
            max_skew_seconds: 300,
            path_mode: PathMode::Normalize,
            must_sign: &["host", "x-amz-target"],
        }
    }

    fn claims(scope: &str, signed_headers: &str, headers: &[Header<'_>]) -> Result<AmzDate, SignatureError> {
        let [date, region, service]: [&str; 3] = scope.split('/').collect::<Vec<_>>().try_into().unwrap();
        let authorization = Authorization {
            access_key_id: "AKIDEXAMPLE",
            scope: CredentialScope { date: date.into(), region: region.into(), service: service.into() },
            signed_headers: signed_headers.split(';').collect(),
            signature: [0; 32],
        };
        let request = SignableRequest { method: "POST", path: "/", query: "", headers, payload_sha256: "" };
        verify_claims(&authorization, &request, &expectation())
    }

    fn dated(x_amz_date: &str) -> Result<AmzDate, SignatureError> {
        let scope = format!("{}/us-east-1/kms", x_amz_date.get(..8).unwrap_or("20150830"));
        claims(&scope, "host", &[("host", b"h"), ("X-AMZ-DATE", x_amz_date.as_bytes())])
    }

    #[test]
    fn the_scope_comes_first() {
        let rows = [
            ("20150830/mars-1/kms", Some("mars-1"), None),
            ("20150830/us-east-1/s3", None, Some("kms")),
            ("20150830/mars-1/s3", Some("mars-1"), Some("kms")),
        ];
        for (scope, region, service) in rows {
            let (region, service) = (region.map(str::to_owned), service.map(str::to_owned));
            assert_eq!(claims(scope, "host", &[]), Err(SignatureError::WrongScope { region, service }));
        }
    }

    #[test]
    fn the_window_includes_its_ends() {
        for date in ["20150830T123100Z", NOW, "20150830T124100Z"] {
            assert_eq!(dated(date).unwrap().to_string(), date);
        }
        let message = |date| dated(date).unwrap_err().to_string();
        assert_eq!(
            message("20150830T123059Z"),
            "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"
        );
        assert_eq!(
            message("20150830T124101Z"),
            "Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z \
             (20150830T123600Z + 5 min.)"
        );
    }

    #[test]
    fn a_negative_window_is_none_and_a_huge_one_everything() {
        let date = AmzDate::parse("20150830T123601Z").unwrap();
        let with = |seconds| {
            verify_date(date, "20150830", &Expectation { max_skew_seconds: seconds, ..expectation() }, seconds)
        };
        assert!(matches!(with(i64::MIN), Err(SignatureError::NotYetValid { max_skew_seconds: 0, .. })));
        assert_eq!(with(i64::MAX), Ok(()));
    }

    #[test]
    fn the_scope_has_the_day_of_the_request() {
        let error = claims("20150829/us-east-1/kms", "host", &[("x-amz-date", NOW.as_bytes())]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20150829' != '20150830', from '20150830T123600Z'."
        );
    }

    #[test]
    fn x_amz_date_counts_before_date() {
        let scope = "20150830/us-east-1/kms";
        let http_date: Header<'_> = ("Date", b"Sun, 30 Aug 2015 12:35:00 GMT");
        let rows: [(&[Header<'_>], Result<&str, SignatureError>); 6] = [
            (&[http_date, ("x-amz-date", NOW.as_bytes())], Ok(NOW)),
            (&[http_date], Ok("20150830T123500Z")),
            (&[("date", b" 20150830T123500Z ")], Ok("20150830T123500Z")),
            (&[], Err(SignatureError::DateMissing)),
            (&[http_date, ("x-amz-date", b"now")], Err(SignatureError::BadDate("now".into()))),
            (&[("date", b"\xff")], Err(SignatureError::BadDate("\u{fffd}".into()))),
        ];
        for (dates, expected) in rows {
            let headers: Vec<Header<'_>> = [("host", b"h".as_slice())].iter().chain(dates).copied().collect();
            assert_eq!(claims(scope, "host", &headers).map(|date| date.to_string()), expected.map(str::to_owned));
        }
    }

    #[test]
    fn required_headers_are_signed_when_present() {
        let scope = "20150830/us-east-1/kms";
        let date: Header<'_> = ("x-amz-date", NOW.as_bytes());
        let (host, target): (Header<'_>, Header<'_>) = (("Host", b"h"), ("X-Amz-Target", b"TrentService.Encrypt"));
        let not_signed = |name: &str| Some(SignatureError::HeaderNotSigned(name.into()));
        let missing = |name: &str| Some(SignatureError::SignedHeaderMissing(name.into()));
        let rows: [(&[Header<'_>], &str, Option<SignatureError>); 7] = [
            (&[date, host], "host;x-amz-date", None),
            (&[date, host], ":authority;x-amz-date", None),
            (&[date, host, target], "host;x-amz-date;x-amz-target", None),
            (&[date, host], "x-amz-date", not_signed("host")),
            (&[date, host, target], "host;x-amz-date", not_signed("x-amz-target")),
            (&[date, host], "host;x-amz-date;x-amz-target", missing("x-amz-target")),
            (&[date], "host;x-amz-date", missing("host")),
        ];
        for (headers, signed_headers, expected) in rows {
            assert_eq!(claims(scope, signed_headers, headers).err(), expected, "{signed_headers}");
        }
    }
}
