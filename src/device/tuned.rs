//! The variants for which an adapter was tuned, as they are kept: a JSON file for each adapter and driver.

use crate::gpu::{AdapterReport, Attendant};
use crate::op::{Family, Variants};
use serde::{Deserialize, Serialize};

/// Of the file; another is not read.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    adapter: String,
    backend: String,
    driver: String,
    driver_version: String,
    product: String,
    groups_wanted: u32,
    /// None for no limit.
    block_work: Option<u64>,
}

/// The file of an adapter.
pub fn name(report: &AdapterReport) -> String {
    let AdapterReport { name, backend, driver, .. } = report;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = format!("{name} {backend} {driver}").chars().map(plain).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    format!("tuned-{}.json", words.join("-"))
}

/// What is kept of a choice.
pub fn text(report: &AdapterReport, variants: Variants) -> String {
    let file = File {
        format: FORMAT,
        adapter: report.name.clone(),
        backend: report.backend.clone(),
        driver: report.driver.clone(),
        driver_version: report.driver_version.clone(),
        product: variants.product.name().into(),
        groups_wanted: variants.groups_wanted,
        block_work: (variants.block_work != u64::MAX).then_some(variants.block_work),
    };
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

/// The variants for which an adapter was tuned, if it was and its driver is still the same. Why else the fixed table decides
/// is told.
pub fn find(report: &AdapterReport, attendant: &dyn Attendant) -> Option<Variants> {
    let bytes = attendant.kept(&name(report))?;
    let found = read(&bytes, report);
    found.map_err(|why| attendant.note(&format!("{why}; the fixed table decides (wgrad tune measures anew)"))).ok()
}

/// The choice in a file, or what is wrong with it.
fn read(bytes: &[u8], report: &AdapterReport) -> Result<Variants, String> {
    let broken = |what: String| format!("the choice kept for {} in {} is broken: {what}", report.name, name(report));
    let file: File = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
    if file.format != FORMAT {
        return Err(broken(format!("its format is {}, not {FORMAT}", file.format)));
    }
    if [&file.adapter, &file.backend, &file.driver] != [&report.name, &report.backend, &report.driver] {
        return Err(broken(format!("it is of {} ({}, {})", file.adapter, file.backend, file.driver)));
    }
    if file.driver_version != report.driver_version {
        let (was, is) = (&file.driver_version, &report.driver_version);
        return Err(format!("{} was tuned with its driver's version {was:?}, which is {is:?} now", report.name));
    }
    let product = report.families().into_iter().find(|family: &Family| family.name() == file.product);
    let product = product.ok_or_else(|| broken(format!("it has no products called {:?}", file.product)))?;
    if file.groups_wanted == 0 {
        return Err(broken("it wants no groups".into()));
    }
    let (groups_wanted, block_work) = (file.groups_wanted, file.block_work.unwrap_or(u64::MAX));
    Ok(Variants { product, groups_wanted, block_work })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::op::Kind;

    fn report() -> AdapterReport {
        AdapterReport {
            number: 0,
            name: "A GPU (of 8)".into(),
            kind: "software",
            backend: "Vulkan".into(),
            driver: "a".into(),
            driver_version: "1.0".into(),
            max_binding: 1,
            max_buffer: 1,
            subgroup: Some((8, 8)),
            wide_words: true,
            matrices: vec![],
            f16: Err("its driver lists no cooperative matrices".into()),
            unfit: None,
            fixed: Kind::SoftwareOf8.variants(),
            hardware: false,
        }
    }

    #[test]
    fn a_choice_comes_back() {
        assert_eq!(name(&report()), "tuned-a-gpu-of-8-vulkan-a.json");
        for block_work in [0, 1 << 27, u64::MAX] {
            let variants = Variants { product: Family::Subgroup, groups_wanted: 256, block_work };
            assert_eq!(read(text(&report(), variants).as_bytes(), &report()), Ok(variants));
        }
    }

    #[test]
    fn what_is_not_of_this_adapter_is_not_used() {
        let good = text(&report(), report().fixed);
        let refused = |text: &str, report: &AdapterReport, what: &str| {
            let why = read(text.as_bytes(), report).unwrap_err();
            assert!(why.contains(what), "{why}");
        };
        refused(&good[..good.len() / 2], &report(), "broken");
        refused(&good.replace("\"format\": 1", "\"format\": 2"), &report(), "format is 2");
        refused(&good.replace("\"subgroup\"", "\"tensor\""), &report(), "\"tensor\"");
        refused(&good.replace("\"groups_wanted\": 2", "\"groups_wanted\": 0"), &report(), "no groups");
        refused(&good.replace("A GPU", "B GPU"), &report(), "of B GPU");
        refused(&good, &AdapterReport { driver_version: "1.1".into(), ..report() }, "\"1.0\", which is \"1.1\" now");
        refused(&good, &AdapterReport { subgroup: Some((32, 32)), ..report() }, "\"subgroup\"");
    }
}
