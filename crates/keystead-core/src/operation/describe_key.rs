//! DescribeKey.

use keystead_model::kms::{DescribeKeyRequest, DescribeKeyResponse};

use super::key_lookup::{AcceptedForms, authorized_key, state_of};
use super::key_metadata::key_metadata;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Tells everything about a key but its material. Asks neither proxy nor HSM.
///
/// The operation declares no error for a grant token that is none; it is refused as elsewhere (unverified).
pub(super) async fn describe_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DescribeKeyRequest,
) -> Result<DescribeKeyResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    let (state, key_store) = state_of(kms, call, &key.key).await?;
    let key_store = key_store.as_ref().map(|loaded| &loaded.key_store);
    Ok(DescribeKeyResponse { key_metadata: key_metadata(&key.key, state, key_store, call.now) })
}
