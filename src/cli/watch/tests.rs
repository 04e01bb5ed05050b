//! What `ebm watch` shows, pinned: every number in it can be checked by hand against the run that
//! is made up here.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use tempfile::TempDir;

use super::half_blocks::lines;
use super::plain::snapshot;
use super::state::State;
use super::view::{Screen, draw};

/// A run of 41 lines, every 25 updates, half a second each, 5 seconds in all when it is half
/// through.
fn run_folder(lines: u64) -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = ebm::run::config::preset("digits").unwrap();
    let config = config
        .lines()
        .map(|line| {
            if line.starts_with("steps = ") && !line.contains("steps = 20") {
                "steps = 2000"
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(folder.path().join("config.toml"), config).unwrap();
    let metrics: String = (0..lines)
        .map(|line| {
            let step = 25 * (line + 1);
            // A saw tooth that falls, and one that stays.
            let data = -(line as f64) / 8.0;
            let samples = data + (line % 8) as f64 / 8.0;
            format!(
                "{{\"step\":{step},\"loss\":0.0,\"data_energy\":{data},\"sample_energy\":{samples},\"gap\":{},\"gradient_norm\":{},\"displacement\":0.25,\"resets\":{},\"learning_rate\":0.001,\"steps_per_second\":50.0,\"samples_per_second\":3200.0,\"seconds\":{}}}\n",
                samples - data,
                100.0 / (line + 1) as f64,
                u64::from(line == 3) * 2,
                0.5 * (line + 1) as f64
            )
        })
        .collect();
    if lines > 0 {
        fs::write(folder.path().join("metrics.jsonl"), metrics).unwrap();
        let events = [
            r#"{"at":1700000000,"event":"started","step":0,"steps":2000,"parameters":10,"examples":1500}"#,
            r#"{"at":1700000009,"event":"refused","step":500,"loss":null,"gradient_norm":2.5,"in_a_row":1}"#,
            r#"{"at":1700000010,"event":"saved","file":"step-00000500.safetensors"}"#,
            r#"{"at":1700000011,"event":"stopped","step":1000}"#,
        ];
        fs::write(folder.path().join("events.jsonl"), events.join("\n")).unwrap();
    }
    folder
}

/// The lines of a terminal of this size, without the title, whose path is another each time.
fn drawn(folder: &Path, width: u16, height: u16) -> Vec<String> {
    let state = State::open(folder).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, &state, Screen::All))
        .unwrap();
    let buffer = terminal.backend().buffer();
    let lines: Vec<String> = buffer
        .content()
        .chunks(width.into())
        .map(|cells| {
            let line: String = cells.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_string()
        })
        .collect();
    lines[1..].to_vec()
}

/// Half of 2,000 updates, 20 seconds of training: the energies of the data fall from 0 to -4.875,
/// the gap is a saw tooth of five teeth between 0 and 0.875, the gradient norm falls from 100 to
/// 2.5, on an axis of powers, and chains move by 0.25. Names stand in the title, ticks at round
/// values.
const STOPPED: &str =
    " 1000 of 2000 updates, 50 % ────────────────────────────────────────────────────
 0:20   50.0 updates/s   2 chain steps not finite   temperature 4.5e-5
┌ energy (model units)  data  samples ─┐┌ gap E(samples) - E(data) ────────────┐
│ 0┤⠒⠒⠒⠒⠒⠒⢢                            ││0.8┤     ⡠⡆     ⡠⡆     ⡠⡆     ⣰     ⢀⠔│
│  │     ⠈⠉⠉⠉⠉⠉⠉⠉⠹⡀                    ││0.6┤    ⡰⠁⢣    ⡜ ⡇   ⢀⠜ ⡇   ⢀⠜⠘⡄   ⢀⠎ │
│-2┤             ⠈⠉⠉⠉⠉⠉⠉⠙⣄⣀⣀⣀⣀⣀⣀       ││0.4┤  ⢀⠎  ⢸  ⢀⠎  ⢣  ⢠⠃  ⢣  ⡰⠁  ⡇  ⡰⠁  │
│-4┤                      ⠉⠉⠒⠢⠤⠈⢆⣀⣀⣀⣀⣀⣀││0.2┤ ⡰⠁   ⠘⡄⡔⠁   ⢸ ⡔⠁   ⢸ ⡔⠁   ⢣⢀⠎    │
│  │                              ⠉⠉⠒⠢⠤││  0┤⠔⠁     ⠟     ⠸⠊     ⠸⠊     ⠸⠊     │
│        200    400    600    800 1,000││         200    400    600    800     │
└──────────────────────────────────────┘└──────────────────────────────────────┘
┌ gradient norm ───────────────────────┐┌ displacement of chains ──────────────┐
│100┤⠢⡀                                ││0.27┤                                 │
│ 30┤ ⠑⠢⢄⣀                             ││    │                                 │
│ 10┤     ⠉⠉⠒⠢⠤⠤⠤⣀⣀⣀⡀                  ││0.25┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉│
│  3┤               ⠈⠉⠉⠉⠉⠑⠒⠒⠒⠒⠒⠒⠢⠤⠤⠤⠤⠤⠤││0.23┤                                 │
│         200    400    600    800     ││         200    400    600    800     │
└──────────────────────────────────────┘└──────────────────────────────────────┘
 last events (UTC)
 22:13:31  stopped and saved after update 1000
 22:13:30  saved step-00000500.safetensors
 22:13:29  update 500 was not applied (1 in a row): loss not finite, gradient no
 22:13:20  started, 2000 updates to make
 q quits";

/// The same run with a first line far off: energies of 4e6, gap of 1e6.
#[test]
fn a_start_far_off_does_not_flatten_the_curves() {
    let folder = run_folder(40);
    let path = folder.path().join("metrics.jsonl");
    let metrics = fs::read_to_string(&path).unwrap();
    let far = metrics
        .replacen("\"data_energy\":-0", "\"data_energy\":4e6", 1)
        .replacen("\"gap\":0", "\"gap\":-1e6", 1);
    assert_ne!(far, metrics);
    fs::write(&path, far).unwrap();
    let lines = drawn(folder.path(), 80, 24);
    let whole = lines.join("\n");
    // The axes are those of the rest, and the first line is marked on their edges.
    for expected in ["-2┤", "-4┤", "0.8┤", "0.2┤", "▲", "▼"] {
        assert!(whole.contains(expected), "no {expected} in\n{whole}");
    }
    assert!(!whole.contains("e6┤"), "{whole}");
}

/// Before the first line of metrics.
const EMPTY: &str = " 0 of 2000 updates, 0 % ────────────────


 no metrics yet: the first line comes af



 last events (UTC)
 none recorded

 q quits";

#[test]
fn a_stopped_run_on_a_terminal() {
    let folder = run_folder(40);
    let lines = drawn(folder.path(), 80, 24);
    assert_eq!(lines.join("\n"), STOPPED, "\n{}", lines.join("\n"));
}

#[test]
fn a_run_without_metrics_on_a_small_terminal() {
    let folder = run_folder(0);
    let lines = drawn(folder.path(), 40, 12);
    assert_eq!(lines.join("\n"), EMPTY, "\n{}", lines.join("\n"));
}

#[test]
fn no_terminal_is_too_small() {
    let folder = run_folder(40);
    for (width, height) in [(1, 2), (3, 3), (20, 8), (69, 16), (300, 2), (4, 100)] {
        assert_eq!(
            drawn(folder.path(), width, height).len(),
            usize::from(height) - 1
        );
    }
    // One chart in the width of a phone, and no row of half ones.
    let narrow = drawn(folder.path(), 40, 16).join("\n");
    assert!(narrow.contains("energy (model units)") && !narrow.contains("gradient norm"));
}

#[test]
fn a_snapshot_says_the_same_in_lines() {
    let folder = run_folder(40);
    let text = snapshot(&State::open(folder.path()).unwrap());
    let (path, rest) = text.split_once(": ").unwrap();
    assert_eq!(Path::new(path), folder.path());
    assert_eq!(
        rest,
        "stopped\n\
         updates         1000 of 2000\n\
         training time   0:20\n\
         energies in     model units; the sampler's temperature is 4.5e-5\n\
         E(data)         -4.875\n\
         E(samples)      -4.000\n\
         gap             0.8750\n\
         gradient norm   2.500\n\
         displacement    0.2500\n\
         updates/s       50.0\n\
         22:13:31        stopped and saved after update 1000\n\
         22:13:30        saved step-00000500.safetensors\n\
         22:13:29        update 500 was not applied (1 in a row): loss not finite, gradient norm 2.5\n\
         22:13:20        started, 2000 updates to make\n"
    );
}

#[test]
fn what_is_left_follows_the_speed_of_late() {
    let folder = run_folder(40);
    let mut state = State::open(folder.path()).unwrap();
    // 1,000 updates at 50 a second.
    let left = state.seconds_left().unwrap();
    assert!((left - 20.0).abs() < 1e-9, "{left}");
    // Ten more lines, each of 25 updates in 5 seconds: they are the last fifth of 50 lines.
    let more: String = (41..=50)
        .map(|line| {
            let seconds = 20 + 5 * (line - 40);
            format!("{{\"step\":{},\"seconds\":{seconds}}}\n", 25 * line)
        })
        .collect();
    let path = folder.path().join("metrics.jsonl");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, before + &more).unwrap();
    state.poll().unwrap();
    assert_eq!((state.step(), state.lines().count()), (1250, 50));
    let left = state.seconds_left().unwrap();
    assert!((left - 750.0 * 5.0 / 25.0).abs() < 1e-9, "{left}");
}

/// Adds what was measured of the run, and a picture: red above, blue below.
fn with_quality(folder: &Path) {
    let lines: String = [250.0, 90.0, 30.0, 21.0]
        .iter()
        .zip([250, 500, 750, 1000])
        .map(|(distance, step)| {
            format!(
                "{{\"step\":{step},\"features\":\"pixels\",\"samples\":64,\"distance\":{distance},\"distance_error\":1.5,\"floor\":3.0,\"start_distance\":300.0,\"precision\":0.875,\"recall\":0.5,\"held_out_energy\":-4.5}}\n"
            )
        })
        .collect();
    fs::write(folder.join("quality.jsonl"), lines).unwrap();
    fs::create_dir(folder.join("samples")).unwrap();
    let picture = RgbImage::from_fn(20, 20, |_, y| {
        Rgb(if y < 10 { [200, 0, 0] } else { [0, 0, 200] })
    });
    picture
        .save(folder.join("samples/step-00001000.png"))
        .unwrap();
}

#[test]
fn quality_leads_a_snapshot() {
    let folder = run_folder(40);
    with_quality(folder.path());
    let text = snapshot(&State::open(folder.path()).unwrap());
    let (_, rest) = text.split_once(": ").unwrap();
    let expected = "stopped\n\
         verdict         still improving\n\
         distance        21.0 ± 1.5 (real data 3.00)\n\
         best            update 1000 (21.0)\n\
         precision       0.88\n\
         recall          0.50\n\
         E(held out)     -4.500\n\
         updates         1000 of 2000\n";
    assert!(rest.starts_with(expected), "{rest}");
    let path = folder.path().join("samples/step-00001000.png");
    let line = format!("\nsamples         {}\n", path.display());
    assert!(rest.contains(&line), "{rest}");
}

#[test]
fn quality_and_held_out_energies_are_on_the_terminal() {
    let folder = run_folder(40);
    with_quality(folder.path());
    let lines = drawn(folder.path(), 80, 30);
    assert_eq!(lines[2], " still improving");
    let facts = " distance 21.0 ± 1.5 (real data 3.00)   best update 1000 (21.0)   precision 0.88";
    assert!(lines[3].starts_with(facts), "{}", lines[3]);
    let whole = lines.join("\n");
    for expected in [
        "┌ distance  samples  real data ",
        "data  samples  held out ",
    ] {
        assert!(whole.contains(expected), "no {expected} in\n{whole}");
    }
    // Nobody said that this terminal has the colours.
    assert!(
        !whole.contains('▀') && !whole.contains("samples alone"),
        "{whole}"
    );
}

#[test]
fn samples_are_drawn_where_there_are_colours() {
    let folder = run_folder(40);
    with_quality(folder.path());
    let state = State::open(folder.path()).unwrap().with_pictures();
    let colors = |width: u16, height: u16, screen| {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &state, screen)).unwrap();
        let cells = terminal.backend().buffer().content();
        let half = cells.iter().filter(|cell| cell.symbol() == "▀");
        half.map(|cell| (cell.fg, cell.bg)).collect::<Vec<_>>()
    };
    // 20 columns of 10 lines, wherever it fits.
    let beside = colors(120, 30, Screen::All);
    assert_eq!(beside.len(), 200);
    let (red, blue) = (Color::Rgb(200, 0, 0), Color::Rgb(0, 0, 200));
    assert_eq!((beside[0], beside[199]), ((red, red), (blue, blue)));
    assert_eq!(colors(80, 30, Screen::All).len(), 0);
    assert_eq!(colors(80, 30, Screen::Samples).len(), 200);
    for (width, height) in [(1, 2), (3, 3), (20, 8), (101, 6), (300, 2)] {
        colors(width, height, Screen::All);
        colors(width, height, Screen::Samples);
    }
    let (_, picture) = state.picture().unwrap();
    let text = lines(picture, (80, 40));
    assert_eq!(text.lines().count(), 10);
    let first = "\x1b[38;2;200;0;0m\x1b[48;2;200;0;0m▀";
    assert_eq!(text.lines().next().unwrap(), first.repeat(20) + "\x1b[0m");
    // Without colours there is no picture to draw.
    assert!(State::open(folder.path()).unwrap().picture().is_none());
}
