//! The sample account and its administrator.

use keystead_core::access::{AccessKeyStatus, Account, User};
use keystead_core::port::{Clock, Store, SystemClock};
use keystead_core::sealing::{RootKey, SealedRecord};
use keystead_model::arn::AccountId;
use zeroize::Zeroizing;

use super::folder::ClearAccessKey;
use crate::Failure;
use crate::access_key::{new_access_key, new_administrator};
use crate::config::Config;
use crate::service::OpenStore;

const ADMINISTRATOR: &str = "admin";

/// The administrator's access key; account, user and key are made where they are missing.
pub(crate) async fn administrator(config: &Config, account: &AccountId) -> Result<ClearAccessKey, Failure> {
    let OpenStore { store, root_key } = OpenStore::open(config).await?;
    let access_key = in_store(&*store, &root_key, account).await;
    store.close().await;
    access_key
}

async fn in_store(store: &dyn Store, root_key: &RootKey, account: &AccountId) -> Result<ClearAccessKey, Failure> {
    if store.account(account).await?.is_none() {
        let name = format!("dev-{account}");
        store.insert_account(&Account::new(*account, name, SystemClock.now())).await?;
    }
    let user = user(store, account).await?;
    let existing = store.access_keys(account).await?.into_iter().find(|key| {
        key.user_name.as_deref() == Some(ADMINISTRATOR)
            && key.status == AccessKeyStatus::Active
            && key.expires.is_none()
    });
    if let Some(key) = existing {
        let secret = root_key.open(SealedRecord::SecretAccessKey(&key.access_key_id), &key.sealed_secret)?;
        let secret = Zeroizing::new(std::str::from_utf8(&secret)?.to_owned());
        return Ok(ClearAccessKey { access_key_id: key.access_key_id, secret });
    }
    let new = new_access_key(*account, Some(&user), None, root_key)?;
    store.insert_access_key(&new.access_key, u64::MAX).await?;
    Ok(ClearAccessKey { access_key_id: new.access_key.access_key_id, secret: new.secret })
}

async fn user(store: &dyn Store, account: &AccountId) -> Result<User, Failure> {
    if let Some(user) = store.user(account, ADMINISTRATOR).await? {
        return Ok(user);
    }
    let user = new_administrator(*account, ADMINISTRATOR);
    store.insert_user(&user, u64::MAX).await?;
    Ok(user)
}
