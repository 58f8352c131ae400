//! What client and worker say to each other.
//!
//! On a connection one question follows one answer: a connection never carries two calls at once, so that no demultiplexer stands between a
//! caller and the thread that answers, and an answer that comes too late ends with its connection. Calls at once use several connections.
//! A message is a frame ([`FrameBuffer`]) of postcard: the question a [`Question`], the answer a `Result<T, HsmError>`, where `T` belongs
//! to the request. Both halves are of one binary, so the format has no version.

pub(crate) mod byte_string;
mod frame;
mod request;

pub(crate) use byte_string::{Bytes, SecretBytes};
pub(crate) use frame::{FrameBuffer, FrameError};
pub(crate) use request::{Question, Request};

/// Longest question in bytes: a plaintext of 4096 bytes with an encryption context, several times over.
pub(crate) const QUESTION_BYTES_MAX: usize = 64 << 10;
/// Longest answer in bytes: what is to be told of ten thousand keys.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 << 20;
