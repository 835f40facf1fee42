//! `wgrad devices`

use super::args::DevicesArgs;
use super::attend::Attending;
use super::say::{self, say};
use super::show::{bytes, table};
use super::variants;
use crate::device::tuned;
use crate::error::Error;
use crate::gpu::{self, AdapterReport};
use crate::op::Variants;
use serde_json::json;

pub(super) fn run(args: &DevicesArgs) -> Result<u8, Error> {
    args.drivers.hush();
    let attending = Attending::new(false);
    let adapters = gpu::adapters().into_iter().map(|adapter| {
        let tuned = tuned::find(&adapter, &*attending);
        (adapter, tuned)
    });
    let adapters: Vec<(AdapterReport, Option<Variants>)> = adapters.collect();
    if args.json {
        adapters.iter().for_each(|(adapter, tuned)| say::json(&object(adapter, *tuned)));
        return Ok(0);
    }
    if adapters.is_empty() {
        say!("{}", gpu::nothing_found());
    } else {
        let header = ["device", "kind", "backend", "driver", "binding", "buffer", "subgroup", "products", "f16", ""];
        table(&header, &adapters.iter().map(|(adapter, tuned)| row(adapter, *tuned)).collect::<Vec<_>>());
    }
    for (adapter, _) in adapters.iter().filter(|(adapter, _)| !adapter.matrices.is_empty()) {
        say!("{}  lists the cooperative matrices {}", adapter.number, adapter.matrices.join(", "));
    }
    say!("cpu  {} threads", crate::threads::count());
    for (adapter, tuned) in adapters.iter().filter_map(|(adapter, tuned)| Some((adapter, (*tuned)?))) {
        say!(
            "{} is tuned: {} (wgrad tune --reset --device {} forgets it)",
            adapter.name,
            variants(tuned),
            adapter.number
        );
    }
    let chosen =
        adapters.iter().map(|(adapter, _)| adapter).find(|adapter| adapter.hardware && adapter.unfit.is_none());
    say!("--device auto takes {}", chosen.map_or("the CPU path", |adapter| adapter.name.as_str()));
    Ok(0)
}

fn row(adapter: &AdapterReport, tuned: Option<Variants>) -> Vec<String> {
    vec![
        format!("{}  {}", adapter.number, adapter.name),
        adapter.kind.to_owned(),
        adapter.backend.clone(),
        driver(adapter),
        bytes(adapter.max_binding),
        bytes(adapter.max_buffer),
        adapter.subgroup.map_or("none".into(), |(least, most)| format!("{least} to {most}")),
        match tuned {
            Some(variants) => format!("{}, tuned", variants.product.name()),
            None => adapter.fixed.product.name().to_owned(),
        },
        adapter.f16.as_ref().map_or("none".into(), ToString::to_string),
        adapter.unfit.as_ref().map_or(String::new(), |what| format!("cannot be used: {what}")),
    ]
}

/// The driver and its version.
fn driver(adapter: &AdapterReport) -> String {
    format!("{} {}", adapter.driver, adapter.driver_version).trim().to_owned()
}

fn object(adapter: &AdapterReport, tuned: Option<Variants>) -> serde_json::Value {
    let variants = tuned.unwrap_or(adapter.fixed);
    json!({
        "number": adapter.number,
        "name": adapter.name,
        "kind": adapter.kind,
        "backend": adapter.backend,
        "driver": driver(adapter),
        "max_binding": adapter.max_binding,
        "max_buffer": adapter.max_buffer,
        "subgroup": adapter.subgroup.map(|(least, most)| [least, most]),
        "products": variants.product.name(),
        "groups_wanted": variants.groups_wanted,
        "block_work": (variants.block_work != u64::MAX).then_some(variants.block_work),
        "tuned": tuned.is_some(),
        "f16": adapter.f16.as_ref().map(ToString::to_string).ok(),
        "cooperative_matrices": adapter.matrices,
        "unfit": adapter.unfit,
    })
}
