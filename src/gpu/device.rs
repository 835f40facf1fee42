//! An open adapter: its device, its pipelines and who attends it.

use super::adapters::{AdapterReport, Choice, choose, list, report};
use super::attendant::Attendant;
use super::cache::{crc, seal, unseal};
use super::drivers::{quietly, reason};
use super::matrices;
use super::pipelines::{Checks, Pipeline, Pipelines, experimental};
use crate::executor::DeviceError;
use crate::kernel::{Kernel, Precision};
use crate::op::turns::MESA_TURNS;
use crate::op::{Family, Target, Variants};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a session may make use of, where the adapter has it.
const WANTED: wgpu::Features = wgpu::Features::SUBGROUP
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::SHADER_INT64)
    .union(wgpu::Features::PIPELINE_CACHE);

/// As Mesa's software driver names itself.
const MESA: &str = "llvmpipe";

/// The first thing that the driver complained of, until a call can return it.
type Complaint = Arc<Mutex<Option<DeviceError>>>;

/// An open adapter, with its pipelines.
pub struct Gpu {
    pub(super) adapter: wgpu::Adapter,
    /// How `device` was asked for.
    pub(super) opened_as: wgpu::DeviceDescriptor<'static>,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// Whether the kernels of this crate run without the checks that naga adds.
    checks: Checks,
    pipelines: Mutex<Pipelines>,
    /// Hears how far compiling is.
    attendant: Mutex<Option<Arc<dyn Attendant>>>,
    /// The name under which compiled pipelines are cached, where the driver hands them out.
    cache_name: Option<String>,
    /// The checksum of the pipelines that were cached last.
    cached: Mutex<Option<u32>>,
    /// Buffers, pipelines and bind groups made so far.
    made: AtomicUsize,
    /// What the driver complained of, outside of any call that returns it.
    complaint: Complaint,
    report: AdapterReport,
    target: Target,
    tuned: bool,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("report", &self.report).finish_non_exhaustive()
    }
}

/// A text as a part of a file's name.
fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// What a lock guards, also after a panic on another thread: all that is locked here stays valid at every step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What must be the same for compiled pipelines to be used again.
fn identity(report: &AdapterReport) -> String {
    let AdapterReport { name, backend, driver, driver_version, .. } = report;
    [name, backend, driver, driver_version, env!("CARGO_PKG_VERSION")].join("\n")
}

impl Gpu {
    /// Opens an adapter for products in one precision. Its shaders run with the checks of indices and loops that naga adds,
    /// which can cost real GPUs most of their speed. [`Device::open`](crate::device::Device::open) opens one without.
    ///
    /// # Errors
    /// It is not there (the list is in the message), lacks what every plan needs or cannot multiply in that precision, or its
    /// driver refuses.
    pub fn open(precision: Precision, choice: &Choice) -> Result<Self, DeviceError> {
        Self::open_with(precision, choice, Checks::On)
    }

    /// Opens an adapter on which the kernels of this crate run without the checks of indices and loops.
    ///
    /// # Safety
    /// Every plan of a session on it must come from a compiled network or a recording of this crate's operations, unchanged,
    /// and what the host writes into labels, row numbers and step tables must lie in the range that the plan's slots have.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    #[allow(unsafe_code, reason = "whoever makes plans by hand must know that nothing checks them on the device")]
    pub unsafe fn open_unchecked(precision: Precision, choice: &Choice) -> Result<Self, DeviceError> {
        Self::open_with(precision, choice, Checks::Off)
    }

    pub(crate) fn open_with(precision: Precision, choice: &Choice, checks: Checks) -> Result<Self, DeviceError> {
        let adapters = list();
        let reports: Vec<_> = adapters.iter().enumerate().map(|(number, adapter)| report(number, adapter)).collect();
        let number = choose(choice, &reports)?;
        let (adapter, report) = (&adapters[number], reports[number].clone());
        let mut wanted = adapter.features() & WANTED;
        let (variants, experimental) = match precision {
            Precision::F32 => (report.fixed, wgpu::ExperimentalFeatures::disabled()),
            Precision::F16 => {
                wanted |= matrices::FEATURES;
                let refused = |what| DeviceError::NoF16 { adapter: report.name.clone(), what };
                let product = Family::Cooperative(report.f16.clone().map_err(refused)?);
                (Variants { product, block_work: product.block_work(), ..report.fixed }, experimental())
            }
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: None,
            required_features: wanted,
            required_limits: adapter.limits(),
            experimental_features: experimental,
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let refused = |error: wgpu::RequestDeviceError| DeviceError::Refused {
            adapter: report.name.clone(),
            what: "to open it".into(),
            why: reason(&error),
        };
        let opened = || pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = quietly(opened, Result::is_err).map_err(refused)?;
        let complaint = Arc::new(Mutex::new(None));
        watch(&device, &report.name, &complaint);
        let (max_binding, max_buffer) = (report.max_binding, report.max_buffer);
        let max_turns = if report.driver == MESA { MESA_TURNS } else { u32::MAX };
        let target = Target { max_binding, max_buffer, max_turns, ..Target::CPU }.with(variants);
        let handed_out = device.features().contains(wgpu::Features::PIPELINE_CACHE);
        let key = wgpu::util::pipeline_cache_key(&adapter.get_info()).filter(|_| handed_out);
        Ok(Self {
            cache_name: key.map(|key| format!("{key}_{}", file_name(&report.driver))),
            adapter: adapter.clone(),
            opened_as: descriptor,
            checks,
            pipelines: Mutex::new(Pipelines::new(&device, &report.name, checks)),
            attendant: Mutex::new(None),
            cached: Mutex::new(None),
            made: AtomicUsize::new(0),
            device,
            queue,
            complaint,
            report,
            target,
            tuned: false,
        })
    }

    /// What is known of the adapter.
    pub fn report(&self) -> &AdapterReport {
        &self.report
    }

    /// What plans for it are compiled for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Has plans compiled for other variants than the fixed table's.
    pub fn tune(&mut self, variants: Variants) {
        self.target = self.target.with(variants);
        self.tuned = true;
    }

    /// Whether [`Gpu::tune`] chose its variants.
    pub fn is_tuned(&self) -> bool {
        self.tuned
    }

    /// Buffers, pipelines and bind groups made so far on this device.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn checks(&self) -> Checks {
        self.checks
    }

    /// Makes the pipelines of those kernels that have none yet, each once, on all threads.
    ///
    /// # Errors
    /// The driver refuses a kernel, which is named: the first of them in their order.
    pub(super) fn prepare(&self, kernels: impl Iterator<Item = &'static Kernel>) -> Result<(), DeviceError> {
        let attendant = self.attendant();
        let compiling = |done, of| attendant.iter().for_each(|attendant| attendant.compiling(done, of));
        let made = locked(&self.pipelines).prepare(kernels, compiling)?;
        if made > 0 {
            self.made.fetch_add(made, Ordering::Relaxed);
            self.cache_pipelines();
        }
        Ok(())
    }

    /// The pipeline of a kernel.
    ///
    /// # Errors
    /// The driver refuses the kernel.
    pub(super) fn pipeline(&self, kernel: &'static Kernel) -> Result<Pipeline, DeviceError> {
        self.prepare(std::iter::once(kernel))?;
        Ok(locked(&self.pipelines).ready(kernel))
    }

    /// Lets someone attend from here on, who may have cached pipelines of an earlier process. A cache that cannot be used is
    /// reported, and its pipelines are compiled again.
    pub fn attend(&self, attendant: Arc<dyn Attendant>) {
        *locked(&self.attendant) = Some(Arc::clone(&attendant));
        let Some(name) = &self.cache_name else { return };
        let file = attendant.kept(name);
        let data = file.as_deref().map(|bytes| unseal(bytes, &identity(&self.report)));
        let data = data.and_then(|data| {
            let told = data.inspect_err(|what| attendant.note(&format!("the compiled kernels kept in {name} {what}")));
            told.ok()
        });
        let mut pipelines = locked(&self.pipelines);
        match pipelines.begin_cache(data) {
            Ok(()) => *locked(&self.cached) = data.map(crc),
            Err(why) => {
                attendant.note(&format!("the driver does not take the compiled kernels kept in {name} ({why})"));
                if let Err(why) = pipelines.begin_cache(None) {
                    attendant.note(&format!("the driver keeps no compiled kernels ({why})"));
                }
            }
        }
    }

    pub(super) fn attendant(&self) -> Option<Arc<dyn Attendant>> {
        locked(&self.attendant).clone()
    }

    /// Hands the compiled pipelines to the attendant, if there are new ones.
    fn cache_pipelines(&self) {
        let data = locked(&self.pipelines).cached();
        let (Some(data), Some(name), Some(attendant)) = (data, &self.cache_name, self.attendant()) else { return };
        if locked(&self.cached).replace(crc(&data)) != Some(crc(&data)) {
            attendant.keep(name, &seal(&data, &identity(&self.report)));
        }
    }

    /// What the driver complained of since the last call.
    ///
    /// # Errors
    /// It did.
    pub(super) fn complaints(&self) -> Result<(), DeviceError> {
        let complaint = self.complaint.lock().ok().and_then(|mut complaint| complaint.take());
        complaint.map_or(Ok(()), Err)
    }
}

/// The default handlers of wgpu panic: ours keep the first complaint for the next call that can return it.
fn watch(device: &wgpu::Device, adapter: &str, complaint: &Complaint) {
    let keep = |complaint: &Mutex<Option<DeviceError>>, what: DeviceError| {
        if let Ok(mut complaint) = complaint.lock() {
            complaint.get_or_insert(what);
        }
    };
    let lost = Arc::clone(complaint);
    device.set_device_lost_callback(move |why, message| {
        if why != wgpu::DeviceLostReason::Destroyed {
            keep(&lost, DeviceError::Lost(reason(&message)));
        }
    });
    let (uncaptured, adapter) = (Arc::clone(complaint), adapter.to_owned());
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        let what = "a piece of work".into();
        keep(&uncaptured, DeviceError::Refused { adapter: adapter.clone(), what, why: reason(&error) });
    }));
}
