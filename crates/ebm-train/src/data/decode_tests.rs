//! Tests of the image decoder: colours, geometry, and files that aren't what they say.
#![allow(clippy::unwrap_used)]

use std::fs;

use image::{ImageFormat, Luma, Rgb, Rgba, RgbaImage};
use tempfile::TempDir;

use super::*;

fn options(channels: usize, height: usize, width: usize, fit: Fit) -> ImageOptions {
    ImageOptions {
        channels,
        height,
        width,
        fit,
    }
}

fn load(path: &Path, options: ImageOptions) -> Result<Vec<u8>, DataError> {
    let mut out = vec![77; options.shape().iter().product()];
    decode_into(path, &options, &mut out).map(|()| out)
}

/// Saves `image` as PNG and loads it.
fn through(image: impl Into<DynamicImage>, options: ImageOptions) -> Result<Vec<u8>, DataError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    image.into().save(&path).unwrap();
    load(&path, options)
}

#[test]
fn rgb_becomes_planes() {
    let image = RgbImage::from_fn(2, 1, |x, _| Rgb([10 + x as u8, 20 + x as u8, 30 + x as u8]));
    assert_eq!(
        through(image, options(3, 1, 2, Fit::Exact)).unwrap(),
        [10, 11, 20, 21, 30, 31]
    );
}

#[test]
fn grey_and_colour_are_converted() {
    let grey = GrayImage::from_pixel(1, 1, Luma([99]));
    assert_eq!(
        through(grey.clone(), options(3, 1, 1, Fit::Exact)).unwrap(),
        [99, 99, 99]
    );
    assert_eq!(through(grey, options(1, 1, 1, Fit::Exact)).unwrap(), [99]);
    // 0.2126 * 255 = 54.2 and 0.7152 * 255 = 182.4, give or take the rounding of the crate.
    for (colour, luma) in [
        ([255, 0, 0], 54),
        ([0, 255, 0], 182),
        ([255, 255, 255], 255),
    ] {
        let image = RgbImage::from_pixel(1, 1, Rgb(colour));
        let found = through(image, options(1, 1, 1, Fit::Exact)).unwrap();
        assert!(found[0].abs_diff(luma) <= 1, "{colour:?}: {found:?}");
    }
    let transparent = RgbaImage::from_pixel(1, 1, Rgba([5, 6, 7, 0]));
    assert_eq!(
        through(transparent, options(3, 1, 1, Fit::Exact)).unwrap(),
        [5, 6, 7]
    );
}

/// Four upright stripes of four values, each 4x4 pixels: the middle square is the right half of the
/// second and the left half of the third.
fn stripes() -> GrayImage {
    GrayImage::from_fn(16, 4, |x, _| Luma([[0, 100, 200, 50][x as usize / 4]]))
}

#[test]
fn crop_keeps_the_middle_and_stretch_keeps_all() {
    let cropped = through(stripes(), options(1, 4, 4, Fit::Crop)).unwrap();
    assert_eq!(cropped, [100, 100, 200, 200].repeat(4));
    let stretched = through(stripes(), options(1, 1, 4, Fit::Stretch)).unwrap();
    assert!(
        stretched[0] < 20 && stretched[2] > 150 && stretched[3] < 80,
        "{stretched:?}"
    );
    // Upright: the same picture on its side.
    let upright = image::imageops::rotate90(&stripes());
    let cropped = through(upright, options(1, 4, 4, Fit::Crop)).unwrap();
    assert_eq!(
        cropped.iter().step_by(4).copied().collect::<Vec<_>>(),
        [100, 100, 200, 200]
    );
}

#[test]
fn reduction_averages() {
    let board = GrayImage::from_fn(64, 64, |x, y| {
        Luma([if (x + y) % 2 == 0 { 0 } else { 200 }])
    });
    let small = through(board, options(1, 8, 8, Fit::Crop)).unwrap();
    assert!(
        small.iter().all(|value| value.abs_diff(100) <= 2),
        "{small:?}"
    );
}

#[test]
fn exact_refuses_another_size() {
    let error = through(stripes(), options(1, 16, 4, Fit::Exact)).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::WrongShape {
                found: [1, 4, 16],
                expected: [1, 16, 4],
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("image.png"), "{error}");
}

#[test]
fn content_decides_over_the_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("really-a-png.jpg");
    GrayImage::from_pixel(2, 2, Luma([9]))
        .save_with_format(&path, ImageFormat::Png)
        .unwrap();
    assert_eq!(load(&path, options(1, 2, 2, Fit::Exact)).unwrap(), [9; 4]);
    let path = folder.path().join("real.jpg");
    GrayImage::from_pixel(8, 8, Luma([128]))
        .save(&path)
        .unwrap();
    let jpeg = load(&path, options(1, 8, 8, Fit::Exact)).unwrap();
    assert!(
        jpeg.iter().all(|value| value.abs_diff(128) <= 2),
        "{jpeg:?}"
    );
}

#[test]
fn exif_orientation_is_applied() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("turned.jpg");
    let wide = GrayImage::from_fn(16, 8, |x, _| Luma([if x < 8 { 20 } else { 220 }]));
    wide.save(&path).unwrap();
    let plain = fs::read(&path).unwrap();
    // An APP1 segment with one TIFF entry, orientation (0x0112) = 6: turn clockwise, so that the
    // left becomes the top.
    let mut exif = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    exif.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
    fs::write(&path, [&plain[..2], &exif, &plain[2..]].concat()).unwrap();
    let image = load(&path, options(1, 16, 8, Fit::Exact)).unwrap();
    assert!(
        image[..64].iter().all(|value| value.abs_diff(20) <= 4),
        "{image:?}"
    );
    assert!(
        image[64..].iter().all(|value| value.abs_diff(220) <= 4),
        "{image:?}"
    );
}

#[test]
fn what_is_no_image_is_named() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole.png");
    stripes().save(&whole).unwrap();
    let whole = fs::read(&whole).unwrap();
    let path = folder.path().join("broken.png");
    for bytes in [
        &b"just text"[..],
        b"GIF89a\x01\0\x01\0",
        &whole[..whole.len() / 2],
        &[],
    ] {
        fs::write(&path, bytes).unwrap();
        let error = load(&path, options(1, 4, 4, Fit::Crop)).unwrap_err();
        assert!(matches!(error, DataError::Decode { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("broken.png: found no decodable image"),
            "{error}"
        );
    }
    let error = load(
        &folder.path().join("absent.png"),
        options(1, 4, 4, Fit::Crop),
    )
    .unwrap_err();
    assert!(matches!(error, DataError::Io { .. }), "{error}");
}

/// Saves an image with edges as JPEG.
fn jpeg(folder: &TempDir, width: u32, height: u32) -> std::path::PathBuf {
    let path = folder.path().join("whole.jpg");
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([
            (x * y) as u8,
            (x * 9) as u8,
            if (x / 5 + y / 3) % 2 == 0 { 240 } else { 9 },
        ])
    })
    .save(&path)
    .unwrap();
    path
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let folder = TempDir::new().unwrap();
    let png = folder.path().join("whole.png");
    stripes().save(&png).unwrap();
    for whole in [png, jpeg(&folder, 37, 21)] {
        let bytes = fs::read(&whole).unwrap();
        load(&whole, options(3, 4, 4, Fit::Crop)).unwrap();
        let cut = folder.path().join("cut.img");
        for length in 0..bytes.len() {
            fs::write(&cut, &bytes[..length]).unwrap();
            let error = load(&cut, options(3, 4, 4, Fit::Crop)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("cut.img: found no"), "{length}: {message}");
            assert!(!message.contains('\n'), "{length}: {message}");
        }
        fs::write(&cut, [&bytes[..], b"and more"].concat()).unwrap();
        load(&cut, options(3, 4, 4, Fit::Crop)).unwrap();
    }
}

#[test]
fn colour_images_of_odd_sizes_are_decoded_as_before() {
    let folder = TempDir::new().unwrap();
    for (width, height) in [(1, 1), (7, 3), (8, 8), (17, 16), (33, 65)] {
        let path = jpeg(&folder, width, height);
        let (width, height) = (width as usize, height as usize);
        let found = load(&path, options(3, height, width, Fit::Exact)).unwrap();
        let plain = image::open(&path).unwrap().into_rgb8();
        let planes: Vec<u8> = (0..3)
            .flat_map(|channel| plain.pixels().map(move |pixel| pixel.0[channel]))
            .collect();
        assert_eq!(found, planes, "{width}x{height}");
    }
}

#[test]
fn a_jpeg_without_a_scan_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let bytes = fs::read(jpeg(&folder, 20, 20)).unwrap();
    let scan = bytes
        .windows(2)
        .position(|two| two == [0xff, 0xda])
        .unwrap();
    let path = folder.path().join("no-scan.jpg");
    fs::write(&path, [&bytes[..scan], &[0xff, 0xd9]].concat()).unwrap();
    let error = load(&path, options(3, 4, 4, Fit::Crop)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("no data of an image") && !message.contains('\n'),
        "{message}"
    );
}

/// A PNG of a few bytes whose header claims the given sides.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    RgbImage::new(1, 1)
        .write_to(&mut png, ImageFormat::Png)
        .unwrap();
    let mut png = png.into_inner();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    png
}

#[test]
fn decompression_bombs_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bomb.png");
    // One side too long; both sides allowed, but 768 MiB of pixels.
    for (width, height) in [(16_385, 1), (1, 16_385), (16_384, 16_384)] {
        fs::write(&path, claims(width, height)).unwrap();
        let error = load(&path, options(1, 4, 4, Fit::Crop)).unwrap_err();
        let DataError::Decode { source, .. } = error else {
            panic!("{error}")
        };
        assert!(
            matches!(*source, ImageError::Limits(_)),
            "{width}x{height}: {source}"
        );
    }
    fs::write(&path, claims(1, 1)).unwrap();
    assert_eq!(load(&path, options(1, 1, 1, Fit::Exact)).unwrap(), [0]);
}

#[test]
fn options_out_of_range_are_named() {
    for (channels, height, width, name) in [
        (2, 1, 1, "channels"),
        (0, 1, 1, "channels"),
        (1, 0, 1, "height"),
        (3, 16_384, 16_385, "width"),
    ] {
        let error = options(channels, height, width, Fit::Crop)
            .validate()
            .unwrap_err();
        assert!(
            matches!(error, DataError::Option { option, .. } if option == name),
            "{error}"
        );
    }
    assert!(options(3, 16_384, 1, Fit::Crop).validate().is_ok());
}

#[test]
fn a_file_is_read_when_it_has_its_turn() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    let save = |value: u8| GrayImage::from_pixel(2, 2, Luma([value])).save(&path);
    save(10).unwrap();
    let turn = TURNS.wait(MAX_ALLOC);
    let found = std::thread::scope(|scope| {
        let reader = scope.spawn(|| load(&path, options(1, 2, 2, Fit::Exact)));
        std::thread::sleep(std::time::Duration::from_millis(300));
        save(90).unwrap();
        drop(turn);
        reader.join().unwrap()
    });
    assert_eq!(found.unwrap(), [90; 4]);
}

#[test]
fn what_does_not_start_as_an_image_is_not_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    let file = fs::File::create(&path).unwrap();
    file.set_len(MAX_FILE + 1).unwrap();
    let error = load(&path, options(1, 2, 2, Fit::Exact)).unwrap_err();
    assert!(matches!(error, DataError::Decode { .. }), "{error}");
}
