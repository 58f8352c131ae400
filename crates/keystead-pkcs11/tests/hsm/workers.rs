//! Worker processes: who starts them, who ends them, who may talk to them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use keystead_pkcs11::client::HsmSettings;

use crate::support::{Module, Rig, is_lost, on_both_modules, until, user_pin, worker_process, worker_settings};

on_both_modules! {
    equal_settings_are_one_hsm_and_others_replace_it,
    removed_workers_are_gone_and_stay_so,
    a_worker_ends_with_its_parent,
    sockets_are_for_this_user_alone,
    no_two_workers_drive_one_token,
    a_worker_has_no_environment_of_the_server,
}

async fn equal_settings_are_one_hsm_and_others_replace_it(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let same = rig.workers.hsm(hsm.settings().clone());
    assert!(Arc::ptr_eq(&hsm, &same));
    let mut settings = hsm.settings().clone();
    settings.profile.session_cap += 1;
    let other = rig.start(settings).await;
    assert!(!Arc::ptr_eq(&hsm, &other));
    until("the end of the first", || hsm.status(), is_lost).await.unwrap_err();
    other.check_so_pin(&crate::support::so_pin()).await.unwrap();
}

async fn removed_workers_are_gone_and_stay_so(module: Module) {
    let rig = Rig::new(module);
    let (one, two) = (rig.active().await, rig.active().await);
    rig.workers.remove(&one.settings().hsm_id).await;
    assert!(worker_process(&rig, &one).is_none());
    assert!(is_lost(&one.status().await) && is_lost(&one.restart().await) && !one.is_available());
    two.status().await.unwrap();
    rig.workers.shut_down().await;
    assert!(worker_process(&rig, &two).is_none());
    assert!(is_lost(&two.status().await));
}

async fn a_worker_ends_with_its_parent(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let id = &hsm.settings().hsm_id;
    let start_file = rig.run_folder().join(format!("{id}.json"));
    rig.workers.shut_down().await;
    let mut worker = Command::new(worker_settings(rig.folder.path()).program)
        .arg("hsm-worker")
        .arg("--settings")
        .arg(start_file)
        .arg("--socket")
        .arg(rig.run_folder().join("other.sock"))
        .envs(&hsm.settings().environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(worker.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "keystead-hsm-worker: ready\n");
    drop(worker.stdin.take());
    worker.wait().unwrap();
}

async fn sockets_are_for_this_user_alone(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let socket = rig.run_folder().join(format!("{}.sock", hsm.settings().hsm_id));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&rig.run_folder()), mode(&socket)), (0o700, 0o600));
}

async fn no_two_workers_drive_one_token(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let settings = HsmSettings { hsm_id: "second".into(), ..hsm.settings().clone() };
    let error = rig.workers.hsm(settings).status().await.unwrap_err();
    assert!(error.to_string().contains("another process drives this HSM"), "{error}");
    hsm.log_in(&user_pin(), keystead_pkcs11::LoginHolder::Kms).await.unwrap();
}

async fn a_worker_has_no_environment_of_the_server(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let process = worker_process(&rig, &hsm).unwrap().as_raw_nonzero();
    let environment = fs::read_to_string(format!("/proc/{process}/environ")).unwrap();
    let mut names: Vec<_> = environment.split_terminator('\0').map(|pair| pair.split('=').next().unwrap()).collect();
    names.sort_unstable();
    let configuration = hsm.settings().environment.keys().next().unwrap();
    let mut expected = [configuration.as_str(), "MALLOC_ARENA_MAX", "MIMALLOC_ARENA_RESERVE"];
    expected.sort_unstable();
    assert_eq!(names, expected);
}
