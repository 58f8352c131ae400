//! Signing: the client's half.

use crate::access_key::AccessKeyId;
use crate::amz_date::AmzDate;
use crate::authorization::ALGORITHM;
use crate::canonical_headers::sorted_names;
use crate::canonical_request::{SignableRequest, canonical_request, string_to_sign};
use crate::canonical_uri::PathMode;
use crate::credential_scope::CredentialScope;
use crate::signing_key::SigningKey;

/// The value of the `Authorization` header for `request`.
///
/// `request.headers` hold `host` and `x-amz-date` (the text form of `date`), and all of them are signed: leave out those
/// that a relay may change. `key` was derived for `scope`, and `scope.date` is the day of `date`. A server refuses what
/// was signed otherwise; nothing is checked here.
pub fn sign(
    request: &SignableRequest<'_>,
    access_key_id: &AccessKeyId,
    key: &SigningKey,
    scope: &CredentialScope,
    date: AmzDate,
    path_mode: PathMode,
) -> String {
    let signed_headers = sorted_names(request.headers);
    let canonical = canonical_request(request, &signed_headers, path_mode);
    let signature = key.signature_hex(&string_to_sign(&canonical, date, scope));
    let (id, signed_headers) = (access_key_id.as_str(), signed_headers.join(";"));
    format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}")
}
