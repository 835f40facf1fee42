//! Decoded pictures, put together to a data set.

use super::FolderError;
use super::kept::Decoded;
use crate::data::opened::{Content, Opened};
use crate::data::views::{Sight, Views};
use crate::data::{DataError, Pool, Targets};
use crate::memory;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The largest value of a pixel.
const LARGEST: f32 = 255.0;

/// A decoded picture and what is told of it.
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) was_transparent: bool,
    pub(super) sight: Sight,
}

/// Files of pictures and their targets.
pub(in crate::data) struct List<'a> {
    /// What the user sees of the data set.
    pub(in crate::data) name: String,
    pub(in crate::data) paths: &'a [PathBuf],
    pub(in crate::data) targets: Targets,
    /// The pictures of the test part, if there is one; they come last.
    pub(in crate::data) test: Option<Range<usize>>,
    /// What the user should know of the list, in clauses.
    pub(in crate::data) notes: Vec<String>,
}

impl List<'_> {
    /// The data set of what was decoded of them: without the files that could not be read.
    ///
    /// # Errors
    /// A class has no picture left.
    pub(super) fn opened(self, decoded: Decoded) -> Result<Opened, DataError> {
        let Self { name, targets, test, mut notes, .. } = self;
        let Decoded { shape, framing, places, notes: of_pictures, rows, pool } = decoded;
        let targets = targets.picked(&places);
        if let Some((labels, names)) = targets.classes() {
            let mut has_some = vec![false; names.len()];
            labels.iter().for_each(|&label| has_some[label as usize] = true);
            if let Some(class) = has_some.iter().position(|has_some| !has_some) {
                return Err(FolderError::NoneRead { class: names[class].clone() }.into());
            }
        }
        notes.extend(of_pictures);
        let test = test.map(|test| places.partition_point(|&at| at < test.start)..targets.rows());
        let test = test.filter(|test| !test.is_empty());
        let content = Content::Images { bytes: rows, shape: shape.to_vec(), largest: LARGEST };
        Ok(Opened { test, notes, framing, pool, ..Opened::of(name, targets, content) })
    }
}

/// Pictures of one data set.
pub(super) struct Together<'a> {
    views: &'a Views,
    channels: usize,
    /// `[pictures, channels, height, width]`
    rows: Vec<u8>,
    pool: Option<Pool>,
    /// The places of the pictures among the files.
    places: Vec<usize>,
    /// The number of pictures of each kind, as in "16-bit grey".
    kinds: BTreeMap<String, usize>,
    /// The number of pictures of which a part was transparent.
    transparent: usize,
}

impl<'a> Together<'a> {
    /// Makes room for pictures of these heights and widths, up to half of the memory that is free.
    pub(super) fn new(
        folder: &Path,
        views: &'a Views,
        channels: usize,
        sizes: &[[usize; 2]],
    ) -> Result<Self, DataError> {
        let row = channels * views.size[0] * views.size[1];
        let kept =
            sizes.iter().filter_map(|size| views.kept_size(*size)).map(|[height, width]| height * width * channels);
        let (rows, kept) = (row * sizes.len(), kept.sum::<usize>());
        let room = usize::try_from(memory::free().map_or(u64::MAX, |free| free / 2)).unwrap_or(usize::MAX);
        let (mut bytes, mut pool) = (vec![], views.pool.map(|_| Pool::default()));
        let reserved = rows.saturating_add(kept) <= room
            && bytes.try_reserve_exact(rows).is_ok()
            && pool.as_mut().is_none_or(|pool| pool.bytes.try_reserve_exact(kept).is_ok());
        if !reserved {
            let needed = rows.saturating_add(kept);
            let most = views.pool.unwrap_or(usize::MAX).min(views.size[0].max(views.size[1]));
            let fits = ((most as f64 * (room as f64 / needed as f64).sqrt()) as usize).max(1);
            return Err(FolderError::NoRoom { folder: folder.to_owned(), needed, room, fits }.into());
        }
        let (kinds, transparent, places) = (BTreeMap::new(), 0, vec![]);
        Ok(Self { views, channels, rows: bytes, pool, places, kinds, transparent })
    }

    /// Bytes that one picture mostly takes, at least 1.
    pub(super) fn bytes_of_one(&self) -> usize {
        let kept = self.views.pool.map_or(0, |most| most.min(4096));
        self.channels * (self.views.size[0] * self.views.size[1] + kept * kept)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds the picture of the file at a place.
    pub(super) fn add(&mut self, at: usize, row: Row) {
        row.sight.put(&mut self.rows, &mut self.pool);
        self.places.push(at);
        self.transparent += usize::from(row.was_transparent);
        *self.kinds.entry(row.kind).or_default() += 1;
    }

    /// All of them, with what is to be told before and after what was done to them.
    pub(super) fn finish(self, before: Option<String>, after: Option<String>) -> Decoded {
        let notes = before.into_iter().chain(self.converted()).chain(after).collect();
        let (shape, framing) = ([self.channels, self.views.size[0], self.views.size[1]], self.views.framing);
        Decoded { shape, framing, places: self.places, notes, rows: self.rows, pool: self.pool }
    }

    /// What was done to pictures of another kind than most, in clauses.
    fn converted(&self) -> Vec<String> {
        let wanted = if self.channels == 1 { "grey" } else { "RGB" };
        let all = self.places.len();
        let others = self.kinds.iter().filter(|(kind, _)| *kind != wanted);
        let mut told: Vec<String> =
            others.map(|(kind, count)| format!("{count} of {all} pictures are {kind} and became {wanted}")).collect();
        if self.transparent > 0 {
            told.push(format!("{} of {all} pictures are transparent in part and were laid on white", self.transparent));
        }
        told
    }
}
