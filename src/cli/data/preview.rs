//! `wgrad data preview`: a sheet with a picture in each line, as evaluation sees it and as training does, epoch by epoch.

use super::super::args::PreviewArgs;
use super::super::say::{note, say};
use super::super::sheet::{self, Tile};
use super::super::{data_dir, flags, setting};
use crate::data::Values;
use crate::error::Error;
use crate::train::{Job, prepare};

/// Most pictures, and most epochs.
const MOST: usize = 64;

pub(super) fn run(args: &PreviewArgs) -> Result<(), Error> {
    for (flag, count) in [("rows", args.rows), ("epochs", args.epochs)] {
        if !(1..=MOST).contains(&count) {
            return Err(setting(format!("--{flag} must be from 1 to {MOST}, not {count}")));
        }
    }
    sheet::check(&args.out)?;
    let recipe = flags::over(args.recipe.as_deref(), &args.settings.0)?;
    let (job, notes) = prepare(&recipe, data_dir().as_deref())?;
    let (tiles, shape) = tiles(&job, args)?;
    notes.iter().for_each(|text| note!("{text}"));
    let lines = tiles.chunks(1 + args.epochs);
    let pictures = lines.len();
    if lines.flat_map(|line| line.iter().map(|tile| tile.bytes == line[0].bytes)).all(|same| same) {
        note!(
            "training sees these pictures as they are: --flip, --crop, --scale, --brightness and --contrast change them"
        );
    }
    sheet::save(&sheet::sheet(&tiles, 1 + args.epochs, sheet::side(shape)), &args.out)?;
    let (out, name, epochs) = (args.out.display(), &job.dataset.name, args.epochs);
    let epochs = if epochs == 1 { "in epoch 1".to_owned() } else { format!("in epochs 1 to {epochs}") };
    say!("{out}: {pictures} pictures of {name}, each as evaluation sees it, then {epochs}");
    Ok(())
}

/// Each picture as evaluation sees it and in every epoch, with the shape of all of them.
fn tiles(job: &Job, args: &PreviewArgs) -> Result<(Vec<Tile>, [usize; 3]), Error> {
    let (dataset, input) = (&job.dataset, job.input_shape()?);
    let (Values::Bytes(bytes), Ok(shape)) = (&dataset.values, <[usize; 3]>::try_from(input)) else {
        let name = &dataset.name;
        return Err(setting(format!(
            "{name} holds no pictures, and a preview draws pictures: give a data set of them"
        )));
    };
    let (train, features) = (&job.split.train, dataset.features());
    let count = args.rows.min(train.len());
    let mut tiles = vec![];
    for line in 0..count {
        let row = train[line * train.len() / count];
        let mut add = |bytes: Vec<u8>| tiles.push(Tile { bytes, shape, largest: dataset.largest });
        add(bytes[row as usize * features..][..features].to_vec());
        for epoch in 0..args.epochs as u64 {
            add(job.augmented(row, epoch)?);
        }
    }
    Ok((tiles, shape))
}
