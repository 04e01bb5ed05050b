//! Python's pickles as values: nothing is run, nothing is copied, and memory is bounded by the
//! number of instructions.

mod instructions;
mod machine;

use std::collections::HashMap;

use machine::Machine;

/// A value's place in [`Pickle::values`].
pub(super) type Id = u32;

/// A value of Python. What holds others names their places, so that a value that is used often is
/// there once.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// What is never looked into, by the name of its type: numbers with a point, wide integers,
    /// bytes.
    Other(&'static str),
    Text(Box<str>),
    /// A tuple, list or set.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function: its module, and its name there.
    Global(Id, Id),
    /// What stands outside of the pickle: a storage, described by this value.
    Persistent(Id),
    Object(Box<Object>),
}

/// What a call of a class or function makes.
#[derive(Debug)]
pub(super) struct Object {
    /// The class or function.
    pub(super) callable: Id,
    /// What it was called with.
    pub(super) arguments: Vec<Id>,
    /// Its attributes.
    pub(super) state: Vec<Id>,
    /// What it holds as a list.
    pub(super) items: Vec<Id>,
    /// What it holds as a dictionary.
    pub(super) entries: Vec<(Id, Id)>,
}

/// The values of one pickle. They may refer to each other in circles.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
    /// Attributes of dictionaries, such as `_metadata` of a state dict.
    pub(super) attributes: HashMap<Id, Vec<Id>>,
    /// The bytes that it takes.
    pub(super) length: usize,
}

impl Pickle {
    /// Reads one pickle of protocol 0 to 5 from the start of `bytes`.
    ///
    /// # Errors
    ///
    /// A message, if it is none, or too long.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine = Machine::new(bytes);
        let root = machine
            .run()
            .map_err(|message| format!("byte {} of its pickle: {message}", machine.at))?;
        Ok(Self {
            values: machine.values,
            root,
            attributes: machine.attributes,
            length: machine.at,
        })
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    /// The text of a value that is one, or of a number, which are keys alike.
    pub(super) fn key(&self, id: Id) -> Option<String> {
        match self.get(id) {
            Value::Text(text) => Some(text.to_string()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A class or function, by its module and its name there; empty, if it is neither.
    pub(super) fn global(&self, id: Id) -> (&str, &str) {
        global(&self.values, id)
    }
}

fn global(values: &[Value], id: Id) -> (&str, &str) {
    let text = |id: Id| match &values[id as usize] {
        Value::Text(text) => &**text,
        _ => "",
    };
    match values[id as usize] {
        Value::Global(module, name) => (text(module), text(name)),
        _ => ("", ""),
    }
}
