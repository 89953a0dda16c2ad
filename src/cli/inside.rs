//! What `inspect` says of the graphs that nodes run beside a device: one run of each.

use super::inspect::counted;
use edgewise::plan::{Planned, Program, Segment};
use edgewise::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One run of a graph of a node.
#[derive(Serialize)]
pub struct Inside {
    node: String,
    operator: String,
    graph: &'static str,
    /// Left out where not even the sizes of what it is given are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Share>,
    #[serde(skip)]
    plan: String,
}

/// What a segment asks of a device, and what it leaves to the processor.
#[derive(Serialize)]
pub struct Share {
    pub launches: usize,
    /// Tensors that go to the device, and that come back.
    pub uploads: usize,
    pub downloads: usize,
    /// Operators that stay on the processor.
    pub on_cpu: BTreeMap<String, usize>,
}

impl Share {
    pub fn of(program: &Program, segment: &Segment) -> Share {
        let (uploads, downloads) = segment.copies();
        let mut on_cpu = BTreeMap::new();
        for step in segment.steps() {
            *on_cpu.entry(program.graph().nodes[step.node].op_name.clone()).or_default() += 1;
        }
        let launches = segment.device_steps().map(|step| step.launches.len()).sum();
        Share { launches, uploads, downloads, on_cpu }
    }

    pub fn text(&self) -> String {
        let Share { launches, uploads, downloads, .. } = self;
        format!("{launches} launches, {uploads} tensors go there, {downloads} come back")
    }
}

impl Inside {
    /// Of the graphs that a segment runs, and of those inside of them.
    pub fn of(program: &Program, segment: &Segment) -> Result<Vec<Inside>> {
        let mut all = Vec::new();
        for Planned { node, name, program: inner, segment } in program.planned_inside(segment)? {
            let of = &program.graph().nodes[node];
            all.push(Inside {
                node: of.name.clone(),
                operator: of.op_name.clone(),
                graph: name,
                run: segment.as_deref().map(|segment| Share::of(inner, segment)),
                plan: segment.as_deref().map(|segment| segment.text(inner)).unwrap_or_default(),
            });
            if let Some(segment) = segment {
                all.extend(Inside::of(inner, &segment)?);
            }
        }
        Ok::<_, Error>(all)
    }

    pub fn text(&self, out: &mut String) {
        let Inside { node, operator, graph, run, .. } = self;
        let _ = write!(out, "  {graph} of {node} ({operator}): ");
        let Some(run) = run else {
            let _ = writeln!(out, "what it is given has sizes that depend on data");
            return;
        };
        let on_cpu = if run.on_cpu.is_empty() { String::new() } else { counted(&run.on_cpu) };
        let on_cpu = if on_cpu.is_empty() { on_cpu } else { format!("; on the processor: {on_cpu}") };
        let _ = writeln!(out, "{} in one run{on_cpu}", run.text());
    }

    /// Its plan, under its name.
    pub fn plan(&self, out: &mut String) {
        let Inside { node, operator, graph, plan, .. } = self;
        if !plan.is_empty() {
            let _ = write!(out, "{graph} of {node} ({operator}):\n{plan}");
        }
    }
}
