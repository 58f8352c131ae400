//! `[hsm]`: clusters of HSMs, and the processes that drive them.

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use keystead_cloudhsm::{CloudHsmSettings, Quotas, SoftModule};
use keystead_hsm::HsmBackendSettings;
use keystead_model::arn::Region;
use keystead_pkcs11::Profile;
use keystead_pkcs11::client::WorkerSettings;
use keystead_pkcs11::soft_token::SoftTokenKind;
use serde::Deserialize;

use super::number::{DAY_MS, DURATION_MS, DURATION_OR_NONE_MS, Number};

/// The module of kryoptic, as its build names it.
const KRYOPTIC_MODULE: &str = "libkryoptic_pkcs11.so";
/// Where Debian has SoftHSM 2.
const SOFTHSM2_MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// A worker with less cannot load its module.
const WORKER_MEMORY_BYTES: RangeInclusive<u64> = 64 * 1024 * 1024..=64 * 1024 * 1024 * 1024;
/// A lock after one wrong password is of no use to anybody; PKCS#11 modules lock after ten or so by themselves.
const LOGIN_STRIKES: RangeInclusive<u64> = 2..=100;
/// CloudHSM API Reference, "BackupRetentionPolicy".
const BACKUP_RETENTION_DAYS: RangeInclusive<u64> = 7..=379;

/// `[hsm]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HsmConfig {
    /// What the tokens of new clusters are made with; clusters that exist keep theirs. Default kryoptic.
    pub(crate) module: SoftModuleName,
    /// The PKCS#11 module of kryoptic. Default: `libkryoptic_pkcs11.so` beside the executable.
    pub(crate) kryoptic_module: Option<PathBuf>,
    /// The PKCS#11 module of SoftHSM 2. Default `/usr/lib/softhsm/libsofthsm2.so`.
    pub(crate) softhsm2_module: PathBuf,
    /// Time for a call to an HSM, in milliseconds. Default 5000.
    pub(crate) call_timeout_ms: u64,
    /// Time from the start of an HSM's worker process to its first answer, in milliseconds. Default 10000.
    pub(crate) worker_start_timeout_ms: u64,
    /// Greatest address space of a worker process, in bytes. Default 2147483648.
    pub(crate) worker_memory_bytes_max: u64,
    /// Wrong passwords in a row that lock an HSM's user. Default 5.
    pub(crate) login_strikes_max: u32,
    /// Time between looks whether the token of an idle worker is still there, in milliseconds. Default 1000.
    pub(crate) probe_interval_ms: u64,
    /// The least time that clusters, HSMs and backups spend in states that pass by themselves, in milliseconds. Default 500.
    pub(crate) transition_min_ms: u64,
    /// How long an HSM may be out of reach until it is shown as DEGRADED, in milliseconds. Default 5000.
    pub(crate) degraded_after_ms: u64,
    /// How long clusters and backups are shown as DELETED, in milliseconds. Default 3600000.
    pub(crate) deleted_shown_for_ms: u64,
    /// Time between backups that nobody asked for, in milliseconds. Default 86400000: a day.
    pub(crate) backup_interval_ms: u64,
    /// How long backups are kept unless CreateCluster says otherwise, in days. Default 90.
    pub(crate) backup_retention_days: u16,
}

/// What new tokens are made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SoftModuleName {
    Kryoptic,
    Softhsm2,
    /// Nothing: CreateCluster is refused, and all clusters are registered.
    None,
}

impl Default for HsmConfig {
    fn default() -> Self {
        Self {
            module: SoftModuleName::Kryoptic,
            kryoptic_module: None,
            softhsm2_module: PathBuf::from(SOFTHSM2_MODULE),
            call_timeout_ms: 5000,
            worker_start_timeout_ms: 10_000,
            worker_memory_bytes_max: 2 * 1024 * 1024 * 1024,
            login_strikes_max: 5,
            probe_interval_ms: 1000,
            transition_min_ms: 500,
            degraded_after_ms: 5000,
            deleted_shown_for_ms: 60 * 60 * 1000,
            backup_interval_ms: DAY_MS,
            backup_retention_days: 90,
        }
    }
}

impl HsmConfig {
    /// The paths that are relative to the folder of the configuration file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.kryoptic_module.iter_mut().chain([&mut self.softhsm2_module])
    }

    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [
            Number::new("hsm.call_timeout_ms", self.call_timeout_ms, DURATION_MS),
            Number::new("hsm.worker_start_timeout_ms", self.worker_start_timeout_ms, DURATION_MS),
            Number::new("hsm.worker_memory_bytes_max", self.worker_memory_bytes_max, WORKER_MEMORY_BYTES),
            Number::new("hsm.login_strikes_max", self.login_strikes_max, LOGIN_STRIKES),
            Number::new("hsm.probe_interval_ms", self.probe_interval_ms, DURATION_MS),
            Number::new("hsm.transition_min_ms", self.transition_min_ms, DURATION_OR_NONE_MS),
            Number::new("hsm.degraded_after_ms", self.degraded_after_ms, DURATION_OR_NONE_MS),
            Number::new("hsm.deleted_shown_for_ms", self.deleted_shown_for_ms, DURATION_OR_NONE_MS),
            Number::new("hsm.backup_interval_ms", self.backup_interval_ms, DURATION_MS),
            Number::new("hsm.backup_retention_days", self.backup_retention_days, BACKUP_RETENTION_DAYS),
        ]
    }

    /// What all workers have in common. `socket_folder`: a short path to a folder for this user alone.
    pub(crate) fn workers(&self, socket_folder: PathBuf) -> io::Result<WorkerSettings> {
        Ok(WorkerSettings {
            program: std::env::current_exe()?,
            socket_folder,
            call_timeout: Duration::from_millis(self.call_timeout_ms),
            start_timeout: Duration::from_millis(self.worker_start_timeout_ms),
            memory_bytes_max: self.worker_memory_bytes_max,
            strikes_max: self.login_strikes_max,
            probe_interval: Duration::from_millis(self.probe_interval_ms),
        })
    }

    /// What the CloudHSM service is to know. `data_folder`: an absolute path.
    pub(crate) fn cloudhsm(&self, region: Region, data_folder: PathBuf) -> io::Result<CloudHsmSettings> {
        Ok(CloudHsmSettings {
            region,
            data_folder,
            soft_module: self.soft_module()?,
            soft_modules: vec![self.kryoptic()?, self.softhsm2()],
            backup_retention_days: self.backup_retention_days,
            backup_interval: Duration::from_millis(self.backup_interval_ms),
            transition_min: Duration::from_millis(self.transition_min_ms),
            degraded_after: Duration::from_millis(self.degraded_after_ms),
            deleted_shown_for: Duration::from_millis(self.deleted_shown_for_ms),
            quotas: Quotas::default(),
        })
    }

    /// How patient KMS is with the HSMs of a key store: when one of them hangs, there is as much time left to ask another.
    pub(crate) fn backend(&self) -> HsmBackendSettings {
        HsmBackendSettings {
            call_timeout: 2 * Duration::from_millis(self.call_timeout_ms),
            ..HsmBackendSettings::default()
        }
    }

    /// What new tokens are made with. Whether the file is there, CreateHsm tells: KMS serves without it.
    pub(crate) fn soft_module(&self) -> io::Result<Option<SoftModule>> {
        match self.module {
            SoftModuleName::Kryoptic => self.kryoptic().map(Some),
            SoftModuleName::Softhsm2 => Ok(Some(self.softhsm2())),
            SoftModuleName::None => Ok(None),
        }
    }

    fn kryoptic(&self) -> io::Result<SoftModule> {
        let (kind, module) = (SoftTokenKind::Kryoptic, self.kryoptic_module()?);
        Ok(SoftModule { kind, module, profile: Profile::kryoptic() })
    }

    fn softhsm2(&self) -> SoftModule {
        let (kind, module) = (SoftTokenKind::Softhsm2, self.softhsm2_module.clone());
        SoftModule { kind, module, profile: Profile::softhsm2() }
    }

    fn kryoptic_module(&self) -> io::Result<PathBuf> {
        match &self.kryoptic_module {
            Some(module) => Ok(module.clone()),
            None => Ok(std::env::current_exe()?.with_file_name(KRYOPTIC_MODULE)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::smallest;

    #[test]
    fn the_module_is_beside_the_executable_unless_it_is_named() {
        let config = HsmConfig::default();
        let module = config.soft_module().unwrap().unwrap();
        assert_eq!(module.kind, SoftTokenKind::Kryoptic);
        assert_eq!(module.module, std::env::current_exe().unwrap().parent().unwrap().join(KRYOPTIC_MODULE));
        let config = smallest::with("[hsm]\nkryoptic_module = 'modules/kryoptic.so'\n").unwrap().hsm;
        assert_eq!(config.soft_module().unwrap().unwrap().module, Path::new("/etc/keystead/modules/kryoptic.so"));
        assert_eq!(config.softhsm2_module, Path::new(SOFTHSM2_MODULE));
    }

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            ("[hsm]\nmodule = 'opencryptoki'\n", "opencryptoki"),
            ("[hsm]\nbackup_retention_days = 6\n", "hsm.backup_retention_days must be 7 to 379"),
            ("[hsm]\nlogin_strikes = 5\n", "login_strikes"),
        ]);
    }

    #[test]
    fn each_name_of_a_module_is_one() {
        for (name, kind) in
            [("kryoptic", Some(SoftTokenKind::Kryoptic)), ("softhsm2", Some(SoftTokenKind::Softhsm2)), ("none", None)]
        {
            let config: HsmConfig = toml::from_str(&format!("module = '{name}'")).unwrap();
            assert_eq!(config.soft_module().unwrap().map(|module| module.kind), kind);
        }
        assert!(toml::from_str::<HsmConfig>("module = 'other'").unwrap_err().to_string().contains("softhsm2"));
    }
}
