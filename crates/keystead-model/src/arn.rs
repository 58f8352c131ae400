//! Identifiers: key ids, aliases, key stores, accounts, Regions and ARNs (KMS Developer Guide, "Key identifiers").

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kms::generated::{ALIAS_NAME_TYPE, CUSTOM_KEY_STORE_ID_TYPE, REGION_TYPE};
use crate::wire_enum::wire_enum;

/// A text that is not the identifier it should be. Says what was expected, not what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidIdentifier {
    /// The form of a valid identifier.
    pub expected: &'static str,
}

impl fmt::Display for InvalidIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid identifier: expected {}", self.expected)
    }
}

impl std::error::Error for InvalidIdentifier {}

/// `FromStr`, `Serialize` and `Deserialize` for a type with `parse(&str) -> Option<Self>` and `Display`.
macro_rules! text_form {
    ($name:ident, $expected:literal) => {
        impl FromStr for $name {
            type Err = InvalidIdentifier;

            fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
                $name::parse(text).ok_or(InvalidIdentifier { expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// `Debug` and `Display` that show the plain text, for a type with `as_str`.
macro_rules! shown_as_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
}

wire_enum! {
    /// A group of AWS Regions, the second part of an ARN. Keystead itself makes ARNs of `aws` only.
    Partition {
        Aws = "aws",
        AwsCn = "aws-cn",
        AwsUsGov = "aws-us-gov",
        AwsEusc = "aws-eusc",
        AwsIso = "aws-iso",
        AwsIsoB = "aws-iso-b",
        AwsIsoE = "aws-iso-e",
        AwsIsoF = "aws-iso-f",
    }
}

/// An account's number: 12 decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// `None` unless `text` is 12 decimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 12] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(AccountId(digits))
    }

    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

text_form!(AccountId, "12 decimal digits");
shown_as_text!(AccountId);

/// A Region's name: `us-east-1`. 1..=32 characters, `^([a-z]+-){2,3}\d+$`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

impl Region {
    /// `None` unless `text` satisfies the model's `RegionType`.
    pub fn parse(text: &str) -> Option<Self> {
        REGION_TYPE.accepts_str(text).then(|| Region(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(Region, "a Region name such as us-east-1");
shown_as_text!(Region);

/// Where `-` stands in a UUID.
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// What a multi-Region key's id begins with.
const MULTI_REGION_PREFIX: &[u8; 4] = b"mrk-";

/// A KMS key's identifier: a lowercase UUID, or `mrk-` and 32 lowercase hex digits. Never an alias, never an ARN.
///
/// Both forms have 36 characters and carry 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 36]);

impl KeyId {
    /// `None` unless `text` has one of the two forms, in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let text: [u8; 36] = text.as_bytes().try_into().ok()?;
        let well_formed = match text.strip_prefix(MULTI_REGION_PREFIX) {
            Some(digits) => digits.iter().all(is_lower_hex),
            None => text.iter().enumerate().all(|(index, byte)| match UUID_HYPHENS.contains(&index) {
                true => *byte == b'-',
                false => is_lower_hex(byte),
            }),
        };
        well_formed.then_some(KeyId(text))
    }

    /// A single-Region key's id from 16 random bytes: a version 4 UUID (RFC 9562).
    pub fn from_random(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        KeyId::uuid(random)
    }

    /// A multi-Region key's id from 16 random bytes.
    pub fn from_random_multi_region(random: [u8; 16]) -> Self {
        let mut text = [0; 36];
        text[..4].copy_from_slice(MULTI_REGION_PREFIX);
        write_hex(&random, &mut text[4..].iter_mut());
        KeyId(text)
    }

    fn uuid(bytes: [u8; 16]) -> Self {
        let mut text = [b'-'; 36];
        let digits = text.iter_mut().enumerate().filter(|(index, _)| !UUID_HYPHENS.contains(index));
        write_hex(&bytes, &mut digits.map(|(_, digit)| digit));
        KeyId(text)
    }

    /// Whether this is a multi-Region key's id.
    pub fn is_multi_region(&self) -> bool {
        self.0.starts_with(MULTI_REGION_PREFIX)
    }

    /// The text, 36 characters.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }

    /// 17 bytes that say the same: a tag (0 UUID, 1 multi-Region) and the 16 bytes of the id.
    pub fn to_compact(&self) -> [u8; 17] {
        let prefix_length = if self.is_multi_region() { MULTI_REGION_PREFIX.len() } else { 0 };
        let mut digits = self.0[prefix_length..].iter().filter(|byte| **byte != b'-').map(|byte| hex_value(*byte));
        let mut compact = [0; 17];
        compact[0] = u8::from(self.is_multi_region());
        for byte in &mut compact[1..] {
            let (high, low) = (digits.next().unwrap_or(0), digits.next().unwrap_or(0));
            *byte = high << 4 | low;
        }
        compact
    }

    /// The id that [`KeyId::to_compact`] gave; `None` if the tag is neither 0 nor 1.
    pub fn from_compact(compact: &[u8; 17]) -> Option<Self> {
        let [tag, bytes @ ..] = *compact;
        match tag {
            0 => Some(KeyId::uuid(bytes)),
            1 => Some(KeyId::from_random_multi_region(bytes)),
            _ => None,
        }
    }
}

text_form!(KeyId, "a lowercase UUID, or mrk- and 32 lowercase hex digits");
shown_as_text!(KeyId);

/// A custom key store's identifier. AWS's are `cks-` and 17 hex digits; any text of 1..=64 characters may be asked for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomKeyStoreId(Box<str>);

impl CustomKeyStoreId {
    /// `None` unless `text` has 1..=64 characters.
    pub fn parse(text: &str) -> Option<Self> {
        CUSTOM_KEY_STORE_ID_TYPE.accepts_str(text).then(|| CustomKeyStoreId(text.into()))
    }

    /// A new id: `cks-` and 17 hex digits, from 68 of the 72 random bits.
    pub fn from_random(random: [u8; 9]) -> Self {
        let mut text = *b"cks-00000000000000000";
        write_hex(&random, &mut text[4..].iter_mut());
        CustomKeyStoreId(ascii(&text).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(CustomKeyStoreId, "1 to 64 characters");
shown_as_text!(CustomKeyStoreId);

/// What every alias name begins with.
const ALIAS_PREFIX: &str = "alias/";

/// What the names of AWS managed keys' aliases begin with; customers cannot make them.
const RESERVED_ALIAS_PREFIX: &str = "alias/aws/";

/// An alias: `alias/` and a name of letters, digits, `/`, `_` and `-`; 256 characters at most in all.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasName(Box<str>);

/// Why a text is no alias name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidAliasName {
    /// It does not begin with `alias/`.
    MissingPrefix,
    /// Nothing follows the prefix.
    Empty,
    /// It has a character other than letters, digits, `/`, `_`, `-`.
    InvalidCharacters,
    /// It has more than 256 characters.
    TooLong,
}

impl AliasName {
    /// The alias name in `text`, or what is wrong with it.
    pub fn check(text: &str) -> Result<Self, InvalidAliasName> {
        let name = text.strip_prefix(ALIAS_PREFIX).ok_or(InvalidAliasName::MissingPrefix)?;
        if name.is_empty() {
            return Err(InvalidAliasName::Empty);
        }
        // The model's pattern admits a colon; the API's text does not, and it would be unclear in an ARN.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte)) {
            return Err(InvalidAliasName::InvalidCharacters);
        }
        ALIAS_NAME_TYPE.accepts_str(text).then(|| AliasName(text.into())).ok_or(InvalidAliasName::TooLong)
    }

    /// `None` where [`AliasName::check`] fails.
    pub fn parse(text: &str) -> Option<Self> {
        AliasName::check(text).ok()
    }

    /// The whole text with `alias/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it begins with `alias/aws/`, which is reserved for AWS managed keys.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(RESERVED_ALIAS_PREFIX)
    }
}

text_form!(AliasName, "alias/ and letters, digits, /, _ or -, 256 characters at most");
shown_as_text!(AliasName);

/// What comes before the resource in an ARN of KMS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Scope {
    partition: Partition,
    region: Region,
    account: AccountId,
}

impl Scope {
    /// Splits `arn:<partition>:kms:<region>:<account>:<resource>`.
    fn split(arn: &str) -> Option<(Self, &str)> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        if next()? != "arn" {
            return None;
        }
        let partition = next()?.parse().ok()?;
        if next()? != "kms" {
            return None;
        }
        let (region, account) = (Region::parse(next()?)?, AccountId::parse(next()?)?);
        Some((Scope { partition, region, account }, next()?))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:kms:{}:{}", self.partition, self.region, self.account)
    }
}

/// A KMS key's ARN: `arn:aws:kms:<region>:<account>:key/<key id>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyArn {
    scope: Scope,
    key_id: KeyId,
}

impl KeyArn {
    /// The ARN in partition `aws`.
    pub fn new(region: Region, account: AccountId, key_id: KeyId) -> Self {
        KeyArn { scope: Scope { partition: Partition::Aws, region, account }, key_id }
    }

    /// `None` unless `text` is a key's ARN in a known partition.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, resource) = Scope::split(text)?;
        let key_id = KeyId::parse(resource.strip_prefix("key/")?)?;
        Some(KeyArn { scope, key_id })
    }

    /// The partition, `aws` for Keystead's own keys.
    pub fn partition(&self) -> Partition {
        self.scope.partition
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        &self.scope.region
    }

    /// The account that owns the key.
    pub fn account(&self) -> AccountId {
        self.scope.account
    }

    /// The key's id.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:key/{}", self.scope, self.key_id)
    }
}

impl fmt::Debug for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyArn({self})")
    }
}

text_form!(KeyArn, "arn:aws:kms:<region>:<account>:key/<key id>");

/// An alias's ARN: `arn:aws:kms:<region>:<account>:alias/<name>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasArn {
    scope: Scope,
    alias_name: AliasName,
}

impl AliasArn {
    /// The ARN in partition `aws`.
    pub fn new(region: Region, account: AccountId, alias_name: AliasName) -> Self {
        AliasArn { scope: Scope { partition: Partition::Aws, region, account }, alias_name }
    }

    /// `None` unless `text` is an alias's ARN in a known partition.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, resource) = Scope::split(text)?;
        let alias_name = AliasName::parse(resource)?;
        Some(AliasArn { scope, alias_name })
    }

    /// The partition, `aws` for Keystead's own aliases.
    pub fn partition(&self) -> Partition {
        self.scope.partition
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        &self.scope.region
    }

    /// The account that owns the alias.
    pub fn account(&self) -> AccountId {
        self.scope.account
    }

    /// The alias, with its `alias/`.
    pub fn alias_name(&self) -> &AliasName {
        &self.alias_name
    }
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope, self.alias_name)
    }
}

impl fmt::Debug for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AliasArn({self})")
    }
}

text_form!(AliasArn, "arn:aws:kms:<region>:<account>:alias/<name>");

/// What a `KeyId` member of a request can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyIdentifier {
    /// A bare key id, of the caller's account and this Region.
    Id(KeyId),
    /// A key's ARN, perhaps of another account, Region or partition.
    Arn(KeyArn),
    /// An alias of the caller's account and this Region.
    AliasName(AliasName),
    /// An alias's ARN, perhaps of another account, Region or partition.
    AliasArn(AliasArn),
}

/// Why a `KeyId` member names neither a key nor an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKeyIdentifier {
    /// None of the four forms, or one of them with a malformed key id or alias name:
    /// `NotFoundException`, `Invalid keyId '<input>'`.
    Invalid,
    /// An ARN, but not of a KMS key or alias: `InvalidArnException`.
    NotKeyOrAlias,
}

impl fmt::Display for InvalidKeyIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidKeyIdentifier::Invalid => "not a key id, key ARN, alias name or alias ARN",
            InvalidKeyIdentifier::NotKeyOrAlias => "an ARN, but not of a KMS key or alias",
        })
    }
}

impl std::error::Error for InvalidKeyIdentifier {}

impl KeyIdentifier {
    /// Tells the four forms apart.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyIdentifier> {
        if text.starts_with("arn:") {
            return KeyIdentifier::parse_arn(text);
        }
        let id = || KeyId::parse(text).map(KeyIdentifier::Id);
        let alias = || AliasName::parse(text).map(KeyIdentifier::AliasName);
        id().or_else(alias).ok_or(InvalidKeyIdentifier::Invalid)
    }

    fn parse_arn(text: &str) -> Result<Self, InvalidKeyIdentifier> {
        let (scope, resource) = Scope::split(text).ok_or(InvalidKeyIdentifier::NotKeyOrAlias)?;
        // That a KMS ARN with a malformed key id counts as an invalid key id is unverified.
        if let Some(key_id) = resource.strip_prefix("key/") {
            let key_id = KeyId::parse(key_id).ok_or(InvalidKeyIdentifier::Invalid)?;
            return Ok(KeyIdentifier::Arn(KeyArn { scope, key_id }));
        }
        match AliasName::check(resource) {
            Ok(alias_name) => Ok(KeyIdentifier::AliasArn(AliasArn { scope, alias_name })),
            Err(InvalidAliasName::MissingPrefix) => Err(InvalidKeyIdentifier::NotKeyOrAlias),
            Err(_) => Err(InvalidKeyIdentifier::Invalid),
        }
    }
}

impl FromStr for KeyIdentifier {
    type Err = InvalidKeyIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidKeyIdentifier> {
        KeyIdentifier::parse(text)
    }
}

/// The text of bytes that the constructors of this module keep within ASCII.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn is_lower_hex(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// The value of a lowercase hex digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'0'),
    }
}

/// Writes `bytes` as lowercase hex digits, as far as there is room.
fn write_hex(bytes: &[u8], digits: &mut dyn Iterator<Item = &mut u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    for (digit, nibble) in digits.zip(nibbles) {
        *digit = HEX[usize::from(nibble)];
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    #[test]
    fn key_ids_have_two_forms() {
        for good in [UUID, MRK] {
            assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        }
        let bad = [
            "",
            "1234ABCD-12ab-34cd-56ef-1234567890ab",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890a",
            "1234abcd-12ab-34cd-56ef-1234567890abc",
            "1234abcd-12ab-34cd-56ef_1234567890ab",
            "mrk-fake",
            "mrk-1234ABCD12ab34cd56ef1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890é",
            "alias/x",
        ];
        for text in bad {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn compact_key_ids_come_back() {
        let bytes = [0x12, 0x34, 0xab, 0xcd, 0x12, 0xab, 0x34, 0xcd, 0x56, 0xef, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab];
        for (tag, text) in [(0, UUID), (1, MRK)] {
            let id = KeyId::parse(text).unwrap();
            let compact = id.to_compact();
            assert_eq!((compact[0], &compact[1..]), (tag, &bytes[..]));
            assert_eq!(KeyId::from_compact(&compact), Some(id));
        }
        assert_eq!(KeyId::from_compact(&[2; 17]), None);
    }

    #[test]
    fn random_ids_are_well_formed() {
        let id = KeyId::from_random([0xff; 16]);
        assert_eq!(id.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(KeyId::parse(id.as_str()), Some(id));
        let id = KeyId::from_random_multi_region([0x0a; 16]);
        assert_eq!(id.as_str(), "mrk-0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
        assert!(id.is_multi_region());
        let id = CustomKeyStoreId::from_random([0x1f; 9]);
        assert_eq!(id.as_str(), "cks-1f1f1f1f1f1f1f1f1");
    }

    #[test]
    fn accounts_regions_and_key_stores() {
        assert_eq!(AccountId::parse("111122223333").unwrap().to_string(), "111122223333");
        for bad in ["", "11112222333", "1111222233334", "11112222333x", "１１１１"] {
            assert_eq!(AccountId::parse(bad), None, "{bad}");
        }
        assert_eq!(Region::parse("us-gov-west-1").unwrap().as_str(), "us-gov-west-1");
        for bad in ["", "us", "us-east", "US-EAST-1", "us-east-1a", "local-1"] {
            assert_eq!(Region::parse(bad), None, "{bad}");
        }
        assert!(CustomKeyStoreId::parse("anything goes").is_some());
        assert!(CustomKeyStoreId::parse("").is_none());
        assert!(CustomKeyStoreId::parse(&"x".repeat(65)).is_none());
    }

    #[test]
    fn alias_names() {
        let longest = format!("alias/{}", "a".repeat(250));
        for good in ["alias/a", "alias/a/B_c-9", "alias/aws/ebs", &longest] {
            assert_eq!(AliasName::check(good).unwrap().as_str(), good);
        }
        let too_long = format!("{longest}a");
        let table = [
            ("", InvalidAliasName::MissingPrefix),
            ("ExampleAlias", InvalidAliasName::MissingPrefix),
            ("alias/", InvalidAliasName::Empty),
            ("alias/a:b", InvalidAliasName::InvalidCharacters),
            ("alias/a b", InvalidAliasName::InvalidCharacters),
            ("alias/é", InvalidAliasName::InvalidCharacters),
            (&too_long, InvalidAliasName::TooLong),
        ];
        for (text, error) in table {
            assert_eq!(AliasName::check(text), Err(error), "{text}");
        }
        assert!(AliasName::parse("alias/aws/ebs").unwrap().is_reserved());
        assert!(!AliasName::parse("alias/awsome").unwrap().is_reserved());
    }

    #[test]
    fn arns_come_back() {
        let key = format!("arn:aws:kms:us-west-2:111122223333:key/{UUID}");
        let alias = "arn:aws-cn:kms:cn-north-1:111122223333:alias/a/b";
        let parsed = KeyArn::parse(&key).unwrap();
        assert_eq!(parsed.to_string(), key);
        assert_eq!(parsed, KeyArn::new(parsed.region().clone(), parsed.account(), parsed.key_id()));
        assert_eq!(AliasArn::parse(alias).unwrap().to_string(), alias);
        assert_eq!(AliasArn::parse(alias).unwrap().partition(), Partition::AwsCn);
        assert_eq!(serde_json::from_value::<KeyArn>(key.as_str().into()).unwrap(), parsed);
        assert_eq!(serde_json::to_value(&parsed).unwrap(), key.as_str());
        assert_eq!(KeyArn::parse(alias), None);
        assert_eq!(AliasArn::parse(&key), None);
    }

    #[test]
    fn key_identifiers() {
        use InvalidKeyIdentifier::{Invalid, NotKeyOrAlias};
        let arn = |resource: &str| format!("arn:aws:kms:us-west-2:111122223333:{resource}");
        let form = |text: &str| match KeyIdentifier::parse(text)? {
            KeyIdentifier::Id(_) => Ok("id"),
            KeyIdentifier::Arn(_) => Ok("arn"),
            KeyIdentifier::AliasName(_) => Ok("alias name"),
            KeyIdentifier::AliasArn(_) => Ok("alias arn"),
        };
        let table = [
            (UUID.to_owned(), Ok("id")),
            (MRK.to_owned(), Ok("id")),
            ("alias/x".to_owned(), Ok("alias name")),
            (arn(&format!("key/{MRK}")), Ok("arn")),
            (arn("alias/x"), Ok("alias arn")),
            ("mrk-fake".to_owned(), Err(Invalid)),
            ("fakeKey".to_owned(), Err(Invalid)),
            ("1234abcd12ab34cd56ef1234567890ab".to_owned(), Err(Invalid)),
            ("alias/".to_owned(), Err(Invalid)),
            (arn("key/fake"), Err(Invalid)),
            (arn("alias/a:b"), Err(Invalid)),
            (arn("grant/x"), Err(NotKeyOrAlias)),
            (arn(""), Err(NotKeyOrAlias)),
            ("arn:aws:s3:::bucket".to_owned(), Err(NotKeyOrAlias)),
            ("arn:aws:kms:us-west-2".to_owned(), Err(NotKeyOrAlias)),
            ("arn:".to_owned(), Err(NotKeyOrAlias)),
            (format!("arn:moon:kms:us-west-2:111122223333:key/{UUID}"), Err(NotKeyOrAlias)),
            (format!("arn:aws:kms:us-west-2:1111:key/{UUID}"), Err(NotKeyOrAlias)),
        ];
        for (text, expected) in table {
            assert_eq!(form(&text), expected, "{text}");
        }
    }
}
