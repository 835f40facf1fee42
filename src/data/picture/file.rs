//! Files of pictures.

use crate::data::DataError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::fs;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

/// The largest side that is decoded, in pixels.
pub(super) const SIDE: u32 = 16_384;
/// The most memory for a decoded picture, in bytes.
const MEMORY: u64 = 256 << 20;

/// Bytes at the start of a file that mostly say how large its picture is.
const START: u64 = 128 << 10;

/// What a file was decoded to.
pub(super) struct File {
    pub(super) image: DynamicImage,
    /// Whether it has the four colours of print, which became red, green and blue.
    pub(super) cmyk: bool,
}

/// Decodes within the limits and turns the picture upright as its EXIF data says.
pub(super) fn decode(path: &Path) -> Result<File, DataError> {
    let bytes = read_plain(path)?;
    let format = image::guess_format(&bytes).map_err(|_| unknown(path))?;
    let mut cmyk = false;
    if format == ImageFormat::Jpeg {
        let jpeg = Jpeg::of(&bytes);
        if !jpeg.is_whole {
            return Err(DataError::Picture { path: path.to_owned(), reason: "it is cut short".to_owned() });
        }
        cmyk = jpeg.colours == Some(4);
    }
    let decoded = || {
        let mut limits = limits();
        let mut decoder = decoder(&bytes)?;
        // The decoders bound their own buffers only, so the picture itself is counted here.
        limits.reserve(decoder.total_bytes())?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    Ok(File { image: decoded().map_err(|error| refused(path, error))?, cmyk })
}

/// The height and width of an upright picture, and whether it has no colours.
pub(super) fn head(path: &Path) -> Result<([usize; 2], bool), DataError> {
    let of = |bytes: &[u8]| {
        let mut decoder = decoder(bytes)?;
        let (width, height) = decoder.dimensions();
        let on_its_side = matches!(
            decoder.orientation()?,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        let [height, width] = [height as usize, width as usize];
        let size = if on_its_side { [width, height] } else { [height, width] };
        Ok((size, !decoder.color_type().has_color()))
    };
    let start = read_most(path, START)?;
    image::guess_format(&start).map_err(|_| unknown(path))?;
    match of(&start) {
        Ok(head) => Ok(head),
        Err(error) if (start.len() as u64) < START => Err(refused(path, error)),
        Err(_) => of(&read_plain(path)?).map_err(|error| refused(path, error)),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    limits
}

fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image::guess_format(bytes)?);
    reader.limits(limits());
    reader.into_decoder()
}

fn unknown(path: &Path) -> DataError {
    let reason = "its content is none of PNG, JPEG, WebP, BMP, GIF and TIFF".to_owned();
    DataError::Picture { path: path.to_owned(), reason }
}

fn refused(path: &Path, error: ImageError) -> DataError {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error {
        ImageError::Limits(_) => DataError::PictureTooLarge { path, reason },
        _ => DataError::Picture { path, reason },
    }
}

/// At most so many bytes of a file.
fn read_most(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    match fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Err(DataError::NotFound { path: path.to_owned() }),
        Err(reason) => Err(DataError::Read { path: path.to_owned(), reason }),
    }
}

/// A whole file, if it is none of very many bytes.
fn read_plain(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = read_most(path, MEMORY + 1)?;
    if bytes.len() as u64 > MEMORY {
        let reason = format!("the file has more than {MEMORY} bytes");
        return Err(DataError::PictureTooLarge { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

/// What the markers of a JPEG file say.
#[derive(Default)]
struct Jpeg {
    /// Whether it has its end marker: the decoder paints what is missing grey and says nothing.
    is_whole: bool,
    /// How many colours a pixel is made of.
    colours: Option<u8>,
}

impl Jpeg {
    /// A marker is 0xff and a byte that is not 0 (an escaped 0xff), 0xff (filling) or 0xd0 to 0xd7 (a restart). All but the
    /// end marker 0xd9 begin a segment with a length; picture data follows some and holds no marker. Those from 0xc0 to 0xcf
    /// but for three say what the picture is.
    fn of(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = bytes.get(2..);
        while let Some(segments) = rest {
            let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7);
            let Some(at) = segments.windows(2).position(is_marker) else { break };
            match segments[at + 1..] {
                [0xd9, ..] => {
                    found.is_whole = true;
                    break;
                }
                [marker, high, low, ..] => {
                    if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                        found.colours = segments.get(at + 9).copied();
                    }
                    rest = segments.get(at + 2 + usize::from(u16::from_be_bytes([high, low]))..);
                }
                _ => break,
            }
        }
        found
    }
}
