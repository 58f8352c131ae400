//! The circuit breaker: a proxy that is down costs its callers one budget each for a few calls, then nothing for a pause.
//!
//! A state machine without I/O or clock: time comes in as an argument.
//!
//! | state | a call | an answer | a failure to reach the proxy |
//! |---|---|---|---|
//! | Closed | goes through | forgets earlier failures | the N-th in a row opens |
//! | Open, pausing | is refused | closes | changes nothing |
//! | Open, pause over | goes through as the trial | closes | changes nothing |
//! | Trial | is refused | closes | the trial's own: opens with twice the pause |

use std::time::{Duration, Instant};

use keystead_core::key_store::UnreachableKind;

/// When a key store's circuit opens, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerPolicy {
    /// How many calls in a row must fail to reach the proxy; at least 1.
    pub failures_to_open: u32,
    /// The first pause.
    pub pause: Duration,
    /// The pause doubles with each trial that fails, up to this.
    pub pause_max: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures_to_open: 5, pause: Duration::from_secs(1), pause_max: Duration::from_secs(10) }
    }
}

/// What changed for the key store's users, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Calls are refused for this long.
    Opened { pause: Duration, kind: UnreachableKind },
    /// Calls go through again.
    Closed,
}

/// The right to make one call. Every admission ends in `on_answer`, `on_failure` or `on_abandoned`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Admission {
    role: Role,
    /// How often the circuit had opened before: a failure from before the last opening says nothing new.
    openings: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Ordinary,
    /// The one call that decides whether an open circuit closes.
    Trial,
    /// Asked for by a person (create, update, connect): never refused.
    Probe,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration, kind: UnreachableKind },
    Trial { pause: Duration, kind: UnreachableKind },
}

/// One key store's circuit.
#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: State,
    openings: u64,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy) -> Self {
        Self { policy, state: State::Closed { failures: 0 }, openings: 0 }
    }

    /// Lets a call through, or says what kind of failure opened the circuit.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Admission, UnreachableKind> {
        match self.state {
            State::Closed { .. } => Ok(self.admission(Role::Ordinary)),
            State::Open { until, pause, kind } if now >= until => {
                self.state = State::Trial { pause, kind };
                Ok(self.admission(Role::Trial))
            }
            State::Open { kind, .. } | State::Trial { kind, .. } => Err(kind),
        }
    }

    /// Lets a call through whatever the state.
    pub(crate) fn admit_probe(&self) -> Admission {
        self.admission(Role::Probe)
    }

    fn admission(&self, role: Role) -> Admission {
        Admission { role, openings: self.openings }
    }

    /// For a call that had to wait after its admission: refused if the circuit opened meanwhile.
    pub(crate) fn confirm(&self, admission: Admission) -> Result<(), UnreachableKind> {
        match self.state {
            State::Open { kind, .. } | State::Trial { kind, .. } if admission.role == Role::Ordinary => Err(kind),
            _ => Ok(()),
        }
    }

    /// The proxy answered, if only with an error: the way to it is proven.
    pub(crate) fn on_answer(&mut self) -> Option<Change> {
        let was_closed = self.is_closed();
        self.state = State::Closed { failures: 0 };
        (!was_closed).then_some(Change::Closed)
    }

    /// The proxy was not reached.
    pub(crate) fn on_failure(&mut self, admission: Admission, kind: UnreachableKind, now: Instant) -> Option<Change> {
        if admission.openings != self.openings {
            return None;
        }
        match self.state {
            State::Closed { failures } if failures + 1 >= self.policy.failures_to_open => {
                Some(self.open(self.policy.pause, kind, now))
            }
            State::Closed { failures } => {
                self.state = State::Closed { failures: failures + 1 };
                None
            }
            State::Trial { pause, .. } if admission.role == Role::Trial => {
                let longer = pause.saturating_mul(2).min(self.policy.pause_max);
                Some(self.open(longer, kind, now))
            }
            State::Open { .. } | State::Trial { .. } => None,
        }
    }

    /// The call ended without saying anything about the proxy. If it was the trial, the next call is one.
    pub(crate) fn on_abandoned(&mut self, admission: Admission, now: Instant) {
        if admission.openings != self.openings {
            return;
        }
        if let (State::Trial { pause, kind }, Role::Trial) = (self.state, admission.role) {
            self.state = State::Open { until: now, pause, kind };
        }
    }

    /// Whether calls go through without further ado.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    fn open(&mut self, pause: Duration, kind: UnreachableKind, now: Instant) -> Change {
        self.openings += 1;
        self.state = State::Open { until: now + pause, pause, kind };
        Change::Opened { pause, kind }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const KIND: UnreachableKind = UnreachableKind::Network;
    const POLICY: BreakerPolicy =
        BreakerPolicy { failures_to_open: 3, pause: Duration::from_secs(1), pause_max: Duration::from_secs(3) };

    /// What happens to the breaker, and what must come of it.
    enum Step {
        Call(Result<(), UnreachableKind>),
        Answer(Option<Change>),
        Fail(UnreachableKind, Option<Change>),
        Abandon,
        Wait(Duration),
    }
    use Step::*;

    fn opened(seconds: u64, kind: UnreachableKind) -> Option<Change> {
        Some(Change::Opened { pause: Duration::from_secs(seconds), kind })
    }

    /// Plays `steps`; outcomes belong to the latest admitted call.
    fn play(name: &str, steps: &[Step]) {
        let mut breaker = Breaker::new(POLICY);
        let mut now = Instant::now();
        let mut latest = breaker.admit_probe();
        for (index, step) in steps.iter().enumerate() {
            let place = format!("{name}, step {index}");
            match step {
                Call(expected) => match breaker.admit(now) {
                    Ok(admission) => {
                        assert_eq!(Ok(()), *expected, "{place}");
                        latest = admission;
                    }
                    Err(kind) => assert_eq!(Err(kind), *expected, "{place}"),
                },
                Answer(change) => assert_eq!(breaker.on_answer(), *change, "{place}"),
                Fail(kind, change) => {
                    assert_eq!(breaker.on_failure(latest, *kind, now), *change, "{place}");
                }
                Abandon => breaker.on_abandoned(latest, now),
                Wait(time) => now += *time,
            }
        }
    }

    #[test]
    fn transitions() {
        let second = Duration::from_secs(1);
        let down = || vec![Fail(KIND, None), Fail(KIND, None), Fail(KIND, opened(1, KIND))];
        let then = |more: Vec<Step>| down().into_iter().chain(more).collect::<Vec<_>>();
        let tls = UnreachableKind::Tls;
        let table: Vec<(&str, Vec<Step>)> = vec![
            ("closed lets calls through", vec![Call(Ok(())), Call(Ok(()))]),
            ("the third failure opens", then(vec![Call(Err(KIND))])),
            (
                "an answer between failures starts the count again",
                vec![
                    Fail(KIND, None),
                    Fail(KIND, None),
                    Answer(None),
                    Fail(KIND, None),
                    Fail(KIND, None),
                    Call(Ok(())),
                ],
            ),
            (
                "the last failure's kind is repeated",
                vec![Fail(KIND, None), Fail(KIND, None), Fail(tls, opened(1, tls)), Call(Err(tls))],
            ),
            (
                "after the pause one call is the trial and the others wait",
                then(vec![Wait(second), Call(Ok(())), Call(Err(KIND)), Call(Err(KIND))]),
            ),
            (
                "a good trial closes",
                then(vec![Wait(second), Call(Ok(())), Answer(Some(Change::Closed)), Call(Ok(())), Call(Ok(()))]),
            ),
            (
                "a failed trial doubles the pause, up to the longest",
                then(vec![
                    Wait(second),
                    Call(Ok(())),
                    Fail(tls, opened(2, tls)),
                    Wait(second),
                    Call(Err(tls)),
                    Wait(second),
                    Call(Ok(())),
                    Fail(KIND, opened(3, KIND)),
                    Wait(second * 3),
                    Call(Ok(())),
                    Fail(KIND, opened(3, KIND)),
                ]),
            ),
            (
                "the pause starts small again after an answer",
                then(vec![
                    Wait(second),
                    Call(Ok(())),
                    Fail(KIND, opened(2, KIND)),
                    Answer(Some(Change::Closed)),
                    Call(Ok(())),
                    Fail(KIND, None),
                    Fail(KIND, None),
                    Fail(KIND, opened(1, KIND)),
                ]),
            ),
            (
                "an abandoned trial leaves the next call to be one",
                then(vec![Wait(second), Call(Ok(())), Abandon, Call(Ok(())), Call(Err(KIND))]),
            ),
            (
                "a late answer of a call in flight closes at once",
                then(vec![Call(Err(KIND)), Answer(Some(Change::Closed)), Call(Ok(()))]),
            ),
        ];
        for (name, steps) in table {
            play(name, &steps);
        }
    }

    #[test]
    fn calls_in_flight_when_it_opened_count_once() {
        let now = Instant::now();
        let mut breaker = Breaker::new(POLICY);
        let in_flight: Vec<_> = (0..10).map(|_| breaker.admit(now).unwrap()).collect();
        let changes: Vec<_> =
            in_flight.iter().filter_map(|admission| breaker.on_failure(*admission, KIND, now)).collect();
        assert_eq!(changes.len(), 1);
        let trial = breaker.admit(now + POLICY.pause).unwrap();
        assert_eq!(breaker.on_failure(in_flight[9], KIND, now), None);
        assert_eq!(breaker.on_failure(trial, KIND, now), opened(2, KIND), "only the trial decides");
    }

    #[test]
    fn probes_pass_an_open_circuit_and_their_answer_closes_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(POLICY);
        let waiting = breaker.admit(now).unwrap();
        for _ in 0..3 {
            let admission = breaker.admit(now).unwrap();
            breaker.on_failure(admission, KIND, now);
        }
        assert_eq!(breaker.confirm(waiting), Err(KIND));
        let probe = breaker.admit_probe();
        assert_eq!(breaker.confirm(probe), Ok(()));
        assert_eq!(breaker.on_failure(probe, KIND, now), None);
        assert!(breaker.admit(now).is_err());
        assert_eq!(breaker.on_answer(), Some(Change::Closed));
        assert!(breaker.admit(now).is_ok());
    }
}
