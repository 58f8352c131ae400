//! What the crypto officer does.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use keystead_core::port::StoreError;
use keystead_model::SecretString;
use keystead_model::cloudhsm::ClusterState;
use keystead_pkcs11::client::Hsm as Driver;
use keystead_pkcs11::{HsmError, Pin, TokenStatus};

use super::act::{ActError, already_logged_in, on_each, problem};
use super::password::{existing_pin, new_pin};
use super::{ADMIN, HsmOutcome, HsmUser, HsmUserList, HsmUserRole, HsmUsers, HsmUsersError, KMSUSER, Target, internal};
use crate::cluster::Cluster;
use crate::cluster::state::ClusterEvent;

impl HsmUsers {
    /// The users on each active HSM, or on one. An HSM that cannot be asked says why.
    pub async fn list(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Vec<HsmUserList>, HsmUsersError> {
        let target = self.target(cluster_id, hsm_id).await?;
        let mut lists = Vec::new();
        for (hsm, driver) in &target.hsms {
            let (users, problem) = match driver.status().await {
                Ok(status) => (users(target.cluster(), &status), None),
                Err(error) => (Vec::new(), Some(problem(&error.into()))),
            };
            let (hsm_id, availability_zone) = (hsm.hsm_id.clone(), hsm.availability_zone.clone());
            lists.push(HsmUserList { hsm_id, availability_zone, users, problem });
        }
        Ok(lists)
    }

    /// Makes the crypto user `kmsuser`. No other can be made: a soft token has one.
    pub async fn create(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        user_name: &str,
        co_password: &SecretString,
        password: &SecretString,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        crypto_user_only(user_name)?;
        let (co_pin, pin) = (existing_pin(co_password)?, new_pin(password)?);
        let target = self.activated_target(cluster_id, hsm_id).await?;
        on_each(&target, |_, driver| {
            let (co_pin, pin) = (co_pin.clone(), pin.clone());
            async move {
                if driver.status().await?.user_exists {
                    return Err(ActError::Refused(format!(
                        "The HSM has the user {KMSUSER} already; its password can be changed."
                    )));
                }
                driver.initialize_user_pin(&co_pin, &pin).await.map_err(officers)
            }
        })
        .await
    }

    /// Changes a password. `co_or_old_password` is the old one of `admin`, or, for `kmsuser`, the password of the crypto officer, who need
    /// not know the old one and unlocks the user with it.
    ///
    /// The first change of the password of `admin` activates the cluster.
    pub async fn change_password(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        user_name: &str,
        co_or_old_password: &SecretString,
        new_password: &SecretString,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        let (authority, new) = (existing_pin(co_or_old_password)?, new_pin(new_password)?);
        match user_name {
            ADMIN => self.change_officer(cluster_id, hsm_id, &authority, &new).await,
            KMSUSER => self.change_crypto_user(cluster_id, hsm_id, &authority, &new).await,
            other => Err(no_such_user(other)),
        }
    }

    async fn change_officer(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        old: &Pin,
        new: &Pin,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        let target = self.own_target(cluster_id, hsm_id).await?;
        let activates = match target.cluster().state {
            ClusterState::Initialized => true,
            _ if target.cluster().is_active() => false,
            state => return Err(not_activated(cluster_id, state)),
        };
        if activates {
            self.check_first_password(target.cluster(), old)?;
        }
        let outcomes = on_each(&target, |_, driver| {
            let (old, new) = (old.clone(), new.clone());
            async move { change_so_pin(&driver, &old, &new, activates).await }
        })
        .await?;
        if activates && outcomes.iter().all(|outcome| outcome.problem.is_none()) {
            self.activate(&target).await?;
        }
        Ok(outcomes)
    }

    /// Before activation we know the password: a wrong one is refused without a strike.
    fn check_first_password(&self, cluster: &Cluster, given: &Pin) -> Result<(), HsmUsersError> {
        let first = self.cloud_hsm.first_password(cluster).map_err(internal)?;
        match first.is_some_and(|first| verify_slices_are_equal(&first, given.expose().as_bytes()).is_ok()) {
            true => Ok(()),
            false => Err(HsmUsersError::Invalid(format!(
                "The password is wrong. Until activation {ADMIN} has the PreCoPassword that DescribeClusters shows."
            ))),
        }
    }

    /// Notes that `admin` has a password of its own. The first one is forgotten.
    async fn activate(&self, target: &Target) -> Result<(), HsmUsersError> {
        let now = self.cloud_hsm.now();
        let activate = |cluster: &mut Cluster| {
            if cluster.on(ClusterEvent::Activated, now, None) {
                cluster.pre_co_password = None;
            }
            Ok::<_, StoreError>(())
        };
        let id = &target.cluster().cluster_id;
        self.cloud_hsm.change_cluster(&target.stored.account, id, activate).await.map_err(internal)?;
        Ok(())
    }

    async fn change_crypto_user(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        co_pin: &Pin,
        new: &Pin,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        let target = self.activated_target(cluster_id, hsm_id).await?;
        self.refuse_while_connected(cluster_id).await?;
        on_each(&target, |_, driver| {
            let (co_pin, new) = (co_pin.clone(), new.clone());
            async move {
                check_nobody_logged_in(&driver.status().await?)?;
                driver.initialize_user_pin(&co_pin, &new).await.map_err(officers)
            }
        })
        .await
    }

    /// Deletes `kmsuser` and with it every key of the HSM, for ever: the token is initialised again.
    pub async fn delete(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        user_name: &str,
        co_password: &SecretString,
    ) -> Result<Vec<HsmOutcome>, HsmUsersError> {
        crypto_user_only(user_name)?;
        let co_pin = existing_pin(co_password)?;
        let target = self.activated_target(cluster_id, hsm_id).await?;
        self.refuse_while_connected(cluster_id).await?;
        let account = target.stored.account;
        on_each(&target, |hsm, driver| {
            let (co_pin, cloud_hsm) = (co_pin.clone(), self.cloud_hsm.clone());
            async move {
                check_nobody_logged_in(&driver.status().await?)?;
                driver.check_so_pin(&co_pin).await.map_err(officers)?;
                Ok(cloud_hsm.reinitialize(&account, cluster_id, &hsm, &driver, &co_pin).await?)
            }
        })
        .await
    }

    /// A cluster whose officer has a password of its own.
    async fn activated_target(&self, cluster_id: &str, hsm_id: Option<&str>) -> Result<Target, HsmUsersError> {
        let target = self.own_target(cluster_id, hsm_id).await?;
        match target.cluster().is_active() {
            true => Ok(target),
            false => Err(not_activated(cluster_id, target.cluster().state)),
        }
    }
}

/// Where an attempt to activate got as far as the HSM and no further, the first password is wrong there and the new one is right: that
/// counts as done.
async fn change_so_pin(driver: &Driver, old: &Pin, new: &Pin, activates: bool) -> Result<(), ActError> {
    driver.status().await?;
    match driver.change_so_pin(old, new).await {
        Err(HsmError::PinIncorrect) if activates => Ok(driver.check_so_pin(new).await.map_err(officers)?),
        changed => Ok(changed.map_err(officers)?),
    }
}

/// A lock that an act of the crypto officer meets is the officer's own, whom no user can unlock.
fn officers(error: HsmError) -> ActError {
    match error {
        HsmError::UserLockedOut => ActError::Refused(format!(
            "Too many wrong passwords have locked {ADMIN} on this HSM. Stop the server, remove the file state/strikes.json from the HSM's \
             folder in the data folder, and start the server again."
        )),
        other => other.into(),
    }
}

fn check_nobody_logged_in(status: &TokenStatus) -> Result<(), ActError> {
    if !status.user_exists {
        return Err(HsmError::UserNotFound.into());
    }
    match status.login {
        Some(holder) => Err(ActError::Refused(already_logged_in(Some(holder)))),
        None => Ok(()),
    }
}

fn users(cluster: &Cluster, status: &TokenStatus) -> Vec<HsmUser> {
    let officer = HsmUser {
        user: ADMIN.to_owned(),
        role: if cluster.is_active() { HsmUserRole::Co } else { HsmUserRole::Preco },
        exists: true,
        locked: false,
        strikes: 0,
        logged_in: None,
    };
    let crypto_user = HsmUser {
        user: KMSUSER.to_owned(),
        role: HsmUserRole::Cu,
        exists: status.user_exists,
        locked: status.user_locked,
        strikes: status.user_strikes,
        logged_in: status.login,
    };
    vec![officer, crypto_user]
}

fn crypto_user_only(user_name: &str) -> Result<(), HsmUsersError> {
    match user_name {
        KMSUSER => Ok(()),
        ADMIN => Err(HsmUsersError::Invalid(format!("{ADMIN} can be neither made nor deleted."))),
        other => Err(no_such_user(other)),
    }
}

fn no_such_user(name: &str) -> HsmUsersError {
    HsmUsersError::Invalid(format!(
        "There can be no user {name:?}: the tokens here have {ADMIN}, the crypto officer, and one crypto user, {KMSUSER}."
    ))
}

fn not_activated(cluster_id: &str, state: ClusterState) -> HsmUsersError {
    let remedy = match state {
        ClusterState::Initialized => format!(
            "Activate it first: change the password of {ADMIN} from the PreCoPassword that DescribeClusters shows"
        ),
        ClusterState::InitializeInProgress | ClusterState::CreateInProgress => "Wait until that is over".to_owned(),
        _ => "Initialize it first, with CreateHsm and InitializeCluster".to_owned(),
    };
    HsmUsersError::Refused(format!("Cluster {cluster_id} is {state}. {remedy}."))
}
