//! Pipelines: one for each kernel, kept for all sessions on a device.

use super::drivers::reason;
use crate::executor::DeviceError;
use crate::kernel::{Access, Kernel, is_interned};
use crate::ops::OPS;
use crate::threads;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether shaders carry the checks of index bounds and endless loops that naga would add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// Kernels of wgrad's own operations carry no checks: they stay inside their bindings by themselves, and the guard
    /// words of `judge::kernels` would show if they did not. Any other kernel carries them.
    #[default]
    Off,
    /// Every kernel carries the checks.
    On,
}

/// A kernel ready to run.
#[derive(Clone)]
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

/// The pipelines of a device.
pub(super) struct Pipelines {
    device: wgpu::Device,
    /// The adapter's name, for errors.
    adapter: String,
    checks: Checks,
    /// Compiled pipelines that the driver gives and takes back in another process, if it can.
    cache: Option<wgpu::PipelineCache>,
    /// By name: kernels are statics with unique names.
    ready: HashMap<&'static str, Pipeline>,
}

impl Pipelines {
    pub(super) fn new(device: &wgpu::Device, adapter: &str, checks: Checks) -> Self {
        Self { device: device.clone(), adapter: adapter.to_owned(), checks, cache: None, ready: HashMap::new() }
    }

    /// Makes the pipelines of those kernels that have none yet, each once, on all threads. Gives how many; `compiling` hears how
    /// many are done, of how many.
    ///
    /// # Errors
    /// The driver refuses a kernel, which is named: the first of them in their order.
    pub(super) fn prepare(
        &mut self,
        kernels: impl Iterator<Item = &'static Kernel>,
        compiling: impl Fn(usize, usize) + Sync,
    ) -> Result<usize, DeviceError> {
        let mut new: Vec<&'static Kernel> = vec![];
        for kernel in kernels {
            if !self.ready.contains_key(kernel.name) && !new.contains(&kernel) {
                new.push(kernel);
            }
        }
        if new.is_empty() {
            return Ok(0);
        }
        let maker = Maker { device: &self.device, checks: self.checks, cache: self.cache.clone() };
        let done = AtomicUsize::new(0);
        compiling(0, new.len());
        let made = threads::map(&new, |kernel| {
            let made = maker.make(kernel);
            compiling(done.fetch_add(1, Ordering::Relaxed) + 1, new.len());
            made
        });
        for (kernel, made) in new.iter().zip(made) {
            let pipeline = made.map_err(|why| DeviceError::Refused {
                adapter: self.adapter.clone(),
                what: format!("the kernel {}", kernel.name),
                why,
            })?;
            self.ready.insert(kernel.name, pipeline);
        }
        Ok(new.len())
    }

    /// The pipeline of a kernel that was prepared.
    ///
    /// # Panics
    /// It was not.
    pub(super) fn ready(&self, kernel: &Kernel) -> Pipeline {
        self.ready[kernel.name].clone()
    }

    /// What the driver hands out of its compiled pipelines.
    pub(super) fn cached(&self) -> Option<Vec<u8>> {
        self.cache.as_ref().and_then(wgpu::PipelineCache::get_data)
    }

    /// A cache that begins with what an earlier process left, or empty.
    #[allow(unsafe_code, reason = "the driver takes what it is given for its own, and may not look at it closely")]
    pub(super) fn begin_cache(&mut self, data: Option<&[u8]>) -> Result<(), String> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor = wgpu::PipelineCacheDescriptor { label: None, data, fallback: true };
        // SAFETY: the data must come from `PipelineCache::get_data`. They are read out of a file that begins with a sum
        // over all of it and with the adapter, its driver and the driver's version (see `cache.rs`), which were compared:
        // so it is a whole one of ours, and of this driver. wgpu compares its own header and that of the driver.
        let cache = unsafe { self.device.create_pipeline_cache(&descriptor) };
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(reason(&error)),
            None => {
                self.cache = Some(cache);
                Ok(())
            }
        }
    }
}

/// What makes a pipeline, on any thread.
pub(super) struct Maker<'a> {
    pub(super) device: &'a wgpu::Device,
    pub(super) checks: Checks,
    pub(super) cache: Option<wgpu::PipelineCache>,
}

impl Maker<'_> {
    /// The pipeline, or what the driver says against the kernel. An error scope is of one thread.
    pub(super) fn make(&self, kernel: &Kernel) -> Result<Pipeline, String> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = self.build(kernel);
        pollster::block_on(scope.pop()).map_or(Ok(pipeline), |error| Err(reason(&error)))
    }

    fn build(&self, kernel: &Kernel) -> Pipeline {
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
            cache: self.cache.as_ref(),
        });
        Pipeline { pipeline, layout }
    }

    #[allow(unsafe_code, reason = "unchecked shaders: bounding every loop and index costs real GPUs up to 100 times")]
    fn module(&self, kernel: &Kernel) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Wgsl(Cow::Owned(kernel.wgsl()));
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source };
        if self.checks == Checks::On || !is_own(kernel) {
            return self.device.create_shader_module(descriptor);
        }
        // SAFETY: an unchecked shader must not index outside its bindings or loop without end. Every kernel of ours guards its
        // indices by sizes from its arguments and the step, and its loops end at them. `judge::kernels` runs kernels
        // unchecked at odd sizes between guard words, and fails if a word outside the written slots changes: it compares a
        // kernel of the registry with its twin, and a joined kernel with its plain kernels in sequence (`op/plain.rs`).
        // A joined kernel is made when a plan first needs it, so not every sequence of stages is judged. But the loads,
        // stores and loops of all sequences are the same few texts (`shaders/block`, `shaders/head`), which the cases run;
        // a stage computes on values and touches no other binding than the step; a loss touches its own
        // row, and every loss has cases. What kernels take as indices, which is labels, row numbers and the step table, is
        // checked where `run::Runner` writes it.
        unsafe { self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    }
}

/// Whether a kernel is one of those in `ops`, and not a program's own under whatever name.
fn is_own(kernel: &Kernel) -> bool {
    OPS.iter().flat_map(|op| op.kernels).any(|own| std::ptr::eq(*own, kernel)) || is_interned(kernel)
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
