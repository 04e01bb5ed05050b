//! A configuration as TOML with a comment above each key: what it means, what it may be, what it is
//! by default.

use toml::{Table, Value};

use super::RunConfig;
use crate::error::ConfigError;
use ebm_train::keys::{Docs, Documented, KeyDocs, KindDocs, join_lines};

/// Longest line of a comment.
const COLUMNS: usize = 100;
/// What stands above all.
const HEAD: &str = "Every key of a run, with what it means. `ebm train FILE` trains by such a file, in which keys that have a default may be left out.";

impl RunConfig {
    /// The configuration as TOML, defaults included, with a comment above each key and section;
    /// keys that aren't set are named in comments. It reads as [`to_toml`](Self::to_toml) does.
    ///
    /// # Errors
    ///
    /// As for [`to_toml`](Self::to_toml).
    pub fn to_commented_toml(&self) -> Result<String, ConfigError> {
        let table = Table::try_from(self).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })?;
        let mut writer = Writer {
            all: &table,
            text: String::new(),
        };
        writer.comment(HEAD, "# ", "# ");
        writer.section(&table, &Self::DOCS, &[]);
        Ok(writer.text)
    }
}

struct Writer<'a> {
    /// The whole configuration.
    all: &'a Table,
    text: String,
}

impl Writer<'_> {
    /// Writes the keys of a section, and the sections in it behind them.
    fn section(&mut self, table: &Table, docs: &Docs, path: &[&str]) {
        let keys = match docs {
            Docs::Value => return,
            Docs::Keys(keys) => keys,
            Docs::Kinds(kinds) => {
                let Some(kind) = table.get("kind").and_then(Value::as_str) else {
                    return;
                };
                self.kind(kind, kinds);
                match kinds
                    .iter()
                    .find(|known| known.name == kind)
                    .map(|known| known.keys)
                {
                    Some(Docs::Keys(keys)) => keys,
                    _ => return,
                }
            }
        };
        let is_section = |key: &KeyDocs| !matches!(key.value, Docs::Value);
        for key in keys.iter().filter(|key| !is_section(key)) {
            self.key(table.get(key.name), key, path);
        }
        for key in keys.iter().filter(|key| is_section(key)) {
            let path = [path, &[key.name]].concat();
            match table.get(key.name) {
                Some(Value::Table(inner)) => {
                    self.text.push('\n');
                    self.comment(&join_lines(key.lines), "# ", "# ");
                    self.text.push_str(&format!("[{}]\n", path.join(".")));
                    self.section(inner, key.value, &path);
                }
                _ => self.absent_section(key, &path),
            }
        }
    }

    /// The kind of a section, with those there are.
    fn kind(&mut self, kind: &str, kinds: &[KindDocs]) {
        self.comment("One of:", "# ", "# ");
        for known in kinds {
            let text = format!("\"{}\": {}", known.name, join_lines(known.lines));
            self.comment(&text, "#   ", "#     ");
        }
        self.text
            .push_str(&format!("kind = {}\n", Value::from(kind)));
    }

    fn key(&mut self, value: Option<&Value>, key: &KeyDocs, path: &[&str]) {
        let mut text = join_lines(key.lines);
        if value.is_some() {
            match self.default(&[path, &[key.name]].concat()) {
                Default::Required => {}
                Default::Absent => text.push_str(" Default: not set."),
                Default::Value(default) => text.push_str(&format!(" Default: {default}.")),
            }
        }
        self.text.push('\n');
        self.comment(&text, "# ", "# ");
        match value {
            Some(value) => self.text.push_str(&format!("{} = {value}\n", key.name)),
            None => self.text.push_str(&format!("# {}: not set\n", key.name)),
        }
    }

    /// A section that isn't there, with what it would hold.
    fn absent_section(&mut self, key: &KeyDocs, path: &[&str]) {
        self.text.push('\n');
        self.comment(&join_lines(key.lines), "# ", "# ");
        if let Docs::Keys(keys) = key.value {
            for inner in *keys {
                let text = format!("{}: {}", inner.name, join_lines(inner.lines));
                self.comment(&text, "#   ", "#     ");
            }
        }
        self.text
            .push_str(&format!("# [{}]: not set\n", path.join(".")));
    }

    /// What a key is where it is left out of this configuration.
    fn default(&self, path: &[&str]) -> Default {
        let Some((key, sections)) = path.split_last() else {
            return Default::Required;
        };
        let mut without = self.all.clone();
        let mut table = Some(&mut without);
        for section in sections {
            table = table.and_then(|table| table.get_mut(*section)?.as_table_mut());
        }
        if let Some(table) = table {
            table.remove(*key);
        }
        let Ok(config) = Value::Table(without).try_into::<RunConfig>() else {
            return Default::Required;
        };
        let Ok(written) = Value::try_from(config) else {
            return Default::Required;
        };
        let mut value = Some(&written);
        for name in path {
            value = value.and_then(|value| value.get(name));
        }
        match value {
            None => Default::Absent,
            // A path that has to be given.
            Some(Value::String(text)) if text.is_empty() => Default::Required,
            Some(value) => Default::Value(value.to_string()),
        }
    }

    /// Writes a comment of whole words in lines that aren't too long.
    fn comment(&mut self, text: &str, first: &str, next: &str) {
        let mut line = first.to_string();
        let mut is_empty = true;
        for word in text.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
                self.text.push_str(&line);
                self.text.push('\n');
                line = next.to_string();
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// What a key is where it is left out.
enum Default {
    /// It can't be left out.
    Required,
    /// Nothing.
    Absent,
    /// A value, as TOML.
    Value(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigTable, PRESETS};

    /// The presets, and what none of them has.
    fn configurations() -> Vec<RunConfig> {
        let mut read = Vec::new();
        for (name, _) in PRESETS {
            read.push(ConfigTable::from_preset(name).expect("it exists"));
        }
        for (preset, changes) in [
            (
                "digits",
                &[
                    "sampler={kind=\"metropolis\", steps=2, scale=0.1}",
                    "training.start_from=\"a \\\"b\\\"\"",
                ][..],
            ),
            (
                "rbm-digits",
                &[
                    "sampler={kind=\"parallel_tempering\", steps=3}",
                    "objective.sparsity={target=0.1, cost=1.0}",
                ],
            ),
            (
                "digits",
                &[
                    "objective.gradient_penalty={weight=0.1}",
                    "chains.long={every=10, factor=5}",
                    "chains.evict_above=6.0",
                    "optimizer.sharpness_radius=0.05",
                    "training.augmentation={flip=true}",
                ],
            ),
            (
                "dbm-mnist",
                &[
                    "model.pretraining={steps=5}",
                    "schedule.decay={kind=\"exponential\", factor=0.5, every=10}",
                ],
            ),
            (
                "digits",
                &[
                    "optimizer.kind=adamw",
                    "training.precision=bf16",
                    "backend=\"flex\"",
                ],
            ),
        ] {
            let mut table = ConfigTable::from_preset(preset).expect("it exists");
            for change in changes {
                table.set(change).expect("a change");
            }
            read.push(table);
        }
        read.into_iter()
            .map(|table| table.read().expect("a configuration"))
            .collect()
    }

    #[test]
    fn every_key_and_section_has_a_comment_and_the_text_reads_the_same() {
        for config in configurations() {
            let text = config.to_commented_toml().expect("it can be written");
            let again = ConfigTable::parse(&text, "again".into()).and_then(ConfigTable::read);
            assert_eq!(again.as_ref(), Ok(&config), "{text}");
            let lines: Vec<&str> = text.lines().collect();
            let keys = config.to_toml().expect("it can be written");
            for pair in lines.windows(2) {
                if !pair[1].is_empty() && !pair[1].starts_with('#') {
                    assert!(
                        pair[0].starts_with("# "),
                        "no comment above {}:\n{text}",
                        pair[1]
                    );
                }
            }
            for line in keys.lines().filter(|line| !line.is_empty()) {
                let name = line.split(" = ").next().unwrap_or(line);
                let found = lines
                    .iter()
                    .any(|there| there.split(" = ").next() == Some(name));
                assert!(found, "no {name} in\n{text}");
            }
            for line in lines {
                let columns = line.chars().count();
                assert!(columns <= COLUMNS, "{columns} columns: {line}");
            }
        }
    }

    #[test]
    fn comments_are_the_doc_comments_with_kinds_and_defaults() {
        let text = ConfigTable::from_preset("digits")
            .and_then(ConfigTable::read)
            .and_then(|config| config.to_commented_toml())
            .expect("it can be written");
        for expected in [
            "# Seed of all randomness of the run.",
            "Default: 0.\nseed = 1\n",
            "\n# How chains move.\n[sampler]\n# One of:\n#   \"langevin\": Unadjusted Langevin dynamics.\n",
            "\n# Number of parameter updates",
            "Default: not set.\ngradient_clip = 0.03\n",
            "# backend: not set\n",
            "Default: 8192.\ncapacity = 4096\n",
            "# [objective.sparsity]: not set\n",
        ] {
            assert!(text.contains(expected), "no {expected:?} in\n{text}");
        }
        // Required keys have no default.
        assert!(!text.contains("Default: 12000"), "{text}");
    }
}
