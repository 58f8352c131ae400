//! `[attestation]`: attestation documents of recipients.

use std::path::PathBuf;

use keystead_attestation::AttestationRoots;
use serde::Deserialize;

use super::{ConfigError, pem};

/// `[attestation]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AttestationConfig {
    /// PEM files of root certificates that vouch for attestation documents. Default: none, so that every `Recipient` is refused.
    pub(crate) roots: Vec<PathBuf>,
}

impl AttestationConfig {
    /// What the core is to know. Reads the root certificates.
    pub(super) fn read_roots(&self) -> Result<AttestationRoots, ConfigError> {
        let mut roots = AttestationRoots::default();
        for file in &self.roots {
            let certificates = pem::certificates("attestation.roots", file)?;
            let of_file = AttestationRoots::from_der(certificates.iter().map(AsRef::as_ref));
            roots.append(of_file.map_err(|error| {
                let message = format!("attestation.roots: {error}; name a PEM file with nothing but root certificates");
                ConfigError::content(file, message)
            })?);
        }
        Ok(roots)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use crate::config::smallest;

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = smallest::with("[attestation]\nroots = ['nitro.pem']").unwrap();
        assert_eq!(config.attestation.roots, [Path::new("/etc/keystead/nitro.pem")]);
        let refused = config.settings().err().unwrap().to_string();
        assert!(refused.contains("/etc/keystead/nitro.pem") && refused.contains("attestation.roots"), "{refused}");
    }
}
