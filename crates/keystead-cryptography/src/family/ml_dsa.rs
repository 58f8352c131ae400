//! ML-DSA keys (FIPS 204): pure, with the empty context, over messages or over an external mu.

use aws_lc_rs::encoding::{AsDer, AsRawBytes, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{
    self, KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, ParsedPublicKey, PqdsaKeyPair,
    PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
};
use der::asn1::{ContextSpecific, ObjectIdentifier, OctetStringRef};
use der::{AnyRef, Decode, Encode, SliceReader, Tag, TagNumber, Tagged};
use keystead_model::kms::SigningAlgorithmSpec;
// aws-lc-rs signs no external mu. Only that is this crate's.
use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ml_dsa::{
    EncodedVerifyingKey, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed,
    Signature, VerifyingKey,
};
use pkcs8::PrivateKeyInfo;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{Signing, Verifying};
use crate::algorithm_identifier::{self, AlgorithmIdentifier};
use crate::signing::exact_bytes;
use crate::{CryptographyError, InvalidPrivateKey, InvalidPublicKey, Message, SignatureError};

/// Length of mu in bytes (FIPS 204, section 6.2).
const MU_BYTES: usize = 64;
/// Length of a seed in bytes (FIPS 204, section 6.1).
const SEED_BYTES: usize = 32;

/// One parameter set of FIPS 204, in both libraries.
pub(crate) struct ParameterSet {
    pub(crate) identifier: &'static AlgorithmIdentifier,
    signing: &'static PqdsaSigningAlgorithm,
    verification: &'static PqdsaVerificationAlgorithm,
    sign_mu: SignMu,
    verify_mu: VerifyMu,
}

type Mu = [u8; MU_BYTES];
type SignMu = fn(&MlDsaPrivateKey, &Mu) -> Result<Vec<u8>, SignatureError>;
type VerifyMu = fn(&MlDsaPublicKey, &Mu, &[u8]) -> Result<bool, SignatureError>;

/// ML-DSA-44.
pub(super) static ML_DSA_44: ParameterSet = ParameterSet {
    identifier: &algorithm_identifier::ML_DSA_44,
    signing: &ML_DSA_44_SIGNING,
    verification: &signature::ML_DSA_44,
    sign_mu: sign_mu::<MlDsa44>,
    verify_mu: verify_mu::<MlDsa44>,
};

/// ML-DSA-65.
pub(super) static ML_DSA_65: ParameterSet = ParameterSet {
    identifier: &algorithm_identifier::ML_DSA_65,
    signing: &ML_DSA_65_SIGNING,
    verification: &signature::ML_DSA_65,
    sign_mu: sign_mu::<MlDsa65>,
    verify_mu: verify_mu::<MlDsa65>,
};

/// ML-DSA-87.
pub(super) static ML_DSA_87: ParameterSet = ParameterSet {
    identifier: &algorithm_identifier::ML_DSA_87,
    signing: &ML_DSA_87_SIGNING,
    verification: &signature::ML_DSA_87,
    sign_mu: sign_mu::<MlDsa87>,
    verify_mu: verify_mu::<MlDsa87>,
};

/// An ML-DSA private key.
///
/// For an external mu it is expanded anew each time, as aws-lc does for messages: kept, it would take up to 100 KB a key.
pub(super) struct MlDsaPrivateKey {
    set: &'static ParameterSet,
    signing: PqdsaKeyPair,
    /// The seed, if it is known: it does not follow from an expanded private key.
    seed: Option<Zeroizing<[u8; SEED_BYTES]>>,
}

impl MlDsaPrivateKey {
    pub(super) fn generate(set: &'static ParameterSet) -> Result<Self, CryptographyError> {
        Self::new(set, PqdsaKeyPair::generate(set.signing).map_err(|_| CryptographyError::Library)?)
    }

    /// PKCS #8 with the seed, the expanded private key, or both (RFC 9881).
    pub(super) fn from_pkcs8(
        set: &'static ParameterSet,
        der: &[u8],
        content: &[u8],
    ) -> Result<Self, InvalidPrivateKey> {
        check_both(content).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let signing = PqdsaKeyPair::from_pkcs8(set.signing, der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        Self::new(set, signing).map_err(|_| InvalidPrivateKey::Unacceptable)
    }

    fn new(set: &'static ParameterSet, signing: PqdsaKeyPair) -> Result<Self, CryptographyError> {
        let seed = seed(&signing)?;
        Ok(Self { set, signing, seed })
    }
}

impl Signing for MlDsaPrivateKey {
    /// The seed alone if it is known, else the expanded private key (RFC 9881).
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        if self.seed.is_some() {
            let der = self.signing.to_pkcs8v1().map_err(|_| CryptographyError::Library)?;
            return Ok(Zeroizing::new(der.as_ref().to_vec()));
        }
        let expanded = self.signing.private_key().as_raw_bytes().map_err(|_| CryptographyError::Library)?;
        encode_expanded(self.set.identifier.oid, expanded.as_ref()).map_err(|_| CryptographyError::Library)
    }

    fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        check_algorithm(algorithm)?;
        match message {
            Message::Raw(message) => {
                let mut signature = vec![0; self.set.signing.signature_len()];
                self.signing.sign(message, &mut signature).map_err(|_| SignatureError::Library)?;
                Ok(signature)
            }
            Message::ExternalMu(mu) => (self.set.sign_mu)(self, exact_bytes(mu)?),
            Message::Digest(_) => Err(SignatureError::MessageTypeNotAllowed),
        }
    }
}

/// An ML-DSA public key.
pub(super) struct MlDsaPublicKey {
    set: &'static ParameterSet,
    verifying: ParsedPublicKey,
    /// As FIPS 204 encodes it, for an external mu.
    encoded: Box<[u8]>,
}

impl MlDsaPublicKey {
    pub(super) fn from_bytes(set: &'static ParameterSet, bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let verifying = ParsedPublicKey::new(set.verification, bytes).map_err(|_| InvalidPublicKey::Unacceptable)?;
        Ok(Self { set, verifying, encoded: bytes.into() })
    }
}

impl Verifying for MlDsaPublicKey {
    fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        check_algorithm(algorithm)?;
        match message {
            Message::Raw(message) => Ok(self.verifying.verify_sig(message, signature).is_ok()),
            Message::ExternalMu(mu) => (self.set.verify_mu)(self, exact_bytes(mu)?, signature),
            Message::Digest(_) => Err(SignatureError::MessageTypeNotAllowed),
        }
    }
}

fn check_algorithm(algorithm: SigningAlgorithmSpec) -> Result<(), SignatureError> {
    if algorithm == SigningAlgorithmSpec::MlDsaShake256 { Ok(()) } else { Err(SignatureError::AlgorithmNotOfKey) }
}

/// Signs hedged (FIPS 204, section 3.4), as aws-lc does.
fn sign_mu<P: MlDsaParams>(key: &MlDsaPrivateKey, mu: &Mu) -> Result<Vec<u8>, SignatureError> {
    let expanded = expand::<P>(key).ok_or(SignatureError::Library)?;
    let signature =
        expanded.sign_mu_randomized(&(*mu).into(), &mut SystemRandom).map_err(|_| SignatureError::Library)?;
    Ok(signature.encode().to_vec())
}

fn verify_mu<P: MlDsaParams>(key: &MlDsaPublicKey, mu: &Mu, signature: &[u8]) -> Result<bool, SignatureError> {
    let encoded = EncodedVerifyingKey::<P>::try_from(&*key.encoded).map_err(|_| SignatureError::Library)?;
    let Ok(signature) = Signature::<P>::try_from(signature) else { return Ok(false) };
    Ok(VerifyingKey::<P>::decode(&encoded).verify_mu(&(*mu).into(), &signature))
}

fn expand<P: MlDsaParams>(key: &MlDsaPrivateKey) -> Option<ExpandedSigningKey<P>> {
    if let Some(seed) = &key.seed {
        return Some(ExpandedSigningKey::from_seed(&Zeroizing::new(Seed::from(**seed))));
    }
    let raw = key.signing.private_key().as_raw_bytes().ok()?;
    let raw = Zeroizing::new(ExpandedSigningKeyBytes::<P>::try_from(raw.as_ref()).ok()?);
    // Deprecated because it panics on what is no private key. aws-lc has read this one, and let nothing pass that is out of range.
    #[allow(deprecated)]
    Some(ExpandedSigningKey::from_expanded(&raw))
}

/// aws-lc's random numbers, for a library that asks for them through a trait.
struct SystemRandom;

/// The system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers")]
struct NoRandomNumbers;

impl TryRng for SystemRandom {
    type Error = NoRandomNumbers;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomNumbers> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomNumbers> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomNumbers> {
        rand::fill(bytes).map_err(|_| NoRandomNumbers)
    }
}

impl TryCryptoRng for SystemRandom {}

/// In the form with both, nothing may follow the expanded private key: aws-lc would not look.
fn check_both(content: &[u8]) -> der::Result<()> {
    let content = AnyRef::from_der(content)?;
    if content.tag() != Tag::Sequence {
        return Ok(());
    }
    content.sequence(|reader| {
        OctetStringRef::decode(reader)?;
        OctetStringRef::decode(reader)?;
        Ok(())
    })
}

/// The seed that aws-lc holds; it writes PKCS #8 with the seed alone, or not at all.
fn seed(key: &PqdsaKeyPair) -> Result<Option<Zeroizing<[u8; SEED_BYTES]>>, CryptographyError> {
    let Ok(der) = key.to_pkcs8v1() else { return Ok(None) };
    let info = PrivateKeyInfo::from_der(der.as_ref()).map_err(|_| CryptographyError::Library)?;
    let mut reader = SliceReader::new(info.private_key).map_err(|_| CryptographyError::Library)?;
    let seed = ContextSpecific::<OctetStringRef<'_>>::decode_implicit(&mut reader, TagNumber::N0);
    let seed = seed.ok().flatten().ok_or(CryptographyError::Library)?.value;
    Ok(Some(Zeroizing::new(seed.as_bytes().try_into().map_err(|_| CryptographyError::Library)?)))
}

fn encode_expanded(oid: ObjectIdentifier, expanded: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    let private_key = Zeroizing::new(OctetStringRef::new(expanded)?.to_der()?);
    let info = PrivateKeyInfo::new(AlgorithmIdentifierRef { oid, parameters: None }, &private_key);
    info.to_der().map(Zeroizing::new)
}
