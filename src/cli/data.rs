//! `wgrad data`

mod preview;

use super::args::{DataArgs, DataCommand};
use super::say::{self, say};
use super::show::thousands;
use crate::data::{KNOWN, Known};
use crate::error::Error;
use serde_json::json;

pub(super) fn run(args: &DataArgs) -> Result<u8, Error> {
    match &args.command {
        DataCommand::List(list) => {
            for set in KNOWN {
                if list.json {
                    let Known { name, what, rows, source, licence } = set;
                    say::json(
                        &json!({ "name": name, "what": what, "rows": rows, "source": source, "licence": licence }),
                    );
                    continue;
                }
                say!("{}: {}, {} rows", set.name, set.what, thousands(set.rows as u64));
                say!("    {}", set.source);
                say!("    licence: {}", set.licence);
            }
        }
        DataCommand::Preview(args) => preview::run(args)?,
    }
    Ok(0)
}
