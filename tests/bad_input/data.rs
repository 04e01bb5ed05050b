//! Data that are missing, damaged, of another kind, or too many or too few.

use std::fs;

use ebm::training::data::{Images, idx};

use crate::common::{
    assert_same, cifar_folder, everything, idx_folder, images, png_folder, run, succeed, text,
    workspace,
};
use crate::{refuse_in_a_line, refuse_to_train};

/// Folder, further arguments, exit code, what the message must say.
type Case<'a> = (&'a str, &'a [&'a str], i32, &'a [&'a str]);

#[test]
fn data_folders() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    let idx_file = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        idx_folder(&at(name), &images(9, [1, 4, 5]));
        let path = at(name).join("train-images-idx3-ubyte");
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
    };
    fs::create_dir(at("empty")).unwrap();
    idx_file("whole", &|_| {});
    idx_file("short", &|bytes| bytes.truncate(100));
    idx_file("header", &|bytes| bytes.truncate(9));
    idx_file("nothing", &|bytes| bytes.clear());
    idx_file("long", &|bytes| bytes.push(0));
    idx_file("web", &|bytes| *bytes = b"<html>not found</html>".to_vec());
    idx_file("floats", &|bytes| bytes[2] = 0x0d);
    idx_file("lying", &|bytes| bytes[4..16].fill(0xff));
    idx_file("none", &|bytes| {
        bytes[4..8].fill(0);
        bytes.truncate(16);
    });
    fs::create_dir(at("labels")).unwrap();
    idx::write_labels(&at("labels/train-images-idx3-ubyte"), &[1, 2, 3]).unwrap();
    fs::create_dir(at("gzip")).unwrap();
    let zipped = at("gzip/train-images-idx3-ubyte.gz");
    idx::write_images(&zipped, &images(9, [1, 4, 5])).unwrap();
    let mut bytes = fs::read(&zipped).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&zipped, bytes).unwrap();
    fs::create_dir(at("test-only")).unwrap();
    fs::rename(
        at("nothing/train-images-idx3-ubyte"),
        at("test-only/t10k-images-idx3-ubyte"),
    )
    .unwrap();
    fs::write(at("nothing/train-images-idx3-ubyte"), "").unwrap();
    cifar_folder(&at("cifar"), 2);
    fs::remove_file(at("cifar/data_batch_3.bin")).unwrap();
    cifar_folder(&at("cifar-short"), 2);
    fs::write(at("cifar-short/data_batch_2.bin"), [0; 3072]).unwrap();
    cifar_folder(&at("cifar-label"), 2);
    let mut record = vec![0; 3073];
    record[0] = 10;
    fs::write(at("cifar-label/data_batch_1.bin"), record).unwrap();
    png_folder(&at("png"), 9, 7, 5);
    png_folder(&at("broken"), 9, 7, 5);
    fs::write(at("broken/004.png"), b"\x89PNG\r\n\x1a\nand no more").unwrap();
    png_folder(&at("mixed"), 2, 7, 5);
    png_folder(&at("mixed/cat"), 2, 7, 5);

    let size: &[&str] = &["--set", "data.channels=1", "--set", "data.size=[6, 6]"];
    let exact: &[&str] = &["--set", "data.fit=exact"];
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("absent", &[], 1, &["absent: found nothing", "expected a folder"]),
        ("tiny.toml", &[], 1, &["tiny.toml: found a file", "expected a folder"]),
        ("empty", &[], 1, &["empty: found no data set", "train-images-idx3-ubyte", "*.png"]),
        ("short", &[], 1, &["short/train-images-idx3-ubyte", "found 100 bytes, expected 196"]),
        ("header", &[], 1, &["header/train-images-idx3-ubyte", "found 9 bytes, expected 16"]),
        ("nothing", &[], 1, &["nothing/train-images-idx3-ubyte", "found 0 bytes"]),
        ("long", &[], 1, &["long/train-images-idx3-ubyte", "more bytes after the 196"]),
        ("web", &[], 1, &["web/train-images-idx3-ubyte", "[3c, 68, 74, 6d]", "right file"]),
        ("floats", &[], 1, &["floats/train-images-idx3-ubyte", "f32", "unsigned bytes"]),
        ("lying", &[], 1, &["lying/train-images-idx3-ubyte", "4294967295", "fits into memory"]),
        ("none", &[], 1, &["none/train-images-idx3-ubyte", "found no images"]),
        ("labels", &[], 1, &["labels/train-images-idx3-ubyte", "those of labels", "which file is which"]),
        ("gzip", &[], 1, &["gzip/train-images-idx3-ubyte.gz", "corrupt", "gzip", "fetch the file again"]),
        ("test-only", &[], 1, &["test-only", "train-images-idx3-ubyte"]),
        ("cifar", &[], 1, &["cifar: found no file", "data_batch_3.bin"]),
        ("cifar-short", &[], 1, &["data_batch_2.bin", "found 3072 bytes", "3073"]),
        ("cifar-label", &[], 1, &["data_batch_1.bin", "found label 10", "0 to 9"]),
        ("whole", &["--set", "data.size=[5, 5]"], 1, &["whole: found images of 1x4x5, expected 1x5x5"]),
        ("whole", &["--set", "data.channels=3"], 1, &["whole: found images of 1x4x5, expected 3x4x5"]),
        ("png", &[], 2, &["`data.size`", "found nothing", "PNG or JPEG", "--set data.channels=1"]),
        ("png", &["--set", "data.size=[6, 6]"], 2, &["`data.channels`", "found nothing"]),
        ("png", &[size, exact].concat(), 1, &["png/000.png: found images of 1x5x7, expected 1x6x6"]),
        ("broken", size, 1, &["broken/004.png", "no decodable image", "replace the file"]),
        ("mixed", size, 1, &["mixed", "000.png", "cat/000.png", "move"]),
        // Data that can be read, but not trained on.
        ("whole", &["--set", "training.batch_size=10"], 2, &["`training.batch_size`", "found 10", "examples, 8"]),
        ("whole", &["--set", "model={kind=\"conv_net\", layers=[[2, 7, 1, 1]]}"], 2, &["`model`", "1x4x5", "kernel of 7 pixels", "smaller layers"]),
        ("whole", &["--set", "model.hidden=[1000000, 1000000]"], 2, &["`model`", "GB", "smaller"]),
        ("png", &["--set", "data.channels=1", "--set", "data.size=[4096, 4096]", "--set", "output.sample_count=10000"], 1, &["10000 samples", "GB", "output.sample_count"]),
    ];
    for (data, more, code, needles) in cases {
        let more = [&["--data", data], *more].concat();
        refuse_to_train(folder.path(), &more, *code, needles);
    }
}

/// Labels aren't used: bad ones are said and left out.
#[test]
fn labels_that_do_not_fit_are_left_out() {
    let folder = workspace();
    idx_folder(&folder.path().join("data"), &images(9, [1, 4, 5]));
    let labels = folder.path().join("data/train-labels-idx1-ubyte");
    let whole_numbers = [&[0, 0, 0x0c, 1, 0, 0, 0, 9][..], &[0; 36]].concat();
    idx::write_labels(&labels, &[1, 2, 3]).unwrap();
    for (out, needle) in [("few", "found 3 labels, expected 9"), ("wide", "type i32")] {
        let command = ["train", "tiny.toml", "--data", "data", "--out", out];
        let output = run(folder.path(), &command);
        let complaint = text(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        assert!(
            complaint.starts_with("warning: labels are left out: ") && complaint.contains(needle),
            "{complaint}"
        );
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        fs::write(&labels, &whole_numbers).unwrap();
    }
}

/// Bytes of 0 and 1 are black and white, as they are with 0 and 255: the same run comes out.
#[test]
fn images_of_zero_and_one_are_black_and_white() {
    let folder = workspace();
    let masks = |white: u8| {
        let pixels = images(40, [1, 4, 5])
            .pixels()
            .iter()
            .map(|pixel| pixel % 2 * white)
            .collect();
        Images::new(pixels, [1, 4, 5]).unwrap()
    };
    idx_folder(&folder.path().join("ones"), &masks(1));
    idx_folder(&folder.path().join("bytes"), &masks(255));
    let train = |data: &str, out: &str, more: &[&str]| {
        let command = ["train", "tiny.toml", "--data", data, "--out", out];
        let output = run(folder.path(), &[&command, more].concat());
        let complaint = text(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        (complaint, everything(&folder.path().join(out), 6))
    };
    let (silent, bytes) = train("bytes", "a", &[]);
    assert_eq!(silent, "");
    let (said, ones) = train("ones", "b", &[]);
    assert!(
        said.starts_with("warning: ") && said.contains("0 and 1") && said.lines().count() == 1,
        "{said}"
    );
    assert_same(&bytes, &ones, "0 and 1 in place of 0 and 255");
    // Who says which byte is white gets it.
    let (silent, nearly_black) = train("ones", "c", &["--set", "data.white=255"]);
    assert_eq!(silent, "");
    assert!(nearly_black.1 != ones.1);
    refuse_to_train(
        folder.path(),
        &["--data", "ones", "--set", "data.white=0"],
        2,
        &["`data.white`", "found 0", "1 to 255"],
    );
}

/// JPEG files of which a part is missing: without the rest of their data, without any, without a
/// scan.
#[test]
fn cut_jpegs() {
    let folder = workspace();
    let path = folder.path().join("data/photo.jpg");
    png_folder(&folder.path().join("data"), 9, 16, 16);
    image::RgbImage::from_fn(64, 48, |x, y| {
        image::Rgb([(x * y) as u8, (x * 9) as u8, y as u8])
    })
    .save(&path)
    .unwrap();
    let whole = fs::read(&path).unwrap();
    let size: &[&str] = &[
        "--data",
        "data",
        "--set",
        "data.channels=3",
        "--set",
        "data.size=[16, 16]",
    ];
    succeed(
        folder.path(),
        &[&["train", "tiny.toml", "--out", "whole"], size].concat(),
    );
    let scan = whole
        .windows(2)
        .position(|two| two == [0xff, 0xda])
        .unwrap();
    let half = &whole[..whole.len() / 2];
    for bytes in [
        half,
        // As what mends broken files writes it.
        &[half, &[0xff, 0xd9]].concat(),
        &whole[..scan + 14],
        &whole[..scan],
        &[&whole[..scan], &[0xff, 0xd9]].concat(),
        &whole[..whole.len() - 1],
    ] {
        fs::write(&path, bytes).unwrap();
        refuse_to_train(
            folder.path(),
            size,
            1,
            &["data/photo.jpg", "no decodable image", "replace the file"],
        );
    }
}

/// What could block for ever or has no end is refused by name, before it is opened.
#[cfg(unix)]
#[test]
fn pipes_and_devices() {
    use std::os::unix::fs::symlink;

    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    for name in ["idx", "idx-gz", "cifar"] {
        fs::create_dir(at(name)).unwrap();
    }
    symlink("/dev/zero", at("idx/train-images-idx3-ubyte")).unwrap();
    let pipe = |name: &str| {
        let status = std::process::Command::new("mkfifo").arg(at(name)).status();
        assert!(status.unwrap().success());
    };
    pipe("idx-gz/train-images-idx3-ubyte.gz");
    pipe("cifar/data_batch_1.bin");
    png_folder(&at("png"), 3, 6, 6);
    fs::remove_file(at("png/001.png")).unwrap();
    pipe("png/001.png");
    let size: &[&str] = &["--set", "data.channels=1", "--set", "data.size=[6, 6]"];
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("idx", &[], 1, &["idx/train-images-idx3-ubyte: found a device", "expected a regular file"]),
        ("idx-gz", &[], 1, &["train-images-idx3-ubyte.gz: found a pipe", "expected a regular file"]),
        ("cifar", &[], 1, &["data_batch_1.bin: found a pipe"]),
        ("png", size, 1, &["png/001.png: found a pipe"]),
        ("/dev/zero", &[], 1, &["/dev/zero: found a device", "expected a folder"]),
        ("idx-gz/train-images-idx3-ubyte.gz", &[], 1, &["found a pipe", "expected a folder"]),
    ];
    for (data, more, code, needles) in cases {
        let more = [&["--data", data], *more].concat();
        refuse_to_train(folder.path(), &more, *code, needles);
    }
    refuse_in_a_line(
        folder.path(),
        &["train", "png/001.png"],
        2,
        &["found a pipe", "001.png"],
    );
    refuse_in_a_line(
        folder.path(),
        &["train", "/dev/zero"],
        2,
        &["found a device"],
    );
    refuse_in_a_line(folder.path(), &["train", "png"], 2, &["found a directory"]);
}

/// The command under a limit of its address space, in kB.
#[cfg(target_os = "linux")]
fn run_within(folder: &std::path::Path, kilobytes: u64, arguments: &[&str]) -> (bool, String) {
    let output = std::process::Command::new("sh")
        .current_dir(folder)
        .env("EBM_BACKEND", "flex")
        .args(["-c", "ulimit -v $0; exec \"$@\""])
        .args([&kilobytes.to_string(), env!("CARGO_BIN_EXE_ebm")])
        .args(arguments)
        .output()
        .unwrap();
    (output.status.success(), text(&output.stderr))
}

/// A compressed file of 1.5 MB that holds 1.5 GB: refused before it is read, and used as far as it
/// is asked for.
#[cfg(target_os = "linux")]
#[test]
fn more_than_memory_holds() {
    use std::io::Write;

    let folder = workspace();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    // 24 x 2^20 images of 8x8, the parts of the stream one after the other.
    let header = [
        &[0, 0, 8, 3][..],
        &(24_u32 << 20).to_be_bytes(),
        &[0, 0, 0, 8, 0, 0, 0, 8],
    ];
    let part = gzip(&vec![200; 64 << 20]);
    fs::create_dir(folder.path().join("large")).unwrap();
    fs::write(
        folder.path().join("large/train-images-idx3-ubyte.gz"),
        [gzip(&header.concat()), part.repeat(24)].concat(),
    )
    .unwrap();
    let train = ["train", "tiny.toml", "--data", "large", "--out"];
    let (_, complaint) = run_within(
        folder.path(),
        2_500_000,
        &[&train[..], &["all", "--set", "data.limit=none"]].concat(),
    );
    for needle in [
        "error: ",
        "train-images-idx3-ubyte.gz: found 25165824 images of 1x8x8",
        "3.2 GB",
        "data.limit",
    ] {
        assert!(complaint.contains(needle), "{complaint}");
    }
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    let some = [&train[..], &["some", "--set", "data.limit=100"]].concat();
    let (succeeded, complaint) = run_within(folder.path(), 2_500_000, &some);
    assert!(succeeded, "{complaint}");
}

/// Only what is made is counted: the picture of so many samples would take 9 GB, their arrays take
/// a tenth of one.
#[cfg(target_os = "linux")]
#[test]
fn chains_without_a_picture() {
    let folder = workspace();
    succeed(folder.path(), &["train", "tiny.toml", "--out", "run"]);
    let sample = ["sample", "--run", "run", "-n", "300", "--steps", "1000"];
    let walk = [&sample[..], &["--every", "1", "--out", "chains.npz"]].concat();
    let (succeeded, complaint) = run_within(folder.path(), 3_000_000, &walk);
    assert!(succeeded, "{complaint}");
}
