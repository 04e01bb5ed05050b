//! What the keys of a configuration mean: the doc comments of its structs, kept for who reads a configuration.

use std::path::PathBuf;

use ebm_models::{Activation, Coding, Precision, VisibleUnits};

use super::chains::{ChainStorage, StartConfig};
use super::section::NoKeys;
use crate::data::{Binarize, Fit};

/// What a type of the configuration is made of.
pub(super) enum Docs {
    /// A value.
    Value,
    /// A section.
    Keys(&'static [KeyDocs]),
    /// A section that comes in kinds.
    Kinds(&'static [KindDocs]),
}

/// A key of a section.
pub(super) struct KeyDocs {
    pub(super) name: &'static str,
    /// The lines of its doc comment.
    pub(super) lines: &'static [&'static str],
    /// What its value is made of.
    pub(super) value: &'static Docs,
}

/// A kind of a section.
pub(super) struct KindDocs {
    pub(super) name: &'static str,
    /// The lines of its doc comment.
    pub(super) lines: &'static [&'static str],
    /// Its other keys.
    pub(super) keys: &'static Docs,
}

/// A type whose doc comments are kept. Every type of a key has to be one.
pub(super) trait Documented {
    const DOCS: Docs = Docs::Value;
}

macro_rules! values {
    ($($type:ty),+ $(,)?) => { $(impl Documented for $type {})+ };
}

values!(
    bool,
    u8,
    u32,
    u64,
    usize,
    f64,
    String,
    PathBuf,
    Activation,
    Binarize,
    ChainStorage,
    Coding,
    Fit,
    Precision,
    StartConfig,
    VisibleUnits,
);

impl<T: Documented> Documented for Option<T> {
    const DOCS: Docs = T::DOCS;
}

impl<T> Documented for Vec<T> {}

impl<T, const N: usize> Documented for [T; N] {}

impl Documented for NoKeys {
    const DOCS: Docs = Docs::Keys(&[]);
}

/// Keeps the doc comments of the fields of structs, which are the keys of a section.
macro_rules! keys {
    ($(
        $(#[$($meta:tt)*])*
        pub struct $section:ident {
            $($(#[$($attribute:tt)*])* pub $key:ident: $type:ty,)*
        }
    )+) => { $(
        $(#[$($meta)*])*
        pub struct $section {
            $($(#[$($attribute)*])* pub $key: $type,)*
        }

        impl $crate::config::docs::Documented for $section {
            const DOCS: $crate::config::docs::Docs = $crate::config::docs::Docs::Keys(&[$(
                $crate::config::docs::KeyDocs {
                    name: stringify!($key),
                    lines: &[$($crate::config::docs::doc_line!($($attribute)*)),*],
                    value: &<$type as $crate::config::docs::Documented>::DOCS,
                },
            )*]);
        }
    )+ };
}

/// The text of a line of a doc comment; nothing for other attributes.
macro_rules! doc_line {
    (doc = $line:literal) => {
        $line
    };
    ($($other:tt)*) => {
        ""
    };
}

pub(super) use {doc_line, keys};

/// The lines of a doc comment as one text.
pub(super) fn joined(lines: &[&str]) -> String {
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    words.collect::<Vec<&str>>().join(" ")
}
