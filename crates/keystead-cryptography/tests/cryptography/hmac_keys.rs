//! HMAC keys.

use crate::support::*;
use keystead_cryptography::{HmacKey, InvalidHmacKey, hmac_key_bytes, hmac_key_bytes_allowed};
use keystead_model::kms::KeySpec;
use zeroize::Zeroizing;

/// Key spec, bytes of the tag and of a generated key, most bytes of an imported key.
const SPECS: [(KeySpec, usize, usize); 4] =
    [(KeySpec::Hmac224, 28, 64), (KeySpec::Hmac256, 32, 64), (KeySpec::Hmac384, 48, 128), (KeySpec::Hmac512, 64, 128)];

fn key(spec: KeySpec, bytes: &[u8]) -> Result<HmacKey, InvalidHmacKey> {
    HmacKey::from_bytes(spec, Zeroizing::new(bytes.to_vec()))
}

/// RFC 4231 has keys that are too short or too long for KMS. These tags are Python's: `hmac.digest(bytes(range(64)), message, "sha256")`.
#[test]
fn tags_are_those_of_other_programs() {
    let bytes: Vec<u8> = (0..64).collect();
    let tags = [
        (KeySpec::Hmac224, TAG_224),
        (KeySpec::Hmac256, TAG_256),
        (KeySpec::Hmac384, TAG_384),
        (KeySpec::Hmac512, TAG_512),
    ];
    for (spec, tag) in tags {
        let key = key(spec, &bytes).unwrap();
        assert_eq!(key.mac(b"what is authenticated"), hex(tag), "{spec}");
        assert!(key.verify(b"what is authenticated", &hex(tag)), "{spec}");
    }
}

const TAG_224: &str = "f30226ce08bf2ad2754d2bd51fb3dc7ae21c8e59151bfcdfdeb1073e";
const TAG_256: &str = "3e722a9fe2a8e8325068908beffa3c67d9b4068dec8fdfebce93b789e71f52d6";
const TAG_384: &str =
    "d5320315ab0a613359638787449e94f2d3fe4a36e9396d6ba5e090b4ed990d4269fe354b74f65cb18f052bff5ed7b7a9";
const TAG_512: &str = "2dcab8e71e569acd17ba7d5a4cd422dacd1b2fce5b00031247ac0c1e976a3b39\
    ab061d5c9f7039edbf5049f31e33d3053db921b8a418876177b7e77cb2835705";

#[test]
fn generated_keys_are_filled_whole_and_have_the_tags_length() {
    for (spec, tag_bytes, _) in SPECS {
        let mut asked = 0;
        let made = HmacKey::generate(spec, |bytes| {
            asked = bytes.len();
            bytes.fill(0xa5);
        })
        .unwrap();
        assert_eq!((asked, hmac_key_bytes(spec)), (tag_bytes, Some(tag_bytes)), "{spec}");
        assert_eq!(made.expose(), vec![0xa5; tag_bytes]);
        assert_eq!(made.spec(), spec);
        assert_eq!(made.mac(b"message").len(), tag_bytes);
        assert_eq!(made.mac(b"message"), key(spec, made.expose()).unwrap().mac(b"message"));
    }
}

#[test]
fn imported_keys_have_a_length_that_the_key_spec_allows() {
    for (spec, least, most) in SPECS {
        let allowed = least..=most;
        assert_eq!(hmac_key_bytes_allowed(spec), Some(allowed.clone()));
        for length in 0..200 {
            let refused =
                (!allowed.contains(&length)).then(|| InvalidHmacKey::WrongLength { allowed: allowed.clone() });
            assert_eq!(key(spec, &vec![1; length]).err(), refused, "{spec}: {length} bytes");
        }
    }
}

#[test]
fn other_key_specs_have_no_hmac_keys() {
    for spec in KeySpec::ALL.iter().copied().filter(|spec| SPECS.iter().all(|row| row.0 != *spec)) {
        let refused = Some(InvalidHmacKey::UnsupportedKeySpec(spec));
        assert_eq!(key(spec, &[1; 64]).err(), refused);
        assert_eq!(HmacKey::generate(spec, |_| ()).err(), refused);
        assert_eq!((hmac_key_bytes(spec), hmac_key_bytes_allowed(spec)), (None, None));
    }
}

#[test]
fn only_the_whole_unchanged_tag_verifies() {
    for (spec, tag_bytes, _) in SPECS {
        let key = key(spec, &[0x11; 64]).unwrap();
        let tag = key.mac(b"message");
        assert!(key.verify(b"message", &tag));
        for at in 0..tag_bytes {
            for change in [0x01, 0x80] {
                let mut changed = tag.clone();
                changed[at] ^= change;
                assert!(!key.verify(b"message", &changed), "{spec}: byte {at}");
            }
            assert!(!key.verify(b"message", &tag[..at]), "{spec}: {at} bytes");
        }
        assert!(!key.verify(b"message", &[&tag[..], &[0]].concat()), "{spec}");
        assert!(!key.verify(b"Message", &tag), "{spec}");
    }
}
