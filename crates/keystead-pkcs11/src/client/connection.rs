//! One connection to a worker: a question, then its answer.

use std::io;
use std::path::Path;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::HsmError;
use crate::wire::{ANSWER_BYTES_MAX, FrameBuffer, QUESTION_BYTES_MAX, Question};

/// Carries one call at a time. One whose answer was not read to its end must not be used again.
pub(super) struct Connection {
    stream: UnixStream,
    question: FrameBuffer,
    answer: FrameBuffer,
}

impl Connection {
    pub(super) async fn open(socket: &Path) -> io::Result<Self> {
        Ok(Self {
            stream: UnixStream::connect(socket).await?,
            question: FrameBuffer::new(QUESTION_BYTES_MAX),
            answer: FrameBuffer::new(ANSWER_BYTES_MAX),
        })
    }

    /// Asks, and waits for the whole answer.
    pub(super) async fn exchange(&mut self, question: &Question<'_>) -> io::Result<()> {
        self.answer.wipe();
        self.question.encode(question).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let sent = self.stream.write_all(self.question.frame()).await;
        self.question.wipe();
        sent?;
        loop {
            let count = self.stream.read(self.answer.spare()).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.answer.received(count).map_err(io::Error::other)? {
                return Ok(());
            }
        }
    }

    /// Reads the answer, and zeroes it.
    pub(super) fn take_answer<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, HsmError> {
        let answer = self.answer.decode::<Result<T, HsmError>>();
        let answer = answer.map_err(|error| HsmError::Module(format!("the worker's answer makes no sense: {error}")));
        self.answer.wipe();
        answer?
    }
}
