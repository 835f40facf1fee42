//! Pipelines: one for each kernel, kept for all sessions on a device.

use super::device::{Gpu, reason};
use crate::executor::DeviceError;
use crate::kernel::{Access, Kernel};
use std::borrow::Cow;
use std::collections::HashMap;

/// Whether shaders carry the checks of index bounds and endless loops that naga would add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// They do not: the kernels stay inside their bindings by themselves, which the guard words of the checks hold.
    #[default]
    Off,
    /// They do.
    On,
}

/// A kernel ready to run.
#[derive(Clone)]
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

pub(super) struct Pipelines {
    checks: Checks,
    /// By name: kernels are statics with unique names.
    ready: HashMap<&'static str, Pipeline>,
}

impl Pipelines {
    pub(super) fn new(checks: Checks) -> Self {
        Self { checks, ready: HashMap::new() }
    }
}

impl Gpu {
    /// The pipeline of a kernel, made when it is first asked for.
    pub(super) fn pipeline(&self, kernel: &'static Kernel) -> Result<Pipeline, DeviceError> {
        if let Some(pipeline) = self.pipelines.borrow().ready.get(kernel.name) {
            return Ok(pipeline.clone());
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = self.build(kernel);
        if let Some(error) = pollster::block_on(scope.pop()) {
            let (adapter, what) = (self.report().name.clone(), format!("the kernel {}", kernel.name));
            return Err(DeviceError::Refused { adapter, what, why: reason(&error) });
        }
        self.pipelines.borrow_mut().ready.insert(kernel.name, pipeline.clone());
        Ok(pipeline)
    }

    fn build(&self, kernel: &'static Kernel) -> Pipeline {
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(kernel.name),
            entries: &entries(kernel),
        });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = self.module(kernel);
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        self.count();
        Pipeline { pipeline, layout }
    }

    #[allow(unsafe_code, reason = "unchecked shaders: bounding every loop and index costs real GPUs up to 100 times")]
    fn module(&self, kernel: &'static Kernel) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Wgsl(Cow::Owned(kernel.wgsl()));
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source };
        if self.pipelines.borrow().checks == Checks::On {
            return self.device.create_shader_module(descriptor);
        }
        // SAFETY: an unchecked shader must not index outside its bindings or loop without end. Every kernel guards its
        // indices by sizes from its arguments and the step, and its loops end at them; `judge::kernels` runs each
        // unchecked at odd sizes between guard words and objects to any word changed outside the written slots.
        unsafe { self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    }
}

/// Leave to ask for features that wgpu calls experimental, of which cooperative matrices are one.
#[allow(unsafe_code, reason = "wgpu has cooperative matrices behind a word of consent alone")]
pub(super) fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: such a feature may be used wrongly without an error. Asked for are cooperative matrices, where the adapter
    // lists those of the size and the types that the kernels have; all threads of a subgroup reach each of their operations
    // together, and what they load and store lies in workgroup memory of a fixed size. The checks hold the results.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

fn entries(kernel: &Kernel) -> Vec<wgpu::BindGroupLayoutEntry> {
    let entry = |binding: usize, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let args = (!kernel.args.is_empty()).then(|| entry(0, wgpu::BufferBindingType::Uniform));
    let storage = kernel.bindings.iter().enumerate().map(|(i, binding)| {
        entry(i + 1, wgpu::BufferBindingType::Storage { read_only: binding.access == Access::Read })
    });
    args.into_iter().chain(storage).collect()
}
