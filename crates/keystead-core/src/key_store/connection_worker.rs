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

use super::ConnectionEvent;
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::{ConnectionJob, JobKind, StoreError};

/// How often the store is asked for jobs that nobody announced: those that become due, and those that a crash left.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How many jobs are worked on at a time, so that a proxy that does not answer delays no other key store's connect.
const JOBS_AT_A_TIME: usize = 8;

/// How often a job is leased on while it is worked on, so that one late renewal or two lose nothing.
const RENEWALS_PER_LEASE: u32 = 3;

/// Works on connection jobs.
pub struct ConnectionWorker {
    pub(super) kms: Arc<Kms>,
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
}
