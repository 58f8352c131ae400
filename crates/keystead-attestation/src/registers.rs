//! Platform configuration registers: what an attestation document measures, and what policies and audit records call it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Beginning of the condition keys on attestation (KMS Developer Guide, "Condition keys for attested platforms").
const CONDITION_PREFIX: &str = "kms:RecipientAttestation:";
/// The register that measures the whole enclave image.
const IMAGE_REGISTER: u8 = 0;

/// The registers of an enclave that audit records name (KMS Developer Guide, "Monitoring requests for Nitro enclaves").
const ENCLAVE_AUDITED: [(u8, &str); 6] = [
    (IMAGE_REGISTER, "attestationDocumentEnclaveImageDigest"),
    (1, "attestationDocumentEnclavePCR1"),
    (2, "attestationDocumentEnclavePCR2"),
    (3, "attestationDocumentEnclavePCR3"),
    (4, "attestationDocumentEnclavePCR4"),
    (8, "attestationDocumentEnclavePCR8"),
];

/// The registers of a NitroTPM that audit records name (KMS Developer Guide, "Monitoring requests for NitroTPM").
/// PCR12 is a documented condition key and not in the guide's example record; that AWS records it too is unverified.
const NITRO_TPM_AUDITED: [(u8, &str); 7] = [
    (4, "attestationDocumentNitroTPMPCR4"),
    (7, "attestationDocumentNitroTPMPCR7"),
    (8, "attestationDocumentNitroTPMPCR8"),
    (9, "attestationDocumentNitroTPMPCR9"),
    (12, "attestationDocumentNitroTPMPCR12"),
    (16, "attestationDocumentNitroTPMPCR16"),
    (23, "attestationDocumentNitroTPMPCR23"),
];

/// The registers of one document, by index 0 to 31; each value has 32, 48 or 64 bytes. Which platform they come from
/// decides what they mean, so the two are never mixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registers {
    /// Of a Nitro enclave (`pcrs`).
    NitroEnclave(BTreeMap<u8, Vec<u8>>),
    /// Of an EC2 instance's NitroTPM (`nitrotpm_pcrs`).
    NitroTpm(BTreeMap<u8, Vec<u8>>),
}

impl Registers {
    /// The value of register `index`, whatever the platform.
    pub fn get(&self, index: u8) -> Option<&[u8]> {
        self.values().get(&index).map(Vec::as_slice)
    }

    /// Condition keys and their values, in lowercase hexadecimal: of an enclave `kms:RecipientAttestation:ImageSha384` and
    /// `kms:RecipientAttestation:PCR<n>`, of a NitroTPM `kms:RecipientAttestation:NitroTPMPCR<n>`.
    pub fn condition_values(&self) -> Vec<(String, String)> {
        let mut conditions = Vec::with_capacity(self.values().len() + 1);
        if let (Self::NitroEnclave(_), Some(image)) = (self, self.get(IMAGE_REGISTER)) {
            conditions.push((format!("{CONDITION_PREFIX}ImageSha384"), lowercase_hex(image)));
        }
        let register = match self {
            Self::NitroEnclave(_) => "PCR",
            Self::NitroTpm(_) => "NitroTPMPCR",
        };
        conditions.extend(
            self.values()
                .iter()
                .map(|(index, value)| (format!("{CONDITION_PREFIX}{register}{index}"), lowercase_hex(value))),
        );
        conditions
    }

    /// What an audit record tells of the registers: element and value. The guide shows placeholders for the values; records
    /// of AWS that people have published have them in base64.
    pub fn audit_elements(&self) -> Vec<(&'static str, String)> {
        let audited: &[(u8, &'static str)] = match self {
            Self::NitroEnclave(_) => &ENCLAVE_AUDITED,
            Self::NitroTpm(_) => &NITRO_TPM_AUDITED,
        };
        audited.iter().filter_map(|(index, element)| Some((*element, STANDARD.encode(self.get(*index)?)))).collect()
    }

    fn values(&self) -> &BTreeMap<u8, Vec<u8>> {
        match self {
            Self::NitroEnclave(values) | Self::NitroTpm(values) => values,
        }
    }
}

fn lowercase_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits.filter_map(|digit| DIGITS.get(usize::from(digit))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers(indexes: impl IntoIterator<Item = u8>) -> BTreeMap<u8, Vec<u8>> {
        indexes.into_iter().map(|index| (index, vec![0xf0 | index; 48])).collect()
    }

    #[test]
    fn an_enclaves_conditions_are_the_image_and_every_register() {
        let conditions = Registers::NitroEnclave(registers([0, 2])).condition_values();

        let names: Vec<&str> = conditions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["kms:RecipientAttestation:ImageSha384", "kms:RecipientAttestation:PCR0", "kms:RecipientAttestation:PCR2"]
        );
        assert_eq!(conditions[0].1, "f0".repeat(48));
        assert_eq!(conditions[1].1, "f0".repeat(48));
        assert_eq!(conditions[2].1, "f2".repeat(48));
    }

    #[test]
    fn a_nitro_tpms_conditions_have_names_of_their_own() {
        let conditions = Registers::NitroTpm(registers([0, 4])).condition_values();

        let names: Vec<&str> = conditions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["kms:RecipientAttestation:NitroTPMPCR0", "kms:RecipientAttestation:NitroTPMPCR4"]);
    }

    #[test]
    fn audit_records_name_the_documented_registers_that_are_there() {
        let enclave = Registers::NitroEnclave(registers([0, 1, 5, 8])).audit_elements();
        assert_eq!(
            enclave.iter().map(|(element, _)| *element).collect::<Vec<_>>(),
            [
                "attestationDocumentEnclaveImageDigest",
                "attestationDocumentEnclavePCR1",
                "attestationDocumentEnclavePCR8"
            ]
        );
        assert_eq!(enclave[0].1, "8PDw".repeat(16));

        let tpm = Registers::NitroTpm(registers([0, 4, 23])).audit_elements();
        assert_eq!(
            tpm.iter().map(|(element, _)| *element).collect::<Vec<_>>(),
            ["attestationDocumentNitroTPMPCR4", "attestationDocumentNitroTPMPCR23"]
        );
    }
}
