//! Management of the external keys in the sealed key file, for the command line. A running proxy follows by itself.
//!
//! Every function blocks on the disk, and returns once its change is durable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_xks::wire::{ExternalKeyId, KeyStatus};

use crate::config::ProxyConfig;
use crate::key_manager::{ExternalKeySummary, KeyFile, KeyFileError, KeyRecord, KeyUsage};

/// Makes a key file without keys, if there is none. Needs the root key file.
pub fn initialize(config: &ProxyConfig) -> Result<(), KeyFileError> {
    key_file(config).create_if_missing()
}

/// Makes an AES-256 key, and the key file if there is none. Without an `id` it gets 128 random bits.
///
/// Fails if `id` is none or is taken, and if `usage` is empty or repeats itself.
pub fn create(config: &ProxyConfig, id: Option<&str>, usage: &[KeyUsage]) -> Result<ExternalKeyId, KeyFileError> {
    let id = match id {
        Some(id) => ExternalKeyId::new(id)?,
        None => random_id()?,
    };
    let repeats = |(index, one): (usize, &KeyUsage)| usage[..index].contains(one);
    if usage.is_empty() || usage.iter().enumerate().any(repeats) {
        return Err(KeyFileError::InvalidUsage);
    }
    initialize(config)?;
    key_file(config).change(|keys, root_key| {
        if keys.iter().any(|key| key.id == id) {
            return Err(KeyFileError::Exists { id });
        }
        keys.push(KeyRecord::new(id.clone(), usage.to_vec(), root_key)?);
        Ok(id)
    })
}

/// All keys, in the order of their creation.
pub fn list(config: &ProxyConfig) -> Result<Vec<ExternalKeySummary>, KeyFileError> {
    let (keys, _) = key_file(config).read()?;
    Ok(keys.iter().map(KeyRecord::summary).collect())
}

/// Lets the key be used again.
pub fn enable(config: &ProxyConfig, id: &str) -> Result<(), KeyFileError> {
    change_key(config, id, |key, _| {
        key.key_status = KeyStatus::Enabled;
        Ok(())
    })
}

/// Stops every use of the key, until it is enabled again.
pub fn disable(config: &ProxyConfig, id: &str) -> Result<(), KeyFileError> {
    change_key(config, id, |key, _| {
        key.key_status = KeyStatus::Disabled;
        Ok(())
    })
}

/// Adds a version, which encrypts from now on; the earlier ones still decrypt. Returns its number.
pub fn rotate(config: &ProxyConfig, id: &str) -> Result<u32, KeyFileError> {
    change_key(config, id, KeyRecord::add_version)
}

/// Removes the key and all its material. What was encrypted under it can never be decrypted again.
pub fn delete(config: &ProxyConfig, id: &str) -> Result<(), KeyFileError> {
    let id = ExternalKeyId::new(id)?;
    key_file(config).change(|keys, _| {
        let index = keys.iter().position(|key| key.id == id);
        keys.remove(index.ok_or(KeyFileError::NotFound { id })?);
        Ok(())
    })
}

fn change_key<T>(
    config: &ProxyConfig,
    id: &str,
    change: impl FnOnce(&mut KeyRecord, &crate::key_manager::RootKey) -> Result<T, KeyFileError>,
) -> Result<T, KeyFileError> {
    let id = ExternalKeyId::new(id)?;
    key_file(config).change(|keys, root_key| {
        let key = keys.iter_mut().find(|key| key.id == id);
        change(key.ok_or(KeyFileError::NotFound { id })?, root_key)
    })
}

fn key_file(config: &ProxyConfig) -> KeyFile {
    KeyFile::new(&config.key_file, &config.root_key_file)
}

fn random_id() -> Result<ExternalKeyId, KeyFileError> {
    let mut random = [0u8; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| KeyFileError::Cryptography)?;
    Ok(ExternalKeyId::new(format!("xk-{}", URL_SAFE_NO_PAD.encode(random)))?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use keystead_private_file::create_root_key_file;
    use std::path::Path;

    const BOTH: [KeyUsage; 2] = [KeyUsage::Encrypt, KeyUsage::Decrypt];

    fn config(folder: &Path) -> ProxyConfig {
        let text = r#"
            listen = "127.0.0.1:0"
            region = "us-east-1"
            key_file = "keys.json"
            root_key_file = "root.key"
            tls = { certificate = "c", private_key = "k" }
            prefix = [{ credentials_file = "f" }]
        "#;
        ProxyConfig::parse(text, &folder.join("proxy.toml")).unwrap()
    }

    #[test]
    fn the_life_of_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        create_root_key_file(&config.root_key_file).unwrap();
        let random = create(&config, None, &BOTH).unwrap();
        let named = create(&config, Some("named"), &[KeyUsage::Encrypt]).unwrap();
        let listed = list(&config).unwrap();
        assert_eq!([&listed[0].id, &listed[1].id], [&random, &named]);
        assert_eq!(listed[1].key_usage, [KeyUsage::Encrypt]);
        disable(&config, "named").unwrap();
        assert_eq!(list(&config).unwrap()[1].key_status, KeyStatus::Disabled);
        enable(&config, "named").unwrap();
        assert_eq!(list(&config).unwrap()[1].key_status, KeyStatus::Enabled);
        assert_eq!(rotate(&config, "named").unwrap(), 2);
        assert_eq!(list(&config).unwrap()[1].current_version, 2);
        delete(&config, "named").unwrap();
        assert_eq!(list(&config).unwrap(), listed[..1]);
    }

    #[test]
    fn mistakes_are_told_and_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let no_root_key = create(&config, Some("a"), &BOTH).unwrap_err();
        assert!(no_root_key.to_string().contains("root.key"), "{no_root_key}");
        assert!(matches!(list(&config), Err(KeyFileError::Missing { .. })));
        create_root_key_file(&config.root_key_file).unwrap();
        create(&config, Some("a"), &BOTH).unwrap();
        let before = std::fs::read(&config.key_file).unwrap();
        let again = create(&config, Some("a"), &BOTH);
        assert!(matches!(again, Err(KeyFileError::Exists { .. })));
        let unnamable = create(&config, Some("a b"), &BOTH);
        assert!(matches!(unnamable, Err(KeyFileError::InvalidId(_))));
        for usage in [&[][..], &[KeyUsage::Sign, KeyUsage::Sign]] {
            let unusable = create(&config, None, usage);
            assert!(matches!(unusable, Err(KeyFileError::InvalidUsage)));
        }
        for unknown in
            [disable(&config, "b"), enable(&config, "b"), delete(&config, "b"), rotate(&config, "b").map(|_| ())]
        {
            assert!(matches!(unknown, Err(KeyFileError::NotFound { .. })));
        }
        assert_eq!(std::fs::read(&config.key_file).unwrap(), before);
    }
}
