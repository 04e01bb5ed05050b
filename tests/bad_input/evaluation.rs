//! `ebm logz` and `ebm eval` of what can't be judged, on data that don't fit, with flags that make
//! no sense.

use std::fs;
use std::path::Path;

use crate::common::{idx_folder, images, snapshot, succeed, train, workspace};
use crate::{refuse, refuse_in_a_line};

/// A restricted machine of 64 and 5 units in `rbm`, and one of 64 and 26 in `large`.
fn machines(folder: &Path) {
    for (out, hidden) in [("rbm", "model.hidden=5"), ("large", "model.hidden=26")] {
        #[rustfmt::skip]
        let arguments = [
            "train", "--preset", "rbm-digits", "--backend", "flex", "--out", out, "--set", hidden,
            "--set", "training={steps=1, batch_size=8}", "--set", "data.limit=20",
            "--set", "output={sample_count=1, sample_steps=1}",
        ];
        succeed(folder, &arguments);
    }
}

#[test]
fn models_that_cannot_be_judged() {
    let folder = workspace();
    machines(folder.path());
    train(folder.path(), "network", &[]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["logz", "--run", "network"], 2, &["partition function", "Boltzmann machines", "not for this mlp"]),
        (&["logz", "--run", "empty"], 2, &["empty is not a run folder", "no config.toml"]),
        (&["logz", "--run", "absent"], 2, &["absent is not a run folder"]),
        (&["eval", "--run", "empty"], 2, &["empty is not a run folder", "no config.toml"]),
        (&["eval", "--run", "tiny.toml"], 2, &["tiny.toml is not a run folder"]),
        (&["logz", "--run", "large", "--method", "exact"], 2, &["2^26 states", "at most 25", "`--method ais`"]),
    ];
    for (arguments, code, needles) in cases {
        let message = refuse(folder.path(), arguments, *code, needles);
        assert_eq!(message.trim_end().lines().count(), 1, "{message}");
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
    }
}

#[test]
fn data_that_do_not_fit() {
    let folder = workspace();
    machines(folder.path());
    idx_folder(&folder.path().join("small"), &images(9, [1, 4, 5]));
    fs::create_dir(folder.path().join("empty")).unwrap();
    succeed(
        folder.path(),
        &["export", "--run", "rbm", "rbm.safetensors"],
    );
    let import = [
        "import",
        "rbm.safetensors",
        "--model",
        "rbm",
        "--out",
        "imported",
    ];
    succeed(folder.path(), &import);
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["--run", "rbm", "--data", "small"], 1, &["small", "[1, 4, 5]", "takes [1, 8, 8]"]),
        (&["--run", "rbm", "--data", "absent"], 1, &["absent: found nothing", "expected a folder"]),
        (&["--run", "rbm", "--data", "empty"], 1, &["empty: found no data set"]),
        (&["--run", "rbm", "--data", "tiny.toml"], 1, &["tiny.toml: found a file", "expected a folder"]),
    ];
    for command in ["logz", "eval"] {
        for (more, code, needles) in cases {
            let arguments = [&[command], *more].concat();
            refuse_in_a_line(folder.path(), &arguments, *code, needles);
            assert_eq!(
                snapshot(folder.path()),
                before,
                "{arguments:?} changed a file"
            );
        }
    }
    let arguments = ["eval", "--run", "imported"];
    let needles = ["`data.path`", "found nothing", "--data DIR"];
    refuse_in_a_line(folder.path(), &arguments, 2, &needles);
}

#[test]
fn flags_of_partition_functions() {
    let folder = workspace();
    machines(folder.path());
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("late.txt", "0.1\n0.5\n1\n");
    write("early.txt", "0\n0.5\n");
    write("falling.txt", "0\n0.5\n\n0.4\n1\n");
    write("words.txt", "0\nhalf\n1\n");
    write("nan.txt", "0 nan 1\n");
    write("marked.txt", "\u{feff}0\n0.5\n1\n");
    let marked = [
        "--method",
        "ais",
        "--chains",
        "5",
        "--temperatures",
        "marked.txt",
    ];
    succeed(
        folder.path(),
        &[&["logz", "-q", "--run", "rbm"][..], &marked].concat(),
    );
    write("none.txt", "# nothing\n");
    let before = snapshot(folder.path());
    #[rustfmt::skip]
    let cases: &[(&[&str], &[&str])] = &[
        (&["--temperatures", "1"], &["`--temperatures`", "found 1", "2 to 10000000"]),
        (&["--temperatures", "0"], &["`--temperatures`", "found 0"]),
        (&["--temperatures", "1000000000000"], &["`--temperatures`", "found 1000000000000"]),
        (&["--temperatures", "absent.txt"], &["`--temperatures`", "`absent.txt`", "salakhutdinov2008", "No such file"]),
        (&["--temperatures", "."], &["`--temperatures`", "`.`", "directory"]),
        (&["--temperatures", "late.txt"], &["`--temperatures`", "late.txt", "starts with 0.1 in line 1", "expected 0"]),
        (&["--temperatures", "early.txt"], &["early.txt", "ends with 0.5 in line 2", "expected 1"]),
        (&["--temperatures", "falling.txt"], &["falling.txt", "0.4 in line 4", "0.5 before it"]),
        (&["--temperatures", "words.txt"], &["words.txt", "`half` in line 2"]),
        (&["--temperatures", "nan.txt"], &["nan.txt", "NaN in line 1", "not finite"]),
        (&["--temperatures", "none.txt"], &["none.txt", "empty", "from 0 to 1"]),
        (&["--method", "guess"], &["'guess'", "exact, ais or auto"]),
        (&["--chains", "1"], &["'1'", "2..=100000"]),
        (&["--chains", "x"], &["'x'"]),
        (&["--sweeps", "-1"], &["'-1'"]),
        (&["--seed", "-1"], &["'-1'"]),
        (&["--backend", "tpu"], &["`tpu`"]),
    ];
    for command in ["logz", "eval"] {
        for (more, needles) in cases {
            let arguments = [&[command, "--run", "rbm"], *more].concat();
            refuse(folder.path(), &arguments, 2, needles);
            assert_eq!(
                snapshot(folder.path()),
                before,
                "{arguments:?} changed a file"
            );
        }
    }
    #[rustfmt::skip]
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["--damage", "1.5"], 2, &["'1.5'", "0 to 1"]),
        (&["--damage", "x"], 2, &["'x'", "0 to 1"]),
        (&["--log-partition", "nan"], 2, &["'nan'", "finite"]),
        (&["--log-partition", "many"], 2, &["'many'", "finite"]),
        (&["--out", "tiny.toml"], 2, &["`--out`", "a file is in the way of tiny.toml", "--out DIR"]),
        (&["--out", "tiny.toml/report"], 2, &["`--out`", "a file is in the way of tiny.toml/report"]),
    ];
    for (more, code, needles) in cases {
        let arguments = [&["eval", "--run", "rbm"], *more].concat();
        refuse(folder.path(), &arguments, *code, needles);
        assert_eq!(
            snapshot(folder.path()),
            before,
            "{arguments:?} changed a file"
        );
    }
}
