//! HSMs for tests: real modules, real tokens, real worker processes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keystead_pkcs11::client::{Hsm, HsmSettings, WorkerSettings, Workers};
use keystead_pkcs11::soft_token::{SoftToken, SoftTokenKind};
use keystead_pkcs11::{HsmError, KeyId, KeyInfo, LoginHolder, Pin, Profile};
use tempfile::TempDir;

pub(crate) const LABEL: &str = "a token";

pub(crate) const SO_PIN: &str = "crypto0fficer";
pub(crate) const USER_PIN: &str = "Passw0rd";

pub(crate) fn so_pin() -> Pin {
    Pin::new(SO_PIN)
}

pub(crate) fn user_pin() -> Pin {
    Pin::new(USER_PIN)
}

/// The modules that everything must run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Module {
    Kryoptic,
    Softhsm2,
}

impl Module {
    /// Where it is; a test that misses it says what to run.
    pub(crate) fn path(self) -> PathBuf {
        let path = match self {
            Self::Softhsm2 => PathBuf::from("/usr/lib/softhsm/libsofthsm2.so"),
            Self::Kryoptic => match std::env::var_os("KEYSTEAD_KRYOPTIC_MODULE") {
                Some(path) => path.into(),
                None => Path::new(env!("CARGO_BIN_EXE_hsm-worker-for-tests")).with_file_name("libkryoptic_pkcs11.so"),
            },
        };
        assert!(path.is_file(), "{} is missing: run `make install modules`, or `make test`, once", path.display());
        path
    }

    pub(crate) fn kind(self) -> SoftTokenKind {
        match self {
            Self::Kryoptic => SoftTokenKind::Kryoptic,
            Self::Softhsm2 => SoftTokenKind::Softhsm2,
        }
    }

    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Kryoptic => Profile::kryoptic(),
            Self::Softhsm2 => Profile::softhsm2(),
        }
    }
}

/// Folders and workers of one test.
pub(crate) struct Rig {
    pub(crate) module: Module,
    pub(crate) folder: TempDir,
    pub(crate) workers: Arc<Workers>,
    hsms: AtomicU32,
}

impl Rig {
    pub(crate) fn new(module: Module) -> Self {
        Self::with_settings(module, |_| {})
    }

    pub(crate) fn with_settings(module: Module, change: impl FnOnce(&mut WorkerSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = worker_settings(folder.path());
        change(&mut settings);
        Self { module, folder, workers: Workers::new(settings), hsms: AtomicU32::new(0) }
    }

    /// Where the workers' sockets are.
    pub(crate) fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Settings of a new HSM whose token is blank.
    pub(crate) fn blank(&self) -> HsmSettings {
        let name = format!("hsm-{}", self.hsms.fetch_add(1, Ordering::Relaxed));
        let home = self.folder.path().join(&name);
        self.settings(&name, SoftToken::create(self.module.kind(), &home.join("token")).unwrap())
    }

    pub(crate) fn settings(&self, name: &str, token: SoftToken) -> HsmSettings {
        HsmSettings {
            hsm_id: name.to_owned(),
            module: self.module.path(),
            profile: self.module.profile(),
            environment: token.environment,
            token_label: None,
            token_serial: None,
            token_storage: Some(token.token_storage),
            state_folder: self.folder.path().join(name).join("state"),
        }
    }

    /// A worker for these settings that has its token.
    pub(crate) async fn start(&self, settings: HsmSettings) -> Arc<Hsm> {
        let hsm = self.workers.hsm(settings);
        hsm.status().await.unwrap();
        hsm
    }

    /// An HSM with a user, whom nobody is logged in as.
    pub(crate) async fn active(&self) -> Arc<Hsm> {
        let mut settings = self.blank();
        let hsm = self.start(settings.clone()).await;
        settings.token_serial = Some(hsm.initialize_token(LABEL, &so_pin()).await.unwrap());
        let hsm = self.start(settings).await;
        hsm.initialize_user_pin(&so_pin(), &user_pin()).await.unwrap();
        hsm
    }

    /// An HSM that KMS is logged in to.
    pub(crate) async fn connected(&self) -> Arc<Hsm> {
        let hsm = self.active().await;
        hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
        hsm
    }

    /// An HSM that KMS is logged in to, with a key.
    pub(crate) async fn with_key(&self) -> (Arc<Hsm>, KeyId) {
        let hsm = self.connected().await;
        let key = generate(&hsm, 1).await;
        (hsm, key.id)
    }
}

pub(crate) fn worker_settings(folder: &Path) -> WorkerSettings {
    WorkerSettings {
        program: env!("CARGO_BIN_EXE_hsm-worker-for-tests").into(),
        socket_folder: folder.join("run"),
        call_timeout: Duration::from_secs(10),
        start_timeout: Duration::from_secs(20),
        memory_bytes_max: 1 << 30,
        strikes_max: 5,
        probe_interval: Duration::from_millis(100),
    }
}

pub(crate) async fn generate(hsm: &Hsm, number: u8) -> KeyInfo {
    hsm.generate_key(&KeyId(vec![number; 16]), &format!("key {number}"), false).await.unwrap()
}

/// Asks again until the answer is what it must become.
pub(crate) async fn until<T, F: Future<Output = T>>(
    what: &str,
    mut ask: impl FnMut() -> F,
    is_right: impl Fn(&T) -> bool,
) -> T {
    const PATIENCE: Duration = Duration::from_secs(30);
    let started = std::time::Instant::now();
    loop {
        let answer = ask().await;
        if is_right(&answer) {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not come to be");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs `pkcs11-tool` on the HSM's token, as somebody else would; what it says.
pub(crate) fn tool(hsm: &Hsm, arguments: &[&str]) -> String {
    let settings = hsm.settings();
    let output = std::process::Command::new("pkcs11-tool")
        .arg("--module")
        .arg(&settings.module)
        .args(arguments)
        .envs(&settings.environment)
        .output()
        .expect("pkcs11-tool is missing: run `make install` once");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The process of the HSM's worker.
pub(crate) fn worker_process(rig: &Rig, hsm: &Hsm) -> Option<rustix::process::Pid> {
    let start_file = rig.run_folder().join(format!("{}.json", hsm.settings().hsm_id));
    std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let entry = entry.unwrap();
        let command = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let is_it = command.split('\0').any(|argument| Path::new(argument) == start_file);
        is_it.then(|| rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)).flatten()
    })
}

/// `kill -9` of the HSM's worker.
pub(crate) fn kill_worker(rig: &Rig, hsm: &Hsm) {
    if let Some(process) = worker_process(rig, hsm) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}

pub(crate) fn is_lost<T>(result: &Result<T, HsmError>) -> bool {
    matches!(result, Err(HsmError::Lost(_)))
}

/// Makes of each function with a module a test on kryoptic and one on SoftHSM 2.
macro_rules! on_both_modules {
    ($($test:ident),+ $(,)?) => {
        mod on_kryoptic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::support::Module::Kryoptic).await;
            })+
        }

        mod on_softhsm2 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::support::Module::Softhsm2).await;
            })+
        }
    };
}

pub(crate) use on_both_modules;
