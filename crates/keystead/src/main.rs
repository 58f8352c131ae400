//! Keystead: a key management service that its owner runs. This is the binary: command line, configuration, wiring, signals.

mod access_key;
mod admin;
mod admin_socket;
mod cli;
mod cluster;
mod config;
mod dev;
mod durable_file;
mod environment_override;
mod explain;
mod hsm_users;
mod hsms;
mod logging;
mod output;
mod password;
mod running_server;
mod serve;
mod service;
mod stop_signal;
mod xks_proxy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::JoinHandle;

use clap::Parser;
use keystead_core::port::{Entropy, SystemEntropy};

use cli::{Cli, Command, RootKeyCommand, XksProxyCommand};

/// What ends the program with exit code 1: a text for a person, already complete.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A fifth of the time of a request under load went into the C library's allocator; this one takes about half of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("keystead: {error}");
        ExitCode::FAILURE
    })
}

/// Where the configuration is: `keystead dev` has it in its data folder.
fn configuration_file(config: PathBuf, data_dir: Option<PathBuf>) -> PathBuf {
    data_dir.map_or(config, |folder| folder.join("keystead.toml"))
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Dev(arguments) => serving(dev::run(arguments))?,
        Command::Serve { config } => serving(serve::run(config))?,
        Command::XksProxy { config, command: None } => {
            let config = config.ok_or("xks-proxy: --config FILE is missing")?;
            serving(xks_proxy::serve(config))?;
        }
        Command::XksProxy { command: Some(XksProxyCommand::Keys { command }), .. } => xks_proxy::manage_keys(command)?,
        Command::XksProxy { command: Some(XksProxyCommand::Credentials { command }), .. } => {
            xks_proxy::manage_credentials(command)?;
        }
        Command::Admin { config, data_dir, command } => {
            asynchronously(admin::run(configuration_file(config, data_dir), command))?;
        }
        Command::Explain(arguments) => return explain::run(arguments),
        Command::HsmUsers { command } => hsm_users::run(command)?,
        Command::Cluster { command } => cluster::run(command)?,
        Command::HsmWorker { settings, socket } => return Ok(hsm_worker(&settings, &socket)),
        Command::RootKey { command: RootKeyCommand::Create { file } } => {
            keystead_private_file::create_root_key_file(&file)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A process of its own kind: without a runtime, and with nothing on standard output but what the worker says to the server.
fn hsm_worker(settings: &Path, socket: &Path) -> ExitCode {
    match keystead_pkcs11::worker::run(settings, socket) {
        Ok(()) => ExitCode::SUCCESS,
        // The worker has told the server why.
        Err(_) => ExitCode::FAILURE,
    }
}

/// What goes on until it is told to stop.
fn serving(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Seeding the random number generator takes tens of milliseconds, once: done beside everything else, no request waits for it. Where no
    // thread can be had, the first who needs it waits. Not for commands that end at once: they would wait for it.
    let seeding = std::thread::Builder::new().spawn(|| SystemEntropy.fill(&mut [0; 1]));
    let done = asynchronously(work);
    // The generator aborts a process that ends meanwhile: one that is refused its configuration, say, and could not tell that by its status.
    // Where the system has no randomness yet, such a process ends when there is some.
    let _ = seeding.map(JoinHandle::join);
    done
}

fn asynchronously(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
