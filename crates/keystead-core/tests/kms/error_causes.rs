//! docs/error-causes.md is the one table of machine-readable causes: it must hold a row for each cause that the code can give, with the
//! remedy that the code has for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use keystead_core::error::CAUSES;
use keystead_core::key_store::{FAILURES, HSM_FAILURES};

#[test]
fn the_document_has_exactly_the_causes_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/error-causes.md");
    let text = fs::read_to_string(file).unwrap();
    let documented: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(cause, _)| cause)).collect();
    let of_proxies = FAILURES.iter().map(|row| row.cause);
    let of_hsms = HSM_FAILURES.iter().map(|row| row.cause);
    let known: BTreeSet<&str> = of_proxies.chain(of_hsms).chain(CAUSES.iter().map(|(cause, _)| *cause)).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_document_has_every_remedy_and_connection_error_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/error-causes.md");
    let text = fs::read_to_string(file).unwrap();
    for failure in FAILURES {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}`", failure.cause))).unwrap();
        assert!(row.contains(failure.remedy), "{}: {}", failure.cause, failure.remedy);
        let code = failure.connection_error_code.as_str();
        assert!(row.contains(code) || failure.cause == "XKS_PROXY_CIRCUIT_OPEN", "{}: {code}", failure.cause);
    }
}

#[test]
fn the_document_has_every_failure_of_hsms() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/error-causes.md");
    let text = fs::read_to_string(file).unwrap();
    for failure in HSM_FAILURES {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}`", failure.cause))).unwrap();
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, cryptographic, create_key, code, remedy] = columns[..] else { panic!("{row}") };
        assert!(cryptographic.contains(failure.cryptographic_exception.name()), "{row}");
        let answered = create_key.contains(failure.create_key_exception.name());
        assert!(answered || failure.cause == "HSM_CIPHERTEXT_INVALID", "{row}");
        assert_eq!(code.trim_matches('`'), failure.connection_error_code.as_str(), "{row}");
        assert_eq!(remedy, failure.remedy, "{row}");
        let message = format!(". {}\n", failure.message);
        assert!(failure.message.is_empty() || text.contains(&message), "{}", failure.message);
    }
}
