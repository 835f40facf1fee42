//! Which device computes, and an executor on it.

mod cache;
mod memory;
pub mod tuned;

pub use cache::Cache;

use crate::cpu::{Machine, Mode};
use crate::executor::{DeviceError, Executor};
use crate::gpu::{AdapterReport, Attendant, Checks, Choice, Gpu, Session};
use crate::graph::plan::Plan;
use crate::kernel::Precision;
use crate::op::{Family, Target};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best hardware GPU, else the CPU path.
    Auto,
    /// The CPU path, without any adapter.
    Cpu,
    /// A GPU, be it a software driver.
    Gpu(Choice),
}

/// `auto`, `cpu`, `gpu`, a number or a part of a name.
impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "" => return Err("a device is auto, cpu, gpu, a number or a part of a name".into()),
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu(Choice::Any),
            _ => Self::Gpu(text.parse().map_or_else(|_| Choice::Name(text.to_owned()), Choice::Number)),
        })
    }
}

/// As it is typed.
impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto | Self::Gpu(Choice::Hardware) => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(Choice::Any) => f.write_str("gpu"),
            Self::Gpu(Choice::Number(number)) => write!(f, "{number}"),
            Self::Gpu(Choice::Name(name)) => write!(f, "{name:?}"),
        }
    }
}

/// An open device: a GPU, or the CPU path.
///
/// ```
/// use wgrad::Device;
///
/// let device = Device::open(&"cpu".parse()?)?;
/// assert!(device.is_cpu());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Device {
    gpu: Option<Arc<Gpu>>,
    /// Why the CPU path was taken where a GPU was looked for.
    why_cpu: Option<String>,
}

impl Device {
    /// The CPU path as a device.
    pub const CPU: Self = Self { gpu: None, why_cpu: None };

    /// A GPU that is open already.
    pub fn gpu(gpu: Arc<Gpu>) -> Self {
        Self { gpu: Some(gpu), why_cpu: None }
    }

    /// Whether it is the CPU path.
    pub fn is_cpu(&self) -> bool {
        self.gpu.is_none()
    }

    /// What the adapter offers, if it is a GPU.
    pub fn report(&self) -> Option<&AdapterReport> {
        self.gpu.as_deref().map(Gpu::report)
    }

    /// Why it is the CPU path, where a GPU was looked for and none could be used.
    pub fn why_cpu(&self) -> Option<&str> {
        self.why_cpu.as_deref()
    }

    /// Opens what was asked for, for products in float32. Nothing is told or kept, and the fixed table says which variants
    /// plans get.
    ///
    /// # Errors
    /// A GPU was asked for by name, number or kind, and is not there or cannot be opened; or `WGRAD_PRODUCT` asks for a
    /// family of products that it does not run.
    pub fn open(choice: &DeviceChoice) -> Result<Self, DeviceError> {
        Self::open_with(Precision::F32, choice, None)
    }

    /// Opens what was asked for, for products in one precision, and nothing else of [`Device::open`] changed.
    ///
    /// # Errors
    /// As [`Device::open`]; or it does not multiply in that precision, as the CPU path does not in float16.
    pub fn open_for(precision: Precision, choice: &DeviceChoice) -> Result<Self, DeviceError> {
        Self::open_with(precision, choice, None)
    }

    /// Opens what was asked for, with someone who attends it and has kept what it handed over: compiled kernels, and the
    /// variants for which it was tuned, which are for products in float32.
    ///
    /// # Errors
    /// As [`Device::open_for`].
    pub fn open_attended(
        precision: Precision,
        choice: &DeviceChoice,
        attendant: Arc<dyn Attendant>,
    ) -> Result<Self, DeviceError> {
        Self::open_with(precision, choice, Some(attendant))
    }

    fn open_with(
        precision: Precision,
        choice: &DeviceChoice,
        attendant: Option<Arc<dyn Attendant>>,
    ) -> Result<Self, DeviceError> {
        let gpu = |choice: &Choice| {
            let mut gpu = Gpu::open_with(precision, choice, Checks::Off)?;
            if let Some(attendant) = attendant {
                if precision == Precision::F32
                    && let Some(variants) = tuned::find(gpu.report(), &*attendant)
                {
                    gpu.tune(variants);
                }
                gpu.attend(attendant);
            }
            Ok::<_, DeviceError>(Self::gpu(Arc::new(gpu)))
        };
        let device = match choice {
            DeviceChoice::Cpu => Self::CPU,
            DeviceChoice::Gpu(choice) => gpu(choice)?,
            DeviceChoice::Auto => match gpu(&Choice::Hardware) {
                Ok(gpu) => gpu,
                // The GPU that was meant is there.
                Err(error @ DeviceError::NoF16 { .. }) => return Err(error),
                Err(error) => Self { gpu: None, why_cpu: Some(error.to_string()) },
            },
        };
        if precision == Precision::F16 && device.is_cpu() {
            let why = device.why_cpu().map_or(String::new(), |why| format!(" ({why})"));
            let what = format!("it has no cooperative matrices{why}");
            return Err(DeviceError::NoF16 { adapter: "the CPU path".into(), what });
        }
        device.product()?;
        Ok(device)
    }

    fn best_target(&self) -> Target {
        self.gpu.as_ref().map_or(Target::CPU, |gpu| gpu.target())
    }

    /// The families of products that it runs.
    pub fn families(&self) -> Vec<Family> {
        self.report().map_or_else(|| vec![Family::Plain, Family::Tiled], AdapterReport::families)
    }

    /// The family that `WGRAD_PRODUCT` asks for, if it does, so that every variant can be tried.
    fn product(&self) -> Result<Option<Family>, DeviceError> {
        let Ok(asked) = std::env::var("WGRAD_PRODUCT") else { return Ok(None) };
        let families = self.families();
        let found = families.iter().find(|family| family.name() == asked);
        let names = || families.iter().map(|family| family.name()).collect::<Vec<_>>().join(", ");
        found.map(|family| Some(*family)).ok_or_else(|| DeviceError::Variant(asked, names()))
    }

    /// What plans for it are compiled for.
    pub fn target(&self) -> Target {
        let best = self.best_target();
        match self.product() {
            Ok(Some(product)) if product != best.product => {
                Target { product, block_work: product.block_work(), ..best }
            }
            _ => best,
        }
    }

    /// Whether plans are compiled for the variants for which it was tuned.
    pub fn is_tuned(&self) -> bool {
        self.gpu.as_ref().is_some_and(|gpu| gpu.is_tuned())
    }

    /// An executor for a plan.
    ///
    /// # Errors
    /// The device or the host has no room, or the device refuses.
    pub(crate) fn executor(&self, plan: &Arc<Plan>) -> Result<Box<dyn Executor>, DeviceError> {
        memory::check(plan, self.is_cpu())?;
        Ok(match &self.gpu {
            None => Box::new(Machine::new(Arc::clone(plan), Mode::Fast)),
            Some(gpu) => Box::new(Session::new(gpu, Arc::clone(plan))?),
        })
    }
}

/// As it is named on the command line and in benchmarks.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.report() {
            None => write!(f, "CPU, {} threads", crate::threads::count()),
            Some(report) => write!(f, "{} ({}, {})", report.name, report.kind, report.backend),
        }
    }
}
