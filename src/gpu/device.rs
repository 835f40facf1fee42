//! Adapters: which are there, what they offer, and opening one.

use super::drivers::quietly;
use super::kept::Attendant;
use super::matrices;
use super::pipelines::{Checks, Pipelines, experimental};
use crate::executor::DeviceError;
use crate::kernel::{MAX_BINDINGS, Precision, Tile};
use crate::op::turns::MESA_TURNS;
use crate::op::{Family, Kind, Target, Variants};
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex};

/// What a session may make use of, where the adapter has it.
const WANTED: wgpu::Features = wgpu::Features::SUBGROUP
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::SHADER_INT64)
    .union(wgpu::Features::PIPELINE_CACHE);

/// Workgroup memory and threads that the kernels need; every adapter of WebGPU's default limits has them.
const NEEDED_WORKGROUP_BYTES: u32 = 16 * 1024;
const NEEDED_THREADS: u32 = 256;

/// As Mesa's software driver names itself.
const MESA: &str = "llvmpipe";

/// Which adapter is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The best hardware GPU.
    Hardware,
    /// The best adapter, be it software.
    Any,
    /// By its number in [`adapters`].
    Number(usize),
    /// By a part of its name, in any case of letters.
    Name(String),
}

/// An adapter as `wgrad devices` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterReport {
    /// Its place in the list.
    pub number: usize,
    /// As the driver names it.
    pub name: String,
    /// `discrete GPU`, `integrated GPU`, `software`, …
    pub kind: &'static str,
    /// `Vulkan`, `Metal` or `DX12`.
    pub backend: String,
    /// Driver.
    pub driver: String,
    /// The driver's version.
    pub driver_version: String,
    /// Most bytes of one binding.
    pub max_binding: u64,
    /// Most bytes of one buffer.
    pub max_buffer: u64,
    /// Lanes of a subgroup, least and most, where there are subgroups.
    pub subgroup: Option<(u32, u32)>,
    /// Whether it reads words of 64 bits.
    pub wide_words: bool,
    /// The cooperative matrices that it lists, as in `16x16x16 f16 to f32`.
    pub matrices: Vec<String>,
    /// Those of them that products in float16 take, or what is missing.
    pub f16: Result<Tile, String>,
    /// Why it cannot be used, if it cannot.
    pub unfit: Option<String>,
    /// What the fixed table says for it.
    pub fixed: Variants,
    /// Whether it is hardware.
    pub hardware: bool,
}

/// The first thing that the driver complained of, until a call can return it.
type Complaint = Arc<Mutex<Option<DeviceError>>>;

/// An open adapter.
pub struct Gpu {
    pub(super) adapter: wgpu::Adapter,
    /// How `device` was asked for.
    pub(super) opened_as: wgpu::DeviceDescriptor<'static>,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) pipelines: RefCell<Pipelines>,
    /// Who is told what it is at.
    pub(super) attendant: RefCell<Option<Arc<dyn Attendant>>>,
    /// The name under which its pipelines are kept, where the driver hands them out.
    pub(super) kept_as: Option<String>,
    /// The sum over those that were kept last.
    pub(super) kept: Cell<Option<u32>>,
    /// Buffers, pipelines and bind groups made so far.
    pub(super) made: Cell<usize>,
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

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor)
}

/// Best first, in an order that does not change from call to call.
fn list() -> Vec<wgpu::Adapter> {
    let found = || pollster::block_on(instance().enumerate_adapters(wgpu::Backends::all()));
    let mut adapters = quietly(found, Vec::is_empty);
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

fn report(number: usize, adapter: &wgpu::Adapter) -> AdapterReport {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    };
    let subgroup = adapter
        .features()
        .contains(wgpu::Features::SUBGROUP)
        .then_some((info.subgroup_min_size, info.subgroup_max_size));
    let wide_words = adapter.features().contains(wgpu::Features::SHADER_INT64);
    let lacks = |what: &str, has: u32, needed: u32| (has < needed).then(|| format!("{what}: {has} of {needed}"));
    let software = info.device_type == wgpu::DeviceType::Cpu;
    AdapterReport {
        number,
        name: info.name,
        kind,
        backend: format!("{:?}", info.backend).replace("Dx12", "DX12"),
        driver: info.driver,
        driver_version: info.driver_info,
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        subgroup,
        wide_words,
        matrices: matrices::listed(adapter),
        f16: matrices::fitting(adapter),
        unfit: lacks("storage buffers", limits.max_storage_buffers_per_shader_stage, MAX_BINDINGS as u32)
            .or_else(|| lacks("workgroup memory", limits.max_compute_workgroup_storage_size, NEEDED_WORKGROUP_BYTES))
            .or_else(|| lacks("threads of a group", limits.max_compute_invocations_per_workgroup, NEEDED_THREADS)),
        fixed: kind_of(software, subgroup.filter(|_| wide_words)).variants(),
        hardware: !software,
    }
}

fn kind_of(software: bool, subgroup: Option<(u32, u32)>) -> Kind {
    match (software, subgroup) {
        (false, _) => Kind::Hardware,
        (true, Some((8, 8))) => Kind::SoftwareOf8,
        (true, _) => Kind::Software,
    }
}

impl AdapterReport {
    /// The families of products that it runs.
    pub fn families(&self) -> Vec<Family> {
        let subgroups = self.subgroup == Some((8, 8)) && self.wide_words;
        let runs = |family: &Family| *family != Family::Subgroup || subgroups;
        Family::NAMES.map(|(_, family)| family).into_iter().filter(runs).collect()
    }
}

/// All adapters of this machine, best first.
pub fn adapters() -> Vec<AdapterReport> {
    list().iter().enumerate().map(|(number, adapter)| report(number, adapter)).collect()
}

/// What to say where there is no adapter at all: what is missing, and where it comes from. Without a driver the Vulkan
/// loader cannot be told from one that is not there.
pub fn nothing_found() -> String {
    let hint = if cfg!(target_os = "linux") {
        "no GPU can be used, because the Vulkan loader libvulkan.so.1 (Debian: libvulkan1) or the GPU's Vulkan driver \
         (Debian: mesa-vulkan-drivers for AMD, Intel and a software driver) is missing"
    } else {
        "no GPU adapter was found: install or update the GPU's driver"
    };
    format!("{hint}; --device cpu needs none")
}

fn choose(choice: &Choice, reports: &[AdapterReport]) -> Result<usize, DeviceError> {
    let listed = || {
        let lines: Vec<String> = reports.iter().map(|r| format!("{} {} ({})", r.number, r.name, r.kind)).collect();
        if lines.is_empty() { nothing_found() } else { format!("there are: {}", lines.join("; ")) }
    };
    let found = match choice {
        Choice::Hardware => reports.iter().find(|r| r.hardware && r.unfit.is_none()),
        Choice::Any => reports.iter().find(|r| r.unfit.is_none()),
        Choice::Number(number) => reports.get(*number),
        Choice::Name(name) => reports.iter().find(|r| r.name.to_lowercase().contains(&name.to_lowercase())),
    };
    let missing = || match choice {
        Choice::Hardware if reports.is_empty() => nothing_found(),
        Choice::Hardware => format!("no hardware GPU was found; {}", listed()),
        Choice::Any => nothing_found(),
        Choice::Number(number) => format!("there is no device {number}; {}", listed()),
        Choice::Name(name) => format!("there is no device called {name:?}; {}", listed()),
    };
    let report = found.ok_or_else(|| DeviceError::NoAdapter(missing()))?;
    match &report.unfit {
        Some(what) => Err(DeviceError::Unfit { adapter: report.name.clone(), what: format!("it has too few {what}") }),
        None => Ok(report.number),
    }
}

/// A text as a part of a file's name.
fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// What a driver or wgpu says, in one line: wgpu heads every complaint by its kind and puts the causes below.
pub(super) fn reason(error: &impl ToString) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !["", "Caused by:", "Validation Error"].contains(line));
    lines.collect::<Vec<_>>().join(": ")
}

impl Gpu {
    /// Opens an adapter for products in float32.
    ///
    /// # Errors
    /// It is not there (the list is in the message), lacks what every plan needs, or its driver refuses.
    pub fn open(choice: &Choice, checks: Checks) -> Result<Self, DeviceError> {
        Self::open_for(Precision::F32, choice, checks)
    }

    /// Opens an adapter for products in one precision.
    ///
    /// # Errors
    /// As [`Gpu::open`]; or it cannot multiply in that precision.
    pub fn open_for(precision: Precision, choice: &Choice, checks: Checks) -> Result<Self, DeviceError> {
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
            kept_as: key.map(|key| format!("{key}_{}", file_name(&report.driver))),
            adapter: adapter.clone(),
            opened_as: descriptor,
            device,
            queue,
            pipelines: RefCell::new(Pipelines::new(checks)),
            attendant: RefCell::new(None),
            kept: Cell::new(None),
            made: Cell::new(0),
            complaint,
            report,
            target,
            tuned: false,
        })
    }

    /// The adapter.
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

    /// Whether it has.
    pub fn is_tuned(&self) -> bool {
        self.tuned
    }

    /// Buffers, pipelines and bind groups made so far on this device.
    pub fn made(&self) -> usize {
        self.made.get()
    }

    pub(super) fn count(&self) {
        self.made.set(self.made.get() + 1);
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
