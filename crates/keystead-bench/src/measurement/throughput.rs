//! Encrypt and Decrypt of 1 KiB under an AWS_KMS key, against a bare server that echoes the same bytes to the same client.

use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::interleaved::{Party, compared, run};
use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::Target;
use crate::data_folder::DataFolder;
use crate::keystead::{Keystead, Mode};
use crate::kms_call::{KmsServer, text};
use crate::load::Load;
use crate::process::Server;
use crate::report::{Figure, Goal, Measurement, Unit};

const CONNECTIONS: [usize; 2] = [1, 64];
/// design.md, "Speed".
const RATIO: Goal = Goal::AtLeast(0.5);

/// A KMS with a key, and its process.
struct MeasuredKms {
    server: Server,
    kms: KmsServer,
    key_id: String,
}

/// The servers that are compared, over the same transport.
struct Compared {
    echo: Server,
    /// As by default.
    kms: MeasuredKms,
    /// With an audit log that is not synced: what the disk takes of the time.
    without_fsync: MeasuredKms,
}

/// An operation to measure.
struct Operation {
    name: &'static str,
    input: fn(&MeasuredKms) -> Result<Value, Failure>,
}

const OPERATIONS: [Operation; 2] = [
    Operation { name: "Encrypt", input: |kms| Ok(encrypt_input(kms)) },
    Operation { name: "Decrypt", input: decrypt_input },
];

/// Measures every operation over every transport and number of connections.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    for tls in [false, true] {
        let servers = Compared::start(keystead, tls)?;
        for connections in CONNECTIONS {
            for operation in &OPERATIONS {
                add(servers.measure(operation, tls, connections, extent)?)?;
            }
        }
    }
    Ok(())
}

impl Compared {
    fn start(keystead: &Keystead, tls: bool) -> Result<Self, Failure> {
        let transport = if tls { "tls" } else { "plain" };
        let start = |name: &str, fsync| {
            let mode = Mode { tls, fsync };
            let folder = keystead.new_data_folder(&format!("{name}-{transport}"), mode)?;
            let measured = MeasuredKms::start(keystead, &folder, mode)?;
            Ok::<_, Failure>((folder, measured))
        };
        let (folder, kms) = start("fsync", true)?;
        let (_, without_fsync) = start("no-fsync", false)?;
        Ok(Self { echo: start_echo_server(keystead, tls.then_some(&folder))?, kms, without_fsync })
    }

    fn measure(
        &self,
        operation: &Operation,
        tls: bool,
        connections: usize,
        extent: Extent,
    ) -> Result<Measurement, Failure> {
        let mut parties = [
            closed_loop("echo", self.echo.pid(), &self.echo_target(operation)?, connections)?,
            self.kms.party("keystead", operation, connections)?,
            self.without_fsync.party("keystead, audit fsync off", operation, connections)?,
        ];
        run(&mut parties, extent.round, extent.rounds)?;

        let [echo, kms, without_fsync] = &parties;
        let ratio = |party| compared(party, echo, |one, other| one.requests_per_second / other.requests_per_second);
        let (id, transport) = if tls { ("tls", "TLS") } else { ("plain", "plain HTTP") };
        let noun = if connections == 1 { "connection" } else { "connections" };
        Ok(Measurement {
            id: format!("throughput_{}_{connections}_{id}", operation.name.to_lowercase()),
            title: format!("{} of 1 KiB, AWS_KMS key, {transport}, {connections} {noun}", operation.name),
            series: parties.iter().map(Party::series).collect(),
            figures: vec![
                Figure::new("ratio to echo", ratio(kms), Unit::Ratio, Some(RATIO)),
                Figure::new("ratio to echo, audit fsync off", ratio(without_fsync), Unit::Ratio, None),
            ],
        })
    }

    /// The very bytes that KMS is sent, sent to the echo server.
    fn echo_target(&self, operation: &Operation) -> Result<Target, Failure> {
        let mut kms = self.kms.kms.clone();
        kms.endpoint = kms.endpoint.at(self.echo.address());
        kms.target(operation.name, &(operation.input)(&self.kms)?)
    }
}

impl MeasuredKms {
    fn start(keystead: &Keystead, folder: &DataFolder, mode: Mode) -> Result<Self, Failure> {
        let server = keystead.serve(folder, mode)?;
        let kms = folder.kms(&server, mode.tls)?;
        let key_id = kms.create_key(&json!({})).map_err(|error| server.explain(&error.to_string()))?;
        Ok(Self { server, kms, key_id })
    }

    fn party(&self, name: &str, operation: &Operation, connections: usize) -> Result<Party, Failure> {
        let target = self.kms.target(operation.name, &(operation.input)(self)?)?;
        closed_loop(name, self.server.pid(), &target, connections)
    }
}

fn closed_loop(name: &str, pid: u32, target: &Target, connections: usize) -> Result<Party, Failure> {
    let mut load = Load::for_closed_loop(target, connections)?;
    Ok(Party::new(name, [pid], move |duration| load.closed_loop(duration)))
}

fn encrypt_input(kms: &MeasuredKms) -> Value {
    json!({"KeyId": kms.key_id, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))})
}

fn decrypt_input(kms: &MeasuredKms) -> Result<Value, Failure> {
    let encrypted = kms.kms.call("Encrypt", &encrypt_input(kms))?;
    let input = json!({"CiphertextBlob": text(&encrypted, "/CiphertextBlob")?});
    let decrypted = text(&kms.kms.call("Decrypt", &input)?, "/Plaintext")?;
    if STANDARD.decode(decrypted)? != plaintext(PLAINTEXT_BYTES) {
        return Err("Decrypt gave back something else than was encrypted".into());
    }
    Ok(input)
}

/// This program as the echo server, with the certificate of `tls`.
fn start_echo_server(keystead: &Keystead, tls: Option<&DataFolder>) -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("echo-server");
    if let Some(folder) = tls {
        command.arg("--certificate").arg(folder.file("server.pem"));
        command.arg("--private-key").arg(folder.file("server.key"));
    }
    let processes = Arc::clone(keystead.processes());
    processes.start(command, &keystead.work_folder().join("echo-server.log"))
}
