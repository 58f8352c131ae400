//! GenerateMac, and what it shares with VerifyMac.

use keystead_cryptography::key_spec;
use keystead_model::Blob;
use keystead_model::kms::{GenerateMacRequest, GenerateMacResponse, MacAlgorithmSpec};

use super::cryptography::{KeyRole, UsableKey, dry_run_operation, usable_key};
use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_usage::{check_algorithm, check_key_usage};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// The HMAC of a message of 1..=4096 bytes.
pub(super) async fn generate_mac(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateMacRequest,
) -> Result<GenerateMacResponse, KmsError> {
    let GenerateMacRequest { message, key_id, mac_algorithm, dry_run, .. } = request;
    let key = usable_mac_key(kms, call, &key_id, mac_algorithm).await?;
    if dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    let mac = key.hmac_key()?.mac(message.as_ref());
    Ok(GenerateMacResponse { mac: Blob::from(mac), mac_algorithm, key_id: key.loaded().key.arn() })
}

/// An HMAC key that the caller may use and that has the algorithm.
pub(super) async fn usable_mac_key(
    kms: &Kms,
    call: &mut Call<'_>,
    key_id: &str,
    algorithm: MacAlgorithmSpec,
) -> Result<UsableKey, KmsError> {
    let key = authorized_key(kms, call, key_id, AcceptedForms::All).await?;
    check_key_usage(call.operation.name, &key.key)?;
    check_algorithm(algorithm, key_spec::mac_algorithms(key.key.spec, key.key.usage), key.key.spec)?;
    usable_key(kms, call, key, KeyRole::Only).await
}
