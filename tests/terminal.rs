//! The command and its surroundings: full disks and closed outputs, signals, terminals of any
//! width, names with control characters.
#![cfg(all(feature = "cli", feature = "flex", unix))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{
    checkpoint_steps, ebm, metrics_steps, run, signal, succeed, text, train, wait_for, workspace,
};

/// A restricted machine and a network with two pictures, for commands that say something.
fn prepare(folder: &Path) {
    #[rustfmt::skip]
    let rbm = [
        "--set", "model={kind=\"rbm\", hidden=5}",
        "--set", "data={kind=\"digits\", limit=60, range=[0.0, 1.0], binarize=\"threshold\"}",
        "--set", "training.data_noise=0.0",
        "--set", "sampler={kind=\"gibbs\", steps=2}",
        "--set", "chains={kind=\"persistent\", start=\"binary\"}",
        "--set", "objective={}",
    ];
    train(folder, "rbm", &rbm);
    train(folder, "network", &[]);
    for (name, shade) in [("a.png", 40), ("b.png", 200)] {
        image::GrayImage::from_pixel(8, 8, image::Luma([shade]))
            .save(folder.join(name))
            .unwrap();
    }
}

/// Commands whose results go to standard output.
const RESULTS: [&[&str]; 15] = [
    &["--help"],
    &["--version"],
    &["train", "--help"],
    &["devices"],
    &["config"],
    &["completions", "bash"],
    &["man"],
    &["logz", "--run", "rbm", "--json"],
    &["logz", "rbm"],
    &["eval", "--run", "rbm", "--json"],
    &["compare", "network", "a.png", "b.png"],
    &["compare", "network", "a.png", "b.png", "--json"],
    &["watch", "network", "--once"],
    &["runs", "network", "rbm"],
    &["sample", "network", "-n", "1", "--steps", "1"],
];

/// Runs the command through a shell that does something with its output.
fn redirected(folder: &Path, redirection: &str, arguments: &[&str]) -> Output {
    let line = format!("\"$0\" \"$@\" {redirection}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &line, env!("CARGO_BIN_EXE_ebm")])
        .args(arguments)
        .current_dir(folder)
        .env("EBM_BACKEND", "flex");
    shell.output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn results_that_cannot_be_written_are_failures() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    for arguments in RESULTS {
        for (redirection, reason) in [(">/dev/full", "No space left"), (">&-", "it is closed")] {
            let output = redirected(folder, redirection, arguments);
            let complaint = text(&output.stderr);
            let what = format!("{arguments:?} {redirection}: {complaint}");
            assert_eq!(output.status.code(), Some(1), "{what}");
            assert!(
                complaint.contains("error: can't write to standard output: "),
                "{what}"
            );
            assert!(complaint.contains(reason), "{what}");
        }
        // Whoever reads no further, or wants nothing, is no trouble.
        for redirection in ["| :", ">/dev/null"] {
            let output = redirected(folder, redirection, arguments);
            assert_eq!(output.status.code(), Some(0), "{arguments:?} {redirection}");
            assert!(!text(&output.stderr).contains("error"), "{arguments:?}");
        }
    }
    // /dev/null that is open for reading too is not a closed output.
    let output = redirected(folder, "1<>/dev/null", &["devices"]);
    assert_eq!(output.status.code(), Some(0));
    // What isn't said can't be lost.
    for redirection in [">/dev/full", ">&-"] {
        let arguments = ["-q", "sample", "network", "-n", "1", "--steps", "1"];
        let output = redirected(folder, redirection, &arguments);
        assert_eq!(output.status.code(), Some(0), "{redirection}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn training_goes_on_without_its_output() {
    let folder = workspace();
    for (redirection, out) in [(">/dev/full", "full"), (">&-", "closed"), ("| :", "pipe")] {
        let arguments = ["train", "tiny.toml", "--out", out];
        let output = redirected(folder.path(), redirection, &arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{redirection}: {complaint}");
        assert_eq!(checkpoint_steps(&folder.path().join(out)).last(), Some(&6));
    }
}

/// A training that doesn't end by itself, started by a shell that ignores a signal, or none.
fn endless(folder: &Path, ignored: &str) -> Child {
    let line = match ignored {
        "" => "exec \"$0\" \"$@\"".to_string(),
        signal => format!("trap '' {signal}; exec \"$0\" \"$@\""),
    };
    let child = Command::new("sh")
        .args(["-c", &line, env!("CARGO_BIN_EXE_ebm")])
        .args(["train", "tiny.toml", "--out", "out"])
        .args(["--set", "training.steps=100000000"])
        .current_dir(folder)
        .env_remove("EBM_BACKEND")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the first checkpoints", || {
        checkpoint_steps(&folder.join("out")).last() >= Some(&10)
    });
    child
}

/// Whether this test itself was started with the signal ignored, as shells do with SIGINT in the
/// background.
fn is_ignored_here(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() >> (number - 1) & 1 == 1)
}

#[test]
fn each_signal_saves_and_stops_unless_it_was_ignored_at_the_start() {
    for (name, number) in [("HUP", 1), ("INT", 2), ("TERM", 15)] {
        if !is_ignored_here(number) {
            let folder = workspace();
            let child = endless(folder.path(), "");
            signal(name, child.id());
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{name}");
            let said = text(&output.stdout);
            assert!(
                said.contains("stopped and saved after step"),
                "{name}: {said}"
            );
        }
        let folder = workspace();
        let out = folder.path().join("out");
        let mut child = endless(folder.path(), name);
        signal(name, child.id());
        // It would have stopped after the step that it was in.
        let then = *checkpoint_steps(&out).last().unwrap();
        wait_for("more checkpoints", || {
            checkpoint_steps(&out).last() >= Some(&(then + 20))
        });
        assert_eq!(child.try_wait().unwrap(), None, "{name} was answered");
        let heard = |other: &&(&str, u32)| other.0 != name && !is_ignored_here(other.1);
        let Some((other, _)) = [("TERM", 15), ("INT", 2), ("HUP", 1)].iter().find(heard) else {
            child.kill().unwrap();
            continue;
        };
        signal(other, child.id());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}, {other}");
        assert_eq!(
            checkpoint_steps(&out).last(),
            metrics_steps(&out).last(),
            "{name}"
        );
    }
}

/// A terminal that is closed sends SIGHUP more than once, also after a Ctrl-C: the run is saved.
#[test]
fn a_terminal_may_hang_up_again_and_again() {
    let signals = [("HUP", 1), ("INT", 2), ("TERM", 15)];
    let is_ignored = |name: &str| {
        let mut ignored = signals
            .iter()
            .filter(|(_, number)| is_ignored_here(*number));
        ignored.any(|(known, _)| *known == name)
    };
    for (first, second, code) in [
        ("HUP", "HUP", 0),
        ("INT", "HUP", 0),
        ("HUP", "TERM", 0),
        ("INT", "TERM", 130),
        ("TERM", "TERM", 130),
    ] {
        if is_ignored(first) || is_ignored(second) {
            continue;
        }
        let folder = workspace();
        let out = folder.path().join("out");
        // The first update waits for a second before it is given up.
        let child = ebm(folder.path())
            .args(["train", "tiny.toml", "--out", "out"])
            .args(["--set", "sampler.steps=1000000000"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for("the model of the start", || {
            out.join("model.safetensors").exists()
        });
        signal(first, child.id());
        std::thread::sleep(Duration::from_millis(200));
        signal(second, child.id());
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{first}, {second}");
        let saved = said.contains("stopped and saved after step 0;");
        assert_eq!(saved, code == 0, "{first}, {second}: {said}");
    }
}

/// A terminal of its own, if the machine has tmux.
struct Tmux {
    socket: String,
}

impl Tmux {
    fn start(folder: &Path, columns: u16, arguments: &str) -> Option<Self> {
        let name = folder.file_name().unwrap().to_string_lossy();
        // One that ends must not be in the way of the next.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmux = Self {
            socket: format!("ebm{name}{number}"),
        };
        // Ctrl-C is meant for the command, not for its shell.
        let shell = format!(
            "trap : INT; '{}' {arguments}; echo \"[code $?]\"; sleep 60",
            env!("CARGO_BIN_EXE_ebm")
        );
        let output = Command::new("tmux")
            .args(["-L", &tmux.socket, "-f", "/dev/null", "new-session", "-d"])
            .args(["-x", &columns.to_string(), "-y", "24", "sh", "-c", &shell])
            .current_dir(folder)
            .env_remove("TMUX")
            .env_remove("EBM_BACKEND")
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", text(&output.stderr));
        Some(tmux)
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(arguments)
            .output()
            .unwrap();
        text(&output.stdout)
    }

    fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    fn wait(&self, what: &str) -> String {
        wait_for(what, || {
            std::thread::sleep(Duration::from_millis(20));
            self.screen().contains(what)
        });
        self.screen()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.tell(&["kill-server"]);
    }
}

/// The lines of a screen that show the bar or the counts of steps.
fn status_lines(screen: &str) -> Vec<&str> {
    let is_status = |line: &&str| line.contains("/10000000");
    screen.lines().filter(is_status).collect()
}

#[test]
fn the_status_line_fits_its_terminal_and_leaves_the_last_word() {
    for columns in [40, 80, 120] {
        let folder = workspace();
        let arguments = "train tiny.toml --out o --set training.steps=10000000 --set output.sample_every=10000000";
        let Some(tmux) = Tmux::start(folder.path(), columns, arguments) else {
            // Machines without tmux have nothing to show.
            return;
        };
        tmux.wait(" left");
        for narrower in [columns, columns - 7, columns + 20, columns] {
            let width = narrower.to_string();
            tmux.tell(&["resize-window", "-x", &width, "-y", "24"]);
            std::thread::sleep(Duration::from_millis(500));
            let screen = tmux.screen();
            assert_eq!(status_lines(&screen).len(), 1, "{narrower}:\n{screen}");
            let below = screen.split("/10000000").nth(1).unwrap();
            assert_eq!(below.trim_end().lines().count(), 1, "{narrower}:\n{screen}");
            assert!(below.contains(" left"), "{narrower}:\n{screen}");
            let has_bar = status_lines(&screen)[0].contains('░');
            assert_eq!(has_bar, narrower > 62, "{narrower}:\n{screen}");
        }
        tmux.tell(&["send-keys", "C-c"]);
        tmux.wait("[code 0]");
        // Long lines in one piece.
        let screen = tmux.tell(&["capture-pane", "-p", "-J"]);
        assert!(screen.contains("stopped and saved after step"), "{screen}");
        assert!(screen.contains("go on with `ebm resume o`"), "{screen}");
    }
}

#[test]
fn a_watched_terminal_is_given_back_at_signals() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let Some(tmux) = Tmux::start(folder.path(), 80, "watch out") else {
            return;
        };
        tmux.wait("q quits");
        assert_eq!(tmux.tell(&["display", "-p", "#{alternate_on}"]).trim(), "1");
        let shell = tmux.tell(&["display", "-p", "#{pane_pid}"]);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let Ok(children) = fs::read_to_string(children) else {
            // Where there is no /proc the process isn't known.
            return;
        };
        let watch: u32 = children.trim().parse().unwrap();
        signal(name, watch);
        let screen = tmux.wait("[code 1");
        assert!(screen.contains(&format!("[code {code}]")), "{screen}");
        assert_eq!(tmux.tell(&["display", "-p", "#{alternate_on}"]).trim(), "0");
    }
}

#[test]
fn names_with_control_characters_do_not_reach_the_terminal() {
    let folder = workspace();
    let folder = folder.path();
    let name = "a\x1b]0;title\x07\x1b[2Jb\nerror: c";
    let commands: [&[&str]; 7] = [
        &["train", "tiny.toml", "--out", name, "-v"],
        &["sample", name, "-n", "1", "--steps", "1"],
        &["watch", name, "--once"],
        &["eval", name],
        &["sample", "--run", "absent\x1b[31m\u{9b}31m"],
        &["train", "--set", "model.x\x1b[31m=\"\x1b[32m\""],
        &["sample", name, "--steps", "\x1b[33m"],
    ];
    for arguments in commands {
        let output = run(folder, arguments);
        for stream in [&output.stdout, &output.stderr] {
            let said = text(stream);
            let obeyed = said.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(obeyed, None, "{arguments:?}: {said}");
            // Nor does a name make an error of its own.
            assert!(!said.contains("\nerror: c"), "{arguments:?}: {said}");
        }
    }
    // Nor what turns the direction of writing around, in messages of the parser too.
    for arguments in [
        &["sample", "x\u{202e}gnp"][..],
        &["sample", "x\u{2028}y"],
        &["x\u{202e}gnp"],
        &["sample", "--steps", "x\u{202e}gnp", "x"],
    ] {
        let said = text(&run(folder, arguments).stderr);
        assert!(said.contains(r"x\u20"), "{said}");
        assert!(!said.contains(['\u{202e}', '\u{2028}']), "{said}");
    }
    let said = text(&run(folder, &["sample", "x\x1b[31m"]).stderr);
    assert!(said.contains(r"x\u001b[31m is not a run folder"), "{said}");
}

/// The library's warnings about data go through the same door as all else.
#[test]
fn warnings_of_data_are_made_safe_and_short() {
    let folder = workspace();
    let folder = folder.path();
    let name = format!("a\u{202e}b\x1b[2J/{}", "c".repeat(200));
    let long = [&name[..], &name, &name, &name, &name, &name].join("/");
    let pixels = (0..20 * 64).map(|at| (at % 3 == 0) as u8).collect();
    let images = ebm::training::data::Images::new(pixels, [1, 8, 8]).unwrap();
    common::idx_folder(&folder.join(&long), &images);
    let warned = |more: &[&str]| {
        let limit = ["--time-limit", "0s"];
        let arguments = [
            &["train", "tiny.toml", "--out", "out", "--data", &long],
            &limit[..],
            more,
        ];
        let output = run(folder, &arguments.concat());
        fs::remove_dir_all(folder.join("out")).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let said = warned(&[]);
    assert!(said.starts_with("warning: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for said in [said, warned(&["-v"])] {
        assert!(said.contains(r"a\u202eb"), "{said}");
        assert!(said.contains("images of 0 and 1 alone"), "{said}");
        assert!(!said.contains(['\u{202e}', '\x1b']), "{said}");
        assert!(
            said.lines().all(|line| line.chars().count() < 1100),
            "{said}"
        );
    }
}

#[test]
fn messages_cut_what_they_quote() {
    let folder = workspace();
    let folder = folder.path();
    let long = "9".repeat(1_000_000);
    let config = |name: &str, line: &str| {
        fs::write(folder.join(name), format!("{}\n{line}\n", common::TINY)).unwrap();
    };
    config("text.toml", &format!("log_every = \"{long}\""));
    fs::write(
        folder.join("text.toml"),
        common::TINY.replace("steps = 6", &format!("steps = \"{long}\"")),
    )
    .unwrap();
    fs::write(
        folder.join("kind.toml"),
        common::TINY.replace("kind = \"mlp\"", &format!("kind = \"{long}\"")),
    )
    .unwrap();
    config("key.toml", &format!("k{long} = 1"));
    config("syntax.toml", &format!("broken = {long}x"));
    for name in ["text.toml", "kind.toml", "key.toml", "syntax.toml"] {
        let output = run(folder, &["train", name, "--out", "out"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said.len());
        assert!(said.len() < 1500, "{name}: {} bytes", said.len());
        assert!(said.contains("99999"), "{name}: {said}");
    }
    // What was expected is still there.
    let said = text(&run(folder, &["train", "text.toml", "--out", "out"]).stderr);
    assert!(
        said.contains("training.steps") && said.contains("expected a whole number"),
        "{said}"
    );
    let flag = "9".repeat(100_000);
    for arguments in [
        &["sample", "out", "--steps", &flag][..],
        &["train", "--set", &format!("training.steps=x{flag}")],
        &["train", "--preset", &flag],
    ] {
        let output = run(folder, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}", said.len());
        assert!(said.len() < 1500, "{} bytes", said.len());
    }
}

/// `error:` is red where a terminal is asked for colours, and never where they are refused.
#[test]
fn colours_follow_the_variables_that_others_follow() {
    let folder = workspace();
    let error = |variables: &[(&str, &str)]| {
        let mut command = ebm(folder.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let output = command.args(["sample", "absent"]).output().unwrap();
        text(&output.stderr)
    };
    let (plain, red) = ("error: ", "\x1b[1;31merror:\x1b[0m ");
    for (variables, expected) in [
        // Standard error is a pipe here.
        (&[][..], plain),
        (&[("CLICOLOR_FORCE", "1")], red),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], red),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], plain),
    ] {
        let said = error(variables);
        assert!(said.starts_with(expected), "{variables:?}: {said:?}");
        assert!(!said.trim_start_matches(red).contains('\x1b'), "{said:?}");
    }
}

#[test]
fn a_run_is_named_first_or_by_its_flag() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    let commands: [(&str, &[&str]); 12] = [
        ("resume network", &[]),
        ("watch network", &["--once"]),
        ("report network", &["--samples", "0"]),
        ("sample network", &["-n", "1", "--steps", "1"]),
        ("eval rbm", &["--ood", "none"]),
        ("logz rbm", &[]),
        ("inpaint network", &["a.png", "--steps", "1"]),
        ("denoise network", &["a.png", "--steps", "1"]),
        ("compare network", &["a.png", "b.png"]),
        ("compose network", &["-n", "1", "--steps", "1"]),
        ("export network", &["FILE"]),
        ("recall network", &["a.png"]),
    ];
    for (index, (command, more)) in commands.into_iter().enumerate() {
        let (name, dir) = command.split_once(' ').unwrap();
        let file = |way: &str| format!("{index}{way}.safetensors");
        let with_file = |way: &str| -> Vec<String> {
            let file = file(way);
            more.iter()
                .map(|&word| {
                    if word == "FILE" {
                        file.clone()
                    } else {
                        word.into()
                    }
                })
                .collect()
        };
        let go = |before: &[&str], way: &str| {
            let more = with_file(way);
            let more = more.iter().map(String::as_str);
            let arguments: Vec<&str> = before.iter().copied().chain(more).collect();
            run(folder, &arguments)
        };
        let first = go(&[name, dir], "first");
        let flag = go(&[name, "--run", dir], "flag");
        let (first_said, flag_said) = (text(&first.stderr), text(&flag.stderr));
        if name == "recall" {
            // A network recalls nothing, which is said once it has been read.
            assert!(first_said.contains("not for this mlp"), "{first_said}");
            assert_eq!(first_said, flag_said);
        } else {
            assert!(first.status.success(), "{command}: {first_said}");
            assert!(flag.status.success(), "{command}: {flag_said}");
        }
        let both = go(&[name, dir, "--run", "rbm"], "both");
        let said = text(&both.stderr);
        assert_eq!(both.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("--run"), "{command}: {said}");
        let none = run(folder, &[name]);
        let said = text(&none.stderr);
        assert_eq!(none.status.code(), Some(2), "{command}: {said}");
        assert!(
            said.contains("DIR") && said.contains("--run"),
            "{command}: {said}"
        );
    }
    let said = text(&run(folder, &["compare", "a.png", "b.png"]).stderr);
    assert!(
        said.contains("found the file a.png, expected a run folder"),
        "{said}"
    );
    let said = text(&run(folder, &["compare", "network", "a.png"]).stderr);
    assert!(said.contains("found 1, expected two images"), "{said}");
}

#[test]
fn empty_variables_are_none() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let with = |variable: &str, value: &str| {
        ebm(folder.path())
            .args(["sample", "out", "-n", "1", "--steps", "1"])
            .env(variable, value)
            .output()
            .unwrap()
    };
    for variable in ["EBM_BACKEND", "EBM_DEVICE", "EBM_LOG"] {
        let output = with(variable, "");
        assert!(
            output.status.success(),
            "{variable}: {}",
            text(&output.stderr)
        );
    }
    assert_eq!(with("EBM_BACKEND", "tpu").status.code(), Some(2));
    assert_eq!(with("EBM_DEVICE", "x").status.code(), Some(2));
}

#[test]
fn a_schedule_that_is_cut_short_or_begins_again_is_told() {
    let folder = workspace();
    let folder = folder.path();
    let schedule = ["--set", "schedule={decay={kind=\"linear\"}}"];
    let said = train(
        folder,
        "short",
        &[&schedule[..], &["--time-limit", "0s"]].concat(),
    );
    // The first of 6 updates has all of 0.01, the last a sixth of it.
    let expected =
        "the learning rate is still at 0.0100 of 0.0100, and was to fall to 0.00167 by step 6";
    assert!(said.contains(expected), "{said}");
    let said = succeed(folder, &["resume", "short"]);
    assert!(!said.contains("learning rate"), "{said}");
    let said = succeed(folder, &["resume", "short", "--set", "training.steps=12"]);
    let expected = "the learning rate jumps from 0.00167, that of the last update, to 0.00500";
    assert!(said.contains(expected), "{said}");
    // A rate that stays is no news, nor is a longer run at that rate.
    let said = train(folder, "constant", &["--time-limit", "0s"]);
    assert!(!said.contains("learning rate"), "{said}");
    let longer = ["resume", "constant", "--set", "training.steps=8"];
    let said = succeed(folder, &longer);
    assert!(!said.contains("learning rate"), "{said}");
    let faster = [
        "resume",
        "constant",
        "--set",
        "training.steps=9",
        "--set",
        "optimizer.learning_rate=0.02",
    ];
    let said = succeed(folder, &faster);
    assert!(
        said.contains("jumps from 0.0100, that of the last update, to 0.0200"),
        "{said}"
    );
}

#[test]
fn a_comparison_begins_with_its_answer() {
    let folder = workspace();
    let folder = folder.path();
    prepare(folder);
    let compare = |first: &str, second: &str| {
        let said = succeed(folder, &["compare", "network", first, second]);
        said.lines().next().unwrap().to_string()
    };
    let (forth, back) = (compare("a.png", "b.png"), compare("b.png", "a.png"));
    let [forth_wins_first, back_wins_first] =
        [&forth, &back].map(|said| said.starts_with("the model prefers A, "));
    assert_ne!(forth_wins_first, back_wins_first, "{forth}\n{back}");
    let winner = if forth_wins_first { "a.png" } else { "b.png" };
    assert!(
        forth.contains(winner) && back.contains(winner),
        "{forth}\n{back}"
    );
    let unit = " model units: at the temperature of its sampler, 1.3e-3, it finds it ";
    assert!(forth.contains(unit), "{forth}");
    let same = compare("a.png", "a.png");
    assert!(
        same.starts_with("the model prefers neither image: "),
        "{same}"
    );
    let said = succeed(folder, &["compare", "network", "a.png", "b.png", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let expected = if forth_wins_first { "first" } else { "second" };
    assert_eq!(report["preferred"], expected);
}
