//! The calls of a worker: those of [`crate::client::Hsm`], where their meaning is told.

use serde::{Deserialize, Serialize};

use super::byte_string;
use crate::{LoginHolder, Pin};

/// A call, and how long it may wait for its turn.
#[derive(Serialize, Deserialize)]
pub(crate) struct Question<'a> {
    /// Milliseconds that are left for a session to come free.
    pub(crate) wait_ms: u32,
    #[serde(borrow)]
    pub(crate) request: Request<'a>,
}

/// One call.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    Status,
    InitializeToken {
        label: &'a str,
        so_pin: Pin,
    },
    ReinitializeToken {
        label: &'a str,
        so_pin: Pin,
    },
    CheckSoPin {
        so_pin: Pin,
    },
    ChangeSoPin {
        old: Pin,
        new: Pin,
    },
    InitializeUserPin {
        so_pin: Pin,
        user_pin: Pin,
    },
    LogIn {
        user_pin: Pin,
        holder: LoginHolder,
    },
    LogOut {
        holder: LoginHolder,
    },
    ChangeUserPin {
        holder: LoginHolder,
        old: Pin,
        new: Pin,
    },
    Keys,
    FindKeys {
        id: &'a [u8],
    },
    GenerateKey {
        id: &'a [u8],
        label: &'a str,
        extractable: bool,
    },
    SealKey {
        id: &'a [u8],
    },
    DestroyKey {
        id: &'a [u8],
    },
    MaskingKey,
    GenerateMaskingKey,
    GenerateTransportKey,
    WrapMaskingKey {
        transport_public_key: &'a [u8],
    },
    UnwrapMaskingKey {
        wrapped: &'a [u8],
    },
    WrapKey {
        id: &'a [u8],
    },
    UnwrapKey {
        wrapped: &'a [u8],
        id: &'a [u8],
        label: &'a str,
    },
    Encrypt {
        id: &'a [u8],
        #[serde(serialize_with = "byte_string::serialize")]
        plaintext: &'a [u8],
        #[serde(serialize_with = "byte_string::serialize")]
        aad: &'a [u8],
    },
    Decrypt {
        id: &'a [u8],
        iv: [u8; 12],
        #[serde(serialize_with = "byte_string::serialize")]
        ciphertext_and_tag: &'a [u8],
        #[serde(serialize_with = "byte_string::serialize")]
        aad: &'a [u8],
    },
    GenerateRandom {
        length: u32,
    },
    BackUpToken {
        folder: &'a [u8],
    },
}
