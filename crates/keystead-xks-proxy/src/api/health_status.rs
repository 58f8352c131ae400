//! GetHealthStatus. Outside the authorization policy; asks the key manager for its real state every time.

use bytes::Bytes;
use keystead_xks::wire::{GetHealthStatusRequest, GetHealthStatusResponse};

use super::{Call, not_empty, parse, public_json};
use crate::access_log::Entry;
use crate::refusal::Refusal;

impl Call<'_> {
    pub(super) async fn get_health_status(&self, body: &[u8], entry: &mut Entry) -> Result<Bytes, Refusal> {
        let request: GetHealthStatusRequest = parse(body)?;
        let metadata = request.request_metadata;
        not_empty(&[("kmsOperation", &metadata.kms_operation), ("kmsRequestId", &metadata.kms_request_id)])?;
        entry.kms_operation = Some(metadata.kms_operation.into_owned());
        entry.kms_request_id = Some(metadata.kms_request_id);
        let ekm_fleet_details = self.in_time(self.key_manager.health()).await?;
        let answer = GetHealthStatusResponse {
            xks_proxy_fleet_size: self.identity.fleet_size,
            xks_proxy_vendor: self.identity.vendor.clone(),
            xks_proxy_model: self.identity.model.clone(),
            ekm_vendor: self.key_manager.vendor().to_owned(),
            ekm_fleet_details,
        };
        answer.validate().map_err(|error| {
            tracing::error!(%error, "the key manager's health cannot be told to KMS");
            Refusal::internal("the external key manager gave no usable health status")
        })?;
        public_json(&answer)
    }
}
