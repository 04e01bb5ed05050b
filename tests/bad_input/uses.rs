//! `ebm inpaint`, `denoise`, `compose`, `compare`, `recall` and `eval --ood` of what they can't
//! use.

use std::fs;
use std::path::Path;

use image::GrayImage;

use crate::common::{idx_folder, images, snapshot, succeed, train, workspace};
use crate::refuse_in_a_line;

/// A network, a restricted machine, a network of points, and pictures of 8x8, of 5x4, and of
/// nothing.
fn prepare(folder: &Path) {
    train(folder, "network", &[]);
    train(
        folder,
        "moons",
        &["--set", "data={kind=\"two_moons\", count=50}"],
    );
    train(
        folder,
        "bytes",
        &["--set", "data.range=[0, 255]", "--set", "sampler.noise=0.0"],
    );
    #[rustfmt::skip]
    let arguments = [
        "train", "--preset", "rbm-digits", "--backend", "flex", "--out", "rbm", "--set", "model.hidden=5",
        "--set", "training={steps=1, batch_size=8}", "--set", "output={sample_count=1, sample_steps=1}",
    ];
    succeed(folder, &arguments);
    GrayImage::new(8, 8).save(folder.join("a.png")).unwrap();
    GrayImage::new(5, 4).save(folder.join("small.png")).unwrap();
    fs::write(folder.join("text.png"), "no picture").unwrap();
    idx_folder(&folder.join("idx"), &images(3, [1, 4, 5]));
}

#[test]
fn uses_that_make_no_sense() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    let before = snapshot(folder);
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["inpaint", "--run", "network", "--mask", "middle"], 2, &["`--mask`", "`middle`", "left, right, top, bottom", "no such file"]),
        (&["inpaint", "--run", "network", "--mask", "rectangle:1,2,3"], 2, &["`--mask`", "`rectangle:1,2,3`", "four whole numbers"]),
        (&["inpaint", "--run", "network", "--mask", "rectangle:6,0,3,1"], 2, &["`--mask`", "3x1 pixels at row 6", "8x8"]),
        (&["inpaint", "--run", "network", "--mask", "rectangle:0,0,0,1"], 2, &["`--mask`", "no pixel is free"]),
        (&["inpaint", "--run", "network", "--mask", "a.png"], 2, &["`--mask`", "a.png", "no pixel is free"]),
        (&["inpaint", "--run", "network", "--mask", "small.png"], 1, &["small.png", "1x4x5", "1x8x8", "--resize"]),
        (&["inpaint", "--run", "network", "small.png"], 1, &["small.png", "1x4x5", "1x8x8", "--resize"]),
        (&["inpaint", "--run", "network", "text.png"], 1, &["text.png"]),
        (&["inpaint", "--run", "network", "absent.png"], 1, &["absent.png", "No such file"]),
        (&["inpaint", "--run", "network", "a.png", "--out", "a.png"], 2, &["`--out`", "a.png is what is read", "--out FILE"]),
        (&["inpaint", "--run", "network", "--out", "a.gif"], 2, &["`--out`", "found a.gif", ".png or .jpg"]),
        (&["inpaint", "--run", "network", "--out", "absent/a.png"], 2, &["`--out`", "no folder absent"]),
        (&["inpaint", "--run", "network", "--out", "idx"], 2, &["`--out`", "found idx", ".png or .jpg"]),
        (&["sample", "--run", "network", "--out", "a.gif"], 2, &["`--out`", "found a.gif", ".npy or .npz"]),
        (&["sample", "--run", "network", "--out", "absent/a.npz"], 2, &["`--out`", "no folder absent"]),
        (&["report", "network", "--out", "absent/a.html"], 2, &["`--out`", "no folder absent"]),
        (&["inpaint", "--run", "moons"], 2, &["`--run`", "points in the plane"]),
        (&["denoise", "--run", "moons"], 2, &["`--run`", "points in the plane"]),
        (&["inpaint", "--run", "moons", "a.png"], 2, &["points in the plane"]),
        (&["inpaint", "--run", "absent"], 2, &["absent is not a run folder"]),
        (&["denoise", "--run", "rbm", "--noise", "0.5"], 2, &["`--noise`", "0.5", "flipped"]),
        (&["denoise", "--run", "bytes"], 2, &["`--temperature`", "no noise", "above 0"]),
        (&["compose", "network", "rbm"], 2, &["model 2", "(0.0, 1.0)", "[1, 8, 8]"]),
        (&["compose", "network", "bytes"], 2, &["model 2", "255", "[1, 8, 8]"]),
        (&["compose", "network", "moons"], 2, &["moons is of points in the plane"]),
        (&["compose", "network", "network", "--weights", "1"], 2, &["`--weights`", "1 weights for 2 models"]),
        (&["compose", "network", "--weights=-1"], 2, &["`--weights`", "-1.0", "above 0"]),
        (&["compose", "bytes", "bytes", "--kind", "mixture"], 2, &["temperature 0", "above 0"]),
        (&["compare", "a.png", "small.png", "--run", "network"], 1, &["small.png", "1x4x5", "--resize"]),
        (&["compare", "a.png", "absent.png", "--run", "network"], 1, &["absent.png"]),
        (&["compare", "a.png", "a.png", "--run", "moons"], 2, &["points in the plane"]),
        (&["recall", "--run", "network"], 2, &["recall", "Hopfield", "not for this mlp"]),
        (&["recall", "--run", "rbm"], 2, &["recall", "not for this rbm"]),
        (&["eval", "--run", "network", "--ood", "unifrom"], 2, &["`--ood`", "`unifrom`", "uniform, constant, shuffled"]),
        (&["eval", "--run", "network", "--ood", "none", "--ood", "uniform"], 2, &["`--ood`", "found none together"]),
    ];
    for (arguments, code, needles) in cases {
        refuse_in_a_line(folder, arguments, *code, needles);
        assert_eq!(snapshot(folder), before, "{arguments:?} changed a file");
    }
}

/// These are found once energies are known, after progress has been shown.
#[test]
fn outliers_of_another_size() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    let before = snapshot(folder);
    let output = crate::run(folder, &["eval", "--run", "network", "--ood", "idx"]);
    let complaint = crate::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    for needle in ["error: ", "idx", "[1, 4, 5]", "[1, 8, 8]", "--ood-resize"] {
        assert!(complaint.contains(needle), "{complaint}");
    }
    assert_eq!(snapshot(folder), before);
}

/// Weights that are finite and energies that aren't: an error for whatever would print or draw
/// something made of them.
#[test]
fn energies_that_overflow() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    let huge: Vec<f32> = vec![3e37; 64 * 5];
    let arrays: Vec<(&str, Vec<usize>, Vec<f32>)> = vec![
        ("weight", vec![64, 5], huge),
        ("visible_bias", vec![64], vec![1e38; 64]),
        ("hidden_bias", vec![5], vec![1.0; 5]),
    ];
    write_safetensors(&folder.join("huge.safetensors"), &arrays);
    #[rustfmt::skip]
    let import = ["import", "huge.safetensors", "--model", "rbm", "--shape", "1x8x8", "--out", "huge"];
    succeed(folder, &import);
    GrayImage::from_pixel(8, 8, image::Luma([255]))
        .save(folder.join("white.png"))
        .unwrap();
    let before = snapshot(folder);
    #[rustfmt::skip]
    let cases: &[&[&str]] = &[
        &["logz", "--run", "huge", "--method", "exact"],
        &["logz", "--run", "huge", "--method", "ais", "--temperatures", "10", "--sweeps", "4"],
        &["sample", "--run", "huge", "--steps", "2", "--out", "s.png"],
        &["sample", "--run", "huge", "--steps", "2", "--out", "s.npz"],
        &["inpaint", "--run", "huge", "white.png", "--steps", "2", "--out", "s.png"],
        &["denoise", "--run", "huge", "white.png", "--noise", "0.1", "--steps", "2", "--out", "s.png"],
        &["compare", "white.png", "a.png", "--run", "huge"],
        &["compose", "huge", "huge", "--weights", "0.5,1", "--steps", "1", "--out", "s.png"],
    ];
    for arguments in cases {
        let output = crate::run(folder, arguments);
        let (said, complaint) = (crate::text(&output.stdout), crate::text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {said}{complaint}"
        );
        assert!(
            complaint.contains("overflow 32 bits"),
            "{arguments:?}: {complaint}"
        );
        assert!(
            !said.contains("NaN") && !said.contains("null"),
            "{arguments:?}: {said}"
        );
        assert_eq!(snapshot(folder), before, "{arguments:?} changed a file");
    }
    let arguments = [
        "compose",
        "rbm",
        "rbm",
        "--weights",
        "1e300,1",
        "--steps",
        "1",
    ];
    refuse_in_a_line(
        folder,
        &arguments,
        2,
        &["`--weights`", "1e300", "overflow 32 bits"],
    );
}

/// A file of float arrays: the length of the header, the header, the bytes.
fn write_safetensors(path: &Path, arrays: &[(&str, Vec<usize>, Vec<f32>)]) {
    let (mut entries, mut bytes) = (Vec::new(), Vec::new());
    for (name, shape, values) in arrays {
        let start = bytes.len();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let end = bytes.len();
        entries.push(format!(
            r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(bytes);
    fs::write(path, file).unwrap();
}
