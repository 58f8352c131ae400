//! Whether a certificate and a trust anchor belong to a cluster (AWS CloudHSM User Guide, "Initialize the cluster"; digest 5.2).
//!
//! The rules are documented, their texts are not (unverified).

use keystead_model::Timestamp;

use super::parsed::{ParsedCertificate, Signature, requested_key};

/// The key sizes that a trust anchor may have, in bits.
const ANCHOR_RSA_BITS: [usize; 2] = [2048, 4096];

/// What InitializeCluster is given, against the signing request. `Err` is a sentence for the caller.
pub(crate) fn check_signed(csr: &str, signed_cert: &str, trust_anchor: &str, now: Timestamp) -> Result<(), String> {
    let anchor = checked_anchor(trust_anchor, now)?;
    let signed = ParsedCertificate::of_pem(signed_cert).map_err(|problem| of_signed(&problem))?;
    let requested = requested_key(csr).ok_or_else(|| of_signed("cannot be compared with the cluster's CSR"))?;
    if *signed.public_key() != requested {
        return Err(of_signed(
            "has another public key than the cluster's CSR; sign the ClusterCsr that DescribeClusters shows",
        ));
    }
    check_issued(&signed, &anchor, now)
}

/// What a registered cluster has, where there is no signing request.
pub(crate) fn check_registered(cluster_certificate: &str, trust_anchor: &str, now: Timestamp) -> Result<(), String> {
    let anchor = checked_anchor(trust_anchor, now)?;
    let certificate = ParsedCertificate::of_pem(cluster_certificate).map_err(|problem| of_signed(&problem))?;
    check_issued(&certificate, &anchor, now)
}

fn check_issued(signed: &ParsedCertificate, anchor: &ParsedCertificate, now: Timestamp) -> Result<(), String> {
    if !signed.names_as_issuer(anchor) {
        return Err(of_signed("was not issued by the trust anchor: its issuer is another than the anchor's subject"));
    }
    match signed.signature_by(anchor) {
        Signature::Good => {}
        Signature::Bad => return Err(of_signed("was not signed with the key of the trust anchor")),
        Signature::UnknownAlgorithm => return Err(of_signed(UNKNOWN_ALGORITHM)),
    }
    signed.out_of_date(now).map_or(Ok(()), |problem| Err(of_signed(problem)))
}

/// The trust anchor: a root that signed itself.
fn checked_anchor(trust_anchor: &str, now: Timestamp) -> Result<ParsedCertificate, String> {
    let anchor = ParsedCertificate::of_pem(trust_anchor).map_err(|problem| of_anchor(&problem))?;
    if !anchor.names_as_issuer(&anchor) {
        return Err(of_anchor("is not a root: another certificate authority issued it; give the self-signed root"));
    }
    match anchor.rsa_bits() {
        Some(bits) if ANCHOR_RSA_BITS.contains(&bits) => {}
        Some(bits) => return Err(of_anchor(&format!("has an RSA key of {bits} bits; it must have 2048 or 4096"))),
        None => return Err(of_anchor("has no RSA key; it must have one of 2048 or 4096 bits")),
    }
    match anchor.signature_by(&anchor) {
        Signature::Good => {}
        Signature::Bad => return Err(of_anchor("is not self-signed: its own key did not sign it")),
        Signature::UnknownAlgorithm => return Err(of_anchor(UNKNOWN_ALGORITHM)),
    }
    if !anchor.may_issue() {
        return Err(of_anchor("may not issue certificates: its basic constraints must say CA:TRUE"));
    }
    anchor.out_of_date(now).map_or(Ok(anchor), |problem| Err(of_anchor(problem)))
}

const UNKNOWN_ALGORITHM: &str =
    "is signed with an algorithm that is not accepted; use RSA with SHA-256, SHA-384 or SHA-512";

fn of_signed(problem: &str) -> String {
    format!("The cluster certificate {problem}.")
}

fn of_anchor(problem: &str) -> String {
    format!("The trust anchor {problem}.")
}
