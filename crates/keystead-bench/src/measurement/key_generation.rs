//! Encrypt at a fixed rate, alone and while RSA-4096 keys are made without pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::keystead::{DEFAULT_MODE, Keystead};
use crate::kms_call::KmsServer;
use crate::load::{Load, Round};
use crate::report::{Figure, Measurement, Series, Unit};

const CONNECTIONS: usize = 16;
const REQUESTS_PER_SECOND: u32 = 500;
/// Rounds are longer than others': a key takes a second and more.
const ROUNDS_IN_ONE: u32 = 5;

/// Measures latencies. Nothing may fail.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let folder = keystead.new_data_folder("key-generation", DEFAULT_MODE)?;
    let server = keystead.serve(&folder, DEFAULT_MODE)?;
    let kms = folder.kms(&server, DEFAULT_MODE.tls)?;
    let key_id = kms.create_key(&json!({}))?;
    let input = json!({"KeyId": key_id, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))});
    let mut load = Load::for_open_loop(&kms.target("Encrypt", &input)?, CONNECTIONS)?;
    let duration = extent.round * extent.rounds.min(ROUNDS_IN_ONE);
    let alone = load.open_loop(REQUESTS_PER_SECOND, duration)?;
    let (meanwhile, made) = while_keys_are_made(&kms, || load.open_loop(REQUESTS_PER_SECOND, duration))?;
    let p99 = |round: &Round| round.latencies.quantile_us(0.99);
    add(Measurement {
        id: "key_generation".to_owned(),
        title: format!("{REQUESTS_PER_SECOND} Encrypts/s while RSA-4096 keys are made ({made} of them)"),
        series: vec![Series::of_round("alone", &alone), Series::of_round("while keys are made", &meanwhile)],
        figures: vec![
            Figure::new("p99 alone", p99(&alone), Unit::Microseconds, None),
            Figure::new("p99 while keys are made", p99(&meanwhile), Unit::Microseconds, None),
            Figure::new("ratio", p99(&meanwhile) / p99(&alone), Unit::Ratio, None),
        ],
    })?;
    server.stop()
}

/// Runs `work` while a client makes one RSA-4096 key after another; how many it made.
fn while_keys_are_made(
    kms: &KmsServer,
    work: impl FnOnce() -> Result<Round, Failure>,
) -> Result<(Round, u32), Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let maker = std::thread::spawn({
        let (kms, over) = (kms.clone(), over.clone());
        move || {
            let mut made = 0;
            while !over.load(Ordering::Relaxed) {
                kms.create_key(&json!({"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"}))?;
                made += 1;
            }
            Ok::<_, Failure>(made)
        }
    });
    // The first key is begun before the first request is due.
    std::thread::sleep(Duration::from_millis(50));
    let round = work();
    over.store(true, Ordering::Relaxed);
    let made = maker.join().map_err(|_| "the thread that makes keys panicked")??;
    Ok((round?, made))
}
