//! Pipelines, and what they share: a module for every file, a layout for every number of buffers read and written.
//!
//! All pipelines are asked for before the first is awaited, so that the browser compiles them side by side and
//! the page goes on meanwhile.

use super::{Here, Local, Web, kept, thrown};
use crate::driver::Pipeline;
use crate::shader::{Shader, Variant};
use edgewise_core::Result;
use js_sys::{JsNullable, Object, Promise, Reflect};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::{
    GpuBindGroupLayout, GpuBindGroupLayoutDescriptor, GpuBindGroupLayoutEntry, GpuBufferBindingLayout,
    GpuBufferBindingType, GpuComputePipeline, GpuComputePipelineDescriptor, GpuDevice, GpuPipelineLayout,
    GpuPipelineLayoutDescriptor, GpuProgrammableStage, GpuShaderModule, GpuShaderModuleDescriptor,
    gpu_shader_stage,
};

/// A compiled variant.
pub(super) struct Compiled {
    pub pipeline: GpuComputePipeline,
    pub layout: GpuBindGroupLayout,
}

/// Modules, by the names of their files.
#[derive(Default)]
pub(super) struct Modules(RefCell<HashMap<&'static str, GpuShaderModule>>);

/// Layouts, by how many buffers are read and written.
#[derive(Default)]
pub(super) struct Layouts(RefCell<HashMap<(u32, u32), (GpuBindGroupLayout, GpuPipelineLayout)>>);

impl Layouts {
    fn get(
        &self,
        device: &GpuDevice,
        (reads, writes): (u32, u32),
    ) -> Result<(GpuBindGroupLayout, GpuPipelineLayout)> {
        if let Some(layouts) = self.0.borrow().get(&(reads, writes)) {
            return Ok(layouts.clone());
        }
        let entry = |binding| {
            let buffer = GpuBufferBindingLayout::new();
            buffer.set_type(match binding {
                b if b < reads => GpuBufferBindingType::ReadOnlyStorage,
                b if b < reads + writes => GpuBufferBindingType::Storage,
                _ => GpuBufferBindingType::Uniform,
            });
            let entry = GpuBindGroupLayoutEntry::new(binding, gpu_shader_stage::COMPUTE);
            entry.set_buffer(&buffer);
            entry
        };
        let entries: Vec<GpuBindGroupLayoutEntry> = (0..=reads + writes).map(entry).collect();
        let layout = device.create_bind_group_layout(&GpuBindGroupLayoutDescriptor::new(&entries));
        let layout = layout.map_err(|e| thrown("the layout of a kernel", &e))?;
        let of_pipeline = GpuPipelineLayoutDescriptor::new(&[JsNullable::wrap(layout.clone())]);
        let layouts = (layout, device.create_pipeline_layout(&of_pipeline));
        self.0.borrow_mut().insert((reads, writes), layouts.clone());
        Ok(layouts)
    }
}

impl Here {
    fn module(&self, shader: &'static Shader) -> Result<GpuShaderModule> {
        if let Some(module) = self.modules.0.borrow().get(shader.name) {
            return Ok(module.clone());
        }
        let descriptor = GpuShaderModuleDescriptor::new(&shader.browser_source()?);
        descriptor.set_label(shader.name);
        let what = format!("the kernel '{}' does not compile", shader.name);
        let module = self.trouble.scoped(&what, || self.device.create_shader_module(&descriptor));
        self.modules.0.borrow_mut().insert(shader.name, module.clone());
        Ok(module)
    }

    /// Asks for a pipeline.
    fn compile(&self, variant: &Variant) -> Result<(Promise<GpuComputePipeline>, GpuBindGroupLayout)> {
        let shader = variant.shader;
        let stage = GpuProgrammableStage::new(&self.module(shader)?);
        stage.set_entry_point("main");
        let constants = Object::new();
        for (name, value) in &variant.constants {
            let set = Reflect::set(&constants, &(*name).into(), &(*value).into());
            set.map_err(|e| thrown("the constants of a kernel", &e))?;
        }
        stage.set_constants(constants.unchecked_ref());
        let (layout, of_pipeline) = self.layouts.get(&self.device, (shader.reads, shader.writes))?;
        let descriptor = GpuComputePipelineDescriptor::new(&of_pipeline, &stage);
        descriptor.set_label(&variant.to_string());
        Ok((self.device.create_compute_pipeline_async(&descriptor), layout))
    }
}

impl Web {
    pub(super) async fn compile_all(&self, variants: &[Variant]) -> Result<Vec<Pipeline>> {
        let here = self.here.get()?;
        here.trouble.check()?;
        let asked = variants.iter().map(|variant| here.compile(variant));
        let asked = asked.collect::<Result<Vec<_>>>()?;
        let mut made = Vec::with_capacity(asked.len());
        for ((promise, layout), variant) in asked.into_iter().zip(variants) {
            match kept::<GpuComputePipeline>(promise).await {
                Ok(pipeline) => made.push((pipeline, layout)),
                Err(error) => {
                    // What is wrong with the file says more than that it is wrong.
                    here.trouble.settle().await?;
                    return Err(thrown(&format!("the kernel '{variant}' does not compile"), &error));
                }
            }
        }
        here.trouble.settle().await?;
        let keep = |(pipeline, layout)| Arc::new(Local::new(Compiled { pipeline, layout })) as Pipeline;
        Ok(made.into_iter().map(keep).collect())
    }
}
