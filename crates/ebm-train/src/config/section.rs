//! Sections that come in kinds: `kind = "..."` chooses the keys that the rest of the section takes.
//!
//! Serde's own internally tagged enums lose the name of the key that is wrong; these keep it.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Serialize};

use crate::suggestion::did_you_mean;

/// Separates the key inside a section from the message, so that the whole key can be put together.
pub(super) const KEY_SEPARATOR: char = '\u{1f}';

/// A kind without keys of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoKeys {}

/// Takes `kind` out of a section.
pub(super) fn take_kind<E: Error>(section: &mut toml::Table, kinds: &str) -> Result<String, E> {
    match section.remove("kind") {
        Some(toml::Value::String(kind)) => Ok(kind),
        Some(other) => Err(in_key(
            "kind",
            &format!("found {other}, expected one of {kinds}"),
        )),
        None => Err(in_key("kind", &format!("missing, expected one of {kinds}"))),
    }
}

/// The error for a kind that doesn't exist.
pub(super) fn unknown_kind<E: Error>(found: &str, kinds: &str) -> E {
    in_key(
        "kind",
        &format!(
            "found \"{found}\", expected one of {kinds}{}",
            did_you_mean(
                found,
                kinds.split(['"', ' ']).filter(|kind| !kind.is_empty())
            )
        ),
    )
}

/// Reads the rest of a section as the keys of one kind.
pub(super) fn read_keys<T: DeserializeOwned, E: Error>(section: toml::Table) -> Result<T, E> {
    serde_path_to_error::deserialize(toml::Value::Table(section))
        .map_err(|error| in_key(&error.path().to_string(), error.inner().message()))
}

fn in_key<E: Error>(key: &str, message: &str) -> E {
    E::custom(format!("{key}{KEY_SEPARATOR}{message}"))
}

/// Makes an enum a section: `Kind(Keys)` is `kind = "name"` and the keys of `Keys`. Doc comments are kept for `docs.rs`.
macro_rules! section {
    (
        $(#[$meta:meta])*
        pub enum $section:ident {
            $($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum $section {
            $($(#[$($attribute)*])* #[serde(rename = $name)] $variant($keys),)+
        }

        impl $crate::config::docs::Documented for $section {
            const DOCS: $crate::config::docs::Docs = $crate::config::docs::Docs::Kinds(&[$(
                $crate::config::docs::KindDocs {
                    name: $name,
                    lines: &[$($crate::config::docs::doc_line!($($attribute)*)),*],
                    keys: &<$keys as $crate::config::docs::Documented>::DOCS,
                },
            )+]);
        }

        impl<'de> serde::Deserialize<'de> for $section {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const KINDS: &str = concat!($("\"", $name, "\" ",)+);
                let mut section = <toml::Table as serde::Deserialize>::deserialize(deserializer)?;
                let kind = $crate::config::section::take_kind::<D::Error>(&mut section, KINDS.trim_end())?;
                match kind.as_str() {
                    $($name => $crate::config::section::read_keys::<$keys, D::Error>(section).map(Self::$variant),)+
                    other => Err($crate::config::section::unknown_kind(other, KINDS.trim_end())),
                }
            }
        }
    };
}

pub(super) use section;
