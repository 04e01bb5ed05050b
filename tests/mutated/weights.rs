//! Files of weights with bytes that are wrong: PyTorch's of both containers, and safetensors.

use std::fs;
use std::path::Path;

use burn::tensor::{Device, TensorData};
use ebm::ops::Noise;
use ebm::run::kinds::Kind;
use ebm::run::{Import, Renaming, WeightsFile, import};
use ebm::training::TensorFile;
use tempfile::TempDir;

use crate::{below, cases, outcome};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Bytes that mean something in a pickle or a header.
const TELLING: [u8; 24] = [
    0, 1, 2, 0x7f, 0x80, 0xff, b'.', b'(', b'}', b']', b')', b'0', b'2', b'R', b'b', b'h', b'q',
    b't', b'u', b'Q', b'K', b'M', b'X', b'N',
];

/// Changes a few bytes in one stretch of the file.
fn mutate(bytes: &mut Vec<u8>, noise: &mut Noise) -> String {
    let mut what = Vec::new();
    for _ in 0..1 + below(noise, 3) {
        if bytes.len() < 2 {
            break;
        }
        // The structure is at both ends, numbers between.
        let near = bytes.len().min(2048);
        let at = match below(noise, 3) {
            0 => below(noise, near),
            1 => bytes.len() - 1 - below(noise, near),
            _ => below(noise, bytes.len()),
        };
        what.push(match below(noise, 7) {
            0 | 1 => {
                bytes[at] = TELLING[below(noise, TELLING.len())];
                format!("{at} = {:#x}", bytes[at])
            }
            2 => {
                bytes[at] ^= 1 << below(noise, 8);
                format!("{at} flipped to {:#x}", bytes[at])
            }
            3 => {
                bytes.remove(at);
                format!("{at} taken out")
            }
            4 => {
                bytes.insert(at, TELLING[below(noise, TELLING.len())]);
                format!("{at} put in")
            }
            5 => {
                let end = (at + 1 + below(noise, 8)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
                format!("{at}..{end} twice")
            }
            _ => {
                bytes.truncate(at.max(1));
                format!("cut at {at}")
            }
        });
    }
    what.join(", ")
}

/// A ZIP archive whose entries say that they have no checksum, so that what is wrong with them gets
/// further.
fn without_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    let entries: Vec<usize> = (0..bytes.len() - 4)
        .filter(|&at| bytes[at..].starts_with(b"PK\x01\x02"))
        .collect();
    for at in entries {
        bytes[at + 16..at + 20].fill(0);
    }
    bytes
}

#[test]
fn weights_with_wrong_bytes_are_read_or_refused() {
    let folder = TempDir::new().unwrap();
    let plain = folder.path().join("plain.safetensors");
    let floats = |shape: &[usize]| TensorData::ones::<f32, _>(shape.to_vec());
    TensorFile {
        tensors: [
            ("layers.0.weight".to_string(), floats(&[3, 4])),
            ("layers.0.bias".to_string(), floats(&[3])),
            ("layers.1.weight".to_string(), floats(&[1, 3])),
            ("layers.1.bias".to_string(), floats(&[1])),
        ]
        .into(),
        metadata: [("shape".to_string(), "[1, 2, 2]".to_string())].into(),
    }
    .save(&plain)
    .unwrap();
    let fixture = |name: &str| fs::read(Path::new(FIXTURES).join(name)).unwrap();
    let files = [
        (
            "zip.pt",
            without_checksums(fixture("conv_energy.pt")),
            "conv_net",
        ),
        ("legacy.pth", fixture("mlp_energy.pth"), "mlp"),
        ("plain.safetensors", fs::read(&plain).unwrap(), "mlp"),
    ];
    let device = Device::flex();
    let mut noise = Noise::new(33);
    for (name, good, kind) in files {
        let path = folder.path().join(name);
        let mut asked = Import::of(Kind::named(kind).unwrap())
            .with("activation", "swish")
            .unwrap();
        if kind == "conv_net" {
            asked = asked.with("strides", "[2]").unwrap();
            asked = asked.with("paddings", "[1]").unwrap();
        }
        asked.shape = match name {
            "zip.pt" => Some([1, 8, 8].into()),
            "legacy.pth" => Some([1, 2, 3].into()),
            _ => None,
        };
        let (mut taken, count) = (0, cases(3000));
        for case in 0..=count {
            let mut bytes = good.clone();
            // The first is the file as it is.
            let what = if case == 0 {
                "nothing".to_string()
            } else {
                mutate(&mut bytes, &mut noise)
            };
            fs::write(&path, bytes).unwrap();
            let out = folder.path().join("out");
            // A run folder waits for the disk.
            let whole = case % 50 == 0;
            let imported = outcome(&format!("{name}: {what}"), || {
                let file = WeightsFile::read(&path)?.renamed(&Renaming::default())?;
                for (name, data) in &file.arrays {
                    let elements: usize = data.shape().iter().product();
                    assert_eq!(
                        elements * data.dtype().size(),
                        data.as_bytes().len(),
                        "{name}"
                    );
                }
                if whole {
                    import(file, &asked, &out, &device)?;
                }
                Ok::<(), ebm::run::RunError>(())
            });
            if imported {
                taken += 1;
                if whole {
                    fs::remove_dir_all(&out).unwrap();
                }
            }
            assert!(case > 0 || imported, "{name} isn't taken as it is");
        }
        // Wrong numbers are numbers, too; wrong structure is most of the rest.
        assert!(
            taken > count / 100 && taken < count,
            "{name}: {taken} of {count} taken"
        );
    }
}
