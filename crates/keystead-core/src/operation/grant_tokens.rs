//! Grant tokens: what CreateGrant gives, so that a grant can be used before every node knows of it.
//!
//! A token says which grant of which key it stands for, with an authentication code under the root key: nobody else can make one or change one.
//! It is no secret, and it allows nothing by itself. A grant may have any number of tokens; they are interchangeable.
//!
//! Layout: authentication code (32 bytes), random bytes (16), grant ID (32), compact key ID (17), the key's Region.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::Exception;
use serde_json::Value;

use crate::error::KmsError;
use crate::key::{Grant, GrantId};
use crate::kms::Kms;
use crate::sealing::AUTHENTICATION_CODE_LENGTH;

/// What authentication codes of grant tokens are for.
const PURPOSE: &str = "keystead/grant-token";
/// Makes each token another one.
const RANDOM_LENGTH: usize = 16;

/// What a grant token stands for. The grant may have been retired since.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GrantReference {
    pub(super) region: Region,
    pub(super) key_id: KeyId,
    pub(super) grant_id: GrantId,
}

/// A new token of a grant: another one each time.
pub(super) fn new_grant_token(kms: &Kms, grant: &Grant) -> String {
    let mut random = [0; RANDOM_LENGTH];
    kms.entropy.fill(&mut random);
    let (grant_id, key_id) = (grant.id.as_bytes(), grant.key_id.to_compact());
    let content = [random.as_slice(), grant_id, &key_id, grant.region.as_str().as_bytes()].concat();
    STANDARD.encode([authentication_code(kms, &content).as_slice(), &content].concat())
}

fn authentication_code(kms: &Kms, content: &[u8]) -> [u8; AUTHENTICATION_CODE_LENGTH] {
    kms.catalog.root_key().authentication_code(&[PURPOSE, &STANDARD.encode(content)])
}

/// What a token stands for; `InvalidGrantTokenException` if this installation did not make it.
pub(super) fn open_grant_token(kms: &Kms, token: &str) -> Result<GrantReference, KmsError> {
    read_grant_token(kms, token).ok_or_else(invalid_grant_token)
}

/// The text is unverified.
pub(super) fn invalid_grant_token() -> KmsError {
    KmsError::new(Exception::InvalidGrantToken, "The grant token is not valid.")
}

fn read_grant_token(kms: &Kms, token: &str) -> Option<GrantReference> {
    let bytes = STANDARD.decode(token).ok()?;
    let (code, content) = bytes.split_first_chunk::<AUTHENTICATION_CODE_LENGTH>()?;
    verify_slices_are_equal(code, &authentication_code(kms, content)).ok()?;
    let (_, rest) = content.split_first_chunk::<RANDOM_LENGTH>()?;
    let (grant_id, rest) = rest.split_first_chunk()?;
    let (key_id, region) = rest.split_first_chunk()?;
    Some(GrantReference {
        region: Region::parse(std::str::from_utf8(region).ok()?)?,
        key_id: KeyId::from_compact(key_id)?,
        grant_id: GrantId::from_bytes(*grant_id),
    })
}

/// What the `GrantTokens` of a request stand for. Refuses those that are none before anything else is looked at, so that the refusal tells
/// nothing of any key. One of another key, or of a grant that was retired, is a token still, and gives nothing.
pub(super) fn opened_grant_tokens(kms: &Kms, input: &Value) -> Result<Vec<GrantReference>, KmsError> {
    let tokens = input["GrantTokens"].as_array().into_iter().flatten().filter_map(Value::as_str);
    tokens.map(|token| open_grant_token(kms, token)).collect()
}
