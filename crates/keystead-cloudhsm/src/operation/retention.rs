//! How long backups are kept.

use keystead_model::cloudhsm::BackupRetentionPolicy;

use crate::CloudHsm;
use crate::error::CloudHsmError;

/// In days (API Reference, BackupRetentionPolicy).
const DAYS: std::ops::RangeInclusive<u16> = 7..=379;

/// The days of a policy, or those that the server is set to.
pub(super) fn days(cloud_hsm: &CloudHsm, policy: Option<&BackupRetentionPolicy>) -> Result<u16, CloudHsmError> {
    match policy {
        Some(policy) => checked(policy),
        None => Ok(cloud_hsm.settings.backup_retention_days),
    }
}

/// The days of a policy.
pub(super) fn checked(policy: &BackupRetentionPolicy) -> Result<u16, CloudHsmError> {
    let value = policy.value.as_deref().unwrap_or_default();
    match value.parse() {
        Ok(days) if policy.r#type.is_some() && DAYS.contains(&days) => Ok(days),
        _ => Err(CloudHsmError::invalid_request(format!(
            "BackupRetentionPolicy must have the Type DAYS and a Value from {} to {}.",
            DAYS.start(),
            DAYS.end()
        ))),
    }
}
