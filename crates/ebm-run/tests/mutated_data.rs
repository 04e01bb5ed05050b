//! Files of data with changed, missing and added bytes: each is read or refused by name, never with
//! a panic or without end.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ebm_ops::Noise;
use ebm_run::config::ConfigTable;
use ebm_sampling::partition::TemperingSchedule;
use ebm_train::data::{Fit, ImageOptions, Split, load_folder, load_image_files};
use ebm_train::files::input_file::read_text;
use ebm_train::using::PixelMask;
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::TempDir;

/// Mutants of each file in CI; `EBM_MUTANTS` asks for more.
const MUTANTS: usize = 200;

/// The files are of a few kB: whatever they claim, this is more than enough for any of them.
const MOST_MEMORY: u64 = 700 << 20;

const OPTIONS: ImageOptions = ImageOptions {
    channels: 3,
    height: 6,
    width: 5,
    fit: Fit::Crop,
};

/// What a reader makes of a folder or a file: nothing, or a message.
type Reader = fn(&Path) -> Result<(), String>;

/// The name under which a file lies in a folder of its own, its content when it is good, what is
/// made of it once it was changed, and who reads it.
struct Specimen {
    name: &'static str,
    bytes: Vec<u8>,
    wrap: fn(Vec<u8>) -> Vec<u8>,
    read: Reader,
}

fn train(path: &Path) -> Result<(), String> {
    let folder = path.parent().unwrap();
    let images = load_folder(folder, Split::Train, &OPTIONS.into());
    images.map(drop).map_err(|error| error.to_string())
}

fn test(path: &Path) -> Result<(), String> {
    let folder = path.parent().unwrap();
    let images = load_folder(folder, Split::Test, &OPTIONS.into());
    images.map(drop).map_err(|error| error.to_string())
}

fn image(path: &Path) -> Result<(), String> {
    let images = load_image_files(&[path], &OPTIONS);
    images.map(drop).map_err(|error| error.to_string())
}

fn mask(path: &Path) -> Result<(), String> {
    let options = ImageOptions {
        channels: 1,
        ..OPTIONS
    };
    let images = load_image_files(&[path], &options).map_err(|error| error.to_string())?;
    // A mask that frees nothing is a right answer too; what it says isn't about the file.
    let _ = PixelMask::from_image(&images);
    Ok(())
}

fn schedule(path: &Path) -> Result<(), String> {
    let name = path.display();
    let text = read_text(path, 1 << 20).map_err(|error| format!("{name}: {error}"))?;
    let schedule = TemperingSchedule::parse(&text);
    schedule
        .map(drop)
        .map_err(|error| format!("{name}: {error}"))
}

fn config(path: &Path) -> Result<(), String> {
    let table = ConfigTable::from_file(path);
    table.map(drop).map_err(|error| error.to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The PNG with right checksums, so that its chunks are looked into.
fn with_checksums(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if png.len() < end.saturating_add(4) {
            break;
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&png[at + 4..end]);
        png[end..end + 4].copy_from_slice(&checksum.sum().to_be_bytes());
        at = end + 4;
    }
    png
}

fn encoded(format: ImageFormat, colour: bool) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    if colour {
        let at = |x: u32, y: u32| Rgb([(x * 9) as u8, (y * 7) as u8, (x * y) as u8]);
        let image = RgbImage::from_fn(33, 21, at);
        image.write_to(&mut bytes, format).unwrap();
    } else {
        let image = GrayImage::from_fn(33, 21, |x, y| Luma([(x * 9 + y * 50) as u8]));
        image.write_to(&mut bytes, format).unwrap();
    }
    bytes.into_inner()
}

fn specimens() -> Vec<Specimen> {
    let array = |rank: u8, sizes: &[u32]| {
        let length: u32 = sizes.iter().product();
        let header = [0, 0, 8, rank].into_iter();
        let sizes = sizes.iter().flat_map(|size| size.to_be_bytes());
        let body = (0..length).map(|index| (index * 7 + index / 11) as u8);
        header.chain(sizes).chain(body).collect::<Vec<u8>>()
    };
    let record: Vec<u8> = [3].into_iter().chain((0..3072).map(|i| i as u8)).collect();
    let records = [&record[..], &record].concat();
    #[rustfmt::skip]
    let list: Vec<(&'static str, Vec<u8>, Reader)> = vec![
        ("idx/train-images-idx3-ubyte", array(3, &[5, 6, 7]), train),
        ("idx4/train-images-idx4-ubyte", array(4, &[5, 6, 7, 3]), train),
        ("gzip/train-images-idx3-ubyte.gz", gzip(&array(3, &[5, 6, 7])), train),
        ("labels/train-labels-idx1-ubyte", array(1, &[5]), train),
        ("cifar/test_batch.bin", records.clone(), test),
        ("names/batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec(), test),
        ("folder/a.png", encoded(ImageFormat::Png, true), train),
        ("grey/a.png", encoded(ImageFormat::Png, false), image),
        ("jpeg/a.jpg", encoded(ImageFormat::Jpeg, true), image),
        ("grey-jpeg/a.jpg", encoded(ImageFormat::Jpeg, false), train),
        ("mask/a.png", encoded(ImageFormat::Png, false), mask),
        ("schedule/a.txt", b"0 0.25 0.5\n# half of it\n0.75, 1e0\n".to_vec(), schedule),
        ("config/a.toml", b"seed = 7\n[data]\nkind = \"digits\"\nlimit = 60\n".to_vec(), config),
    ];
    let plain = list.into_iter().map(|(name, bytes, read)| Specimen {
        name,
        bytes,
        wrap: |bytes| bytes,
        read,
    });
    let wrapped = [
        Specimen {
            name: "inside-gzip/train-images-idx3-ubyte.gz",
            bytes: array(3, &[5, 6, 7]),
            wrap: |bytes| gzip(&bytes),
            read: train,
        },
        Specimen {
            name: "chunks/a.png",
            bytes: encoded(ImageFormat::Png, true),
            wrap: with_checksums,
            read: train,
        },
    ];
    plain.chain(wrapped).collect()
}

/// Changes a file in one of the ways in which files go wrong, or in several of them.
fn mutate(bytes: &mut Vec<u8>, noise: &mut Noise) {
    let below = |noise: &mut Noise, n: usize| noise.permutation(n.max(1))[0];
    for _ in 0..=below(noise, 3) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        // Half of the changes are to headers, which decide what is done with the rest.
        let reach = if below(noise, 2) == 0 { 48 } else { length };
        let place = below(noise, reach.min(length));
        let value = [0, 1, 3, 0x7f, 0x80, 0xff, below(noise, 256) as u8][below(noise, 7)];
        match below(noise, 8) {
            0 | 1 => bytes[place] = value,
            2 => bytes[place] ^= 1 << below(noise, 8),
            3 => bytes.truncate(place),
            4 => {
                // A number of a header.
                let number = [0, 1, 3, u32::MAX, 1 << 31, 1 << 16, 70_000][below(noise, 7)];
                for (byte, value) in bytes[place..].iter_mut().zip(number.to_be_bytes()) {
                    *byte = value;
                }
            }
            5 => bytes.insert(place, value),
            6 => {
                let end = (place + 1 + below(noise, 40)).min(length);
                bytes.drain(place..end);
            }
            _ => {
                let end = (place + 1 + below(noise, 200)).min(length);
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
        }
    }
}

/// The most memory that this process ever used, in bytes, as Linux counts it; 0 elsewhere.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// One test, since the memory is that of the process.
#[test]
fn mutants_are_read_or_refused_by_name() {
    let mutants = std::env::var("EBM_MUTANTS").map_or(MUTANTS, |text| text.parse().unwrap());
    let seed = std::env::var("EBM_MUTANTS_SEED").map_or(1, |text| text.parse().unwrap());
    let root = TempDir::new().unwrap();
    // What goes with the files that change.
    for (name, bytes) in [
        ("labels/train-images-idx3-ubyte", &specimens()[0].bytes),
        ("names/test_batch.bin", &specimens()[4].bytes),
    ] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let before = peak_memory();
    for (number, specimen) in specimens().into_iter().enumerate() {
        let path = root.path().join(specimen.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, (specimen.wrap)(specimen.bytes.clone())).unwrap();
        assert_eq!((specimen.read)(&path), Ok(()), "{}", specimen.name);
        let mut noise = Noise::new(seed + 1000 * number as u64);
        let mut refused = 0;
        for mutant in 0..mutants {
            let mut bytes = specimen.bytes.clone();
            mutate(&mut bytes, &mut noise);
            let bytes = (specimen.wrap)(bytes);
            fs::write(&path, &bytes).unwrap();
            let read = catch_unwind(AssertUnwindSafe(|| (specimen.read)(&path)));
            let Ok(read) = read else {
                panic!("mutant {mutant} of {} panics: {bytes:?}", specimen.name);
            };
            if let Err(message) = read {
                refused += 1;
                let folder = path.parent().unwrap().display().to_string();
                assert!(message.contains(&folder), "{message}");
                // Those of TOML show the place.
                let is_line = specimen.name.ends_with(".toml") || !message.contains('\n');
                assert!(is_line && message.len() < 4096, "{message}");
            }
            let used = peak_memory() - before;
            assert!(
                used < MOST_MEMORY,
                "mutant {mutant} of {} took {used} bytes: {bytes:?}",
                specimen.name
            );
        }
        // Labels and their names are left out where they are bad.
        let is_needed = !specimen.name.starts_with("labels") && !specimen.name.starts_with("names");
        assert_eq!(refused > mutants / 20, is_needed, "{}", specimen.name);
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
