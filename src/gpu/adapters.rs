//! Adapters: which there are, what they offer, and which one is meant.

use super::drivers::quietly;
use super::matrices;
use crate::executor::DeviceError;
use crate::kernel::{MAX_BINDINGS, Tile};
use crate::op::{Family, Kind, Variants};

/// Workgroup memory and threads that the kernels need; every adapter of WebGPU's default limits has them.
const NEEDED_WORKGROUP_BYTES: u32 = 16 * 1024;
const NEEDED_THREADS: u32 = 256;

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
    /// The driver's name, as it gives it.
    pub driver: String,
    /// The driver's version, as it gives it.
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

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor)
}

/// Best first, in an order that does not change from call to call.
pub(super) fn list() -> Vec<wgpu::Adapter> {
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

/// What there is to say of an adapter.
pub(super) fn report(number: usize, adapter: &wgpu::Adapter) -> AdapterReport {
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
    format!("{hint}; `device = cpu` needs none")
}

/// The number of the adapter that is meant.
pub(super) fn choose(choice: &Choice, reports: &[AdapterReport]) -> Result<usize, DeviceError> {
    let listed = || {
        let lines: Vec<String> = reports.iter().map(|r| format!("{}: {} ({})", r.number, r.name, r.kind)).collect();
        if lines.is_empty() { nothing_found() } else { format!("the devices are {}", lines.join("; ")) }
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
