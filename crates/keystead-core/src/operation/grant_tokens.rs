//! Grant tokens: what CreateGrant gives, so that a grant can be used before every node knows of it.
//!
//! A token says which grant of which key it stands for, sealed under the root key: nobody else can make one or change one. It is no secret,
//! and it allows nothing by itself. A grant may have any number of tokens; they are interchangeable.
//!
//! Layout of what is sealed: grant ID (32 bytes), compact key ID (17), the key's Region.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::Exception;

use crate::error::KmsError;
use crate::key::{Grant, GrantId};
use crate::kms::Kms;
use crate::sealing::{Sealed, SealedRecord};

/// What a grant token stands for. The grant may have been retired since.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct GrantReference {
    pub(super) region: Region,
    pub(super) key_id: KeyId,
    pub(super) grant_id: GrantId,
}

/// A new token of a grant: another one each time.
pub(super) fn new_grant_token(kms: &Kms, grant: &Grant) -> Result<String, KmsError> {
    let content = [grant.id.as_bytes().as_slice(), &grant.key_id.to_compact(), grant.region.as_str().as_bytes()];
    let sealed = kms.catalog.root_key().seal(SealedRecord::GrantToken, &content.concat(), &*kms.entropy)?;
    Ok(STANDARD.encode(sealed.as_bytes()))
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
    let sealed = Sealed::from_bytes(STANDARD.decode(token).ok()?);
    let content = kms.catalog.root_key().open(SealedRecord::GrantToken, &sealed).ok()?;
    let (grant_id, rest) = content.split_first_chunk()?;
    let (key_id, region) = rest.split_first_chunk()?;
    Some(GrantReference {
        region: Region::parse(std::str::from_utf8(region).ok()?)?,
        key_id: KeyId::from_compact(key_id)?,
        grant_id: GrantId::from_bytes(*grant_id),
    })
}

/// Refuses `GrantTokens` that are none. One of another key, or of a grant that was retired, is a token still, and gives nothing.
pub(super) fn check_grant_tokens(kms: &Kms, tokens: Option<&[String]>) -> Result<(), KmsError> {
    tokens.unwrap_or_default().iter().try_for_each(|token| open_grant_token(kms, token).map(drop))
}
