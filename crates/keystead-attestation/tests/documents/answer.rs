//! `CiphertextForRecipient`: read back by the holder of the private key, in the way of the Nitro Enclaves SDK for C, and by
//! OpenSSL.

use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::KeySize;
use keystead_attestation::{Attestation, verify};

use crate::support::NOW_UNIX_MS;
use crate::support::document::Fields;
use crate::support::pki::Pki;
use crate::support::recipient::Recipient;
use crate::support::sequence::Sequence;

/// Lengths around the block size, of keys, of the segments, and of a private RSA-4096 key.
const PLAINTEXT_BYTES: [usize; 12] = [0, 1, 15, 16, 17, 32, 984, 999, 1000, 1024, 2_375, 4_096];

fn attested(recipient: &Recipient) -> Attestation {
    let pki = Pki::short();
    let document = Fields::of(&pki, &recipient.public_key_der()).signed_by(&pki);
    verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap()
}

fn plaintext(sequence: &mut Sequence, length: usize) -> Vec<u8> {
    let mut plaintext = vec![0; length];
    sequence.fill(&mut plaintext);
    plaintext
}

/// A reader of BER that knows no more than the walk through an answer of KMS needs.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Steps into an element of indefinite length.
    fn enter(&mut self, tag: u8) {
        assert_eq!(self.0[..2], [tag, 0x80]);
        self.0 = &self.0[2..];
    }

    /// Steps out of it.
    fn leave(&mut self) {
        assert_eq!(self.0[..2], [0, 0]);
        self.0 = &self.0[2..];
    }

    /// The contents of an element of definite length.
    fn element(&mut self, tag: u8) -> &'a [u8] {
        assert_eq!(self.0[0], tag);
        let (head, length) = match self.0[1] {
            short @ 0..=0x7f => (2, usize::from(short)),
            0x81 => (3, usize::from(self.0[2])),
            0x82 => (4, usize::from(u16::from_be_bytes([self.0[2], self.0[3]]))),
            other => panic!("length {other:02x}"),
        };
        let contents = &self.0[head..head + length];
        self.0 = &self.0[head + length..];
        contents
    }
}

/// What an enclave needs of an answer.
struct Parsed {
    subject_key_identifier: Vec<u8>,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    segments: Vec<Vec<u8>>,
}

fn parse(answer: &[u8]) -> Parsed {
    let mut cms = Reader(answer);
    cms.enter(0x30);
    assert_eq!(cms.element(0x06), [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03], "id-envelopedData");
    cms.enter(0xa0);
    cms.enter(0x30);
    assert_eq!(cms.element(0x02), [2], "version of EnvelopedData");
    let mut recipients = Reader(cms.element(0x31));
    let mut recipient = Reader(recipients.element(0x30));
    assert!(recipients.0.is_empty(), "one recipient");
    assert_eq!(recipient.element(0x02), [2], "version of KeyTransRecipientInfo");
    let subject_key_identifier = recipient.element(0x80).to_vec();
    let mut algorithm = Reader(recipient.element(0x30));
    assert_eq!(algorithm.element(0x06), [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07], "id-RSAES-OAEP");
    let encrypted_key = recipient.element(0x04).to_vec();
    assert!(recipient.0.is_empty());
    cms.enter(0x30);
    assert_eq!(cms.element(0x06), [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01], "id-data");
    let mut algorithm = Reader(cms.element(0x30));
    assert_eq!(algorithm.element(0x06), [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a], "aes256-CBC-PAD");
    let iv = algorithm.element(0x04).to_vec();
    cms.enter(0xa0);
    let mut segments = Vec::new();
    while cms.0[0] == 0x04 {
        segments.push(cms.element(0x04).to_vec());
    }
    (0..5).for_each(|_| cms.leave());
    assert!(cms.0.is_empty(), "nothing follows");
    Parsed { subject_key_identifier, encrypted_key, iv, segments }
}

#[test]
fn the_holder_of_the_private_key_reads_the_answer() {
    let mut sequence = Sequence(1);
    for size in [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096] {
        let recipient = Recipient::generate(size);
        let attestation = attested(&recipient);
        for length in PLAINTEXT_BYTES {
            let plaintext = plaintext(&mut sequence, length);

            let answer = attestation.envelop(&plaintext, &mut |bytes| sequence.fill(bytes)).unwrap();

            let parsed = parse(&answer);
            let content = parsed.segments.concat();
            assert_eq!(content.len(), (length / 16 + 1) * 16);
            assert!(parsed.segments.iter().rev().skip(1).all(|segment| segment.len() == 1000));
            assert!(parsed.segments.iter().all(|segment| segment.len() <= 1000));
            assert_eq!(recipient.open(&parsed.encrypted_key, &parsed.iv, &content), plaintext);
            assert_eq!(
                parsed.subject_key_identifier,
                digest(&SHA256, &recipient.public_key_der()).as_ref(),
                "names the key that was attested"
            );
        }
    }
}

#[test]
fn key_and_iv_are_the_random_bytes_and_new_for_each_answer() {
    let recipient = Recipient::generate(KeySize::Rsa2048);
    let attestation = attested(&recipient);
    let mut asked = Vec::new();
    let mut next = 0_u8;
    let mut answer = || {
        let answer = attestation.envelop(b"plaintext", &mut |bytes| {
            next += 1;
            bytes.fill(next);
            asked.push(bytes.len());
        });
        parse(&answer.unwrap())
    };

    let (first, second) = (answer(), answer());

    assert_eq!(asked, [32, 16, 32, 16]);
    assert_eq!(first.iv, [2; 16]);
    assert_eq!(second.iv, [4; 16]);
    assert_ne!(first.segments, second.segments);
    assert_ne!(first.encrypted_key, second.encrypted_key);
}

#[test]
fn openssl_reads_the_answer() {
    match Command::new("openssl").arg("version").output() {
        Ok(version) if version.status.success() => {}
        other => {
            eprintln!("skipped: there is no openssl to decrypt with ({other:?})");
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (key_file, answer_file) = (folder.path().join("key.der"), folder.path().join("answer.ber"));
    let mut sequence = Sequence(2);
    for size in [KeySize::Rsa2048, KeySize::Rsa4096] {
        let recipient = Recipient::generate(size);
        let attestation = attested(&recipient);
        std::fs::write(&key_file, recipient.pkcs8_der()).unwrap();
        for length in PLAINTEXT_BYTES {
            let plaintext = plaintext(&mut sequence, length);
            std::fs::write(&answer_file, attestation.envelop(&plaintext, &mut |bytes| sequence.fill(bytes)).unwrap())
                .unwrap();

            let decrypted = Command::new("openssl")
                .args(["cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER", "-inkey"])
                .args([key_file.as_os_str(), "-in".as_ref(), answer_file.as_os_str()])
                .output()
                .unwrap();

            assert!(decrypted.status.success(), "{length}: {}", String::from_utf8_lossy(&decrypted.stderr));
            assert_eq!(decrypted.stdout, plaintext, "{length} bytes");
        }
    }
}
