//! ConnectCustomKeyStore.

use keystead_model::kms::ConnectCustomKeyStoreRequest;

use super::cloudhsm_key_store_settings::check_connectable;
use super::custom_key_store_lookup::{invalid_state, stored_key_store};
use super::custom_key_store_settings::note_key_store;
use super::key_lookup::authorized_account;
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::key_store::{ConnectionEvent, ConnectionTransition};
use crate::kms::{Call, Kms};
use crate::port::{JobKind, StoreError};

/// Starts connecting and answers at once; how it ends shows in DescribeCustomKeyStores.
pub(super) async fn connect_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ConnectCustomKeyStoreRequest,
) -> Result<(), KmsError> {
    let transition = Transition {
        event: ConnectionEvent::Connect,
        job: JobKind::Connect,
        remedy: "A custom key store can be connected when it is DISCONNECTED. Disconnect it first, or wait until it is disconnected.",
    };
    transition.start(kms, call, &request.custom_key_store_id).await
}

/// A change of connection state that a caller asks for.
pub(super) struct Transition {
    pub(super) event: ConnectionEvent,
    pub(super) job: JobKind,
    /// What to do instead where the state refuses.
    pub(super) remedy: &'static str,
}

impl Transition {
    /// Stores the new state together with the job that will finish it.
    pub(super) async fn start(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        id: &keystead_model::arn::CustomKeyStoreId,
    ) -> Result<(), KmsError> {
        let scope = authorized_account(call)?;
        let mut conflicts = Conflicts::new(&*kms.entropy);
        loop {
            let mut key_store = stored_key_store(kms, &scope, id).await?;
            note_key_store(call, &key_store);
            match key_store.connection.on(self.event) {
                ConnectionTransition::Unchanged => return Ok(()),
                ConnectionTransition::Refused => return Err(invalid_state(&key_store, self.remedy)),
                ConnectionTransition::To(state) => {
                    // What fails here leaves the state as it is.
                    if let (ConnectionEvent::Connect, Some(cloud_hsm)) = (self.event, key_store.cloud_hsm()) {
                        check_connectable(kms, &key_store, cloud_hsm).await?;
                    }
                    key_store.connection = state;
                }
            }
            let due = call.now.plus(kms.settings.transition_min);
            match kms.catalog.start_connection_job(&scope, &key_store, self.job, due).await {
                Err(StoreError::Conflict) => conflicts.wait().await?,
                result => {
                    result?;
                    kms.connection_job_started.notify_one();
                    return Ok(());
                }
            }
        }
    }
}
