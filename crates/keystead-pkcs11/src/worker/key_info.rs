//! Reading what may be told of a key.

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use crate::{KeyAttributes, KeyId, KeyInfo};

const TOLD: [AttributeType; 14] = [
    AttributeType::Id,
    AttributeType::Label,
    AttributeType::CheckValue,
    AttributeType::Token,
    AttributeType::Private,
    AttributeType::Sensitive,
    AttributeType::AlwaysSensitive,
    AttributeType::Extractable,
    AttributeType::NeverExtractable,
    AttributeType::Local,
    AttributeType::Encrypt,
    AttributeType::Decrypt,
    AttributeType::Wrap,
    AttributeType::Unwrap,
];

/// What the token tells of a key; an attribute it does not have is empty or false.
pub(crate) fn key_info(session: &Session, key: ObjectHandle) -> Result<KeyInfo, Error> {
    let mut info = attributes(session, key)?;
    if info.check_value.is_empty() && info.attributes.encrypt {
        info.check_value = check_value(session, key)?;
    }
    Ok(info)
}

/// The same of whatever the token has: a crash of SoftHSM 2 leaves beginnings of keys (CloudHSM key stores digest 7.4), which must hide no
/// other. What they do not tell is empty or false.
pub(crate) fn key_or_fragment_info(session: &Session, key: ObjectHandle) -> Result<KeyInfo, Error> {
    match key_info(session, key) {
        Err(error) if is_of_a_fragment(&error) => attributes(session, key)
            .or_else(|error| if is_of_a_fragment(&error) { Ok(nothing_of(key)) } else { Err(error) }),
        told => told,
    }
}

fn is_of_a_fragment(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::AttributeValueInvalid
                | RvError::MechanismInvalid
                | RvError::KeyTypeInconsistent
                | RvError::KeySizeRange
                | RvError::KeyFunctionNotPermitted,
            _
        )
    )
}

fn attributes(session: &Session, key: ObjectHandle) -> Result<KeyInfo, Error> {
    let mut info = nothing_of(key);
    for attribute in session.get_attributes(key, &TOLD)? {
        take(&mut info, attribute);
    }
    Ok(info)
}

fn nothing_of(key: ObjectHandle) -> KeyInfo {
    KeyInfo {
        id: KeyId(Vec::new()),
        label: String::new(),
        check_value: Vec::new(),
        handle: key.handle(),
        attributes: KeyAttributes {
            token: false,
            private: false,
            sensitive: false,
            always_sensitive: false,
            extractable: false,
            never_extractable: false,
            local: false,
            encrypt: false,
            decrypt: false,
            wrap: false,
            unwrap: false,
        },
    }
}

/// What `CKA_CHECK_VALUE` is by definition, for tokens without it, such as kryoptic: the first bytes of an encrypted block of zeros (PKCS
/// #11 4.10.2).
fn check_value(session: &Session, key: ObjectHandle) -> Result<Vec<u8>, Error> {
    const CHECK_VALUE_BYTES: usize = 3;
    let mut block = session.encrypt(&Mechanism::AesEcb, key, &[0; 16])?;
    block.truncate(CHECK_VALUE_BYTES);
    Ok(block)
}

fn take(info: &mut KeyInfo, attribute: Attribute) {
    let attributes = &mut info.attributes;
    match attribute {
        Attribute::Id(id) => info.id = KeyId(id),
        Attribute::Label(label) => info.label = String::from_utf8_lossy(&label).into_owned(),
        Attribute::CheckValue(value) => info.check_value = value,
        Attribute::Token(is) => attributes.token = is,
        Attribute::Private(is) => attributes.private = is,
        Attribute::Sensitive(is) => attributes.sensitive = is,
        Attribute::AlwaysSensitive(is) => attributes.always_sensitive = is,
        Attribute::Extractable(is) => attributes.extractable = is,
        Attribute::NeverExtractable(is) => attributes.never_extractable = is,
        Attribute::Local(is) => attributes.local = is,
        Attribute::Encrypt(is) => attributes.encrypt = is,
        Attribute::Decrypt(is) => attributes.decrypt = is,
        Attribute::Wrap(is) => attributes.wrap = is,
        Attribute::Unwrap(is) => attributes.unwrap = is,
        // Not asked for.
        _ => {}
    }
}
