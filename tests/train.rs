//! `ebm train`, `sample`, `config` and `devices` from end to end: what they write and what they
//! say.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{
    RUN_FILES, TINY, checkpoint_steps, cifar_folder, config, ebm, files, idx_folder, images,
    metrics, names, png_folder, run, succeed, text, train, workspace,
};
use ebm::backend::Backend;
use ebm::run::ModelFile;
use ebm::run::config::{ConfigTable, PRESETS};

/// Changes that make a preset a matter of milliseconds, whatever its numbers are.
const SHORT: [&str; 12] = [
    "--set",
    "training.steps=2",
    "--set",
    "training.batch_size=4",
    "--set",
    "sampler.steps=2",
    "--set",
    "output={sample_count=4, sample_steps=2}",
    "--set",
    "backend=flex",
    "--set",
    "seed=3",
];

#[test]
fn a_run_folder_holds_what_the_help_promises() {
    let folder = workspace();
    let said = train(folder.path(), "out", &[]);
    let out = folder.path().join("out");
    assert!(said.contains("60 examples"), "{said}");
    assert!(said.contains("`ebm sample --run out`"), "{said}");
    assert_eq!(names(&out), RUN_FILES);

    let written = ConfigTable::from_file(&out.join("config.toml")).unwrap();
    assert_eq!(written.read().unwrap(), config(TINY, &[]));

    let lines = metrics(&out);
    let steps: Vec<u64> = lines
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [2, 4, 6]);
    for line in &lines {
        for key in [
            "loss",
            "data_energy",
            "sample_energy",
            "gap",
            "gradient_norm",
            "displacement",
            "learning_rate",
            "steps_per_second",
            "samples_per_second",
            "seconds",
        ] {
            let value = line[key].as_f64();
            assert!(value.is_some_and(f64::is_finite), "{key}: {line}");
        }
        let gap = line["sample_energy"].as_f64().unwrap() - line["data_energy"].as_f64().unwrap();
        assert!((gap - line["gap"].as_f64().unwrap()).abs() < 1e-6, "{line}");
        assert!(line["displacement"].as_f64().unwrap() > 0.0, "{line}");
    }

    assert_eq!(
        names(&out.join("samples")),
        ["step-00000003.png", "step-00000006.png"]
    );
    for picture in files(&out.join("samples")) {
        // Four samples of 8x8, each enlarged to 48x48, in a frame of 2 pixels.
        let picture = image::open(&picture).unwrap();
        assert_eq!((picture.width(), picture.height()), (102, 102));
    }
    image::open(out.join("energies.png")).unwrap();
    assert_eq!(checkpoint_steps(&out), [4, 6]);
    assert_eq!(
        names(&out.join("checkpoints")).len(),
        2,
        "more than the two that are kept"
    );
}

#[test]
fn without_an_output_folder_runs_are_numbered() {
    let folder = workspace();
    for _ in 0..2 {
        succeed(folder.path(), &["train", "tiny.toml"]);
    }
    assert_eq!(names(&folder.path().join("runs")), ["tiny-1", "tiny-2"]);
}

#[test]
fn the_final_model_is_the_moving_average_of_the_last_checkpoint() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let out = folder.path().join("out");
    let device = ebm::backend::select("flex", 0).unwrap().device;
    let model = ModelFile::load(&out.join("model.safetensors"), &device).unwrap();
    assert_eq!(model.shape, [1, 8, 8]);
    assert_eq!(model.config, config(TINY, &[]));
    let checkpoint = ebm::training::Checkpoint::load(&common::checkpoint_path(&out, 6)).unwrap();
    let weights = ebm::training::weights(&model.model);
    assert_eq!(weights.len(), 4);
    for (name, data) in weights {
        let average = &checkpoint.tensors[&format!("average.{name}")];
        assert_eq!(data.as_bytes(), average.as_bytes(), "{name}");
        let raw = &checkpoint.tensors[&format!("model.{name}")];
        assert_ne!(data.as_bytes(), raw.as_bytes(), "{name}");
    }
}

#[test]
fn sampling_draws_as_many_as_asked_for_and_a_seed_repeats_them() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let sample = |name: &str, more: &[&str]| {
        let arguments = [
            &[
                "sample", "--run", "out", "-n", "5", "--steps", "3", "--out", name,
            ],
            more,
        ]
        .concat();
        let said = succeed(folder.path(), &arguments);
        assert!(said.contains("wrote 5 samples"), "{said}");
        let picture = image::open(folder.path().join(name)).unwrap();
        // Three columns and two rows of 50 pixels, and the frame.
        assert_eq!((picture.width(), picture.height()), (152, 102));
        picture.into_bytes()
    };
    let first = sample("a.png", &[]);
    assert_eq!(first, sample("b.png", &[]));
    assert_ne!(first, sample("c.png", &["--seed", "1"]));
}

#[test]
fn more_steps_of_a_chain_move_it_on() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let sample = |steps: &str| {
        let arguments = [
            "sample", "--run", "out", "-n", "1", "--steps", steps, "--out", "x.png",
        ];
        succeed(folder.path(), &arguments);
        fs::read(folder.path().join("x.png")).unwrap()
    };
    assert_ne!(sample("0"), sample("5"));
}

#[test]
fn the_printed_configuration_is_one_to_train_from() {
    let folder = workspace();
    for arguments in [
        vec!["config", "tiny.toml"],
        vec![
            "config",
            "tiny.toml",
            "--set",
            "training.ema_decay=none",
            "--seed",
            "9",
        ],
        vec!["config"],
        vec!["config", "--preset", "two-moons"],
    ] {
        let printed = succeed(folder.path(), &arguments);
        fs::write(folder.path().join("printed.toml"), &printed).unwrap();
        let again = succeed(folder.path(), &["config", "printed.toml"]);
        assert_eq!(printed, again, "{arguments:?}");
    }
    let printed = succeed(folder.path(), &["config", "tiny.toml", "--seed", "9"]);
    fs::write(folder.path().join("printed.toml"), &printed).unwrap();
    succeed(folder.path(), &["train", "printed.toml", "--out", "out"]);
    let written = fs::read_to_string(folder.path().join("out/config.toml")).unwrap();
    // The same configuration; only what is printed explains itself.
    let read = |text: &str| {
        ConfigTable::parse(text, "text".into())
            .unwrap()
            .read()
            .unwrap()
    };
    assert_eq!(read(&written), read(&printed));
    assert!(written.starts_with("seed = 9\n"), "{written}");
    let lines: Vec<&str> = printed.lines().collect();
    for pair in lines.windows(2) {
        let is_key = !pair[1].is_empty() && !pair[1].starts_with('#');
        assert!(
            !is_key || pair[0].starts_with("# "),
            "nothing explains {}",
            pair[1]
        );
    }
}

#[test]
fn devices_lists_every_backend_and_the_choice_of_auto() {
    let folder = workspace();
    let said = text(&run(folder.path(), &["devices"]).stdout);
    for backend in Backend::ALL {
        let line = said
            .lines()
            .find(|line| line.split_whitespace().next() == Some(backend.name()))
            .unwrap_or_else(|| panic!("{backend} is missing in:\n{said}"));
        let advice = format!("--features {backend}");
        assert_eq!(line.contains(&advice), !backend.is_compiled_in(), "{line}");
    }
    assert!(said.contains("--backend auto takes "), "{said}");
}

#[test]
fn every_preset_reads_and_its_text_says_what_it_means() {
    for (name, _) in PRESETS {
        let config = ConfigTable::from_preset(name)
            .unwrap()
            .read()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        config.validate().unwrap();
        let again = ConfigTable::parse(&config.to_toml().unwrap(), name.into()).unwrap();
        assert_eq!(again.read().unwrap(), config, "{name}");
    }
}

#[test]
fn every_preset_makes_a_step_on_data_of_its_kind() {
    let folder = workspace();
    idx_folder(&folder.path().join("idx"), &images(6, [1, 28, 28]));
    cifar_folder(&folder.path().join("cifar"), 2);
    for (name, text) in PRESETS {
        let data = match name {
            "cifar10" => vec!["--data", "cifar"],
            _ if text.contains("kind = \"folder\"") => vec!["--data", "idx"],
            _ => vec![],
        };
        // Sizes that only some kinds have.
        let changes: &[&str] = if text.contains("capacity") {
            &["--set", "chains.capacity=8"]
        } else {
            &[]
        };
        let arguments = [
            vec!["train", "--preset", name, "--out", name],
            data,
            changes.to_vec(),
            SHORT.to_vec(),
        ]
        .concat();
        let said = succeed(folder.path(), &arguments);
        assert!(said.contains("finished"), "{name}: {said}");
        let out = folder.path().join(name);
        image::open(out.join("samples/step-00000002.png")).unwrap();
        let picture = format!("{name}.png");
        let arguments = [
            "sample", "--run", name, "-n", "3", "--steps", "2", "--out", &picture,
        ];
        succeed(folder.path(), &arguments);
        image::open(folder.path().join(picture)).unwrap();
    }
}

#[test]
fn points_are_drawn_beside_the_true_and_the_learned_density() {
    let folder = workspace();
    let moons = ["--set", "data={kind=\"two_moons\", count=50}"];
    train(folder.path(), "out", &moons);
    let picture = image::open(folder.path().join("out/samples/step-00000006.png"))
        .unwrap()
        .into_rgb8();
    // Three squares of 300 pixels, gaps of 8, and titles above.
    assert_eq!(picture.dimensions(), (932, 342));
    let points = picture.pixels().filter(|pixel| pixel.0 == [255, 190, 70]);
    // Four samples of at most four pixels each; their chains stay in the picture.
    assert!((1..=16).contains(&points.count()));

    // What the grid says, with each picture; a resumed run goes on where it was.
    let lines = |run: &str| -> Vec<serde_json::Value> {
        let text = fs::read_to_string(folder.path().join(run).join("density.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let steps = |run| -> Vec<u64> {
        lines(run)
            .iter()
            .map(|line| line["step"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(steps("out"), [3, 6]);
    for line in lines("out") {
        assert!(line["divergence"].as_f64().unwrap() > 0.1, "{line}");
        assert!(line["border_mass"].as_f64().unwrap() > 0.0, "{line}");
    }
    succeed(
        folder.path(),
        &["resume", "out", "--set", "training.steps=7"],
    );
    assert_eq!(steps("out"), [3, 6, 7]);

    // Without noise there is no true density, and two squares are left.
    let curves = ["--set", "data={kind=\"rings\", count=50, noise=0}"];
    train(folder.path(), "curves", &curves);
    let picture = image::open(folder.path().join("curves/samples/step-00000006.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (624, 342));
    assert!(lines("curves")[0]["divergence"].is_null());
}

#[test]
fn folders_of_each_format_are_trained_on() {
    let folder = workspace();
    idx_folder(&folder.path().join("idx"), &images(10, [1, 4, 5]));
    png_folder(&folder.path().join("png"), 10, 7, 9);
    cifar_folder(&folder.path().join("cifar"), 2);
    let png: &[&str] = &["--set", "data.channels=3", "--set", "data.size=[4, 6]"];
    let crop: &[&str] = &["--set", "data.limit=9"];
    // Without a test set one of nine or ten is held out.
    for (data, more, expected) in [
        ("idx", crop, "8 examples, 133 parameters"),
        ("png", png, "9 examples, 445 parameters"),
        ("cifar", &[][..], "9 examples, 18445 parameters"),
    ] {
        let said = train(
            folder.path(),
            &format!("out-{data}"),
            &[&["--data", data], more].concat(),
        );
        assert!(said.contains(expected), "{data}: {said}");
        // The run can be resumed from another folder: the data are named by their whole path.
        let elsewhere = folder.path().join("png");
        let arguments = [
            "resume",
            &format!("../out-{data}"),
            "--set",
            "training.steps=7",
        ];
        let said = succeed(&elsewhere, &arguments);
        assert!(said.contains("resuming after step 6"), "{said}");
    }
}

/// Nothing but a folder: the command chooses, says what, keeps it, and the run can be resumed.
#[test]
fn a_folder_of_own_images_is_trained_on_untuned() {
    let folder = workspace();
    for label in ["round", "square"] {
        let labelled = folder.path().join("own").join(label);
        png_folder(&labelled, 30, 12, 10);
        // One with a colour.
        image::RgbImage::from_pixel(12, 10, image::Rgb([200, 20, 20]))
            .save(labelled.join("red.png"))
            .unwrap();
    }
    let automatic = [
        "train",
        "--data",
        "own",
        "--minutes",
        "0.05",
        "--set",
        "backend=flex",
    ];
    let output = run(folder.path(), &[&automatic[..], &["--out", "out"]].concat());
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    // So few updates make no model: a verdict that says so is not what is tested.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{complaint}");
    assert!(complaint.contains("--minutes"), "{complaint}");
    for needle in [
        "62 images of 10x12, in colour, with 2 labels",
        "held out: a share of 0.1",
        "no longer than 4, 2 of them",
        "learning rate: 2e-3",
        "as measured on this machine",
        "set otherwise: backend=flex",
        "56 examples",
    ] {
        assert!(said.contains(needle), "no {needle} in {said}");
    }
    let out = folder.path().join("out");
    let kept = fs::read_to_string(out.join("chosen.txt")).unwrap();
    assert!(
        kept.lines().count() > 5 && said.contains(&kept),
        "{kept}\n{said}"
    );
    let written = fs::read_to_string(out.join("config.toml")).unwrap();
    let written = config(&written, &[]);
    // 3 seconds, of updates that take milliseconds.
    assert!((2..3000).contains(&written.training.steps));
    let steps = checkpoint_steps(&out);
    assert_eq!(steps.last(), Some(&written.training.steps));

    // A number of updates that is given is made.
    let given = [
        &automatic[..],
        &["--set", "training.steps=5", "--out", "given"],
    ]
    .concat();
    let output = run(folder.path(), &given);
    let said = text(&output.stdout);
    assert!(said.contains("updates: 5, as they were given"), "{said}");
    assert_eq!(
        checkpoint_steps(&folder.path().join("given")).last(),
        Some(&5)
    );

    // `ebm config` shows the choice, and what it shows trains.
    let shown = ["config", "--data", "own", "--set", "training.steps=4"];
    let shown = succeed(folder.path(), &shown);
    assert!(
        shown.starts_with("# 62 images") && shown.contains("\nsize = [10, 12]\n"),
        "{shown}"
    );
    fs::write(folder.path().join("own.toml"), shown).unwrap();
    let said = run(
        folder.path(),
        &["train", "own.toml", "--backend", "flex", "--out", "file"],
    );
    assert!(
        text(&said.stdout).contains("56 examples"),
        "{}",
        text(&said.stderr)
    );
    for (more, needle) in [
        (&["--minutes", "1", "--preset", "digits"][..], "--preset"),
        (&["--minutes", "0"], "above 0"),
    ] {
        let arguments = [&["train", "--data", "own"], more].concat();
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains(needle),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_gzip_idx_file_gives_the_same_run_as_a_plain_one() {
    let folder = workspace();
    let images = images(9, [1, 4, 5]);
    idx_folder(&folder.path().join("plain"), &images);
    fs::create_dir(folder.path().join("zipped")).unwrap();
    let path = folder.path().join("zipped/train-images-idx3-ubyte.gz");
    ebm::training::data::idx::write_images(&path, &images).unwrap();
    for data in ["plain", "zipped"] {
        train(folder.path(), &format!("out-{data}"), &["--data", data]);
    }
    let of = |name: &str| common::everything(&folder.path().join(name), 6);
    common::assert_same(&of("out-plain"), &of("out-zipped"), "gzip");
}

#[test]
fn a_reader_that_goes_away_does_not_end_a_run() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = workspace();
    let mut child = ebm(folder.path())
        .args(["train", "tiny.toml", "--out", "out"])
        .args([
            "--set",
            "training.steps=200",
            "--set",
            "output.sample_every=1",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // As `ebm train | head -1` does: the pipe is closed after one line.
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("60 examples"), "{line}");
    assert!(child.wait().unwrap().success());
    assert_eq!(
        checkpoint_steps(&folder.path().join("out")).last(),
        Some(&200)
    );
}

#[test]
fn paths_with_blanks_are_quoted_in_what_to_do_next() {
    let folder = workspace();
    let said = train(folder.path(), "a b/ü", &["--time-limit", "0s"]);
    assert!(said.contains("`ebm resume 'a b/ü'`"), "{said}");
    let said = succeed(folder.path(), &["resume", "a b/ü"]);
    assert!(said.contains("`ebm sample --run 'a b/ü'`"), "{said}");
}
