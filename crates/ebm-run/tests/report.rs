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
    // Nothing of another place: neither addresses, nor imports of style, nor scripts but its own.
    for sign in [
        "://", "url(", "@import", "<script ", "<link", "<iframe", "srcset",
    ] {
        assert!(!page.contains(sign), "{sign}");
    }
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(
        page.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    );
    assert!(page.contains(" script-src 'sha256-") && !page.contains("script-src 'unsafe"));
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
    assert!(!page.contains("alert(1)<b>"));
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

/// Lines of a run whose classes are known: it gets better, then worse than its best.
const MEASURED: &str = r#"
{"step":1,"features":"classifier","samples":64,"transitions":2,"distance":250.0,"distance_error":9.0,"floor":3.0,"start_distance":300.0,"precision":0.1,"recall":0.2,"floor_precision":0.9,"floor_recall":0.95,"classes":[0.25,0.75],"class_entropy":0.56,"data_class_entropy":0.69,"outside":0.5,"data_energy":-1.0,"held_out_energy":-0.5,"sample_energy":0.5,"gradient_size":2.0}
{"step":2,"features":"classifier","samples":64,"transitions":2,"distance":9.0,"distance_error":0.5,"floor":3.0,"start_distance":300.0,"precision":0.8,"recall":0.7,"classes":[0.5,0.5],"class_entropy":0.68,"data_class_entropy":0.69,"outside":0.02,"data_energy":-1.0,"held_out_energy":-0.75,"sample_energy":-0.5,"gradient_size":1.0,"log_likelihood":-12.5}
{"step":3,"features":"classifier","samples":64,"transitions":2,"distance":30.0,"distance_error":0.5,"floor":3.0,"start_distance":300.0,"precision":0.6,"recall":0.7,"data_energy":-1.0,"held_out_energy":-0.5}
{"step":4,"features":"classifier","samples":64,"transitions":2,"distance":31.0,"distance_error":0.5,"floor":3.0,"start_distance":300.0,"precision":0.6,"recall":0.7,"data_energy":-1.0,"held_out_energy":0.5}
"#;

#[test]
fn quality_leads_where_it_was_measured() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    let without = page(&run);
    assert!(!without.contains("Frechet") && !without.contains("id=\"verdict\""));
    fs::write(run.join("quality.jsonl"), MEASURED.trim_start()).unwrap();
    let page = page(&run);
    assert_needs_nothing_else(&page);
    let lead = ["verdict", "quality", "long-chains"];
    let expected = [&lead[..], &sections(&without)].concat();
    assert_eq!(sections(&page), expected);
    assert!(!page.contains("class=\"missing\""));
    for said in [
        "<p class=\"verdict fell\">Quality fell since update 3; the best, of update 2, is kept.</p>",
        "64 fresh samples of update 4 are compared with held-out data by their Frechet distance in features of a classifier of the run&#39;s own labels and of a fixed random network.",
        "<dd>31.00 ± 0.50",
        "real data 3, noise 300",
        "Best samples, update 2",
        "Newest samples, update 4",
        "Classes of the samples, update 2",
        "Distance from held-out data: Frechet distance over update. samples, with their standard error from 250 to 31, lowest 9, highest 250; real data from 3 to 3,",
        "held-out data from -0.5 to 0.5, lowest -0.75, highest 0.5",
        "E(held out) - E(training) from 0.5 to 1.5",
        "Log-likelihood of held-out data",
        "0: 0.5; 1: 0.5.",
        "at the ends of the chains from 2 to 1",
    ] {
        assert!(page.contains(said), "no {said}");
    }
    // A torn or strange line is said, as in other logs.
    fs::write(
        run.join("quality.jsonl"),
        format!("<b>\n{}", MEASURED.trim()),
    )
    .unwrap();
    assert!(self::page(&run).contains("quality.jsonl: 1 line can&#39;t be read (line 1: "));
}

#[test]
fn an_evaluation_and_a_long_run_are_in_the_report() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    trained(&run, &[]);
    let line = |transitions: u64, distance: f64| {
        format!(
            "{{\"step\":4,\"samples\":32,\"transitions\":{transitions},\"distance\":{distance},\"distance_error\":1.25,\"floor\":3.0,\"start_distance\":120.0,\"precision\":0.875,\"recall\":0.5}}"
        )
    };
    let lines = format!("[{},{}]", line(256, 20.0), line(10_000, 90.0));
    fs::write(run.join("long_run.json"), format!("{{\"lines\":{lines}}}")).unwrap();
    fs::create_dir(run.join("evaluation")).unwrap();
    let evaluation = |quality: &str| {
        let text = format!(
            r#"{{"model":"rbm","log_partition":{{"method":"exact","log_partition":10.0}},
                "sets":[["train",{{"examples":9,"unnormalized_log_likelihood":{{"mean":-20.5,"standard_error":0.5}}}}]],
                "energies":{{"unit":"nats","sets":[
                    {{"name":"test","examples":1500,"energy":{{"mean":-1.0,"standard_deviation":0.5,"min":-2.0}}}},
                    {{"name":"/home/<b>","examples":30,"energy":null,"auroc":0.9876,"fpr_at_95":0.125}}]}},
                "later":[1,2],"quality":{quality}}}"#
        );
        fs::write(run.join("evaluation/report.json"), text).unwrap();
        page(&run)
    };
    let shown = evaluation("[]");
    assert_needs_nothing_else(&shown);
    assert_eq!(
        sections(&shown)[..3],
        ["evaluation", "long-chains", "summary"]
    );
    for said in [
        "<dt>Log-likelihood, train (nats)</dt><dd>-30.500</dd>",
        "<th scope=\"row\">test</th><td class=\"number\" data-head=\"examples\">1,500</td><td class=\"number\" data-head=\"energy (nats)\">-1.00 ± 0.50</td>",
        "<th scope=\"row\">&lt;b&gt;</th>",
        "data-head=\"AUROC\">0.988</td><td class=\"number\" data-head=\"FPR@95\">0.125</td>",
        "<th scope=\"row\">10,000</th><td class=\"number\" data-head=\"distance\">90.0 ± 1.2</td>",
        "Chains of up to 256 transitions are about as good",
        "By `ebm eval` on ",
    ] {
        assert!(shown.contains(said), "no {said}");
    }
    // The same table isn't shown twice.
    assert_eq!(evaluation(&lines).matches(">10,000</th>").count(), 1);
    let other = format!("[{}]", line(10_000, 91.0));
    assert_eq!(evaluation(&other).matches(">10,000</th>").count(), 2);
    for file in ["evaluation/report.json", "long_run.json"] {
        fs::write(run.join(file), "{\"lines\":5,\"sets\":5}").unwrap();
        let message = page(&run);
        assert!(
            message.contains(file) && message.contains("invalid type"),
            "{file}"
        );
    }
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
