//! `keystead explain`.

use std::process::ExitCode;

use crate::admin_socket::{self, Answer, Request};
use crate::cli::ExplainArguments;
use crate::{Failure, output};

/// The exit status of an answer that is no. A wrong command line ends with 2.
const DENIED: u8 = 3;

/// Asks the running server, and prints its explanation. The exit status tells the answer.
pub(crate) fn run(arguments: ExplainArguments) -> Result<ExitCode, Failure> {
    let ExplainArguments { principal, action, resource, context, json, server } = arguments;
    let request = Request::ExplainAccess { principal, action, resource, context };
    let Answer::Explained { allowed, text, explanation } = admin_socket::call(&server.data_folder()?, &request)? else {
        return Err(admin_socket::other_answer());
    };
    match json {
        true => output::line(&explanation.to_string())?,
        false => output::line(text.trim_end())?,
    }
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
}
