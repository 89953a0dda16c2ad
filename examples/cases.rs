//! cargo run --example cases -- DIR [SUBSTRING]
use std::path::Path;

fn main() {
    let mut args = std::env::args().skip(1);
    let (dir, filter) = (args.next().unwrap(), args.next().unwrap_or_default());
    let (mut passed, mut failed) = (0, 0);
    for case in edgewise::conformance::find_cases(Path::new(&dir)).unwrap() {
        if !case.to_string_lossy().contains(&filter) {
            continue;
        }
        let run = || {
            edgewise::conformance::run_case(&case, &edgewise::Options { threads: 1, ..Default::default() })
        };
        match std::panic::catch_unwind(run) {
            Ok(report) => match report.outcome {
                edgewise::conformance::Outcome::Passed => passed += 1,
                edgewise::conformance::Outcome::Failed(why) => {
                    failed += 1;
                    println!("{}: {why}", report.name);
                }
            },
            Err(_) => {
                failed += 1;
                println!("{}: PANIC", case.display());
            }
        }
    }
    println!("{passed} passed, {failed} failed, 0 skipped");
}
