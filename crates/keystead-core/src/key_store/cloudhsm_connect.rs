//! Connecting and disconnecting an AWS CloudHSM key store: the steps of the CloudHSM key stores digest, 2.1 and 2.2, and the rotation of
//! the password of `kmsuser` by its protocol 7.5.
//!
//! A connect may be cut short at any point and is then done again from its beginning, by this worker or another one. Each step is made for
//! that: what is there already is left as it is, and a password is in the store before an HSM hears of it. Two workers on one job do each
//! other no harm: whoever has lost the lease learns it before its next call that changes an HSM, both use the one pending password that
//! was stored first, and only the holder of the lease stores an outcome. The lease is renewed while a call is under way, so that only a
//! worker that stands still loses it.

use std::collections::BTreeSet;

use keystead_model::SecretString;
use keystead_model::kms::ConnectionErrorCodeType as Code;

use super::kms_user_passwords::random_password;
use super::{
    CloudHsmKeyStore, ConnectionState, CustomKeyStore, CustomKeyStoreKind, HsmFailure, KmsUserPasswords, copy_of,
    same_secret,
};
use crate::catalog::hsm_link;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::{AttachNetworkError, ConnectionJob, HsmCluster, HsmLink, StoreError};

/// A connect under way.
pub(super) struct CloudHsmConnect<'a> {
    pub(super) kms: &'a Kms,
    pub(super) job: &'a ConnectionJob,
}

/// Why a connect did not come to its end.
pub(super) enum Stop {
    /// It failed with this code.
    Failed(Code),
    /// The job is another worker's, or a disconnect has replaced it.
    Overtaken,
    /// Something failed on our side.
    Internal(KmsError),
}

impl From<KmsError> for Stop {
    fn from(error: KmsError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Overtaken,
            error => Self::Internal(error.into()),
        }
    }
}

/// How far the new password came.
pub(super) struct Rotation {
    new: SecretString,
    /// The HSMs that have it.
    reached: BTreeSet<String>,
    /// All HSMs of the cluster.
    cluster: BTreeSet<String>,
}

/// An HSM that KMS is logged in to.
struct LoggedIn {
    hsm_id: String,
    password: SecretString,
}

impl CloudHsmConnect<'_> {
    /// All steps but the last, which stores [`Rotation::store_in`] together with the new state.
    pub(super) async fn run(&self, key_store: &CustomKeyStore, cloud_hsm: &CloudHsmKeyStore) -> Result<Rotation, Stop> {
        let cluster = self.cluster(key_store, cloud_hsm).await?;
        self.attach_network(&cluster).await?;
        let passwords = self.kms.catalog.kms_user_passwords(&key_store.id, cloud_hsm)?;
        let link = hsm_link(key_store, cloud_hsm, passwords.all());
        self.keep_lease().await?;
        crash_point::reached(CrashPoint::ConnectOpen);
        let hsms = self.kms.hsm_backend.open(&link).await.map_err(|failure| self.failed(failure))?;
        let logged_in = self.log_in(&link, &passwords, &hsms).await?;
        let new = self.store_pending(&logged_in).await?;
        let reached = self.change_passwords(&link, logged_in, &new).await?;
        // An HSM that was added meanwhile is a clone of another one: from before that got the new password, or from after.
        let added = self.describe_cluster(key_store, cloud_hsm).await?.map(|cluster| cluster.hsms);
        let all = cluster.hsms.into_iter().chain(added.unwrap_or_default()).map(|hsm| hsm.hsm_id);
        Ok(Rotation { new, reached, cluster: all.chain(hsms).collect() })
    }

    /// Steps 1 and 2.
    async fn cluster(&self, key_store: &CustomKeyStore, cloud_hsm: &CloudHsmKeyStore) -> Result<HsmCluster, Stop> {
        crash_point::reached(CrashPoint::ConnectDescribe);
        let found = self.describe_cluster(key_store, cloud_hsm).await?;
        let cluster = found.ok_or_else(|| self.failed(HsmFailure::ClusterNotFound))?;
        let any_active = cluster.active_hsms().next().is_some();
        if any_active { Ok(cluster) } else { Err(self.failed(HsmFailure::NoActiveHsm)) }
    }

    async fn describe_cluster(
        &self,
        key_store: &CustomKeyStore,
        cloud_hsm: &CloudHsmKeyStore,
    ) -> Result<Option<HsmCluster>, Stop> {
        let clusters = &self.kms.hsm_clusters;
        let found = clusters.describe_cluster(&key_store.account, &key_store.region, &cloud_hsm.cluster_id).await;
        // A conflict there is none about the job.
        found.map_err(|error| Stop::Internal(error.into()))
    }

    /// Steps 3 to 5.
    async fn attach_network(&self, cluster: &HsmCluster) -> Result<(), Stop> {
        self.keep_lease().await?;
        crash_point::reached(CrashPoint::ConnectAttachNetwork);
        let id = &self.job.custom_key_store_id;
        let Err(error) = self.kms.hsm_clusters.attach_network(cluster, id).await else { return Ok(()) };
        let code = match &error {
            AttachNetworkError::SubnetNotFound(_) => Code::SubnetNotFound,
            AttachNetworkError::InsufficientFreeAddresses(_) => Code::InsufficientFreeAddressesInSubnet,
            // Which code AWS gives is unverified.
            AttachNetworkError::Other(_) | AttachNetworkError::Store(_) => Code::InternalError,
        };
        tracing::warn!(custom_key_store_id = %id, %error, connection_error_code = %code, "the network of a cluster is not ready");
        Err(Stop::Failed(code))
    }

    /// Step 9 on every HSM that was opened. One that is lost meanwhile is left behind, as long as another one is there.
    async fn log_in(
        &self,
        link: &HsmLink,
        passwords: &KmsUserPasswords,
        hsms: &[String],
    ) -> Result<Vec<LoggedIn>, Stop> {
        let mut logged_in: Vec<LoggedIn> = Vec::new();
        let mut lost = HsmFailure::Unreachable;
        for hsm_id in hsms {
            let mut candidates = passwords.candidates(hsm_id);
            // What another HSM has is likely right here, too. The order of equals stays.
            candidates.sort_by_key(|candidate| !logged_in.iter().any(|other| same_secret(&other.password, candidate)));
            match self.log_in_to(link, hsm_id, &candidates).await? {
                Ok(password) => logged_in.push(LoggedIn { hsm_id: hsm_id.clone(), password }),
                Err(failure) => lost = failure,
            }
        }
        if logged_in.is_empty() { Err(self.failed(lost)) } else { Ok(logged_in) }
    }

    /// Tries each candidate once. The inner error is an HSM that is lost.
    async fn log_in_to(
        &self,
        link: &HsmLink,
        hsm_id: &str,
        candidates: &[&SecretString],
    ) -> Result<Result<SecretString, HsmFailure>, Stop> {
        for candidate in candidates {
            self.keep_lease().await?;
            crash_point::reached(CrashPoint::ConnectLogIn);
            match self.kms.hsm_backend.log_in(link, hsm_id, candidate).await {
                Ok(()) => return Ok(Ok(copy_of(candidate))),
                Err(HsmFailure::InvalidCredentials) => {}
                Err(failure) if is_loss(failure) => {
                    self.log_loss(hsm_id, failure);
                    return Ok(Err(failure));
                }
                Err(failure) => return Err(self.failed(failure)),
            }
        }
        Err(self.failed(HsmFailure::InvalidCredentials))
    }

    /// Stores, before any HSM hears of it, the password that the HSMs will have, and which one each of them has now. A rotation that was
    /// cut short has stored one already: it goes on with that.
    async fn store_pending(&self, logged_in: &[LoggedIn]) -> Result<SecretString, Stop> {
        loop {
            let stored = self.kms.catalog.store().custom_key_store(&self.job.custom_key_store_id).await?;
            let Some(mut key_store) = stored.filter(|stored| stored.connection == ConnectionState::Connecting) else {
                return Err(Stop::Overtaken);
            };
            let Some(cloud_hsm) = key_store.cloud_hsm() else { return Err(Stop::Overtaken) };
            let mut passwords = self.kms.catalog.kms_user_passwords(&key_store.id, cloud_hsm)?;
            let mut changed = passwords.pending.is_none();
            let new = passwords.pending.get_or_insert_with(|| random_password(&*self.kms.entropy));
            let new = copy_of(new);
            for hsm in logged_in {
                changed |= passwords.note_proven(&hsm.hsm_id, &hsm.password);
            }
            if !changed {
                return Ok(new);
            }
            seal_into(self.kms, &mut key_store, &passwords)?;
            self.keep_lease().await?;
            crash_point::reached(CrashPoint::ConnectStorePending);
            match self.kms.catalog.update_key_store(&key_store).await {
                Ok(()) => return Ok(new),
                // Another worker, or another property: look again.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Step 10 on every HSM that KMS is logged in to; the HSMs that have the new password then.
    async fn change_passwords(
        &self,
        link: &HsmLink,
        logged_in: Vec<LoggedIn>,
        new: &SecretString,
    ) -> Result<BTreeSet<String>, Stop> {
        let mut reached = BTreeSet::new();
        let mut lost = HsmFailure::Unreachable;
        for LoggedIn { hsm_id, password } in logged_in {
            match self.change_password(link, &hsm_id, &password, new).await? {
                Ok(()) => {
                    reached.insert(hsm_id);
                }
                Err(failure) => lost = failure,
            }
        }
        if reached.is_empty() { Err(self.failed(lost)) } else { Ok(reached) }
    }

    /// The inner error is an HSM that is lost: whether it has the new password then, nobody knows.
    async fn change_password(
        &self,
        link: &HsmLink,
        hsm_id: &str,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<Result<(), HsmFailure>, Stop> {
        if same_secret(old, new) {
            return Ok(Ok(()));
        }
        self.keep_lease().await?;
        crash_point::reached(CrashPoint::ConnectChangePassword);
        match self.kms.hsm_backend.change_password(link, hsm_id, old, new).await {
            Ok(()) => Ok(Ok(())),
            Err(failure) if is_loss(failure) => {
                self.log_loss(hsm_id, failure);
                Ok(Err(failure))
            }
            // A worker that had the job before may have come to it just before it lost the lease.
            Err(HsmFailure::InvalidCredentials) => {
                self.log_in_to(link, hsm_id, &[new]).await.map(|known| known.map(drop))
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Leases the job on, which fails once it is another worker's, or has been replaced.
    pub(super) async fn keep_lease(&self) -> Result<(), Stop> {
        let lease_until = self.kms.clock.now().plus(self.kms.settings.job_lease);
        Ok(self.kms.catalog.store().renew_connection_job(self.job, lease_until).await?)
    }

    fn log_loss(&self, hsm_id: &str, failure: HsmFailure) {
        let (id, row) = (&self.job.custom_key_store_id, failure.row());
        tracing::warn!(
            custom_key_store_id = %id, hsm_id, cause = row.cause, remedy = row.remedy,
            "an HSM was lost during a connect; it is left behind"
        );
    }

    fn failed(&self, failure: HsmFailure) -> Stop {
        let row = failure.row();
        tracing::warn!(
            custom_key_store_id = %self.job.custom_key_store_id,
            cause = row.cause,
            connection_error_code = %row.connection_error_code,
            remedy = row.remedy,
            "connecting a custom key store failed"
        );
        Stop::Failed(row.connection_error_code)
    }
}

impl Rotation {
    /// Makes the new password the current one. Fails if the key store has another one pending: this rotation is not its own.
    pub(super) fn store_in(&self, kms: &Kms, key_store: &mut CustomKeyStore) -> Result<(), KmsError> {
        let not_its_own =
            || KmsError::internal(&"the password that the HSMs have is not the one that is stored for them");
        let cloud_hsm = key_store.cloud_hsm().ok_or_else(not_its_own)?;
        let mut passwords = kms.catalog.kms_user_passwords(&key_store.id, cloud_hsm)?;
        if !passwords.pending.as_ref().is_some_and(|pending| same_secret(pending, &self.new)) {
            return Err(not_its_own());
        }
        passwords.promote_pending(&self.reached, &self.cluster);
        seal_into(kms, key_store, &passwords)
    }
}

/// Logs out of the HSMs and removes what a connect has made of the network. Also where the cluster cannot be reached or is gone.
pub(super) async fn disconnect(
    kms: &Kms,
    key_store: &CustomKeyStore,
    cloud_hsm: &CloudHsmKeyStore,
) -> Result<(), KmsError> {
    crash_point::reached(CrashPoint::DisconnectClose);
    log_out(kms, key_store, cloud_hsm).await;
    crash_point::reached(CrashPoint::DisconnectDetachNetwork);
    Ok(kms.hsm_clusters.detach_network(&key_store.account, &key_store.region, &key_store.id).await?)
}

/// Logs out of the HSMs. The passwords tell which calls are too late: none is needed to log out, so none that is damaged stands in the way.
pub(crate) async fn log_out(kms: &Kms, key_store: &CustomKeyStore, cloud_hsm: &CloudHsmKeyStore) {
    let passwords = kms.catalog.kms_user_passwords(&key_store.id, cloud_hsm);
    let passwords = passwords.map_or_else(|_| Vec::new(), |passwords| passwords.all());
    kms.hsm_backend.close(&hsm_link(key_store, cloud_hsm, passwords)).await;
}

/// Puts the passwords into a key store that is about to be stored.
pub(crate) fn seal_into(
    kms: &Kms,
    key_store: &mut CustomKeyStore,
    passwords: &KmsUserPasswords,
) -> Result<(), KmsError> {
    let sealed = kms.catalog.seal_kms_user_passwords(&key_store.id, passwords, &*kms.entropy)?;
    if let CustomKeyStoreKind::CloudHsm(cloud_hsm) = &mut key_store.kind {
        cloud_hsm.sealed_passwords = sealed;
    }
    Ok(())
}

/// Whether the HSM itself is gone, rather than that it refuses.
fn is_loss(failure: HsmFailure) -> bool {
    match failure {
        HsmFailure::NoActiveHsm
        | HsmFailure::Unreachable
        | HsmFailure::NoSession
        | HsmFailure::TimedOut
        | HsmFailure::Malfunction => true,
        HsmFailure::ClusterNotFound
        | HsmFailure::NotEnoughHsms
        | HsmFailure::UserNotFound
        | HsmFailure::UserLoggedIn
        | HsmFailure::UserLockedOut
        | HsmFailure::InvalidCredentials
        | HsmFailure::KeyNotFound
        | HsmFailure::KeyAmbiguous
        | HsmFailure::KeyMismatch
        | HsmFailure::InvalidCiphertext => false,
    }
}
