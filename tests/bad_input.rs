//! Bad input of every kind: one clear message that names what is wrong, an exit code, and nothing overwritten.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{
    checkpoint_path, cifar_folder, idx_folder, images, names, png_folder, run, snapshot, text,
    train, workspace,
};
use ebm::training::data::idx;

/// Runs the command, which must refuse: the exit code, one message, all of `needles` in it, no panic, nothing
/// on the standard output. Gives the message.
fn refuse(folder: &Path, arguments: &[&str], code: i32, needles: &[&str]) -> String {
    let output = run(folder, arguments);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    let command = format!("`ebm {}` said: {complaint}", arguments.join(" "));
    assert_eq!(output.status.code(), Some(code), "{command}{said}");
    assert!(!complaint.contains("panicked"), "{command}");
    assert!(complaint.starts_with("error: "), "{command}");
    let errors = complaint.lines().filter(|line| line.starts_with("error"));
    assert_eq!(errors.count(), 1, "{command}");
    for needle in needles {
        assert!(complaint.contains(needle), "no `{needle}`: {command}");
    }
    assert_eq!(said, "", "{command}");
    complaint
}

/// As [`refuse`], for messages of our own, which are one line (those of clap and of the TOML parser, which
/// shows the place, are not).
fn refuse_in_a_line(folder: &Path, arguments: &[&str], code: i32, needles: &[&str]) {
    let complaint = refuse(folder, arguments, code, needles);
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
}

/// `ebm train tiny.toml --out out` with changes must be refused before anything is written.
fn refuse_to_train(folder: &Path, more: &[&str], code: i32, needles: &[&str]) {
    let arguments = [&["train", "tiny.toml", "--out", "out"], more].concat();
    refuse_in_a_line(folder, &arguments, code, needles);
    assert!(!folder.join("out").exists(), "{more:?} left a folder");
}

#[test]
fn values_out_of_range() {
    const HUGE: &str = "1e300";
    let cases: &[(&str, &str, &str)] = &[
        // What is set, the key in the message if it is another, what was expected.
        ("data.range=[1, -1]", "data.range", "the lower first"),
        ("data.range=[0, 0]", "data.range", "the lower first"),
        ("data.range=[nan, 1]", "data.range", "found [NaN, 1.0]"),
        ("data.range=[-inf, inf]", "data.range", "finite"),
        ("data.range=[-1e308, 1e308]", "data.range", "32 bits"),
        ("data.range=[0, 1e-320]", "data.range", "32 bits"),
        ("data.limit=0", "data.limit", "at least 1"),
        ("data={kind=\"two_moons\", count=0}", "data.count", "from 1"),
        (
            "data={kind=\"two_moons\", count=1000000000000}",
            "data.count",
            "to 100000000",
        ),
        (
            "data={kind=\"two_moons\", noise=-0.1}",
            "data.noise",
            "at least 0",
        ),
        (
            "data={kind=\"two_moons\", noise=nan}",
            "data.noise",
            "at least 0",
        ),
        ("data={kind=\"folder\"}", "data.path", "--data DIR"),
        (
            "data={kind=\"folder\", path=\"x\", channels=2}",
            "data.channels",
            "1 (grey) or 3",
        ),
        (
            "data={kind=\"folder\", path=\"x\", size=[0, 8]}",
            "data.size",
            "1 to 4096",
        ),
        (
            "data={kind=\"folder\", path=\"x\", size=[8, 5000]}",
            "data.size",
            "1 to 4096",
        ),
        ("model.hidden=[8, 0]", "model.hidden", "from 1"),
        (
            "model.hidden=[9223372036854775807]",
            "model.hidden",
            "to 1048576",
        ),
        (
            "model={kind=\"conv_net\", hidden=0}",
            "model.hidden",
            "from 1",
        ),
        (
            "model={kind=\"conv_net\", layers=[[0, 3, 1, 1]]}",
            "model.layers",
            "[0, 3, 1, 1]",
        ),
        (
            "model={kind=\"conv_net\", layers=[[2, 0, 1, 0]]}",
            "model.layers",
            "kernel",
        ),
        (
            "model={kind=\"conv_net\", layers=[[2, 3, 0, 1]]}",
            "model.layers",
            "stride",
        ),
        (
            "model={kind=\"conv_net\", layers=[[2, 3, 1, 3]]}",
            "model.layers",
            "padding below",
        ),
        ("sampler.steps=0", "sampler.steps", "at least 1"),
        ("sampler.step_size=0", "sampler.step_size", "above 0"),
        ("sampler.step_size=1e300", "sampler.step_size", HUGE),
        ("sampler.noise=-1", "sampler.noise", "at least 0"),
        ("sampler.noise=none", "sampler.noise", "exactly one of"),
        (
            "sampler.temperature=1",
            "sampler.noise",
            "both noise and temperature",
        ),
        (
            "sampler={kind=\"langevin\", steps=1, step_size=1, temperature=-1}",
            "sampler.temperature",
            "at least 0",
        ),
        (
            "sampler.gradient_clip=0",
            "sampler.gradient_clip",
            "above 0",
        ),
        (
            "sampler={kind=\"metropolis\", steps=0, scale=1}",
            "sampler.steps",
            "at least 1",
        ),
        (
            "sampler={kind=\"metropolis\", steps=1, scale=0}",
            "sampler.scale",
            "above 0",
        ),
        (
            "sampler={kind=\"metropolis\", steps=1, scale=1, temperature=0}",
            "sampler.temperature",
            "above 0",
        ),
        (
            "chains.capacity=7",
            "chains.capacity",
            "training.batch_size, 8",
        ),
        (
            "chains.capacity=1000000000000",
            "chains.capacity",
            "at most 2147483647",
        ),
        (
            "chains.capacity=2000000000",
            "chains.capacity",
            "fit into memory",
        ),
        (
            "chains.fresh_fraction=1.01",
            "chains.fresh_fraction",
            "0 to 1",
        ),
        (
            "chains.fresh_fraction=-0.1",
            "chains.fresh_fraction",
            "0 to 1",
        ),
        (
            "chains.fresh_fraction=nan",
            "chains.fresh_fraction",
            "0 to 1",
        ),
        (
            "objective.energy_regularizer=-1",
            "objective.energy_regularizer",
            "at least 0",
        ),
        (
            "objective.energy_regularizer=inf",
            "objective.energy_regularizer",
            "found inf",
        ),
        (
            "optimizer.learning_rate=0",
            "optimizer.learning_rate",
            "above 0",
        ),
        (
            "optimizer.learning_rate=nan",
            "optimizer.learning_rate",
            "found NaN",
        ),
        (
            "optimizer.learning_rate=1e300",
            "optimizer.learning_rate",
            HUGE,
        ),
        ("optimizer.beta_1=1", "optimizer.beta_1", "below 1"),
        ("optimizer.beta_2=-0.1", "optimizer.beta_2", "at least 0"),
        // Above the largest number below 1 that the device has.
        (
            "optimizer.beta_2=0.99999999999",
            "optimizer.beta_2",
            "0.9999999",
        ),
        ("optimizer.epsilon=0", "optimizer.epsilon", "above 0"),
        ("optimizer.epsilon=1e-300", "optimizer.epsilon", "1e-37"),
        (
            "optimizer.weight_decay=-1",
            "optimizer.weight_decay",
            "at least 0",
        ),
        (
            "optimizer.gradient_clip=-1",
            "optimizer.gradient_clip",
            "above 0",
        ),
        (
            "optimizer={kind=\"sgd\", learning_rate=1, momentum=1}",
            "optimizer.momentum",
            "below 1",
        ),
        (
            "optimizer={kind=\"sgd\", learning_rate=1, weight_decay=-1}",
            "optimizer.weight_decay",
            "at least 0",
        ),
        (
            "schedule.decay={kind=\"exponential\", factor=0, every=1}",
            "schedule.decay.factor",
            "above 0",
        ),
        (
            "schedule.decay={kind=\"exponential\", factor=2, every=1}",
            "schedule.decay.factor",
            "at most 1",
        ),
        (
            "schedule.decay={kind=\"exponential\", factor=1, every=0}",
            "schedule.decay.every",
            "at least 1",
        ),
        (
            "schedule.decay={kind=\"cosine\", final_factor=2}",
            "schedule.decay.final_factor",
            "0 to 1",
        ),
        (
            "schedule.decay={kind=\"linear\", final_factor=nan}",
            "schedule.decay.final_factor",
            "0 to 1",
        ),
        ("training.steps=0", "training.steps", "at least 1"),
        ("training.batch_size=0", "training.batch_size", "at least 1"),
        ("training.batch_size=-8", "training.batch_size", "-8"),
        (
            "training.data_noise=-1",
            "training.data_noise",
            "at least 0",
        ),
        ("training.ema_decay=1", "training.ema_decay", "below 1"),
        (
            "recovery.max_bad_steps=0",
            "recovery.max_bad_steps",
            "at least 1",
        ),
        (
            "recovery.energy_limit=0",
            "recovery.energy_limit",
            "above 0",
        ),
        (
            "recovery.energy_limit=inf",
            "recovery.energy_limit",
            "found inf",
        ),
        ("output.log_every=0", "output.log_every", "at least 1"),
        ("output.sample_every=0", "output.sample_every", "at least 1"),
        ("output.sample_count=0", "output.sample_count", "from 1"),
        (
            "output.sample_count=1000000000000",
            "output.sample_count",
            "to 10000",
        ),
        (
            "output.checkpoint_every=0",
            "output.checkpoint_every",
            "at least 1",
        ),
        (
            "output.keep_checkpoints=1",
            "output.keep_checkpoints",
            "at least 2",
        ),
    ];
    let folder = workspace();
    for (change, key, expected) in cases {
        refuse_to_train(
            folder.path(),
            &["--set", change],
            2,
            &[&format!("`{key}`"), "found ", "expected ", expected],
        );
    }
}

#[test]
fn keys_and_types() {
    let cases: &[(&str, &[&str])] = &[
        (
            "foo=1",
            &["key `foo`", "expected one of `seed`", "`output`"],
        ),
        ("foo.bar=1", &["key `foo`"]),
        (
            "training.step=5",
            &["key `training.step`", "expected one of `steps`"],
        ),
        (
            "model.widths=[5]",
            &["key `model.widths`", "expected `hidden` or `activation`"],
        ),
        (
            "schedule.decay={kind=\"constant\", rate=1}",
            &["key `schedule.decay.rate`"],
        ),
        (
            "model.kind=transformer",
            &[
                "key `model.kind`",
                "\"transformer\"",
                "\"mlp\" \"conv_net\"",
            ],
        ),
        ("model.kind=5", &["key `model.kind`", "found 5"]),
        ("model.kind=none", &["key `model.kind`", "missing"]),
        // What the kind before leaves behind, and how to be rid of it.
        (
            "chains.kind=data",
            &[
                "key `chains.capacity`",
                "--set chains.capacity=none",
                "'chains={kind=\"data\"}'",
            ],
        ),
        (
            "model=5",
            &["key `model`", "integer `5`", "expected a section"],
        ),
        ("model=none", &["key `model`", "found nothing"]),
        (
            "model.hidden=6",
            &["key `model.hidden`", "integer `6`", "expected a list"],
        ),
        (
            "model.hidden=[[6]]",
            &["key `model.hidden[0]`", "list", "whole number"],
        ),
        (
            "model.activation=step",
            &["key `model.activation`", "`step`", "leaky_relu(SLOPE)"],
        ),
        (
            "model.activation=leaky_relu(nan)",
            &["key `model.activation`"],
        ),
        (
            "data.range=[1, 2, 3]",
            &["key `data.range`", "list of length 3"],
        ),
        ("data.range=1", &["key `data.range`", "length 2"]),
        (
            "data={kind=\"folder\", path=5}",
            &["key `data.path`", "integer `5`"],
        ),
        (
            "data={kind=\"folder\", path=\"x\", fit=\"pad\"}",
            &["key `data.fit`", "`pad`", "`crop`"],
        ),
        (
            "training.steps=many",
            &["key `training.steps`", "\"many\"", "whole number"],
        ),
        (
            "training.steps=1.5",
            &["key `training.steps`", "`1.5`", "whole number"],
        ),
        (
            "training.steps=-1",
            &["key `training.steps`", "`-1`", "at least 0"],
        ),
        (
            "training.steps=none",
            &["key `training.steps`", "found nothing"],
        ),
        (
            "training.ema_decay=\"x\"",
            &["key `training.ema_decay`", "\"x\"", "a number"],
        ),
        ("schedule=5", &["key `schedule`", "expected a section"]),
        (
            "schedule.decay=5",
            &["key `schedule.decay`", "expected a section"],
        ),
        ("sampler.clamp=1", &["key `sampler.clamp`", "a boolean"]),
        ("seed=-1", &["key `seed`", "`-1`"]),
        (
            "seed=9223372036854775808",
            &["seed=9223372036854775808", "at most 9223372036854775807"],
        ),
        ("backend=5", &["key `backend`", "a string"]),
        ("backend=tpu", &["backend `tpu`", "flex"]),
        (
            "training.steps",
            &["`--set training.steps`", "no `=`", "training.steps=500"],
        ),
        ("=5", &["`--set =5`", "key is empty"]),
        ("a..b=5", &["`--set a..b=5`", "key is empty"]),
        ("seed.x=5", &["`--set seed.x=5`", "`seed` is not a section"]),
    ];
    let folder = workspace();
    for (change, needles) in cases {
        refuse_to_train(folder.path(), &["--set", change], 2, needles);
    }
}

#[test]
fn configuration_files() {
    let folder = workspace();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("half.toml", b"seed = 1\n[data\n");
    write("twice.toml", b"seed = 1\nseed = 2\n");
    write("binary.toml", b"\xff\xfe\x00");
    write("empty.toml", b"");
    write("list.toml", b"[[data]]\nkind = \"digits\"\n");
    write("seed.toml", b"seed = 9223372036854775808\n");
    fs::create_dir(folder.path().join("folder.toml")).unwrap();
    for (file, needles) in [
        ("absent.toml", &["absent.toml", "No such file"][..]),
        ("folder.toml", &["folder.toml", "directory"]),
        ("half.toml", &["half.toml", "line 2", "expected `]`"]),
        ("twice.toml", &["twice.toml", "line 2", "duplicate"]),
        ("binary.toml", &["binary.toml", "UTF-8"]),
        ("empty.toml", &["empty.toml", "key `data`", "found nothing"]),
        (
            "list.toml",
            &["list.toml", "key `data`", "expected a section"],
        ),
        ("seed.toml", &["seed.toml", "line 1", "9223372036854775808"]),
    ] {
        refuse(folder.path(), &["train", file, "--out", "out"], 2, needles);
        refuse(folder.path(), &["config", file], 2, needles);
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn flags() {
    let folder = workspace();
    for (arguments, needles) in [
        (
            &["--preset", "imagenet"][..],
            &["`imagenet`", "digits", "two-moons"][..],
        ),
        (&["tiny.toml", "--preset", "digits"], &["'--preset <NAME>'"]),
        (
            &["tiny.toml", "--backend", "tpu"],
            &["backend `tpu`", "auto", "flex"],
        ),
        (&["tiny.toml", "--backend", ""], &["backend ``"]),
        (&["tiny.toml", "--device", "-1"], &["'-1'"]),
        (&["tiny.toml", "--device", "x"], &["'x'", "--device"]),
        (&["tiny.toml", "--seed", "-1"], &["'-1'"]),
        (
            &["tiny.toml", "--seed", "9223372036854775808"],
            &["--seed", "9223372036854775807"],
        ),
        (
            &["tiny.toml", "--time-limit", "5"],
            &["--time-limit", "`5`", "90s"],
        ),
        (&["tiny.toml", "--time-limit", "5d"], &["`5d`"]),
        (&["tiny.toml", "--time-limit", "5é"], &["`5é`"]),
        (&["tiny.toml", "--time-limit", "nans"], &["`nans`"]),
        (&["tiny.toml", "--time-limit", "1e300h"], &["`1e300h`"]),
        (&["tiny.toml", "--data", ""], &["--data"]),
        (&["tiny.toml", "--wat"], &["'--wat'"]),
    ] {
        let arguments = [&["train", "--out", "out"], arguments].concat();
        refuse(folder.path(), &arguments, 2, needles);
        assert!(!folder.path().join("out").exists(), "{arguments:?}");
    }
    // Not a mistake in what was written, but a machine without the device.
    refuse_to_train(
        folder.path(),
        &["--backend", "flex", "--device", "7"],
        1,
        &["flex", "no device 7", "use `--device 0`"],
    );
}

#[test]
fn backends_that_are_not_compiled_in() {
    let folder = workspace();
    for backend in ebm::backend::Backend::ALL {
        if backend.is_compiled_in() {
            continue;
        }
        let name = backend.name();
        let needles = [
            &format!("`{name}` is not compiled in"),
            &format!("--features {name}"),
        ];
        let needles = needles.map(String::as_str);
        refuse_to_train(folder.path(), &["--backend", name], 2, &needles);
        let change = format!("backend={name}");
        refuse_to_train(folder.path(), &["--set", &change], 2, &needles);
    }
}

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
    fs::copy(
        at("web/train-images-idx3-ubyte"),
        at("nothing/train-images-idx3-ubyte"),
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
    let cases: &[(&str, &[&str], i32, &[&str])] = &[
        (
            "absent",
            &[],
            1,
            &["absent: found nothing", "expected a folder"],
        ),
        (
            "tiny.toml",
            &[],
            1,
            &["tiny.toml: found a file", "expected a folder"],
        ),
        (
            "empty",
            &[],
            1,
            &[
                "empty: found no data set",
                "train-images-idx3-ubyte",
                "*.png",
            ],
        ),
        (
            "short",
            &[],
            1,
            &[
                "short/train-images-idx3-ubyte",
                "found 100 bytes, expected 196",
            ],
        ),
        (
            "header",
            &[],
            1,
            &[
                "header/train-images-idx3-ubyte",
                "found 9 bytes, expected 16",
            ],
        ),
        (
            "nothing",
            &[],
            1,
            &["nothing/train-images-idx3-ubyte", "found 0 bytes"],
        ),
        (
            "long",
            &[],
            1,
            &["long/train-images-idx3-ubyte", "more bytes after the 196"],
        ),
        (
            "web",
            &[],
            1,
            &[
                "web/train-images-idx3-ubyte",
                "[3c, 68, 74, 6d]",
                "right file",
            ],
        ),
        (
            "floats",
            &[],
            1,
            &["floats/train-images-idx3-ubyte", "f32", "unsigned bytes"],
        ),
        (
            "lying",
            &[],
            1,
            &[
                "lying/train-images-idx3-ubyte",
                "4294967295",
                "fits into memory",
            ],
        ),
        (
            "none",
            &[],
            1,
            &["none/train-images-idx3-ubyte", "found no images"],
        ),
        (
            "labels",
            &[],
            1,
            &[
                "labels/train-images-idx3-ubyte",
                "those of labels",
                "which file is which",
            ],
        ),
        (
            "uneven",
            &[],
            1,
            &["train-labels-idx1-ubyte", "found 3 labels, expected 9"],
        ),
        (
            "gzip",
            &[],
            1,
            &[
                "gzip/train-images-idx3-ubyte.gz",
                "corrupt",
                "gzip",
                "fetch the file again",
            ],
        ),
        (
            "test-only",
            &[],
            1,
            &["test-only", "train-images-idx3-ubyte"],
        ),
        (
            "cifar",
            &[],
            1,
            &["cifar: found no file", "data_batch_3.bin"],
        ),
        (
            "cifar-short",
            &[],
            1,
            &["data_batch_2.bin", "found 3072 bytes", "3073"],
        ),
        (
            "cifar-label",
            &[],
            1,
            &["data_batch_1.bin", "found label 10", "0 to 9"],
        ),
        (
            "whole",
            &["--set", "data.size=[5, 5]"],
            1,
            &["whole: found images of 1x4x5, expected 1x5x5"],
        ),
        (
            "whole",
            &["--set", "data.channels=3"],
            1,
            &["whole: found images of 1x4x5, expected 3x4x5"],
        ),
        (
            "png",
            &[],
            2,
            &["`data.size`", "found nothing", "PNG or JPEG"],
        ),
        (
            "png",
            &["--set", "data.size=[6, 6]"],
            2,
            &["`data.channels`", "found nothing"],
        ),
        (
            "png",
            &[size, exact].concat(),
            1,
            &["png/000.png: found images of 1x5x7, expected 1x6x6"],
        ),
        (
            "broken",
            size,
            1,
            &["broken/004.png", "no decodable image", "replace the file"],
        ),
        (
            "mixed",
            size,
            1,
            &["mixed", "000.png", "cat/000.png", "move"],
        ),
        // Data that can be read, but not trained on.
        (
            "whole",
            &["--set", "training.batch_size=10"],
            2,
            &["`training.batch_size`", "found 10", "examples, 9"],
        ),
        (
            "whole",
            &["--set", "model={kind=\"conv_net\", layers=[[2, 7, 1, 1]]}"],
            2,
            &["`model`", "1x4x5", "kernel of 7 pixels", "smaller layers"],
        ),
        (
            "whole",
            &["--set", "model.hidden=[1000000, 1000000]"],
            2,
            &["`model`", "GB", "smaller"],
        ),
        (
            "png",
            &[
                "--set",
                "data.channels=1",
                "--set",
                "data.size=[4096, 4096]",
                "--set",
                "output.sample_count=10000",
            ],
            1,
            &["10000 samples", "GB", "output.sample_count"],
        ),
    ];
    for (data, more, code, needles) in cases {
        let more = [&["--data", data], *more].concat();
        refuse_to_train(folder.path(), &more, *code, needles);
    }
}

#[test]
fn output_folders() {
    let folder = workspace();
    train(folder.path(), "old", &[]);
    fs::create_dir(folder.path().join("foreign")).unwrap();
    fs::write(folder.path().join("foreign/thesis.txt"), "all of it").unwrap();
    fs::create_dir(folder.path().join("hidden")).unwrap();
    fs::write(folder.path().join("hidden/.keep"), "").unwrap();
    let before = snapshot(folder.path());
    for (out, code, needles) in [
        (
            "old",
            2,
            &[
                "old is not empty",
                "nothing was overwritten",
                "`ebm resume old`",
            ][..],
        ),
        ("foreign", 2, &["foreign is not empty", "--out DIR"]),
        ("hidden", 2, &["hidden is not empty"]),
        ("tiny.toml", 1, &["tiny.toml", "Not a directory"]),
        ("tiny.toml/run", 1, &["tiny.toml/run", "Not a directory"]),
    ] {
        let arguments = ["train", "tiny.toml", "--out", out];
        refuse_in_a_line(folder.path(), &arguments, code, needles);
    }
    assert_eq!(snapshot(folder.path()), before);
    // An empty folder that is there already will do.
    fs::create_dir(folder.path().join("new")).unwrap();
    train(folder.path(), "new", &[]);
}

#[test]
fn resuming_with_another_configuration() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    train(
        folder.path(),
        "plain",
        &[
            "--set",
            "training.ema_decay=none",
            "--set",
            "chains={kind=\"noise\"}",
        ],
    );
    let checkpoint = "step-00000006.safetensors";
    let before = snapshot(folder.path());
    let cases: &[(&str, &str, i32, &[&str])] = &[
        (
            "out",
            "model.hidden=[7]",
            1,
            &[
                checkpoint,
                "layers.0.weight has shape [64, 6], expected [64, 7]",
                "config.toml",
            ],
        ),
        (
            "out",
            "model.hidden=[6, 6]",
            1,
            &[checkpoint, "layers.2.weight", "and 1 more"],
        ),
        (
            "out",
            "model={kind=\"conv_net\"}",
            1,
            &[
                checkpoint,
                "lacks the parameter convolutions.0.weight",
                "more",
            ],
        ),
        (
            "out",
            "data={kind=\"two_moons\", count=50}",
            1,
            &[checkpoint, "has shape [64, 6], expected [2, 6]"],
        ),
        (
            "out",
            "chains.capacity=25",
            1,
            &[checkpoint, "chains have shape [24, 64], expected [25, 64]"],
        ),
        (
            "out",
            "chains.storage=u8",
            1,
            &[checkpoint, "stored as f32, expected u8", "chains.storage"],
        ),
        (
            "out",
            "chains={kind=\"data\"}",
            1,
            &[checkpoint, "holds chains"],
        ),
        (
            "out",
            "training.ema_decay=none",
            1,
            &[checkpoint, "holds a moving average", "training.ema_decay"],
        ),
        (
            "plain",
            "training.ema_decay=0.9",
            1,
            &[checkpoint, "holds no moving average", "training.ema_decay"],
        ),
        (
            "plain",
            "chains={kind=\"persistent\"}",
            1,
            &[checkpoint, "holds no chains"],
        ),
        (
            "out",
            "data.limit=7",
            2,
            &["`training.batch_size`", "found 8", "examples, 7"],
        ),
        (
            "out",
            "model.widths=[7]",
            2,
            &["out/config.toml: key `model.widths`"],
        ),
        (
            "out",
            "training.steps",
            2,
            &["`--set training.steps`", "no `=`"],
        ),
    ];
    for (run, change, code, needles) in cases {
        let arguments = [
            "resume",
            run,
            "--set",
            change,
            "--set",
            "output.log_every=1",
        ];
        refuse_in_a_line(folder.path(), &arguments, *code, needles);
        assert_eq!(snapshot(folder.path()), before, "{change} changed a file");
    }
}

#[test]
fn folders_that_are_no_runs() {
    let folder = workspace();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::create_dir(folder.path().join("early")).unwrap();
    fs::copy(
        folder.path().join("tiny.toml"),
        folder.path().join("early/config.toml"),
    )
    .unwrap();
    for name in ["absent", "empty", "tiny.toml"] {
        let needles = [name, "is not a run folder", "no config.toml", "ebm train"];
        refuse_in_a_line(folder.path(), &["resume", name], 2, &needles);
        refuse_in_a_line(folder.path(), &["sample", "--run", name], 2, &needles);
    }
    assert!(names(&folder.path().join("empty")).is_empty());
    let arguments = ["sample", "--run", "early"];
    refuse_in_a_line(
        folder.path(),
        &arguments,
        1,
        &["no model in early", "ebm resume"],
    );
    let arguments = ["resume", "early"];
    refuse_in_a_line(folder.path(), &arguments, 1, &["early/checkpoints"]);
    fs::create_dir(folder.path().join("early/checkpoints")).unwrap();
    let needles = ["no checkpoint in early/checkpoints", "start it again"];
    refuse_in_a_line(folder.path(), &arguments, 1, &needles);
}

#[test]
fn damaged_files() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let out = folder.path().join("out");
    let newest = checkpoint_path(&out, 6);
    let model = out.join("model.safetensors");
    let damages: [(&str, fn(&mut Vec<u8>)); 5] = [
        ("a byte in the middle", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("a byte at the end", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2)),
        ("empty", Vec::clear),
        ("a lying header", |bytes| bytes[..8].fill(0xff)),
    ];
    for (what, damage) in damages {
        for (path, arguments, advice) in [
            (
                &newest,
                vec!["resume", "out", "--set", "training.steps=8"],
                "the checkpoint before it",
            ),
            (
                &model,
                vec!["sample", "--run", "out", "--out", "x.png"],
                "`ebm resume`",
            ),
        ] {
            let whole = fs::read(path).unwrap();
            let mut bytes = whole.clone();
            damage(&mut bytes);
            fs::write(path, &bytes).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let before = snapshot(folder.path());
            let needles = [name, "is corrupt (", "delete it", advice];
            refuse_in_a_line(folder.path(), &arguments, 1, &needles);
            assert_eq!(snapshot(folder.path()), before, "{what}");
            fs::write(path, whole).unwrap();
        }
    }
    // Every byte counts: one flipped bit anywhere is found, be it in the header.
    let whole = fs::read(&newest).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 300) {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        fs::write(&newest, &bytes).unwrap();
        assert!(
            ebm::training::Checkpoint::load(&newest).is_err(),
            "byte {place} can be damaged unseen"
        );
    }
    // The advice works: without the newest checkpoint, the one before is used.
    fs::remove_file(&newest).unwrap();
    let said = common::succeed(folder.path(), &["resume", "out"]);
    assert!(said.contains("resuming after step 4"), "{said}");
    // A model in the place of a checkpoint, and the other way round.
    let checkpoint = fs::read(&newest).unwrap();
    fs::copy(&model, &newest).unwrap();
    refuse_in_a_line(
        folder.path(),
        &["resume", "out"],
        1,
        &["it is no checkpoint"],
    );
    fs::write(&model, checkpoint).unwrap();
    refuse_in_a_line(
        folder.path(),
        &["sample", "--run", "out"],
        1,
        &["it is no model"],
    );
}

#[test]
fn sampling_flags() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    fs::create_dir(folder.path().join("folder.png")).unwrap();
    let before = snapshot(folder.path());
    for (more, code, needles) in [
        (&["-n", "0"][..], 2, &["'0'", "1..=10000"][..]),
        (&["-n", "4294967296"], 2, &["4294967296"]),
        (&["-n", "x"], 2, &["'x'"]),
        (&["--steps", "-1"], 2, &["'-1'"]),
        (&["--steps", "1.5"], 2, &["'1.5'"]),
        (&["--seed", "-1"], 2, &["'-1'"]),
        (&["--out", "grid"], 1, &["grid", ".png"]),
        (&["--out", "grid.gif"], 1, &["grid.gif", ".png"]),
        (
            &["--out", "absent/grid.png"],
            1,
            &["absent/grid.png", "make it first"],
        ),
        (
            &["--out", "tiny.toml/grid.png"],
            1,
            &["no folder tiny.toml"],
        ),
        (
            &["--out", "folder.png"],
            1,
            &["folder.png", "it is a folder"],
        ),
        (&["--backend", "tpu"], 2, &["`tpu`"]),
        (&["--device", "7", "--backend", "flex"], 1, &["no device 7"]),
    ] {
        let arguments = [&["sample", "--run", "out"], more].concat();
        refuse(folder.path(), &arguments, code, needles);
    }
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn training_that_diverges() {
    let folder = workspace();
    let arguments = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--set",
        "optimizer.learning_rate=1e30",
        "--set",
        "recovery={max_bad_steps=2, max_rollbacks=3}",
        "--set",
        "training.steps=50",
    ];
    let output = run(folder.path(), &arguments);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(
        complaint.starts_with("error: training diverged at step "),
        "{complaint}"
    );
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
    for needle in ["3 roll-backs", "optimizer.learning_rate", "out/checkpoints"] {
        assert!(complaint.contains(needle), "{complaint}");
    }
    assert_eq!(said.matches("was not applied").count(), 8, "{said}");
    for (number, rate) in [(1, "5.000e29"), (2, "2.500e29"), (3, "1.250e29")] {
        let line = format!("with learning rate {rate} (roll-back {number})");
        assert!(said.contains(&line), "no `{line}` in {said}");
    }
    // What it was before it diverged is there, and goes on with a learning rate that works.
    let arguments = [
        "resume",
        "out",
        "--set",
        "optimizer.learning_rate=0.001",
        "--set",
        "training.steps=8",
    ];
    let said = common::succeed(folder.path(), &arguments);
    assert!(said.contains("finished"), "{said}");
    let last = common::metrics(&folder.path().join("out")).pop().unwrap();
    assert_eq!(last["learning_rate"].as_f64(), Some(0.001));
}
