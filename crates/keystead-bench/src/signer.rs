//! Signing requests.

use std::time::{SystemTime, UNIX_EPOCH};

use keystead_sigv4::{
    AccessKeyId, AmzDate, CredentialScope, PathMode, SecretAccessKey, SignableRequest, SigningKey, sign,
};

/// Whose access key signs, and for what.
#[derive(Clone)]
pub(crate) struct Signer {
    access_key_id: AccessKeyId,
    secret: SecretAccessKey,
    region: String,
    service: &'static str,
    path_mode: PathMode,
    scope: CredentialScope,
    key: SigningKey,
}

impl Signer {
    /// Signs for KMS.
    pub(crate) fn for_kms(access_key_id: &str, secret: &str, region: &str) -> Self {
        Self::new(access_key_id, secret, region, "kms", PathMode::Normalize)
    }

    /// Signs for IAM with the same access key.
    pub(crate) fn for_iam(&self) -> Self {
        let mut signer = self.clone();
        signer.service = "iam";
        signer.scope = CredentialScope::on(now(), self.region.as_str(), signer.service);
        signer.key = SigningKey::derive(&signer.secret, &signer.scope);
        signer
    }

    /// Signs for an XKS proxy (external key stores digest, 1.2).
    pub(crate) fn for_proxy(access_key_id: &str, secret: &str, region: &str) -> Self {
        Self::new(access_key_id, secret, region, "kms-xks-proxy", PathMode::AsIs)
    }

    fn new(access_key_id: &str, secret: &str, region: &str, service: &'static str, path_mode: PathMode) -> Self {
        let secret = SecretAccessKey::new(secret);
        let scope = CredentialScope::on(now(), region, service);
        let key = SigningKey::derive(&secret, &scope);
        let access_key_id = AccessKeyId::new(access_key_id);
        Self { access_key_id, secret, region: region.to_owned(), service, path_mode, scope, key }
    }

    /// The Region of the signatures.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// The value of the `Authorization` header for a request at `date`.
    pub(crate) fn authorization(&mut self, request: &SignableRequest<'_>, date: AmzDate) -> String {
        if self.scope.date != date.date_stamp() {
            self.scope = CredentialScope::on(date, self.region.as_str(), self.service);
            self.key = SigningKey::derive(&self.secret, &self.scope);
        }
        sign(request, &self.access_key_id, &self.key, &self.scope, date, self.path_mode)
    }
}

/// The current second.
pub(crate) fn now() -> AmzDate {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    AmzDate::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_has_a_new_scope() {
        let mut signer = Signer::for_kms("AKIAEXAMPLEEXAMPLE22", "an example, not a secret", "us-east-1");
        let request = SignableRequest { method: "POST", path: "/", query: "", headers: &[], payload_sha256: "" };
        let mut on = |unix| signer.authorization(&request, AmzDate::from_unix(unix));
        assert!(on(0).contains("/19700101/us-east-1/kms/"));
        assert!(on(86_400).contains("/19700102/us-east-1/kms/"));
        assert_eq!(on(0), on(0));
    }
}
