//! Request quotas: how often a second an account may call which operations in a Region (KMS Developer Guide, "Request quotas").

use std::borrow::Cow;
use std::collections::BTreeMap;

use keystead_model::arn::AccountId;
use keystead_model::kms::KeySpec;
use serde_json::Value;

use super::RequestRate;

/// Cryptographic requests a second for all keys of one custom key store together.
pub const CUSTOM_KEY_STORE_REQUESTS_PER_SECOND: u32 = 1800;

/// One request quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestQuota {
    /// What it is for: an operation, or several that share it.
    pub name: &'static str,
    /// Requests a second and account in a Region.
    pub per_second: u32,
}

const SYMMETRIC: &str = "CryptographicOperationsSymmetric";
const RSA: &str = "CryptographicOperationsRsa";
const ECC: &str = "CryptographicOperationsEcc";
const ML_DSA: &str = "CryptographicOperationsMlDsa";
const DATA_KEY_PAIR: &str = "GenerateDataKeyPair";

/// The operations that share the quotas of cryptographic operations: which of the quotas, the key's spec decides.
const CRYPTOGRAPHIC_OPERATIONS: &[&str] = &[
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

const fn quota(name: &'static str, per_second: u32) -> RequestQuota {
    RequestQuota { name, per_second }
}

/// Every request quota with its documented rate, by name. Quotas of data key pairs have the key pair spec behind the operation's name; both
/// operations share them.
///
/// The quota for symmetric keys is 10,000, 20,000 or 100,000 by Region; a Region of its own has the largest.
pub static REQUEST_QUOTAS: &[RequestQuota] = &[
    quota("CancelKeyDeletion", 5),
    quota("ConnectCustomKeyStore", 5),
    quota("CreateAlias", 5),
    quota("CreateCustomKeyStore", 5),
    quota("CreateGrant", 50),
    quota("CreateKey", 5),
    quota(ECC, 1000),
    quota(ML_DSA, 1000),
    quota(RSA, 1000),
    quota(SYMMETRIC, 100_000),
    quota("DeleteAlias", 15),
    quota("DeleteCustomKeyStore", 5),
    quota("DeleteImportedKeyMaterial", 15),
    quota("DescribeCustomKeyStores", 5),
    quota("DescribeKey", 2000),
    quota("DisableKey", 5),
    quota("DisableKeyRotation", 5),
    quota("DisconnectCustomKeyStore", 5),
    quota("EnableKey", 5),
    quota("EnableKeyRotation", 15),
    quota("GenerateDataKeyPair.ECC_NIST_EDWARDS25519", 100),
    quota("GenerateDataKeyPair.ECC_NIST_P256", 100),
    quota("GenerateDataKeyPair.ECC_NIST_P384", 100),
    quota("GenerateDataKeyPair.ECC_NIST_P521", 100),
    quota("GenerateDataKeyPair.ECC_SECG_P256K1", 100),
    quota("GenerateDataKeyPair.RSA_2048", 20),
    quota("GenerateDataKeyPair.RSA_3072", 4),
    quota("GenerateDataKeyPair.RSA_4096", 1),
    quota("GenerateDataKeyPair.SM2", 25),
    quota("GetKeyLastUsage", 5),
    quota("GetKeyPolicy", 1000),
    quota("GetKeyRotationStatus", 1000),
    quota("GetParametersForImport", 1),
    quota("GetPublicKey", 2000),
    quota("ImportKeyMaterial", 15),
    quota("ListAliases", 500),
    quota("ListGrants", 100),
    quota("ListKeyPolicies", 100),
    quota("ListKeyRotations", 100),
    quota("ListKeys", 500),
    quota("ListResourceTags", 2000),
    quota("ListRetirableGrants", 100),
    quota("PutKeyPolicy", 15),
    quota("ReplicateKey", 5),
    quota("RetireGrant", 50),
    quota("RevokeGrant", 50),
    quota("RotateKeyOnDemand", 5),
    quota("ScheduleKeyDeletion", 15),
    quota("TagResource", 10),
    quota("UntagResource", 5),
    quota("UpdateAlias", 5),
    quota("UpdateCustomKeyStore", 5),
    quota("UpdateKeyDescription", 5),
    quota("UpdatePrimaryRegion", 5),
];

/// What an operator may set of request quotas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestQuotaSettings {
    /// Whether they hold at all.
    pub enabled: bool,
    /// Rates that differ from the documented ones, by name.
    pub per_second: BTreeMap<String, u32>,
}

impl Default for RequestQuotaSettings {
    fn default() -> Self {
        Self { enabled: true, per_second: BTreeMap::new() }
    }
}

/// Counts requests against their quotas: a token bucket for each account, Region and quota. So what one account does leaves the others'
/// buckets as they are.
#[derive(Debug)]
pub struct RequestQuotas {
    /// As [`REQUEST_QUOTAS`]; empty where quotas do not hold. Regions are numbered.
    rates: Vec<RequestRate<(AccountId, usize)>>,
}

impl RequestQuotas {
    /// Full buckets. Names in `settings` that are no quotas are without effect: the configuration refuses them.
    pub fn new(settings: &RequestQuotaSettings) -> Self {
        let rate = |quota: &RequestQuota| {
            RequestRate::new(settings.per_second.get(quota.name).copied().unwrap_or(quota.per_second))
        };
        Self { rates: if settings.enabled { REQUEST_QUOTAS.iter().map(rate).collect() } else { Vec::new() } }
    }

    /// Takes one request of the quota called `name`; `false` when it is used up. What has no quota of that name is not limited.
    pub fn take(&self, name: &str, account: AccountId, region: usize, now_ms: u64) -> bool {
        if self.rates.is_empty() {
            return true;
        }
        let index = REQUEST_QUOTAS.binary_search_by(|quota| quota.name.cmp(name));
        let rate = index.ok().and_then(|index| self.rates.get(index));
        rate.is_none_or(|rate| rate.take(&(account, region), now_ms))
    }
}

impl RequestQuota {
    /// The name of the quota that an operation counts against, as far as the request tells: `None` for cryptographic operations, whose key
    /// decides.
    pub fn of_request(operation: &'static str, input: &Value) -> Option<Cow<'static, str>> {
        if CRYPTOGRAPHIC_OPERATIONS.contains(&operation) {
            return None;
        }
        if operation == "GenerateRandom" {
            return Some(SYMMETRIC.into());
        }
        if operation.starts_with(DATA_KEY_PAIR) {
            let spec = input.get("KeyPairSpec").and_then(Value::as_str).unwrap_or_default();
            return Some(format!("{DATA_KEY_PAIR}.{spec}").into());
        }
        Some(operation.into())
    }

    /// The name of the quota of cryptographic operations with keys of this spec, if the operation is one of them.
    pub fn of_key(operation: &str, spec: KeySpec) -> Option<&'static str> {
        CRYPTOGRAPHIC_OPERATIONS.contains(&operation).then_some(match spec {
            KeySpec::SymmetricDefault | KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                SYMMETRIC
            }
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => RSA,
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => ML_DSA,
            KeySpec::EccNistP256
            | KeySpec::EccNistP384
            | KeySpec::EccNistP521
            | KeySpec::EccSecgP256k1
            | KeySpec::EccNistEdwards25519
            | KeySpec::Sm2 => ECC,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_model::shape;
    use serde_json::json;

    #[test]
    fn every_operation_has_its_quota() {
        assert!(REQUEST_QUOTAS.is_sorted_by_key(|quota| quota.name));
        let known = |name: &str| REQUEST_QUOTAS.iter().any(|quota| quota.name == name);
        for operation in shape::operations() {
            let input = json!({ "KeyPairSpec": "RSA_2048" });
            match RequestQuota::of_request(operation.name, &input) {
                Some(name) => assert!(known(&name), "{name}"),
                None => {
                    for spec in [KeySpec::SymmetricDefault, KeySpec::Rsa4096, KeySpec::EccNistP256, KeySpec::MlDsa44] {
                        assert!(known(RequestQuota::of_key(operation.name, spec).unwrap()), "{}", operation.name);
                    }
                }
            }
        }
        assert_eq!(RequestQuota::of_key("DescribeKey", KeySpec::Rsa2048), None);
    }

    #[test]
    fn accounts_and_regions_have_buckets_of_their_own() {
        let settings =
            RequestQuotaSettings { per_second: BTreeMap::from([("CreateKey".to_owned(), 2)]), ..Default::default() };
        let quotas = RequestQuotas::new(&settings);
        let [one, other] = ["111122223333", "444455556666"].map(|id| AccountId::parse(id).unwrap());
        assert!((0..2).all(|_| quotas.take("CreateKey", one, 0, 0)));
        assert!(!quotas.take("CreateKey", one, 0, 0));
        assert!(quotas.take("CreateKey", one, 1, 0), "another Region");
        assert!(quotas.take("CreateKey", other, 0, 0), "another account");
        assert!(quotas.take("EnableKey", one, 0, 0), "another quota");
        assert!(quotas.take("CreateKey", one, 0, 500), "half a second brings one");
    }

    #[test]
    fn quotas_that_do_not_hold_limit_nothing() {
        let quotas = RequestQuotas::new(&RequestQuotaSettings { enabled: false, ..Default::default() });
        let account = AccountId::parse("111122223333").unwrap();
        assert!((0..100).all(|_| quotas.take("GetParametersForImport", account, 0, 0)));
    }
}
