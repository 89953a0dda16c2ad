//! Recordings: everything that a dispatch needs is made once, so that replaying only encodes.

use super::Wgpu;
use super::memory::buffer;
use super::pipelines::Compiled;
use crate::driver::{Dispatch, lay_out, padded};
use edgewise_core::Result;
use edgewise_core::device::Recording;
use std::collections::VecDeque;
use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindingResource, Buffer, BufferBinding, BufferUsages,
    CommandEncoderDescriptor, ComputePass, ComputePassDescriptor, ComputePipeline,
};

/// Dispatches of one submission. Between submissions there is a check.
const SUBMIT: usize = 32;
/// Submissions that may be on their way: the GPU is never idle, and never far ahead of a check.
const AHEAD: usize = 3;

pub(super) struct Steps(pub Vec<Step>);

pub(super) struct Step {
    pipeline: ComputePipeline,
    bindings: BindGroup,
    groups: [u32; 3],
}

impl Step {
    pub fn encode(&self, pass: &mut ComputePass<'_>) {
        let [x, y, z] = self.groups;
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// The steps behind a recording.
pub(super) fn steps(recording: &Recording) -> Result<&[Step]> {
    let steps = recording.downcast_ref::<Steps>();
    steps.map(|steps| &steps.0[..]).ok_or_else(|| err!(Internal, "a recording of another device"))
}

impl Wgpu {
    pub(super) fn make_recording(&self, dispatches: &[Dispatch<'_>]) -> Result<Recording> {
        let limits = self.device.limits();
        let (offsets, bytes) = lay_out(dispatches, limits.min_uniform_buffer_offset_alignment as usize);
        let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
        let parameters = self.make_buffer(bytes.len() as u64, usage, "parameters")?;
        self.checked(|| "parameters".to_string(), || self.queue.write_buffer(&parameters, 0, &bytes))?;
        let steps = dispatches.iter().zip(offsets).map(|(dispatch, at)| {
            let most = limits.max_compute_workgroups_per_dimension;
            ensure!(
                dispatch.groups.iter().all(|&n| n <= most),
                Internal,
                "{} groups of '{}' are more than {most}",
                dispatch.groups.iter().max().unwrap_or(&0),
                dispatch.variant
            );
            self.step(dispatch, &parameters, at)
        });
        Ok(Box::new(Steps(steps.collect::<Result<_>>()?)))
    }

    fn step(&self, dispatch: &Dispatch<'_>, parameters: &Buffer, at: usize) -> Result<Step> {
        let compiled = dispatch.pipeline.downcast_ref::<Compiled>();
        let compiled = compiled.ok_or_else(|| err!(Internal, "a pipeline of another device"))?;
        let mut resources = Vec::with_capacity(dispatch.buffers.len() + 1);
        for memory in &dispatch.buffers {
            resources.push(buffer(memory)?.as_entire_binding());
        }
        resources.push(BindingResource::Buffer(BufferBinding {
            buffer: parameters,
            offset: at as u64,
            size: std::num::NonZeroU64::new(padded(dispatch.parameters) as u64),
        }));
        let entry = |(binding, resource)| BindGroupEntry { binding: binding as u32, resource };
        let entries: Vec<BindGroupEntry<'_>> = resources.into_iter().enumerate().map(entry).collect();
        let descriptor = BindGroupDescriptor { label: None, layout: &compiled.layout, entries: &entries };
        let what = || format!("the buffers of '{}'", dispatch.variant);
        let bindings = self.checked(what, || self.device.create_bind_group(&descriptor))?;
        Ok(Step { pipeline: compiled.pipeline.clone(), bindings, groups: dispatch.groups })
    }

    pub(super) fn submit(&self, recording: &Recording, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut under_way = VecDeque::new();
        for part in steps(recording)?.chunks(SUBMIT) {
            check()?;
            let encode = || {
                let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
                let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
                part.iter().for_each(|step| step.encode(&mut pass));
                drop(pass);
                self.submit_and_tell([encoder.finish()])
            };
            under_way.push_back(self.checked(|| "launching kernels".to_string(), encode)?);
            if under_way.len() > AHEAD
                && let Some(first) = under_way.pop_front()
            {
                self.wait(&first, check)?;
            }
        }
        Ok(())
    }
}
