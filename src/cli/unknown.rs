//! What is wrong with a flag that a command does not have.

use super::args::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};

/// One sentence about an unknown flag. It names the flag that was meant where one letter in five or fewer is wrong: a name
/// that is further away may well have another meaning.
pub(super) fn flag(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !typed.starts_with('-') {
        return None;
    }
    let root = Cli::command();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, of) = words.iter().fold((&root, String::new()), |(command, of), word| {
        let inner = command.find_subcommand(word);
        inner.map_or((command, of.clone()), |inner| (inner, format!("{of}{} ", inner.get_name())))
    });
    let name = typed.trim_start_matches('-').split('=').next().unwrap_or_default().to_lowercase().replace('_', "-");
    let help = format!("wgrad {of}--help lists its flags");
    let of_train = || root.find_subcommand("train").is_some_and(|train| find(train, &name).is_some());
    Some(match find(command, &name).or_else(|| near(command, &name)) {
        Some(meant) => format!("there is no flag {typed}; did you mean --{meant}?"),
        None if of_train() => format!("{typed} is a flag of train and has no effect here: leave it out ({help})"),
        None => format!("there is no flag {typed}; {help}"),
    })
}

/// The flag of a name or of another program's name for it.
fn find<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    let is = |arg: &&Arg| arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name));
    command.get_arguments().find(is).and_then(Arg::get_long)
}

/// The flag whose name differs in few letters.
fn near<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    let slips = |known: &str| strsim::damerau_levenshtein(name, known);
    let most = 1.max(name.chars().count() / 5);
    let names = |arg: &'a Arg| {
        let known = arg.get_all_aliases().unwrap_or_default();
        let fewest = arg.get_long().into_iter().chain(known).map(slips).min();
        fewest.zip(arg.get_long())
    };
    let near = command.get_arguments().filter_map(names).filter(|(slips, _)| *slips <= most);
    near.min_by_key(|(slips, _)| *slips).map(|(_, long)| long)
}
