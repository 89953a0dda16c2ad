use edgewise::conformance::*;
use std::path::Path;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (mut p, mut f) = (0, 0);
    let wanted: Vec<&str> = a[2..].iter().map(|s| s.as_str()).collect();
    for c in find_cases(Path::new(&a[1])).unwrap() {
        let n = c.file_name().unwrap().to_string_lossy().into_owned();
        if !wanted.is_empty() && !wanted.iter().any(|w| n.contains(w)) {
            continue;
        }
        let r = std::panic::catch_unwind(|| run_case(&c, &Default::default()));
        match r {
            Ok(r) => match r.outcome {
                Outcome::Passed => p += 1,
                Outcome::Failed(e) => {
                    f += 1;
                    println!("{n}: {e} {:?}", r.operators.keys().collect::<Vec<_>>())
                }
            },
            Err(_) => {
                f += 1;
                println!("{n}: PANIC")
            }
        }
    }
    println!("{p} passed {f} failed");
}
