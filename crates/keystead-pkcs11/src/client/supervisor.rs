//! Keeps one HSM's worker running.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::link::Link;
use super::process::Process;
use super::state::State;
use super::{Hsm, HsmSettings, WorkerSettings};
use crate::HsmError;

/// The first pause before a new start; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A worker that has run for so long was well.
const WELL_AFTER: Duration = Duration::from_secs(10);

/// Tokio's timers know no shorter one.
const PROBE_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// So many deadlines missed, and no answer in between: the worker hangs.
pub(super) const MISSED_MAX: u32 = 3;

/// What a supervisor is told.
pub(super) enum Command {
    /// A fresh worker, please; the answer tells whether it came to be.
    Restart(oneshot::Sender<Result<(), HsmError>>),
    /// No worker any more.
    End,
}

/// What client and supervisor share.
pub(super) struct Signals {
    pub(super) state: watch::Sender<State>,
    /// Somebody waits for the next start: no pause.
    pub(super) hurry: Notify,
    /// The worker hangs.
    pub(super) hangs: Notify,
    /// Deadlines missed by calls that need a session, since one was answered.
    pub(super) missed_by_sessions: AtomicU32,
    /// The same for other calls, which may well be answered while all sessions hang.
    pub(super) missed_by_control: AtomicU32,
    /// Calls under way that take a token long, so that it may miss deadlines of others.
    pub(super) long_calls: AtomicU32,
}

impl Signals {
    pub(super) fn new() -> Arc<Self> {
        let state = watch::Sender::new(State::Starting { attempt: 1, last: None });
        Arc::new(Self {
            state,
            hurry: Notify::new(),
            hangs: Notify::new(),
            missed_by_sessions: AtomicU32::new(0),
            missed_by_control: AtomicU32::new(0),
            long_calls: AtomicU32::new(0),
        })
    }

    fn is_hanging(&self) -> bool {
        [&self.missed_by_sessions, &self.missed_by_control]
            .into_iter()
            .any(|missed| missed.load(Ordering::Relaxed) >= MISSED_MAX)
    }

    /// A fresh worker has missed nothing.
    fn forget_missed(&self) {
        self.missed_by_sessions.store(0, Ordering::Relaxed);
        self.missed_by_control.store(0, Ordering::Relaxed);
    }
}

/// The task that starts the worker again and again.
pub(super) struct Supervisor {
    pub(super) hsm: Arc<Hsm>,
    pub(super) common: Arc<WorkerSettings>,
    pub(super) commands: mpsc::Receiver<Command>,
    /// The supervisor that had this HSM before: two workers must not share a token.
    pub(super) predecessor: Option<JoinHandle<()>>,
}

/// Why a worker is watched no longer.
enum Outcome {
    Died(String),
    Restart(oneshot::Sender<Result<(), HsmError>>),
    End,
}

impl Supervisor {
    pub(super) async fn run(mut self) {
        if let Some(predecessor) = self.predecessor.take() {
            // It has ended, or has panicked, and then it has no worker either.
            let _ = predecessor.await;
        }
        let mut pause = PAUSE_MIN;
        let mut waiting = None;
        let mut last = None;
        // The log has each reason once, however often a start fails for it.
        let mut told = None;
        for attempt in 1.. {
            self.publish(State::Starting { attempt, last: last.take() });
            let started = Instant::now();
            let outcome = match self.start(&mut waiting).await {
                Ok(process) => self.watch(process).await,
                Err(outcome) => outcome,
            };
            let reason = match outcome {
                Outcome::End => break,
                Outcome::Restart(sender) => {
                    waiting = Some(sender);
                    continue;
                }
                Outcome::Died(reason) => reason,
            };
            if told.as_ref() != Some(&reason) {
                tracing::warn!(hsm = %self.settings().hsm_id, "the HSM is lost: {reason}");
                told = Some(reason.clone());
            }
            self.publish(State::Down { attempt, reason: reason.clone() });
            if let Some(sender) = waiting.take() {
                answer(sender, Err(HsmError::Lost(reason.clone())));
            }
            if started.elapsed() >= WELL_AFTER {
                pause = PAUSE_MIN;
            }
            match self.rest(pause).await {
                None => pause = (pause * 2).min(PAUSE_MAX),
                Some(Outcome::Restart(sender)) => waiting = Some(sender),
                Some(Outcome::End | Outcome::Died(_)) => break,
            }
            last = Some(reason);
        }
        self.publish(State::Ended);
    }

    /// Starts a worker, unless it is told to end.
    async fn start(&mut self, waiting: &mut Option<oneshot::Sender<Result<(), HsmError>>>) -> Result<Process, Outcome> {
        let hsm = self.hsm.clone();
        let start = Process::start(hsm.settings(), &self.common);
        tokio::pin!(start);
        let process = loop {
            tokio::select! {
                started = &mut start => break started.map_err(Outcome::Died)?,
                command = self.commands.recv() => match command {
                    // The one that is being started is fresh.
                    Some(Command::Restart(sender)) => if let Some(earlier) = waiting.replace(sender) {
                        answer(earlier, Err(HsmError::Lost("its worker was restarted once more".into())));
                    },
                    Some(Command::End) | None => return Err(Outcome::End),
                },
            }
        };
        self.hsm.signals().forget_missed();
        self.publish(State::Up(Arc::new(Link::new(process.socket.clone()))));
        if let Some(sender) = waiting.take() {
            answer(sender, Ok(()));
        }
        Ok(process)
    }

    /// Watches a worker until it is no more.
    async fn watch(&mut self, mut process: Process) -> Outcome {
        let signals = self.hsm.signals().clone();
        let mut probe: Option<JoinHandle<()>> = None;
        let mut probe_time = interval(self.common.probe_interval.max(PROBE_INTERVAL_MIN));
        probe_time.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                reason = process.wait() => return Outcome::Died(reason),
                _ = probe_time.tick() => if probe.as_ref().is_none_or(JoinHandle::is_finished) {
                    probe = Some(self.probe());
                },
                // It may be the worker before this one that did.
                () = signals.hangs.notified() => {
                    if signals.is_hanging() {
                        process.kill().await;
                        return Outcome::Died("its worker did not answer any more and was killed".into());
                    }
                }
                command = self.commands.recv() => {
                    let reason = "its worker is being started anew".into();
                    self.publish(State::Starting { attempt: 0, last: Some(reason) });
                    process.end().await;
                    return match command {
                        Some(Command::Restart(sender)) => Outcome::Restart(sender),
                        Some(Command::End) | None => Outcome::End,
                    };
                }
            }
        }
    }

    /// Asks a worker how it is; the answer, or that there is none, is counted as for every call.
    fn probe(&self) -> JoinHandle<()> {
        let hsm = self.hsm.clone();
        tokio::spawn(async move {
            if let Err(error) = hsm.probe().await {
                tracing::debug!(hsm = %hsm.settings().hsm_id, "the probe failed: {error}");
            }
        })
    }

    /// Waits before the next start; `None` when it is time, or somebody waits for it.
    async fn rest(&mut self, pause: Duration) -> Option<Outcome> {
        let signals = self.hsm.signals().clone();
        // However much somebody is in a hurry, a module that fails at once is not tried without end.
        sleep(PAUSE_MIN).await;
        tokio::select! {
            () = sleep(pause.saturating_sub(PAUSE_MIN)) => None,
            () = signals.hurry.notified() => None,
            command = self.commands.recv() => Some(match command {
                Some(Command::Restart(sender)) => Outcome::Restart(sender),
                Some(Command::End) | None => Outcome::End,
            }),
        }
    }

    fn publish(&self, state: State) {
        self.hsm.signals().state.send_replace(state);
    }

    fn settings(&self) -> &HsmSettings {
        self.hsm.settings()
    }
}

/// Whoever asked may no longer wait.
fn answer(sender: oneshot::Sender<Result<(), HsmError>>, result: Result<(), HsmError>) {
    let _ = sender.send(result);
}
