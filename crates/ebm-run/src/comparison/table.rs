//! Runs as a table: one a row, the best first.

use std::cmp::Ordering;
use std::path::PathBuf;

use serde_json::{Map, json};
use toml::Value;

use super::compared_run::ComparedRun;
use super::csv::csv_line;
use super::find::find_runs;
use crate::error::RunError;
use crate::quality::{FeatureKind, ScoreKind, Verdict};

/// Several runs, the best first.
#[derive(Clone, Debug)]
pub struct Comparison {
    runs: Vec<ComparedRun>,
}

/// The scores of several runs in two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSummary {
    /// What they are.
    pub kind: ScoreKind,
    /// How many they are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with `count - 1` below; 0 of a single one.
    pub deviation: f64,
}

impl Comparison {
    /// Reads the runs in `folders`, which [`find_runs`] looks for.
    ///
    /// # Errors
    ///
    /// If there is none in one of them, or a file can't be read.
    pub fn read(folders: &[PathBuf]) -> Result<Self, RunError> {
        let runs = find_runs(folders)?;
        let runs: Result<Vec<_>, _> = runs.iter().map(|run| ComparedRun::read(run)).collect();
        Ok(Self::of(runs?))
    }

    /// Puts runs in order: by the score of their best models, those of a kind together, and those
    /// without any last, in the order in which they came.
    pub fn of(mut runs: Vec<ComparedRun>) -> Self {
        runs.sort_by(|a, b| match (a.score(), b.score()) {
            (Some(a), Some(b)) => {
                let kinds = (a.kind as u8).cmp(&(b.kind as u8));
                kinds.then(a.value.total_cmp(&b.value))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        Self { runs }
    }

    /// The runs, the best first.
    pub fn runs(&self) -> &[ComparedRun] {
        &self.runs
    }

    /// What the runs are called: their folders without the part that all have in common.
    pub fn names(&self) -> Vec<String> {
        let parts: Vec<Vec<String>> = self.runs.iter().map(parts).collect();
        let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
        // Of each at least the last part stays.
        let common = (0..shortest.saturating_sub(1))
            .take_while(|&at| parts.iter().all(|other| other[at] == parts[0][at]))
            .count();
        let names = parts.iter().map(|parts| parts[common..].join("/"));
        names.collect()
    }

    /// The keys of configurations that aren't the same in all runs, kinds first.
    pub fn differing_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in self.runs.iter().flat_map(|run| &run.keys) {
            let first = self.runs[0].key(key);
            let differs = self.runs.iter().any(|run| run.key(key) != first);
            if differs && !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys.sort_by_key(|key| !key.ends_with(".kind"));
        keys
    }

    /// Why scores can't be compared with each other, if they can't.
    pub fn incomparable(&self) -> Option<&'static str> {
        let differ = |all: &[String]| all.windows(2).any(|pair| pair[0] != pair[1]);
        let scored = || self.runs.iter().filter(|run| run.score().is_some());
        let kinds: Vec<String> = scored()
            .filter_map(|run| Some(run.score()?.kind.name().to_string()))
            .collect();
        let features: Vec<String> = scored()
            .filter_map(|run| Some(run.best()?.features.map_or("", FeatureKind::name).into()))
            .collect();
        let data: Vec<String> = scored()
            .map(|run| {
                let keys = ["data.kind", "data.path", "data.size", "data.range"];
                format!("{:?}", keys.map(|key| run.key(key)))
            })
            .collect();
        if differ(&kinds) {
            Some("scores are of several kinds")
        } else if differ(&features) {
            Some("scores are distances in different features")
        } else if differ(&data) {
            Some("scores are of different data")
        } else {
            None
        }
    }

    /// Mean and standard deviation of the scores; `None` without any, or of several kinds.
    pub fn summary(&self) -> Option<ScoreSummary> {
        let scores: Vec<_> = self.runs.iter().filter_map(ComparedRun::score).collect();
        let kind = scores.first()?.kind;
        if scores.iter().any(|score| score.kind != kind) {
            return None;
        }
        let count = scores.len();
        let mean = scores.iter().map(|score| score.value).sum::<f64>() / count as f64;
        let squares = scores.iter().map(|score| (score.value - mean).powi(2));
        let variance = squares.sum::<f64>() / (count.max(2) - 1) as f64;
        Some(ScoreSummary {
            kind,
            count,
            mean,
            deviation: variance.sqrt(),
        })
    }

    /// The table as CSV: a line of names, and a line a run, with all keys that differ.
    pub fn to_csv(&self) -> String {
        let keys = self.differing_keys();
        let fixed = [
            "run",
            "state",
            "score",
            "score_error",
            "score_kind",
            "floor",
            "best_step",
            "verdict",
            "updates",
            "seconds",
        ];
        let mut text = csv_line(fixed.iter().chain(&keys));
        for run in &self.runs {
            let number = |value: Option<f64>| value.map(|it| it.to_string()).unwrap_or_default();
            let score = run.score();
            let step = run.best().map(|line| line.step.to_string());
            let mut fields = vec![
                run.path.display().to_string(),
                run.state.name().into(),
                number(score.map(|score| score.value)),
                number(score.map(|score| score.error)),
                score
                    .map(|score| score.kind.key())
                    .unwrap_or_default()
                    .into(),
                number(run.floor()),
                step.unwrap_or_default(),
                run.verdict().map(|it| it.name()).unwrap_or_default().into(),
                run.step.to_string(),
                number(run.seconds),
            ];
            let values = keys.iter().map(|key| run.key(key).map(shown));
            fields.extend(values.map(Option::unwrap_or_default));
            text += &csv_line(fields);
        }
        text
    }

    /// The table as JSON: an array with an object a run; what isn't known is null.
    pub fn to_json(&self) -> serde_json::Value {
        let keys = self.differing_keys();
        let row = |run: &ComparedRun| {
            let config: Map<String, serde_json::Value> = keys
                .iter()
                .map(|key| (key.to_string(), json!(run.key(key))))
                .collect();
            let score = run.score();
            json!({
                "run": run.path.display().to_string(),
                "state": run.state.name(),
                "score": score.map(|score| score.value),
                "score_error": score.map(|score| score.error),
                "score_kind": score.map(|score| score.kind.key()),
                "floor": run.floor(),
                "best_step": run.best().map(|line| line.step),
                "verdict": run.verdict().as_ref().map(Verdict::name),
                "updates": run.step,
                "seconds": run.seconds,
                "config": config,
            })
        };
        self.runs.iter().map(row).collect()
    }
}

/// The parts of the path of a run, from the root on.
fn parts(run: &ComparedRun) -> Vec<String> {
    let whole = std::path::absolute(&run.path).unwrap_or_else(|_| run.path.clone());
    let parts = whole.components().map(|part| part.as_os_str());
    parts.map(|part| part.to_string_lossy().into()).collect()
}

/// A value as a table shows it: text without quotes.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::QualityLine;
    use crate::report::RunState;

    fn run(name: &str, config: &str, distance: Option<f64>) -> ComparedRun {
        let table = config.parse().expect("TOML");
        let mut keys = Vec::new();
        super::super::compared_run::flatten("", &table, &mut keys);
        let line = distance.map(|distance| QualityLine {
            step: 8,
            distance: Some(distance),
            floor: Some(1.5),
            ..QualityLine::default()
        });
        ComparedRun {
            path: format!("/runs/series/{name}").into(),
            keys,
            state: RunState::Finished,
            step: 10,
            steps: Some(10),
            seconds: Some(2.5),
            quality: line.into_iter().collect(),
            gaps: Vec::new(),
        }
    }

    fn three() -> Comparison {
        Comparison::of(vec![
            run(
                "a",
                "seed = 1\n[model]\nkind = \"mlp\"\nhidden = [8, 8]",
                None,
            ),
            run(
                "b",
                "seed = 1\n[model]\nkind = \"mlp\"\nhidden = [16]",
                Some(7.0),
            ),
            run(
                "c",
                "seed = 1\n[model]\nkind = \"rbm\"\nname = \"x,\"",
                Some(3.0),
            ),
        ])
    }

    #[test]
    fn the_best_run_is_first_and_one_without_quality_last() {
        let comparison = three();
        assert_eq!(comparison.names(), ["c", "b", "a"]);
        // What all have in common is left out, and what one alone has isn't.
        let expected = ["model.kind", "model.name", "model.hidden"];
        assert_eq!(comparison.differing_keys(), expected);
        let summary = comparison.summary().expect("two have scores");
        assert_eq!((summary.count, summary.mean), (2, 5.0));
        assert!((summary.deviation - 8.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(comparison.incomparable(), None);
    }

    #[test]
    fn csv_and_json_hold_every_run_and_key() {
        let comparison = three();
        let csv = comparison.to_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            lines,
            [
                "run,state,score,score_error,score_kind,floor,best_step,verdict,updates,seconds,model.kind,model.name,model.hidden",
                "/runs/series/c,finished,3,0,distance,1.5,8,unknown,10,2.5,rbm,\"x,\",",
                "/runs/series/b,finished,7,0,distance,1.5,8,unknown,10,2.5,mlp,,[16]",
                "/runs/series/a,finished,,,,,,,10,2.5,mlp,,\"[8, 8]\"",
            ]
        );
        let json = comparison.to_json();
        assert_eq!(json[0]["score"], 3.0);
        assert_eq!(json[0]["config"]["model.kind"], "rbm");
        assert_eq!(json[1]["config"]["model.hidden"], json!([16]));
        assert!(json[2]["score"].is_null() && json[2]["verdict"].is_null());
    }

    #[test]
    fn one_run_alone_is_a_table_too() {
        let comparison = Comparison::of(vec![run("a", "seed = 1", None)]);
        assert_eq!(comparison.names(), ["a"]);
        assert!(comparison.differing_keys().is_empty());
        assert_eq!(comparison.summary(), None);
    }
}
