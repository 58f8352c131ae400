//! What was acknowledged is in the file: with many writers at once, across a restart, and after a kill -9 of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use keystead_audit::{Durability, FileAuditLog, OpenError};
use keystead_core::audit::AuditRecord;
use keystead_core::port::AuditLog;
use keystead_model::Timestamp;
use keystead_model::arn::Region;
use serde_json::Value;

/// Tells the child of the kill -9 test which log to write.
const CHILD_LOG: &str = "KEYSTEAD_AUDIT_TEST_CHILD_LOG";
const CHILD_TEST: &str = "child_that_writes_until_it_is_killed";

fn record(event_id: &str) -> AuditRecord {
    let region = Region::parse("eu-central-1").unwrap();
    let mut record = AuditRecord::of_call("Encrypt", &region, Timestamp::from_millis(0), event_id.to_owned(), true);
    record.user_agent = "two\nlines and a \"quote\"".to_owned();
    record
}

/// The event IDs in the file, which must consist of whole lines.
fn event_ids(path: &Path) -> Vec<String> {
    let content = std::fs::read_to_string(path).unwrap();
    assert!(content.is_empty() || content.ends_with('\n'));
    content
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["eventID"].as_str().unwrap().to_owned())
        .collect()
}

async fn write_many(log: &Arc<FileAuditLog>, writers: usize, records_each: usize) {
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let log = Arc::clone(log);
            tokio::spawn(async move {
                for number in 0..records_each {
                    log.write(record(&format!("{writer}-{number}"))).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_each_find_all_their_records_in_order() {
    for durability in [Durability::Fsync, Durability::Buffered] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = Arc::new(FileAuditLog::open(&path, durability).unwrap());
        write_many(&log, 50, 10).await;
        let ids = event_ids(&path);
        assert_eq!(ids.len(), 500);
        for writer in 0..50 {
            let prefix = format!("{writer}-");
            let own: Vec<_> = ids.iter().filter(|id| id.starts_with(&prefix)).cloned().collect();
            assert_eq!(own, (0..10).map(|number| format!("{writer}-{number}")).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_closed_log_is_unlocked_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let first = FileAuditLog::open(&path, Durability::Buffered).unwrap();
    first.write(record("1")).await.unwrap();
    assert!(matches!(FileAuditLog::open(&path, Durability::Fsync), Err(OpenError::InUse { .. })));
    first.close().await.unwrap();

    let second = FileAuditLog::open(&path, Durability::Fsync).unwrap();
    second.write(record("2")).await.unwrap();
    first.write(record("3")).await.unwrap_err();
    drop(second);
    drop(FileAuditLog::open(&path, Durability::Fsync).unwrap());
    assert_eq!(event_ids(&path), ["1", "2"]);
}

#[tokio::test]
async fn a_torn_record_is_followed_by_whole_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let line = serde_json::to_string(&record("1")).unwrap();
    std::fs::write(&path, format!("{line}\n{}", &line[..line.len() / 2])).unwrap();
    let log = FileAuditLog::open(&path, Durability::Fsync).unwrap();
    log.write(record("2")).await.unwrap();
    assert_eq!(event_ids(&path), ["1", "2"]);
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let mut acknowledged = HashSet::new();
    for acknowledgements in [1, 40, 300] {
        let mut child = spawn_child(&path);
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledgement =
            || output.find_map(|line| Some(line.strip_prefix("acknowledged ")?.strip_suffix('.')?.to_owned()));
        acknowledged
            .extend((0..acknowledgements).map(|_| acknowledgement().expect("the child writes until it is killed")));
        child.kill().unwrap();
        acknowledged.extend(std::iter::from_fn(acknowledgement));
        child.wait().unwrap();

        drop(FileAuditLog::open(&path, Durability::Fsync).unwrap());
        let present: HashSet<_> = event_ids(&path).into_iter().collect();
        assert!(acknowledged.is_subset(&present), "{:?}", acknowledged.difference(&present));
    }
}

fn spawn_child(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD_TEST, "--ignored", "--nocapture"])
        .env(CHILD_LOG, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of kill_9_loses_nothing_that_was_acknowledged"]
async fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_LOG) else {
        return;
    };
    let log = Arc::new(FileAuditLog::open(Path::new(&path), Durability::Fsync).unwrap());
    let writers: Vec<_> = (0..8).map(|writer| tokio::spawn(write_and_tell(Arc::clone(&log), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Ends when the parent is gone.
async fn write_and_tell(log: Arc<FileAuditLog>, writer: usize) {
    let process = std::process::id();
    for number in 0.. {
        let id = format!("{process}-{writer}-{number}");
        log.write(record(&id)).await.unwrap();
        // The full stop shows that the parent read all of it.
        if writeln!(std::io::stdout(), "acknowledged {id}.").is_err() {
            return;
        }
    }
}
