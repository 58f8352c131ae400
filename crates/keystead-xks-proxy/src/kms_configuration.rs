//! The proxy configuration file that the KMS console takes when an external key store is created.

use keystead_xks::wire::API_ROOT;
use serde::Serialize;

use crate::credential::XksCredential;

/// The file's content for one prefix. As JSON it holds the secret access key in clear: write it with [`secret_json_pretty`], and to
/// a private file only.
///
/// Source: KMS Developer Guide, "Create an external key store", proxy configuration file.
///
/// [`secret_json_pretty`]: crate::secret_json_pretty
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KmsConfiguration<'a> {
    /// The whole path in front of the API suffixes.
    xks_proxy_uri_path: String,
    /// What KMS is to sign with.
    xks_proxy_authentication_credential: &'a XksCredential,
}

impl<'a> KmsConfiguration<'a> {
    /// For a prefix (`""` or `/name`) and one of its credentials.
    pub fn new(prefix: &str, credential: &'a XksCredential) -> Self {
        Self { xks_proxy_uri_path: format!("{prefix}{API_ROOT}"), xks_proxy_authentication_credential: credential }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn has_the_documented_members() {
        let credential = crate::credential::generate().unwrap();
        let text = crate::secret_json_pretty(&KmsConfiguration::new("/example-prefix", &credential)).unwrap();
        let expected = json!({
            "XksProxyUriPath": "/example-prefix/kms/xks/v1",
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": credential.access_key_id(),
                "RawSecretAccessKey": credential.expose_raw_secret_access_key()
            }
        });
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
    }
}
