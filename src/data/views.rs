//! What is seen of pictures: the rows that evaluation takes, and what training cuts its parts out of.

use super::DataError;
use super::augment::{Crop, Scale};
use super::folder_error::FolderError;
use super::framing::{Framing, brought};
use super::opened::{Content, Opened};
use super::pool::Pool;
use super::resize::{Window, resize};
use crate::threads;
use std::borrow::Cow;

/// The height and width of what is seen of pictures of several sizes where nothing is said.
const DEFAULT: usize = 64;

/// Pictures of which the rows are made before they are put together.
const AT_ONCE: usize = 1024;

/// How pictures are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PictureOptions {
    /// The part that the network sees of a picture.
    pub crop: Option<Crop>,
    /// The shorter side that pictures are brought to before they are cut.
    pub scale: Option<Scale>,
    /// Whether files that cannot be read are left out, and counted, in place of an error.
    pub skip_broken: bool,
    /// How pictures are seen elsewhere, in place of `crop` and `scale`: to evaluate on them.
    pub like: Option<Seen>,
}

impl PictureOptions {
    /// The first setting of pictures that is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [("crop", self.crop.is_some()), ("scale", self.scale.is_some()), ("skip_broken", self.skip_broken)];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(setting, _)| setting)
    }
}

/// How the pictures of a data set or of a model are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How they come to their size.
    pub framing: Framing,
    /// Channels, height and width.
    pub shape: [usize; 3],
}

/// What is seen of the pictures of one data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Views {
    pub(super) framing: Framing,
    /// Height and width of a row.
    pub(super) size: [usize; 2],
    /// If pictures are kept in full, the longest that a shorter side may be.
    pub(super) pool: Option<usize>,
    /// The smallest shorter side that training brings a picture to, and what it adds at each edge.
    low: usize,
    padding: usize,
}

impl Views {
    /// By the heights and widths of the pictures, of which there is one at least. What they become is told where nothing was
    /// said and they have several sizes.
    pub(super) fn of(sizes: &[[usize; 2]], options: &PictureOptions) -> (Self, Option<String>) {
        let one = sizes.iter().all(|size| *size == sizes[0]).then(|| sizes[0]);
        let own = one.map(|size| size[0].min(size[1]));
        let fixed = |framing, size, low| Self { framing, size, pool: None, low, padding: 0 };
        let middle = |short| Framing::Middle { short };
        if let Some(Seen { framing: Framing::Middle { short }, shape }) = options.like {
            return (fixed(middle(short), [shape[1], shape[2]], short), None);
        }
        let crop = options.crop.map(|crop| [crop.height, crop.width]);
        let mut views = match (options.scale, crop, one) {
            (Some(scale), crop, _) => fixed(middle(scale.middle()), crop.unwrap_or([scale.low; 2]), scale.low),
            (None, None, Some(size)) => fixed(Framing::Stretched, size, 0),
            (None, Some(crop), Some(size)) if crop == size => fixed(Framing::Stretched, size, 0),
            (None, Some(crop), _) => {
                let short = own.unwrap_or(crop[0].max(crop[1]));
                fixed(middle(short), crop, short)
            }
            (None, None, None) => fixed(middle(DEFAULT), [DEFAULT; 2], DEFAULT),
        };
        views.padding = options.crop.map_or(0, |crop| crop.padding);
        let draws_scale = options.scale.is_some_and(|scale| scale.low < scale.high);
        let has_rest = one.is_none_or(|size| views.framing.brought(size, views.size) != views.size);
        if draws_scale || options.crop.is_some() && has_rest {
            let high = options.scale.map(|scale| scale.high);
            views.pool = Some(high.unwrap_or(if own.is_some() { usize::MAX } else { views.low }));
        }
        let told = one.is_none() && options.scale.is_none() && crop.is_none();
        (views, told.then(|| of_several(sizes)))
    }

    /// Refuses a picture of which less is left than is to be seen of it.
    pub(super) fn check(&self, of: impl Fn() -> String, size: [usize; 2]) -> Result<(), DataError> {
        let Framing::Middle { short } = self.framing else { return Ok(()) };
        for (short, padding) in [(short, 0), (self.low, self.padding)] {
            let is = brought(size, short);
            if (0..2).any(|axis| is[axis] + 2 * padding < self.size[axis]) {
                let (of, found, brought, crop) = (of(), size, is, self.size);
                return Err(FolderError::SmallerThanCrop { of, found, brought, crop }.into());
            }
        }
        Ok(())
    }

    /// The row of a picture that was checked: `[channels, height, width]` out of `[height, width, channels]`.
    fn row(&self, pixels: &[u8], size: [usize; 2]) -> Option<Vec<u8>> {
        let channels = pixels.len() / (size[0] * size[1]);
        Some(planar(&self.framing.frame(pixels, size, self.size)?, channels))
    }

    /// What is kept of a picture in full, and its height and width.
    fn kept<'a>(&self, pixels: &'a [u8], size: [usize; 2]) -> Option<(Cow<'a, [u8]>, [usize; 2])> {
        let most = self.pool?;
        if size[0].min(size[1]) <= most {
            return Some((pixels.into(), size));
        }
        let to = brought(size, most);
        Some((resize(pixels, size, to, Window::whole(to)).into(), to))
    }

    /// The height and width of what is kept of a picture in full, if any.
    #[cfg(feature = "cli")]
    pub(super) fn kept_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let most = self.pool?;
        Some(if size[0].min(size[1]) <= most { size } else { brought(size, most) })
    }

    /// What is seen of a picture, and what is kept of it in full if that is wanted.
    pub(super) fn see(&self, pixels: &[u8], size: [usize; 2], trained_on: bool) -> Option<Sight> {
        let kept = if trained_on { self.kept(pixels, size) } else { None };
        Some(Sight { row: self.row(pixels, size)?, kept: kept.map(|(pixels, size)| (pixels.into_owned(), size)) })
    }
}

/// What is seen of one picture, and what is kept of it in full.
pub(super) struct Sight {
    row: Vec<u8>,
    kept: Option<(Vec<u8>, [usize; 2])>,
}

impl Sight {
    /// Adds it to those of other pictures.
    pub(super) fn put(&self, rows: &mut Vec<u8>, pool: &mut Option<Pool>) {
        rows.extend_from_slice(&self.row);
        match (pool, &self.kept) {
            (Some(pool), Some((pixels, size))) => pool.push(pixels, *size),
            (Some(pool), None) => pool.push_none(1),
            (None, _) => {}
        }
    }
}

impl Opened {
    /// The data set with its pictures, which are all of one size, seen as the options say.
    ///
    /// # Errors
    /// What is to be seen of them is more than there is, or options are given and the rows are no pictures.
    pub fn framed(mut self, options: &PictureOptions) -> Result<Self, DataError> {
        let Content::Images { bytes, shape, .. } = &mut self.content else {
            let refused = |setting| DataError::SettingOfPictures { name: self.name.clone(), setting };
            return options.given().map_or(Ok(()), |setting| Err(refused(setting))).map(|()| self);
        };
        let &[channels, height, width] = &shape[..] else { return Ok(self) };
        let size = [height, width];
        let (views, _) = Views::of(&[size], options);
        views.check(|| format!("each picture of {}", self.name), size)?;
        self.framing = views.framing;
        if views.size == size && views.pool.is_none() {
            return Ok(self);
        }
        let test = self.test.clone().unwrap_or_default();
        let (mut rows, mut pool) = (vec![], views.pool.map(|_| Pool::default()));
        let pictures: Vec<(usize, &[u8])> = bytes.chunks_exact(channels * height * width).enumerate().collect();
        for piece in pictures.chunks(AT_ONCE) {
            let seen = threads::map(piece, |(at, picture)| {
                views.see(&interleaved(picture, channels), size, !test.contains(at))
            });
            seen.iter().flatten().for_each(|seen| seen.put(&mut rows, &mut pool));
        }
        (*bytes, *shape) = (rows, vec![channels, views.size[0], views.size[1]]);
        self.pool = pool;
        Ok(self)
    }
}

/// What becomes of pictures of several sizes where nothing is said.
fn of_several(sizes: &[[usize; 2]]) -> String {
    let area = |size: &&[usize; 2]| (size[0] * size[1], size[0]);
    let [small, large] =
        [sizes.iter().min_by_key(area), sizes.iter().max_by_key(area)].map(|size| size.map_or([0; 2], |size| *size));
    format!(
        "pictures have sizes from {}x{} to {}x{}: each is brought to a shorter side of {DEFAULT} pixels and its middle of \
         {DEFAULT}x{DEFAULT} is taken; set `crop` to change that",
        small[1], small[0], large[1], large[0]
    )
}

/// `[channels, height, width]` out of `[height, width, channels]`.
pub(super) fn planar(pixels: &[u8], channels: usize) -> Vec<u8> {
    match channels {
        1 => pixels.to_vec(),
        _ => (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels)).copied().collect(),
    }
}

/// `[height, width, channels]` out of `[channels, height, width]`.
fn interleaved(planes: &[u8], channels: usize) -> Cow<'_, [u8]> {
    if channels == 1 {
        return planes.into();
    }
    let size = planes.len() / channels;
    (0..size).flat_map(|at| (0..channels).map(move |channel| planes[channel * size + at])).collect::<Vec<u8>>().into()
}
