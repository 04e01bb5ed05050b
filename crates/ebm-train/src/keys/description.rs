//! What the keys of a recipe mean: the doc comments of its structs, kept for who shows or explains
//! one.

use std::path::PathBuf;

use ebm_models::{Activation, Coding, Pooling, Precision, VisibleUnits};

use super::kinds::NoKeys;

/// What a type of a recipe is made of.
#[derive(Debug)]
pub enum Docs {
    /// A value.
    Value,
    /// A section.
    Keys(&'static [KeyDocs]),
    /// A section that comes in kinds.
    Kinds(&'static [KindDocs]),
}

/// A key of a section.
#[derive(Debug)]
pub struct KeyDocs {
    /// Its name.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub lines: &'static [&'static str],
    /// What its value is made of.
    pub value: &'static Docs,
}

/// A kind of a section.
#[derive(Debug)]
pub struct KindDocs {
    /// Its name.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub lines: &'static [&'static str],
    /// Its other keys.
    pub keys: &'static Docs,
}

/// A type whose doc comments are kept. Every type of a key has to be one.
pub trait Documented {
    /// What it is made of.
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
    Coding,
    Pooling,
    Precision,
    VisibleUnits,
);

impl<T: Documented> Documented for Option<T> {
    const DOCS: Docs = T::DOCS;
}

impl<T> Documented for Vec<T> {}

/// A part inside of a part of the same sort, whose keys are those of the outer one.
impl<T> Documented for Box<T> {}

impl<T, const N: usize> Documented for [T; N] {}

impl Documented for NoKeys {
    const DOCS: Docs = Docs::Keys(&[]);
}

/// Keeps the doc comments of the fields of structs, which are the keys of a section.
#[macro_export]
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

        impl $crate::keys::Documented for $section {
            const DOCS: $crate::keys::Docs = $crate::keys::Docs::Keys(&[$(
                $crate::keys::KeyDocs {
                    name: stringify!($key),
                    lines: &[$($crate::doc_line!($($attribute)*)),*],
                    value: &<$type as $crate::keys::Documented>::DOCS,
                },
            )*]);
        }
    )+ };
}

/// The text of a line of a doc comment; nothing for other attributes.
#[doc(hidden)]
#[macro_export]
macro_rules! doc_line {
    (doc = $line:literal) => {
        $line
    };
    ($($other:tt)*) => {
        ""
    };
}

/// The lines of a doc comment as one text.
pub fn join_lines(lines: &[&str]) -> String {
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    words.collect::<Vec<&str>>().join(" ")
}
