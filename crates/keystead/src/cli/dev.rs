//! What `keystead dev` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use keystead_model::arn::{AccountId, Region};

use super::parse_account;

#[derive(Args)]
pub(crate) struct DevArguments {
    /// Where everything is kept; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Where KMS listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The account that owns the sample credentials: 12 digits
    #[arg(long, value_name = "ID", default_value = "111122223333", value_parser = parse_account)]
    pub(crate) account: AccountId,
    /// The home Region
    #[arg(long, value_name = "REGION", default_value = "us-east-1", value_parser = parse_region)]
    pub(crate) region: Region,
    /// Further Regions, separated by commas: multi-Region keys may have replicas there [default: eu-west-1, or us-east-1 beside it]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = parse_region)]
    pub(crate) other_regions: Vec<Region>,
    /// Serve KMS over TLS, with a certificate of the private CA
    #[arg(long)]
    pub(crate) tls: bool,
    /// Do without the sample cluster of HSMs
    #[arg(long)]
    pub(crate) no_hsm: bool,
    /// The least time in CONNECTING and DISCONNECTING, in milliseconds (AWS takes minutes)
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub(crate) connection_transition_ms: u64,
    /// How the commands that are printed call the AWS CLI
    #[arg(long, value_name = "COMMAND", default_value = "aws")]
    pub(crate) aws_cli: String,
}

fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).ok_or_else(|| "a Region looks like us-east-1".to_owned())
}
