//! Whether all threads of a group reach each barrier and each subgroup operation together; naga does not check that.
//!
//! A value differs between threads if it comes from what numbers them, or from memory that they write. Control flow is
//! apart where such a value decided who is there.

use naga::{AddressSpace, Binding, Block, BuiltIn, Expression, Function, Handle, LocalVariable, Module, Statement};
use std::collections::HashSet;

/// What some threads of a group reach without the others, if there is such a thing.
pub fn fault(module: &Module) -> Option<String> {
    let entry = &module.entry_points[0].function;
    let same = |binding: &Option<Binding>| {
        use BuiltIn::{NumSubgroups, NumWorkGroups, WorkGroupId, WorkGroupSize};
        matches!(binding, Some(Binding::BuiltIn(NumSubgroups | NumWorkGroups | WorkGroupId | WorkGroupSize)))
    };
    call(module, entry, entry.arguments.iter().map(|a| !same(&a.binding)).collect(), false).1
}

/// Whether the result of a call differs between threads, and the first fault in it.
fn call(module: &Module, function: &Function, arguments: Vec<bool>, apart: bool) -> (bool, Option<String>) {
    let (locals, results) = (HashSet::new(), HashSet::new());
    let mut walk = Walk { module, function, arguments, locals, results, result: false, fault: None };
    loop {
        let known = walk.locals.len() + walk.results.len();
        walk.block(&function.body, apart);
        if walk.locals.len() + walk.results.len() == known {
            return (walk.result, walk.fault);
        }
    }
}

/// What some threads did without the others.
#[derive(Clone, Copy, Default)]
struct Left {
    broke: bool,
    continued: bool,
    returned: bool,
}

impl Left {
    fn any(self) -> bool {
        self.broke || self.continued || self.returned
    }

    fn or(self, other: Self) -> Self {
        Self {
            broke: self.broke || other.broke,
            continued: self.continued || other.continued,
            returned: self.returned || other.returned,
        }
    }
}

struct Walk<'a> {
    module: &'a Module,
    function: &'a Function,
    /// Which arguments differ between threads.
    arguments: Vec<bool>,
    /// Variables that do, at any time.
    locals: HashSet<Handle<LocalVariable>>,
    /// Results of calls that do.
    results: HashSet<Handle<Expression>>,
    result: bool,
    fault: Option<String>,
}

impl Walk<'_> {
    fn block(&mut self, block: &Block, mut apart: bool) -> Left {
        let mut all = Left::default();
        for statement in block.iter() {
            let left = self.statement(statement, apart);
            apart |= left.any();
            all = all.or(left);
        }
        all
    }

    fn statement(&mut self, statement: &Statement, apart: bool) -> Left {
        match statement {
            Statement::Block(inner) => return self.block(inner, apart),
            Statement::If { condition, accept, reject } => {
                let apart = apart || self.differs(*condition);
                return self.block(accept, apart).or(self.block(reject, apart));
            }
            Statement::Switch { selector, cases } => {
                let mut apart = apart || self.differs(*selector);
                let mut left = Left::default();
                for case in cases {
                    left = left.or(self.block(&case.body, apart));
                    apart |= case.fall_through && left.any();
                }
                return Left { broke: false, ..left };
            }
            Statement::Loop { body, continuing, break_if } => {
                let mut left = self.round(body, continuing, *break_if, apart);
                if left.any() {
                    // Who is gone is missing in the next round.
                    left = self.round(body, continuing, *break_if, true);
                }
                return Left { returned: left.returned, ..Left::default() };
            }
            Statement::Break => return Left { broke: apart, ..Left::default() },
            Statement::Continue => return Left { continued: apart, ..Left::default() },
            Statement::Return { value } => {
                self.result |= apart || value.is_some_and(|value| self.differs(value));
                return Left { returned: apart, ..Left::default() };
            }
            Statement::Store { pointer, value } if apart || self.differs(*value) || self.differs(*pointer) => {
                self.taint(*pointer);
            }
            Statement::Call { function, arguments, result } => self.called(*function, arguments, *result, apart),
            Statement::ControlBarrier(_)
            | Statement::WorkGroupUniformLoad { .. }
            | Statement::SubgroupBallot { .. }
            | Statement::SubgroupGather { .. }
            | Statement::SubgroupCollectiveOperation { .. }
                if apart =>
            {
                let name = self.function.name.as_deref().unwrap_or("main");
                self.fault.get_or_insert_with(|| format!("in {name}: {statement:?}"));
            }
            _ => {}
        }
        Left::default()
    }

    fn round(&mut self, body: &Block, continuing: &Block, break_if: Option<Handle<Expression>>, apart: bool) -> Left {
        let left = self.block(body, apart);
        let left = left.or(self.block(continuing, apart || left.any()));
        let broke = break_if.is_some_and(|condition| apart || self.differs(condition));
        left.or(Left { broke, ..Left::default() })
    }

    fn called(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
        apart: bool,
    ) {
        let differ = arguments.iter().map(|&argument| self.differs(argument)).collect();
        let (differs, fault) = call(self.module, &self.module.functions[function], differ, apart);
        self.fault = self.fault.take().or(fault);
        if differs {
            self.results.extend(result);
        }
        // A variable whose address is given away may come back as anything.
        arguments.iter().for_each(|&argument| self.taint(argument));
    }

    /// Notes that the variable at a pointer differs from now on.
    fn taint(&mut self, pointer: Handle<Expression>) {
        match self.function.expressions[pointer] {
            Expression::LocalVariable(local) => _ = self.locals.insert(local),
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => self.taint(base),
            _ => {}
        }
    }

    /// Whether a value differs between threads, as far as is known; what is not named here is taken to.
    fn differs(&self, value: Handle<Expression>) -> bool {
        use Expression as E;
        let any = |values: &[Handle<E>]| values.iter().any(|&value| self.differs(value));
        match &self.function.expressions[value] {
            E::Literal(_) | E::Constant(_) | E::Override(_) | E::ZeroValue(_) | E::ArrayLength(_) => false,
            E::WorkGroupUniformLoadResult { .. } => false,
            E::FunctionArgument(index) => self.arguments[*index as usize],
            E::LocalVariable(local) => self.locals.contains(local),
            E::GlobalVariable(global) => match self.module.global_variables[*global].space {
                AddressSpace::Uniform => false,
                AddressSpace::Storage { access } => access.contains(naga::StorageAccess::STORE),
                _ => true,
            },
            E::CallResult(_) => self.results.contains(&value),
            E::Load { pointer: one }
            | E::AccessIndex { base: one, .. }
            | E::Splat { value: one, .. }
            | E::Swizzle { vector: one, .. }
            | E::Unary { expr: one, .. }
            | E::Relational { argument: one, .. }
            | E::As { expr: one, .. } => any(&[*one]),
            E::Access { base, index } => any(&[*base, *index]),
            E::Binary { left, right, .. } => any(&[*left, *right]),
            E::Select { condition, accept, reject } => any(&[*condition, *accept, *reject]),
            E::Compose { components, .. } => any(components),
            E::Math { arg, arg1, arg2, arg3, .. } => {
                any(&[*arg]) || [arg1, arg2, arg3].into_iter().flatten().any(|&arg| self.differs(arg))
            }
            _ => true,
        }
    }
}
