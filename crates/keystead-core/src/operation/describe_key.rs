//! DescribeKey.

use keystead_model::kms::{DescribeKeyRequest, DescribeKeyResponse};

use super::cryptography::check_grant_tokens;
use super::key_lookup::{AcceptedForms, authorized_key, state_of};
use super::key_metadata::key_metadata;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Tells everything about a key but its material. Asks no proxy.
pub(super) async fn describe_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DescribeKeyRequest,
) -> Result<DescribeKeyResponse, KmsError> {
    check_grant_tokens(request.grant_tokens.as_deref())?;
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    let (state, _) = state_of(kms, &key.key).await?;
    Ok(DescribeKeyResponse { key_metadata: key_metadata(&key.key, state) })
}
