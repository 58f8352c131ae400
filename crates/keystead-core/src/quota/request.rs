//! Request quotas: how often a second an account may call which operations in a Region (KMS Developer Guide, "Request quotas").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use keystead_model::arn::AccountId;
use keystead_model::kms::{EncryptionAlgorithmSpec, SigningAlgorithmSpec};
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

/// How the request of a cryptographic operation tells what kind of key it needs, and so which of the quotas it counts against.
#[derive(Clone, Copy)]
enum KeyKind {
    /// The operation is for keys of one kind only: the quota.
    Fixed(&'static str),
    /// The member that holds the encryption algorithm tells.
    Encryption(&'static str),
    /// The members that hold the encryption algorithms of source and destination tell.
    ReEncryption([&'static str; 2]),
    /// The member that holds the signing algorithm tells.
    Signature(&'static str),
}

/// The operations that share the quotas of cryptographic operations.
///
/// The request alone decides which of the quotas. It counts before its key is looked up, so that requests for keys that do not exist are
/// limited as well, and a caller at its limit cannot tell whether a key exists.
const CRYPTOGRAPHIC_OPERATIONS: &[(&str, KeyKind)] = &[
    ("Decrypt", KeyKind::Encryption("EncryptionAlgorithm")),
    ("DeriveSharedSecret", KeyKind::Fixed(ECC)),
    ("Encrypt", KeyKind::Encryption("EncryptionAlgorithm")),
    ("GenerateDataKey", KeyKind::Fixed(SYMMETRIC)),
    ("GenerateDataKeyWithoutPlaintext", KeyKind::Fixed(SYMMETRIC)),
    ("GenerateMac", KeyKind::Fixed(SYMMETRIC)),
    ("GenerateRandom", KeyKind::Fixed(SYMMETRIC)),
    ("ReEncrypt", KeyKind::ReEncryption(["SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"])),
    ("Sign", KeyKind::Signature("SigningAlgorithm")),
    ("Verify", KeyKind::Signature("SigningAlgorithm")),
    ("VerifyMac", KeyKind::Fixed(SYMMETRIC)),
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

    /// Takes so many requests of the quota called `name` at once; `false`, and none taken, when fewer are left. What has no quota of that
    /// name is not limited.
    pub fn take(&self, name: &str, requests: u32, account: AccountId, region: usize, now_ms: u64) -> bool {
        if self.rates.is_empty() {
            return true;
        }
        let index = REQUEST_QUOTAS.binary_search_by(|quota| quota.name.cmp(name));
        let rate = index.ok().and_then(|index| self.rates.get(index));
        rate.is_none_or(|rate| rate.take_many(&(account, region), requests, now_ms))
    }
}

impl RequestQuota {
    /// The names of the quotas that a validated request counts against, once each. More than one has only a ReEncrypt between keys of
    /// different kinds. That it counts once otherwise is unverified.
    pub fn of_request(operation: &'static str, input: &Value) -> impl Iterator<Item = Cow<'static, str>> {
        let kind = CRYPTOGRAPHIC_OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, kind)| *kind);
        let (quota, other): (Cow<'static, str>, _) = match kind {
            Some(KeyKind::Fixed(quota)) => (quota.into(), None),
            Some(KeyKind::Encryption(member)) => (encryption_quota(input, member).into(), None),
            Some(KeyKind::ReEncryption(members)) => {
                let [source, destination] = members.map(|member| encryption_quota(input, member));
                (source.into(), (source != destination).then_some(destination))
            }
            Some(KeyKind::Signature(member)) => (signature_quota(input, member).into(), None),
            None if operation.starts_with(DATA_KEY_PAIR) => {
                let spec = input.get("KeyPairSpec").and_then(Value::as_str).unwrap_or_default();
                (format!("{DATA_KEY_PAIR}.{spec}").into(), None)
            }
            None => (operation.into(), None),
        };
        std::iter::once(quota).chain(other.map(Cow::from))
    }
}

/// The algorithm that a member of a validated request holds; `None` where it is left out.
fn algorithm<A: FromStr>(input: &Value, member: &str) -> Option<A> {
    input.get(member)?.as_str()?.parse().ok()
}

/// The quota for the keys that have the encryption algorithm; symmetric by default.
fn encryption_quota(input: &Value, member: &str) -> &'static str {
    use EncryptionAlgorithmSpec as A;
    match algorithm(input, member).unwrap_or(A::SymmetricDefault) {
        A::SymmetricDefault => SYMMETRIC,
        A::RsaesOaepSha1 | A::RsaesOaepSha256 => RSA,
        A::Sm2pke => ECC,
    }
}

/// The quota for the keys that have the signing algorithm. Validation refuses requests without one.
fn signature_quota(input: &Value, member: &str) -> &'static str {
    use SigningAlgorithmSpec as A;
    match algorithm(input, member).unwrap_or(A::RsassaPssSha256) {
        A::RsassaPssSha256
        | A::RsassaPssSha384
        | A::RsassaPssSha512
        | A::RsassaPkcs1V15Sha256
        | A::RsassaPkcs1V15Sha384
        | A::RsassaPkcs1V15Sha512 => RSA,
        A::EcdsaSha256 | A::EcdsaSha384 | A::EcdsaSha512 | A::Sm2dsa | A::Ed25519Sha512 | A::Ed25519PhSha512 => ECC,
        A::MlDsaShake256 => ML_DSA,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_model::shape;
    use serde_json::json;

    fn quotas(operation: &'static str, input: &Value) -> Vec<String> {
        RequestQuota::of_request(operation, input).map(Cow::into_owned).collect()
    }

    #[test]
    fn every_operation_has_its_quota() {
        assert!(REQUEST_QUOTAS.is_sorted_by_key(|quota| quota.name));
        let input = json!({ "KeyPairSpec": "RSA_2048", "SigningAlgorithm": "ECDSA_SHA_256" });
        for operation in shape::operations() {
            let names = quotas(operation.name, &input);
            assert_eq!(names.len(), 1, "{}", operation.name);
            assert!(REQUEST_QUOTAS.iter().any(|quota| quota.name == names[0]), "{names:?}");
        }
    }

    #[test]
    fn the_algorithm_tells_the_quota() {
        for algorithm in SigningAlgorithmSpec::ALL {
            let expected = match algorithm.as_str() {
                name if name.starts_with("RSASSA_") => RSA,
                name if name.starts_with("ML_DSA_") => ML_DSA,
                _ => ECC,
            };
            for operation in ["Sign", "Verify"] {
                assert_eq!(quotas(operation, &json!({ "SigningAlgorithm": algorithm })), [expected], "{algorithm}");
            }
        }
        for algorithm in EncryptionAlgorithmSpec::ALL {
            let expected = match algorithm.as_str() {
                name if name.starts_with("RSAES_") => RSA,
                "SM2PKE" => ECC,
                _ => SYMMETRIC,
            };
            for operation in ["Encrypt", "Decrypt"] {
                assert_eq!(quotas(operation, &json!({ "EncryptionAlgorithm": algorithm })), [expected], "{algorithm}");
            }
        }
        for operation in ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateMac", "VerifyMac", "GenerateRandom"] {
            assert_eq!(quotas(operation, &json!({})), [SYMMETRIC], "{operation}");
        }
        assert_eq!(quotas("DeriveSharedSecret", &json!({ "KeyAgreementAlgorithm": "ECDH" })), [ECC]);
        assert_eq!(quotas("DescribeKey", &json!({})), ["DescribeKey"]);
    }

    #[test]
    fn re_encrypt_counts_once_for_each_quota() {
        let rsa = "RSAES_OAEP_SHA_256";
        assert_eq!(quotas("ReEncrypt", &json!({})), [SYMMETRIC]);
        let input = json!({ "SourceEncryptionAlgorithm": rsa, "DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_1" });
        assert_eq!(quotas("ReEncrypt", &input), [RSA]);
        assert_eq!(quotas("ReEncrypt", &json!({ "SourceEncryptionAlgorithm": rsa })), [RSA, SYMMETRIC]);
        assert_eq!(quotas("ReEncrypt", &json!({ "DestinationEncryptionAlgorithm": rsa })), [SYMMETRIC, RSA]);
    }

    #[test]
    fn accounts_and_regions_have_buckets_of_their_own() {
        let settings =
            RequestQuotaSettings { per_second: BTreeMap::from([("CreateKey".to_owned(), 2)]), ..Default::default() };
        let quotas = RequestQuotas::new(&settings);
        let [one, other] = ["111122223333", "444455556666"].map(|id| AccountId::parse(id).unwrap());
        assert!((0..2).all(|_| quotas.take("CreateKey", 1, one, 0, 0)));
        assert!(!quotas.take("CreateKey", 1, one, 0, 0));
        assert!(quotas.take("CreateKey", 1, one, 1, 0), "another Region");
        assert!(quotas.take("CreateKey", 1, other, 0, 0), "another account");
        assert!(quotas.take("EnableKey", 1, one, 0, 0), "another quota");
        assert!(quotas.take("CreateKey", 1, one, 0, 500), "half a second brings one");
        assert!(!quotas.take("CreateKey", 2, one, 0, 1000), "two at once are more than one");
        assert!(quotas.take("CreateKey", 2, one, 0, 1500), "and nothing was taken of them");
    }

    #[test]
    fn quotas_that_do_not_hold_limit_nothing() {
        let quotas = RequestQuotas::new(&RequestQuotaSettings { enabled: false, ..Default::default() });
        let account = AccountId::parse("111122223333").unwrap();
        assert!((0..100).all(|_| quotas.take("GetParametersForImport", 1, account, 0, 0)));
    }
}
