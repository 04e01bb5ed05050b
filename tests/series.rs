//! `ebm runs`, `ebm train --seeds` and `ebm sweep` from end to end.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs::{self, File};
use std::path::Path;

use common::{
    RUN_FILES, assert_same, checkpoint_steps, everything, names, png_folder, run, snapshot,
    succeed, text, train, workspace,
};
use serde_json::Value;

/// Writes what measurements would have found in a run: distances after updates 3 and 6, of samples
/// that are among the data unless they are as far away as noise.
fn measured(run: &Path, distances: [f64; 2]) {
    let line = |step: u64, distance: f64| {
        let shared = if distance < 200.0 { 0.6 } else { 0.0 };
        format!(
            "{{\"step\":{step},\"features\":\"pixels\",\"distance\":{distance},\"distance_error\":0.5,\"floor\":2.0,\"start_distance\":300.0,\"precision\":{shared},\"recall\":{shared}}}\n"
        )
    };
    let lines = line(3, distances[0]) + &line(6, distances[1]);
    fs::write(run.join("quality.jsonl"), lines).unwrap();
}

/// Three runs, of which two were measured and the third is better than the first.
fn three(folder: &Path) {
    for (name, hidden) in [("a", "[4]"), ("b", "[5]"), ("c", "[6, 4]")] {
        let hidden = format!("model.hidden={hidden}");
        train(folder, &format!("all/{name}"), &["--set", &hidden]);
    }
    measured(&folder.join("all/a"), [30.0, 20.0]);
    measured(&folder.join("all/c"), [25.0, 8.0]);
}

/// The words of each line of a table.
fn rows(said: &str) -> Vec<Vec<&str>> {
    let words = |line| str::split_whitespace(line).collect();
    said.lines().map(words).collect()
}

/// Runs the command, which must end with this code, and gives what it said on both outputs.
fn ends_with(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = run(folder, arguments);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {complaint}{said}"
    );
    assert!(!complaint.contains("panicked"), "{complaint}");
    (said, complaint)
}

#[test]
fn runs_stand_side_by_side_the_best_first() {
    let folder = workspace();
    let folder = folder.path();
    three(folder);
    let said = succeed(folder, &["runs", "all"]);
    let found = rows(&said);
    let first: Vec<&str> = found[..4].iter().map(|row| row[0]).collect();
    assert_eq!(first, ["run", "c", "a", "b"], "{said}");
    assert_eq!(found[0].last(), Some(&"model.hidden"), "{said}");
    for part in ["8.000 ± 0.50", "2.000", "[6, 4]", "finished"] {
        assert!(
            said.lines().nth(1).unwrap().contains(part),
            "{part}: {said}"
        );
    }
    // No quality, no verdict.
    assert_eq!(found[3][..5], ["b", "finished", "-", "-", "-"], "{said}");
    assert!(said.contains("score: Frechet distance"), "{said}");
    // By name or by the folder that they are in, it is the same.
    assert_eq!(succeed(folder, &["runs", "all/b", "all/c", "all/a"]), said);
    assert_eq!(succeed(folder, &["runs", "."]), said);

    // Somebody trains in one of them.
    let lock = File::options()
        .write(true)
        .open(folder.join("all/b/run.lock"))
        .unwrap();
    lock.lock().unwrap();
    let said = succeed(folder, &["runs", "all"]);
    assert_eq!(rows(&said)[3][..2], ["b", "running"], "{said}");
}

#[test]
fn comparisons_are_json_csv_and_plots() {
    let folder = workspace();
    let folder = folder.path();
    three(folder);
    let json: Value = serde_json::from_str(&succeed(folder, &["runs", "all", "--json"])).unwrap();
    assert_eq!(json.as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&json[0]["score"], &json[0]["best_step"]),
        (&8.0.into(), &6.into())
    );
    assert_eq!(json[0]["config"]["model.hidden"], serde_json::json!([6, 4]));
    assert!(json[2]["score"].is_null());

    let printed = succeed(folder, &["runs", "all", "--csv", "-"]);
    let said = succeed(
        folder,
        &["runs", "all", "--csv", "runs.csv", "--plot", "runs.svg"],
    );
    assert!(
        said.contains("wrote runs.csv") && said.contains("wrote runs.svg"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(folder.join("runs.csv")).unwrap(),
        printed
    );
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("run,state,score,"), "{printed}");
    assert!(lines[0].ends_with(",model.hidden"), "{printed}");
    assert!(
        lines[1].starts_with("all/c,finished,8,0.5,distance,2,6,"),
        "{printed}"
    );
    assert!(lines[1].ends_with(",\"[6, 4]\""), "{printed}");
    let svg = fs::read_to_string(folder.join("runs.svg")).unwrap();
    assert!(
        svg.contains("Frechet distance") && svg.contains("quality"),
        "{svg}"
    );

    succeed(folder, &["runs", "all", "--plot", "runs.png"]);
    let picture = image::open(folder.join("runs.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (900, 480));
    // Without quality the gap of energies is drawn.
    succeed(folder, &["runs", "all/b", "--plot", "gap.svg"]);
    assert!(
        fs::read_to_string(folder.join("gap.svg"))
            .unwrap()
            .contains("gap")
    );

    for (arguments, needle) in [
        (&["runs", "all", "--plot", "x.gif"][..], "`--plot`"),
        (&["runs", "all", "--csv", "absent/x.csv"], "`--csv`"),
        (&["runs", "tiny.toml"], "tiny.toml"),
    ] {
        let output = run(folder, arguments);
        let complaint = text(&output.stderr);
        assert!(
            !output.status.success() && complaint.contains(needle),
            "{complaint}"
        );
    }
    fs::create_dir(folder.join("empty")).unwrap();
    let (_, complaint) = ends_with(folder, &["runs", "empty"], 2);
    assert!(complaint.contains("no run in empty"), "{complaint}");
}

/// Of two kinds of scores a plot shows one and says so; warnings and remarks keep out of data.
#[test]
fn kinds_of_scores_share_no_axis_and_data_have_the_output_alone() {
    let folder = workspace();
    let folder = folder.path();
    three(folder);
    let line = "{\"step\":3,\"divergence\":0.25}\n";
    fs::write(folder.join("all/b/quality.jsonl"), line).unwrap();
    let several = "scores are of several kinds";
    let (said, complaint) = ends_with(folder, &["runs", "all", "--plot", "runs.svg"], 0);
    assert!(complaint.contains(several), "{complaint}");
    let left_out = said.lines().find(|line| line.contains("leaves out"));
    let left_out = left_out.expect("a run has no curve");
    let svg = fs::read_to_string(folder.join("runs.svg")).unwrap();
    let drawn = |name: &str| svg.lines().any(|line| line.trim() == name);
    // Which kind is first is the order of the table.
    let first = rows(&said)[1][0].to_string();
    assert!(drawn(&first), "{svg}");
    for name in ["a", "b", "c"] {
        let is_other = (name == "b") != (first == "b");
        assert_eq!(drawn(name), !is_other, "{name}: {svg}");
        let names = left_out.rsplit_once(": ").expect("names").1;
        assert_eq!(names.split(", ").any(|it| it == name), is_other, "{said}");
    }

    let csv = ["runs", "all", "--csv", "-", "--plot", "runs.svg"];
    let (said, others) = ends_with(folder, &csv, 0);
    assert_eq!(said.lines().count(), 4, "{said}");
    for needle in [several, "wrote runs.svg", "leaves out"] {
        assert!(others.contains(needle), "{needle}: {others}");
    }
    let json = ["runs", "all", "--json", "--plot", "runs.svg"];
    let (said, others) = ends_with(folder, &json, 0);
    serde_json::from_str::<Value>(&said).expect("nothing but JSON");
    assert!(others.contains(several), "{others}");
    let both = ["runs", "all", "--json", "--csv", "-"];
    let (said, complaint) = ends_with(folder, &both, 2);
    assert!(
        said.is_empty() && complaint.contains("--csv"),
        "{complaint}"
    );
}

/// What was chosen for a series holds for all of its runs, and what else lies beside them doesn't.
#[test]
fn a_chosen_series_goes_on_as_it_was_chosen() {
    let folder = workspace();
    let folder = folder.path();
    png_folder(&folder.join("own"), 30, 12, 10);
    train(folder, "all/other", &[]);
    train(folder, "all/seed-0", &[]);
    #[rustfmt::skip]
    let data = ["--data", "own", "--set", "output.quality_samples=0", "--time-limit", "0s"];
    let command = |first: &[&str], minutes: &str, code: i32| {
        let minutes = ["--minutes", minutes];
        ends_with(folder, &[first, &data, &minutes].concat(), code)
    };
    let kept = |run: &str| fs::read_to_string(folder.join(run).join("chosen.txt")).unwrap();
    let steps = |run: &str| {
        let config = fs::read_to_string(folder.join(run).join("config.toml")).unwrap();
        let line = config.lines().skip_while(|line| *line != "[training]");
        let line = line.skip(1).find(|line| line.starts_with("steps ="));
        line.expect("a length").to_string()
    };
    let seeds = |seeds| ["train", "--out", "all", "--seeds", seeds];
    let (said, _) = command(&seeds("1..2"), "0.02", 0);
    assert!(said.contains("as measured on this machine"), "{said}");
    // A number that is never chosen: fewer than 2500 updates come in fours.
    assert_ne!(steps("all/seed-1"), steps("all/other"));
    command(&seeds("2"), "0.02", 0);
    command(&seeds("1"), "0.02", 0);
    assert_eq!(steps("all/seed-1"), steps("all/seed-2"));
    assert_eq!(kept("all/seed-1"), kept("all/seed-2"));

    let sweep = ["sweep", "--out", "sweep", "--grid", "training.steps=1,2"];
    command(&sweep, "0.02", 0);
    assert_eq!(names(&folder.join("sweep")), ["sweep.toml", "trial-001"]);
    ends_with(folder, &["sweep", "sweep"], 0);
    assert_eq!(kept("sweep/trial-001"), kept("sweep/trial-002"));

    let before = snapshot(folder);
    for first in [&seeds("1..2"), &seeds("3"), &sweep] {
        let (_, complaint) = command(first, "30", 2);
        for needle in ["`--minutes`", "0.02 minutes", "would be 30", "--out DIR"] {
            assert!(complaint.contains(needle), "{needle}: {complaint}");
        }
    }
    assert_eq!(snapshot(folder), before);
}

#[test]
fn every_seed_is_a_run_and_the_same_command_goes_on() {
    let folder = workspace();
    let folder = folder.path();
    let command = ["train", "tiny.toml", "--out", "out", "--seeds", "1..3"];
    // Stopped after the first update of the first.
    let said = succeed(folder, &[&command[..], &["--time-limit", "0s"]].concat());
    assert!(said.contains("stopped with 3 of 3 runs left"), "{said}");
    let out = folder.join("out");
    assert_eq!(names(&out), ["seed-1"]);
    assert_eq!(checkpoint_steps(&out.join("seed-1")).last(), Some(&1));
    let said = succeed(folder, &command);
    assert!(said.contains("resuming after step 1"), "{said}");
    assert!(said.contains("seed-2 (2 of 3)"), "{said}");
    assert_eq!(names(&out), ["seed-1", "seed-2", "seed-3"]);
    let table = said.lines().rev().skip(1).take(4).collect::<Vec<_>>();
    assert!(
        table[3].starts_with("run ") && table[3].ends_with("  seed"),
        "{said}"
    );
    for seed in ["1", "2", "3"] {
        let run = out.join(format!("seed-{seed}"));
        assert_eq!(names(&run), RUN_FILES);
        train(folder, "straight", &["--seed", seed]);
        let straight = folder.join("straight");
        assert_same(&everything(&straight, 6), &everything(&run, 6), seed);
        fs::remove_dir_all(straight).unwrap();
    }

    // All is done: nothing is trained, and the table comes again, with what was measured.
    for (seed, distance) in [(1, 10.0), (2, 14.0), (3, 12.0)] {
        measured(&out.join(format!("seed-{seed}")), [40.0, distance]);
    }
    let before = snapshot(&out);
    let said = succeed(folder, &command);
    assert_eq!(snapshot(&out), before);
    assert!(said.contains("seed-3 (3 of 3) has finished"), "{said}");
    let summary = "score of 3 runs: mean 12.00, standard deviation 2.00";
    assert!(said.contains(summary), "{said}");
    // More seeds leave those that are there alone.
    succeed(
        folder,
        &["train", "tiny.toml", "--out", "out", "--seeds", "3,5"],
    );
    assert_eq!(names(&out), ["seed-1", "seed-2", "seed-3", "seed-5"]);

    let longer = [&command[..], &["--set", "training.steps=8"]].concat();
    let (_, complaint) = ends_with(folder, &longer, 2);
    for needle in [
        "out/seed-1",
        "`training.steps` is 6",
        "would be 8",
        "--out DIR",
    ] {
        assert!(complaint.contains(needle), "{needle}: {complaint}");
    }
}

#[test]
fn a_run_that_fails_or_collapsed_does_not_stop_the_others() {
    let folder = workspace();
    let folder = folder.path();
    let out = folder.join("out");
    // Another process is about to train with seed 2.
    fs::create_dir_all(out.join("seed-2")).unwrap();
    let lock = File::create(out.join("seed-2/run.lock")).unwrap();
    lock.lock().unwrap();
    let command = ["train", "tiny.toml", "--out", "out", "--seeds", "1..3"];
    let (said, complaint) = ends_with(folder, &command, 1);
    assert!(complaint.contains("seed-2 failed: "), "{complaint}");
    assert!(
        complaint.contains("1 of 3 runs failed: seed-2"),
        "{complaint}"
    );
    assert!(said.contains("seed-3"), "{said}");
    assert_eq!(checkpoint_steps(&out.join("seed-3")).last(), Some(&6));
    lock.unlock().unwrap();
    succeed(folder, &command);

    // One that is known to collapse isn't trained again, and is a failure still.
    let collapsed = out.join("seed-1");
    measured(&collapsed, [20.0, 290.0]);
    let events = fs::read_to_string(collapsed.join("events.jsonl")).unwrap();
    let failed = "{\"at\":1,\"event\":\"failed\",\"message\":\"collapsed\"}\n";
    let before = events.lines().filter(|line| !line.contains("finished"));
    let lines: String = before.map(|line| format!("{line}\n")).collect();
    fs::write(collapsed.join("events.jsonl"), lines + failed).unwrap();
    let before = snapshot(&out);
    let (said, complaint) = ends_with(folder, &command, 1);
    assert!(
        complaint.contains("seed-1 (1 of 3) collapsed"),
        "{complaint}"
    );
    assert!(
        complaint.contains("1 of 3 runs failed: seed-1"),
        "{complaint}"
    );
    assert!(said.contains("  collapsed  "), "{said}");
    assert_eq!(snapshot(&out), before);
}

#[test]
fn what_seeds_cannot_be_is_said_by_their_flag() {
    let folder = workspace();
    let folder = folder.path();
    for seeds in ["5..1", "x", "1,1", "1..=3", ""] {
        let flag = format!("--seeds={seeds}");
        let (_, complaint) = ends_with(folder, &["train", "tiny.toml", "--out", "out", &flag], 2);
        assert!(complaint.contains("--seeds"), "{complaint}");
        assert!(complaint.contains("expected"), "{complaint}");
    }
    let (_, complaint) = ends_with(folder, &["train", "tiny.toml", "--seeds", "1..2"], 2);
    assert!(complaint.contains("--out"), "{complaint}");
    let both = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--seeds",
        "1..2",
        "--seed",
        "1",
    ];
    assert!(ends_with(folder, &both, 2).1.contains("--seed"));
    assert_eq!(names(folder), ["tiny.toml"]);
}

#[test]
fn a_grid_is_trained_and_gone_on_with_by_its_plan() {
    let folder = workspace();
    let folder = folder.path();
    #[rustfmt::skip]
    let command = [
        "sweep", "tiny.toml", "--out", "out",
        "--grid", "sampler.steps=1,2", "--grid", "model.hidden=[4],[5, 3]",
    ];
    let said = succeed(folder, &[&command[..], &["--time-limit", "0s"]].concat());
    assert!(
        said.contains("stopped with 4 of 4 runs left: `ebm sweep out`"),
        "{said}"
    );
    let out = folder.join("out");
    assert_eq!(names(&out), ["sweep.toml", "trial-001"]);
    // By the plan alone.
    let said = succeed(folder, &["sweep", "out", "--csv", "trials.csv"]);
    let trials = ["trial-001", "trial-002", "trial-003", "trial-004"];
    assert_eq!(names(&out)[1..], trials);
    for trial in trials {
        assert_eq!(names(&out.join(trial)), RUN_FILES);
        assert!(said.lines().any(|line| line.starts_with(trial)), "{said}");
    }
    let csv = fs::read_to_string(folder.join("trials.csv")).unwrap();
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with(",model.hidden,sampler.steps"),
        "{csv}"
    );
    assert!(
        csv.lines().nth(4).unwrap().ends_with(",\"[5, 3]\",2"),
        "{csv}"
    );
    let changes = ["--set", "sampler.steps=1", "--set", "model.hidden=[5, 3]"];
    train(folder, "straight", &changes);
    let straight = everything(&folder.join("straight"), 6);
    assert_same(
        &straight,
        &everything(&out.join("trial-002"), 6),
        "trial-002",
    );

    // The same flags again find all done.
    let before = snapshot(&out);
    let said = succeed(folder, &command);
    assert!(said.contains("trial-004 (4 of 4) has finished"), "{said}");
    assert_eq!(snapshot(&out), before);
    // Other plans are refused, and change nothing.
    #[rustfmt::skip]
    let others: [(&[&str], &[&str]); 4] = [
        (&["sweep", "tiny.toml", "--out", "out", "--grid", "sampler.steps=1,3"], &["another sweep", "its grid", "ebm sweep out"]),
        (&[&command[..], &["--set", "training.steps=9"]].concat(), &["config.training.steps is 6", "would be 9"]),
        (&["sweep", "out", "--grid", "seed=1,2"], &["`--grid`", "its own plan"]),
        (&["sweep", "tiny.toml", "--out", ".", "--grid", "seed=1,2"], &["not empty"]),
    ];
    for (arguments, needles) in others {
        let (_, complaint) = ends_with(folder, arguments, 2);
        for needle in needles {
            assert!(complaint.contains(needle), "{needle}: {complaint}");
        }
    }
    assert_eq!(snapshot(&out), before);
}

#[test]
fn drawn_trials_are_the_same_again_and_others_with_another_seed() {
    let folder = workspace();
    let folder = folder.path();
    let sweep = |out: &str, more: &[&str]| {
        #[rustfmt::skip]
        let command = [
            "sweep", "tiny.toml", "--out", out, "--random", "3",
            "--range", "optimizer.learning_rate=1e-4..1e-2:log", "--range", "sampler.steps=1..9",
            "--csv", "-",
        ];
        let (said, others) = ends_with(folder, &[&command[..], more].concat(), 0);
        // Nothing but CSV: its head and three trials.
        assert_eq!(said.lines().count(), 4, "{said}");
        assert!(said.starts_with("run,state,score,"), "{said}");
        assert!(others.contains("trial-003 (3 of 3)"), "{others}");
        let table = said.lines().rev().take(3).collect::<Vec<_>>();
        let mut keys: Vec<String> = table
            .iter()
            .map(|line| line.rsplitn(3, ',').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        keys.sort();
        keys
    };
    let first = sweep("a", &[]);
    assert_eq!(first, sweep("b", &[]));
    assert_ne!(first, sweep("c", &["--seed", "8"]));
    let mut distinct = first.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 3, "{first:?}");
}

#[test]
fn what_cannot_be_swept_over_is_refused_before_anything_is_written() {
    let folder = workspace();
    let folder = folder.path();
    #[rustfmt::skip]
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], &["`--grid`", "nothing to sweep over"]),
        (&["--grid", "sampler.steps"], &["`--grid sampler.steps`", "no `=`"]),
        (&["--grid", "sampler.stepz=1,2"], &["`--grid`", "trial-001", "sampler.stepz", "steps"]),
        (&["--grid", "sampler.steps=2,0.5"], &["`--grid`", "trial-002", "sampler.steps=0.5"]),
        (&["--random", "2", "--range", "sampler.steps=9..1"], &["`--range sampler.steps=9..1`", "9 to 1"]),
        (&["--random", "2", "--range", "sampler.step_size=0..1:log"], &["`--range", "above 0"]),
        (&["--random", "0", "--range", "sampler.steps=1..9"], &["`--random`", "0 trials"]),
        (&["--random", "2"], &["--range"]),
        (&["--random", "2", "--range", "seed=1..9", "--grid", "seed=1,2"], &["--grid"]),
    ];
    for (more, needles) in cases {
        let arguments = [&["sweep", "tiny.toml", "--out", "out"], more].concat();
        let (_, complaint) = ends_with(folder, &arguments, 2);
        for needle in needles {
            assert!(complaint.contains(needle), "{needle}: {complaint}");
        }
    }
    let (_, complaint) = ends_with(folder, &["sweep", "tiny.toml", "--grid", "seed=1,2"], 2);
    assert!(complaint.contains("`--out`"), "{complaint}");
    let (_, complaint) = ends_with(folder, &["sweep", "."], 2);
    assert!(complaint.contains("sweep.toml"), "{complaint}");
    assert_eq!(names(folder), ["tiny.toml"]);
}
