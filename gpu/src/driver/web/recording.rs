//! Recordings: everything that a dispatch needs is made once, so that replaying only encodes.

use super::memory::{Buffer, buffer};
use super::pipelines::Compiled;
use super::{Here, Local, Web, kept, thrown};
use crate::driver::{Dispatch, lay_out, padded};
use edgewise_core::Result;
use edgewise_core::device::Recording;
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::{
    GpuBindGroup, GpuBindGroupDescriptor, GpuBindGroupEntry, GpuBufferBinding, GpuComputePipeline,
    gpu_buffer_usage as usage,
};

/// What one submission has at most, of dispatches and of groups. Between submissions there is a check.
const SUBMIT: usize = 16;
const GROUPS: u64 = 1 << 18;
/// Submissions that may be on their way: the GPU is never idle, and never far ahead of a check.
const AHEAD: usize = 4;

struct Steps {
    steps: Vec<Step>,
    /// What the steps use, so that it is not given back before them.
    _buffers: Vec<Rc<Buffer>>,
}

struct Step {
    pipeline: GpuComputePipeline,
    bindings: GpuBindGroup,
    groups: [u32; 3],
}

impl Web {
    pub(super) fn make_recording(&self, dispatches: &[Dispatch<'_>]) -> Result<Recording> {
        let (offsets, bytes) = lay_out(dispatches, self.alignment);
        let usage = usage::UNIFORM | usage::COPY_DST;
        let parameters = Rc::new(self.make_buffer(bytes.len() as u64, usage, "parameters")?);
        self.write_words(&parameters, 0, &bytes)?;
        let here = self.here.get()?;
        let mut buffers = vec![parameters.clone()];
        let mut steps = Vec::with_capacity(dispatches.len());
        for (dispatch, at) in dispatches.iter().zip(offsets) {
            let most = self.limits.groups;
            ensure!(
                dispatch.groups.iter().all(|&n| n <= most),
                Internal,
                "{} groups of '{}' are more than {most}",
                dispatch.groups.iter().max().unwrap_or(&0),
                dispatch.variant
            );
            steps.push(here.step(dispatch, &parameters, at, &mut buffers)?);
        }
        Ok(Box::new(Local::new(Steps { steps, _buffers: buffers })))
    }

    pub(super) async fn submit(
        &self,
        recording: &Recording,
        check: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<()> {
        let steps = recording.downcast_ref::<Local<Steps>>();
        let steps = steps.ok_or_else(|| err!(Internal, "a recording of another device"))?.get()?;
        let here = self.here.get()?;
        let mut under_way = VecDeque::new();
        for part in parts(&steps.steps) {
            check()?;
            here.trouble.check()?;
            here.trouble.scoped("launching kernels", || here.encode(part));
            under_way.push_back(here.queue.on_submitted_work_done());
            if under_way.len() > AHEAD
                && let Some(oldest) = under_way.pop_front()
            {
                let done = kept::<JsValue>(oldest).await;
                done.map_err(|e| thrown("launching kernels", &e))?;
            }
        }
        here.trouble.check()
    }
}

impl Here {
    fn step(
        &self,
        dispatch: &Dispatch<'_>,
        parameters: &Buffer,
        at: usize,
        used: &mut Vec<Rc<Buffer>>,
    ) -> Result<Step> {
        let compiled = dispatch.pipeline.downcast_ref::<Local<Compiled>>();
        let compiled = compiled.ok_or_else(|| err!(Internal, "a pipeline of another device"))?.get()?;
        let mut entries = Vec::with_capacity(dispatch.buffers.len() + 1);
        for memory in &dispatch.buffers {
            let buffer = buffer(memory)?;
            let binding = GpuBufferBinding::new(&buffer.0);
            entries.push(GpuBindGroupEntry::new_with_gpu_buffer_binding(entries.len() as u32, &binding));
            used.push(buffer);
        }
        let binding = GpuBufferBinding::new(&parameters.0);
        binding.set_offset_f64(at as f64);
        binding.set_size_f64(padded(dispatch.parameters) as f64);
        entries.push(GpuBindGroupEntry::new_with_gpu_buffer_binding(entries.len() as u32, &binding));
        let descriptor = GpuBindGroupDescriptor::new(&entries, &compiled.layout);
        let what = format!("the buffers of '{}'", dispatch.variant);
        let bindings = self.trouble.scoped(&what, || self.device.create_bind_group(&descriptor));
        Ok(Step { pipeline: compiled.pipeline.clone(), bindings, groups: dispatch.groups })
    }

    fn encode(&self, part: &[Step]) {
        let encoder = self.device.create_command_encoder();
        let pass = encoder.begin_compute_pass();
        for step in part {
            let [x, y, z] = step.groups;
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, Some(&step.bindings));
            pass.dispatch_workgroups_with_workgroup_count_y_and_workgroup_count_z(x, y, z);
        }
        pass.end();
        self.queue.submit(&[encoder.finish()]);
    }
}

/// Steps as they are submitted.
fn parts(mut steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    std::iter::from_fn(move || {
        let mut groups = 0;
        let fits = |(i, step): &(usize, &Step)| {
            groups += step.groups.iter().map(|&n| u64::from(n)).product::<u64>();
            *i == 0 || *i < SUBMIT && groups <= GROUPS
        };
        let count = steps.iter().enumerate().take_while(fits).count();
        let (part, rest) = steps.split_at(count);
        steps = rest;
        (!part.is_empty()).then_some(part)
    })
}
