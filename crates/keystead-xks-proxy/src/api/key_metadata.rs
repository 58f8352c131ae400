//! GetKeyMetadata.

use bytes::Bytes;
use keystead_xks::wire::{ExternalKeyId, GetKeyMetadataRequest, GetKeyMetadataResponse};

use super::{Call, not_empty, parse, public_json};
use crate::access_log::Entry;
use crate::refusal::Refusal;

impl Call<'_> {
    pub(super) async fn get_key_metadata(
        &self,
        key: &ExternalKeyId,
        body: &[u8],
        entry: &mut Entry,
    ) -> Result<Bytes, Refusal> {
        let request: GetKeyMetadataRequest = parse(body)?;
        let metadata = request.request_metadata;
        entry.kms_request_id = Some(metadata.kms_request_id.clone());
        entry.kms_operation = Some(metadata.kms_operation.clone().into_owned());
        entry.aws_principal_arn = Some(metadata.aws_principal_arn.clone());
        not_empty(&[
            ("awsPrincipalArn", &metadata.aws_principal_arn),
            ("kmsOperation", &metadata.kms_operation),
            ("kmsRequestId", &metadata.kms_request_id),
        ])?;
        self.policy.check(key, &metadata.aws_principal_arn)?;
        let description = self.in_time(self.key_manager.describe(key)).await?;
        let key_usage = description.key_usage.iter().map(|usage| usage.as_str().to_owned());
        public_json(&GetKeyMetadataResponse {
            key_spec: description.key_spec.to_owned(),
            key_usage: key_usage.collect(),
            key_status: description.key_status,
        })
    }
}
