//! The engines, ready to be run.

use crate::ENGINE;
use crate::measure::{How, Runner};
use crate::process::Engine;
use crate::setup::{self, Python};
use crate::web::{Driver, GPU, GPU_BUILD};
use anyhow::Result;
use std::cell::RefCell;
use std::rc::Rc;

/// The engines that Edgewise can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// onnxruntime, natively
    Ort,
    /// onnxruntime-web, in Chromium
    OrtWeb,
    /// tract, natively; takes minutes to build
    Tract,
    /// rten, natively; takes minutes to build
    Rten,
}

/// How our own engine is started: this very program again.
pub fn ourselves() -> Result<Engine> {
    let program = std::env::current_exe()?;
    Ok(Engine { program, args: vec![ENGINE.into()], counts_start: true })
}

/// Our own engine, and after it those of the peers that run natively; sets them up.
pub fn native(peers: &[Peer]) -> Result<Vec<Runner>> {
    let runner = |name: &str, engine| Runner { name: name.into(), how: How::Process(engine) };
    let mut runners = vec![runner("edgewise", ourselves()?)];
    for peer in peers {
        match peer {
            Peer::Ort => runners.push(runner("ort", Python::set_up()?.onnxruntime())),
            Peer::Tract => runners.push(runner("tract", setup::runner("tract")?)),
            Peer::Rten => runners.push(runner("rten", setup::runner("rten")?)),
            Peer::OrtWeb => {}
        }
    }
    Ok(runners)
}

/// Our own engine in the driver's browser, and after it those of the peers that run there.
pub fn web(peers: &[Peer], build: &str, driver: Driver) -> Vec<Runner> {
    let driver = Rc::new(RefCell::new(driver));
    in_pages(peers, "ort-web", |script| How::Page {
        driver: driver.clone(),
        build: build.into(),
        script,
        device: None,
    })
}

/// The same on the browser's GPU.
pub fn gpu(peers: &[Peer], driver: Driver) -> Vec<Runner> {
    let driver = Rc::new(RefCell::new(driver));
    in_pages(peers, "ort-web-gpu", |script| How::Page {
        driver: driver.clone(),
        build: GPU_BUILD.into(),
        script,
        device: Some(GPU),
    })
}

fn in_pages(peers: &[Peer], ort: &'static str, how: impl Fn(&'static str) -> How) -> Vec<Runner> {
    let ours = Runner { name: "edgewise".into(), how: how("edgewise") };
    let theirs = peers.contains(&Peer::OrtWeb).then(|| Runner { name: "ort-web".into(), how: how(ort) });
    std::iter::once(ours).chain(theirs).collect()
}
