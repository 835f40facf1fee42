//! A plan with memory on a GPU. Everything is made before the first step; a step only records and submits.

use super::ahead;
use super::device::Gpu;
use super::drivers::reason;
use super::pipelines::Pipeline;
use crate::executor::{DeviceError, Executor};
use crate::graph::plan::Plan;
use crate::kernel::Kernel;
use crate::op::{Dispatch, SlotId};
use std::sync::{Arc, mpsc};

/// Bytes between the arguments of two dispatches: what every adapter accepts as the offset of a uniform.
const ARGS_STRIDE: usize = 256;

/// Bytes that one read-back moves at most; longer reads go in pieces.
const STAGING_BYTES: u64 = 4 << 20;

/// Most steps of one submission: the device is at work on the first ones while the host records those that follow.
const AT_ONCE: usize = 128;

pub(super) struct Ready {
    pipeline: Pipeline,
    group: wgpu::BindGroup,
    groups: [u32; 3],
}

impl Ready {
    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.record_groups(pass, self.groups);
    }

    fn record_groups(&self, pass: &mut wgpu::ComputePass<'_>, groups: [u32; 3]) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
    }
}

/// A plan on a device.
pub struct Session {
    pub(super) gpu: Arc<Gpu>,
    plan: Arc<Plan>,
    buffers: Vec<wgpu::Buffer>,
    staging: wgpu::Buffer,
    pub(super) programs: Vec<Vec<Ready>>,
    /// Whether each program has been run.
    begun: Vec<bool>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("gpu", &self.gpu).finish_non_exhaustive()
    }
}

impl Session {
    /// Makes all buffers, pipelines and bind groups of a plan.
    ///
    /// # Errors
    /// The device has no room, or its driver refuses a kernel.
    pub fn new(gpu: &Arc<Gpu>, plan: Arc<Plan>) -> Result<Self, DeviceError> {
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let buffers: Vec<_> = plan.buffers.iter().map(|b| buffer(gpu, b.words as u64 * 4, storage)).collect();
        let dispatches: usize = plan.programs.iter().map(|program| program.dispatches.len()).sum();
        let args_usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let args = buffer(gpu, (dispatches.max(1) * ARGS_STRIDE) as u64, args_usage);
        let staging = buffer(gpu, STAGING_BYTES, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        if pollster::block_on(scope.pop()).is_some() {
            return Err(DeviceError::OutOfMemory { adapter: gpu.report().name.clone(), bytes: plan.bytes() });
        }
        gpu.prepare(plan.programs.iter().flat_map(|program| &program.dispatches).map(|dispatch| dispatch.kernel))?;
        let begun = vec![false; plan.programs.len()];
        let mut session = Self { gpu: Arc::clone(gpu), plan, buffers, staging, programs: vec![], begun };
        let mut at = 0;
        let plan = Arc::clone(&session.plan);
        for program in &plan.programs {
            let mut ready = vec![];
            for dispatch in &program.dispatches {
                gpu.queue.write_buffer(&args, (at * ARGS_STRIDE) as u64, &dispatch.args);
                ready.push(session.ready(dispatch, &args, at)?);
                at += 1;
            }
            session.programs.push(ready);
        }
        gpu.complaints()?;
        Ok(session)
    }

    fn ready(&self, dispatch: &Dispatch, args: &wgpu::Buffer, at: usize) -> Result<Ready, DeviceError> {
        let pipeline = self.gpu.pipeline(dispatch.kernel)?;
        let mut entries = vec![];
        if let Some(size) = wgpu::BufferSize::new(dispatch.args.len() as u64) {
            let offset = (at * ARGS_STRIDE) as u64;
            let binding = wgpu::BufferBinding { buffer: args, offset, size: Some(size) };
            entries.push(wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(binding) });
        }
        for (i, &slot) in dispatch.slots.iter().enumerate() {
            let (buffer, first, words) = self.plan.range(slot);
            // Whole vectors of four, which kernels may read; slots are aligned to more than that.
            let size = wgpu::BufferSize::new(words.max(1).next_multiple_of(4) as u64 * 4);
            let binding = wgpu::BufferBinding { buffer: &self.buffers[buffer], offset: first as u64 * 4, size };
            let resource = wgpu::BindingResource::Buffer(binding);
            entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource });
        }
        let descriptor = wgpu::BindGroupDescriptor {
            label: Some(dispatch.kernel.name),
            layout: &pipeline.layout,
            entries: &entries,
        };
        let group = self.gpu.device.create_bind_group(&descriptor);
        self.gpu.count();
        Ok(Ready { pipeline, group, groups: dispatch.groups })
    }

    /// Has a software driver compile the kernels of a program, which it does where one is first dispatched, be it in no
    /// groups: so that whoever attends hears of it. What was compiled before takes no time.
    fn begin(&mut self, program: usize) -> Result<(), DeviceError> {
        if self.gpu.report().hardware || std::mem::replace(&mut self.begun[program], true) {
            return Ok(());
        }
        let mut kernels: Vec<&'static Kernel> = vec![];
        let mut ready = vec![];
        for (dispatch, made) in self.plan.programs[program].dispatches.iter().zip(&self.programs[program]) {
            if !kernels.contains(&dispatch.kernel) {
                kernels.push(dispatch.kernel);
                ready.push(made);
            }
        }
        let attendant = self.gpu.attendant();
        let tell = |done| attendant.iter().for_each(|attendant| attendant.compiling(done, ready.len()));
        let mut done = 0;
        tell(done);
        ahead::dispatch_each(&self.gpu, &kernels, |at| {
            self.dispatch_nothing(ready[at])?;
            done += 1;
            tell(done);
            Ok(())
        })?;
        self.gpu.complaints()
    }

    fn dispatch_nothing(&self, ready: &Ready) -> Result<(), DeviceError> {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        ready.record_groups(&mut pass, [0; 3]);
        drop(pass);
        self.gpu.queue.submit([encoder.finish()]);
        let waited = self.gpu.device.poll(wgpu::PollType::wait_indefinitely());
        waited.map(|_| ()).map_err(|error| DeviceError::Lost(reason(&error)))
    }

    fn submit<'a>(&self, dispatches: impl Iterator<Item = &'a Ready>) -> Result<(), DeviceError> {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for ready in dispatches {
            ready.record(&mut pass);
        }
        drop(pass);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.complaints()
    }

    /// Reads words of a buffer, and waits for them.
    pub(super) fn fetch(&self, buffer: &wgpu::Buffer, first: usize, words: usize) -> Result<Vec<u32>, DeviceError> {
        let mut out: Vec<u32> = Vec::with_capacity(words);
        while out.len() < words {
            let offset = (first + out.len()) as u64 * 4;
            let bytes = ((words - out.len()) as u64 * 4).min(STAGING_BYTES);
            let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(buffer, offset, &self.staging, 0, bytes);
            self.gpu.queue.submit([encoder.finish()]);
            let (send, receive) = mpsc::channel();
            self.staging.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
                // The receiver is gone only if this call was given up.
                let _ = send.send(result);
            });
            let lost = |error: &dyn std::fmt::Display| DeviceError::Lost(reason(&error.to_string()));
            self.gpu.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| lost(&e))?;
            receive.recv().map_err(|e| lost(&e))?.map_err(|e| lost(&e))?;
            let view = self.staging.get_mapped_range(0..bytes).map_err(|e| lost(&e))?;
            out.extend_from_slice(bytemuck::cast_slice(&view));
            drop(view);
            self.staging.unmap();
        }
        self.gpu.complaints()?;
        Ok(out)
    }
}

pub(super) fn buffer(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.count();
    gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

impl Executor for Session {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write(&mut self, slot: SlotId, first: usize, words: &[u32]) -> Result<(), DeviceError> {
        let (buffer, start, _) = self.plan.range(slot);
        let offset = (start + first) as u64 * 4;
        self.gpu.queue.write_buffer(&self.buffers[buffer], offset, bytemuck::cast_slice(words));
        self.gpu.complaints()
    }

    fn read(&mut self, slot: SlotId, first: usize, words: usize) -> Result<Vec<u32>, DeviceError> {
        let (buffer, start, _) = self.plan.range(slot);
        self.fetch(&self.buffers[buffer], start + first, words)
    }

    fn run(&mut self, program: usize, steps: usize) -> Result<(), DeviceError> {
        self.begin(program)?;
        for first in (0..steps).step_by(AT_ONCE) {
            let count = AT_ONCE.min(steps - first);
            self.submit((0..count).flat_map(|_| &self.programs[program]))?;
        }
        Ok(())
    }

    fn is_idle(&mut self) -> Result<bool, DeviceError> {
        let polled = self.gpu.device.poll(wgpu::PollType::Poll);
        polled.map(|status| status.is_queue_empty()).map_err(|error| DeviceError::Lost(reason(&error)))
    }

    fn run_dispatch(&mut self, program: usize, dispatch: usize) -> Result<(), DeviceError> {
        self.submit(std::iter::once(&self.programs[program][dispatch]))
    }

    fn profile(&mut self, program: usize, steps: usize) -> Result<Option<Vec<f64>>, DeviceError> {
        self.timestamps(program, steps)
    }

    fn read_buffer(&mut self, buffer: usize) -> Result<Vec<u32>, DeviceError> {
        self.fetch(&self.buffers[buffer], 0, self.plan.buffers[buffer].words)
    }

    fn write_buffer(&mut self, buffer: usize, words: &[u32]) -> Result<(), DeviceError> {
        self.gpu.queue.write_buffer(&self.buffers[buffer], 0, bytemuck::cast_slice(words));
        self.gpu.complaints()
    }
}
