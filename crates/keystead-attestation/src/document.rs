//! The attestation document itself: a CBOR map with fields of fixed names, types and lengths.
//!
//! Source: Nitro Enclaves User Guide, "Attestation document specification" and "Syntactical validation"; EC2 User Guide,
//! "Validate a NitroTPM Attestation Document", where the registers are `nitrotpm_pcrs` and the rest is the same.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use crate::cbor_items::Items;
use crate::error::AttestationError;
use crate::registers::Registers;

/// The digest that the registers are calculated with. There is no other.
const DIGEST: &str = "SHA384";
/// Length of `module_id`. The specification has no maximum; audit records repeat it, so that there must be one.
const MODULE_ID_BYTES: RangeInclusive<usize> = 1..=256;
/// Number of registers.
const REGISTERS: RangeInclusive<usize> = 1..=32;
const REGISTER_INDEX_MAX: u8 = 31;
const REGISTER_BYTES: [usize; 3] = [32, 48, 64];
const CERTIFICATE_BYTES: RangeInclusive<usize> = 1..=1024;
/// Number of issuers' certificates. The specification has no maximum; Nitro sends four, and each more costs a verification.
const BUNDLE_CERTIFICATES: RangeInclusive<usize> = 1..=16;
const PUBLIC_KEY_BYTES: RangeInclusive<usize> = 1..=1024;
const USER_DATA_BYTES: RangeInclusive<usize> = 0..=512;

/// A document whose fields are as specified. Nothing in it is verified yet.
pub(crate) struct Document<'a> {
    pub(crate) module_id: &'a str,
    /// When it was made, in milliseconds since the Unix epoch; greater than 0.
    pub(crate) timestamp_unix_ms: u64,
    pub(crate) registers: Registers,
    /// The certificate whose key signed it, in DER.
    pub(crate) certificate: &'a [u8],
    /// The certificate's issuers in DER, the root first.
    pub(crate) cabundle: Vec<&'a [u8]>,
    pub(crate) public_key: Option<&'a [u8]>,
    pub(crate) user_data: Option<&'a [u8]>,
    pub(crate) nonce: Option<&'a [u8]>,
}

/// The fields as they come; whether all are there is seen at the end.
#[derive(Default)]
struct Fields<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp_unix_ms: Option<u64>,
    pcrs: Option<BTreeMap<u8, Vec<u8>>>,
    nitrotpm_pcrs: Option<BTreeMap<u8, Vec<u8>>>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<Option<&'a [u8]>>,
    user_data: Option<Option<&'a [u8]>>,
    nonce: Option<Option<&'a [u8]>>,
}

impl<'a> Document<'a> {
    /// Reads the payload of the COSE_Sign1.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, AttestationError> {
        let mut decoder = Decoder::new(payload);
        let mut entries = Items::announced(read("payload", "a map", decoder.map())?);
        let mut fields = Fields::default();
        while read("payload", "a map", entries.advance(&mut decoder))? {
            let name = read("field names", "text", decoder.str())?;
            fields.read(name, &mut decoder)?;
        }
        if decoder.position() != payload.len() {
            return Err(AttestationError::InvalidField { field: "payload", expected: "one map and nothing else" });
        }
        fields.complete()
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self, name: &str, decoder: &mut Decoder<'a>) -> Result<(), AttestationError> {
        match name {
            "module_id" => once(&mut self.module_id, "module_id", module_id(decoder)?),
            "digest" => once(&mut self.digest, "digest", digest(decoder)?),
            "timestamp" => once(&mut self.timestamp_unix_ms, "timestamp", timestamp(decoder)?),
            "pcrs" => once(&mut self.pcrs, "pcrs", registers("pcrs", decoder)?),
            "nitrotpm_pcrs" => once(&mut self.nitrotpm_pcrs, "nitrotpm_pcrs", registers("nitrotpm_pcrs", decoder)?),
            "certificate" => once(&mut self.certificate, "certificate", certificate("certificate", decoder)?),
            "cabundle" => once(&mut self.cabundle, "cabundle", cabundle(decoder)?),
            "public_key" => {
                let value = optional("public_key", PUBLIC_KEY_BYTES, "a byte string of 1 to 1024 bytes", decoder)?;
                once(&mut self.public_key, "public_key", value)
            }
            "user_data" => {
                let value = optional("user_data", USER_DATA_BYTES, "a byte string of 0 to 512 bytes", decoder)?;
                once(&mut self.user_data, "user_data", value)
            }
            "nonce" => {
                let value = optional("nonce", USER_DATA_BYTES, "a byte string of 0 to 512 bytes", decoder)?;
                once(&mut self.nonce, "nonce", value)
            }
            _ => Err(AttestationError::UnknownField),
        }
    }

    fn complete(self) -> Result<Document<'a>, AttestationError> {
        self.digest.ok_or(AttestationError::MissingField("digest"))?;
        let registers = match (self.pcrs, self.nitrotpm_pcrs) {
            (Some(pcrs), None) => Registers::NitroEnclave(pcrs),
            (None, Some(pcrs)) => Registers::NitroTpm(pcrs),
            (None, None) => return Err(AttestationError::MissingField("pcrs")),
            (Some(_), Some(_)) => {
                return Err(AttestationError::InvalidField {
                    field: "nitrotpm_pcrs",
                    expected: "absent when pcrs is there",
                });
            }
        };
        Ok(Document {
            module_id: self.module_id.ok_or(AttestationError::MissingField("module_id"))?,
            timestamp_unix_ms: self.timestamp_unix_ms.ok_or(AttestationError::MissingField("timestamp"))?,
            registers,
            certificate: self.certificate.ok_or(AttestationError::MissingField("certificate"))?,
            cabundle: self.cabundle.ok_or(AttestationError::MissingField("cabundle"))?,
            public_key: self.public_key.flatten(),
            user_data: self.user_data.flatten(),
            nonce: self.nonce.flatten(),
        })
    }
}

fn module_id<'a>(decoder: &mut Decoder<'a>) -> Result<&'a str, AttestationError> {
    let expected = "text of 1 to 256 bytes";
    let value = read("module_id", expected, decoder.str())?;
    require("module_id", expected, MODULE_ID_BYTES.contains(&value.len()))?;
    Ok(value)
}

fn digest<'a>(decoder: &mut Decoder<'a>) -> Result<&'a str, AttestationError> {
    let expected = "\"SHA384\"";
    let value = read("digest", expected, decoder.str())?;
    require("digest", expected, value == DIGEST)?;
    Ok(value)
}

fn timestamp(decoder: &mut Decoder<'_>) -> Result<u64, AttestationError> {
    let expected = "a positive number of milliseconds";
    let value = read("timestamp", expected, decoder.u64())?;
    require("timestamp", expected, value > 0)?;
    Ok(value)
}

fn registers(field: &'static str, decoder: &mut Decoder<'_>) -> Result<BTreeMap<u8, Vec<u8>>, AttestationError> {
    let expected = "a map of 1 to 32 registers, from 0 to 31, each of 32, 48 or 64 bytes";
    let mut entries = Items::announced(read(field, expected, decoder.map())?);
    let mut registers = BTreeMap::new();
    while read(field, expected, entries.advance(decoder))? {
        let index = read(field, expected, decoder.u8())?;
        let value = read(field, expected, decoder.bytes())?;
        require(field, expected, index <= REGISTER_INDEX_MAX && REGISTER_BYTES.contains(&value.len()))?;
        require(field, "without a register twice", registers.insert(index, value.to_vec()).is_none())?;
    }
    require(field, expected, REGISTERS.contains(&registers.len()))?;
    Ok(registers)
}

fn certificate<'a>(field: &'static str, decoder: &mut Decoder<'a>) -> Result<&'a [u8], AttestationError> {
    let expected = "a certificate of 1 to 1024 bytes";
    let value = read(field, expected, decoder.bytes())?;
    require(field, expected, CERTIFICATE_BYTES.contains(&value.len()))?;
    Ok(value)
}

fn cabundle<'a>(decoder: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>, AttestationError> {
    let expected = "an array of 1 to 16 certificates";
    let mut items = Items::announced(read("cabundle", expected, decoder.array())?);
    let mut certificates = Vec::new();
    while read("cabundle", expected, items.advance(decoder))? {
        require("cabundle", expected, certificates.len() < *BUNDLE_CERTIFICATES.end())?;
        certificates.push(certificate("cabundle", decoder)?);
    }
    require("cabundle", expected, BUNDLE_CERTIFICATES.contains(&certificates.len()))?;
    Ok(certificates)
}

/// A field that may be left out. The specification allows no null, but the Nitro Secure Module writes null for what it was not
/// given, so null is as good as nothing.
fn optional<'a>(
    field: &'static str,
    length: RangeInclusive<usize>,
    expected: &'static str,
    decoder: &mut Decoder<'a>,
) -> Result<Option<&'a [u8]>, AttestationError> {
    if read(field, expected, decoder.datatype())? == Type::Null {
        read(field, expected, decoder.null())?;
        return Ok(None);
    }
    let value = read(field, expected, decoder.bytes())?;
    require(field, expected, length.contains(&value.len()))?;
    Ok(Some(value))
}

/// A map's key stands in it once (RFC 8949, section 5.6).
fn once<T>(slot: &mut Option<T>, field: &'static str, value: T) -> Result<(), AttestationError> {
    require(field, "there once", slot.is_none())?;
    *slot = Some(value);
    Ok(())
}

/// CBOR of another type is a wrong field; what cannot be read at all is no CBOR.
fn read<T>(field: &'static str, expected: &'static str, result: Result<T, Error>) -> Result<T, AttestationError> {
    result.map_err(|error| {
        if error.is_type_mismatch() {
            AttestationError::InvalidField { field, expected }
        } else {
            AttestationError::MalformedCbor(error.to_string())
        }
    })
}

fn require(field: &'static str, expected: &'static str, holds: bool) -> Result<(), AttestationError> {
    if holds { Ok(()) } else { Err(AttestationError::InvalidField { field, expected }) }
}
