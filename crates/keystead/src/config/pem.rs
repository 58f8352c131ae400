//! PEM files that the configuration names.

use std::path::Path;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::ConfigError;

/// The certificates of a file, one at least. `name`: the key that names the file, for the error.
pub(super) fn certificates(name: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(|error| unreadable(name, file, &error))?;
    if certificates.is_empty() {
        return Err(ConfigError::content(file, format!("{name}: the file holds no certificate; it must be PEM")));
    }
    Ok(certificates)
}

/// The private key of a file. `name`: the key that names the file, for the error.
pub(super) fn private_key(name: &str, file: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| unreadable(name, file, &error))
}

fn unreadable(name: &str, file: &Path, error: &pem::Error) -> ConfigError {
    ConfigError::content(file, format!("{name}: {error}; name a PEM file that can be read"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_file_is_named_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.pem");
        std::fs::write(&text, "this is no certificate").unwrap();
        let absent = folder.path().join("absent.pem");
        for (refused, words) in [
            (certificates("xks.trust_roots", &absent).unwrap_err(), ["absent.pem", "xks.trust_roots", "can be read"]),
            (certificates("xks.trust_roots", &text).unwrap_err(), ["text.pem", "xks.trust_roots", "no certificate"]),
            (private_key("xks.client_private_key", &text).unwrap_err(), ["text.pem", "xks.client_private_key", "PEM"]),
        ] {
            let refused = refused.to_string();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }
}
