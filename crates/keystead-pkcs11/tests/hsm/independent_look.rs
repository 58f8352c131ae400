//! What another program sees in the token: `pkcs11-tool` of OpenSC.

use keystead_pkcs11::KeyId;

use crate::support::{Module, Rig, USER_PIN, on_both_modules, tool};

on_both_modules! {
    a_key_cannot_be_taken_out,
}

async fn a_key_cannot_be_taken_out(module: Module) {
    let rig = Rig::new(module);
    let (hsm, _) = rig.with_key().await;
    let copied = KeyId(vec![2; 16]);
    hsm.generate_key(&copied, "copied", true).await.unwrap();
    hsm.seal_key(&copied).await.unwrap();
    rig.workers.shut_down().await;
    let login = ["--login", "--pin", USER_PIN];
    let seen = tool(&hsm, &[&login[..], &["--list-objects", "--type", "secrkey"]].concat());
    let access: Vec<_> = seen.lines().filter_map(|line| line.trim().strip_prefix("Access:")).map(str::trim).collect();
    assert_eq!(access.len(), 2, "{seen}");
    assert!(access.contains(&"sensitive, always sensitive, never extractable, local"), "{seen}");
    assert!(access.contains(&"sensitive, always sensitive, local"), "{seen}");
    let without_login = tool(&hsm, &["--list-objects", "--type", "secrkey"]);
    assert!(!without_login.contains("key 1"), "{without_login}");
}
