//! Pipelines, and the layouts that they share: one for every number of buffers read and written.

use super::Wgpu;
use crate::driver::Pipeline;
use crate::shader::Variant;
use edgewise_core::Result;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType,
    ComputePipeline, ComputePipelineDescriptor, Device, PipelineCompilationOptions, PipelineLayout,
    PipelineLayoutDescriptor, ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

/// A compiled variant.
pub(super) struct Compiled {
    pub pipeline: ComputePipeline,
    pub layout: BindGroupLayout,
}

/// Layouts, by how many buffers are read and written.
#[derive(Default)]
pub(super) struct Layouts(Mutex<HashMap<(u32, u32), (BindGroupLayout, PipelineLayout)>>);

impl Layouts {
    fn get(&self, device: &Device, (reads, writes): (u32, u32)) -> (BindGroupLayout, PipelineLayout) {
        let mut layouts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = layouts.entry((reads, writes)).or_insert_with(|| {
            let entry = |binding| BindGroupLayoutEntry {
                binding,
                visibility: ShaderStages::COMPUTE,
                ty: BindingType::Buffer {
                    ty: match binding {
                        b if b < reads => BufferBindingType::Storage { read_only: true },
                        b if b < reads + writes => BufferBindingType::Storage { read_only: false },
                        _ => BufferBindingType::Uniform,
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            };
            let entries: Vec<BindGroupLayoutEntry> = (0..=reads + writes).map(entry).collect();
            let layout = BindGroupLayoutDescriptor { label: None, entries: &entries };
            let layout = device.create_bind_group_layout(&layout);
            let pipeline = device.create_pipeline_layout(&PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            (layout, pipeline)
        });
        entry.clone()
    }
}

impl Wgpu {
    /// Compiles variants on as many threads as there are cores.
    pub(super) fn compile_all(&self, variants: &[Variant]) -> Result<Vec<Pipeline>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(variants.len());
        if threads <= 1 {
            return variants.iter().map(|variant| self.compile(variant)).collect();
        }
        let share = variants.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let work = |part| scope.spawn(move || variants_of(self, part));
            let workers: Vec<_> = variants.chunks(share).map(work).collect();
            let joined = workers.into_iter().map(|worker| {
                let result = worker.join();
                result.unwrap_or_else(|_| Err(err!(Internal, "a thread that compiled kernels panicked")))
            });
            let parts = joined.collect::<Result<Vec<Vec<Pipeline>>>>()?;
            Ok(parts.into_iter().flatten().collect())
        })
    }

    fn compile(&self, variant: &Variant) -> Result<Pipeline> {
        let shader = variant.shader;
        let source = shader.source()?;
        let constants: Vec<(&str, f64)> =
            variant.constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
        let make = || {
            let (layout, pipeline_layout) = self.layouts.get(&self.device, (shader.reads, shader.writes));
            let module = self.device.create_shader_module(ShaderModuleDescriptor {
                label: Some(shader.name),
                source: ShaderSource::Wgsl(source.into()),
            });
            let pipeline = self.device.create_compute_pipeline(&ComputePipelineDescriptor {
                label: Some(shader.name),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: PipelineCompilationOptions {
                    constants: &constants,
                    // No kernel reads what it has not written.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
            Compiled { pipeline, layout }
        };
        let compiled = self.checked(|| format!("the kernel '{variant}' does not compile"), make)?;
        Ok(Arc::new(compiled))
    }
}

fn variants_of(driver: &Wgpu, part: &[Variant]) -> Result<Vec<Pipeline>> {
    part.iter().map(|variant| driver.compile(variant)).collect()
}
