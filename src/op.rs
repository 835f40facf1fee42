//! An operation, and the recorder into which it writes its dispatches.

mod case;
mod fixed;
mod loss;
mod optimizer;
mod plain;
mod plain_recorder;
mod recorder;
mod settings;
pub mod stage;
mod together;
pub mod turns;
pub mod window;

pub use case::{Case, Fill};
pub use fixed::{FIXED, Fixed, Kind, Variants};
pub use loss::{Answer, IDENTITY, Link, LossKind, Right, SIGMOID, SOFTMAX, Weighing, largest};
pub use optimizer::OptimizerKind;
pub use plain::Plain;
pub use plain_recorder::PlainRecorder;
pub use recorder::Recorder;
pub use settings::{Domain, Setting, Value, Values, configure};
pub use stage::Stage;
pub use together::ALIGN;

use crate::kernel::{Access, Io, Kernel, Needs, Scalar, Tile};
use crate::shape::{Shape, ShapeError};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Most groups along one dimension of a dispatch, on every adapter.
pub const MAX_GROUPS: u32 = 65_535;

/// Threads of a group of the kernels that work on one element each; `GROUP` in `shaders/shared/index.wgsl`.
pub const GROUP: u32 = 256;

/// A family of matrix products; each computes the same, at every size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One result per thread: the simplest text. Plans for the CPU path name these kernels.
    Plain,
    /// Register tiles fed from workgroup memory, for GPUs.
    Tiled,
    /// One 8-lane subgroup per group and no workgroup memory, for drivers that run on a CPU.
    Subgroup,
    /// Operands rounded to float16, multiplied by cooperative matrices of this size with sums in float32.
    Cooperative(Tile),
}

/// What a plan is compiled for: plain data, filled in by the executor that will run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The family of kernels that multiply matrices.
    pub product: Family,
    /// Groups that a product should have at least, if its sum can be split to get there; 1 never splits.
    pub groups_wanted: u32,
    /// Products of a linear layer, rows · inputs · outputs, up to which a block is one kernel (see `ops::block`).
    pub block_work: u64,
    /// Whether neighbouring operations may be joined.
    pub fuse: bool,
    /// Most bytes of one binding.
    pub max_binding: u64,
    /// Most bytes of one buffer.
    pub max_buffer: u64,
    /// Most turns that all loops of one invocation may take together (see [`turns`]).
    pub max_turns: u32,
}

impl Target {
    /// The target of the CPU path: nothing is limited.
    pub const CPU: Self = Self {
        product: Family::Plain,
        groups_wanted: 1,
        block_work: Family::Plain.block_work(),
        fuse: true,
        max_binding: u64::MAX,
        max_buffer: u64::MAX,
        max_turns: u32::MAX,
    };

    /// Most groups along one dimension of a dispatch; the host takes any.
    fn max_groups(&self) -> u32 {
        if self.max_buffer == u64::MAX { u32::MAX } else { MAX_GROUPS }
    }

    /// Whether a kernel with these needs may be chosen. A target of a family has all that the family needs.
    pub fn offers(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing => true,
            Needs::SubgroupsOf8 => self.product == Family::Subgroup,
            Needs::Cooperative(tile) => self.product == Family::Cooperative(tile),
        }
    }
}

/// Index of a [`Slot`] in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

/// What a slot is for; slots of different classes never share a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Trainable tensors, which an update moves.
    Parameters,
    /// Gradients of the parameters, in the same layout.
    Gradients,
    /// The optimiser's state, in the same layout.
    Optimizer,
    /// Tensors that training moves but no gradient does, such as running means.
    State,
    /// The step at work: the one [`crate::kernel::Now`].
    Control,
    /// What the host writes now and then: the step table, row numbers, normalisation.
    Tables,
    /// The data set that lies on the device.
    Data,
    /// What the host reads: losses, counts, predictions.
    Metrics,
    /// Everything that lives within one step.
    Activations,
}

impl Class {
    /// Whether its slots keep their contents from step to step.
    pub fn persists(self) -> bool {
        self != Self::Activations
    }
}

/// A tensor of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Unique in the plan: the value's name, as in `0.weight` or `3.relu.out`.
    pub name: String,
    /// Its sizes; the first is the batch's capacity where it has rows.
    pub shape: Shape,
    /// What its words are.
    pub scalar: Scalar,
    /// What it is for.
    pub class: Class,
    /// Whether it holds a value of the graph. Other slots are private to an operation, such as partial sums.
    pub public: bool,
    /// The slot that it is a part of, and where it begins there, in words.
    pub within: Option<(SlotId, usize)>,
}

impl Slot {
    /// Length in 32-bit words.
    pub fn words(&self) -> usize {
        self.shape.elements()
    }
}

/// A slot as an operation meets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    /// The slot in the plan.
    pub slot: SlotId,
    /// Its sizes; the first is the batch's capacity.
    pub shape: Shape,
}

/// A tensor that an operation makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Short name, as in `out` or `probabilities`.
    pub name: &'static str,
    /// Its sizes; the first is the batch's capacity where it has rows.
    pub shape: Shape,
    /// Type of its 32-bit words.
    pub scalar: Scalar,
}

impl Made {
    /// A tensor of floats.
    pub fn f32(name: &'static str, shape: impl Into<Shape>) -> Self {
        Self { name, shape: shape.into(), scalar: Scalar::F32 }
    }

    /// A tensor of integers.
    pub fn u32(name: &'static str, shape: impl Into<Shape>) -> Self {
        Self { name, shape: shape.into(), scalar: Scalar::U32 }
    }
}

/// What an operation makes of its inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// What later operations may use.
    pub outputs: Vec<Made>,
    /// What its own gradient and commit read again, and nothing else does.
    pub saved: Vec<Made>,
}

/// The tensors around one operation. The gradient parts are empty in a plan without gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Wires<T> {
    /// In the operation's order.
    pub inputs: Vec<T>,
    /// Where the values of [`Outputs::outputs`] go.
    pub outputs: Vec<T>,
    /// Where the values of [`Outputs::saved`] go.
    pub saved: Vec<T>,
    /// The gradient of the loss by each output.
    pub d_outputs: Vec<T>,
    /// Where the gradient by each input goes, where one is wanted.
    pub d_inputs: Vec<Option<T>>,
}

impl<T> Default for Wires<T> {
    fn default() -> Self {
        Self { inputs: vec![], outputs: vec![], saved: vec![], d_outputs: vec![], d_inputs: vec![] }
    }
}

/// An operation: a shape rule, and what it records. It holds no tensors, so one serves any number of plans.
pub trait Op: Any + fmt::Debug + Send + Sync {
    /// As in `shaders/NAME` and the first half of its kernels' names.
    fn name(&self) -> &'static str;

    /// What it makes of inputs with these shapes.
    ///
    /// # Errors
    /// Says which shapes do not fit; the graph adds the layer's path.
    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError>;

    /// Whether a gradient can flow to an input.
    fn differentiable(&self, _input: usize) -> bool {
        false
    }

    /// Whether its gradient by an input is that by its only output, so that the two are one value: [`Op::backward`] has nothing
    /// to record for it.
    fn passes_gradient(&self, _input: usize) -> bool {
        false
    }

    /// Records the dispatches that compute its outputs.
    fn forward(&self, wires: &Wires<Wire>, rec: &mut Recorder);

    /// Records the gradient. It overwrites what it writes (`=`); the graph adds where a value is used twice.
    fn backward(&self, _wires: &Wires<Wire>, _rec: &mut Recorder) {}

    /// Records what a training step changes beside the trainable tensors, once its loss is known to be finite.
    fn commit(&self, _wires: &Wires<Wire>, _rec: &mut Recorder) {}

    /// The same operation with a ReLU joined to its end, if it has a kernel for that. Its value and gradient must be
    /// those of the two one after the other.
    fn with_relu(&self) -> Option<Arc<dyn Op>> {
        None
    }

    /// For an update: the same update in a kernel that also advances to the next line of the step table, if there is one. It
    /// takes the step table as its last input, in a step that [`Begin`](crate::ops::gather::Begin) began.
    fn with_advance(&self) -> Option<Arc<dyn Op>> {
        None
    }

    /// Its stage: what it does to a value that another kernel holds in registers, if it can be joined. Its first input is that
    /// value.
    fn stage(&self, _inputs: &[Shape]) -> Option<Stage> {
        None
    }

    /// What a loss does to a row, where it can be joined with its gradient, the step's metrics, and the layer before it.
    fn row_loss(&self) -> Option<stage::RowLoss> {
        None
    }

    /// Whether it is a ReLU, which [`Op::with_relu`] joins to what is before it.
    fn is_relu(&self) -> bool {
        false
    }

    /// Whether it is the product of its first two inputs, x Wᵀ, plus its third if there is one. Stages, a loss, and the
    /// gradients of other products' weights can be joined to it.
    fn is_product(&self) -> bool {
        false
    }

    /// Whether it keeps the metrics of a step: of a loss's rows (its first two inputs) in its other inputs.
    fn keeps_metrics(&self) -> bool {
        false
    }

    /// Of what comes first in a step: the same joined with what makes the step current, if it has a kernel for that.
    fn with_begin(&self) -> Option<Arc<dyn Op>> {
        None
    }

    /// Whether it makes the next line of the step table, its input, current.
    fn advances(&self) -> bool {
        false
    }
}

/// One kernel at work: plain data, the same for both executors.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The kernel that runs.
    pub kernel: &'static Kernel,
    /// The bytes of the kernel's `Args`.
    pub args: Vec<u8>,
    /// A slot for each binding.
    pub slots: Vec<SlotId>,
    /// Groups in each dimension.
    pub groups: [u32; 3],
    /// The layer for which it runs, as in `3.batch_norm`.
    pub path: Arc<str>,
    /// Words that it touches of each slot: of a slot that holds several tensors, those of its own.
    pub words: Vec<usize>,
    /// Floating-point operations of a product at the batch's capacity, 2·m·n·k; 0 for kernels that memory bounds.
    pub flops: u64,
    /// The plain dispatches that a joined kernel stands for, and that judge it.
    pub plain: Option<Arc<Plain>>,
}

impl Dispatch {
    /// Does what judges its kernel: the plain dispatches that it stands for, else the twin.
    ///
    /// # Panics
    /// If it has neither: a fault of ours.
    pub fn run_plainly(&self, io: &mut Io<'_>) {
        match (&self.plain, self.kernel.twin) {
            (Some(plain), _) => plain.run(io),
            (None, Some(twin)) => twin(&self.args, io),
            (None, None) => panic!("{} has no twin, and its dispatch names no plain kernels", self.kernel.name),
        }
    }
}

/// A grid of so many groups, in two dimensions where one does not hold them. `linear_index` in WGSL makes one index of it.
pub fn spread(groups: usize) -> [u32; 3] {
    let row = MAX_GROUPS as usize;
    if groups <= row { [groups as u32, 1, 1] } else { [MAX_GROUPS, groups.div_ceil(row) as u32, 1] }
}

/// Whether a binding's slot is written.
pub fn writes(access: Access) -> bool {
    access != Access::Read
}
