//! From a question to its answer.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::Worker;
use crate::HsmError;
use crate::wire::{Bytes, FrameBuffer, FrameError, Question, Request, SecretBytes};

/// Reads the question, does what it asks, and makes the frame of the answer.
pub(crate) fn answer(worker: &Worker, question: &FrameBuffer, reply: &mut FrameBuffer) -> Result<(), FrameError> {
    let Question { wait_ms, request } = question.decode()?;
    let deadline = Instant::now() + Duration::from_millis(wait_ms.into());
    let mut give = Give(reply);
    match request {
        Request::Encrypt { id, plaintext, aad } => give.result(worker.encrypt(id, plaintext, aad, deadline)),
        Request::Decrypt { id, iv, ciphertext_and_tag, aad } => {
            give.secret(worker.decrypt(id, iv, ciphertext_and_tag, aad, deadline))
        }
        Request::GenerateRandom { length } => give.secret(worker.generate_random(length, deadline)),
        Request::Status => give.result(worker.status()),
        Request::InitializeToken { label, so_pin } => give.result(worker.initialize_token(label, &so_pin)),
        Request::ReinitializeToken { label, so_pin } => give.result(worker.reinitialize_token(label, &so_pin)),
        Request::BackUpToken { folder } => give.result(worker.back_up_token(folder)),
        Request::CheckSoPin { so_pin } => give.result(worker.check_so_pin(&so_pin)),
        Request::ChangeSoPin { old, new } => give.result(worker.change_so_pin(&old, &new)),
        Request::InitializeUserPin { so_pin, user_pin } => give.result(worker.initialize_user_pin(&so_pin, &user_pin)),
        Request::LogIn { user_pin, holder } => give.result(worker.log_in(&user_pin, holder)),
        Request::LogOut { holder } => give.result(worker.log_out(holder)),
        Request::ChangeUserPin { holder, old, new } => give.result(worker.change_user_pin(holder, &old, &new)),
        Request::Keys => give.result(worker.keys(deadline)),
        Request::FindKeys { id } => give.result(worker.find_keys(id, deadline)),
        Request::GenerateKey { id, label, extractable } => give.result(worker.generate_key(id, label, extractable)),
        Request::SealKey { id } => give.result(worker.seal_key(id)),
        Request::DestroyKey { id } => give.result(worker.destroy_key(id)),
        Request::MaskingKey => give.result(worker.masking_key(deadline)),
        Request::GenerateMaskingKey => give.result(worker.generate_masking_key()),
        Request::GenerateTransportKey => give.bytes(worker.generate_transport_key()),
        Request::WrapMaskingKey { transport_public_key } => give.bytes(worker.wrap_masking_key(transport_public_key)),
        Request::UnwrapMaskingKey { wrapped } => give.result(worker.unwrap_masking_key(wrapped)),
        Request::WrapKey { id } => give.bytes(worker.wrap_key(id)),
        Request::UnwrapKey { wrapped, id, label } => give.result(worker.unwrap_key(wrapped, id, label)),
    }
}

/// Writes an answer.
struct Give<'a>(&'a mut FrameBuffer);

impl Give<'_> {
    fn result<T: Serialize>(&mut self, result: Result<T, HsmError>) -> Result<(), FrameError> {
        self.0.encode(&result)
    }

    fn bytes(&mut self, result: Result<Vec<u8>, HsmError>) -> Result<(), FrameError> {
        self.result(result.map(Bytes))
    }

    fn secret(&mut self, result: Result<zeroize::Zeroizing<Vec<u8>>, HsmError>) -> Result<(), FrameError> {
        self.result(result.map(SecretBytes))
    }
}
