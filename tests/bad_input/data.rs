//! Data that are missing, damaged, of another kind, or too many or too few.

use std::fs;

use ebm::training::data::idx;

use crate::common::{cifar_folder, idx_folder, images, png_folder, workspace};
use crate::refuse_to_train;

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
    idx_file("uneven", &|_| {});
    idx::write_labels(&at("uneven/train-labels-idx1-ubyte"), &[1, 2, 3]).unwrap();
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
        ("uneven", &[], 1, &["train-labels-idx1-ubyte", "found 3 labels, expected 9"]),
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
        ("whole", &["--set", "training.batch_size=10"], 2, &["`training.batch_size`", "found 10", "examples, 9"]),
        ("whole", &["--set", "model={kind=\"conv_net\", layers=[[2, 7, 1, 1]]}"], 2, &["`model`", "1x4x5", "kernel of 7 pixels", "smaller layers"]),
        ("whole", &["--set", "model.hidden=[1000000, 1000000]"], 2, &["`model`", "GB", "smaller"]),
        ("png", &["--set", "data.channels=1", "--set", "data.size=[4096, 4096]", "--set", "output.sample_count=10000"], 1, &["10000 samples", "GB", "output.sample_count"]),
    ];
    for (data, more, code, needles) in cases {
        let more = [&["--data", data], *more].concat();
        refuse_to_train(folder.path(), &more, *code, needles);
    }
}
