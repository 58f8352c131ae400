//! `keystead explain`.

use crate::admin_socket::{self, Answer, Request};
use crate::cli::ExplainArguments;
use crate::{Failure, output};

/// Asks the running server, and prints its explanation.
pub(crate) fn run(arguments: ExplainArguments) -> Result<(), Failure> {
    let ExplainArguments { principal, action, resource, context, json, server } = arguments;
    let request = Request::ExplainAccess { principal, action, resource, context };
    match admin_socket::call(&server.data_folder()?, &request)? {
        Answer::Explained { explanation, .. } if json => Ok(output::line(&explanation.to_string())?),
        Answer::Explained { text, .. } => Ok(output::line(text.trim_end())?),
        _ => Err(admin_socket::other_answer()),
    }
}
