//! The process that runs cases.

use crate::{findings_folder, memory, report};
use anyhow::{Context, Result};
use edgewise_fuzz::{Case, Corpus, Seed};
use std::collections::HashSet;
use std::io::{Seek, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The exit code of a worker whose case does not end.
pub const HANGS: i32 = 3;
/// Longer than the deadline by as much as a busy machine may need.
const SLOW: Duration = Duration::from_secs(5);
/// Nothing may take this long.
const HANG: Duration = Duration::from_secs(30);

/// Where and what the last panic was.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// The case that ran last.
pub fn running() -> Result<u64> {
    let text = std::fs::read_to_string(findings_folder().join("running"))?;
    text.trim().parse().context("the file 'running' holds the number of a case")
}

/// Runs those cases, until time is up; whether nothing was found. What panics at the same place is
/// told once.
pub fn run(corpus: Corpus, seed: Seed, cases: Range<u64>, time: Duration) -> Result<bool> {
    let end = Instant::now() + time;
    let mut file = std::fs::File::create(findings_folder().join("running"))?;
    let watch = watch();
    remember_panics(Box::new(|_| {}));
    let mut told = HashSet::new();
    for number in cases {
        file.rewind()?;
        file.write_all(format!("{number:020}\n").as_bytes())?;
        if Instant::now() >= end {
            break;
        }
        watch.store(number, Relaxed);
        if let Err(why) = judge(&corpus.case(seed, number)) {
            // Numbers differ from case to case; the place does not.
            let place: String = why.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
            if told.insert(place) {
                report(&corpus, seed, number, &why)?;
            }
        }
    }
    Ok(told.is_empty())
}

/// Runs one case and says what becomes of it; a panic comes with its backtrace.
pub fn repeat(corpus: Corpus, seed: Seed, number: u64) -> Result<bool> {
    let print = std::panic::take_hook();
    remember_panics(print);
    match judge(&corpus.case(seed, number)) {
        Ok(()) => println!("case {number} of seed {}: nothing is wrong", seed.0),
        Err(why) => {
            report(&corpus, seed, number, &why)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Why a case is a finding.
fn judge(case: &Case) -> Result<(), String> {
    memory::take_refused();
    let began = Instant::now();
    let body = catch_unwind(AssertUnwindSafe(|| (case.body)(&case.bytes)));
    let (took, refused) = (began.elapsed(), memory::take_refused());
    if body.is_err() {
        return Err(PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone());
    }
    if refused > 0 {
        return Err(format!("it asks for {refused} bytes, past every limit"));
    }
    if took > SLOW {
        return Err(format!("it takes {:.1} s", took.as_secs_f64()));
    }
    Ok(())
}

/// Keeps each panic's message, which begins with its place, for the report; `then` may print it.
fn remember_panics(then: Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("no message");
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = format!("panic at {place}: {text}");
        then(info);
    }));
}

/// Ends the process where one case runs for too long; the returned number is that of the case.
fn watch() -> Arc<AtomicU64> {
    let running = Arc::new(AtomicU64::new(0));
    let watched = running.clone();
    std::thread::spawn(move || {
        let mut seen = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let number = watched.load(Relaxed);
            if number != seen.0 {
                seen = (number, Instant::now());
            } else if seen.1.elapsed() > HANG {
                std::process::exit(HANGS);
            }
        }
    });
    running
}
