//! What each step of a run took.

use crate::clock::Instant;
use crate::cpu::Kernel;
use crate::graph::Node;
use crate::log;
use crate::plan::{DeviceStep, FlowStep, Step};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One step that ran.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The node's name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// When it began, in microseconds since the profile did. What ran on a device counts from when the host had begun
    /// the stretch that it is part of.
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

    /// Whether anybody wants to know.
    pub fn is_wanted(&self) -> bool {
        self.began.is_some()
    }

    /// For nodes on a device, launch by launch. Where the device has measured nothing, what is known is the host's
    /// time to begin all of them.
    pub fn stop_stretch(
        self,
        nodes: &[Node],
        steps: &[DeviceStep],
        device: &str,
        times: Option<Vec<Range<Duration>>>,
    ) {
        let Some(began) = self.began else { return };
        let launches = steps.iter().map(|step| step.launches.len()).sum::<usize>();
        let Some(times) = times else {
            let (nodes, took) = (steps.len(), began.elapsed());
            log::log(2, || {
                format!("{:>10.1} us to begin {nodes} nodes in {launches} launches on {device}", us(took))
            });
            return self.put(began, Duration::ZERO..took, |event| Event {
                node: format!("{nodes} nodes, begun"),
                op: device.into(),
                outputs: format!("the host's time to begin {launches} launches: {device} has no timestamps"),
                ..event
            });
        };
        let each = steps.iter().flat_map(|step| {
            let of = step.launches.len();
            (1..=of).map(move |launch| (step, launch, of))
        });
        for ((step, launch, of), time) in each.zip(times) {
            let Some(node) = nodes.get(step.node) else { continue };
            let results = step.results();
            let outputs = if of == 1 { results } else { format!("{results}, launch {launch} of {of}") };
            log::log(2, || {
                let took = us(time.end.saturating_sub(time.start));
                format!("{took:>10.1} us on {device}  {:<24} {}  {outputs}", node.op_name, node.name)
            });
            self.put(began, time, |event| Event {
                node: node.name.clone(),
                op: node.op_name.clone(),
                bytes: if of == 1 { step.bytes() } else { 0 },
                outputs: outputs.clone(),
                ..event
            });
        }
    }

    /// Writes down what ran from then to then, since the timer began.
    fn put(&self, began: Instant, time: Range<Duration>, event: impl FnOnce(Event) -> Event) {
        let Some(profile) = self.profile else { return };
        let start = began.duration_since(profile.began) + time.start;
        let duration_us = us(time.end.saturating_sub(time.start));
        let event = event(Event { start_us: us(start), duration_us, ..Event::default() });
        profile.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// For a node that runs graphs; their steps lie within.
    pub fn stop_flow(self, node: &Node, step: &FlowStep) {
        let Some(began) = self.began else { return };
        let duration = began.elapsed();
        let outputs = step.results();
        log::log(2, || {
            let (us, op) = (us(duration), &node.op_name);
            format!("{us:>10.1} us by its graphs  {op:<24} {}  {outputs}", node.name)
        });
        self.put(began, Duration::ZERO..duration, |event| Event {
            node: node.name.clone(),
            op: node.op_name.clone(),
            outputs: outputs.clone(),
            ..event
        });
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
        self.put(began, Duration::ZERO..duration, |event| Event {
            node: node.name.clone(),
            op: node.op_name.clone(),
            bytes,
            operations,
            outputs: step.results(),
            ..event
        });
    }
}

/// In microseconds.
fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
