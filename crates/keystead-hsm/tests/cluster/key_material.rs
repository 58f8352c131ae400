//! What the HSMs have of a key, and what happens when somebody changes it behind our back.

use std::path::Path;
use std::process::Command;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmBackend;
use keystead_pkcs11::KeyInfo;

use crate::support::{A, B, Module, PASSWORD, Rig, key_id, link, on_both_modules};

on_both_modules! {
    a_key_is_the_same_everywhere_and_cannot_be_extracted,
    another_program_sees_the_key_and_cannot_read_it,
    a_key_object_that_is_gone,
    a_key_object_that_is_doubled,
    a_key_is_destroyed_everywhere,
}

async fn found(rig: &Rig, hsm_id: &str, id: &keystead_core::port::BackingKeyId) -> Vec<KeyInfo> {
    rig.hsm(hsm_id).find_keys(&key_id(id)).await.unwrap()
}

async fn a_key_is_the_same_everywhere_and_cannot_be_extracted(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let mut check_values = Vec::new();
    for hsm_id in [A, B] {
        let found = found(&rig, hsm_id, &key).await;
        let [info] = found.as_slice() else { panic!("{hsm_id} has {} objects", found.len()) };
        assert_eq!(info.label, "a key");
        assert_eq!(info.check_value.len(), 3);
        assert!(info.attributes.token && info.attributes.private && info.attributes.sensitive);
        assert!(!info.attributes.extractable && !info.attributes.wrap && !info.attributes.unwrap);
        assert!(rig.hsm(hsm_id).wrap_key(&key_id(&key)).await.is_err(), "it leaves no HSM any more");
        check_values.push(info.check_value.clone());
    }
    assert_eq!(check_values[0], check_values[1]);
}

async fn another_program_sees_the_key_and_cannot_read_it(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.backend.close(&link(&[PASSWORD])).await;
    for hsm_id in [A, B] {
        let list = pkcs11_tool(&rig, hsm_id, &["--list-objects", "--type", "secrkey"]);
        assert!(list.contains(&key.to_string()), "{list}");
        let value = rig.folder.path().join("value");
        let read = ["--read-object", "--type", "secrkey", "--id", &key.to_string(), "--output-file"];
        pkcs11_tool(&rig, hsm_id, &[&read[..], &[value.to_str().unwrap()]].concat());
        assert!(is_empty(&value), "the value was read");
    }
}

fn is_empty(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |metadata| metadata.len() == 0)
}

/// What OpenSC's tool says, as the user.
fn pkcs11_tool(rig: &Rig, hsm_id: &str, arguments: &[&str]) -> String {
    let settings = rig.directory.settings(hsm_id);
    let mut tool = Command::new("pkcs11-tool");
    tool.arg("--module").arg(settings.module).args(["--token-label", "a token", "--login", "--pin", PASSWORD]);
    let output = tool.args(arguments).envs(settings.environment).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

async fn a_key_object_that_is_gone(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    assert_eq!(rig.hsm(A).destroy_key(&key_id(&key)).await.unwrap(), 1);
    for _ in 0..4 {
        rig.try_key(&key).await.unwrap();
    }
    assert_eq!(rig.hsm(B).destroy_key(&key_id(&key)).await.unwrap(), 1);
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::KeyNotFound));
    let other = rig.generate(2).await;
    rig.try_key(&other).await.unwrap();
}

async fn a_key_object_that_is_doubled(module: Module) {
    let mut rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.hsm(A).generate_key(&key_id(&key), "another", false).await.unwrap();
    for _ in 0..4 {
        rig.try_key(&key).await.unwrap();
    }
    rig.hsm(B).generate_key(&key_id(&key), "another", false).await.unwrap();
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::KeyAmbiguous));
    rig.restart_server().await;
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::KeyAmbiguous));
}

async fn a_key_is_destroyed_everywhere(module: Module) {
    let rig = Rig::connected(module).await;
    let link = link(&[PASSWORD]);
    let (key, second) = (rig.generate(1).await, rig.generate(2).await);
    for _ in 0..2 {
        assert_eq!(rig.backend.destroy_key(&link, &key).await, Ok(true), "nothing to destroy is no error");
    }
    for hsm_id in [A, B] {
        assert!(found(&rig, hsm_id, &key).await.is_empty());
    }
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::KeyNotFound));
    rig.directory.set_active(B, false);
    assert_eq!(rig.backend.destroy_key(&link, &second).await, Ok(false), "one HSM did not confirm it");
    rig.directory.set_active(A, false);
    assert_eq!(rig.backend.destroy_key(&link, &second).await, Err(HsmFailure::NoActiveHsm));
}
