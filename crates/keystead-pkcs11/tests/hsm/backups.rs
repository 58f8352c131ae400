//! Soft tokens, saved and cloned.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keystead_pkcs11::soft_token::SoftToken;
use keystead_pkcs11::{HsmError, LoginHolder};

use crate::support::{Module, Rig, generate, on_both_modules, user_pin};

on_both_modules! {
    a_clone_has_keys_users_and_serial_number,
    a_backup_goes_into_an_empty_folder_only,
    a_storage_is_never_made_over_another,
    all_files_are_for_this_user_alone,
}

async fn a_clone_has_keys_users_and_serial_number(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let ciphertext = hsm.encrypt(&key, b"plaintext", b"").await.unwrap();
    let backup = rig.folder.path().join("backup");
    hsm.back_up_token(&backup).await.unwrap();
    let later = generate(&hsm, 2).await.id;
    let token = SoftToken::restore(module.kind(), &rig.folder.path().join("clone"), &backup).unwrap();
    let mut settings = rig.settings("clone-1", token);
    settings.token_serial = Some(hsm.status().await.unwrap().serial);
    let clone = rig.start(settings).await;
    clone.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    assert_eq!(*clone.decrypt(&key, &ciphertext, b"").await.unwrap(), b"plaintext");
    assert!(clone.keys().await.unwrap()[0].attributes.never_extractable);
    assert_eq!(clone.encrypt(&later, b"x", b"").await.unwrap_err(), HsmError::KeyNotFound);
}

async fn a_backup_goes_into_an_empty_folder_only(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let backup = rig.folder.path().join("backup");
    hsm.back_up_token(&backup).await.unwrap();
    assert!(matches!(hsm.back_up_token(&backup).await, Err(HsmError::TokenState(_))));
    let mut settings = hsm.settings().clone();
    settings.token_storage = None;
    settings.profile.snapshot_hook = keystead_pkcs11::SnapshotHook::None;
    let hsm = rig.start(settings).await;
    let elsewhere = rig.folder.path().join("elsewhere");
    assert!(matches!(hsm.back_up_token(&elsewhere).await, Err(HsmError::TokenState(_))));
}

async fn a_storage_is_never_made_over_another(module: Module) {
    let rig = Rig::new(module);
    let folder = rig.folder.path().join("token");
    SoftToken::create(module.kind(), &folder).unwrap();
    let again = SoftToken::create(module.kind(), &folder);
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    let hsm = rig.active().await;
    let backup = rig.folder.path().join("backup");
    hsm.back_up_token(&backup).await.unwrap();
    let restored = SoftToken::restore(module.kind(), &folder, &backup);
    assert_eq!(restored.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
}

async fn all_files_are_for_this_user_alone(module: Module) {
    let rig = Rig::new(module);
    let (hsm, _) = rig.with_key().await;
    hsm.back_up_token(&rig.folder.path().join("backup")).await.unwrap();
    look(rig.folder.path());
}

fn look(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", entry.path().display());
        if entry.file_type().unwrap().is_dir() {
            look(&entry.path());
        }
    }
}
