//! `CiphertextForRecipient`: a CMS EnvelopedData (RFC 5652, section 6) with one recipient, known by its subject key identifier.
//!
//! A fresh AES-256 key encrypts the plaintext in CBC mode with PKCS #7 padding, and is itself encrypted with RSAES-OAEP under the
//! recipient's key. The outer layers are BER of indefinite length, and the content comes in octet strings of at most 1000
//! bytes, as AWS KMS writes it: the Nitro Enclaves SDK for C reads the outer layers in no other form.

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, AES_CBC_IV_LEN, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use zeroize::Zeroizing;

use crate::error::EnvelopError;
use crate::recipient_key::RecipientKey;

const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]`, of the content of ContentInfo and of EncryptedContentInfo.
const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
/// `[0]`, of a subject key identifier.
const CONTEXT_0: u8 = 0x80;
/// In place of a length: the end-of-contents octets end it.
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

/// `INTEGER 2`: the version of EnvelopedData, and of a recipient's information, with a subject key identifier.
const VERSION_2: [u8; 3] = [0x02, 0x01, 0x02];
/// `id-envelopedData`, 1.2.840.113549.1.7.3.
const ENVELOPED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// `id-data`, 1.2.840.113549.1.7.1.
const DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// `id-RSAES-OAEP`, 1.2.840.113549.1.1.7.
const RSAES_OAEP: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// `id-mgf1`, 1.2.840.113549.1.1.8.
const MGF1: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// `id-sha256`, 2.16.840.1.101.3.4.2.1.
const SHA_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// `aes256-CBC-PAD`, 2.16.840.1.101.3.4.1.42.
const AES_256_CBC: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const NULL: [u8; 2] = [0x05, 0x00];

/// Longest octet string of the content.
const SEGMENT_BYTES_MAX: usize = 1000;
/// Longest padding of AES.
const PADDING_BYTES_MAX: usize = 16;

/// Encrypts `plaintext` for `recipient`. `fill_random` makes the content-encryption key and the IV.
pub(crate) fn envelop(
    recipient: &RecipientKey,
    plaintext: &[u8],
    fill_random: &mut dyn FnMut(&mut [u8]),
) -> Result<Vec<u8>, EnvelopError> {
    let mut content_key = Zeroizing::new([0; AES_256_KEY_LEN]);
    fill_random(content_key.as_mut_slice());
    let mut iv = [0; AES_CBC_IV_LEN];
    fill_random(&mut iv);
    let content = encrypt_content(&content_key, iv, plaintext)?;
    let encrypted_key = recipient.encrypt(content_key.as_slice())?;
    Ok(content_info(&recipient.subject_key_identifier(), &encrypted_key, &iv, &content))
}

fn encrypt_content(
    key: &[u8; AES_256_KEY_LEN],
    iv: [u8; AES_CBC_IV_LEN],
    plaintext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, EnvelopError> {
    // With room for the padding, so that no copy of the plaintext is left behind when the vector grows.
    let mut content = Zeroizing::new(Vec::with_capacity(plaintext.len() + PADDING_BYTES_MAX));
    content.extend_from_slice(plaintext);
    let key = UnboundCipherKey::new(&AES_256, key).map_err(|_| EnvelopError)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| EnvelopError)?;
    key.less_safe_encrypt(&mut *content, EncryptionContext::Iv128(iv.into())).map_err(|_| EnvelopError)?;
    Ok(content)
}

/// ContentInfo with EnvelopedData.
fn content_info(subject_key_identifier: &[u8], encrypted_key: &[u8], iv: &[u8], content: &[u8]) -> Vec<u8> {
    let key_trans_recipient_info = definite(
        SEQUENCE,
        &[
            &VERSION_2,
            &definite(CONTEXT_0, &[subject_key_identifier]),
            &rsaes_oaep_with_sha_256(),
            &definite(OCTET_STRING, &[encrypted_key]),
        ],
    );
    let content_encryption =
        definite(SEQUENCE, &[&definite(OBJECT_IDENTIFIER, &[&AES_256_CBC]), &definite(OCTET_STRING, &[iv])]);
    let segments: Vec<u8> =
        content.chunks(SEGMENT_BYTES_MAX).flat_map(|segment| definite(OCTET_STRING, &[segment])).collect();
    let encrypted_content_info = indefinite(
        SEQUENCE,
        &[
            &definite(OBJECT_IDENTIFIER, &[&DATA]),
            &content_encryption,
            &indefinite(CONTEXT_0_CONSTRUCTED, &[&segments]),
        ],
    );
    let enveloped_data =
        indefinite(SEQUENCE, &[&VERSION_2, &definite(SET, &[&key_trans_recipient_info]), &encrypted_content_info]);
    indefinite(
        SEQUENCE,
        &[&definite(OBJECT_IDENTIFIER, &[&ENVELOPED_DATA]), &indefinite(CONTEXT_0_CONSTRUCTED, &[&enveloped_data])],
    )
}

/// RSAES-OAEP with its parameters (RFC 8017, appendix A.2.1); the empty label is the default and left out.
fn rsaes_oaep_with_sha_256() -> Vec<u8> {
    let sha_256 = definite(SEQUENCE, &[&definite(OBJECT_IDENTIFIER, &[&SHA_256]), &NULL]);
    let mgf1 = definite(SEQUENCE, &[&definite(OBJECT_IDENTIFIER, &[&MGF1]), &sha_256]);
    let parameters = definite(SEQUENCE, &[&definite(0xa0, &[&sha_256]), &definite(0xa1, &[&mgf1])]);
    definite(SEQUENCE, &[&definite(OBJECT_IDENTIFIER, &[&RSAES_OAEP]), &parameters])
}

/// Tag, length and contents (X.690, section 8.1.3.3).
fn definite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = Vec::with_capacity(length + 6);
    encoded.push(tag);
    let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    match octets.as_slice() {
        [] => encoded.push(0),
        [short @ 0..0x80] => encoded.push(*short),
        long => {
            // A length has at most 8 octets.
            encoded.push(0x80 | long.len() as u8);
            encoded.extend_from_slice(long);
        }
    }
    parts.iter().for_each(|part| encoded.extend_from_slice(part));
    encoded
}

/// Tag, contents and their end (X.690, section 8.1.3.6).
fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut encoded = vec![tag, INDEFINITE];
    parts.iter().for_each(|part| encoded.extend_from_slice(part));
    encoded.extend_from_slice(&END_OF_CONTENTS);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (length, head) in [
            (0, vec![0x04, 0x00]),
            (0x7f, vec![0x04, 0x7f]),
            (0x80, vec![0x04, 0x81, 0x80]),
            (0xff, vec![0x04, 0x81, 0xff]),
            (0x100, vec![0x04, 0x82, 0x01, 0x00]),
            (0x1_0000, vec![0x04, 0x83, 0x01, 0x00, 0x00]),
        ] {
            let encoded = definite(OCTET_STRING, &[&vec![0xaa; length]]);

            assert_eq!(encoded.len(), head.len() + length);
            assert!(encoded.starts_with(&head), "{length}: {:02x?}", &encoded[..6.min(encoded.len())]);
        }
    }

    /// The bytes around the variable parts are those of an answer of AWS KMS: the published one in the tests of the Nitro
    /// Enclaves SDK for C.
    #[test]
    fn the_frame_is_that_of_aws_kms() {
        let encoded = content_info(&[0x11; 32], &[0x22; 256], &[0x33; 16], &[0x44; 48]);

        let mut expected = vec![0x30, 0x80, 0x06, 0x09];
        expected
            .extend([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0, 0x80, 0x30, 0x80, 0x02, 0x01, 0x02]);
        expected.extend([0x31, 0x82, 0x01, 0x6b, 0x30, 0x82, 0x01, 0x67, 0x02, 0x01, 0x02, 0x80, 0x20]);
        expected.extend([0x11; 32]);
        expected.extend([
            0x30, 0x3c, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07, 0x30, 0x2f, 0xa0, 0x0f,
        ]);
        expected.extend([
            0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c,
        ]);
        expected.extend([
            0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09,
        ]);
        expected.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x82, 0x01, 0x00]);
        expected.extend([0x22; 256]);
        expected.extend([
            0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0x30, 0x1d, 0x06, 0x09,
        ]);
        expected.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10]);
        expected.extend([0x33; 16]);
        expected.extend([0xa0, 0x80, 0x04, 0x30]);
        expected.extend([0x44; 48]);
        expected.extend([0; 10]);
        assert_eq!(encoded, expected);
    }
}
