//! `wgrad devices`

use super::args::DevicesArgs;
use super::say::{self, say};
use super::show::{bytes, table};
use crate::error::Error;
use crate::gpu::{self, AdapterReport};
use serde_json::json;

pub(super) fn run(args: &DevicesArgs) -> Result<u8, Error> {
    let adapters = gpu::adapters();
    if args.json {
        adapters.iter().for_each(|adapter| say::json(&object(adapter)));
        return Ok(0);
    }
    if adapters.is_empty() {
        say!("{}", gpu::nothing_found());
    } else {
        let header = ["device", "kind", "backend", "driver", "binding", "buffer", "subgroup", "products", "f16", ""];
        table(&header, &adapters.iter().map(row).collect::<Vec<_>>());
    }
    for adapter in adapters.iter().filter(|adapter| !adapter.matrices.is_empty()) {
        say!("{}  lists the cooperative matrices {}", adapter.number, adapter.matrices.join(", "));
    }
    say!("cpu  {} threads", crate::threads::count());
    let chosen = adapters.iter().find(|adapter| adapter.hardware && adapter.unfit.is_none());
    say!("--device auto takes {}", chosen.map_or("the CPU path", |adapter| adapter.name.as_str()));
    Ok(0)
}

fn row(adapter: &AdapterReport) -> Vec<String> {
    vec![
        format!("{}  {}", adapter.number, adapter.name),
        adapter.kind.to_owned(),
        adapter.backend.clone(),
        adapter.driver.clone(),
        bytes(adapter.max_binding),
        bytes(adapter.max_buffer),
        adapter.subgroup.map_or("none".into(), |(least, most)| format!("{least} to {most}")),
        format!("{:?}", adapter.product).to_lowercase(),
        adapter.f16.as_ref().map_or("none".into(), ToString::to_string),
        adapter.unfit.as_ref().map_or(String::new(), |what| format!("cannot be used: {what}")),
    ]
}

fn object(adapter: &AdapterReport) -> serde_json::Value {
    json!({
        "number": adapter.number,
        "name": adapter.name,
        "kind": adapter.kind,
        "backend": adapter.backend,
        "driver": adapter.driver,
        "max_binding": adapter.max_binding,
        "max_buffer": adapter.max_buffer,
        "subgroup": adapter.subgroup.map(|(least, most)| [least, most]),
        "products": format!("{:?}", adapter.product).to_lowercase(),
        "f16": adapter.f16.as_ref().map(ToString::to_string).ok(),
        "cooperative_matrices": adapter.matrices,
        "unfit": adapter.unfit,
    })
}
