//! `wgrad data`

use super::args::{DataArgs, DataCommand};
use super::say::say;
use super::show::thousands;
use crate::data::KNOWN;
use crate::error::Error;

pub(super) fn run(args: &DataArgs) -> Result<u8, Error> {
    match args.command {
        DataCommand::List => {
            for set in KNOWN {
                say!("{}: {}, {} rows", set.name, set.what, thousands(set.rows as u64));
                say!("    {}", set.source);
                say!("    licence: {}", set.licence);
            }
        }
    }
    Ok(0)
}
