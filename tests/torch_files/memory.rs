//! No file takes more memory than it holds, and what is no file is none.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::FLAGS;
use crate::common::{run, succeed, text, workspace};
use crate::python::{Py, Torch, dict};

/// A ZIP archive of one entry, `x/data.pkl`, deflated.
fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let name = b"x/data.pkl";
    let mut fields = b"\x00\x00\x08\x00\x00\x00\x00\x00".to_vec();
    fields.extend(crc.sum().to_le_bytes());
    fields.extend((packed.len() as u32).to_le_bytes());
    fields.extend((content.len() as u32).to_le_bytes());
    fields.extend((name.len() as u16).to_le_bytes());
    fields.extend(0_u16.to_le_bytes());
    let mut bytes = [b"PK\x03\x04\x14\x00", &fields[2..], name, &packed].concat();
    bytes[6..8].fill(0);
    let directory = bytes.len();
    bytes.extend([b"PK\x01\x02\x14\x00\x14\x00", &fields[..], &[0; 14], name].concat());
    let length = bytes.len() - directory;
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    bytes.extend((length as u32).to_le_bytes());
    bytes.extend((directory as u32).to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

#[test]
#[cfg(target_os = "linux")]
fn files_take_no_more_memory_than_they_hold() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    let many =
        |instruction: u8, count: usize| [b"\x80\x02", &vec![instruction; count][..], b"."].concat();
    // An array of all of 2^31 numbers in one, arrays that repeat a storage, pickles that inflate or
    // copy what they remember.
    fs::write(
        at("huge.pth"),
        Torch::file(&dict(&[("w", Py::Repeated(vec![1 << 15, 1 << 16]))])),
    )
    .unwrap();
    fs::write(
        at("wraps.pth"),
        Torch::file(&dict(&[("w", Py::Repeated(vec![1 << 32, 1 << 32, 4]))])),
    )
    .unwrap();
    for (name, shape) in [
        ("empty.pth", vec![1 << 40, 1 << 40, 0]),
        ("hollow.pth", vec![0, 1 << 40, 1 << 40]),
    ] {
        fs::write(at(name), Torch::file(&dict(&[("w", Py::Repeated(shape))]))).unwrap();
    }
    let views: Vec<(Py, Py)> = (0..200)
        .map(|n| (Py::Int(n), Py::Repeated(vec![64, 64])))
        .collect();
    fs::write(at("views.pth"), Torch::file(&Py::Dict(views))).unwrap();
    fs::write(at("inflated.pt"), deflated(&many(b'N', 60 << 20))).unwrap();
    fs::write(at("short.pt"), deflated(&many(b'N', 3 << 20))).unwrap();
    let legacy = |pickle: &[u8]| {
        let mut bytes = Torch::file(&Py::Int(0));
        let end = bytes.windows(3).position(|part| part == b"s.\x80").unwrap() + 2;
        bytes.truncate(end);
        bytes.extend(pickle);
        bytes
    };
    fs::write(at("long.pth"), legacy(&many(b'}', 30 << 20))).unwrap();
    // A list in itself, and pairs of pairs of pairs.
    fs::write(
        at("circle.pth"),
        legacy(b"\x80\x02}X\x01\x00\x00\x00a]q\x00h\x00as."),
    )
    .unwrap();
    let doubled = [
        b"\x80\x02}X\x01\x00\x00\x00a)".to_vec(),
        b"2\x86".repeat(60),
        b"s.".to_vec(),
    ]
    .concat();
    fs::write(at("doubled.pth"), legacy(&doubled)).unwrap();
    let deep = [
        b"\x80\x02}X\x01\x00\x00\x00a)".to_vec(),
        b"\x85".repeat(300_000),
        b"s.".to_vec(),
    ]
    .concat();
    fs::write(at("deep.pth"), legacy(&deep)).unwrap();
    // A long name that is remembered and used again and again.
    let mut name = b"\x80\x02X\x00\x00\x10\x00".to_vec();
    name.extend(vec![b'n'; 1 << 20]);
    name.extend(b"q\x00");
    let classes = [&name[..], &b"h\x00h\x00\x93".repeat(200_000), b"."].concat();
    fs::write(at("names.pth"), legacy(&classes)).unwrap();
    // A dictionary of 1,400 long names under 1,400 long names.
    let many = |value: Py, place: u8| {
        let first = Py::Parts(vec![value, Py::Raw(vec![b'q', place])]);
        let name = |n: usize| Py::Text(format!("{n:0>500}").leak());
        let again = (1..1400).map(|n| (name(n), Py::Raw(vec![b'h', place])));
        Py::Dict([(name(0), first)].into_iter().chain(again).collect())
    };
    let shared = many(many(Py::Array(vec![1]), 0), 1);
    fs::write(at("shared.pth"), Torch::file(&shared)).unwrap();
    // Headers of safetensors that say more than there is.
    let header = |text: &str, more: usize| {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.extend(vec![0; more]);
        bytes
    };
    let array = |name: &str, shape: &str, offsets: &str| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}")
    };
    let one = array("a", "[4]", "[0,16]");
    #[rustfmt::skip]
    let headers = [
        ("overlap.safetensors", header(&format!("{{{one},{}}}", array("b", "[4]", "[0,16]")), 16)),
        ("wrap.safetensors", header(&format!("{{{}}}", array("a", "[4294967296,4294967296]", "[0,0]")), 0)),
        ("wraps.safetensors", header(&format!("{{{}}}", array("a", "[18446744073709551615,0,18446744073709551615]", "[0,0]")), 0)),
        ("trailing.safetensors", header(&format!("{{{one}}}"), 20)),
        ("cut.safetensors", header(&format!("{{{one}}}"), 12)),
        ("twice.safetensors", header(&format!("{{{one},{}}}", array("a", "[4]", "[16,32]")), 32)),
        ("header.safetensors", [&(90_000_000_u64).to_le_bytes()[..], b"{}"].concat()),
    ];
    let mut names = vec![
        "huge.pth",
        "wraps.pth",
        "views.pth",
        "inflated.pt",
        "short.pt",
        "long.pth",
        "circle.pth",
        "doubled.pth",
        "deep.pth",
        "names.pth",
        "empty.pth",
        "hollow.pth",
        "shared.pth",
    ];
    for (name, bytes) in &headers {
        fs::write(at(name), bytes).unwrap();
        names.push(name);
    }
    // Larger than any memory, though it takes no room on the disk.
    for name in ["large.pt", "large.safetensors"] {
        fs::File::create(at(name))
            .unwrap()
            .set_len(1 << 42)
            .unwrap();
        names.push(name);
    }
    for name in names {
        let start = Instant::now();
        let size = fs::metadata(at(name)).unwrap().len();
        // 1.5 GB of addresses are what the program takes by itself, with one stack a thread.
        let limit = 1_500_000 + if size < 1 << 32 { size / 1024 * 4 } else { 0 };
        let program = env!("CARGO_BIN_EXE_ebm");
        let command = format!(
            "ulimit -v {limit}; exec {program} import {name} --model mlp --activation tanh --shape 1x2x2 --out out"
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &command])
            .env("EBM_BACKEND", "flex")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains(name) && said.lines().count() == 1,
            "{name}: {said}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name} took too long"
        );
        assert!(!at("out").exists(), "{name} left a folder");
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_at_once() {
    let folder = workspace();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    for path in ["pipe", "/dev/zero", "."] {
        let output = run(
            folder.path(),
            &[&["import", path, "--out", "out"], &FLAGS[..]].concat(),
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(path) && said.contains("expected a "),
            "{said}"
        );
    }
    assert!(
        succeed(folder.path(), &["import", "--help"]).contains("1/2 |v|^2 - b.v - c.h - v W h")
    );
}
