//! What `keystead explain` takes.

use clap::Args;

use super::RunningServer;

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// Who asks: the ARN of a user, a role, a role's session or an account's root user
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
    /// What is asked, such as kms:Decrypt
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// On what: the ARN of a key, an alias, a role or something else; * for operations about nothing in particular
    #[arg(long, value_name = "ARN", default_value = "*")]
    pub(crate) resource: String,
    /// A condition key of the request and its value; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_condition_key)]
    pub(crate) context: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: RunningServer,
}

fn parse_condition_key(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| key.contains(':'));
    let (key, value) = pair.ok_or("a condition key and its value look like aws:SourceIp=192.0.2.1")?;
    Ok((key.to_owned(), value.to_owned()))
}
