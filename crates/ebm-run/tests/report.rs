//! Reports of runs of every kind: their sections, what they say when something is missing, and that
//! they need nothing else.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use ebm_run::config::{ConfigTable, RunConfig};
use ebm_run::report::{ReportOptions, report, write_report};
use tempfile::TempDir;

const BASE: &str = r#"
seed = 3

[data]
kind = "digits"
limit = 40
range = [0.0, 1.0]
binarize = "threshold"

[model]
kind = "rbm"
hidden = 5

[sampler]
kind = "gibbs"
steps = 1

[chains]
kind = "persistent"
start = "binary"

[optimizer]
kind = "sgd"
learning_rate = 0.05

[training]
steps = 4
batch_size = 8

[output]
log_every = 1
sample_every = 2
sample_count = 4
sample_steps = 2
checkpoint_every = 2
keep_checkpoints = 2
"#;

const LANGEVIN: &str = r#"sampler={kind="langevin", steps=2, step_size=0.1, noise=0.05}"#;
const UNIFORM: &str = r#"chains={kind="persistent"}"#;

/// The sections of a report of a run with samples and a model, beyond those that all have.
#[rustfmt::skip]
const KINDS: [(&str, &[&str], &[&str]); 6] = [
    ("rbm", &[], &["neighbors", "filters"]),
    ("dbm", &[r#"model={kind="dbm", hidden=[5, 4]}"#], &["neighbors", "filters"]),
    ("mlp", &[r#"model={kind="mlp", hidden=[6]}"#, LANGEVIN, UNIFORM], &["neighbors"]),
    ("boltzmann_machine", &[r#"model={kind="boltzmann_machine"}"#, "data.range=[-1, 1]"], &["neighbors", "recall"]),
    ("hopfield", &[r#"model={kind="hopfield"}"#, "data.range=[-1, 1]"], &["neighbors", "recall"]),
    ("two_moons", &[r#"data={kind="two_moons", count=50}"#, r#"model={kind="mlp", hidden=[6]}"#, LANGEVIN, UNIFORM], &["plane"]),
];

/// Those that all have, in their order; what a kind adds stands between samples and throughput.
const BEFORE: [&str; 5] = ["summary", "energies", "optimization", "chains", "samples"];
const AFTER: [&str; 4] = ["throughput", "events", "configuration", "machine"];

fn config(changes: &[&str]) -> RunConfig {
    let mut table = ConfigTable::parse(BASE, "test".into()).unwrap();
    for change in changes {
        table.set(change).unwrap();
    }
    table.read().unwrap()
}

fn trained(folder: &Path, changes: &[&str]) {
    ebm_run::train(&config(changes), &Device::flex(), folder, &mut ()).unwrap();
}

fn page(folder: &Path) -> String {
    let options = ReportOptions {
        samples: 3,
        seed: 1,
    };
    report(folder, &options, &Device::flex(), &mut ()).unwrap()
}

/// What stands between `name="` and the next quote, wherever that is.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let rest = page.split(start.as_str()).skip(1);
    rest.map(|rest| rest.split_once('"').unwrap().0).collect()
}

fn sections(page: &str) -> Vec<&str> {
    let rest = page.split("<section id=\"").skip(1);
    rest.map(|rest| rest.split_once('"').unwrap().0).collect()
}

fn assert_needs_nothing_else(page: &str) {
    for source in attributes(page, "src") {
        assert!(source.starts_with("data:image/png;base64,"), "{source}");
    }
    for link in attributes(page, "href") {
        let id = link.strip_prefix('#').unwrap();
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    // Nothing of another place: neither addresses, nor imports of style, nor scripts.
    for sign in [
        "://", "url(", "@import", "<script", "<link", "<iframe", "srcset",
    ] {
        assert!(!page.contains(sign), "{sign}");
    }
    assert!(
        page.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    );
}

#[test]
fn every_kind_of_model_gets_its_sections() {
    let folder = TempDir::new().unwrap();
    for (name, changes, added) in KINDS {
        let run = folder.path().join(name);
        trained(&run, changes);
        let page = page(&run);
        assert_needs_nothing_else(&page);
        let expected = [&BEFORE[..], added, &AFTER[..]].concat();
        assert_eq!(sections(&page), expected, "{name}");
        assert!(
            !page.contains("class=\"missing\""),
            "{name}: something is missing"
        );
        assert!(page.contains(&format!("<h1>{name}</h1>")));
        for alternative in attributes(&page, "alt") {
            assert!(!alternative.is_empty(), "{name}: a picture without words");
        }
        // Pictures of two updates, and what the kind adds: charts beside.
        assert!(attributes(&page, "src").len() >= 4, "{name}");
        assert!(attributes(&page, "aria-label").len() >= 8, "{name}");
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
    }
}

#[test]
fn markup_in_what_a_user_wrote_is_shown_and_not_obeyed() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("<script>alert(1)<b>");
    trained(&run, &[]);
    let text = fs::read_to_string(run.join("config.toml")).unwrap();
    let data = "[data]\nkind = \"folder\"\npath = \"/x/<script>'&\"\nrange = [0.0, 1.0]\n";
    let (before, rest) = text.split_once("[data]").unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    let written = format!("# <script>\n{before}{data}\n[{after}");
    fs::write(run.join("config.toml"), written).unwrap();
    let mut metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    metrics.push_str("{\"step\":5,\"<script>\":1.0}\n");
    fs::write(run.join("metrics.jsonl"), metrics).unwrap();
    let page = page(&run);
    assert!(!page.contains("<script") && !page.contains("alert(1)<b>"));
    assert!(page.contains("/x/&lt;script&gt;&#39;&amp;"));
    assert!(page.contains("<h1>&lt;script&gt;alert(1)&lt;b&gt;</h1>"));
    assert!(page.contains("<section id=\"other\""));
    assert_needs_nothing_else(&page);
}

#[test]
fn what_is_missing_is_said() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("old");
    trained(&run, &[]);
    let whole = page(&run);
    assert!(whole.contains("Backend and device") && whole.contains("finished"));
    // One after the other is taken away, as in the folder of an older version or of a run that has
    // only started.
    for (file, sign) in [
        ("machine.toml", "There is no machine.toml"),
        ("events.jsonl", "This run recorded no events"),
        ("model.safetensors", "there is no model in"),
        ("metrics.jsonl", "metrics.jsonl has no line yet"),
    ] {
        assert!(!whole.contains(sign), "{sign}");
        fs::remove_file(run.join(file)).unwrap();
        assert!(page(&run).contains(sign), "{file}: {sign}");
    }
    fs::remove_dir_all(run.join("samples")).unwrap();
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let bare = page(&run);
    assert!(bare.contains("read the folder"), "samples are missing");
    assert_eq!(sections(&bare), sections(&whole));
    fs::write(
        run.join("config.toml"),
        "[model]\nkind = \"rbm\"\nfrom_the_future = 1\n",
    )
    .unwrap();
    assert!(page(&run).contains("The configuration can&#39;t be read"));
    assert_needs_nothing_else(&page(&run));
}

#[test]
fn held_out_energies_are_drawn_beside_the_others_without_more_code() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    let lines: String = (1..=9)
        .map(|step| format!("{{\"step\":{step},\"data_energy\":1.0,\"sample_energy\":1.5,\"held_out_energy\":2.0}}\n"))
        .collect();
    fs::write(run.join("metrics.jsonl"), lines).unwrap();
    let page = page(&run);
    assert!(page.contains("<span class=\"c3\">held_out_energy</span>"));
    assert!(!sections(&page).contains(&"other"));
}

#[test]
fn a_damaged_line_is_left_out_and_said() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    let whole = page(&run);
    assert!(!whole.contains("can&#39;t be read"));
    let path = run.join("metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&path, format!("{}\n{{\"st\n{}\n", lines[0], lines[1])).unwrap();
    let damaged = page(&run);
    assert!(damaged.contains("metrics.jsonl: 1 line can&#39;t be read (line 2: "));
    assert_eq!(sections(&damaged), sections(&whole));
    // A torn last line is that of a trainer at work only while there is one.
    fs::write(&path, format!("{text}{{\"step\":9,\"lo")).unwrap();
    assert!(page(&run).contains("1 line can&#39;t be read (line 5: "));
}

#[test]
fn a_million_lines_make_a_small_page() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    // Of a run that took long; written here, since a line is what the trainer writes of it.
    let mut text = String::new();
    for step in 1..=200_000_u64 {
        use std::fmt::Write;
        let y = (step.wrapping_mul(2_654_435_761) % 1000) as f64 / 500.0;
        // One line stands out, and has to in the picture too.
        let gap = if step == 77_777 { -12_345.0 } else { y };
        writeln!(
            text,
            "{{\"step\":{step},\"loss\":{y},\"data_energy\":{y},\"sample_energy\":{y},\"gap\":{gap},\"gradient_norm\":{y},\"displacement\":{y},\"learning_rate\":0.1,\"steps_per_second\":{y},\"samples_per_second\":1.0,\"seconds\":{step}}}"
        )
        .unwrap();
    }
    fs::write(run.join("metrics.jsonl"), text).unwrap();
    let page = page(&run);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(page.contains("lowest -12,345"));
    assert!(page.contains("200,000"));
}

#[test]
fn a_report_takes_the_place_of_a_report_only() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    let page = page(&run);
    let path = run.join("report.html");
    write_report(&page, &path).unwrap();
    write_report(&page, &path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), page);
    for other in ["config.toml", "samples"] {
        let path = run.join(other);
        let message = write_report(&page, &path).unwrap_err().to_string();
        assert!(message.contains("nothing was overwritten"), "{message}");
    }
    assert!(
        fs::read_to_string(run.join("config.toml"))
            .unwrap()
            .contains("[model]")
    );
}
