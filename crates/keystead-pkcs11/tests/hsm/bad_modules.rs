//! Modules that are none, crash, hang, or answer nonsense: each a clear failure, and nothing waits longer than its deadline.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use keystead_pkcs11::client::{Hsm, HsmSettings};
use keystead_pkcs11::{HsmError, KeyId, LoginHolder};

use crate::support::{LABEL, Module, Rig, is_lost, kill_worker, so_pin, until, user_pin};

/// Compiles `bad_module.c`, which behaves as `misbehaviour` says; it may stand before SoftHSM 2.
fn compile(folder: &Path, misbehaviour: &str) -> PathBuf {
    let module = folder.join(format!("{misbehaviour}.so"));
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&module)
        .arg(format!("-D{misbehaviour}"))
        .arg(format!("-DREAL_MODULE=\"{}\"", Module::Softhsm2.path().display()))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hsm/support/bad_module.c"))
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(status.success());
    module
}

/// Why a worker of this module does not come to serve.
async fn reason_of(module: &Path) -> String {
    reason_on(Rig::new(Module::Softhsm2), module).await
}

async fn reason_on(rig: Rig, module: &Path) -> String {
    let settings = HsmSettings { module: module.to_owned(), ..rig.blank() };
    let hsm = rig.workers.hsm(settings);
    assert!(is_lost(&hsm.encrypt(&KeyId(vec![1]), b"x", b"").await));
    let reason = hsm.status().await.unwrap_err();
    assert!(matches!(reason, HsmError::Lost(_)));
    assert!(!hsm.is_available());
    assert!(is_lost(&hsm.restart().await));
    reason.to_string()
}

#[tokio::test]
async fn a_module_that_is_not_there() {
    let reason = reason_of(Path::new("/nowhere/module.so")).await;
    assert!(reason.contains("/nowhere/module.so cannot be loaded"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_no_module() {
    let reason = reason_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).await;
    assert!(reason.contains("cannot be loaded"), "{reason}");
}

#[tokio::test]
async fn a_library_that_is_no_module() {
    let folder = tempfile::tempdir().unwrap();
    let reason = reason_of(&compile(folder.path(), "NO_FUNCTION_LIST")).await;
    assert!(reason.contains("cannot be loaded"), "{reason}");
}

#[tokio::test]
async fn a_module_that_crashes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let reason = reason_of(&compile(folder.path(), "ABORT_AT_ONCE")).await;
    assert!(reason.contains("ended by signal 6") && reason.contains("ABORT_AT_ONCE.so"), "{reason}");
}

#[tokio::test]
async fn a_module_without_functions() {
    let folder = tempfile::tempdir().unwrap();
    let reason = reason_of(&compile(folder.path(), "NULL_FUNCTION_LIST")).await;
    assert!(reason.contains("ended by signal") && reason.contains("NULL_FUNCTION_LIST.so"), "{reason}");
}

#[tokio::test]
async fn a_module_that_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let reason = reason_of(&compile(folder.path(), "FAIL_AT_ONCE")).await;
    assert!(reason.contains("cannot be loaded"), "{reason}");
}

#[tokio::test]
async fn a_module_that_hangs_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with_settings(Module::Softhsm2, |settings| settings.start_timeout = Duration::from_secs(1));
    let reason = reason_on(rig, &compile(folder.path(), "HANG_AT_ONCE")).await;
    assert!(reason.contains("did not open the token within 1000 ms"), "{reason}");
}

/// The time of a call where a module hangs: tests wait for it to pass, and honest calls on the way there must not come near it.
const HANG_LIMIT: Duration = Duration::from_secs(2);

/// A file that the module makes when it hangs.
fn marker(rig: &Rig) -> PathBuf {
    rig.folder.path().join("hangs")
}

/// An HSM whose module does as `misbehaviour` says in `C_Encrypt`, and all else as SoftHSM 2.
async fn misbehaving(rig: &Rig, misbehaviour: &str) -> (Arc<Hsm>, KeyId) {
    let (hsm, key) = rig.with_key().await;
    let module = compile(rig.folder.path(), misbehaviour);
    let mut settings = HsmSettings { module, ..hsm.settings().clone() };
    settings.profile.session_cap = 1;
    settings.environment.insert("BAD_MODULE_MARKER".into(), marker(rig).to_str().unwrap().into());
    let hsm = rig.start(settings).await;
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    (hsm, key)
}

#[tokio::test]
async fn a_module_that_crashes_in_a_call() {
    let rig = Rig::new(Module::Softhsm2);
    let (hsm, key) = misbehaving(&rig, "ABORT_IN_ENCRYPT").await;
    assert!(is_lost(&hsm.encrypt(&key, b"x", b"").await));
    until("the return", || hsm.status(), Result::is_ok).await.unwrap();
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::NotLoggedIn);
}

#[tokio::test]
async fn a_module_that_answers_nonsense() {
    let rig = Rig::new(Module::Softhsm2);
    let (hsm, key) = misbehaving(&rig, "NONSENSE_IN_ENCRYPT").await;
    assert!(matches!(hsm.encrypt(&key, b"x", b"").await, Err(HsmError::Module(_))));
    hsm.generate_random(8).await.unwrap();
}

#[tokio::test]
async fn a_module_that_hangs_in_a_call_is_ended() {
    let rig = Rig::with_settings(Module::Softhsm2, |settings| settings.call_timeout = HANG_LIMIT);
    let (hsm, key) = misbehaving(&rig, "HANG_IN_ENCRYPT").await;
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::TimedOut);
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::NoSession);
    // What answers still, does.
    assert_eq!(hsm.status().await.unwrap().login, Some(LoginHolder::Kms));
    until(
        "the end of the worker",
        || hsm.encrypt(&key, b"x", b""),
        |answer| matches!(answer, Err(HsmError::Lost(_) | HsmError::NotLoggedIn)),
    )
    .await
    .unwrap_err();
}

#[tokio::test]
async fn a_module_that_hangs_is_ended_although_its_callers_give_up_early_and_stay_away() {
    let rig = Rig::with_settings(Module::Softhsm2, |settings| settings.call_timeout = HANG_LIMIT);
    let (hsm, key) = misbehaving(&rig, "HANG_IN_ENCRYPT").await;
    let impatiently = || async {
        // As everybody does who has another HSM to ask.
        if !hsm.is_available() {
            return Err(HsmError::NoSession);
        }
        let answer = tokio::time::timeout(HANG_LIMIT * 4 / 5, hsm.encrypt(&key, b"x", b"")).await;
        answer.unwrap_or(Err(HsmError::TimedOut))
    };
    until("the end of the worker", impatiently, |answer| {
        matches!(answer, Err(HsmError::Lost(_) | HsmError::NotLoggedIn))
    })
    .await
    .unwrap_err();
}

#[tokio::test]
async fn a_pending_call_is_answered_when_the_worker_is_killed() {
    let rig = Rig::with_settings(Module::Softhsm2, |settings| settings.call_timeout = Duration::from_secs(600));
    let (hsm, key) = misbehaving(&rig, "HANG_IN_ENCRYPT").await;
    let pending = tokio::spawn({
        let (hsm, key) = (hsm.clone(), key.clone());
        async move { hsm.encrypt(&key, b"x", b"").await }
    });
    until("the call", || async { marker(&rig).exists() }, |exists| *exists).await;
    kill_worker(&rig, &hsm);
    assert!(is_lost(&pending.await.unwrap()));
}

#[tokio::test]
async fn a_module_that_cannot_begin_anew_costs_the_worker_and_not_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Module::Softhsm2);
    let settings = HsmSettings { module: compile(folder.path(), "FAIL_IN_FINALIZE"), ..rig.blank() };
    let hsm = rig.start(settings).await;
    hsm.initialize_token(LABEL, &so_pin()).await.unwrap_err();
    let status = until("a fresh worker", || hsm.status(), Result::is_ok).await.unwrap();
    assert!(status.initialized);
    hsm.check_so_pin(&so_pin()).await.unwrap();
}
