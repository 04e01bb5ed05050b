//! `ebm report` and `ebm watch` from end to end; the page is opened in a browser at the width of a
//! desk and of a phone.
#![cfg(all(feature = "cli", feature = "flex"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{ebm, names, run, snapshot, succeed, text, train, workspace};
use tempfile::TempDir;

/// Widths in CSS pixels.
const WIDTHS: [u32; 2] = [1280, 390];

/// Runs the page in a frame of a given width and writes what it finds into the document. A frame,
/// since browsers don't make windows as narrow as a phone; and around the page, since that runs no
/// script but its own, which is tried: every chart is pointed at, every switch pressed.
const HARNESS: &str = r#"<!DOCTYPE html><html><body style="margin:0"><pre id="found"></pre>
<iframe id="page" style="border:0;display:block" width="WIDTH" height="HEIGHT" srcdoc="PAGE"></iframe>
<script>
addEventListener('load', () => {
  const found = document.getElementById('found');
  try {
    const frame = document.getElementById('page');
    const page = frame.contentDocument, root = page.documentElement;
    for (const details of page.querySelectorAll('details')) details.open = true;
    const lines = [];
    const drawn = () => [...page.querySelectorAll('svg')].map(chart => chart.getBoundingClientRect().height > 100);
    const before = drawn();
    for (const button of page.querySelectorAll('button')) button.click();
    lines.push('switched ' + drawn().filter((shown, index) => shown !== before[index]).length);
    for (const button of page.querySelectorAll('button')) button.click();
    for (const chart of page.querySelectorAll('.chart')) {
      const box = chart.getBoundingClientRect();
      chart.dispatchEvent(new frame.contentWindow.PointerEvent('pointermove', { clientX: box.left + box.width * 0.9 }));
    }
    const notes = [...page.querySelectorAll('.chart > .note:not([hidden])')];
    lines.push('notes ' + notes.filter(note => note.children.length > 1).length);
    lines.push('first <' + (notes.length ? notes[0].innerText.replace(/\s+/g, ' ') : '') + '>');
    lines.push('width ' + frame.contentWindow.innerWidth);
    lines.push('scroll ' + root.scrollWidth);
    const wide = [...page.querySelectorAll('body *')].filter(element => {
      const box = element.getBoundingClientRect();
      return box.right > root.clientWidth + 0.5 || box.left < -0.5 ||
        (element instanceof frame.contentWindow.HTMLElement && element.scrollWidth > element.clientWidth + 1 &&
          getComputedStyle(element).display === 'block');
    });
    // A label that leaves its chart is cut off.
    const cut = [...page.querySelectorAll('svg text')].filter(label => {
      const box = label.getBoundingClientRect(), chart = label.ownerSVGElement.getBoundingClientRect();
      return box.right > chart.right + 0.5 || box.left < chart.left - 0.5 || box.bottom > chart.bottom + 0.5;
    });
    lines.push('cut ' + cut.length);
    lines.push('overflowing ' + wide.map(element => element.tagName + '.' + element.getAttribute('class')).join(','));
    const pictures = [...page.images];
    lines.push('pictures ' + pictures.length);
    lines.push('broken ' + pictures.filter(picture => !(picture.complete && picture.naturalWidth > 0)).length);
    lines.push('charts ' + drawn().filter(shown => shown).length);
    const loaded = frame.contentWindow.performance.getEntriesByType('resource');
    lines.push('requests ' + loaded.filter(entry => !entry.name.startsWith('data:')).length);
    found.textContent = 'FOUND ' + lines.join('; ') + ' END';
    found.style.display = 'none';
  } catch (error) { found.textContent = 'FOUND error ' + error + ' END'; }
});
</script></body></html>"#;

/// A browser, if there is one.
fn chromium() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
    if found.is_none() {
        // Not by print macros, whose output a passing test keeps to itself.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no Chromium on this machine, so the report isn't opened in a browser (Debian package `chromium`)"
        );
    }
    found.map(PathBuf::from)
}

/// Opens a file without a network, with a profile of its own.
fn browse(browser: &Path, file: &Path, width: u32, height: u32, more: &[&str]) -> String {
    let profile = TempDir::new().unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-quic",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            // Whatever it asks for isn't found.
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},{height}"))
        .args(more)
        .arg(format!("file://{}", file.display()))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the browser failed: {}",
        output.status
    );
    text(&output.stdout)
}

fn harness(page: &str, width: u32, height: u32) -> String {
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    HARNESS
        .replace("WIDTH", &width.to_string())
        .replace("HEIGHT", &height.to_string())
        .replace("PAGE", &escaped)
}

/// What the harness wrote: before its script, whose text is in the document too.
fn said(dom: &str) -> &str {
    let (_, rest) = dom.split_once("id=\"found\"").unwrap();
    let (_, rest) = rest.split_once("FOUND ").unwrap();
    rest.split_once(" END").unwrap().0
}

/// A number that the harness found.
fn found(said: &str, name: &str) -> u32 {
    let (_, rest) = said
        .split_once(&format!("{name} "))
        .unwrap_or_else(|| panic!("no {name} in {said}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn a_report_opens_in_a_browser_at_the_width_of_a_desk_and_of_a_phone() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let measured: String = [(2, 250.0), (4, 9.0), (6, 8.5)]
        .map(|(step, distance)| {
            format!(
                "{{\"step\":{step},\"samples\":64,\"distance\":{distance},\"distance_error\":0.5,\"floor\":3.0,\"start_distance\":300.0,\"precision\":0.9,\"recall\":0.8,\"classes\":[0.25,0.5,0.25]}}\n"
            )
        })
        .concat();
    fs::write(folder.path().join("out/quality.jsonl"), measured).unwrap();
    let output = run(folder.path(), &["report", "out"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("wrote out/report.html"));
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(!page.contains("class=\"missing\""));
    let Some(browser) = chromium() else { return };
    for width in WIDTHS {
        let file = folder.path().join(format!("harness-{width}.html"));
        fs::write(&file, harness(&page, width, 900)).unwrap();
        let picture = folder.path().join(format!("{width}.png"));
        let screenshot = format!("--screenshot={}", picture.display());
        let dom = browse(&browser, &file, width.max(600), 900, &["--dump-dom"]);
        let said = said(&dom);
        assert_eq!(found(said, "width"), width, "{said}");
        assert!(found(said, "scroll") <= width, "{said}");
        assert!(said.contains("overflowing ;"), "{said}");
        assert_eq!(found(said, "cut"), 0, "{said}");
        assert_eq!(found(said, "requests"), 0, "{said}");
        assert_eq!(found(said, "broken"), 0, "{said}");
        assert_eq!(
            found(said, "pictures") as usize,
            page.matches("<img ").count(),
            "{said}"
        );
        let (all, hidden) = (
            page.matches("<svg ").count(),
            page.matches("<svg hidden").count(),
        );
        assert_eq!(found(said, "charts") as usize, all - hidden, "{said}");
        // A press hides one drawing and shows the other.
        assert!(hidden > 0, "the distances are far apart");
        assert_eq!(found(said, "switched") as usize, 2 * hidden, "{said}");
        let charts = page.matches("class=\"chart\"").count();
        assert_eq!(found(said, "notes") as usize, charts, "{said}");
        let first =
            "first &lt;update 6 samples, with their standard error 8.5 real data 3 noise 300&gt;";
        assert!(said.contains(first), "{said}");
        browse(&browser, &file, width.max(600), 900, &[&screenshot]);
        let picture = image::open(&picture).unwrap().to_rgb8();
        assert_eq!(picture.width(), width.max(600));
        // Text and cards on a page: not one colour, and not two.
        let mut colors: Vec<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
        colors.sort_unstable();
        colors.dedup();
        assert!(colors.len() > 20, "{} colours at {width}", colors.len());
    }
}

#[test]
fn a_page_that_is_too_wide_or_asks_for_something_is_found() {
    let Some(browser) = chromium() else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("harness.html");
    let page = "<!DOCTYPE html><html><body><p style=\"width:1500px\">wide</p><img src=\"file:///none.png\" alt=\"none\"></body></html>";
    fs::write(&file, harness(page, 390, 900)).unwrap();
    let dom = browse(&browser, &file, 600, 900, &["--dump-dom"]);
    let said = said(&dom);
    assert!(found(said, "scroll") > 390, "{said}");
    assert!(said.contains("overflowing P.null"), "{said}");
    assert_eq!(found(said, "broken"), 1, "{said}");
}

#[test]
fn reports_are_refused_where_they_would_hurt() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let before = snapshot(folder.path());
    for (arguments, code, sign) in [
        (&["report", "none"][..], 2, "is not a run folder"),
        (
            &["report", "out", "--out", "tiny.toml"],
            2,
            "nothing was overwritten",
        ),
        (&["report", "out", "--samples", "1000"], 2, "--samples"),
        (&["watch", "none"], 2, "is not a run folder"),
        (
            &["watch", "out", "--every", "soon"],
            2,
            "expected a number with a unit",
        ),
    ] {
        let output = run(folder.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(sign), "{arguments:?}: {said}");
    }
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn lines_that_cannot_be_read_are_left_out_and_counted() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let out = folder.path().join("out");
    let metrics = out.join("metrics.jsonl");
    let lines = fs::read(&metrics).unwrap();
    // At the start, and one that is torn at the end.
    let damaged = [b"half a li\n\xff\n", &lines[..], b"{\"step\":9,\"lo"].concat();
    fs::write(&metrics, damaged).unwrap();
    let events = fs::read(out.join("events.jsonl")).unwrap();
    fs::write(out.join("events.jsonl"), [b"\0\0\n", &events[..]].concat()).unwrap();
    let machine = fs::read(out.join("machine.toml")).unwrap();
    let machine = [&machine[..], b"[[start]]\nat = \xff"].concat();
    fs::write(out.join("machine.toml"), machine).unwrap();
    let signs = [
        "out/metrics.jsonl: 3 lines can't be read (the first is line 1: ",
        "out/events.jsonl: 1 line can't be read (line 1: ",
    ];
    let before = snapshot(&out);
    let said = succeed(folder.path(), &["watch", "out"]);
    assert!(signs.iter().all(|sign| said.contains(sign)), "{said}");
    assert!(said.contains("updates         6 of 6"), "{said}");
    let arguments = ["report", "out", "--samples", "0", "--out", "page.html"];
    let output = run(folder.path(), &arguments);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(signs.iter().all(|sign| said.contains(sign)), "{said}");
    assert!(
        said.contains("out/machine.toml: 1 entry can't be read"),
        "{said}"
    );
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    for sign in signs {
        let sign = sign.replace('\'', "&#39;");
        assert!(page.contains(&sign), "{sign}");
    }
    assert!(page.contains("Backend and device") && page.contains("Mean energies"));
    // Readers change nothing.
    assert!(snapshot(&out) == before);
}

#[test]
fn reports_made_at_once_are_all_whole() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    for _ in 0..5 {
        let reports: Vec<_> = (0..4)
            .map(|_| {
                let mut command = ebm(folder.path());
                command.args(["report", "out", "--samples", "0", "--backend", "flex"]);
                command.stdout(Stdio::null()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        for report in reports {
            let output = report.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
        let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
        assert!(page.ends_with("</html>\n"));
    }
    let left = names(&folder.path().join("out"));
    assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
}

#[test]
fn a_run_that_has_only_started_has_a_report_and_can_be_watched() {
    let folder = workspace();
    train(folder.path(), "out", &["--set", "output.log_every=100"]);
    let out = folder.path().join("out");
    for file in [
        "metrics.jsonl",
        "events.jsonl",
        "model.safetensors",
        "machine.toml",
    ] {
        fs::remove_file(out.join(file)).unwrap();
    }
    fs::remove_dir_all(out.join("checkpoints")).unwrap();
    let said = succeed(folder.path(), &["watch", "out", "--once"]);
    assert!(
        said.contains("out: not running\nupdates         0 of 6\nno metrics yet"),
        "{said}"
    );
    let output = run(folder.path(), &["report", "out", "--out", "page.html"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("metrics.jsonl has no line yet"));
}

#[test]
fn without_a_terminal_watch_prints_how_the_run_stands() {
    let folder = workspace();
    train(folder.path(), "out", &[]);
    let said = succeed(folder.path(), &["watch", "out"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "out: finished");
    assert_eq!(lines[1], "updates         6 of 6");
    for name in [
        "E(data)",
        "E(samples)",
        "gap",
        "gradient norm",
        "displacement",
        "updates/s",
    ] {
        let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
        let value: f64 = line[15..].trim().parse().unwrap();
        assert!(value.is_finite(), "{line}");
    }
    // Newest first.
    assert!(lines[lines.len() - 5].ends_with("finished"), "{said}");
    assert!(said.contains("saved step-00000006.safetensors"), "{said}");
}
