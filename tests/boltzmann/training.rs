//! Every kind of machine and of its chains trains into a run folder, and goes on bit for bit after
//! a stop.

use std::fs;
use std::process::Stdio;

use crate::common::{
    Everything, RUN_FILES, assert_same, checkpoint_steps, ebm, everything, files, metrics, names,
    run, signal, succeed, text, wait_for,
};
use crate::{DBM, train, workspace};

/// Machines, samplers and chains, as changes of the restricted machine.
#[rustfmt::skip]
const KINDS: [(&str, &[&str]); 17] = [
    ("rbm", &[]),
    ("centred rbm", &["model.centered=true"]),
    ("sparse rbm", &["objective.sparsity={target=0.1, cost=0.5}"]),
    ("gaussian rbm by gibbs", &["model.visible_units=gaussian", "data.binarize=none", "data.range=[-1, 1]"]),
    ("gaussian rbm by langevin", &[
        "model.visible_units=gaussian", "data.binarize=none", "data.range=[-1, 1]",
        "sampler={kind=\"langevin\", steps=2, step_size=0.1, temperature=1, clamp=false}",
    ]),
    ("rbm from data", &["chains={kind=\"data\"}"]),
    ("rbm from a buffer", &["chains={kind=\"replay_buffer\", capacity=24, start=\"binary\", storage=\"u8\"}"]),
    ("tempered rbm", &["sampler={kind=\"parallel_tempering\", steps=2, temperatures=3}"]),
    ("dbm", &[DBM]),
    ("tempered dbm", &[DBM, "sampler={kind=\"parallel_tempering\", steps=2, temperatures=3, lowest=0.5}"]),
    ("centred dbm", &[DBM, "model.centered=true"]),
    ("pretrained dbm", &["model={kind=\"dbm\", hidden=[5, 4], weight_std=0.1, pretraining={steps=3}}"]),
    ("spins", crate::SPINS),
    ("binary units", &["model={kind=\"boltzmann_machine\", coding=\"binary\", weight_std=0.1}"]),
    ("spins with hidden ones", &["model={kind=\"boltzmann_machine\", hidden=3, weight_std=0.1}", "data.range=[-1, 1]"]),
    ("hopfield", &["model={kind=\"hopfield\"}", "data.range=[-1, 1]", "sampler.temperature=0", "chains={kind=\"data\"}"]),
    ("hopfield with hidden units", &["model={kind=\"hopfield\", hidden=3}", "data.range=[-1, 1]", "sampler.temperature=1"]),
];

#[test]
fn every_kind_writes_its_run_folder() {
    let folder = workspace();
    for (name, changes) in KINDS {
        let said = train(folder.path(), name, changes, &[]);
        assert!(
            said.contains("60 examples") && said.contains("finished"),
            "{name}: {said}"
        );
        let out = folder.path().join(name);
        let mut expected = RUN_FILES.to_vec();
        if name == "pretrained dbm" {
            expected.splice(
                7..7,
                ["pretraining-1.safetensors", "pretraining-2.safetensors"],
            );
        }
        assert_eq!(names(&out), expected, "{name}");
        assert_eq!(checkpoint_steps(&out), [2, 4], "{name}");
        assert!(image::open(out.join("energies.png")).is_ok(), "{name}");
        for picture in files(&out.join("samples")) {
            // Four samples of 8x8, each enlarged to 48x48, in a frame of 2 pixels.
            let picture = image::open(&picture).unwrap();
            assert_eq!((picture.width(), picture.height()), (102, 102), "{name}");
        }
        let lines = metrics(&out);
        assert_eq!(lines.len(), 2, "{name}");
        for line in &lines {
            for key in [
                "loss",
                "data_energy",
                "sample_energy",
                "gradient_norm",
                "displacement",
            ] {
                assert!(
                    line[key].as_f64().is_some_and(f64::is_finite),
                    "{name}, {key}: {line}"
                );
            }
            assert!(line["gradient_norm"].as_f64() > Some(0.0), "{name}: {line}");
        }
        let picture = format!("{name}.png");
        let arguments = [
            "sample", "--run", name, "-n", "3", "--steps", "3", "--out", &picture,
        ];
        succeed(folder.path(), &arguments);
        assert!(image::open(folder.path().join(picture)).is_ok(), "{name}");
    }
}

#[test]
fn every_kind_goes_on_bit_for_bit() {
    let folder = workspace();
    let mut seen = Vec::new();
    for (name, changes) in KINDS {
        let (whole, parts) = (format!("{name}, whole"), format!("{name}, parts"));
        let length = "training.steps=8";
        train(folder.path(), &whole, &[changes, &[length]].concat(), &[]);
        train(folder.path(), &parts, changes, &[]);
        let said = succeed(folder.path(), &["resume", &parts, "--set", length]);
        assert!(said.contains("resuming after step 4"), "{name}: {said}");
        let of = |run: &str| everything(&folder.path().join(run), 8);
        let whole = of(&whole);
        assert_same(&whole, &of(&parts), name);

        // What must be in the checkpoint of this kind is in it.
        assert_eq!(chains(&whole), expected_chains(name), "{name}");
        let has = |wanted: &str| whole.1.iter().any(|array| array.0 == wanted);
        assert_eq!(has("model.hidden_offset"), name == "centred rbm");
        assert_eq!(has("model.offsets.2"), name == "centred dbm");
        // And no kind is another: the test could otherwise compare one run many times.
        let weights: Vec<_> = whole
            .1
            .into_iter()
            .filter(|array| array.0.starts_with("model."))
            .collect();
        assert!(!seen.contains(&weights), "{name} changes nothing");
        seen.push(weights);
    }
}

/// Cooling moves chains elsewhere than one temperature does, the same each time, and only where
/// units are redrawn alone.
#[test]
fn samples_of_pairwise_machines_can_be_annealed() {
    let folder = workspace();
    train(folder.path(), "spins", crate::SPINS, &[]);
    train(folder.path(), "rbm", &[], &[]);
    let sample = |out: &str, more: &[&str]| {
        let arguments = [
            "sample", "--run", "spins", "-n", "4", "--steps", "6", "--out", out,
        ];
        succeed(folder.path(), &[&arguments[..], more].concat());
        fs::read(folder.path().join(out)).unwrap()
    };
    let plain = sample("plain.png", &[]);
    let cooled = sample("cooled.png", &["--anneal", "20"]);
    assert_ne!(plain, cooled);
    assert_eq!(cooled, sample("again.png", &["--anneal", "20"]));
    assert_ne!(
        cooled,
        sample("most.png", &["--anneal", "20", "--average-last", "5"])
    );
    assert_ne!(
        cooled,
        sample("linear.png", &["--anneal", "20", "--cooling", "linear"])
    );
    let refused: &[(&[&str], i32, &str)] = &[
        (
            &["--run", "rbm", "--anneal", "5"],
            2,
            "machines whose units are coupled in pairs, not for this rbm",
        ),
        (&["--run", "spins", "--anneal", "-1"], 2, "--anneal"),
        (&["--run", "spins", "--anneal", "0"], 2, "above 0, found 0"),
        (
            &["--run", "spins", "--anneal", "5", "--average-last", "0"],
            2,
            "found 0, expected 1 to",
        ),
        (&["--run", "spins", "--average-last", "2"], 2, "--anneal"),
    ];
    for (more, code, needle) in refused {
        let output = run(
            folder.path(),
            &[&["sample", "--out", "none.png"], *more].concat(),
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{said}");
        assert!(
            said.contains(needle) && !said.contains("panicked"),
            "{said}"
        );
        assert!(!folder.path().join("none.png").exists());
    }
}

/// The shape and type of the chains in a checkpoint.
fn chains(checkpoint: &Everything) -> Option<String> {
    let array = checkpoint.1.iter().find(|array| array.0 == "chains");
    array.map(|array| array.1.clone())
}

/// The chains that a kind keeps: states of all its units, one a temperature.
fn expected_chains(name: &str) -> Option<String> {
    let (shape, kind) = match name {
        "rbm from data" | "hopfield" => return None,
        "rbm from a buffer" => ("[24, 64]", "U8"),
        "tempered rbm" => ("[24, 1, 8, 8]", "F32"),
        "tempered dbm" => ("[24, 73, 1, 1]", "F32"),
        "dbm" | "centred dbm" | "pretrained dbm" => ("[8, 73]", "F32"),
        "spins with hidden ones" | "hopfield with hidden units" => ("[8, 67]", "F32"),
        _ => ("[8, 64]", "F32"),
    };
    Some(format!("Shape {{ dims: {shape} }} of {kind}"))
}

#[test]
fn a_run_that_is_stopped_in_pretraining_starts_its_layer_again() {
    let folder = workspace();
    let model = "model={kind=\"dbm\", hidden=[5, 4], pretraining={steps=30}}";
    train(folder.path(), "whole", &[model, "training.steps=5"], &[]);
    let said = train(folder.path(), "parts", &[model], &["--time-limit", "0s"]);
    assert!(said.contains("in pretraining"), "{said}");
    assert!(said.contains("`ebm resume parts`"), "{said}");
    let parts = folder.path().join("parts");
    assert!(
        checkpoint_steps(&parts).is_empty() && !parts.join("pretraining-1.safetensors").exists()
    );

    let output = run(folder.path(), &["sample", "--run", "parts"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no model in parts"));
    // A change is kept, be the run stopped again at once.
    let change = [
        "resume",
        "parts",
        "--time-limit",
        "0s",
        "--set",
        "training.steps=5",
    ];
    succeed(folder.path(), &change);
    let said = succeed(folder.path(), &["resume", "parts"]);
    assert!(said.contains("finished"), "{said}");
    let of = |run: &str| everything(&folder.path().join(run), 5);
    assert_same(&of("whole"), &of("parts"), "pretraining");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_terminated_in_pretraining_keeps_the_layers_that_were_ready() {
    let folder = workspace();
    // The upper layer gets many more updates than the lower could make meanwhile.
    let model = "model={kind=\"dbm\", hidden=[5, 4], pretraining={steps=1500}}";
    train(folder.path(), "whole", &[model], &[]);
    let out = folder.path().join("out");
    let layer = |number: u32| out.join(format!("pretraining-{number}.safetensors"));
    let child = ebm(folder.path())
        .args(["train", "machine.toml", "--out", "out", "--set", model])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the first layer", || layer(1).exists());
    signal("TERM", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        !layer(2).exists(),
        "pretraining ended too early to be stopped"
    );
    assert!(checkpoint_steps(&out).is_empty());

    // Another size doesn't fit the layer that is there, and leaves the run as it was.
    let config = fs::read(out.join("config.toml")).unwrap();
    let output = run(
        folder.path(),
        &["resume", "out", "--set", "model.hidden=[6, 4]"],
    );
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for needle in ["pretraining-1.safetensors", "[64, 5]", "[64, 6]"] {
        assert!(said.contains(needle), "no {needle}: {said}");
    }
    assert_eq!(fs::read(out.join("config.toml")).unwrap(), config);

    let written = |number| fs::metadata(layer(number)).unwrap().modified().unwrap();
    let before = written(1);
    succeed(folder.path(), &["resume", "out"]);
    assert_eq!(written(1), before, "the first layer was trained again");
    assert!(written(2) > before);
    let of = |run: &str| everything(&folder.path().join(run), 4);
    assert_same(&of("whole"), &of("out"), "terminated");
}
