//! The JavaScript around a module, which wasm-bindgen writes anew for each build: one of them serves several.
//!
//! What a reader would get wrong: the whole text differs from build to build, since shared memory is handled otherwise.
//! What must be the same is what a module imports, by name, and what that calls.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// Where what a module imports begins, one function behind the other.
const IMPORTS: &str = "    const import0 = {";
/// What imports call to call the module's own functions back.
const CALLS_BACK: &str = "function wasm_bindgen";

/// An error unless the script at `all` gives every import of the module that the one at `own` was written for, with
/// the same text.
pub fn check(own: &Path, all: &Path) -> Result<()> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    compare(&read(own)?, &read(all)?)
        .with_context(|| format!("{} cannot start the module of {}", all.display(), own.display()))
}

fn compare(own: &str, all: &str) -> Result<()> {
    let (own, all) = (functions(own), functions(all));
    ensure!(!own.is_empty(), "no imports were found");
    for (name, text) in &own {
        let other = all.get(name).with_context(|| format!("'{name}' is not given"))?;
        ensure!(other == text, "'{name}' is another one: {text}\nand: {other}");
    }
    Ok(())
}

/// The functions that are imported, and those that they call back by, without comments.
fn functions(script: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = script.lines();
    let mut inside = false;
    while let Some(line) = lines.next() {
        inside = (inside || line == IMPORTS) && line != "    };";
        let (is_import, calls_back) = (inside && line.contains(": function"), line.starts_with(CALLS_BACK));
        if !is_import && !calls_back {
            continue;
        }
        let (name, end) = match is_import {
            true => (line.split(':').next(), "        }"),
            false => (line.split('(').next(), "}"),
        };
        let mut text = vec![line];
        for line in lines.by_ref() {
            // Comments have numbers of functions, which are others in each build.
            text.extend((!line.trim_start().starts_with("//")).then_some(line));
            if line.starts_with(end) {
                break;
            }
        }
        found.insert(name.unwrap_or(line).trim().to_string(), text.join("\n"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(comment: &str, body: &str, more: &str) -> String {
        format!(
            "export function run() {{\n    wasm.run();\n}}\n    const import0 = {{\n        \
             __wbg_then_1: function(arg0) {{\n            // {comment}\n            {body}\n        }},\n{more}    }};\n\
             function wasm_bindgen_call(arg0) {{\n    wasm.wasm_bindgen_call(arg0);\n}}\n"
        )
    }

    const MORE: &str = "        __wbg_new_2: function() {\n            return {};\n        },\n";

    #[test]
    fn more_imports_and_other_comments_are_no_difference() {
        compare(&script("shim 1", "return 1;", ""), &script("shim 2", "return 1;", MORE)).unwrap();
    }

    #[test]
    fn an_import_that_is_missing_or_another_one_is_named() {
        let (own, all) = (script("", "return 1;", MORE), script("", "return 1;", ""));
        assert!(compare(&own, &all).unwrap_err().to_string().contains("'__wbg_new_2' is not given"));
        let other = script("", "return 2;", MORE);
        assert!(compare(&own, &other).unwrap_err().to_string().contains("'__wbg_then_1' is another one"));
        let (name, other) = ("wasm_bindgen_call(arg0);", "wasm_bindgen_call_7(arg0);");
        let error = compare(&own, &own.replace(name, other)).unwrap_err().to_string();
        assert!(error.contains("'function wasm_bindgen_call' is another one"), "{error}");
    }

    #[test]
    fn a_script_without_imports_is_refused() {
        assert!(compare("", &script("", "", "")).is_err());
    }
}
