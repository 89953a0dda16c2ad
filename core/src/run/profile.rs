//! What each step of a run took.

use crate::clock::Instant;
use crate::cpu::Kernel;
use crate::graph::Node;
use crate::log;
use crate::plan::Step;
use std::sync::{Mutex, PoisonError};

/// One step that ran.
#[derive(Clone, Debug)]
pub struct Event {
    /// The node's name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// When it began, in microseconds since the profile did.
    pub start_us: f64,
    /// How long it took.
    pub duration_us: f64,
    /// Bytes that it read and wrote.
    pub bytes: u64,
    /// Additions and multiplications, where the kernel counts them.
    pub operations: Option<u64>,
    /// Its outputs, for people.
    pub outputs: String,
}

/// Steps in the order in which they ran; may be shared by runs.
pub struct Profile {
    began: Instant,
    events: Mutex<Vec<Event>>,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile { began: Instant::now(), events: Mutex::default() }
    }
}

impl Profile {
    /// What was written down so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A trace that Chrome and Perfetto show.
    pub fn trace(&self) -> String {
        let event = |e: &Event| {
            format!(
                "{{\"name\":{:?},\"cat\":{:?},\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3},\"dur\":{:.3},\
                 \"args\":{{\"operator\":{:?},\"outputs\":{:?},\"bytes\":{},\"operations\":{}}}}}",
                e.node,
                e.op,
                e.start_us,
                e.duration_us,
                e.op,
                e.outputs,
                e.bytes,
                e.operations.unwrap_or(0)
            )
        };
        let events: Vec<String> = self.events().iter().map(event).collect();
        format!("{{\"traceEvents\":[\n{}\n]}}\n", events.join(",\n"))
    }
}

/// Times a step where somebody wants to know; costs nothing where nobody does.
pub(super) struct Timer<'a> {
    profile: Option<&'a Profile>,
    began: Option<Instant>,
}

impl<'a> Timer<'a> {
    pub fn start(profile: Option<&'a Profile>) -> Timer<'a> {
        let wanted = profile.is_some() || log::level() >= 2;
        Timer { profile, began: wanted.then(Instant::now) }
    }

    /// For nodes on a device. What was measured is the host's time to begin them.
    pub fn stop_stretch(self, nodes: usize, launches: usize, device: &str) {
        let Some(began) = self.began else { return };
        let duration = began.elapsed();
        let us = duration.as_secs_f64() * 1e6;
        log::log(2, || format!("{us:>10.1} us to begin {nodes} nodes in {launches} launches on {device}"));
        if let Some(profile) = self.profile {
            let event = Event {
                node: format!("{nodes} nodes"),
                op: device.into(),
                start_us: began.duration_since(profile.began).as_secs_f64() * 1e6,
                duration_us: us,
                bytes: 0,
                operations: None,
                outputs: format!("{launches} launches"),
            };
            profile.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }

    pub fn stop(self, node: &Node, step: &Step, kernel: &dyn Kernel) {
        let Some(began) = self.began else { return };
        let duration = began.elapsed();
        let (bytes, operations) = (step.bytes(), step.operations(kernel));
        log::log(2, || {
            // Operations and bytes per nanosecond are giga per second.
            let ns = duration.as_nanos().max(1) as f64;
            let gflops = operations.map_or(String::new(), |n| format!("{:.2} GFLOP/s", n as f64 / ns));
            format!(
                "{:>10.1} us {gflops:>16} {:>7.2} GB/s  {:<24} {}  {}",
                ns / 1e3,
                bytes as f64 / ns,
                node.op_name,
                node.name,
                step.results()
            )
        });
        if let Some(profile) = self.profile {
            let event = Event {
                node: node.name.clone(),
                op: node.op_name.clone(),
                start_us: began.duration_since(profile.began).as_secs_f64() * 1e6,
                duration_us: duration.as_secs_f64() * 1e6,
                bytes,
                operations,
                outputs: step.results(),
            };
            profile.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }
}
