//! Writing attestation documents, sound and unsound.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

use super::NOW_UNIX_MS;
use super::pki::Pki;

/// `{1: -35}`: ES384.
pub(crate) const ES384: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

type Writing<'a> = Result<&'a mut Encoder<Vec<u8>>, Error<Infallible>>;

/// A CBOR item.
pub(crate) fn item(write: impl for<'a> FnOnce(&'a mut Encoder<Vec<u8>>) -> Writing<'a>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).unwrap();
    encoder.into_writer()
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    item(|encoder| encoder.str(value))
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    item(|encoder| encoder.bytes(value))
}

pub(crate) fn number(value: i64) -> Vec<u8> {
    item(|encoder| encoder.i64(value))
}

pub(crate) fn null() -> Vec<u8> {
    item(|encoder| encoder.null())
}

/// An array of items.
pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut array = item(|encoder| encoder.array(items.len() as u64));
    items.iter().for_each(|item| array.extend(item));
    array
}

/// A map of items.
pub(crate) fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut map = item(|encoder| encoder.map(entries.len() as u64));
    entries.iter().for_each(|(key, value)| map.extend([key.as_slice(), value.as_slice()].concat()));
    map
}

/// Registers, each of `length` bytes that repeat its index.
pub(crate) fn registers(indexes: impl IntoIterator<Item = u8>, length: usize) -> Vec<u8> {
    let entries: Vec<_> =
        indexes.into_iter().map(|index| (number(i64::from(index)), bytes(&vec![index; length]))).collect();
    map(&entries)
}

/// The fields of a document in the order of Nitro.
#[derive(Clone)]
pub(crate) struct Fields(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Fields {
    /// A document of an enclave, made at [`NOW_UNIX_MS`].
    pub(crate) fn of(pki: &Pki, public_key_der: &[u8]) -> Self {
        let cabundle: Vec<Vec<u8>> = pki.cabundle().into_iter().map(bytes).collect();
        Self(vec![
            ("module_id", text("i-0123456789abcdef0-enc0123456789abcdef")),
            ("digest", text("SHA384")),
            ("timestamp", number(NOW_UNIX_MS)),
            ("pcrs", registers(0..16, 48)),
            ("certificate", bytes(pki.signer())),
            ("cabundle", array(&cabundle)),
            ("public_key", bytes(public_key_der)),
            ("user_data", null()),
            ("nonce", null()),
        ])
    }

    /// With another value of a field, which must be there.
    pub(crate) fn with(mut self, name: &str, value: Vec<u8>) -> Self {
        self.0.iter_mut().find(|(field, _)| *field == name).unwrap().1 = value;
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(field, _)| *field != name);
        self
    }

    /// With another field at the end.
    pub(crate) fn and(mut self, name: &'static str, value: Vec<u8>) -> Self {
        self.0.push((name, value));
        self
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let entries: Vec<_> = self.0.iter().map(|(name, value)| (text(name), value.clone())).collect();
        map(&entries)
    }

    /// The COSE_Sign1 over the fields, without a tag as the Nitro Secure Module gives it.
    pub(crate) fn signed_by(&self, pki: &Pki) -> Vec<u8> {
        signed(pki, &ES384, &self.payload())
    }
}

/// A COSE_Sign1 with any protected header and payload, rightly signed.
pub(crate) fn signed(pki: &Pki, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signature = pki.sign(&signature_structure(protected, payload));
    array(&[bytes(protected), map(&[]), bytes(payload), bytes(&signature)])
}

/// What is signed (RFC 9052, section 4.4).
pub(crate) fn signature_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    array(&[text("Signature1"), bytes(protected), bytes(&[]), bytes(payload)])
}
