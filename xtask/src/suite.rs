//! Suites: what each is called, how long it may take, and the table of what became of them.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// What became of a suite that did not fail.
pub enum Outcome {
    Passed,
    /// It could not run here, for that reason.
    Skipped(String),
}

/// One suite.
pub struct Suite {
    pub name: &'static str,
    /// What it may take on two cores from a clean clone. Taking longer is shown, and is no failure: machines
    /// are busy.
    pub budget: Duration,
    pub run: Box<dyn Fn() -> Result<Outcome>>,
}

impl Suite {
    /// A suite that can only pass or fail.
    pub fn new(name: &'static str, budget_s: u64, run: impl Fn() -> Result<()> + 'static) -> Suite {
        Suite::maybe(name, budget_s, move || run().map(|()| Outcome::Passed))
    }

    /// A suite that may find that it cannot run here.
    pub fn maybe(name: &'static str, budget_s: u64, run: impl Fn() -> Result<Outcome> + 'static) -> Suite {
        Suite { name, budget: Duration::from_secs(budget_s), run: Box::new(run) }
    }
}

/// Those suites that are named, in their own order; all where none is.
pub fn named(mut suites: Vec<Suite>, names: &[String]) -> Result<Vec<Suite>> {
    if let Some(unknown) = names.iter().find(|name| suites.iter().all(|suite| suite.name != **name)) {
        let known: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
        bail!("there is no suite '{unknown}'; there are {}", known.join(", "));
    }
    suites.retain(|suite| names.is_empty() || names.iter().any(|name| name == suite.name));
    Ok(suites)
}

/// Runs suites until one fails; whether none did. The last line is `N passed, N failed`.
pub fn run_all(suites: &[Suite]) -> bool {
    let began = Instant::now();
    let (mut lines, mut passed, mut failed) = (Vec::new(), 0, 0);
    for suite in suites {
        println!("\n=== {} (budget {} s)", suite.name, suite.budget.as_secs());
        let start = Instant::now();
        let outcome = (suite.run)();
        let took = start.elapsed();
        let said = match &outcome {
            Ok(Outcome::Passed) if took > suite.budget => "passed, over budget".into(),
            Ok(Outcome::Passed) => "passed".into(),
            Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
            Err(error) => format!("FAILED: {error:#}"),
        };
        println!("=== {}: {said}, {:.1} s", suite.name, took.as_secs_f64());
        lines.push(line(suite, took, &said));
        match outcome {
            Ok(Outcome::Passed) => passed += 1,
            Ok(Outcome::Skipped(_)) => {}
            Err(_) => {
                failed += 1;
                break;
            }
        }
    }
    println!("\n{:<12} {:>8} {:>8}", "suite", "seconds", "budget");
    lines.iter().for_each(|line| println!("{line}"));
    println!("{:<12} {:>8.1}", "together", began.elapsed().as_secs_f64());
    println!("\n{passed} passed, {failed} failed");
    failed == 0
}

fn line(suite: &Suite, took: Duration, said: &str) -> String {
    format!("{:<12} {:>8.1} {:>8}  {said}", suite.name, took.as_secs_f64(), suite.budget.as_secs())
}
