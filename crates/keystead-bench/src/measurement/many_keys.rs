//! Start, memory, lists and Encrypt with many keys, each with an alias, tags, a policy and two grants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::interleaved::{Party, compared, run};
use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::Connection;
use crate::data_folder::DataFolder;
use crate::keystead::{DEFAULT_MODE, Keystead, Mode};
use crate::kms_call::{KmsServer, text};
use crate::load::Load;
use crate::output;
use crate::process::Server;
use crate::process_usage::resident_bytes;
use crate::report::{Figure, Goal, Measurement, Unit};
use crate::request::PreparedRequest;

/// With so few keys the others are compared.
const FEW_KEYS: usize = 10;
const START_MS: Goal = Goal::AtMost(2000.0);
const MEMORY_MB: Goal = Goal::AtMost(300.0);
const LIST_KEYS_US: Goal = Goal::AtMost(10_000.0);
/// No slower, but for what measurements differ by anyway.
const ENCRYPT: Goal = Goal::AtLeast(0.95);
/// The keys are made over so many connections: commits share what they wait for.
const MAKERS: usize = 16;
/// Keys are made without syncing the audit log: only how long that takes changes.
const MAKING: Mode = Mode { tls: false, fsync: false };

/// Makes the keys, then measures.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    let few = keystead.new_data_folder("few-keys", DEFAULT_MODE)?;
    let many = keystead.new_data_folder("many-keys", DEFAULT_MODE)?;
    allow_keys(&many, extent.many_keys)?;
    make_keys(keystead, &few, FEW_KEYS)?;
    output::line(&format!("\nMaking {} keys, each with an alias, tags, a policy and two grants", extent.many_keys))?;
    let key_ids = make_keys(keystead, &many, extent.many_keys)?;

    let few_server = keystead.serve(&few, DEFAULT_MODE)?;
    let few_kms = few.kms(&few_server, DEFAULT_MODE.tls)?;
    let server = keystead.serve(&many, DEFAULT_MODE)?;
    let kms = many.kms(&server, DEFAULT_MODE.tls)?;
    let ready_memory = megabytes(&server)?;

    let mut lists = lists(&few_server, &few_kms, &server, &kms)?;
    run(&mut lists, extent.round, extent.rounds)?;
    let mut encrypts = encrypts(&few_server, &few_kms, &server, &kms)?;
    run(&mut encrypts, extent.round, extent.rounds)?;
    use_every_key(&kms, &key_ids)?;
    let used_memory = megabytes(&server)?;

    let [_, list] = &lists;
    let [few_encrypt, many_encrypt] = &encrypts;
    let rate = compared(many_encrypt, few_encrypt, |many, few| many.requests_per_second / few.requests_per_second);
    let ready_ms = server.ready_after().as_secs_f64() * 1e3;
    add(Measurement {
        id: "many_keys".to_owned(),
        title: format!("{} keys against {FEW_KEYS}", extent.many_keys),
        series: lists.iter().chain(&encrypts).map(Party::series).collect(),
        figures: vec![
            Figure::new("start until the ready line", ready_ms, Unit::Milliseconds, Some(START_MS)),
            Figure::new("resident memory when ready", ready_memory, Unit::Megabytes, Some(MEMORY_MB)),
            Figure::new("resident memory after use of every key", used_memory, Unit::Megabytes, Some(MEMORY_MB)),
            Figure::new("ListKeys, a page of 1,000: p99", list.series().p99_us, Unit::Microseconds, Some(LIST_KEYS_US)),
            Figure::new("Encrypt: rate against few keys", rate, Unit::Ratio, Some(ENCRYPT)),
        ],
    })?;
    few_server.stop()?;
    server.stop()
}

/// Lifts the quota of keys, so that all fit beside those that the folder has.
fn allow_keys(folder: &DataFolder, count: usize) -> Result<(), Failure> {
    let keys = i64::try_from(count)? + 1000;
    folder.change_configuration(|config| {
        let quota = toml::Table::from_iter([("kms_keys".to_owned(), keys.into())]);
        config.insert("resource_quotas".to_owned(), toml::Value::Table(quota));
    })
}

fn make_keys(keystead: &Keystead, folder: &DataFolder, count: usize) -> Result<Vec<String>, Failure> {
    let server = keystead.serve(folder, MAKING)?;
    let kms = folder.kms(&server, MAKING.tls)?;
    let key_ids = on_connections(&kms, count, async |caller, index| {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": format!("Statement {index}"), "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            }],
        });
        let tags =
            json!([{"TagKey": "index", "TagValue": index.to_string()}, {"TagKey": "purpose", "TagValue": "test"}]);
        let key = json!({"Description": format!("key {index}"), "Tags": tags, "Policy": policy.to_string()});
        let key_id = text(&caller.call("CreateKey", &key).await?, "/KeyMetadata/KeyId")?;
        let alias = json!({"AliasName": format!("alias/key-{index}"), "TargetKeyId": key_id});
        caller.call("CreateAlias", &alias).await?;
        for name in ["one", "other"] {
            let grant = json!({
                "KeyId": key_id, "Name": name, "Operations": ["Encrypt", "Decrypt"],
                "GranteePrincipal": "arn:aws:iam::111122223333:root",
            });
            caller.call("CreateGrant", &grant).await?;
        }
        Ok(key_id)
    })
    .map_err(|error| server.explain(&error.to_string()))?;
    server.stop()?;
    Ok(key_ids)
}

/// Encrypts once under each key, so that all are loaded.
fn use_every_key(kms: &KmsServer, key_ids: &[String]) -> Result<(), Failure> {
    on_connections(kms, key_ids.len(), async |caller, index| {
        caller.call("Encrypt", &json!({"KeyId": key_ids[index], "Plaintext": "YQ=="})).await.map(drop)
    })
    .map(drop)
}

fn lists(few_server: &Server, few: &KmsServer, server: &Server, many: &KmsServer) -> Result<[Party; 2], Failure> {
    let input = json!({"Limit": 1000});
    Ok([
        party("ListKeys, few keys", few_server, few, "ListKeys", &input)?,
        party("ListKeys, many keys", server, many, "ListKeys", &input)?,
    ])
}

fn encrypts(few_server: &Server, few: &KmsServer, server: &Server, many: &KmsServer) -> Result<[Party; 2], Failure> {
    let of = |index: usize| json!({"KeyId": format!("alias/key-{index}"), "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))});
    Ok([
        party("Encrypt, few keys", few_server, few, "Encrypt", &of(FEW_KEYS / 2))?,
        party("Encrypt, many keys", server, many, "Encrypt", &of(FEW_KEYS / 2))?,
    ])
}

fn party(name: &str, server: &Server, kms: &KmsServer, operation: &str, input: &Value) -> Result<Party, Failure> {
    let mut load = Load::for_closed_loop(&kms.target(operation, input)?, 4)?;
    Ok(Party::new(name, [server.pid()], move |duration| load.closed_loop(duration)))
}

fn megabytes(server: &Server) -> Result<f64, Failure> {
    Ok(resident_bytes(server.pid())? as f64 / 1e6)
}

/// Calls one operation after another over one connection.
struct Caller<'a> {
    kms: &'a KmsServer,
    connection: Connection,
}

impl Caller<'_> {
    async fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let request = PreparedRequest::kms(&self.kms.host, operation, input)?;
        match self.connection.send(&request).await? {
            (StatusCode::OK, body) if body.is_empty() => Ok(Value::Null),
            (StatusCode::OK, body) => Ok(serde_json::from_slice(&body)?),
            (status, body) => Err(format!("{operation}: {status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}

/// Does `work` for each index below `count`, over several connections at once; what it gave, in the order of the indexes.
fn on_connections<T: Send>(
    kms: &KmsServer,
    count: usize,
    work: impl AsyncFn(&mut Caller<'_>, usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let target = kms.target("ListKeys", &json!({}))?;
    let done = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..MAKERS.min(count))
            .map(|_| {
                let (work, target, next) = (&work, target.clone(), next.clone());
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(async {
                        let mut caller = Caller { kms, connection: Connection::open(&target).await? };
                        let mut done = Vec::new();
                        loop {
                            let index = next.fetch_add(1, Ordering::Relaxed);
                            if index >= count {
                                return Ok::<_, Failure>(done);
                            }
                            done.push((index, work(&mut caller, index).await?));
                        }
                    })
                })
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for maker in makers {
            all.extend(maker.join().map_err(|_| "a thread that makes keys panicked")??);
        }
        Ok::<_, Failure>(all)
    });
    let mut done = done?;
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}
