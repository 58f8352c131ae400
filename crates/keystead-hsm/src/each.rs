//! The same at several HSMs at once.

use std::future::Future;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};

use crate::member::Member;

/// Makes a call at each of the HSMs, all at the same time, and returns the answers as they come. Dropped, it drops the calls.
pub(crate) async fn at_each<T, F>(members: &[Arc<Member>], call: impl Fn(Arc<Member>) -> F) -> Vec<(Arc<Member>, T)>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for member in members {
        let (member, answer) = (member.clone(), call(member.clone()));
        calls.spawn(async move { (member, answer.await) });
    }
    let mut answers = Vec::with_capacity(members.len());
    while let Some(joined) = calls.join_next().await {
        answers.push(joined.unwrap_or_else(go_on_panicking));
    }
    answers
}

/// The calls are ended by nobody but their owner, so what ended one is a panic, which belongs to the caller.
fn go_on_panicking<T>(error: JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}
