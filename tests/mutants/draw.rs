//! Which mutants are run: a kernel, a kind of change, a place and a change, each drawn evenly.

use crate::changes::{Change, changes};
use crate::uniform;
use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use wgrad::kernel::Kernel;
use wgrad::random::{Domain, Stream};

/// A kernel with one change.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub kernel: &'static str,
    pub kind: &'static str,
    /// The changed lines before and after.
    pub lines: [String; 2],
    pub text: String,
    /// What `tests/kernels.rs` says of it, which reads texts alone.
    pub fault: Option<String>,
}

/// Threads that a group may have on every adapter.
const MOST_THREADS: u32 = 256;

/// What naga makes of a text, without what `main` does not reach; `None` where it refuses the text.
fn module(text: &str) -> Option<naga::Module> {
    let mut module = naga::front::wgsl::parse_str(text).ok()?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
    validator.subgroup_stages(ShaderStages::all()).subgroup_operations(SubgroupOperationSet::all());
    validator.validate(&module).ok()?;
    compact(&mut module, KeepUnused::No);
    Some(module)
}

/// `count` mutants of some kernels, all different from one another and from the kernels.
pub fn draw(kernels: &[&'static Kernel], seed: u64, count: usize) -> Vec<Mutant> {
    let mut stream = Stream::new(seed, Domain::Check, 0);
    let mut one_of = |count: usize| stream.random_range(0..count);
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    let mut out = vec![];
    while out.len() < count {
        let kernel = kernels[one_of(kernels.len())];
        let known = known.entry(kernel.name).or_insert_with(|| Known::new(kernel));
        // Few kinds have no place of which naga takes a change.
        for _ in 0..1000 {
            let (_, places) = known.kinds.iter().nth(one_of(known.kinds.len())).unwrap();
            let (_, place) = places.iter().nth(one_of(places.len())).unwrap();
            let change = place[one_of(place.len())].clone();
            let text = change.apply(&known.text);
            let Some(module) = module(&text) else { continue };
            let fits = module.entry_points[0].workgroup_size.iter().product::<u32>() <= MOST_THREADS;
            if fits && known.seen.insert(format!("{module:?}")) {
                let (lines, fault) = (change.lines(&known.text), uniform::fault(&module));
                out.push(Mutant { kernel: kernel.name, kind: change.kind, lines, text, fault });
                break;
            }
        }
    }
    out
}

/// A kernel, and what was drawn of it.
struct Known {
    text: String,
    /// Changes by kind and place.
    kinds: BTreeMap<&'static str, BTreeMap<usize, Vec<Change>>>,
    /// What naga makes of it and of its mutants.
    seen: BTreeSet<String>,
}

impl Known {
    fn new(kernel: &Kernel) -> Self {
        let text = kernel.wgsl();
        let mut kinds: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for change in changes(&text) {
            kinds.entry(change.kind).or_default().entry(change.from).or_default().push(change);
        }
        let module = module(&text).unwrap_or_else(|| panic!("naga refuses {}", kernel.name));
        Self { seen: BTreeSet::from([format!("{module:?}")]), text, kinds }
    }
}
