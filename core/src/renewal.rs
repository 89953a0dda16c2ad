//! A program that is made anew when its device was lost.
//!
//! The weights that a device had are gone with it, and the host has forgotten them: so everything is made again, from
//! the model's source. What a reader would get wrong: a session keeps its source only where that costs no memory, as a
//! file does. Another one cannot be renewed, and its error says so.

use crate::gate::Gate;
use crate::onnx::Source;
use crate::plan::Program;
use crate::session::{Built, build};
use crate::{Error, Options, Result};
use edgewise_pool::lock;
use std::sync::{Arc, Mutex};

/// A program, or the one that took its place.
pub struct Renewable {
    current: Mutex<Arc<Program>>,
    /// What it is made from, if that can be read again.
    origin: Option<(Arc<dyn Source>, Options)>,
    name: String,
    gate: Gate,
}

impl Renewable {
    /// A program that was built from there.
    pub fn new(program: Program, source: Arc<dyn Source>, options: Options) -> Renewable {
        let name = source.name().to_string();
        let origin = (options.device.is_some() && source.stays()).then_some((source, options));
        Renewable { current: Mutex::new(Arc::new(program)), origin, name, gate: Gate::default() }
    }

    /// The program as it is now.
    pub fn current(&self) -> Arc<Program> {
        lock(&self.current).clone()
    }

    /// Puts another program in the place of one whose device was lost, which `why` tells. Of several callers one
    /// makes it, and the others wait for that.
    pub async fn renew(&self, lost: &Arc<Program>, why: Error) -> Result<()> {
        let _pass = self.gate.enter().await;
        if !Arc::ptr_eq(&self.current(), lost) {
            return Ok(());
        }
        let Some((source, options)) = &self.origin else {
            bail!(
                DeviceLost,
                "{}; {} has to be opened again, as it cannot be read twice",
                why.what(),
                self.name
            );
        };
        crate::log::log(1, || format!("{}: {} is loaded again", why.what(), self.name));
        let again = build(source.clone(), options, &mut |_| {}).await;
        let Built { program, .. } = again.map_err(|e| {
            let what = format!("{}, and {} could not be loaded again: {}", why.what(), self.name, e.what());
            Error::new(e.kind(), what)
        })?;
        *lock(&self.current) = Arc::new(program);
        Ok(())
    }
}
