//! The first dispatch of each kernel on a software driver, which is where that compiles it: one after the other, on one thread
//! of the device.
//!
//! Mesa's driver keeps what it compiled in a cache on disk that all devices of a process share. So where there is something to
//! compile, other devices take kernels from the last on, and those that they compiled, the device at hand finds. What they fail
//! at or keep nowhere, it compiles itself.

use super::device::Gpu;
use super::pipelines::{Checks, Maker, Pipeline};
use crate::executor::DeviceError;
use crate::kernel::{Access, Kernel};
use crate::threads;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the first kernel takes at least where it is not yet in a cache, on Mesa's driver: it also makes the compiler ready.
const COLD: Duration = Duration::from_millis(200);

/// Most devices beside the one at hand.
const MOST: usize = 3;

/// Bytes of the tensors that a kernel is bound to where it runs in no groups.
const SOME_BYTES: u64 = 256;

/// Has each of the kernels dispatched for the first time, by `first`, which takes its place among them.
pub(super) fn dispatch_each(
    gpu: &Gpu,
    kernels: &[&'static Kernel],
    mut first: impl FnMut(usize) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    let started = Instant::now();
    let mut left: VecDeque<usize> = (0..kernels.len()).collect();
    if let Some(at) = left.pop_front() {
        first(at)?;
    }
    let cold = started.elapsed() > COLD && is_kept();
    share(gpu, kernels, left, if cold { MOST.min(threads::count() - 1) } else { 0 }, first)
}

/// The kernels that are left, with so many devices beside the one at hand.
fn share(
    gpu: &Gpu,
    kernels: &[&'static Kernel],
    left: VecDeque<usize>,
    devices: usize,
    mut first: impl FnMut(usize) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    let left = Mutex::new(left);
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let (adapter, descriptor, checks) = (&gpu.adapter, &gpu.opened_as, gpu.checks());
    let taken = Mutex::new(vec![]);
    let compile = || {
        if let Ok((device, queue)) = pollster::block_on(adapter.request_device(descriptor)) {
            let found = Other { device, queue }.compile(checks, kernels, &left);
            taken.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
    };
    let mut all = Ok(());
    // After a failure the others are to come to their end.
    let mut dispatch = |at| all = all.clone().and_then(|()| first(at));
    threads::meanwhile(devices, compile, || {
        while let Some(at) = next() {
            dispatch(at);
        }
    });
    taken.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().for_each(dispatch);
    all
}

/// Whether Mesa keeps what it compiled, as it does unless told otherwise.
fn is_kept() -> bool {
    let off =
        |name| std::env::var(name).is_ok_and(|value| !["", "0", "n", "no", "f", "false"].contains(&value.as_str()));
    !["MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE"].into_iter().any(off)
}

struct Other {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Other {
    /// Compiles kernels from the last that is left on, and gives their places.
    fn compile(&self, checks: Checks, kernels: &[&'static Kernel], left: &Mutex<VecDeque<usize>>) -> Vec<usize> {
        self.device.on_uncaptured_error(std::sync::Arc::new(|_| ()));
        let maker = Maker { device: &self.device, checks, cache: None };
        let mut taken = vec![];
        loop {
            let Some(at) = left.lock().unwrap_or_else(PoisonError::into_inner).pop_back() else { return taken };
            taken.push(at);
            if let Ok(pipeline) = maker.make(kernels[at]) {
                self.dispatch(kernels[at], &pipeline);
            }
        }
    }

    /// Dispatches a kernel in no groups, on tensors of no meaning.
    fn dispatch(&self, kernel: &Kernel, pipeline: &Pipeline) {
        let buffer = |usage| {
            let descriptor = wgpu::BufferDescriptor { label: None, size: SOME_BYTES, usage, mapped_at_creation: false };
            self.device.create_buffer(&descriptor)
        };
        let args = buffer(wgpu::BufferUsages::UNIFORM);
        // One cannot be bound both to be read and to be written.
        let [read, written] = [(); 2].map(|()| buffer(wgpu::BufferUsages::STORAGE));
        let of = |binding: Access| if binding == Access::Read { &read } else { &written };
        let tensors = kernel.bindings.iter().enumerate().map(|(i, binding)| (i as u32 + 1, of(binding.access)));
        let entries: Vec<_> = (!kernel.args.is_empty())
            .then_some((0, &args))
            .into_iter()
            .chain(tensors)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries };
        let group = self.device.create_bind_group(&descriptor);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(0, 0, 0);
        drop(pass);
        self.queue.submit([encoder.finish()]);
        // What went wrong here goes wrong again on the device at hand, which says so.
        let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Choice;
    use crate::kernel::{Needs, Part, Precision, Tolerance};

    const fn kernel(name: &'static str, parts: &'static [Part]) -> Kernel {
        let (needs, tolerance) = (Needs::Nothing, Tolerance::EXACT);
        Kernel { name, parts, args: &[], bindings: &[], needs, tolerance, twin: Some(|_, _| ()), fast: None }
    }

    static GOOD: Kernel = kernel("test.good", &[Part { file: "", text: "@compute @workgroup_size(1) fn main() {}" }]);
    static BAD: Kernel =
        kernel("test.bad", &[Part { file: "", text: "@compute @workgroup_size(1) fn main() { x = 1; }" }]);

    /// Whoever took a kernel, and whether or not it was compiled.
    #[test]
    fn each_kernel_is_dispatched_once_on_the_device_at_hand() {
        let Ok(gpu) = Gpu::open(Precision::F32, &Choice::Any) else {
            assert!(std::env::var_os("WGRAD_REQUIRE_GPU").is_none(), "no adapter");
            return;
        };
        let kernels = [&GOOD, &BAD, &GOOD, &BAD, &GOOD, &GOOD];
        for devices in [0, 1, 3] {
            let mut dispatched = vec![];
            let all = share(&gpu, &kernels, (1..kernels.len()).collect(), devices, |at| {
                // The others have the time to take some.
                let started = Instant::now();
                while at == 1 && started.elapsed() < Duration::from_millis(100) {}
                dispatched.push(at);
                Ok(())
            });
            assert_eq!(all, Ok(()));
            assert_eq!(dispatched[0], 1);
            dispatched.sort_unstable();
            assert_eq!(dispatched, [1, 2, 3, 4, 5], "{devices} devices");
            let mut dispatched = 0;
            let failed = share(&gpu, &kernels, (1..kernels.len()).collect(), devices, |_| {
                dispatched += 1;
                Err(DeviceError::Lost("gone".into()))
            });
            assert_eq!((failed, dispatched), (Err(DeviceError::Lost("gone".into())), 1), "{devices} devices");
        }
    }
}
