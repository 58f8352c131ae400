//! The private CA of the data folder, and the certificates it issues.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use super::folder::Folder;
use crate::Failure;

/// How long the CA is valid; it lives as long as the folder.
pub(super) const CA_DAYS: i64 = 3650;
/// How long a certificate is valid; a new one is issued at each start.
const CERTIFICATE_DAYS: i64 = 397;

/// A CA whose key stays in the folder.
pub(crate) struct PrivateCa(Issuer<'static, KeyPair>);

impl PrivateCa {
    /// Takes up the folder's CA, or makes one: `ca.pem` for whoever is to trust it, `ca.key` for its owner alone.
    pub(crate) fn open(folder: &Folder) -> Result<Self, Failure> {
        let key_file = folder.path("ca.key");
        if key_file.exists() && folder.path("ca.pem").exists() {
            let text = keystead_private_file::read_private(&key_file, 64 * 1024)
                .map_err(|error| format!("{}: {error}", key_file.display()))?;
            let key = KeyPair::from_pem(std::str::from_utf8(&text)?).map_err(|error| {
                format!("{}: {error}; delete it and ca.pem to have them made anew", key_file.display())
            })?;
            return Ok(Self(Issuer::new(ca_params()?, key)));
        }
        let key = KeyPair::generate()?;
        let params = ca_params()?;
        let certificate = params.self_signed(&key)?;
        folder.write_private("ca.key", key.serialize_pem().as_bytes())?;
        folder.write_public("ca.pem", certificate.pem().as_bytes())?;
        Ok(Self(Issuer::new(params, key)))
    }

    /// Issues `NAME.pem` and `NAME.key` for these hosts and addresses.
    pub(crate) fn issue(
        &self,
        folder: &Folder,
        name: &str,
        hosts: &[&str],
        addresses: &[IpAddr],
    ) -> Result<(), Failure> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts.clone())?;
        params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        params.distinguished_name = common_name(hosts.first().map_or(name, String::as_str));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, CERTIFICATE_DAYS);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        folder.write_private(&format!("{name}.key"), key.serialize_pem().as_bytes())?;
        folder.write_public(&format!("{name}.pem"), certificate.pem().as_bytes())
    }
}

/// The same each time, so that an issuer made from the stored key matches the stored certificate.
fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = common_name("Keystead development CA");
    valid_for(&mut params, CA_DAYS);
    Ok(params)
}

pub(super) fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// From an hour ago, for clocks that are not quite together.
pub(super) fn valid_for(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::days(days);
}
