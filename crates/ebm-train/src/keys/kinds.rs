//! Parts of a recipe that come in kinds: `kind = "..."` chooses the keys that the rest takes.
//!
//! Serde's own internally tagged enums lose the name of the key that is wrong; these keep it.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Serialize};

use super::content::{Content, Part};

/// Separates the key inside a part from the message of an error, so that the whole key can be put
/// together.
pub const KEY_SEPARATOR: char = '\u{1f}';

/// A kind without keys of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoKeys {}

/// Takes `kind` out of a part; where it is missing, the default, if there is one.
#[doc(hidden)]
pub fn take_kind<E: Error>(
    part: &mut Part,
    kinds: &str,
    default: Option<&str>,
) -> Result<String, E> {
    match part.take("kind") {
        Some(Content::Text(kind)) => Ok(kind),
        Some(other) => Err(in_key(
            "kind",
            &format!("found {other}, expected one of {kinds}"),
        )),
        None => default
            .map(str::to_string)
            .ok_or_else(|| in_key("kind", &format!("missing, expected one of {kinds}"))),
    }
}

/// The error for a kind that doesn't exist.
#[doc(hidden)]
pub fn unknown_kind<E: Error>(found: &str, kinds: &str) -> E {
    in_key(
        "kind",
        &format!("found \"{found}\", expected one of {kinds}"),
    )
}

/// Reads the rest of a part as the keys of one kind.
#[doc(hidden)]
pub fn read_keys<T: DeserializeOwned, E: Error>(part: Part) -> Result<T, E> {
    serde_path_to_error::deserialize(part)
        .map_err(|error| in_key(&error.path().to_string(), &error.inner().to_string()))
}

fn in_key<E: Error>(key: &str, message: &str) -> E {
    E::custom(format!("{key}{KEY_SEPARATOR}{message}"))
}

/// Makes an enum a part that comes in kinds: `Kind(Keys)` is `kind = "name"` and the keys of
/// `Keys`. Doc comments are kept ([`Documented`](crate::keys::Documented)).
///
/// With a trait after the name of the enum, which every `Keys` implements, the enum has two methods
/// more, `keys` and `keys_mut`: the keys of its kind as that trait.
///
/// With `or "name"` after the name of the enum a part that doesn't say its kind is of this one.
#[macro_export]
macro_rules! kinds {
    (
        $(#[$meta:meta])*
        pub enum $section:ident: $kind:ident {
            $($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+
        }
    ) => {
        $crate::kinds! {
            $(#[$meta])*
            pub enum $section {
                $($(#[$($attribute)*])* $name => $variant($keys),)+
            }
        }

        impl $section {
            /// The keys of its kind.
            pub fn keys(&self) -> &dyn $kind {
                match self {
                    $(Self::$variant(keys) => keys,)+
                }
            }

            /// The keys of its kind, to change them.
            pub fn keys_mut(&mut self) -> &mut dyn $kind {
                match self {
                    $(Self::$variant(keys) => keys,)+
                }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $section:ident $(or $default:literal)? {
            $($(#[$($attribute:tt)*])* $name:literal => $variant:ident($keys:ty),)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum $section {
            $($(#[$($attribute)*])* #[serde(rename = $name)] $variant($keys),)+
        }

        impl $section {
            /// The names of all kinds, in the order in which they are shown.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name of its kind.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }
        }

        impl $crate::keys::Documented for $section {
            const DOCS: $crate::keys::Docs =
                $crate::keys::Docs::Kinds(&[$(
                    $crate::keys::KindDocs {
                        name: $name,
                        lines: &[$($crate::doc_line!($($attribute)*)),*],
                        keys: &<$keys as $crate::keys::Documented>::DOCS,
                    },
                )+]);
        }

        impl<'de> serde::Deserialize<'de> for $section {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::keys::{Part, read_keys, take_kind, unknown_kind};
                const KINDS: &str = concat!($("\"", $name, "\" ",)+);
                let mut part = <Part as serde::Deserialize>::deserialize(deserializer)?;
                #[allow(unused_mut, unused_assignments, reason = "not every list has a default")]
                let mut default: Option<&str> = None;
                $(default = Some($default);)?
                let kind = take_kind::<D::Error>(&mut part, KINDS.trim_end(), default)?;
                match kind.as_str() {
                    $($name => read_keys::<$keys, D::Error>(part).map(Self::$variant),)+
                    other => Err(unknown_kind(other, KINDS.trim_end())),
                }
            }
        }
    };
}
