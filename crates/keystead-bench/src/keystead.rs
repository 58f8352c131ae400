//! The binary that is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::data_folder::DataFolder;
use crate::process::{Processes, Server};

/// Variables by this prefix configure Keystead; what the caller's shell has of them would change what is measured.
const VARIABLE_PREFIX: &str = "KEYSTEAD";

/// How a server is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mode {
    /// Over TLS instead of plain HTTP.
    pub(crate) tls: bool,
    /// With an audit log that is synced before an answer leaves: the default.
    pub(crate) fsync: bool,
}

/// Which PKCS #11 module the sample cluster's tokens have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HsmModule {
    Kryoptic,
    Softhsm2,
}

impl HsmModule {
    fn name(self) -> &'static str {
        match self {
            Self::Kryoptic => "kryoptic",
            Self::Softhsm2 => "softhsm2",
        }
    }
}

/// How long making the sample cluster may take.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(60);

/// The default: plain HTTP, audit log synced.
pub(crate) const DEFAULT_MODE: Mode = Mode { tls: false, fsync: true };

/// The binary, and where its servers' data goes.
pub(crate) struct Keystead {
    program: PathBuf,
    processes: Arc<Processes>,
    work_folder: PathBuf,
}

impl Keystead {
    /// Fails if there is no such program.
    pub(crate) fn new(program: &Path, processes: Arc<Processes>, work_folder: &Path) -> Result<Self, Failure> {
        let program = program
            .canonicalize()
            .map_err(|error| format!("{}: {error}; build it, or name another with --keystead", program.display()))?;
        Ok(Self { program, processes, work_folder: work_folder.to_owned() })
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn processes(&self) -> &Arc<Processes> {
        &self.processes
    }

    pub(crate) fn work_folder(&self) -> &Path {
        &self.work_folder
    }

    /// A data folder that a first `keystead dev` has filled and left.
    pub(crate) fn new_data_folder(&self, name: &str, mode: Mode) -> Result<DataFolder, Failure> {
        let folder = DataFolder::new(self.work_folder.join(name));
        std::fs::create_dir(folder.path())?;
        self.dev(&folder, mode)?.stop()?;
        Ok(folder)
    }

    /// A data folder that a first `keystead dev` has filled and left, with a sample cluster of HSMs.
    pub(crate) fn new_hsm_data_folder(&self, name: &str, mode: Mode, module: HsmModule) -> Result<DataFolder, Failure> {
        let folder = DataFolder::new(self.work_folder.join(name));
        std::fs::create_dir(folder.path())?;
        let server = self.dev_with_hsms(&folder, mode, module)?;
        let deadline = Instant::now() + CLUSTER_PATIENCE;
        while !folder.file("create-cloudhsm-key-store.json").exists() {
            if Instant::now() > deadline {
                return Err(server.explain("the sample cluster is not made"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server.stop()?;
        Ok(folder)
    }

    /// Starts `keystead dev` on a folder, without HSMs.
    pub(crate) fn dev(&self, folder: &DataFolder, mode: Mode) -> Result<Server, Failure> {
        let mut command = self.dev_command(folder, mode);
        command.arg("--no-hsm");
        self.processes.start(command, &folder.file("dev.log"))
    }

    /// Starts `keystead dev` on a folder, with its sample cluster of HSMs, and without the quota of a key store.
    pub(crate) fn dev_with_hsms(&self, folder: &DataFolder, mode: Mode, module: HsmModule) -> Result<Server, Failure> {
        let mut command = self.dev_command(folder, mode);
        command.env("KEYSTEAD__HSM__MODULE", module.name());
        command.env("KEYSTEAD__CUSTOM_KEY_STORES__REQUESTS_PER_SECOND", "1000000");
        self.processes.start(command, &folder.file("dev.log"))
    }

    fn dev_command(&self, folder: &DataFolder, mode: Mode) -> Command {
        let mut command = self.command(mode);
        command.args(["dev", "--listen", "127.0.0.1:0", "--connection-transition-ms", "0", "--data-dir"]);
        command.arg(folder.path());
        if mode.tls {
            command.arg("--tls");
        }
        command
    }

    /// Starts `keystead serve` on a folder that `keystead dev` has left; whether it serves TLS was decided there.
    pub(crate) fn serve(&self, folder: &DataFolder, mode: Mode) -> Result<Server, Failure> {
        let mut command = self.command(mode);
        command.args(["serve", "--config"]).arg(folder.file("keystead.toml"));
        self.processes.start(command, &folder.file("serve.log"))
    }

    /// Runs `keystead admin` on a folder and returns what it prints.
    pub(crate) fn admin(&self, folder: &DataFolder, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = self.command(DEFAULT_MODE);
        command.args(["admin", "--config"]).arg(folder.file("keystead.toml")).args(arguments);
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("admin {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, mode: Mode) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(VARIABLE_PREFIX)) {
            command.env_remove(name);
        }
        if !mode.fsync {
            command.env("KEYSTEAD__AUDIT__FSYNC", "false");
        }
        command
    }
}
