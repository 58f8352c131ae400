//! `[[oidc_issuer]]`: the OpenID Connect issuers whose web identity tokens accounts may take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy, SettingsError, check_issuer, check_jwks_uri};
use serde::Deserialize;

use super::{ConfigError, pem};

/// One `[[oidc_issuer]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcIssuerConfig {
    /// What `iss` of its tokens is, to the letter, such as `https://id.example.com/realms/a`. A slash at the
    /// end is part of it.
    pub(crate) issuer: String,
    /// A file with its keys: a JSON Web Key Set. Read again when it changes.
    #[serde(default)]
    pub(crate) jwks_file: Option<PathBuf>,
    /// The `https://` URI of its keys. One of the two must be there.
    #[serde(default)]
    pub(crate) jwks_uri: Option<String>,
    /// PEM: the certificate authorities that the certificate at `jwks_uri` must chain to. Default: the public ones.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
}

impl OidcIssuerConfig {
    /// The paths that are relative to the folder of the configuration file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.jwks_file, &mut self.ca_file].into_iter().flatten()
    }

    fn check(&self) -> Result<(), String> {
        let issuer = &self.issuer;
        check_issuer(issuer).map_err(|error| format!("oidc_issuer.issuer: {error}"))?;
        if let Some(uri) = &self.jwks_uri {
            check_jwks_uri(uri).map_err(|error| format!("oidc_issuer.jwks_uri: {error}"))?;
        }
        match (&self.jwks_file, &self.jwks_uri, &self.ca_file) {
            (Some(_), None, None) | (None, Some(_), _) => Ok(()),
            (Some(_), None, Some(_)) => {
                Err(format!("oidc_issuer.ca_file: {issuer} has a jwks_file; leave ca_file out, nobody is called"))
            }
            (Some(_), Some(_), _) | (None, None, _) => {
                Err(format!("oidc_issuer: {issuer} must have one of jwks_file and jwks_uri"))
            }
        }
    }

    /// Reads the certificates.
    fn settings(&self) -> Result<IssuerSettings, ConfigError> {
        let keys = match (&self.jwks_file, &self.jwks_uri) {
            (Some(file), _) => KeySettings::File(file.clone()),
            (None, uri) => KeySettings::Https {
                uri: uri.clone().unwrap_or_default(),
                authorities: self
                    .ca_file
                    .as_deref()
                    .map(|file| pem::certificates("oidc_issuer.ca_file", file))
                    .transpose()?,
            },
        };
        Ok(IssuerSettings { issuer: self.issuer.clone(), keys })
    }
}

/// Refuses issuers that cannot be, without keys, with keys at two places, and those that are there twice.
pub(super) fn check(issuers: &[OidcIssuerConfig]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for issuer in issuers {
        issuer.check()?;
        if !seen.insert(&issuer.issuer) {
            return Err(format!("oidc_issuer.issuer: {} is named twice", issuer.issuer));
        }
    }
    Ok(())
}

/// Reads every file of keys and of certificates.
pub(super) fn issuers(issuers: &[OidcIssuerConfig]) -> Result<Issuers, ConfigError> {
    let settings = issuers.iter().map(OidcIssuerConfig::settings).collect::<Result<Vec<_>, _>>()?;
    Issuers::new(settings, RefreshPolicy::default()).map_err(|error| match error {
        SettingsError::File { path, reason } => ConfigError::content(&path, format!("oidc_issuer.jwks_file: {reason}")),
        error => ConfigError::content(Path::new(""), format!("oidc_issuer: {error}")),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEYS: &str = r#"{"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}"#;

    fn read(text: &str) -> Result<Issuers, String> {
        #[derive(Deserialize)]
        struct File {
            oidc_issuer: Vec<OidcIssuerConfig>,
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("keys.json"), KEYS).unwrap();
        std::fs::write(folder.path().join("other.json"), "{}").unwrap();
        let mut file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        for path in file.oidc_issuer.iter_mut().flat_map(OidcIssuerConfig::paths) {
            *path = folder.path().join(&*path);
        }
        check(&file.oidc_issuer)?;
        issuers(&file.oidc_issuer).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_in_a_file_or_at_a_uri() {
        let text = "[[oidc_issuer]]\nissuer = 'https://a.example'\njwks_file = 'keys.json'\n\
                    [[oidc_issuer]]\nissuer = 'https://b.example/x'\njwks_uri = 'https://b.example/keys'\n";
        let issuers = read(text).unwrap();
        assert!(issuers.knows("https://a.example") && issuers.knows("https://b.example/x"));
        assert!(!issuers.knows("https://b.example"));
        let with_slash = read("[[oidc_issuer]]\nissuer = 'https://a.example/'\njwks_file = 'keys.json'\n").unwrap();
        assert!(with_slash.knows("https://a.example/") && !with_slash.knows("https://a.example"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (keys, named) in [
            ("", "one of jwks_file and jwks_uri"),
            ("jwks_file = 'keys.json'\njwks_uri = 'https://a.example/keys'", "one of jwks_file and jwks_uri"),
            ("jwks_file = 'keys.json'\nca_file = 'ca.pem'", "ca_file"),
            ("jwks_file = 'absent.json'", "absent.json"),
            ("jwks_file = 'other.json'", "other.json"),
            ("jwks_uri = 'http://a.example/keys'", "http://a.example/keys"),
            ("jwks_uri = 'keys.json'", "keys.json"),
            ("jwks_uri = 'https://a.example/keys'\nca_file = 'absent.pem'", "oidc_issuer.ca_file"),
            ("jwks_url = 'https://a.example/keys'", "jwks_url"),
        ] {
            let refused = read(&format!("[[oidc_issuer]]\nissuer = 'https://a.example'\n{keys}\n"));
            assert!(refused.as_ref().is_err_and(|message| message.contains(named)), "{keys}: {:?}", refused.err());
        }
        for (issuer, named) in [("http://a.example", "http://a.example"), ("https://A.example", "https://A.example")] {
            let refused = read(&format!("[[oidc_issuer]]\nissuer = '{issuer}'\njwks_file = 'keys.json'\n"));
            assert!(refused.as_ref().is_err_and(|message| message.contains(named)), "{issuer}: {:?}", refused.err());
        }
        let one = "[[oidc_issuer]]\nissuer = 'https://a.example'\njwks_file = 'keys.json'\n";
        assert!(read(&format!("{one}{one}")).is_err_and(|message| message.contains("twice")));
    }
}
