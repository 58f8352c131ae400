//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures a Keystead binary and prints the figures with their goals.
#[derive(Parser)]
#[command(name = "keystead-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) measurement: MeasurementArguments,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve every request its own body, on a free port of the loopback interface: what Keystead is compared with
    EchoServer(EchoServerArguments),
    /// Loop over C_Encrypt on a token of its own: what keys in HSMs are compared with
    Pkcs11Loop(Pkcs11LoopArguments),
}

#[derive(Args)]
pub(crate) struct Pkcs11LoopArguments {
    /// The PKCS #11 module
    #[arg(long, value_name = "FILE")]
    pub(crate) module: PathBuf,
    /// How much is encrypted at a time
    #[arg(long, value_name = "BYTES")]
    pub(crate) plaintext_bytes: usize,
}

#[derive(Args)]
pub(crate) struct EchoServerArguments {
    /// Serve TLS with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) private_key: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct MeasurementArguments {
    /// The binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/keystead")]
    pub(crate) keystead: PathBuf,
    /// Where the figures go as JSON; data folders are made beside it and removed in the end
    #[arg(long, alias = "out", value_name = "FILE", default_value = "bench-results/latest.json")]
    pub(crate) output: PathBuf,
    /// How long each party is measured in each round
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = parse_seconds)]
    seconds_per_round: f64,
    /// How many rounds each comparison has
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// A smoke run: few and short rounds, so that everything runs once; its figures say little
    #[arg(long)]
    quick: bool,
    /// Measure only this; may be given several times
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

/// A part of the measurements.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Encrypt and Decrypt against an echo server
    Throughput,
    /// Encrypt under an external key against direct calls of its proxy
    ExternalKey,
    /// Encrypt under a key in a cluster of HSMs against a bare loop over C_Encrypt, and the loss of an HSM
    CloudhsmKey,
    /// Sign against a bare loop over the same signatures
    Signing,
    /// Encrypt while RSA keys are made
    KeyGeneration,
    /// Encrypt of one account while another one calls far above its quota
    Fairness,
    /// Encrypt of a user under policies against Encrypt of the account's root user
    Policies,
    /// Start, memory, lists and Encrypt with 100,000 keys
    ManyKeys,
    /// Time to the first answer, and memory
    Start,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) round: Duration,
    pub(crate) rounds: u32,
    /// How often each kind of server is started to see how long that takes.
    pub(crate) starts: u32,
    /// How many keys there are to be when many are.
    pub(crate) many_keys: usize,
}

impl MeasurementArguments {
    pub(crate) fn extent(&self) -> Extent {
        if self.quick {
            return Extent { round: Duration::from_millis(200), rounds: 2, starts: 2, many_keys: 1000 };
        }
        Extent {
            round: Duration::from_secs_f64(self.seconds_per_round),
            rounds: self.rounds,
            starts: 10,
            many_keys: 100_000,
        }
    }

    pub(crate) fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.05..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.05 to 600".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn everything_is_measured_unless_told_otherwise() {
        let all = parsed("keystead-bench").unwrap().measurement;
        let one = parsed("keystead-bench --only start").unwrap().measurement;
        let measured = |arguments: &MeasurementArguments| {
            [Part::Throughput, Part::ExternalKey, Part::CloudhsmKey, Part::Start].map(|part| arguments.measures(part))
        };
        assert_eq!((measured(&all), measured(&one)), ([true; 4], [false, false, false, true]));
    }

    #[test]
    fn lengths_that_measure_nothing_are_refused() {
        for option in ["--seconds-per-round 0", "--seconds-per-round NaN", "--seconds-per-round -1", "--rounds 0"] {
            assert!(parsed(&format!("keystead-bench {option}")).is_err(), "{option}");
        }
        assert_eq!(
            parsed("keystead-bench --seconds-per-round 2.5").unwrap().measurement.extent().round.as_millis(),
            2500
        );
        assert!(parsed("keystead-bench --quick").unwrap().measurement.extent().round.as_millis() < 1000);
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert!(parsed("keystead-bench echo-server").unwrap().command.is_some());
        assert!(parsed("keystead-bench echo-server --certificate a.pem").is_err());
    }
}
