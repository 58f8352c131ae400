//! Which keys CreateKey makes: key spec, key usage, origin and multi-Region, and what does not go together.

use keystead_cryptography::key_spec;
use keystead_model::kms::{CreateKeyRequest, KeySpec, KeyUsageType, OriginType};

use crate::error::KmsError;

/// What a new key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NewKeyType {
    pub(super) spec: KeySpec,
    pub(super) usage: KeyUsageType,
    pub(super) multi_region: bool,
}

impl NewKeyType {
    /// What the request asks for, with the defaults; refused unless KMS has such keys (KMS core digest 3.1). Texts that the digest does not
    /// give are unverified.
    pub(super) fn of_request(request: &CreateKeyRequest) -> Result<Self, KmsError> {
        let spec = spec(request)?;
        let usage = match (request.key_usage, spec) {
            (Some(usage), _) => usage,
            (None, KeySpec::SymmetricDefault) => KeyUsageType::EncryptDecrypt,
            (None, _) => {
                return Err(KmsError::validation(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                ));
            }
        };
        if key_spec::facts(spec).china_regions_only {
            return Err(KmsError::unsupported(format!("KeySpec {spec} is available in China Regions only.")));
        }
        let key_type = Self { spec, usage, multi_region: request.multi_region == Some(true) };
        key_type.check_origin(request.origin.unwrap_or(OriginType::AwsKms))?;
        if !key_spec::usages(spec).any(|has| has == usage) {
            return Err(KmsError::validation(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
        }
        if key_type.multi_region && !key_spec::facts(spec).multi_region_allowed {
            return Err(KmsError::unsupported(format!("A key of KeySpec {spec} cannot be a multi-Region key.")));
        }
        Ok(key_type)
    }

    fn check_origin(self, origin: OriginType) -> Result<(), KmsError> {
        let Self { spec, usage, multi_region } = self;
        let key_store = match origin {
            OriginType::AwsKms => return Ok(()),
            OriginType::External if key_spec::facts(spec).origin_external_allowed => return Ok(()),
            OriginType::External => {
                return Err(KmsError::unsupported(format!("Key material of KeySpec {spec} cannot be imported.")));
            }
            OriginType::ExternalKeyStore => "an external key store",
            OriginType::AwsCloudhsm => "an AWS CloudHSM key store",
        };
        if spec != KeySpec::SymmetricDefault {
            return Err(KmsError::unsupported(format!(
                "KeySpec {spec} is not supported in a custom key store: use SYMMETRIC_DEFAULT."
            )));
        }
        if usage != KeyUsageType::EncryptDecrypt {
            return Err(KmsError::unsupported(format!(
                "KeyUsage {usage} is not supported in {key_store}: use ENCRYPT_DECRYPT."
            )));
        }
        if multi_region {
            return Err(KmsError::unsupported(format!("A key in {key_store} cannot be a multi-Region key.")));
        }
        Ok(())
    }
}

fn spec(request: &CreateKeyRequest) -> Result<KeySpec, KmsError> {
    match (request.key_spec, request.customer_master_key_spec) {
        (Some(_), Some(_)) => Err(KmsError::validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
        )),
        (Some(spec), None) | (None, Some(spec)) => Ok(spec),
        (None, None) => Ok(KeySpec::SymmetricDefault),
    }
}
