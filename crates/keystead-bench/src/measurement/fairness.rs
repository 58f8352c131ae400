//! Encrypt of one account at a fixed rate, alone and while another account calls as often as it can, far above its quota.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use toml::Value as Toml;

use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::{Connection, Target};
use crate::data_folder::{DataFolder, signer_of};
use crate::keystead::{DEFAULT_MODE, Keystead};
use crate::kms_call::KmsServer;
use crate::load::{Load, Round};
use crate::report::{Figure, Measurement, Series, Unit};

const CONNECTIONS: usize = 8;
const REQUESTS_PER_SECOND: u32 = 500;
/// Each account's quota of cryptographic requests a second.
const QUOTA: i64 = 1000;

/// Measures latencies. Nothing of the account that keeps to its quota may fail.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let folder = keystead.new_data_folder("fairness", DEFAULT_MODE)?;
    set_quota(&folder)?;
    let other = keystead.admin(&folder, &["accounts", "create", "--name", "other"])?;
    let other = keystead.admin(&folder, &["access-keys", "create", "--account", other.trim()])?;
    let server = keystead.serve(&folder, DEFAULT_MODE)?;
    let kms = folder.kms(&server, DEFAULT_MODE.tls)?;
    let others_kms = KmsServer { signer: signer_of(&other)?, ..kms.clone() };
    let mut load = Load::for_open_loop(&encrypt(&kms)?, CONNECTIONS)?;
    let flood = encrypt(&others_kms)?;
    let duration = extent.round * extent.rounds.min(3);
    let alone = load.open_loop(REQUESTS_PER_SECOND, duration)?;
    let (meanwhile, flooded) = while_flooded(&flood, || load.open_loop(REQUESTS_PER_SECOND, duration))?;
    let p99 = |round: &Round| round.latencies.quantile_us(0.99);
    let p50 = |round: &Round| round.latencies.quantile_us(0.5);
    add(Measurement {
        id: "fairness".to_owned(),
        title: format!(
            "{REQUESTS_PER_SECOND} Encrypts/s of one account while another calls {:.0} times a second, {QUOTA} allowed",
            f64::from(flooded) / meanwhile.elapsed.as_secs_f64()
        ),
        series: vec![Series::of_round("alone", &alone), Series::of_round("while another is throttled", &meanwhile)],
        figures: vec![
            Figure::new("p50: ratio to alone", p50(&meanwhile) / p50(&alone), Unit::Ratio, None),
            Figure::new("p99: ratio to alone", p99(&meanwhile) / p99(&alone), Unit::Ratio, None),
        ],
    })?;
    server.stop()
}

fn set_quota(folder: &DataFolder) -> Result<(), Failure> {
    folder.change_configuration(|config| {
        let per_second = toml::Table::from_iter([("CryptographicOperationsSymmetric".to_owned(), QUOTA.into())]);
        let quotas = [("enabled".to_owned(), true.into()), ("per_second".to_owned(), Toml::Table(per_second))];
        config.insert("request_quotas".to_owned(), Toml::Table(toml::Table::from_iter(quotas)));
    })
}

fn encrypt(kms: &KmsServer) -> Result<Target, Failure> {
    let key_id = kms.create_key(&json!({}))?;
    kms.target("Encrypt", &json!({"KeyId": key_id, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))}))
}

/// Runs `work` while the other account sends on each connection the next request when the last was answered; how many those were.
fn while_flooded(target: &Target, work: impl FnOnce() -> Result<Round, Failure>) -> Result<(Round, u32), Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let (target, over) = (target.clone(), over.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(flood(target, over))
        }
    });
    let round = work();
    over.store(true, Ordering::Relaxed);
    let sent = flood.join().map_err(|_| "the thread that floods panicked")??;
    Ok((round?, sent))
}

async fn flood(target: Target, over: Arc<AtomicBool>) -> Result<u32, Failure> {
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (target, over) = (target.clone(), over.clone());
        connections.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let mut sent = 0;
            while !over.load(Ordering::Relaxed) {
                let (status, body) = connection.send(&target.request).await?;
                if status != StatusCode::OK && status != StatusCode::BAD_REQUEST {
                    return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
                }
                sent += 1;
            }
            Ok::<u32, Failure>(sent)
        });
    }
    let mut sent = 0;
    while let Some(one) = connections.join_next().await {
        sent += one??;
    }
    Ok(sent)
}
