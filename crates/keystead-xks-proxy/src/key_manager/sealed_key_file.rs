//! The first key manager: software keys in a sealed file. Follows the file, and tells its real state as health.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use keystead_xks::wire::{AAD_ENCODABLE_BYTES, EkmInstance, ExternalKeyId, HealthStatus, KeyStatus};
use zeroize::Zeroizing;

use super::key_file::{KeyFile, KeyFileError, KeyRecord, KeySpec, KeyUsage};
use super::message_encryption::{VersionMaterial, version_of};
use super::root_key::RootKey;
use super::{EncryptedData, KeyDescription, KeyManager, KeyManagerError};
use crate::reloading::{FileSource, Reloading};

/// A [`KeyManager`] over a sealed key file.
///
/// A change of the file, by the command line or by hand, counts from the next request on. While the file is missing or
/// damaged every use fails with `Internal` and health is UNAVAILABLE; it recovers by itself once the file is good again.
pub struct SealedKeyFile {
    keys: Reloading<KeyFileSource>,
}

impl SealedKeyFile {
    /// Opens the file. Fails if it is missing, damaged, or sealed under another root key.
    ///
    /// Records whose material does not open are reported in the log and as health DEGRADED; the others serve.
    pub fn open(key_file: &Path, root_key_file: &Path) -> Result<Self, KeyFileError> {
        let source = KeyFileSource { paths: [key_file.to_owned(), root_key_file.to_owned()] };
        Ok(Self { keys: Reloading::new(source)? })
    }

    /// The keys as of now. Fails with `Internal` while the file is not good.
    async fn keys(&self) -> Result<Arc<KeyFileState>, KeyManagerError> {
        let state = self.keys.get().await;
        match &*state {
            KeyFileState::Good(_) => Ok(state),
            KeyFileState::Broken => Err(KeyManagerError::Internal {
                problem: "the key file cannot be used; the proxy's log says why".to_owned(),
            }),
        }
    }
}

struct KeyFileSource {
    /// The key file, and the root key file.
    paths: [PathBuf; 2],
}

/// What the file holds now.
enum KeyFileState {
    Good(HashMap<ExternalKeyId, LoadedKey>),
    Broken,
}

impl KeyFileState {
    fn key(&self, id: &ExternalKeyId) -> Result<&LoadedKey, KeyManagerError> {
        match self {
            Self::Good(keys) => keys.get(id).ok_or(KeyManagerError::KeyNotFound),
            Self::Broken => Err(KeyManagerError::KeyNotFound),
        }
    }

    fn health(&self) -> HealthStatus {
        let Self::Good(keys) = self else {
            return HealthStatus::Unavailable;
        };
        let damaged = keys.values().filter(|key| key.is_damaged()).count();
        match damaged {
            0 => HealthStatus::Active,
            _ if damaged == keys.len() => HealthStatus::Unavailable,
            _ => HealthStatus::Degraded,
        }
    }
}

impl FileSource for KeyFileSource {
    type Value = KeyFileState;
    type Error = KeyFileError;

    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read(&self) -> Result<KeyFileState, KeyFileError> {
        let (records, root_key) = KeyFile::new(&self.paths[0], &self.paths[1]).read()?;
        let keys = records.into_iter().map(|record| LoadedKey::open(record, &root_key));
        Ok(KeyFileState::Good(keys.collect()))
    }

    fn after_failure(&self, error: KeyFileError, _previous: Arc<KeyFileState>) -> Arc<KeyFileState> {
        tracing::error!(%error, "the external keys cannot be used until this is mended");
        Arc::new(KeyFileState::Broken)
    }
}

struct LoadedKey {
    usage: Vec<KeyUsage>,
    status: KeyStatus,
    current_version: u32,
    /// `None` where the material did not open.
    versions: BTreeMap<u32, Option<VersionMaterial>>,
}

impl LoadedKey {
    fn open(record: KeyRecord, root_key: &RootKey) -> (ExternalKeyId, Self) {
        let mut versions = BTreeMap::new();
        for version in &record.versions {
            let material = record.open(version, root_key);
            if material.is_none() {
                tracing::error!(
                    key = %record.id, version = version.version,
                    "the material of this key version is damaged: restore the key file from a backup"
                );
            }
            let material = material.map(|material| VersionMaterial::new(&material));
            versions.insert(version.version, material);
        }
        let key = Self {
            current_version: record.current_version(),
            usage: record.key_usage,
            status: record.key_status,
            versions,
        };
        (record.id, key)
    }

    fn is_damaged(&self) -> bool {
        self.versions.values().any(Option::is_none)
    }

    /// Fails with `KeyDisabled` or `KeyUsage`.
    fn check_use(&self, needed: KeyUsage) -> Result<(), KeyManagerError> {
        if self.status == KeyStatus::Disabled {
            return Err(KeyManagerError::KeyDisabled);
        }
        if !self.usage.contains(&needed) {
            return Err(KeyManagerError::KeyUsage { needed });
        }
        Ok(())
    }

    /// Fails with `InvalidCiphertext` for a version that never was.
    fn material(&self, version: u32) -> Result<&VersionMaterial, KeyManagerError> {
        let material = self.versions.get(&version).ok_or(KeyManagerError::InvalidCiphertext)?;
        material.as_ref().ok_or_else(|| KeyManagerError::Internal {
            problem: format!("the material of key version {version} is damaged"),
        })
    }

    fn decrypt(&self, data: &EncryptedData, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
        let version = version_of(&data.metadata).ok_or(KeyManagerError::InvalidCiphertext)?;
        let decrypted = self.material(version)?.decrypt(data, aad);
        decrypted.map_err(|_| KeyManagerError::InvalidCiphertext)
    }
}

#[async_trait]
impl KeyManager for SealedKeyFile {
    fn vendor(&self) -> &str {
        "Keystead"
    }

    async fn describe(&self, key: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError> {
        let keys = self.keys().await?;
        let key = keys.key(key)?;
        Ok(KeyDescription { key_spec: KeySpec::Aes256.as_str(), key_usage: key.usage.clone(), key_status: key.status })
    }

    async fn encrypt(
        &self,
        key: &ExternalKeyId,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<EncryptedData, KeyManagerError> {
        if aad.len() > AAD_ENCODABLE_BYTES {
            return Err(KeyManagerError::Unsupported {
                problem: "additionalAuthenticatedData is longer than 65535 bytes",
            });
        }
        let keys = self.keys().await?;
        let key = keys.key(key)?;
        key.check_use(KeyUsage::Encrypt)?;
        let version = key.current_version;
        let encrypted = key.material(version)?.encrypt(version, plaintext, aad);
        encrypted.map_err(|_| KeyManagerError::Internal {
            problem: "the cryptographic library failed to encrypt".to_owned(),
        })
    }

    async fn decrypt(
        &self,
        key: &ExternalKeyId,
        data: &EncryptedData,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
        let keys = self.keys().await?;
        let key = keys.key(key)?;
        key.check_use(KeyUsage::Decrypt)?;
        key.decrypt(data, aad)
    }

    async fn trial_decrypt(
        &self,
        key: &ExternalKeyId,
        data: &EncryptedData,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<(), KeyManagerError> {
        let keys = self.keys().await?;
        let decrypted = keys.key(key)?.decrypt(data, aad);
        let is_same = |found: Zeroizing<Vec<u8>>| verify_slices_are_equal(&found, plaintext).is_ok();
        if decrypted.is_ok_and(is_same) {
            return Ok(());
        }
        Err(KeyManagerError::Internal { problem: "the ciphertext did not decrypt to its plaintext".to_owned() })
    }

    async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError> {
        Ok(vec![EkmInstance {
            id: "sealed-key-file".to_owned(),
            model: concat!("Keystead sealed key file ", env!("CARGO_PKG_VERSION")).to_owned(),
            health_status: self.keys.get().await.health(),
        }])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use keystead_private_file::create_root_key_file;

    struct Fixture {
        folder: tempfile::TempDir,
        file: KeyFile,
    }

    impl Fixture {
        fn new(ids: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root_key = folder.path().join("root.key");
            create_root_key_file(&root_key).unwrap();
            let file = KeyFile::new(&folder.path().join("keys.json"), &root_key);
            file.create_if_missing().unwrap();
            let fixture = Self { folder, file };
            for id in ids {
                fixture.change(|keys, root_key| {
                    let usage = vec![KeyUsage::Encrypt, KeyUsage::Decrypt];
                    keys.push(KeyRecord::new(key(id), usage, root_key).unwrap());
                });
            }
            fixture
        }

        fn change(&self, change: impl FnOnce(&mut Vec<KeyRecord>, &RootKey)) {
            self.file
                .change(|keys, root_key| {
                    change(keys, root_key);
                    Ok(())
                })
                .unwrap();
        }

        fn open(&self) -> Result<SealedKeyFile, KeyFileError> {
            SealedKeyFile::open(&self.file.path, &self.file.root_key_path)
        }
    }

    fn key(id: &str) -> ExternalKeyId {
        ExternalKeyId::new(id).unwrap()
    }

    async fn health(manager: &SealedKeyFile) -> HealthStatus {
        manager.health().await.unwrap()[0].health_status
    }

    #[tokio::test]
    async fn old_versions_still_decrypt_after_a_rotation() {
        let fixture = Fixture::new(&["a"]);
        let manager = fixture.open().unwrap();
        let old = manager.encrypt(&key("a"), b"text", b"aad").await.unwrap();
        fixture.change(|keys, root_key| {
            assert_eq!(keys[0].add_version(root_key).unwrap(), 2);
        });
        let new = manager.encrypt(&key("a"), b"text", b"aad").await.unwrap();
        assert_eq!(version_of(&old.metadata), Some(1));
        assert_eq!(version_of(&new.metadata), Some(2));
        for data in [old, new] {
            let text = manager.decrypt(&key("a"), &data, b"aad").await.unwrap();
            assert_eq!(&**text, b"text");
        }
    }

    #[tokio::test]
    async fn status_and_usage_are_enforced() {
        let fixture = Fixture::new(&["a"]);
        let manager = fixture.open().unwrap();
        let data = manager.encrypt(&key("a"), b"text", b"").await.unwrap();
        fixture.change(|keys, _| keys[0].key_status = KeyStatus::Disabled);
        let disabled = manager.decrypt(&key("a"), &data, b"").await.unwrap_err();
        assert_eq!(disabled, KeyManagerError::KeyDisabled);
        let told = manager.describe(&key("a")).await.unwrap();
        assert_eq!(told.key_status, KeyStatus::Disabled);
        fixture.change(|keys, _| {
            keys[0].key_status = KeyStatus::Enabled;
            keys[0].key_usage = vec![KeyUsage::Encrypt];
        });
        let unusable = manager.decrypt(&key("a"), &data, b"").await.unwrap_err();
        let needed = KeyUsage::Decrypt;
        assert_eq!(unusable, KeyManagerError::KeyUsage { needed });
        manager.trial_decrypt(&key("a"), &data, b"", b"text").await.unwrap();
        let unequal = manager.trial_decrypt(&key("a"), &data, b"", b"tex").await;
        assert!(matches!(unequal, Err(KeyManagerError::Internal { .. })));
        let missing = manager.encrypt(&key("b"), b"text", b"").await.unwrap_err();
        assert_eq!(missing, KeyManagerError::KeyNotFound);
    }

    #[tokio::test]
    async fn health_is_the_real_state_and_recovers() {
        let fixture = Fixture::new(&["a", "b"]);
        let manager = fixture.open().unwrap();
        assert_eq!(health(&manager).await, HealthStatus::Active);

        let good = std::fs::read(&fixture.file.path).unwrap();
        fixture.change(|keys, _| keys[0].versions[0].sealed_material = vec![0; 60].into());
        assert_eq!(health(&manager).await, HealthStatus::Degraded);
        let damaged = manager.encrypt(&key("a"), b"text", b"").await;
        assert!(matches!(damaged, Err(KeyManagerError::Internal { .. })));
        assert!(manager.encrypt(&key("b"), b"text", b"").await.is_ok());
        // Material moved from one record to the other is as good as damaged.
        fixture.change(|keys, _| {
            keys[0].versions[0].sealed_material = keys[1].versions[0].sealed_material.clone();
        });
        assert_eq!(health(&manager).await, HealthStatus::Degraded);
        fixture.change(|keys, _| keys[1].versions[0].sealed_material = vec![0; 60].into());
        assert_eq!(health(&manager).await, HealthStatus::Unavailable);

        std::fs::remove_file(&fixture.file.path).unwrap();
        assert_eq!(health(&manager).await, HealthStatus::Unavailable);
        let missing = manager.encrypt(&key("b"), b"text", b"").await;
        assert!(matches!(missing, Err(KeyManagerError::Internal { .. })));
        keystead_private_file::replace_private(&fixture.file.path, &good).unwrap();
        assert_eq!(health(&manager).await, HealthStatus::Active);
        assert!(manager.encrypt(&key("b"), b"text", b"").await.is_ok());

        std::fs::rename(&fixture.file.root_key_path, fixture.folder.path().join("away")).unwrap();
        assert_eq!(health(&manager).await, HealthStatus::Unavailable);
        std::fs::rename(fixture.folder.path().join("away"), &fixture.file.root_key_path).unwrap();
        assert_eq!(health(&manager).await, HealthStatus::Active);
    }

    #[test]
    fn a_bad_file_is_refused_at_the_start_and_the_reason_told() {
        let fixture = Fixture::new(&["a"]);
        let good = String::from_utf8(std::fs::read(&fixture.file.path).unwrap()).unwrap();
        let duplicate = serde_json::from_str::<serde_json::Value>(&good)
            .map(|mut file| {
                let first = file["keys"][0].clone();
                file["keys"].as_array_mut().unwrap().push(first);
                file.to_string()
            })
            .unwrap();
        let table = [
            (String::new(), "damaged"),
            (good[..good.len() / 2].to_owned(), "damaged"),
            (good.replace("\"format\": 1", "\"format\": 2"), "format is 2"),
            (good.replace("\"version\": 1", "\"version\": 1, \"more\": 1"), "more"),
            (duplicate, "twice"),
        ];
        for (text, expected) in table {
            keystead_private_file::replace_private(&fixture.file.path, text.as_bytes()).unwrap();
            let Err(error) = fixture.open() else { panic!("must be refused: {text}") };
            assert!(error.to_string().contains(expected), "{error}");
        }
        std::fs::remove_file(&fixture.file.path).unwrap();
        let Err(error) = fixture.open() else { panic!("must be refused") };
        assert!(error.to_string().contains("keys create"), "{error}");
    }

    #[test]
    fn a_wrong_root_key_is_told_from_damage() {
        let fixture = Fixture::new(&[]);
        std::fs::remove_file(&fixture.file.root_key_path).unwrap();
        let Err(error) = fixture.open() else { panic!("must be refused") };
        assert!(error.to_string().contains("root.key"), "{error}");
        create_root_key_file(&fixture.file.root_key_path).unwrap();
        let Err(error) = fixture.open() else { panic!("must be refused") };
        assert!(error.to_string().contains("another root key"), "{error}");
    }

    #[test]
    fn the_file_shows_no_material() {
        let fixture = Fixture::new(&["a"]);
        let (records, root_key) = fixture.file.read().unwrap();
        let material = records[0].open(&records[0].versions[0], &root_key).unwrap();
        let text = std::fs::read(&fixture.file.path).unwrap();
        assert!(!text.windows(32).any(|window| window == material.as_slice()));
    }
}
