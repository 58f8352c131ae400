//! What an auditor does, logged in as `kmsuser` while KMS is not.

use keystead_model::SecretString;
use keystead_pkcs11::client::Hsm as Driver;
use keystead_pkcs11::{KeyId, KeyInfo, LoginHolder};

use super::act::{ActError, already_logged_in, on_each, problem};
use super::password::existing_pin;
use super::{HsmKey, HsmKeyList, HsmOutcome, HsmUsers, HsmUsersError, KMSUSER};

impl HsmUsers {
    /// Logs in as `kmsuser` on every active HSM, or on one, to look at the keys. The password is tried once on each. As long as an auditor
    /// is logged in, a key store cannot connect (USER_LOGGED_IN).
    pub async fn log_in(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        user_name: &str,
        password: &SecretString,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        if user_name != KMSUSER {
            return Err(HsmUsersError::Invalid(format!("Only {KMSUSER} owns keys and can log in to look at them.")));
        }
        let pin = existing_pin(password)?;
        let target = self.target(cluster_id, hsm_id).await?;
        self.refuse_while_connected(cluster_id).await?;
        on_each(&target, |_, driver| {
            let pin = pin.clone();
            async move {
                match driver.status().await?.login {
                    Some(LoginHolder::Kms) => Err(ActError::Refused(already_logged_in(Some(LoginHolder::Kms)))),
                    Some(LoginHolder::Auditor) | None => Ok(driver.log_in(&pin, LoginHolder::Auditor).await?),
                }
            }
        })
        .await
    }

    /// Logs the auditor out of every active HSM, or of one. No error if none is logged in.
    pub async fn log_out(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        let target = self.target(cluster_id, hsm_id).await?;
        on_each(&target, |_, driver| async move {
            driver.status().await?;
            Ok(driver.log_out(LoginHolder::Auditor).await?)
        })
        .await
    }

    /// The secret keys of each active HSM, or of one. The auditor must be logged in.
    pub async fn keys(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Vec<HsmKeyList>, HsmUsersError> {
        let target = self.target(cluster_id, hsm_id).await?;
        let mut lists = Vec::new();
        for (hsm, driver) in &target.hsms {
            let (keys, problem) = match keys_of(driver).await {
                Ok(keys) => (keys.into_iter().map(shown).collect(), None),
                Err(error) => (Vec::new(), Some(problem(&error))),
            };
            lists.push(HsmKeyList { hsm_id: hsm.hsm_id.clone(), keys, problem });
        }
        Ok(lists)
    }

    /// Destroys a key, named by its ID in hexadecimal digits, on every active HSM or on one. The auditor must be logged in. An HSM that
    /// does not have it says so.
    pub async fn delete_key(
        &self,
        cluster_id: &str,
        key_id: &str,
        hsm_id: Option<&str>,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        let id = KeyId(from_hex(key_id).ok_or_else(|| {
            HsmUsersError::Invalid(format!(
                "{key_id:?} is no key ID: give its hexadecimal digits, as `keys` shows them."
            ))
        })?);
        let target = self.target(cluster_id, hsm_id).await?;
        on_each(&target, |_, driver| {
            let id = id.clone();
            async move {
                check_auditor(&driver).await?;
                match driver.destroy_key(&id).await? {
                    0 => Err(keystead_pkcs11::HsmError::KeyNotFound.into()),
                    _ => Ok(()),
                }
            }
        })
        .await
    }
}

async fn keys_of(driver: &Driver) -> Result<Vec<KeyInfo>, ActError> {
    check_auditor(driver).await?;
    Ok(driver.keys().await?)
}

/// What KMS is logged in for is no authority of an auditor.
async fn check_auditor(driver: &Driver) -> Result<(), ActError> {
    match driver.status().await?.login {
        Some(LoginHolder::Auditor) => Ok(()),
        Some(LoginHolder::Kms) => Err(ActError::Refused(already_logged_in(Some(LoginHolder::Kms)))),
        None => Err(keystead_pkcs11::HsmError::NotLoggedIn.into()),
    }
}

fn shown(key: KeyInfo) -> HsmKey {
    HsmKey {
        label: key.label,
        id: key.id.to_string(),
        handle: key.handle,
        check_value: key.check_value.iter().map(|byte| format!("{byte:02x}")).collect(),
        attributes: key.attributes,
    }
}

/// `None` for what is not pairs of hexadecimal digits.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |index| u8::from_str_radix(text.get(index..index + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_in_hexadecimal_digits() {
        assert_eq!(from_hex("00ffA1"), Some(vec![0, 0xff, 0xa1]));
        for bad in ["", "0", "0g", "é1", "+1", " 1"] {
            assert_eq!(from_hex(bad), None, "{bad:?}");
        }
    }
}
