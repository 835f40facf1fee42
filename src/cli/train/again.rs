//! Training that starts again with a smaller rate where the default one was too large.

use crate::device::Device;
use crate::error::Error;
use crate::train::{Observer, Outcome, RunFolder, Trainer};

/// How often a run that diverges at the default learning rate starts again with a tenth of the rate.
const FALL_BACKS: usize = 2;

/// Trains to the end. The default rate is the program's choice, so a run that diverges at it starts again with a tenth of
/// it, which `told` is told in a sentence; a rate that the user chose stays.
pub(in crate::cli) fn train<O: Observer>(
    may_fall_back: bool,
    device: &Device,
    (mut trainer, mut folder): (Trainer, RunFolder),
    observer: &mut O,
    told: impl Fn(&mut O, &str),
) -> Result<(Trainer, RunFolder, Outcome), Error> {
    let mut left = if may_fall_back { FALL_BACKS } else { 0 };
    loop {
        let (step, what) = match trainer.run(&mut folder, observer) {
            Ok(outcome) => return Ok((trainer, folder, outcome)),
            // Before the first update no rate matters.
            Err(Error::Diverged { step, what, .. }) if left > 0 && step > 0 => (step, what),
            Err(error) => return Err(error),
        };
        left -= 1;
        let old = trainer.job().settings.lr;
        let lr = old / 10.0;
        told(observer, &format!("{what} at step {step} with the default lr {old}: starting again with lr {lr}"));
        trainer = trainer.restart(lr, device)?;
        folder = folder.restart(&trainer.recipe())?;
    }
}
