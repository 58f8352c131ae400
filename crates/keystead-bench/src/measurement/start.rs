//! Time from the start of the process to its first answer on an existing data folder, and memory.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::Connection;
use crate::data_folder::DataFolder;
use crate::keystead::{DEFAULT_MODE, Keystead};
use crate::latencies::median;
use crate::process::Server;
use crate::process_usage::resident_bytes;
use crate::report::{Figure, Goal, Measurement, Unit};

/// design.md, "Speed".
const FIRST_ANSWER_MS: Goal = Goal::AtMost(300.0);
const IDLE_MEMORY_MB: Goal = Goal::AtMost(40.0);
/// After so many requests memory is looked at once more.
const REQUESTS: usize = 1000;

/// What one start showed.
struct Start {
    ready_ms: f64,
    first_answer_ms: f64,
    ready_memory_mb: f64,
    used_memory_mb: f64,
}

/// How a server is started.
type Begin = fn(&Keystead, &DataFolder) -> Result<Server, Failure>;

/// Measures `keystead serve` and `keystead dev`.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let folder = keystead.new_data_folder("start", DEFAULT_MODE)?;
    let server = keystead.serve(&folder, DEFAULT_MODE)?;
    let key_id = folder.kms(&server, DEFAULT_MODE.tls)?.create_key(&json!({}))?;
    server.stop()?;
    let commands: [(&str, Begin); 2] = [
        ("serve", |keystead, folder| keystead.serve(folder, DEFAULT_MODE)),
        ("dev", |keystead, folder| keystead.dev(folder, DEFAULT_MODE)),
    ];
    for (command, begin) in commands {
        let starts = (0..extent.starts)
            .map(|_| start(begin(keystead, &folder)?, &folder, &key_id))
            .collect::<Result<Vec<_>, _>>()?;
        add(measurement(command, &starts))?;
    }
    Ok(())
}

fn start(server: Server, folder: &DataFolder, key_id: &str) -> Result<Start, Failure> {
    let ready_memory_mb = megabytes(resident_bytes(server.pid())?);
    let input = json!({"KeyId": key_id, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))});
    let target = folder.kms(&server, DEFAULT_MODE.tls)?.target("Encrypt", &input)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let first_answer = runtime.block_on(async {
        let mut connection = Connection::open(&target).await?;
        connection.call().await?;
        let first_answer = Instant::now();
        for _ in 1..REQUESTS {
            connection.call().await?;
        }
        Ok::<_, Failure>(first_answer)
    });
    let first_answer = first_answer.map_err(|error| server.explain(&error.to_string()))?;
    let start = Start {
        ready_ms: milliseconds(server.ready_after()),
        first_answer_ms: milliseconds(first_answer - server.started()),
        ready_memory_mb,
        used_memory_mb: megabytes(resident_bytes(server.pid())?),
    };
    server.stop()?;
    Ok(start)
}

fn measurement(command: &str, starts: &[Start]) -> Measurement {
    let over_starts = |value: fn(&Start) -> f64| median(starts.iter().map(value));
    let ms = |name: &str, value, goal| Figure::new(name, value, Unit::Milliseconds, goal);
    let mb = |name: &str, value| Figure::new(name, value, Unit::Megabytes, Some(IDLE_MEMORY_MB));
    let slowest = starts.iter().map(|start| start.ready_ms).fold(0.0, f64::max);
    Measurement {
        id: format!("start_{command}"),
        title: format!("Start of `keystead {command}` on an existing data folder, median of {}", starts.len()),
        series: Vec::new(),
        figures: vec![
            ms("until the ready line", over_starts(|start| start.ready_ms), Some(FIRST_ANSWER_MS)),
            ms("until the ready line, slowest", slowest, None),
            ms("until the first answer", over_starts(|start| start.first_answer_ms), Some(FIRST_ANSWER_MS)),
            mb("resident memory when ready", over_starts(|start| start.ready_memory_mb)),
            mb("resident memory after 1,000 requests", over_starts(|start| start.used_memory_mb)),
        ],
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
