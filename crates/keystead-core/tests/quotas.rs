//! docs/quotas.md is what people read of quotas: it must hold a row for each request quota, with its rate.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use keystead_core::quota::REQUEST_QUOTAS;

#[test]
fn the_document_has_exactly_the_request_quotas_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/quotas.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, table) = text.split_once("| Quota | Requests a second |").unwrap();
    let documented: BTreeSet<(String, u32)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`').to_owned();
            Some((name, cells.next()?.replace(',', "").parse().unwrap()))
        })
        .collect();
    let known = REQUEST_QUOTAS.iter().map(|quota| (quota.name.to_owned(), quota.per_second)).collect();
    assert_eq!(documented, known);
}
