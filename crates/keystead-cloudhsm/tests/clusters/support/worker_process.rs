//! What `keystead hsm-worker` is to the server, for the tests of this crate.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, settings, settings_file, socket, socket_path] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    if (command.as_str(), settings.as_str(), socket.as_str()) != ("hsm-worker", "--settings", "--socket") {
        return ExitCode::from(2);
    }
    match keystead_pkcs11::worker::run(Path::new(settings_file), Path::new(socket_path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
