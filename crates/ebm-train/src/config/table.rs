//! Layers of configuration: a preset or a file, with overrides on top, read into a `RunConfig`.

use std::path::Path;

use toml::{Table, Value};

use super::error::ConfigError;
use super::section::KEY_SEPARATOR;
use super::{RunConfig, preset};

/// A configuration that is still being put together.
#[derive(Clone, Debug)]
pub struct ConfigTable {
    table: Table,
    origin: String,
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
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
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
            Ok(table) => Ok(Self { table, origin }),
            Err(error) => Err(ConfigError::Syntax {
                origin,
                message: error.to_string().trim().to_string(),
            }),
        }
    }

    /// Applies `section.key=value`. The value is TOML (`5`, `0.1`, `true`, `"text"`, `[1, 2]`); what isn't
    /// TOML is taken as text, and `none` removes the key.
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
        let value = match text.trim() {
            "none" => None,
            text => Some(parse_value(text)),
        };
        self.assign(path.trim(), value).map_err(fail)
    }

    /// Points the data section at a folder, keeping its other keys if it is of kind `folder` already.
    ///
    /// # Errors
    ///
    /// If `data` is not a section.
    pub fn set_data_folder(&mut self, path: &Path) -> Result<(), ConfigError> {
        let fail = |message: String| ConfigError::Override {
            text: format!("data.path={}", path.display()),
            message,
        };
        let is_folder = self
            .table
            .get("data")
            .and_then(|data| data.get("kind"))
            .and_then(Value::as_str)
            == Some("folder");
        if !is_folder {
            self.table.remove("data");
            self.assign("data.kind", Some(Value::String("folder".into())))
                .map_err(fail)?;
        }
        self.assign("data.path", Some(Value::String(path.display().to_string())))
            .map_err(fail)
    }

    /// Reads and checks the configuration.
    ///
    /// # Errors
    ///
    /// The first key that is unknown, missing, of another type or out of range.
    pub fn read(self) -> Result<RunConfig, ConfigError> {
        let origin = self.origin;
        let config: RunConfig = serde_path_to_error::deserialize(Value::Table(self.table))
            .map_err(|error| {
                let section = error.path().to_string();
                let message = error.inner().message().to_string();
                let (key, message) = match message.split_once(KEY_SEPARATOR) {
                    Some((".", message)) => (section, message.to_string()),
                    Some((key, message)) => (format!("{section}.{key}"), message.to_string()),
                    None => (section, message),
                };
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
fn parse_value(text: &str) -> Value {
    let document = format!("value = {text}");
    document
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_string()))
}
