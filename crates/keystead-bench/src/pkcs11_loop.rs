//! A bare loop over C_Encrypt: what encryption through KMS is compared with. One process for each token, as Keystead's workers are.
//!
//! The process makes itself a token with a key, then takes one line for each round (sessions and milliseconds) and answers with one
//! line: the latencies in nanoseconds.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use keystead_pkcs11::soft_token::{SoftToken, SoftTokenKind};

use crate::Failure;
use crate::arguments::Pkcs11LoopArguments;
use crate::output;

/// PIN of the SO and of the user of a token that nobody else sees and that goes with the run.
const THROWAWAY_PIN: &str = "12345678";
/// What is authenticated besides: as long as KMS has it without an encryption context, in bytes.
const AAD_BYTES: usize = 69;

/// The child's side.
pub(crate) fn run(arguments: &Pkcs11LoopArguments) -> Result<(), Failure> {
    let token = Token::make(&arguments.module)?;
    let plaintext = vec![7; arguments.plaintext_bytes];
    output::line("ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (sessions, milliseconds) = line.split_once(' ').ok_or("a round is sessions and milliseconds")?;
        let latencies = token.round(sessions.parse()?, Duration::from_millis(milliseconds.parse()?), &plaintext)?;
        let texts: Vec<String> = latencies.iter().map(|latency| latency.as_nanos().to_string()).collect();
        output::line(&texts.join(" "))?;
    }
    Ok(())
}

struct Token {
    module: Pkcs11,
    slot: Slot,
    key: ObjectHandle,
    /// Keeps the login.
    _logged_in: Session,
}

impl Token {
    /// A fresh token with an AES key, logged in.
    fn make(module: &Path) -> Result<Self, Failure> {
        let pin = AuthPin::new(THROWAWAY_PIN.into());
        let open = || {
            let module = Pkcs11::new(module)?;
            module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
            Ok::<_, Failure>(module)
        };
        let blank = open()?;
        let slot = blank.get_all_slots()?.into_iter().next_back().ok_or("the module has no slot")?;
        blank.init_token(slot, &pin, "bench")?;
        // SoftHSM gives a token its slot when it is initialised anew.
        blank.finalize()?;
        let module = open()?;
        let slot = module.get_slots_with_initialized_token()?.into_iter().next().ok_or("the token is gone")?;
        let session = module.open_rw_session(slot)?;
        session.login(UserType::So, Some(&pin))?;
        session.init_pin(&pin)?;
        session.logout()?;
        session.login(UserType::User, Some(&pin))?;
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(32.into()),
        ];
        let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
        Ok(Self { module, slot, key, _logged_in: session })
    }

    /// A thread and a session each.
    fn round(&self, sessions: usize, duration: Duration, plaintext: &[u8]) -> Result<Vec<Duration>, Failure> {
        let sessions = (0..sessions).map(|_| self.module.open_rw_session(self.slot)).collect::<Result<Vec<_>, _>>()?;
        let (key, until) = (self.key, Instant::now() + duration);
        thread::scope(|scope| {
            let threads: Vec<_> = sessions
                .into_iter()
                .map(|session| scope.spawn(move || encrypt_until(&session, key, until, plaintext)))
                .collect();
            let mut all = Vec::new();
            for thread in threads {
                all.extend(thread.join().map_err(|_| "a loop panicked")??);
            }
            Ok(all)
        })
    }
}

fn encrypt_until(
    session: &Session,
    key: ObjectHandle,
    until: Instant,
    plaintext: &[u8],
) -> Result<Vec<Duration>, Failure> {
    let aad = [3; AAD_BYTES];
    let mut latencies = Vec::new();
    for count in 0_u64.. {
        let begin = Instant::now();
        if begin >= until {
            break;
        }
        // Each IV once, or nearly: all that a throwaway key needs.
        let mut iv = [0; 12];
        iv[4..].copy_from_slice(&count.to_be_bytes());
        let mechanism = Mechanism::AesGcm(GcmParams::new(&mut iv, &aad, 128.into())?);
        session.encrypt(&mechanism, key, plaintext)?;
        latencies.push(begin.elapsed());
    }
    Ok(latencies)
}

/// The parent's side: one child with its token.
pub(crate) struct Pkcs11Loop {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pkcs11Loop {
    /// Starts a child on a new soft token in `folder`.
    pub(crate) fn start(
        kind: SoftTokenKind,
        module: &Path,
        folder: &Path,
        plaintext_bytes: usize,
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let token = SoftToken::create(kind, folder)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("pkcs11-loop")
            .arg("--module")
            .arg(module)
            .arg("--plaintext-bytes")
            .arg(plaintext_bytes.to_string())
            .envs(&token.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut started = Self { child, orders, answers };
        match started.answer()?.as_str() {
            "ready" => Ok(started),
            other => Err(format!("the loop is not ready: {other}").into()),
        }
    }

    /// The process, for its processor time.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has the child begin a round.
    pub(crate) fn begin(&mut self, sessions: usize, duration: Duration) -> Result<(), Failure> {
        writeln!(self.orders, "{sessions} {}", duration.as_millis())?;
        Ok(self.orders.flush()?)
    }

    /// The latencies of the round that was begun.
    pub(crate) fn finish(&mut self) -> Result<Vec<Duration>, Failure> {
        let answer = self.answer()?;
        answer.split_whitespace().map(|nanoseconds| Ok(Duration::from_nanos(nanoseconds.parse()?))).collect()
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the loop over C_Encrypt ended; its error is above".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Pkcs11Loop {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The modules that are measured, where they are there.
pub(crate) fn module_path(kind: SoftTokenKind, keystead: &Path) -> PathBuf {
    match kind {
        SoftTokenKind::Kryoptic => keystead.with_file_name("libkryoptic_pkcs11.so"),
        SoftTokenKind::Softhsm2 => PathBuf::from("/usr/lib/softhsm/libsofthsm2.so"),
    }
}
