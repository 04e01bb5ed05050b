//! Layers of configuration: a preset or a file, with overrides on top, read into a `RunConfig`.

use std::path::Path;

use toml::{Table, Value};

use super::{ModelConfig, RunConfig, preset};
use crate::error::ConfigError;
use crate::text::suggestion::with_suggestion;
use ebm_train::files::input_file::read_text;
use ebm_train::keys::KEY_SEPARATOR;

/// The longest file, far longer than any configuration that is meant.
const MAX_FILE: u64 = 4 << 20;

/// A configuration that is still being put together.
#[derive(Clone, Debug)]
pub struct ConfigTable {
    table: Table,
    origin: String,
    /// Sections whose kind was overridden: what remains in them of another kind is worth a hint.
    changed_kinds: Vec<(String, String)>,
}

impl ConfigTable {
    /// Starts from a preset.
    ///
    /// # Errors
    ///
    /// If there is no preset of this name.
    pub fn from_preset(name: &str) -> Result<Self, ConfigError> {
        Self::parse(preset(name)?, format!("preset {name}"))
    }

    /// Starts from a TOML file.
    ///
    /// # Errors
    ///
    /// If the file can't be read or isn't TOML.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path, MAX_FILE).map_err(|error| ConfigError::Read {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
        Self::parse(&text, path.display().to_string())
    }

    /// Starts from the text of a TOML file; `origin` is what errors call it.
    ///
    /// # Errors
    ///
    /// If the text isn't TOML.
    pub fn parse(text: &str, origin: String) -> Result<Self, ConfigError> {
        match text.parse::<Table>() {
            Ok(table) => Ok(Self {
                table,
                origin,
                changed_kinds: Vec::new(),
            }),
            Err(error) => Err(ConfigError::Syntax {
                origin,
                message: error.to_string().trim().to_string(),
            }),
        }
    }

    /// Starts from the sections themselves; `origin` is what errors call them.
    pub(crate) fn from_sections(table: Table, origin: String) -> Self {
        Self {
            table,
            origin,
            changed_kinds: Vec::new(),
        }
    }

    /// Gives a key a value; the text `none` removes it, as in [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// What is wrong with the key: it is empty, or a part of its path is not a section.
    pub(crate) fn set_value(&mut self, path: &str, value: &Value) -> Result<(), String> {
        if let (Some(section), Some(kind)) = (path.strip_suffix(".kind"), value.as_str()) {
            self.changed_kinds.push((section.into(), kind.into()));
        }
        let removes = value.as_str() == Some("none");
        self.assign(path, (!removes).then(|| value.clone()))
    }

    /// Applies `section.key=value`. The value is TOML (`5`, `0.1`, `true`, `"text"`, `[1, 2]`);
    /// what isn't TOML is taken as text, and `none` removes the key.
    ///
    /// # Errors
    ///
    /// If there is no `=`, the key is empty, or a part of its path is not a section.
    pub fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let fail = |message: String| ConfigError::Override {
            text: assignment.to_string(),
            message,
        };
        let (path, text) = assignment
            .split_once('=')
            .ok_or_else(|| fail("there is no `=`".into()))?;
        let (path, text) = (path.trim(), text.trim());
        let value = match text {
            "none" => None,
            text => Some(parse_value(text).map_err(fail)?),
        };
        if let Some(section) = path.strip_suffix(".kind") {
            self.changed_kinds
                .push((section.to_string(), text.trim_matches('"').to_string()));
        }
        self.assign(path, value).map_err(fail)
    }

    /// Replaces the section of the model.
    ///
    /// # Errors
    ///
    /// If a value can't be written as TOML.
    pub fn set_model(&mut self, model: &ModelConfig) -> Result<(), ConfigError> {
        let section = Value::try_from(model).map_err(|error| ConfigError::Write {
            message: error.to_string(),
        })?;
        self.table.insert("model".into(), section);
        Ok(())
    }

    /// Points the data section at a folder, keeping its other keys if it is of kind `folder`
    /// already, else those that say what pixels become.
    ///
    /// # Errors
    ///
    /// If `data` is not a section.
    pub fn set_data_folder(&mut self, path: &Path) -> Result<(), ConfigError> {
        let fail = |message: String| ConfigError::Override {
            text: format!("data.path={}", path.display()),
            message,
        };
        let text = path
            .to_str()
            .ok_or_else(|| fail("the path is not UTF-8, which TOML needs; rename it".into()))?;
        let is_folder = self
            .table
            .get("data")
            .and_then(|data| data.get("kind"))
            .and_then(Value::as_str)
            == Some("folder");
        if !is_folder {
            let before = self.table.remove("data");
            // What pixels become is the model's business, wherever they come from.
            for key in ["range", "binarize", "limit"] {
                if let Some(value) = before.as_ref().and_then(|data| data.get(key)) {
                    self.assign(&format!("data.{key}"), Some(value.clone()))
                        .map_err(fail)?;
                }
            }
            self.assign("data.kind", Some(Value::String("folder".into())))
                .map_err(fail)?;
        }
        self.assign("data.path", Some(Value::String(text.to_string())))
            .map_err(fail)
    }

    /// Reads and checks the configuration.
    ///
    /// # Errors
    ///
    /// The first key that is unknown, missing, of another type or out of range.
    pub fn read(self) -> Result<RunConfig, ConfigError> {
        let changed_kinds = self.changed_kinds;
        let origin = self.origin;
        let config: RunConfig = serde_path_to_error::deserialize(Value::Table(self.table))
            .map_err(|error| {
                let path = error.path().to_string();
                let message = error.inner().message();
                let (inner, message) = message.split_once(KEY_SEPARATOR).unwrap_or((".", message));
                let mut key = join(&path, inner);
                let mut message = with_suggestion(&in_plain_words(message));
                if let Some(field) = missing_field(&message) {
                    key = join(&key, field);
                    message = "found nothing, expected a value".into();
                } else if message.starts_with("unknown field")
                    && let Some((section, _)) = key.rsplit_once('.')
                    && let Some((_, kind)) =
                        changed_kinds.iter().find(|(changed, _)| changed == section)
                {
                    message.push_str(&format!(
                        "; a key left over from the kind before goes away with `--set {key}=none`, all of them with `--set '{section}={{kind=\"{kind}\"}}'`"
                    ));
                }
                ConfigError::Key {
                    origin,
                    key,
                    message,
                }
            })?;
        config.validate()?;
        Ok(config)
    }

    fn assign(&mut self, path: &str, value: Option<Value>) -> Result<(), String> {
        let mut table = &mut self.table;
        let (sections, key) = match path.rsplit_once('.') {
            Some((sections, key)) => (sections.split('.').collect(), key),
            None => (Vec::new(), path),
        };
        if key.is_empty() || sections.iter().any(|section| section.is_empty()) {
            return Err("the key is empty".to_string());
        }
        for section in sections {
            let entry = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            table = entry
                .as_table_mut()
                .ok_or_else(|| format!("`{section}` is not a section"))?;
        }
        match value {
            Some(value) => table.insert(key.to_string(), value),
            None => table.remove(key),
        };
        Ok(())
    }
}

/// A TOML value, or text where it is none.
///
/// # Errors
///
/// For whole numbers that TOML can't hold.
pub(crate) fn parse_value(text: &str) -> Result<Value, String> {
    let document = format!("value = {text}");
    let value = document
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"));
    match value {
        Some(value) => Ok(value),
        None if text.parse::<i128>().is_ok() => Err(format!(
            "found {text}, expected a whole number of at most {}, the largest in TOML",
            i64::MAX
        )),
        None => Ok(Value::String(text.to_string())),
    }
}

/// The key `inner` of the section `path`; the top is called `.`.
fn join(path: &str, inner: &str) -> String {
    match (path, inner) {
        (".", _) => inner.to_string(),
        (_, ".") => path.to_string(),
        _ => format!("{path}.{inner}"),
    }
}

/// The key that serde misses.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Serde's message without the names of Rust types.
fn in_plain_words(message: &str) -> String {
    const WORDS: [(&str, &str); 12] = [
        ("invalid type: ", "found "),
        ("invalid value: ", "found "),
        ("invalid length ", "found a list of length "),
        ("expected u64", "expected a whole number of at least 0"),
        ("expected u32", "expected a whole number of at least 0"),
        ("expected usize", "expected a whole number of at least 0"),
        ("expected f64", "expected a number"),
        ("expected a map", "expected a section"),
        ("expected a sequence", "expected a list"),
        ("found sequence", "found a list"),
        ("found map", "found a section"),
        (
            "expected fewer elements in array",
            "expected fewer elements in the list",
        ),
    ];
    let mut message = message.to_string();
    for (word, plain) in WORDS {
        message = message.replace(word, plain);
    }
    if let Some(start) = message.find("expected struct ") {
        message.replace_range(start.., "expected a section");
    }
    message
}
