//! The stages behind a product, and the WGSL that they come to.

use crate::op::Op;
use crate::op::stage::{Arg, Learned, Link, Scope, Seen};
use crate::shape::Shape;
use std::fmt::Write as _;
use std::sync::Arc;

/// The stages behind a product: at most one of columns, at most one before it.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(super) links: Vec<Link>,
    /// The last stage, where it takes the largest of each window.
    pub(super) pool: Option<Link>,
    /// The place of the stage of columns.
    pub(super) column: Option<usize>,
}

/// What the gradient behind the stage of columns is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The places of the elements alone.
    Place,
    /// The block's output h.
    Output,
    /// What the stages make of y once more.
    Again,
}

impl Chain {
    /// The stages in their order.
    ///
    /// # Errors
    /// Why no block can have them, in a clause.
    pub fn new(mut links: Vec<Link>) -> Result<Self, &'static str> {
        let pool = links.pop_if(|link| link.stage.pools.is_some());
        let columns: Vec<usize> = (0..links.len()).filter(|&i| links[i].stage.is_of_columns()).collect();
        let column = columns.first().copied();
        let before = &links[..column.unwrap_or(0)];
        if links.is_empty() {
            return Err("nothing stands behind the product");
        }
        if links.iter().any(|link| link.stage.pools.is_some()) {
            return Err("pooling can only be the last stage of a block");
        }
        if columns.len() > 1 {
            return Err("only one batch norm can stand in a block");
        }
        if before.len() > 1 || before.iter().any(|link| link.stage.seen != Seen::Output) {
            return Err("before batch norm a block takes one function whose gradient is taken from its output");
        }
        if links.iter().filter(|link| link.stage.learned.is_some()).count() > 1 {
            return Err("only one function with weights of its own can stand in a block");
        }
        if links.iter().filter(|link| link.stage.other).count() > 1 {
            return Err("only one sum with another tensor can stand in a block");
        }
        if links.iter().filter(|link| link.stage.narrows > 1).count() > 1 {
            return Err("only one operation that makes rows narrower can stand in a block");
        }
        let narrow = links.iter().skip_while(|link| link.stage.narrows == 1).skip(1);
        if narrow.into_iter().any(|link| link.stage.learned.is_some() || link.stage.other) {
            return Err("behind an operation that makes rows narrower, a block takes no other tensor");
        }
        Ok(Self { links, pool, column })
    }

    /// A chain without stages, as the moments of pixels have it.
    pub(super) fn none() -> Self {
        Self { links: vec![], pool: None, column: None }
    }

    /// One operation, where it has a stage for inputs of these shapes.
    pub fn of_one(op: Arc<dyn Op>, inputs: &[Shape]) -> Option<Self> {
        let stage = op.stage(inputs)?;
        Self::new(vec![Link { op, stage }]).ok()
    }

    /// The place of the stage of columns.
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// How many stages there are.
    #[allow(clippy::len_without_is_empty, reason = "there is no empty chain")]
    pub fn len(&self) -> usize {
        self.links.len() + usize::from(self.pool.is_some())
    }

    /// Pixels along each side of the windows of which the last stage takes the largest; 1 where none does.
    pub fn pools(&self) -> usize {
        self.pool.as_ref().and_then(|link| link.stage.pools).unwrap_or(1)
    }

    /// What images `[rows, height, width, channels]` become.
    pub(super) fn over_images(&self, images: &Shape) -> Shape {
        let [rows, height, width, n] = images.0[..] else { unreachable!("images have four sizes") };
        [rows, height / self.pools(), width / self.pools(), n].into()
    }

    /// Whether it can stand over the pixels of images: no stage learns weights, draws numbers, takes another tensor or makes rows
    /// narrower.
    pub fn fits_images(&self) -> bool {
        let plain = |link: &Link| link.stage.learned.is_none() && !link.stage.draws && !link.stage.other;
        self.links.iter().all(plain) && self.narrows() == 1 && self.before().is_empty()
    }

    /// How many neighbouring columns of the product become one of h.
    pub fn narrows(&self) -> usize {
        self.links.iter().map(|link| link.stage.narrows).product()
    }

    /// How many neighbouring columns of the product are one behind so many stages.
    pub(super) fn narrows_after(&self, stages: usize) -> usize {
        self.links[..stages].iter().map(|link| link.stage.narrows).product()
    }

    /// The stage that learns weights: its place among the links, and the weights.
    pub(super) fn learned(&self) -> Option<(usize, &Learned)> {
        self.links.iter().enumerate().find_map(|(at, link)| Some((at, link.stage.learned.as_ref()?)))
    }

    /// The last inputs of a block: weights that a stage learns, and another tensor; nothing where they are not these.
    pub(super) fn extra<'a, T>(&self, inputs: &'a [T]) -> Option<[Option<&'a T>; 2]> {
        let mut rest = inputs.iter();
        let learned = if self.learns() { Some(rest.next()?) } else { None };
        let other = if self.takes_other() { Some(rest.next()?) } else { None };
        rest.next().is_none().then_some([learned, other])
    }

    /// Whether a stage takes another tensor.
    pub fn takes_other(&self) -> bool {
        self.links.iter().any(|link| link.stage.other)
    }

    /// Whether a stage learns weights.
    pub(super) fn learns(&self) -> bool {
        self.learned().is_some()
    }

    /// Whether the product can be a kernel of its own. A function before the stage of columns replaces what it gave.
    pub fn can_be_given(&self) -> bool {
        self.before().is_empty()
    }

    /// The stages before that of columns.
    pub(super) fn before(&self) -> &[Link] {
        &self.links[..self.column.unwrap_or(0)]
    }

    /// The stages behind that of columns, or behind the product where there is none.
    pub(super) fn behind(&self) -> &[Link] {
        &self.links[self.column.map_or(0, |at| at + 1)..]
    }

    /// The stage of columns: eps and momentum.
    pub(super) fn columns(&self) -> Option<(f32, f32)> {
        match self.links[self.column?].stage.scope {
            Scope::Column { eps, momentum } => Some((eps, momentum)),
            Scope::Element => None,
        }
    }

    /// What the gradient behind the stage of columns is taken from.
    pub(super) fn from(&self) -> From {
        let behind = self.behind();
        match behind.split_first() {
            _ if self.pool.is_some() => From::Again,
            _ if behind.iter().all(|link| link.stage.seen == Seen::Place) => From::Place,
            Some((first, [])) if first.stage.seen == Seen::Output => From::Output,
            Some(_) if self.is_silent() => From::Output,
            _ => From::Again,
        }
    }

    /// Whether h is 0 only where the gradient is 0.
    pub(super) fn is_silent(&self) -> bool {
        self.behind().split_first().is_some_and(|(first, rest)| {
            first.stage.is_silent_at_zero && rest.iter().all(|link| link.stage.scale.is_some())
        })
    }

    /// Whether the value before the stage of columns, or before all, is kept for the gradient.
    pub(super) fn keeps_product(&self) -> bool {
        self.column.is_some() || self.from() == From::Again
    }

    /// Whether the gradient by what the stage of columns gives is stored on the way to that by the images: where values are made
    /// once more for it.
    pub(super) fn keeps_gradient(&self) -> bool {
        self.column.is_some() && self.from() == From::Again
    }

    /// Stages that draw random numbers, for the value and for the gradient.
    pub fn draws(&self) -> [usize; 2] {
        let all = self.links.iter().filter(|link| link.stage.draws).count();
        [all, if self.from() == From::Output { 0 } else { all }]
    }

    /// As in a kernel's name.
    pub(super) fn name(&self) -> String {
        self.links.iter().chain(&self.pool).map(|link| link.stage.name).collect::<Vec<_>>().join("+")
    }

    /// The largest `c` of the stages' tolerances.
    pub(super) fn tolerance(&self) -> f64 {
        self.links.iter().map(|link| link.stage.c).fold(16.0, f64::max)
    }

    /// The arguments of all stages, each with its stage's prefix.
    pub(super) fn args(&self) -> Vec<(String, Arg)> {
        let of = |(i, link): (usize, &Link)| {
            let named = move |arg: &Arg| (format!("s{i}_{}", arg.name), *arg);
            link.stage.args.iter().map(named).collect::<Vec<_>>()
        };
        self.links.iter().enumerate().flat_map(of).collect()
    }

    fn call(&self, i: usize, template: &str, names: &[(&str, &str)]) -> String {
        // A thread has four columns of the product from place i on, or what they became.
        let narrows = self.narrows_after(i);
        let element = if narrows > 1 { format!("i / {narrows}u") } else { "i".to_owned() };
        let with_prefix = template.replace("{a}", &format!("s{i}_")).replace("{w}", "learned");
        let with_prefix = with_prefix.replace("{o}", "other_at(i)").replace("at.element", &element);
        names.iter().fold(with_prefix, |text, (name, value)| text.replace(name, value))
    }

    /// WGSL of `h_from`: what the stages behind make of four values from place i on is stored; and of `before`, where there is
    /// a stage before.
    pub(super) fn values(&self) -> String {
        let mut text = String::new();
        let before = self.before().len();
        if before > 0 {
            _ = writeln!(
                text,
                "fn before(v0: vec4f) -> vec4f {{\n{}    return v{before};\n}}\n",
                self.steps(0..before)
            );
        }
        let first = self.column.map_or(0, |at| at + 1);
        text + &self.value_of(first) + "\nfn h_from(i: u32, v0: vec4f) {\n    h_keep(i, value_of(i, v0));\n}\n"
    }

    /// WGSL of `value_of`: what the stages from one on make of four values from place i on.
    pub(super) fn value_of(&self, first: usize) -> String {
        let steps = self.steps(first..self.links.len());
        let last = self.links.len() - first;
        format!(
            "// What becomes of four values.\nfn value_of(i: u32, v0: vec4f) -> vec4f {{\n{steps}    return v{last};\n}}\n"
        )
    }

    /// `v1` and on, out of `v0`.
    fn steps(&self, range: std::ops::Range<usize>) -> String {
        let mut text = String::new();
        for (step, i) in range.enumerate() {
            let call = self.call(i, self.links[i].stage.value, &[("{v}", &format!("v{step}"))]);
            _ = writeln!(text, "    let v{} = {call};", step + 1);
        }
        text
    }

    /// WGSL of the gradient by what the stages behind are given, for four places from i on, out of the gradient by h: `gradient_seen`,
    /// or `gradient_again` where they are given it once more, and the gradient with it; and of `gradient_before`, where there is a stage before.
    pub(super) fn gradients(&self) -> String {
        let (behind, from) = (self.behind(), self.from());
        let first = self.column.map_or(0, |at| at + 1);
        let mut text = "// What becomes of the gradient by h.\n".to_owned();
        text += match from {
            From::Again => "fn gradient_again(i: u32, v0: vec4f, d: vec4f) -> vec4f {\n",
            _ => "fn gradient_seen(i: u32) -> vec4f {\n    let d = dh_at(i);\n",
        };
        if from == From::Again {
            text += &self.steps(first..first + self.needed());
        }
        if from == From::Output {
            text += "    let h = h_at(i);\n";
        }
        let mut d = "d".to_owned();
        for (step, link) in behind.iter().enumerate().rev() {
            let i = first + step;
            let next = format!("d{step}");
            let call = match (from, link.stage.scale) {
                // What was dropped is 0 in h, and there the gradient before it is 0.
                (From::Output, Some(scale)) => format!("{d} * args.s{i}_{}", scale.name),
                (From::Output, None) => self.call(i, link.stage.gradient, &[("{s}", "h"), ("{d}", &d)]),
                _ => {
                    let seen = format!("v{}", if link.stage.seen == Seen::Output { step + 1 } else { step });
                    if let Some(learned) = &link.stage.learned {
                        let part = self.call(i, learned.gradient, &[("{s}", &seen), ("{d}", &d)]);
                        _ = writeln!(text, "    learned_sum += {part};");
                    }
                    self.call(i, link.stage.gradient, &[("{s}", &seen), ("{d}", &d)])
                }
            };
            _ = writeln!(text, "    let {next} = {call};");
            d = next;
        }
        _ = writeln!(text, "    return {d};\n}}");
        if let [link] = self.before() {
            let back = self.call(0, link.stage.gradient, &[("{s}", "v"), ("{d}", "d")]);
            _ = writeln!(text, "\nfn gradient_before(d: vec4f, v: vec4f) -> vec4f {{\n    return {back};\n}}");
        }
        text
    }

    /// How many stages behind must be gone through again for the gradient.
    pub(super) fn needed(&self) -> usize {
        let seen = |(step, link): (usize, &Link)| match link.stage.seen {
            Seen::Output => step + 1,
            Seen::Input => step,
            Seen::Place => 0,
        };
        self.behind().iter().enumerate().map(seen).max().unwrap_or(0)
    }
}
