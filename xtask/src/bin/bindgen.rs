//! `bindgen MODULE.wasm FOLDER`: writes the module as browsers load it, and the JavaScript around it.

use anyhow::{Context, Result, bail};
use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = &args[..] else { bail!("usage: bindgen MODULE.wasm FOLDER") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("edgewise").typescript(true);
    // Names are for measuring which functions are large; wasm-opt drops them from what is shipped.
    bindgen.keep_debug(false).remove_name_section(false);
    bindgen.omit_default_module_path(true);
    bindgen.web(true).and_then(|b| b.generate(folder)).with_context(|| format!("reading {module}"))
}
