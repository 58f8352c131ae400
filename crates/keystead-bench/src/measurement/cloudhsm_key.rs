//! Encrypt under a key of an AWS CloudHSM key store against a bare loop over C_Encrypt, and an HSM that is lost under load.
//!
//! The loop has the same module, as many tokens (a process each, as Keystead's workers are) and as many sessions. Both share the two
//! processors with this program, which for KMS is a client that signs besides.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_pkcs11::Profile;
use keystead_pkcs11::soft_token::SoftTokenKind;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::interleaved::{Party, compared, run};
use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::Target;
use crate::keystead::{HsmModule, Keystead, Mode};
use crate::latencies::Latencies;
use crate::load::{Load, Round};
use crate::pkcs11_loop::{Pkcs11Loop, module_path};
use crate::process::Server;
use crate::process_usage::children_named;
use crate::report::{Figure, Goal, Measurement, Series, Unit};

/// As many callers as the goal for the rate is for.
const CONNECTIONS: usize = 16;
/// The HSMs of the sample cluster of `keystead dev`.
const HSMS: usize = 2;
const RATIO: Goal = Goal::AtLeast(0.9);
const ADDED_P50_US: Goal = Goal::AtMost(150.0);
/// Load under which an HSM is lost: below the quota of a key store, and well below what the HSM that stays can do.
const LOSS_REQUESTS_PER_SECOND: u32 = 500;
/// The second in which an HSM is lost begins this much before it.
const BEFORE_LOSS: Duration = Duration::from_millis(200);
const WORKER: &str = "hsm-worker";

/// Measures with both modules; the loss with the default one.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    for (kind, profile) in
        [(SoftTokenKind::Kryoptic, Profile::kryoptic()), (SoftTokenKind::Softhsm2, Profile::softhsm2())]
    {
        for fsync in [true, false] {
            let bench = Bench::start(keystead, kind, fsync)?;
            let sessions = usize::try_from(profile.session_cap)?.min(CONNECTIONS / HSMS);
            add(bench.rate(sessions, extent)?)?;
            add(bench.light_load(extent)?)?;
            if kind == SoftTokenKind::Kryoptic && fsync {
                add(bench.loss()?)?;
            }
        }
    }
    Ok(())
}

/// A server with a connected key store and a key in it, and the loops beside it.
struct Bench {
    label: String,
    id: String,
    fsync: bool,
    server: Server,
    encrypt: Target,
    loop_folder: std::path::PathBuf,
    module: std::path::PathBuf,
    kind: SoftTokenKind,
}

impl Bench {
    fn start(keystead: &Keystead, kind: SoftTokenKind, fsync: bool) -> Result<Self, Failure> {
        let (name, module_name) = match kind {
            SoftTokenKind::Kryoptic => ("kryoptic", HsmModule::Kryoptic),
            SoftTokenKind::Softhsm2 => ("softhsm2", HsmModule::Softhsm2),
        };
        let id = format!("cloudhsm_key_{name}{}", if fsync { "" } else { "_no_fsync" });
        let mode = Mode { tls: false, fsync };
        let folder = keystead.new_hsm_data_folder(&id, mode, module_name)?;
        let server = keystead.dev_with_hsms(&folder, mode, module_name)?;
        let prepare = || {
            let kms = folder.kms(&server, false)?;
            let created = kms.call("CreateCustomKeyStore", &folder.create_cloudhsm_key_store_input()?)?;
            let key_store = crate::kms_call::text(&created, "/CustomKeyStoreId")?;
            kms.connect(&key_store)?;
            let key = kms.create_key(&json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": key_store}))?;
            kms.target("Encrypt", &json!({"KeyId": key, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))}))
        };
        let encrypt = prepare().map_err(|error: Failure| server.explain(&error.to_string()))?;
        Ok(Self {
            label: format!("{name}{}", if fsync { "" } else { ", audit fsync off" }),
            id: id.clone(),
            fsync,
            server,
            encrypt,
            loop_folder: keystead.work_folder().join(format!("{id}-loop")),
            module: module_path(kind, keystead.program()),
            kind,
        })
    }

    /// Server and workers: all that works for an Encrypt.
    fn pids(&self) -> Result<Vec<u32>, Failure> {
        let mut pids = children_named(self.server.pid(), WORKER)?;
        pids.push(self.server.pid());
        Ok(pids)
    }

    fn loops(&self, name: &str, tokens: usize, sessions: usize) -> Result<Party, Failure> {
        let mut loops = (0..tokens)
            .map(|index| {
                let folder = self.loop_folder.join(format!("{name}-{index}"));
                Pkcs11Loop::start(self.kind, &self.module, &folder, PLAINTEXT_BYTES)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let pids: Vec<u32> = loops.iter().map(Pkcs11Loop::pid).collect();
        Ok(Party::new("bare loop over C_Encrypt", pids, move |duration| {
            loops.iter_mut().try_for_each(|one| one.begin(sessions, duration))?;
            let latencies = loops.iter_mut().map(Pkcs11Loop::finish).collect::<Result<Vec<_>, _>>()?;
            Ok(Round { latencies: Latencies::new(latencies.concat()), elapsed: duration })
        }))
    }

    fn goal(&self, goal: Goal) -> Option<Goal> {
        // The goals are for the defaults.
        (self.fsync && self.kind == SoftTokenKind::Kryoptic).then_some(goal)
    }

    fn rate(&self, sessions: usize, extent: Extent) -> Result<Measurement, Failure> {
        let mut load = Load::for_closed_loop(&self.encrypt, CONNECTIONS)?;
        let through_kms = Party::new("through KMS", self.pids()?, move |duration| load.closed_loop(duration));
        let mut parties = [self.loops("rate", HSMS, sessions)?, through_kms];
        run(&mut parties, extent.round, extent.rounds)?;
        let [bare, kms] = &parties;
        let ratio = compared(kms, bare, |kms, bare| kms.requests_per_second / bare.requests_per_second);
        Ok(Measurement {
            id: format!("{}_rate", self.id),
            title: format!(
                "Encrypt of 1 KiB, CloudHSM key, {}, {CONNECTIONS} connections, {HSMS} HSMs, {sessions} sessions each",
                self.label
            ),
            series: parties.iter().map(Party::series).collect(),
            figures: vec![Figure::new("ratio to the bare loop", ratio, Unit::Ratio, self.goal(RATIO))],
        })
    }

    /// One request at a time, on both sides: at a fixed rate the machine would fall asleep in between, and that would be measured.
    fn light_load(&self, extent: Extent) -> Result<Measurement, Failure> {
        let mut load = Load::for_closed_loop(&self.encrypt, 1)?;
        let through_kms = Party::new("through KMS", self.pids()?, move |duration| load.closed_loop(duration));
        let mut parties = [self.loops("light", 1, 1)?, through_kms];
        run(&mut parties, extent.round, extent.rounds)?;
        let [bare, kms] = &parties;
        let added = compared(kms, bare, |kms, bare| kms.p50_us - bare.p50_us);
        Ok(Measurement {
            id: format!("{}_light_load", self.id),
            title: format!("Encrypt of 1 KiB, CloudHSM key, {}, one request at a time", self.label),
            series: parties.iter().map(Party::series).collect(),
            figures: vec![Figure::new("added by KMS at p50", added, Unit::Microseconds, self.goal(ADDED_P50_US))],
        })
    }

    /// A second as usual, then the second in which an HSM's worker is killed. Fails if any request does.
    fn loss(&self) -> Result<Measurement, Failure> {
        let mut load = Load::for_open_loop(&self.encrypt, CONNECTIONS)?;
        let mut second = |loss: bool| {
            let victim = children_named(self.server.pid(), WORKER)?.first().copied().filter(|_| loss);
            let killer = std::thread::spawn(move || {
                std::thread::sleep(BEFORE_LOSS);
                victim.map(kill)
            });
            let round = load.open_loop(LOSS_REQUESTS_PER_SECOND, Duration::from_secs(1))?;
            match killer.join().map_err(|_| "the thread that kills panicked")? {
                Some(killed) => killed.map(|()| round),
                None if loss => Err("no worker to kill".into()),
                None => Ok(round),
            }
        };
        let rounds = [("as usual", second(false)?), ("an HSM is lost", second(true)?)];
        let [_, (_, lost)] = &rounds;
        let p99 = lost.latencies.quantile_us(0.99);
        Ok(Measurement {
            id: format!("{}_loss", self.id),
            title: format!(
                "An HSM lost under {LOSS_REQUESTS_PER_SECOND} Encrypts/s, {}; no request failed",
                self.label
            ),
            series: rounds.iter().map(|(name, round)| Series::of_round(name, round)).collect(),
            figures: vec![Figure::new("p99 of the second in which it is lost", p99, Unit::Microseconds, None)],
        })
    }
}

fn kill(pid: u32) -> Result<(), Failure> {
    let pid = Pid::from_raw(i32::try_from(pid)?).ok_or("no process")?;
    Ok(kill_process(pid, Signal::KILL)?)
}
