//! The worker that finishes connects and disconnects.
//!
//! A job is a row in the store, leased while it is worked on. Whoever leases it next, this node after a restart or another one, finishes
//! what a crash left: no key store stays CONNECTING or DISCONNECTING. The end of a job is one transaction that checks the lease, so a
//! worker that was overtaken changes nothing.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use keystead_model::kms::ConnectionErrorCodeType;
use tokio::task::JoinSet;

use super::cloudhsm_connect::{CloudHsmConnect, Rotation, Stop, disconnect, log_out};
use super::{
    CloudHsmKeyStore, ConnectionEvent, ConnectionState, ConnectionTransition, CustomKeyStore, CustomKeyStoreKind,
    ProxyFailure,
};
use crate::catalog::LoadedLink;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::{CallMetadata, ConnectionJob, JobKind, StoreError};

/// How often the store is asked for jobs that nobody announced: those that become due, and those that a crash left.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How many jobs are worked on at a time, so that a proxy that does not answer delays no other key store's connect.
const JOBS_AT_A_TIME: usize = 8;

/// How often a job is leased on while it is worked on, so that one late renewal or two lose nothing.
const RENEWALS_PER_LEASE: u32 = 3;

/// Works on connection jobs.
pub struct ConnectionWorker {
    kms: Arc<Kms>,
    owner: String,
}

impl ConnectionWorker {
    /// A worker under a name of its own.
    pub fn new(kms: Arc<Kms>) -> Self {
        let owner = kms.new_uuid();
        Self { kms, owner }
    }

    /// Works for as long as it is polled. Dropped in the middle of a job, it leaves the job to be taken up again.
    pub async fn run(self) {
        self.run_until(std::future::pending()).await;
    }

    /// Works until `end`: begins no job after that, and returns once those that it has begun are over.
    pub async fn run_until(self, end: impl Future<Output = ()>) {
        let worker = Arc::new(self);
        let mut jobs = JoinSet::new();
        let mut end = pin!(end);
        loop {
            let begun = jobs.len() < JOBS_AT_A_TIME && worker.begin_job(&mut jobs).await;
            tokio::select! {
                biased;
                () = &mut end => break,
                () = worker.time_for_another(&mut jobs, begun) => {}
            }
            while jobs.try_join_next().is_some() {}
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Begins a job, if there is one.
    async fn begin_job(self: &Arc<Self>, jobs: &mut JoinSet<()>) -> bool {
        match self.claim().await {
            Ok(Some(job)) => {
                jobs.spawn(self.clone().finish_or_leave(job));
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "connection jobs cannot be claimed; it is tried again");
                false
            }
        }
    }

    /// Returns when there may be another job and there is room for it: at once if one has just begun.
    async fn time_for_another(&self, jobs: &mut JoinSet<()>, begun: bool) {
        if jobs.len() >= JOBS_AT_A_TIME {
            jobs.join_next().await;
        } else if !begun {
            let announced = self.kms.connection_job_started.notified();
            let _ = tokio::time::timeout(POLL_INTERVAL, announced).await;
        }
    }

    async fn claim(&self) -> Result<Option<ConnectionJob>, KmsError> {
        let now = self.kms.clock.now();
        let lease_until = now.plus(self.kms.settings.job_lease);
        Ok(self.kms.catalog.store().claim_connection_job(&self.owner, now, lease_until).await?)
    }

    /// Whatever goes wrong on our side ends a connect as FAILED with INTERNAL_ERROR, so that nobody waits for ever. Where not even that
    /// can be stored, the job stays leased and is taken up again when the lease ends.
    async fn finish_or_leave(self: Arc<Self>, job: ConnectionJob) {
        let (worker, copy) = (self.clone(), job.clone());
        // A task of its own, so that a panic ends the job and not the worker; dropped with this one.
        let mut task = JoinSet::new();
        task.spawn(async move { worker.work_on(copy).await });
        let failure = match task.join_next().await {
            Some(Ok(Ok(()))) | None => return,
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(panic)) => panic.to_string(),
        };
        let id = job.custom_key_store_id.clone();
        tracing::error!(custom_key_store_id = %id, error = failure, "a connection job failed on our side");
        if job.kind == JobKind::Connect {
            let event = ConnectionEvent::ConnectFailed(ConnectionErrorCodeType::InternalError);
            if let Err(error) = self.finish(&job, event, None).await {
                tracing::error!(custom_key_store_id = %id, %error, "its failure could not be stored; it will be tried again");
            }
        }
    }

    /// Works for as long as the lease can be kept.
    async fn work_on(&self, job: ConnectionJob) -> Result<(), KmsError> {
        tokio::select! {
            worked = self.carry_out(&job) => worked,
            () = self.lose_lease(&job) => self.clean_up_after_overtaken(&job).await,
        }
    }

    /// Leases the job on until that is no longer possible: it was replaced, finished, or went to another worker.
    async fn lose_lease(&self, job: &ConnectionJob) {
        let settings = &self.kms.settings;
        loop {
            tokio::time::sleep(settings.job_lease / RENEWALS_PER_LEASE).await;
            let lease_until = self.kms.clock.now().plus(settings.job_lease);
            match self.kms.catalog.store().renew_connection_job(job, lease_until).await {
                Ok(()) => {}
                Err(StoreError::Conflict) => return,
                Err(error) => tracing::warn!(%error, "a connection job could not be leased on; it is tried again"),
            }
        }
    }

    async fn carry_out(&self, job: &ConnectionJob) -> Result<(), KmsError> {
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
    async fn clean_up_after_overtaken(&self, job: &ConnectionJob) -> Result<(), KmsError> {
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
    async fn finish(
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
