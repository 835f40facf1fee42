//! Which columns of a table matter.

use super::super::eval::importance::Columns;
use super::super::runs::{Run, Tested};
use super::html;
use crate::data::Values;
use crate::device::Device;
use crate::error::Error;
use crate::run::Predictor;

/// How often each column is permuted, and the seed of the orders: as `wgrad eval --importance` does.
const REPEATS: u32 = 5;
const SEED: u64 = 0;

/// Most values that pass through the network for this section: about a minute's work of a large network for tables.
const MOST: usize = 1 << 30;

/// A table of the columns; nothing for pictures.
///
/// # Errors
/// The device failed.
pub(super) fn html(run: &Run, tested: &Tested, device: &Device) -> Result<Option<String>, Error> {
    let (Some(model), Values::Floats(values)) = (&run.model, &tested.job.dataset.values) else { return Ok(None) };
    let meta = model.described()?;
    if meta.encoding.is_empty() {
        return Ok(None);
    }
    let columns = meta.encoding.columns.len();
    if values.len().saturating_mul(columns).saturating_mul(REPEATS as usize) > MOST {
        let what = format!(
            "To permute each of {columns} columns takes too long for a report: wgrad eval --importance measures them."
        );
        return Ok(Some(html::paragraph(&what)));
    }
    let job = &tested.job;
    let mut predictor = Predictor::for_inputs(model, false, None, device)?;
    let outputs = |values| Ok(predictor.outputs(&Values::Floats(values))?);
    let asked = (&job.problem, &job.dataset.targets, &job.split.test[..]);
    let (about, header, rows) = Columns::of(meta, asked, values, (REPEATS, SEED), outputs)?.table("");
    let mut about = about;
    about[..1].make_ascii_uppercase();
    let said = format!("{about}. Columns that say the same share what they matter, so each may seem to matter little.");
    Ok(Some(html::paragraph(&said) + &html::table(&header, &rows)))
}
