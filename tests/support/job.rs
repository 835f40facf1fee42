//! One operation run on one executor.

use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::executor::Executor;
use wgrad::gpu::{Gpu, Session};
use wgrad::graph::plan::Plan;
use wgrad::judge::kernels::POISON;
use wgrad::kernel::{Now, Scalar};
use wgrad::op::{Class, Family, Fill, Op, Recorder, Slot, Target, Wire, Wires};
use wgrad::shape::Shape;

/// A tensor by its values, and what words they become.
#[derive(Clone)]
pub struct Tensor {
    pub shape: Shape,
    pub scalar: Scalar,
    pub values: Vec<f64>,
}

impl Tensor {
    pub fn new(shape: impl Into<Shape>, value: f64) -> Self {
        let shape = shape.into();
        Self { values: vec![value; shape.elements()], shape, scalar: Scalar::F32 }
    }

    pub fn of(shape: impl Into<Shape>, values: Vec<f64>) -> Self {
        Self { values, ..Self::new(shape, 0.0) }
    }

    /// Normal values, as float32; another `index` draws others.
    pub fn normal(shape: impl Into<Shape>, mean: f32, deviation: f32, index: u32) -> Self {
        let shape = shape.into();
        let words = Fill::Normal(mean, deviation).words(&shape, index);
        Self::of(shape, floats(&words))
    }

    pub fn words(&self) -> Vec<u32> {
        let word = |v: &f64| if self.scalar == Scalar::F32 { (*v as f32).to_bits() } else { *v as u32 };
        self.values.iter().map(word).collect()
    }

    pub fn largest(&self) -> f64 {
        self.values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).fold(0.0, f64::max)
    }
}

pub enum Place {
    Host(Mode),
    Device(Arc<Gpu>),
}

/// Something that can run plans of one target.
pub struct Subject {
    pub name: String,
    pub place: Place,
    pub target: Target,
}

impl Subject {
    pub fn executor(&self, plan: Arc<Plan>) -> Result<Box<dyn Executor>, String> {
        Ok(match &self.place {
            Place::Host(mode) => Box::new(Machine::new(plan, *mode)),
            Place::Device(gpu) => Box::new(Session::new(gpu, plan).map_err(|e| e.to_string())?),
        })
    }

    pub fn is_device(&self) -> bool {
        matches!(self.place, Place::Device(_))
    }
}

pub fn hosts() -> Vec<Subject> {
    let host = |mode| Subject { name: format!("CPU {mode:?}"), place: Place::Host(mode), target: Target::CPU };
    vec![host(Mode::Twin), host(Mode::Fast)]
}

/// Both host forms; and on a device every product family, with sums split as its plans have it and as much as can be.
pub fn subjects() -> Vec<Subject> {
    let mut subjects = hosts();
    if let Some(gpu) = super::gpu() {
        let best = gpu.target();
        let mut families = vec![Family::Plain, Family::Tiled];
        families.extend((best.product == Family::Subgroup).then_some(Family::Subgroup));
        for product in families {
            for groups_wanted in [best.groups_wanted, 1024] {
                let name = format!("GPU {product:?} {groups_wanted}");
                let place = Place::Device(Arc::clone(&gpu));
                subjects.push(Subject { name, place, target: Target { product, groups_wanted, ..best } });
            }
        }
    }
    subjects
}

/// Both host forms, and the device where there is one.
pub fn executors() -> Vec<Subject> {
    let device = super::gpu().map(|gpu| {
        let target = gpu.target();
        Subject { name: "GPU".into(), place: Place::Device(gpu), target }
    });
    hosts().into_iter().chain(device).collect()
}

/// One operation at work on given inputs.
pub struct Job<'a> {
    pub op: &'a dyn Op,
    pub inputs: &'a [Tensor],
    pub up: Option<&'a Tensor>,
    pub backward: bool,
    pub rate: f64,
    pub step: u32,
}

/// The words of all tensors around the operation afterwards.
pub struct Ran {
    pub inputs: Vec<Vec<u32>>,
    pub outputs: Vec<Vec<u32>>,
    pub saved: Vec<Vec<u32>>,
    pub gradients: Vec<Vec<u32>>,
}

impl Job<'_> {
    pub fn record(&self, subject: &Subject) -> Result<(Plan, Wires<Wire>), String> {
        let mut rec = Recorder::new(subject.target);
        rec.enter("golden");
        let add = |rec: &mut Recorder, name: String, shape: &Shape, scalar: Scalar, class: Class| {
            let slot = rec.slot(Slot { name, shape: shape.clone(), scalar, class, public: true, within: None });
            Wire { slot, shape: shape.clone() }
        };
        let mut wires = Wires::default();
        for (i, t) in self.inputs.iter().enumerate() {
            wires.inputs.push(add(&mut rec, format!("in.{i}"), &t.shape, t.scalar, Class::Data));
        }
        let shapes: Vec<Shape> = self.inputs.iter().map(|t| t.shape.clone()).collect();
        let made = self.op.shapes(&shapes).map_err(|e| e.to_string())?;
        for (made, wires) in [(&made.outputs, &mut wires.outputs), (&made.saved, &mut wires.saved)] {
            for m in made {
                wires.push(add(&mut rec, format!("out.{}", m.name), &m.shape, m.scalar, Class::Metrics));
            }
        }
        self.op.forward(&wires, &mut rec);
        let differentiable = |i| self.op.differentiable(i);
        let trains = (0..shapes.len()).any(differentiable);
        if self.backward && trains {
            for m in &made.outputs {
                wires.d_outputs.push(add(&mut rec, format!("up.{}", m.name), &m.shape, Scalar::F32, Class::Data));
            }
            for (i, shape) in shapes.iter().enumerate() {
                let slot = |rec: &mut _| add(rec, format!("grad.{i}"), shape, Scalar::F32, Class::Metrics);
                wires.d_inputs.push(differentiable(i).then(|| slot(&mut rec)));
            }
            self.op.backward(&wires, &mut rec);
        }
        if trains {
            self.op.commit(&wires, &mut rec);
        }
        Ok((Plan::of_recording("golden", rec).map_err(|e| e.to_string())?, wires))
    }

    pub fn run(&self, subject: &Subject) -> Result<Ran, String> {
        self.run_at(0, subject)
    }

    /// The same at a line of the step table.
    pub fn run_at(&self, index: u32, subject: &Subject) -> Result<Ran, String> {
        let (plan, wires) = self.record(subject)?;
        let plan = Arc::new(plan);
        let mut executor = subject.executor(Arc::clone(&plan))?;
        let executor = executor.as_mut();
        let told = |e: wgrad::executor::DeviceError| e.to_string();
        for (i, buffer) in plan.buffers.iter().enumerate() {
            executor.write_buffer(i, &vec![POISON; buffer.words]).map_err(told)?;
        }
        let up = wires.d_outputs.iter().zip(self.up);
        for (wire, tensor) in wires.inputs.iter().zip(self.inputs).chain(up) {
            if wire.shape != tensor.shape {
                return Err(format!("a tensor is {}, should be {}", tensor.shape, wire.shape));
            }
            executor.write(wire.slot, 0, &tensor.words()).map_err(told)?;
        }
        let rows = self.inputs[0].shape.rows() as u32;
        let now = Now { index, rows, rate: self.rate as f32, step: self.step, ..Now::default() };
        executor.set_now(now).map_err(told)?;
        executor.run(0, 1).map_err(told)?;
        let mut all = |wires: &[Wire]| -> Result<Vec<Vec<u32>>, String> {
            wires.iter().map(|wire| executor.read(wire.slot, 0, wire.shape.elements()).map_err(told)).collect()
        };
        Ok(Ran {
            inputs: all(&wires.inputs)?,
            outputs: all(&wires.outputs)?,
            saved: all(&wires.saved)?,
            gradients: all(&wires.d_inputs.iter().flatten().cloned().collect::<Vec<_>>())?,
        })
    }
}

pub fn floats(words: &[u32]) -> Vec<f64> {
    words.iter().map(|w| f64::from(f32::from_bits(*w))).collect()
}
