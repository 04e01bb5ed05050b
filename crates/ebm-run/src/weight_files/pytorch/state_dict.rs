//! Which arrays of a file of `torch.save` are weights, and what they are called: none is passed
//! over in silence.

use std::collections::BTreeMap;

use super::arrays::{ArrayPlan, Found, array, class_of_module};
use super::pickle::{Id, Object, Pickle, Value};
use super::rest_after;

/// Keys under which training programs keep the weights of a network beside other things, and names
/// that wrappers of modules put before those of all arrays.
const WRAPPERS: [&str; 9] = [
    "state_dict",
    "model_state_dict",
    "ema_state_dict",
    "ema",
    "model",
    "network",
    "net",
    "module",
    "_orig_mod",
];
/// Keys beside the weights that hold arrays which are none: states of optimizers, schedules and
/// generators. A `scaler` isn't among them: that of gradients holds no arrays, so that one that
/// does is part of the model.
const TRAINING: [&str; 24] = [
    "optimizer",
    "optimizers",
    "optimizer_state",
    "optimizer_states",
    "optimizer_state_dict",
    "optim",
    "optim_state_dict",
    "opt",
    "opt_state_dict",
    "scheduler",
    "schedulers",
    "scheduler_state_dict",
    "lr_scheduler",
    "lr_schedulers",
    "lr_scheduler_state_dict",
    "callbacks",
    "loops",
    "rng",
    "rng_state",
    "rng_states",
    "torch_rng_state",
    "cuda_rng_state",
    "cuda_rng_state_all",
    "numpy_rng_state",
];
/// The tables of a pickled `torch.nn.Module`.
const TABLES: [&str; 3] = ["_parameters", "_buffers", "_modules"];
/// How deep dictionaries may lie in each other, how long a name may be, and how many values are
/// looked at, each as often as it is referred to.
const DEEPEST: usize = 64;
const LONGEST_NAME: usize = 1024;
const MOST_VISITS: usize = 4_000_000;
/// What it counts that an array or another value is kept under its name, beside the name's length.
const KEPT: usize = 16;

/// The arrays of a file by name, and what else there is.
#[derive(Default)]
pub(super) struct StateDict {
    pub(super) arrays: BTreeMap<String, ArrayPlan>,
    /// What stands between the arrays and is none, by the name of its type.
    pub(super) others: BTreeMap<String, String>,
    /// What was left out around the arrays, as it is called in the file.
    pub(super) ignored: Vec<String>,
    /// The names before those of the arrays, joined by dots.
    pub(super) wrapper: String,
}

/// Finds the weights of a pickle.
///
/// A dictionary under one of a few known keys is taken for the weights if nothing beside it holds
/// arrays but what is known to be state of the training; otherwise all arrays keep the names that
/// they have from the root on.
///
/// # Errors
///
/// A message, if the pickle holds no dictionary, two arrays have one name, or one is of a kind that
/// isn't read.
pub(super) fn state_dict(pickle: &Pickle) -> Result<StateDict, String> {
    let mut walk = Walk {
        pickle,
        visits: 0,
        found: StateDict::default(),
    };
    let mut root = pickle.root;
    if walk.entries(root)?.is_none() {
        return Err(format!(
            "it holds {}, expected a dictionary of arrays (`model.state_dict()`)",
            walk.kind(root)
        ));
    }
    let mut wrappers = Vec::new();
    while let Some((name, inner)) = walk.unwrap(root)? {
        wrappers.push(name);
        root = inner;
        if wrappers.len() > DEEPEST {
            return Err(too_deep());
        }
    }
    walk.collect(root, "", 0)?;
    let mut found = walk.found;
    while let Some(prefix) = found.common_wrapper() {
        found.strip(&prefix);
        wrappers.push(prefix);
    }
    found.wrapper = wrappers.join(".");
    Ok(found)
}

impl StateDict {
    /// The known name that stands before all names.
    fn common_wrapper(&self) -> Option<String> {
        let first = self.arrays.keys().next()?.split_once('.')?.0;
        let all = || self.arrays.keys().chain(self.others.keys());
        (WRAPPERS.contains(&first) && all().all(|name| rest_after(name, first).is_some()))
            .then(|| first.to_string())
    }

    fn strip(&mut self, prefix: &str) {
        self.arrays = super::without_prefix(std::mem::take(&mut self.arrays), prefix);
        self.others = super::without_prefix(std::mem::take(&mut self.others), prefix);
    }
}

fn too_deep() -> String {
    format!("its dictionaries lie more than {DEEPEST} deep in each other")
}

struct Walk<'a> {
    pickle: &'a Pickle,
    visits: usize,
    found: StateDict,
}

impl<'a> Walk<'a> {
    /// Keys and values of a dictionary, or of a module as its `state_dict()` has them, with every
    /// other attribute that holds arrays; `None`, if it is neither.
    fn entries(&mut self, id: Id) -> Result<Option<Vec<(String, Id)>>, String> {
        let pickle = self.pickle;
        let mut attributes = Vec::new();
        let mut found = match pickle.get(id) {
            Value::Dict(entries) => self.named(entries)?,
            // One of a subclass of dictionaries, with all that it may hold beside its entries.
            Value::Object(object) if !object.entries.is_empty() => {
                for more in [&object.arguments, &object.state, &object.items] {
                    attributes.extend(more);
                }
                self.named(&object.entries)?
            }
            Value::Object(object) => {
                let Some(attributes) = self.module(object)? else {
                    return Ok(None);
                };
                attributes
            }
            _ => return Ok(None),
        };
        // Attributes of a dictionary are versions of modules, unless somebody put arrays there.
        attributes.extend(pickle.attributes.get(&id).into_iter().flatten());
        for attributes in attributes {
            if self.holds_arrays(attributes, 0)? {
                found.push(("attributes".into(), attributes));
            }
        }
        Ok(Some(found))
    }

    fn named(&mut self, entries: &[(Id, Id)]) -> Result<Vec<(String, Id)>, String> {
        self.visit(entries.len())?;
        let mut names = BTreeMap::new();
        for (number, &(key, value)) in entries.iter().enumerate() {
            let name = self.pickle.key(key);
            // Keys that are neither texts nor numbers may look alike.
            let name = name.unwrap_or_else(|| format!("{} {number}", self.kind(key)));
            if name.len() > LONGEST_NAME {
                return Err(format!("a name is of {} bytes", name.len()));
            }
            if names.insert(name.clone(), value).is_some() {
                return Err(format!("two values are called `{name}`"));
            }
        }
        Ok(names.into_iter().collect())
    }

    fn is_module(&mut self, id: Id) -> Result<bool, String> {
        match self.pickle.get(id) {
            Value::Object(object) => Ok(self.module(object)?.is_some()),
            _ => Ok(false),
        }
    }

    /// What the `state_dict()` of a pickled module holds, and its other attributes that hold
    /// arrays.
    fn module(&mut self, object: &'a Object) -> Result<Option<Vec<(String, Id)>>, String> {
        let [state] = object.state[..] else {
            return Ok(None);
        };
        let Value::Dict(attributes) = self.pickle.get(state) else {
            return Ok(None);
        };
        let attributes = self.named(attributes)?;
        let is_table = |name: &str| TABLES.contains(&name);
        if attributes.iter().filter(|(name, _)| is_table(name)).count() < TABLES.len() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for (name, value) in attributes {
            match self.pickle.get(value) {
                Value::Dict(entries) if is_table(&name) => found.extend(self.named(entries)?),
                _ if self.holds_arrays(value, 0)? => found.push((name, value)),
                _ => {}
            }
        }
        Ok(Some(found))
    }

    /// The weights in a dictionary that holds other things too, and what they are called there.
    fn unwrap(&mut self, id: Id) -> Result<Option<(String, Id)>, String> {
        let Some(entries) = self.entries(id)? else {
            return Ok(None);
        };
        // What a module calls `optim` or whatever else is a part of the model, and so is a module
        // under such a name.
        let in_module = self.is_module(id)?;
        let mut wrapped = None;
        let mut ignored = Vec::new();
        for (name, value) in entries {
            let holds = self.holds_arrays(value, 0)?;
            let is_training = TRAINING.contains(&name.as_str());
            let is_training = is_training && !in_module && !(holds && self.is_module(value)?);
            if WRAPPERS.contains(&name.as_str()) && holds && self.entries(value)?.is_some() {
                if wrapped.is_some() {
                    return Ok(None);
                }
                wrapped = Some((name, value));
            } else if holds && !is_training {
                return Ok(None);
            } else {
                ignored.push(name);
            }
        }
        if wrapped.is_some() {
            self.found.ignored.extend(ignored);
        }
        Ok(wrapped)
    }

    /// Takes the arrays of a value, and what stands beside them, under their names.
    fn collect(&mut self, id: Id, name: &str, depth: usize) -> Result<(), String> {
        self.visit(1)?;
        if depth > DEEPEST {
            return Err(too_deep());
        }
        if name.len() > LONGEST_NAME {
            return Err(format!("the name of a value is of {} bytes", name.len()));
        }
        let pickle = self.pickle;
        if let Value::Object(object) = pickle.get(id) {
            match array(pickle, object).map_err(|message| format!("array `{name}`: {message}"))? {
                Found::Array(plan, more) => {
                    self.collect_beside(object, more, name, depth)?;
                    self.keep(name)?;
                    if self.found.arrays.insert(name.to_string(), plan).is_some() {
                        return Err(format!("two arrays are called `{name}`"));
                    }
                    return Ok(());
                }
                Found::Parameter(data, more) => {
                    self.collect_beside(object, more, name, depth)?;
                    return self.collect(data, name, depth + 1);
                }
                Found::Unread(kind) => {
                    self.keep(name)?;
                    self.found.others.insert(name.to_string(), kind);
                    return Ok(());
                }
                Found::Nothing => {}
            }
        }
        if let Some(entries) = self.entries(id)? {
            for (key, value) in entries {
                self.collect(value, &join(name, &key), depth + 1)?;
            }
            return Ok(());
        }
        match pickle.get(id) {
            Value::None => {}
            Value::List(items) => {
                for (index, &item) in items.iter().enumerate() {
                    self.collect(item, &join(name, &index.to_string()), depth + 1)?;
                }
            }
            _ => {
                let kind = self.kind(id);
                self.keep(name)?;
                self.found.others.insert(name.to_string(), kind);
            }
        }
        Ok(())
    }

    /// Takes the arrays that are attributes of an array.
    fn collect_beside(
        &mut self,
        object: &Object,
        more: &[Id],
        name: &str,
        depth: usize,
    ) -> Result<(), String> {
        for &id in more.iter().chain(&object.state) {
            if self.holds_arrays(id, 0)? {
                self.collect(id, &join(name, "attributes"), depth + 1)?;
            }
        }
        Ok(())
    }

    /// Counts what it takes to keep something under a name: names of shared dictionaries multiply.
    fn keep(&mut self, name: &str) -> Result<(), String> {
        self.visit(KEPT + name.len() / 8)
    }

    /// Whether there is an array, of PyTorch or NumPy, anywhere in a value.
    fn holds_arrays(&mut self, id: Id, depth: usize) -> Result<bool, String> {
        self.visit(1)?;
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let pickle = self.pickle;
        let any = |walk: &mut Self, ids: &[Id]| -> Result<bool, String> {
            for &id in ids {
                if walk.holds_arrays(id, depth + 1)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let values = |entries: &[(Id, Id)]| entries.iter().map(|entry| entry.1).collect::<Vec<_>>();
        let more = pickle.attributes.get(&id).map_or(&[][..], Vec::as_slice);
        if any(self, more)? {
            return Ok(true);
        }
        match pickle.get(id) {
            Value::Persistent(id) => Ok(class_of_module(pickle, *id).is_none()),
            Value::List(items) => any(self, items),
            Value::Dict(entries) => {
                self.visit(entries.len())?;
                any(self, &values(entries))
            }
            Value::Object(object) => {
                let (module, name) = pickle.global(object.callable);
                if module.starts_with("numpy") && matches!(name, "_reconstruct" | "_frombuffer") {
                    return Ok(true);
                }
                self.visit(object.entries.len())?;
                Ok(any(self, &object.arguments)?
                    || any(self, &object.state)?
                    || any(self, &object.items)?
                    || any(self, &values(&object.entries))?)
            }
            _ => Ok(false),
        }
    }

    /// The type of a value in words.
    fn kind(&self, id: Id) -> String {
        match self.pickle.get(id) {
            Value::None => "None".into(),
            Value::Bool(_) => "a bool".into(),
            Value::Int(_) => "an int".into(),
            Value::Other(name) => format!("a value of type {name}"),
            Value::Text(_) => "a text".into(),
            Value::List(_) => "a list".into(),
            Value::Dict(_) => "a dictionary".into(),
            Value::Global(..) => "a class".into(),
            Value::Persistent(id) if class_of_module(self.pickle, *id).is_some() => {
                "a class".into()
            }
            Value::Persistent(_) => "a storage".into(),
            Value::Object(object) => {
                let class = match self.pickle.get(object.callable) {
                    Value::Persistent(id) => class_of_module(self.pickle, *id),
                    _ => None,
                };
                let class = class.unwrap_or(object.callable);
                let (module, name) = self.pickle.global(class);
                let name: String = name.chars().take(64).collect();
                let module: String = module.chars().take(64).collect();
                format!("an object of {module}.{name}")
            }
        }
    }

    fn visit(&mut self, values: usize) -> Result<(), String> {
        self.visits += values;
        if self.visits > MOST_VISITS {
            return Err(format!(
                "it refers to its values more than {MOST_VISITS} times: save the state_dict alone"
            ));
        }
        Ok(())
    }
}

fn join(name: &str, key: &str) -> String {
    if name.is_empty() {
        return key.to_string();
    }
    format!("{name}.{key}")
}
