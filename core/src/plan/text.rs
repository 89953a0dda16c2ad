//! A segment as text, for people and for golden tests.

use super::{Destination, DeviceValue, FlowStep, Home, Program, Segment, Step, StepIn, Work};
use crate::device::Target;
use crate::graph::ValueId;
use std::fmt::Write;

impl Segment {
    /// One line per node: operator, inputs, outputs, and where they lie; `@` in the arena, `#` on the device.
    pub fn text(&self, program: &Program) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "arena {} bytes, live {} bytes", self.arena_bytes, self.live_bytes);
        if !self.slot_bytes.is_empty() {
            let bytes: u64 = self.slot_bytes.iter().sum();
            let _ = writeln!(out, "device {} buffers, {bytes} bytes", self.slot_bytes.len());
        }
        let names = Names(program);
        for task in &self.tasks {
            match &task.work {
                Work::Step(step) => names.step(&mut out, step),
                Work::Stretch(steps) => {
                    for step in steps {
                        let op = &program.graph().nodes[step.node].op_name;
                        let all = |values: &[DeviceValue]| names.values(values);
                        let (inputs, outputs) = (all(&step.inputs), all(&step.outputs));
                        let _ =
                            writeln!(out, "{op} ({inputs}) -> {outputs} in {} launches", step.launches.len());
                    }
                }
                Work::Flow(step) => names.flow(&mut out, step),
                Work::Upload(copies) => {
                    for copy in copies {
                        let _ = writeln!(out, "upload {} -> #{}", names.input(&copy.from), copy.to.slot);
                    }
                }
                Work::Download(copies) => {
                    for copy in copies {
                        let _ = writeln!(out, "download #{} -> {}", copy.from.slot, names.output(&copy.to));
                    }
                }
            }
        }
        out
    }
}

struct Names<'a>(&'a Program);

impl Names<'_> {
    fn step(&self, out: &mut String, step: &Step) {
        let inputs: Vec<String> = step.inputs.iter().map(|input| self.input(input)).collect();
        let outputs: Vec<String> = step.outputs.iter().map(|output| self.output(output)).collect();
        let op = &self.0.graph().nodes[step.node].op_name;
        let _ = writeln!(out, "{op} ({}) -> {}", inputs.join(", "), outputs.join(", "));
    }

    fn flow(&self, out: &mut String, step: &FlowStep) {
        let on_device =
            |value: &Option<DeviceValue>| value.as_ref().map(|v| self.values(std::slice::from_ref(v)));
        let inputs = step.inputs.iter().zip(&step.on_device);
        let inputs = inputs.map(|(host, device)| on_device(device).unwrap_or_else(|| self.input(host)));
        let outputs = step.outputs.iter().map(|output| self.output(output));
        let (inputs, outputs): (Vec<String>, Vec<String>) = (inputs.collect(), outputs.collect());
        let op = &self.0.graph().nodes[step.node].op_name;
        let _ = writeln!(out, "{op} ({}) -> {} by its graphs", inputs.join(", "), outputs.join(", "));
    }

    fn input(&self, input: &StepIn) -> String {
        match input {
            StepIn::Absent => "-".into(),
            StepIn::Tensor(id, dtype, shape, h) => {
                format!("{} {dtype}{:?} {}", self.name(id), &shape[..], home(h))
            }
            StepIn::Compound(id) => format!("{} own", self.name(id)),
            StepIn::Placed(id, j) => format!("{} in output {j}", self.name(id)),
        }
    }

    fn output(&self, output: &Destination) -> String {
        match output {
            Destination::Unwanted => "-".into(),
            Destination::Arena(id, dtype, shape, slot) => {
                format!("{} {dtype}{:?} @{}", self.name(id), &shape[..], slot.offset)
            }
            Destination::Owned(id, dtype, shape) => {
                format!("{} {dtype}{:?} own", self.name(id), &shape[..])
            }
            Destination::Made(id, kind, _) => format!("{} {kind} made", self.name(id)),
        }
    }

    fn values(&self, values: &[DeviceValue]) -> String {
        let value = |value: &DeviceValue| {
            let target = match &value.target {
                Target::Slot(slot) => format!("#{slot}"),
                Target::Held(_) => "held".into(),
                Target::Status => "status".into(),
            };
            format!("{} {}{:?} {target}", self.name(&value.id), value.dtype, &value.shape[..])
        };
        values.iter().map(value).collect::<Vec<_>>().join(", ")
    }

    fn name(&self, id: &ValueId) -> &str {
        &self.0.graph().values[id.at()].name
    }
}

fn home(home: &Home) -> String {
    match home {
        Home::Arena(slot) => format!("@{}", slot.offset),
        Home::Owned(_) => "own".into(),
        Home::Known(_) => "const".into(),
        Home::Device(at) => format!("#{}", at.slot),
    }
}
