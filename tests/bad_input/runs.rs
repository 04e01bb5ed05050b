//! Runs that cannot go on: other configurations, damaged files, divergence.

use std::fs;

use crate::common::{
    checkpoint_path, metrics, names, run, snapshot, succeed, text, train, workspace,
};
use crate::refuse_in_a_line;

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
    #[rustfmt::skip]
    let cases: &[(&str, &str, i32, &[&str])] = &[
        ("out", "model.hidden=[7]", 1, &[checkpoint, "layers.0.weight has shape [64, 6], expected [64, 7]", "config.toml"]),
        ("out", "model.hidden=[6, 6]", 1, &[checkpoint, "layers.2.weight", "and 1 more"]),
        ("out", "model={kind=\"conv_net\"}", 1, &[checkpoint, "lacks the parameter convolutions.0.weight", "more"]),
        ("out", "data={kind=\"two_moons\", count=50}", 1, &[checkpoint, "has shape [64, 6], expected [2, 6]"]),
        ("out", "chains.capacity=25", 1, &[checkpoint, "[24, 64]", "[25, 64]", "`chains`"]),
        ("out", "chains.storage=u8", 1, &[checkpoint, "F32", "U8", "`chains`"]),
        ("out", "chains={kind=\"data\"}", 1, &[checkpoint, "holds chains"]),
        ("out", "training.ema_decay=none", 1, &[checkpoint, "holds a moving average", "training.ema_decay"]),
        ("plain", "training.ema_decay=0.9", 1, &[checkpoint, "holds no moving average", "training.ema_decay"]),
        ("plain", "chains={kind=\"persistent\"}", 1, &[checkpoint, "holds no chains"]),
        ("out", "data.limit=7", 2, &["`training.batch_size`", "found 8", "examples, 7"]),
        ("out", "model.widths=[7]", 2, &["out/config.toml: key `model.widths`"]),
        ("out", "training.steps", 2, &["`--set training.steps`", "no `=`"]),
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
    // The advice works.
    succeed(folder.path(), &["resume", "early"]);
    succeed(folder.path(), &["sample", "--run", "early", "-n", "1"]);
}

/// Something that happens to the bytes of a file.
type Damage = fn(&mut Vec<u8>);

#[test]
fn damaged_files() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let out = folder.path().join("out");
    let newest = checkpoint_path(&out, 6);
    let model = out.join("model.safetensors");
    let damages: [(&str, Damage); 5] = [
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
    let said = succeed(folder.path(), &["resume", "out"]);
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
    let refused = said.lines().filter(|line| line.contains("was not applied"));
    assert_eq!(refused.clone().count(), 8, "{said}");
    // No number has more digits than say something.
    let digits = |line: &str| {
        let numbers = line.split(|c: char| !c.is_ascii_digit());
        numbers.map(str::len).max()
    };
    for line in refused {
        assert!(digits(line) <= Some(6), "{line}");
    }
    for (number, rate) in [(1, "5.00e29"), (2, "2.50e29"), (3, "1.25e29")] {
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
    let said = succeed(folder.path(), &arguments);
    assert!(said.contains("finished"), "{said}");
    let last = metrics(&folder.path().join("out")).pop().unwrap();
    assert_eq!(last["learning_rate"].as_f64(), Some(0.001));
}
