//! Load on persistent connections: as fast as answers come, or at a fixed rate.

use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::set_current_timer_slack;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failure;
use crate::connection::{Connection, Target};
use crate::latencies::Latencies;

/// Time between the order to begin and the first request of a paced round, so that every thread is there.
const LEAD: Duration = Duration::from_millis(20);

/// Open connections to one server. Each thread drives its own with a runtime of its own, so that no request changes threads.
pub(crate) struct Load {
    target: Target,
    workers: Vec<Worker>,
}

struct Worker {
    runtime: Runtime,
    connections: Vec<Connection>,
}

/// What one round showed.
pub(crate) struct Round {
    pub(crate) latencies: Latencies,
    pub(crate) elapsed: Duration,
}

impl Round {
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.latencies.count() as f64 / self.elapsed.as_secs_f64()
    }
}

impl Load {
    /// Opens connections for [`Load::closed_loop`]: spread over as many threads as the machine has processors.
    pub(crate) fn for_closed_loop(target: &Target, connections: usize) -> Result<Self, Failure> {
        let threads = thread::available_parallelism()?.get().min(connections);
        let share = |thread: usize| connections / threads + usize::from(thread < connections % threads);
        Self::open(target, (0..threads).map(share))
    }

    /// Opens connections for [`Load::open_loop`]: a thread for each, since each waits for its own points in time.
    pub(crate) fn for_open_loop(target: &Target, connections: usize) -> Result<Self, Failure> {
        Self::open(target, std::iter::repeat_n(1, connections))
    }

    fn open(target: &Target, connections: impl Iterator<Item = usize>) -> Result<Self, Failure> {
        let workers = connections.map(|count| Worker::open(target, count)).collect::<Result<_, _>>()?;
        Ok(Self { target: target.clone(), workers })
    }

    /// Sends on each connection the next request when the last was answered, for `duration`. Fails if any request does.
    pub(crate) fn closed_loop(&mut self, duration: Duration) -> Result<Round, Failure> {
        self.on_every_worker(Worker::wake)?;
        let begin = Instant::now();
        let until = begin + duration;
        let latencies = self.on_every_worker(|worker, _, _| worker.closed_loop(until))?;
        Ok(Round { latencies, elapsed: begin.elapsed() })
    }

    /// Sends `requests_per_second` evenly for `duration`, whether answers come or not, the connections taking turns.
    ///
    /// A latency counts from the point in time at which the request was due, not from when it could be sent: an answer that is late
    /// makes the requests behind it late, and that shows (no coordinated omission). Fails if any request does.
    pub(crate) fn open_loop(&mut self, requests_per_second: u32, duration: Duration) -> Result<Round, Failure> {
        self.on_every_worker(Worker::wake)?;
        let interval = Duration::from_secs(1) / requests_per_second;
        let turn = interval * u32::try_from(self.workers.len())?;
        let begin = Instant::now() + LEAD;
        let until = begin + duration;
        let latencies = self.on_every_worker(|worker, _, index| {
            let first = begin + interval * u32::try_from(index)?;
            worker.open_loop(first, turn, until)
        })?;
        Ok(Round { latencies, elapsed: begin.elapsed() })
    }

    fn on_every_worker(
        &mut self,
        work: impl Fn(&mut Worker, &Target, usize) -> Result<Vec<Duration>, Failure> + Sync,
    ) -> Result<Latencies, Failure> {
        thread::scope(|scope| {
            let (work, target) = (&work, &self.target);
            let threads: Vec<_> = self
                .workers
                .iter_mut()
                .enumerate()
                .map(|(index, worker)| scope.spawn(move || work(worker, target, index)))
                .collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().map_err(|_| "a load thread panicked")??);
            }
            Ok(Latencies::new(all))
        })
    }
}

impl Worker {
    fn open(target: &Target, count: usize) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connections = runtime.block_on(async {
            let mut connections = Vec::with_capacity(count);
            for _ in 0..count {
                connections.push(Connection::open(target).await?);
            }
            Ok::<_, Failure>(connections)
        })?;
        Ok(Self { runtime, connections })
    }

    /// Sends a request on each connection that does not count. A server ends connections that were without a request for long, as in
    /// the turns of other parties; such a one is opened again.
    fn wake(&mut self, target: &Target, _index: usize) -> Result<Vec<Duration>, Failure> {
        self.runtime.block_on(async {
            for connection in &mut self.connections {
                if connection.call().await.is_err() {
                    *connection = Connection::open(target).await?;
                    connection.call().await?;
                }
            }
            Ok(Vec::new())
        })
    }

    fn closed_loop(&mut self, until: Instant) -> Result<Vec<Duration>, Failure> {
        let connections = std::mem::take(&mut self.connections);
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for connection in connections {
                tasks.spawn(repeat(connection, until));
            }
            let mut all = Vec::new();
            while let Some(outcome) = tasks.join_next().await {
                let (connection, latencies) = outcome??;
                self.connections.push(connection);
                all.extend(latencies);
            }
            Ok(all)
        })
    }

    fn open_loop(&mut self, first: Instant, turn: Duration, until: Instant) -> Result<Vec<Duration>, Failure> {
        // A thread wakes up to 50 microseconds late by default, as much as some of what is measured here.
        set_current_timer_slack(NonZeroU64::new(1))?;
        let connection = self.connections.first_mut().ok_or("no connection")?;
        let mut latencies = Vec::new();
        let mut due = first;
        while due < until {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.runtime.block_on(connection.call())?;
            latencies.push(due.elapsed());
            due += turn;
        }
        Ok(latencies)
    }
}

async fn repeat(mut connection: Connection, until: Instant) -> Result<(Connection, Vec<Duration>), Failure> {
    let mut latencies = Vec::new();
    loop {
        let begin = Instant::now();
        if begin >= until {
            return Ok((connection, latencies));
        }
        connection.call().await?;
        latencies.push(begin.elapsed());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::connection::Endpoint;
    use crate::echo_server;
    use crate::request::PreparedRequest;
    use crate::signer::Signer;

    /// An echo server for as long as the runtime lives.
    fn echo_server() -> (Runtime, Target) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(echo_server::serve(listener, None));
        let request = PreparedRequest::kms(&address.to_string(), "Encrypt", &json!({"KeyId": "k"})).unwrap();
        let signer = Signer::for_kms("AKIAEXAMPLEEXAMPLE22", "an example, not a secret", "us-east-1");
        (runtime, Target { endpoint: Endpoint::plain(address), request: Arc::new(request), signer })
    }

    #[test]
    fn a_closed_loop_goes_on_over_rounds() {
        let (_runtime, target) = echo_server();
        let mut load = Load::for_closed_loop(&target, 5).unwrap();
        for _ in 0..2 {
            let round = load.closed_loop(Duration::from_millis(20)).unwrap();
            assert!(round.latencies.count() >= 5);
            assert!(round.requests_per_second() > 0.0);
        }
        assert_eq!(load.workers.iter().map(|worker| worker.connections.len()).sum::<usize>(), 5);
    }

    #[test]
    fn an_open_loop_sends_what_is_due() {
        let (_runtime, target) = echo_server();
        let mut load = Load::for_open_loop(&target, 3).unwrap();
        let round = load.open_loop(500, Duration::from_millis(100)).unwrap();
        assert_eq!(round.latencies.count(), 50);
    }

    #[test]
    fn a_server_that_goes_away_is_an_error() {
        let (runtime, target) = echo_server();
        let mut load = Load::for_closed_loop(&target, 2).unwrap();
        drop(runtime);
        assert!(load.closed_loop(Duration::from_millis(20)).is_err());
        assert!(Load::for_closed_loop(&target, 1).is_err());
    }
}
