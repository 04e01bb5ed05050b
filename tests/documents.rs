//! What README and the book say is there: linked files exist, chapters are listed, commands are
//! understood by the program.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{files, run, succeed, text, workspace};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, the book and what else is written for readers, with their text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![
        root().join("README.md"),
        root().join("ARCHITECTURE.md"),
        root().join("benches/README.md"),
        root().join("benches/RESULTS.md"),
    ];
    let written = files(&root().join("docs")).into_iter();
    paths.extend(written.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The text outside of fenced blocks, and the lines of the blocks marked `bash` or `sh`.
fn prose_and_commands(text: &str) -> (String, Vec<String>) {
    let (mut prose, mut commands) = (String::new(), Vec::new());
    let mut fence: Option<String> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(language), None) => fence = Some(language.to_string()),
            (None, Some(language)) if language == "bash" || language == "sh" => {
                commands.push(line.trim().to_string());
            }
            (None, Some(_)) => {}
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    (prose, commands)
}

/// Targets of `[text](target)` and `![text](target)`.
fn links(prose: &str) -> Vec<&str> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// The words of a command as a shell splits them, as far as documents need it: quotes, and
/// comments.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.chars() {
        match (character, quote) {
            ('\'' | '"', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            ('#', None) if word.is_empty() => break,
            (' ', None) if word.is_empty() => {}
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The arguments of every `ebm` command in the documents, with the document's path.
fn ebm_commands() -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for (path, text) in documents() {
        for line in prose_and_commands(&text).1 {
            let line = line.replacen("cargo run --release -- ", "ebm ", 1);
            let mut words = words(&line);
            if words
                .first()
                .is_some_and(|word| word == "ebm" || word == "$ebm")
            {
                words.remove(0);
                // What follows belongs to the shell.
                if let Some(end) = words
                    .iter()
                    .position(|word| [">", "|", "&&"].contains(&word.as_str()))
                {
                    words.truncate(end);
                }
                found.push((path.clone(), words));
            }
        }
    }
    found
}

#[test]
fn linked_files_exist() {
    let mut checked = 0;
    for (path, text) in documents() {
        for target in links(&prose_and_commands(&text).0) {
            if target.starts_with("http") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap();
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{}: no {file}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} links were found");
}

#[test]
fn the_book_lists_its_chapters_and_uses_its_pictures() {
    let source = root().join("docs/book/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    let mut everything = String::new();
    for (path, text) in documents() {
        if let Ok(chapter) = path.strip_prefix(&source) {
            let chapter = chapter.display().to_string();
            let listed = chapter == "SUMMARY.md" || summary.contains(&format!("({chapter})"));
            assert!(listed, "SUMMARY.md doesn't list {chapter}");
            everything.push_str(&text);
        }
    }
    for picture in files(&source.join("images")) {
        let name = picture.file_name().unwrap().to_str().unwrap();
        assert!(everything.contains(name), "no chapter shows {name}");
    }
}

#[test]
fn commands_and_their_flags_exist() {
    let folder = workspace();
    let commands = ebm_commands();
    assert!(
        commands.len() > 20,
        "only {} commands were found",
        commands.len()
    );
    for (path, arguments) in commands {
        let whole = format!("{}: `ebm {}`", path.display(), arguments.join(" "));
        let output = run(folder.path(), &[&arguments[0], "--help"]);
        assert!(output.status.success(), "{whole}: there is no such command");
        let help = text(&output.stdout);
        for flag in arguments.iter().filter(|word| word.starts_with('-')) {
            let flag = flag.split('=').next().unwrap();
            let known = help
                .split(|c: char| c.is_whitespace() || c == ',')
                .any(|word| word == flag || word == "--help" && flag == "-h");
            assert!(known, "{whole}: there is no {flag}");
        }
    }
}

#[test]
fn configurations_that_are_trained_are_read() {
    let folder = workspace();
    for (path, arguments) in ebm_commands() {
        if arguments[0] != "train" || arguments.iter().any(|word| word == "my.toml") {
            continue;
        }
        let mut of_config = vec!["config"];
        let mut rest = arguments[1..].iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--preset" | "--set" | "--seed" => {
                    of_config.push(word);
                    of_config.push(rest.next().unwrap());
                }
                // Where data lie, where a run goes, where, how often and how long it computes:
                // nothing of the configuration.
                "--data" | "--minutes" | "--out" | "--from" | "--backend" | "--device"
                | "--time-limit" | "--seeds" => {
                    rest.next();
                }
                other => panic!("{}: what is {other}?", path.display()),
            }
        }
        assert!(!succeed(folder.path(), &of_config).is_empty());
    }
}
