//! The table of key specs, against the documented one.

use keystead_cryptography::key_spec::{self, KEY_SPECS};
use keystead_model::kms::{KeySpec, KeyUsageType};

/// KMS Developer Guide, "Key spec reference" and "Key type reference": key spec, usage and its algorithms, whether it is imported, has
/// multi-Region keys, is held by a custom key store.
const DOCUMENTED: &str = "
    SYMMETRIC_DEFAULT      ENCRYPT_DECRYPT      SYMMETRIC_DEFAULT                                  import multi-region custom-key-store
    HMAC_224               GENERATE_VERIFY_MAC  HMAC_SHA_224                                       import multi-region
    HMAC_256               GENERATE_VERIFY_MAC  HMAC_SHA_256                                       import multi-region
    HMAC_384               GENERATE_VERIFY_MAC  HMAC_SHA_384                                       import multi-region
    HMAC_512               GENERATE_VERIFY_MAC  HMAC_SHA_512                                       import multi-region
    RSA_2048               ENCRYPT_DECRYPT      RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256                import multi-region
    RSA_2048               SIGN_VERIFY          RSA_SIGNING                                        import multi-region
    RSA_3072               ENCRYPT_DECRYPT      RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256                import multi-region
    RSA_3072               SIGN_VERIFY          RSA_SIGNING                                        import multi-region
    RSA_4096               ENCRYPT_DECRYPT      RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256                import multi-region
    RSA_4096               SIGN_VERIFY          RSA_SIGNING                                        import multi-region
    ECC_NIST_P256          SIGN_VERIFY          ECDSA_SHA_256                                      import multi-region
    ECC_NIST_P256          KEY_AGREEMENT        ECDH                                               import multi-region
    ECC_NIST_P384          SIGN_VERIFY          ECDSA_SHA_384                                      import multi-region
    ECC_NIST_P384          KEY_AGREEMENT        ECDH                                               import multi-region
    ECC_NIST_P521          SIGN_VERIFY          ECDSA_SHA_512                                      import multi-region
    ECC_NIST_P521          KEY_AGREEMENT        ECDH                                               import multi-region
    ECC_SECG_P256K1        SIGN_VERIFY          ECDSA_SHA_256                                      import multi-region
    ECC_NIST_EDWARDS25519  SIGN_VERIFY          ED25519_SHA_512,ED25519_PH_SHA_512                 import multi-region
    ML_DSA_44              SIGN_VERIFY          ML_DSA_SHAKE_256                                   multi-region
    ML_DSA_65              SIGN_VERIFY          ML_DSA_SHAKE_256                                   multi-region
    ML_DSA_87              SIGN_VERIFY          ML_DSA_SHAKE_256                                   multi-region
    SM2                    ENCRYPT_DECRYPT      SM2PKE                                             china
    SM2                    SIGN_VERIFY          SM2DSA                                             china
    SM2                    KEY_AGREEMENT        ECDH                                               china
";

const RSA_SIGNING: &str = "RSASSA_PKCS1_V1_5_SHA_256,RSASSA_PKCS1_V1_5_SHA_384,RSASSA_PKCS1_V1_5_SHA_512,\
                           RSASSA_PSS_SHA_256,RSASSA_PSS_SHA_384,RSASSA_PSS_SHA_512";

/// A row of the documented table as the crate has it.
fn row(spec: KeySpec, usage: KeyUsageType) -> String {
    let facts = key_spec::facts(spec);
    let mut row = format!("{spec} {usage} {}", algorithms(spec, usage).join(","));
    let flags = [
        (facts.origin_external_allowed, " import"),
        (facts.multi_region_allowed, " multi-region"),
        (facts.custom_key_store_allowed, " custom-key-store"),
        (facts.china_regions_only, " china"),
    ];
    flags.into_iter().filter(|flag| flag.0).for_each(|flag| row.push_str(flag.1));
    row
}

/// All four kinds at once: three of them are empty.
fn algorithms(spec: KeySpec, usage: KeyUsageType) -> Vec<&'static str> {
    let encryption = key_spec::encryption_algorithms(spec, usage).iter().map(|algorithm| algorithm.as_str());
    let signing = key_spec::signing_algorithms(spec, usage).iter().map(|algorithm| algorithm.as_str());
    let mac = key_spec::mac_algorithms(spec, usage).iter().map(|algorithm| algorithm.as_str());
    let agreement = key_spec::key_agreement_algorithms(spec, usage).iter().map(|algorithm| algorithm.as_str());
    encryption.chain(signing).chain(mac).chain(agreement).collect()
}

#[test]
fn the_table_is_the_documented_one() {
    let documented = DOCUMENTED.replace("RSA_SIGNING", RSA_SIGNING);
    let mut documented: Vec<String> = documented
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    let usages = |spec: &KeySpec| key_spec::usages(*spec).map(|usage| row(*spec, usage)).collect::<Vec<_>>();
    let mut ours: Vec<String> = KeySpec::ALL.iter().flat_map(usages).collect();
    documented.sort();
    ours.sort();
    assert_eq!(ours, documented);
}

#[test]
fn a_usage_that_a_key_spec_has_not_has_no_algorithms() {
    for spec in KeySpec::ALL.iter().copied() {
        for usage in KeyUsageType::ALL.iter().copied() {
            let known = key_spec::usages(spec).any(|of| of == usage);
            assert_eq!(algorithms(spec, usage).is_empty(), !known, "{spec} {usage}");
            assert_eq!(key_spec::algorithms(spec, usage).is_some(), known, "{spec} {usage}");
        }
    }
}

#[test]
fn every_key_spec_has_its_row() {
    assert_eq!(KEY_SPECS.len(), KeySpec::ALL.len());
    for spec in KeySpec::ALL.iter().copied() {
        assert_eq!(key_spec::facts(spec).spec, spec);
    }
}
