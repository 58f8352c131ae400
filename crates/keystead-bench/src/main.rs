//! Load measurements of the release binary, as ratios in one run: `make bench`.
//!
//! Every comparison alternates between its parties in short rounds on the same machine at the same time, with the same client, and the
//! median of the rounds counts: a machine that is busy with other things slows all parties alike.

mod arguments;
mod connection;
mod data_folder;
mod disk;
mod echo_server;
mod keystead;
mod kms_call;
mod latencies;
mod load;
mod machine;
mod measurement;
mod output;
mod pkcs11_loop;
mod process;
mod process_usage;
mod report;
mod request;
mod signer;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use arguments::{Arguments, Command};
use process::Processes;

/// What ends the program with exit code 1: a text for a person, already complete.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keystead-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Some(Command::EchoServer(echo)) => echo_server::run(&echo),
        Some(Command::Pkcs11Loop(arguments)) => pkcs11_loop::run(&arguments),
        None => {
            let processes = Arc::new(Processes::default());
            process::kill_on_signal(processes.clone())?;
            measurement::run(&arguments.measurement, processes)
        }
    }
}
