//! Initialising a token again, which destroys its keys and its user.
//!
//! The token's serial number may become another one. So that it is known first that this may be, and noted afterwards what it is; where a
//! crash comes between, the token is driven whatever its serial number, until that is noted.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keystead_core::port::StoreError;
use keystead_model::arn::AccountId;
use keystead_pkcs11::client::Hsm as Driver;
use keystead_pkcs11::{HsmError, Pin};

use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm, Token};
use crate::job::JobError;

/// The HSMs whose tokens this process is initialising again.
#[derive(Default)]
pub(crate) struct Reinitializing(Mutex<HashSet<String>>);

/// While it lives, one HSM is among them.
struct Ongoing<'a> {
    all: &'a Reinitializing,
    hsm_id: &'a str,
}

impl Reinitializing {
    fn hsms(&self) -> MutexGuard<'_, HashSet<String>> {
        // Every change is a single call, so a thread that panicked left nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin<'a>(&'a self, hsm_id: &'a str) -> Ongoing<'a> {
        self.hsms().insert(hsm_id.to_owned());
        Ongoing { all: self, hsm_id }
    }
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        self.all.hsms().remove(self.hsm_id);
    }
}

/// Why a token was not initialised again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReinitializeError {
    #[error(transparent)]
    Hsm(#[from] HsmError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("The HSM is no longer there.")]
    Gone,
}

impl CloudHsm {
    /// Initialises a token of ours again. Its security officer's PIN stays.
    pub(crate) async fn reinitialize(
        &self,
        account: &AccountId,
        cluster_id: &str,
        hsm: &Hsm,
        driver: &Driver,
        so_pin: &Pin,
    ) -> Result<(), ReinitializeError> {
        let _ongoing = self.reinitializing.begin(&hsm.hsm_id);
        let label = hsm.token.as_ref().and_then(|token| token.label.clone()).unwrap_or_default();
        self.change_token(account, cluster_id, &hsm.hsm_id, |token| token.reinitializing = true).await?;
        let made = driver.reinitialize_token(&label, so_pin).await;
        let serial = match &made {
            Ok(serial) => Some(serial.clone()),
            // Refused, nothing has happened; after any other failure it has to be asked which token it is.
            Err(HsmError::PinIncorrect | HsmError::UserLockedOut | HsmError::UserLoggedIn) => None,
            Err(_) => return Ok(made.map(drop)?),
        };
        let note = |token: &mut Token| {
            token.reinitializing = false;
            token.serial = serial.clone().or(token.serial.take());
        };
        self.change_token(account, cluster_id, &hsm.hsm_id, note).await?;
        Ok(made.map(drop)?)
    }

    async fn change_token(
        &self,
        account: &AccountId,
        cluster_id: &str,
        hsm_id: &str,
        mut change: impl FnMut(&mut Token) + Send,
    ) -> Result<(), ReinitializeError> {
        let change = |cluster: &mut Cluster| {
            let token = cluster.hsm_mut(hsm_id).and_then(|hsm| hsm.token.as_mut());
            change(token.ok_or(ReinitializeError::Gone)?);
            Ok::<_, ReinitializeError>(())
        };
        self.change_cluster(account, cluster_id, change).await?.map(|_| ()).ok_or(ReinitializeError::Gone)
    }

    /// Whether nobody is at it any more, and the token may have any serial number.
    pub(crate) fn is_left_reinitializing(&self, hsm: &Hsm) -> bool {
        hsm.token.as_ref().is_some_and(|token| token.reinitializing)
            && !self.reinitializing.hsms().contains(&hsm.hsm_id)
    }

    /// An HSM in service that was left so.
    pub(crate) fn left_reinitializing<'a>(&self, cluster: &'a Cluster) -> Option<&'a Hsm> {
        cluster.active_hsms().find(|hsm| self.is_left_reinitializing(hsm))
    }

    /// Asks a token that was left so for its serial number, and notes it.
    pub(crate) async fn bind_token(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<(), JobError> {
        let driver = self.driver(cluster, hsm).ok_or(JobError::Overtaken)?;
        let serial = driver.status().await?.serial;
        let note = |token: &mut Token| {
            token.reinitializing = false;
            token.serial = Some(serial.clone());
        };
        match self.change_token(account, &cluster.cluster_id, &hsm.hsm_id, note).await {
            Err(ReinitializeError::Store(error)) => Err(error.into()),
            Err(ReinitializeError::Gone | ReinitializeError::Hsm(_)) => Err(JobError::Overtaken),
            Ok(()) => Ok(()),
        }
    }
}
