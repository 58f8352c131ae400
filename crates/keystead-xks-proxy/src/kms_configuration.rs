//! The proxy configuration file that the KMS console takes when an external key store is created.

use keystead_xks::wire::API_ROOT;
use serde_json::{Value, json};

use crate::credential::XksCredential;

/// `XksProxyUriPath` and `XksProxyAuthenticationCredential` for a prefix (`""` or `/name`).
///
/// The value holds the secret access key in clear: write it to a private file only.
/// Source: KMS Developer Guide, "Create an external key store", proxy configuration file.
pub fn kms_configuration_file(prefix: &str, credential: &XksCredential) -> Value {
    json!({
        "XksProxyUriPath": format!("{prefix}{API_ROOT}"),
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": credential.access_key_id(),
            "RawSecretAccessKey": credential.expose_raw_secret_access_key(),
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn has_the_documented_members() {
        let credential = crate::credential::generate().unwrap();
        let file = kms_configuration_file("/example-prefix", &credential);
        assert_eq!(file["XksProxyUriPath"], "/example-prefix/kms/xks/v1");
        let inner = &file["XksProxyAuthenticationCredential"];
        assert_eq!(inner["AccessKeyId"], credential.access_key_id());
        assert_eq!(inner["RawSecretAccessKey"], credential.expose_raw_secret_access_key());
    }
}
