//! What a connection job asks for, from reading its key store to storing the outcome. `connection_worker.rs` says when.

use super::cloudhsm_connect::{CloudHsmConnect, Rotation, Stop, disconnect, log_out};
use super::{
    CloudHsmKeyStore, ConnectionEvent, ConnectionState, ConnectionTransition, ConnectionWorker, CustomKeyStore,
    CustomKeyStoreKind, ProxyFailure,
};
use crate::catalog::LoadedLink;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::port::{CallMetadata, ConnectionJob, JobKind, StoreError};

impl ConnectionWorker {
    /// Does the job, and stores how it ended.
    pub(super) async fn carry_out(&self, job: &ConnectionJob) -> Result<(), KmsError> {
        let store = self.kms.catalog.store();
        let Some(key_store) = store.custom_key_store(&job.custom_key_store_id).await? else {
            return Ok(store.discard_connection_job(job).await?);
        };
        match &key_store.kind {
            CustomKeyStoreKind::External(_) => self.carry_out_external(job, key_store).await,
            CustomKeyStoreKind::CloudHsm(cloud_hsm) => self.carry_out_cloud_hsm(job, &key_store, cloud_hsm).await,
        }
    }

    async fn carry_out_external(&self, job: &ConnectionJob, key_store: CustomKeyStore) -> Result<(), KmsError> {
        let event = match job.kind {
            JobKind::Connect => self.connect_external(key_store).await?,
            JobKind::Disconnect => ConnectionEvent::DisconnectDone,
        };
        if event != ConnectionEvent::ConnectSucceeded {
            self.kms.backend.forget(&job.custom_key_store_id);
        }
        self.finish(job, event, None).await
    }

    async fn carry_out_cloud_hsm(
        &self,
        job: &ConnectionJob,
        key_store: &CustomKeyStore,
        cloud_hsm: &CloudHsmKeyStore,
    ) -> Result<(), KmsError> {
        if job.kind == JobKind::Disconnect {
            disconnect(&self.kms, key_store, cloud_hsm).await?;
            crash_point::reached(CrashPoint::DisconnectFinish);
            return self.finish(job, ConnectionEvent::DisconnectDone, None).await;
        }
        // A job that a disconnect has overtaken must not touch an HSM.
        if key_store.connection != ConnectionState::Connecting {
            return Ok(self.kms.catalog.store().discard_connection_job(job).await?);
        }
        let connect = CloudHsmConnect { kms: &self.kms, job };
        match connect.run(key_store, cloud_hsm).await {
            Ok(rotation) => {
                crash_point::reached(CrashPoint::ConnectFinish);
                self.finish(job, ConnectionEvent::ConnectSucceeded, Some(&rotation)).await?;
                crash_point::reached(CrashPoint::ConnectFinished);
                Ok(())
            }
            // The failure may come of another worker's going on with the job, whose login is not to be ended.
            Err(Stop::Failed(_)) if connect.keep_lease().await.is_err() => self.clean_up_after_overtaken(job).await,
            Err(Stop::Failed(code)) => {
                // kmsuser must be free for whoever repairs what was wrong.
                log_out(&self.kms, key_store, cloud_hsm).await;
                self.finish(job, ConnectionEvent::ConnectFailed(code), None).await
            }
            Err(Stop::Overtaken) => self.clean_up_after_overtaken(job).await,
            Err(Stop::Internal(error)) => {
                if matches!(connect.keep_lease().await, Err(Stop::Overtaken)) {
                    tracing::warn!(custom_key_store_id = %key_store.id, %error, "a connect that another worker goes on with failed");
                    return self.clean_up_after_overtaken(job).await;
                }
                log_out(&self.kms, key_store, cloud_hsm).await;
                Err(error)
            }
        }
    }

    /// A call that was under way when a disconnect came may have logged in, or made network objects, after the disconnect had looked. What
    /// is not connected, nor about to be, has neither.
    pub(super) async fn clean_up_after_overtaken(&self, job: &ConnectionJob) -> Result<(), KmsError> {
        let stored = self.kms.catalog.store().custom_key_store(&job.custom_key_store_id).await?;
        let Some(key_store) = stored else { return Ok(()) };
        let Some(cloud_hsm) = key_store.cloud_hsm() else { return Ok(()) };
        match key_store.connection {
            ConnectionState::Connecting | ConnectionState::Connected => Ok(()),
            // Its network objects stay until it is disconnected.
            ConnectionState::Failed(_) => {
                log_out(&self.kms, &key_store, cloud_hsm).await;
                Ok(())
            }
            ConnectionState::Disconnecting | ConnectionState::Disconnected => {
                disconnect(&self.kms, &key_store, cloud_hsm).await
            }
        }
    }

    /// ConnectCustomKeyStore's work for a public endpoint: ask the proxy for its health.
    async fn connect_external(&self, key_store: CustomKeyStore) -> Result<ConnectionEvent, KmsError> {
        let request_id = self.kms.new_uuid();
        let metadata = CallMetadata {
            kms_request_id: &request_id,
            kms_operation: "ConnectCustomKeyStore",
            aws_principal_arn: None,
            aws_source_vpc: None,
            aws_source_vpce: None,
            kms_key_arn: None,
        };
        let loaded = self.kms.catalog.load_key_store(key_store)?;
        let LoadedLink::External(link) = &loaded.link else {
            return Err(KmsError::internal(&"an external key store has no proxy"));
        };
        Ok(match self.kms.backend.check_health(link, &metadata).await {
            Ok(()) => ConnectionEvent::ConnectSucceeded,
            Err(failure) => connect_failed(&loaded.key_store, failure),
        })
    }

    /// Stores the outcome. The key store's other properties may have changed meanwhile, so it is read again.
    ///
    /// With `rotation`, the new password of `kmsuser` becomes the current one in the same transaction.
    pub(super) async fn finish(
        &self,
        job: &ConnectionJob,
        event: ConnectionEvent,
        rotation: Option<&Rotation>,
    ) -> Result<(), KmsError> {
        let store = self.kms.catalog.store();
        loop {
            let Some(mut key_store) = store.custom_key_store(&job.custom_key_store_id).await? else {
                return Ok(store.discard_connection_job(job).await?);
            };
            match key_store.connection.on(event) {
                ConnectionTransition::To(state) => key_store.connection = state,
                // The job is stale: a disconnect overtook a connect. Its own job follows.
                ConnectionTransition::Unchanged | ConnectionTransition::Refused => {
                    return Ok(store.discard_connection_job(job).await?);
                }
            }
            if let Some(rotation) = rotation {
                rotation.store_in(&self.kms, &mut key_store)?;
            }
            match self.kms.catalog.finish_connection_job(&key_store, job).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) if self.still_stored_at(&key_store).await? => return Ok(()),
                Err(StoreError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a conflict was about the job (gone or leased to another) rather than about the key store's revision.
    async fn still_stored_at(&self, key_store: &CustomKeyStore) -> Result<bool, KmsError> {
        let stored = self.kms.catalog.store().custom_key_store(&key_store.id).await?;
        Ok(stored.is_some_and(|stored| stored.revision == key_store.revision))
    }
}

fn connect_failed(key_store: &CustomKeyStore, failure: ProxyFailure) -> ConnectionEvent {
    let row = failure.row();
    tracing::warn!(
        custom_key_store_id = %key_store.id,
        cause = row.cause,
        connection_error_code = %row.connection_error_code,
        remedy = row.remedy,
        "connecting a custom key store failed"
    );
    ConnectionEvent::ConnectFailed(row.connection_error_code)
}
