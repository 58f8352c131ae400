//! Keystead: a key management service that its owner runs. This is the binary: command line, configuration, wiring, signals.

mod access_key;
mod admin;
mod cli;
mod config;
mod dev;
mod durable_file;
mod environment_override;
mod logging;
mod output;
mod serve;
mod service;
mod stop_signal;
mod xks_proxy;

use std::process::ExitCode;

use clap::Parser;
use keystead_core::port::{Entropy, SystemEntropy};

use cli::{Cli, Command, RootKeyCommand, XksProxyCommand};

/// What ends the program with exit code 1: a text for a person, already complete.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A fifth of the time of a request under load went into the C library's allocator; this one takes about half of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Seeding the random number generator takes tens of milliseconds, once: done beside everything else, no request waits for it. Where no
    // thread can be had, the first who needs it waits.
    let _ = std::thread::Builder::new().spawn(|| SystemEntropy.fill(&mut [0; 1]));
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keystead: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Dev(arguments) => asynchronously(dev::run(arguments)),
        Command::Serve { config } => asynchronously(serve::run(config)),
        Command::XksProxy { config, command: None } => {
            let config = config.ok_or("xks-proxy: --config FILE is missing")?;
            asynchronously(xks_proxy::serve(config))
        }
        Command::XksProxy { command: Some(XksProxyCommand::Keys { command }), .. } => xks_proxy::manage_keys(command),
        Command::XksProxy { command: Some(XksProxyCommand::Credentials { command }), .. } => {
            xks_proxy::manage_credentials(command)
        }
        Command::Admin { config, command } => asynchronously(admin::run(config, command)),
        Command::RootKey { command: RootKeyCommand::Create { file } } => {
            Ok(keystead_private_file::create_root_key_file(&file)?)
        }
    }
}

fn asynchronously(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
