//! Parties that take turns in short rounds, so that whatever else the machine does meets all of them.

use std::time::Duration;

use crate::Failure;
use crate::latencies::median;
use crate::load::Round;
use crate::process_usage::processor_time;
use crate::report::Series;

/// A server under load.
pub(super) struct Party {
    name: String,
    pids: Vec<u32>,
    drive: Drive,
    rounds: Vec<Observed>,
}

/// Drives one round of the given length.
type Drive = Box<dyn FnMut(Duration) -> Result<Round, Failure>>;

/// What one round showed.
#[derive(Clone, Copy)]
pub(super) struct Observed {
    pub(super) requests_per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) cpu_us_per_request: f64,
}

impl Party {
    /// The processor time of the processes `pids` is counted as the party's.
    pub(super) fn new(
        name: &str,
        pids: impl Into<Vec<u32>>,
        drive: impl FnMut(Duration) -> Result<Round, Failure> + 'static,
    ) -> Self {
        Self { name: name.to_owned(), pids: pids.into(), drive: Box::new(drive), rounds: Vec::new() }
    }

    /// The medians of the rounds.
    pub(super) fn series(&self) -> Series {
        let over_rounds = |value: fn(&Observed) -> f64| median(self.rounds.iter().map(value));
        Series {
            name: self.name.clone(),
            requests_per_second: over_rounds(|round| round.requests_per_second),
            p50_us: over_rounds(|round| round.p50_us),
            p99_us: over_rounds(|round| round.p99_us),
            server_cpu_us_per_request: over_rounds(|round| round.cpu_us_per_request),
        }
    }

    fn run(&mut self, duration: Duration) -> Result<Observed, Failure> {
        let before = self.processor_time()?;
        let round = (self.drive)(duration).map_err(|error| format!("{}: {error}", self.name))?;
        let used = self.processor_time()?.saturating_sub(before);
        Ok(Observed {
            requests_per_second: round.requests_per_second(),
            p50_us: round.latencies.quantile_us(0.5),
            p99_us: round.latencies.quantile_us(0.99),
            cpu_us_per_request: used.as_secs_f64() * 1e6 / round.latencies.count().max(1) as f64,
        })
    }

    fn processor_time(&self) -> Result<Duration, Failure> {
        self.pids.iter().map(|pid| processor_time(*pid)).sum()
    }
}

/// Lets the parties take turns for `rounds` rounds, in alternating order, after a round each that does not count.
pub(super) fn run(parties: &mut [Party], duration: Duration, rounds: u32) -> Result<(), Failure> {
    for party in parties.iter_mut() {
        party.run(duration)?;
    }
    for round in 0..rounds {
        for turn in 0..parties.len() {
            let index = if round % 2 == 0 { turn } else { parties.len() - 1 - turn };
            if let Some(party) = parties.get_mut(index) {
                let observed = party.run(duration)?;
                party.rounds.push(observed);
            }
        }
    }
    Ok(())
}

/// The median over the rounds of `figure` of one party and another in the same round.
pub(super) fn compared(one: &Party, other: &Party, figure: fn(&Observed, &Observed) -> f64) -> f64 {
    median(one.rounds.iter().zip(&other.rounds).map(|(one, other)| figure(one, other)))
}
