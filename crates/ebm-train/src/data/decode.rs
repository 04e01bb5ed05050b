//! One PNG or JPEG file to planes of unsigned bytes of a wanted size.

use std::io::{Cursor, Read};
use std::path::Path;

use image::error::{DecodingError, ImageFormatHint};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    RgbImage,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::buffer::check_memory;
use super::error::one_line;
use super::image_options::MAX_SIDE;
use super::scaling::fit;
use super::turns::Turns;
use super::whole::{Markers, check_jpeg, check_png};
use super::{DataError, Fit, ImageOptions};
use crate::files::input_file;

/// What decoding one image may allocate, so that a small file can't claim all memory.
const MAX_ALLOC: u64 = 512 << 20;

/// The longest file of one image.
const MAX_FILE: u64 = 512 << 20;

/// Images that take less than this are decoded without a look at the memory that is free.
const SMALL: u64 = 64 << 20;

/// Bytes that the decoder of JPEG may read beyond those that it uses.
const LOOK_AHEAD: usize = 16;

/// How often the content of a file is in memory: as it is, and what decoders make of it, such as a
/// JPEG without its end.
const COPIES: u64 = 3;

/// The bytes that tell the format of a file.
const START: u64 = 16;

/// Several threads decode at the same time, in so much memory together.
static TURNS: Turns = Turns::new(MAX_ALLOC);

/// Decodes the file at `path` into `out`, `[channels, height, width]` as `options` (which are
/// valid) say.
///
/// The format is found from the content; the orientation in a JPEG's EXIF data is applied;
/// transparency is dropped; 16-bit channels are brought to 8. A file that was cut is refused, not
/// filled up.
pub(super) fn decode_into(
    path: &Path,
    options: &ImageOptions,
    out: &mut [u8],
) -> Result<(), DataError> {
    let input = DataError::input;
    let (file, length) = input_file::open(path).map_err(input(path))?;
    let mut start = Vec::new();
    file.take(START)
        .read_to_end(&mut start)
        .map_err(DataError::io(path))?;
    let format = image::guess_format(&start);
    if !matches!(format, Ok(ImageFormat::Png | ImageFormat::Jpeg)) {
        // Of what is no image no more is read; the reader says what is wrong with it.
        return decode(path, &start, options, out, &mut |_| true).map(drop);
    }
    let content = length.min(MAX_FILE).saturating_mul(COPIES);
    let mut claim = content;
    // The size of an image, and what it takes, is known once its file is read, whose memory others
    // want, too: if there isn't room for both, it is read again when there is.
    loop {
        let mut turn = TURNS.wait(claim);
        let bytes = input_file::read_bytes(path, MAX_FILE).map_err(input(path))?;
        let mut enough = |memory: u64| {
            let most = content.saturating_add(memory);
            let enough = most <= claim || turn.grow(most);
            claim = claim.max(most);
            enough
        };
        if decode(path, &bytes, options, out, &mut enough)? {
            return Ok(());
        }
    }
}

/// Height and width of the image in the file at `path`, which isn't decoded for it.
pub(super) fn image_size(path: &Path) -> Result<[usize; 2], DataError> {
    let one_pixel = ImageOptions {
        channels: 1,
        height: 1,
        width: 1,
        fit: Fit::Exact,
    };
    // An image of another size is refused before it is decoded, with its own.
    match decode_into(path, &one_pixel, &mut [0]) {
        Ok(()) => Ok([1, 1]),
        Err(DataError::WrongShape { found, .. }) => Ok([found[1], found[2]]),
        Err(error) => Err(error),
    }
}

/// Decodes the bytes of a file, if `enough` says of the memory that this takes that it is there;
/// whether it is.
fn decode(
    path: &Path,
    bytes: &[u8],
    options: &ImageOptions,
    out: &mut [u8],
    enough: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, DataError> {
    let failed = |source: ImageError| DataError::Decode {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(DataError::io(path))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits.clone());
    let format = reader.format();
    let markers = check_whole(bytes, format).map_err(failed)?;
    let mut decoder = reader.into_decoder().map_err(failed)?;
    // As `ImageReader::decode` does, which would lose the orientation.
    limits.reserve(decoder.total_bytes()).map_err(failed)?;
    decoder.set_limits(limits).map_err(failed)?;
    let orientation = decoder.orientation().map_err(failed)?;
    check_size(upright_size(&decoder, orientation), path, options)?;

    let memory = memory(&decoder, options);
    if !enough(memory) {
        return Ok(false);
    }
    if memory > SMALL {
        let (width, height) = decoder.dimensions();
        let what = || format!("an image of {height}x{width} pixels");
        check_memory(path, what, memory.into())?;
    }
    let mut image = match (markers, strict_colors(decoder.color_type())) {
        (Some(markers), Some(colors)) if markers.are_tidy => {
            drop(decoder);
            decode_jpeg(bytes, markers, colors)
        }
        _ => DynamicImage::from_decoder(decoder),
    }
    .map_err(failed)?;
    image.apply_orientation(orientation);
    fit(image, options, out);
    Ok(true)
}

/// Finds out whether no part of a file is missing; gives the markers of a JPEG.
fn check_whole(bytes: &[u8], format: Option<ImageFormat>) -> Result<Option<Markers>, ImageError> {
    let checked = match format {
        Some(ImageFormat::Png) => check_png(bytes).map(|()| None),
        Some(ImageFormat::Jpeg) => check_jpeg(bytes).map(Some),
        // The decoder says that it's neither.
        _ => Ok(None),
    };
    checked.map_err(|found| {
        let hint = format.map_or(ImageFormatHint::Unknown, ImageFormatHint::Exact);
        let message = format!("the file is cut short or damaged: {found}");
        ImageError::Decoding(DecodingError::new(hint, message))
    })
}

/// Width and height after an image is turned.
fn upright_size(decoder: &impl ImageDecoder, orientation: Orientation) -> (u32, u32) {
    let (width, height) = decoder.dimensions();
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => (width, height),
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
    }
}

fn check_size(
    (width, height): (u32, u32),
    path: &Path,
    options: &ImageOptions,
) -> Result<(), DataError> {
    let size = (options.width as u32, options.height as u32);
    if options.fit != Fit::Exact || (width, height) == size {
        return Ok(());
    }
    Err(DataError::WrongShape {
        path: path.to_owned(),
        found: [options.channels, height as usize, width as usize],
        expected: options.shape(),
    })
}

/// Bytes that an image takes while it is decoded, turned, converted, cut and scaled, at most.
fn memory(decoder: &impl ImageDecoder, options: &ImageOptions) -> u64 {
    let (width, height) = decoder.dimensions();
    // Scaling keeps four floats a pixel of an image that has its new height and still its old
    // width.
    let longest = u64::from(width.max(height));
    let scaled = 16 * longest * options.height as u64;
    // A progressive JPEG keeps two bytes a coefficient; a copy is made by each of the other steps.
    4 * decoder.total_bytes() + scaled
}

/// The colours of an image that are decoded strictly.
fn strict_colors(color: ColorType) -> Option<ColorSpace> {
    match color {
        ColorType::L8 => Some(ColorSpace::Luma),
        ColorType::Rgb8 => Some(ColorSpace::RGB),
        _ => None,
    }
}

/// Decodes a JPEG whose header was found good, and fails where data are damaged or missing, which
/// the image crate lets pass and fills with grey.
fn decode_jpeg(
    bytes: &[u8],
    markers: Markers,
    colors: ColorSpace,
) -> Result<DynamicImage, ImageError> {
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(colors)
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize);
    let damaged = |message: String| {
        let hint = ImageFormatHint::Exact(ImageFormat::Jpeg);
        ImageError::Decoding(DecodingError::new(hint, message))
    };
    // At an end marker the decoder makes up what is missing before it, at the end of a file it
    // doesn't. It looks a few bytes ahead, which have to be there.
    let without_end = markers
        .end_of_one_scan
        .map(|end| [&bytes[..end], &[0; LOOK_AHEAD]].concat());
    let bytes = without_end.as_deref().unwrap_or(bytes);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder
        .decode()
        .map_err(|error| damaged(one_line(&error)))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    let image = if colors == ColorSpace::Luma {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    image.ok_or_else(|| damaged("found fewer pixels than its header says".into()))
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
