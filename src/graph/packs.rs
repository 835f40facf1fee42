//! Trainable tensors in one pack, gradients and optimiser states in packs of the same layout, and the update on them.
//!
//! Tensors that one rule moves lie one after the other, so that each rule is one dispatch. Where there are several rules,
//! their runs are slots within the packs.

use super::compile::{Compiler, Optimizer, Source};
use super::gradient::Phase;
use crate::kernel::Scalar;
use crate::op::{ALIGN, Class, Op, Wire, Wires};
use crate::shape::Shape;
use std::collections::HashSet;
use std::sync::Arc;

/// A trainable tensor and where it begins in the packs.
struct Member {
    name: String,
    shape: Shape,
    rule: usize,
    offset: usize,
}

/// The trainable tensors of all graphs in the order in which they lie, and the words of a pack.
fn members(sources: &[Source], optimizer: Option<&Optimizer>) -> (Vec<Member>, usize) {
    let (mut members, mut names): (Vec<Member>, HashSet<&str>) = (vec![], HashSet::new());
    for value in sources.iter().flat_map(|s| &s.graph.values).filter(|v| v.class == Class::Parameters) {
        if names.insert(&value.name) {
            let rule = optimizer.map_or(0, |optimizer| optimizer.rule(&value.name));
            members.push(Member { name: value.name.clone(), shape: value.shape.clone(), rule, offset: 0 });
        }
    }
    members.sort_by_key(|member| member.rule);
    let mut words = 0;
    for member in &mut members {
        member.offset = words;
        words += member.shape.elements().next_multiple_of(ALIGN);
    }
    (members, words)
}

/// The name of the part of a pack that a rule moves; that of the whole pack where there is one rule.
fn run_name(pack: &str, rule: usize, optimizer: &Optimizer) -> String {
    if optimizer.rules.len() == 1 { pack.to_owned() } else { format!("{pack}.rule{rule}") }
}

impl Compiler {
    /// Lays the trainable tensors one after the other, and gradients and optimiser states alike.
    pub(super) fn packs(&mut self, sources: &[Source]) {
        let optimizer = sources.iter().find_map(|s| s.optimizer.as_ref());
        let (members, words) = members(sources, optimizer);
        if members.is_empty() {
            return;
        }
        let mut packs = vec![("parameters", String::new(), Class::Parameters)];
        if let Some(optimizer) = optimizer {
            packs.push(("gradients", "d.".into(), Class::Gradients));
            packs.extend(optimizer.states.iter().map(|&state| (state, format!("{state}."), Class::Optimizer)));
        }
        for (name, prefix, class) in packs {
            let pack = self.persistent(name.to_owned(), [words].into(), Scalar::F32, class, None);
            for Member { name: member, shape, offset, .. } in &members {
                let (name, within) = (format!("{prefix}{member}"), Some((pack, *offset)));
                self.persistent(name, shape.clone(), Scalar::F32, class, within);
            }
            let Some(optimizer) = optimizer else { continue };
            for run in members.chunk_by(|a, b| a.rule == b.rule).filter(|_| optimizer.rules.len() > 1) {
                let (first, last) = (&run[0], &run[run.len() - 1]);
                let length = (last.offset + last.shape.elements()).next_multiple_of(ALIGN) - first.offset;
                let name = run_name(name, first.rule, optimizer);
                self.persistent(name, [length].into(), Scalar::F32, class, Some((pack, first.offset)));
            }
        }
    }

    /// Records the two dispatches that divide all gradients by the loss scale, and decide whether the step counts.
    pub(super) fn unscale(&mut self, op: &Arc<dyn Op>) {
        let inputs = self.named(["gradients".to_owned()]);
        // A network without weights has no gradients.
        if !inputs.inputs.is_empty() {
            self.record(op, "loss scale", Phase::Forward, &inputs);
        }
    }

    /// Records the update of the trainable tensors. With a step table, the update's kernel also advances the step.
    pub(super) fn update(&mut self, optimizer: &Optimizer, table: Option<Wire>) {
        if let Some(before) = &optimizer.before {
            let inputs = self.named(["gradients".to_owned()]);
            // A network without weights has no gradients.
            if !inputs.inputs.is_empty() {
                self.record(before, before.name(), Phase::Forward, &inputs);
            }
        }
        for (at, rule) in optimizer.rules.iter().enumerate() {
            let packs = ["gradients", "parameters"].into_iter().chain(optimizer.states.iter().copied());
            let mut inputs = self.named(packs.map(|pack| run_name(pack, at, optimizer)));
            if let (Some(table), Some(last)) = (&table, rule.with_advance()) {
                inputs.inputs.push(table.clone());
                self.record(&last, "update", Phase::Forward, &inputs);
            } else if !inputs.inputs.is_empty() {
                // A rule that no tensor has, moves nothing.
                self.record(rule, "update", Phase::Forward, &inputs);
            }
        }
        for (tensor, op) in &optimizer.after {
            let inputs = self.named([tensor.clone()]);
            assert!(!inputs.inputs.is_empty(), "{}: there is no {tensor}", op.name());
            self.record(op, tensor, Phase::Forward, &inputs);
        }
    }

    /// The slots of these names, as inputs.
    fn named(&self, names: impl IntoIterator<Item = String>) -> Wires<Wire> {
        let slots = names.into_iter().filter_map(|name| self.shared.get(&name).copied());
        Wires { inputs: slots.map(|slot| self.wire(slot)).collect(), ..Wires::default() }
    }
}
