//! Sign through the API against a bare loop over the same signatures on one core.
//!
//! What HTTP, signature verification, audit and all that cost is taken off: it is what the server spends on a GenerateMac, which goes the same
//! way and has next to no cryptography in it. What a Sign costs above that is compared with a bare signature.

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::interleaved::{Party, compared, run};
use super::{Add, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::keystead::{Keystead, Mode};
use crate::kms_call::KmsServer;
use crate::latencies::Latencies;
use crate::load::{Load, Round};
use crate::process::Server;
use crate::report::{Figure, Goal, Measurement, Unit};

const CONNECTIONS: usize = 16;
const MESSAGE_BYTES: usize = 256;
/// Bare signature against the processor time of a Sign above that of a GenerateMac.
const RATIO: Goal = Goal::AtLeast(0.8);

/// Makes one signature.
type BareSigner = Box<dyn FnMut() -> Result<(), Failure>>;

struct Algorithm {
    id: &'static str,
    key_spec: &'static str,
    signing_algorithm: &'static str,
    bare: fn() -> Result<BareSigner, Failure>,
}

const ALGORITHMS: [Algorithm; 2] = [
    Algorithm { id: "p256", key_spec: "ECC_NIST_P256", signing_algorithm: "ECDSA_SHA_256", bare: bare_p256 },
    Algorithm {
        id: "rsa2048",
        key_spec: "RSA_2048",
        signing_algorithm: "RSASSA_PKCS1_V1_5_SHA_256",
        bare: bare_rsa2048,
    },
];

/// Measures each algorithm. The audit log is not synced: what the disk takes is no processor time.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let mode = Mode { tls: false, fsync: false };
    let folder = keystead.new_data_folder("signing", mode)?;
    let server = keystead.serve(&folder, mode)?;
    let kms = folder.kms(&server, mode.tls)?;
    for algorithm in &ALGORITHMS {
        add(algorithm.measure(&server, &kms, extent)?)?;
    }
    server.stop()
}

impl Algorithm {
    fn measure(&self, server: &Server, kms: &KmsServer, extent: Extent) -> Result<Measurement, Failure> {
        let message = STANDARD.encode(plaintext(MESSAGE_BYTES));
        let sign_key = kms.create_key(&json!({"KeySpec": self.key_spec, "KeyUsage": "SIGN_VERIFY"}))?;
        let mac_key = kms.create_key(&json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}))?;
        let sign = json!({"KeyId": sign_key, "Message": message, "SigningAlgorithm": self.signing_algorithm});
        let mac = json!({"KeyId": mac_key, "Message": message, "MacAlgorithm": "HMAC_SHA_256"});
        let mut parties = [
            Party::new("bare loop, one thread", [], bare_loop((self.bare)()?)),
            party("Sign", server, kms, &sign)?,
            party("GenerateMac", server, kms, &mac)?,
        ];
        run(&mut parties, extent.round, extent.rounds)?;
        let [bare, sign, mac] = &parties;
        let bare_us = compared(bare, bare, |bare, _| 1e6 / bare.requests_per_second);
        let above_us = compared(sign, mac, |sign, mac| sign.cpu_us_per_request - mac.cpu_us_per_request);
        Ok(Measurement {
            id: format!("signing_{}", self.id),
            title: format!("Sign of {MESSAGE_BYTES} bytes, {}, {CONNECTIONS} connections", self.key_spec),
            series: parties.iter().map(Party::series).collect(),
            figures: vec![
                Figure::new("bare signature", bare_us, Unit::Microseconds, None),
                Figure::new("processor time of a Sign above a GenerateMac", above_us, Unit::Microseconds, None),
                Figure::new("bare rate reached, HTTP's cost taken off", bare_us / above_us, Unit::Ratio, Some(RATIO)),
            ],
        })
    }
}

fn party(operation: &str, server: &Server, kms: &KmsServer, input: &Value) -> Result<Party, Failure> {
    let mut load = Load::for_closed_loop(&kms.target(operation, input)?, CONNECTIONS)?;
    Ok(Party::new(operation, [server.pid()], move |duration| load.closed_loop(duration)))
}

fn bare_loop(mut sign: BareSigner) -> impl FnMut(Duration) -> Result<Round, Failure> {
    move |duration| {
        let begin = Instant::now();
        let mut latencies = Vec::new();
        let mut last = begin;
        while last - begin < duration {
            sign()?;
            let now = Instant::now();
            latencies.push(now - last);
            last = now;
        }
        Ok(Round { latencies: Latencies::new(latencies), elapsed: last - begin })
    }
}

fn bare_p256() -> Result<BareSigner, Failure> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| "no P-256 key")?;
    let (random, message) = (SystemRandom::new(), plaintext(MESSAGE_BYTES));
    Ok(Box::new(move || key.sign(&random, &message).map(drop).map_err(|_| "no signature".into())))
}

fn bare_rsa2048() -> Result<BareSigner, Failure> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
    let (random, message) = (SystemRandom::new(), plaintext(MESSAGE_BYTES));
    let mut signature = vec![0; key.public_modulus_len()];
    Ok(Box::new(move || {
        key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).map_err(|_| "no signature".into())
    }))
}
