//! `keystead cluster`.

use crate::admin_socket::{self, Answer, Request};
use crate::cli::ClusterCommand;
use crate::{Failure, output};

/// Registers a cluster with the running server.
pub(crate) fn run(command: ClusterCommand) -> Result<(), Failure> {
    let ClusterCommand::Register { file, account, server } = command;
    // The server does not run in this folder.
    let absolute = file.canonicalize().map_err(|error| format!("--file {}: {error}", file.display()))?;
    match admin_socket::call(&server.data_folder()?, &Request::RegisterCluster { account, file: absolute })? {
        Answer::Registered(cluster_id) => Ok(output::line(&cluster_id)?),
        _ => Err(admin_socket::other_answer()),
    }
}
