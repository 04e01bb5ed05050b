//! The parameters of a module as named arrays, and back.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Shape, Tensor, TensorData};
use ebm_ops::lift;

/// Where a traversal is in the module tree: the names of fields and indices, joined by dots.
///
/// Variants of an enum add no name, so that a parameter is called the same inside and outside of
/// one.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModulePath {
    parts: Vec<Option<String>>,
}

impl ModulePath {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.parts
            .push((!container.starts_with("Enum:")).then(|| name.to_string()));
    }

    pub(crate) fn exit(&mut self) {
        self.parts.pop();
    }

    pub(crate) fn name(&self) -> String {
        self.parts
            .iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// Implements the bookkeeping of a path for a visitor or mapper with a field `path`.
macro_rules! track_path {
    () => {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    };
}
pub(crate) use track_path;

/// All float parameters of a module by name, such as `layers.0.weight`, in burn's layouts: a fully
/// connected weight is `[inputs, outputs]`, a convolution's `[outputs, inputs, height, width]`.
pub fn weights<M: Module>(module: &M) -> BTreeMap<String, TensorData> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.weights
}

/// What is to be restored belongs to another model or configuration; the message says how it
/// differs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateMismatch(pub(crate) String);

impl From<String> for StateMismatch {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for StateMismatch {
    fn from(message: &str) -> Self {
        Self(message.to_string())
    }
}

/// What a message lists of the parameters that don't fit.
const MOST_PROBLEMS: usize = 3;

/// Replaces all float parameters of a module; devices and training state stay.
///
/// # Errors
///
/// With the parameters that are missing, left over, of another shape, not
/// floating-point numbers or not finite; the module is gone then.
pub fn load_weights<M: Module>(
    module: M,
    weights: BTreeMap<String, TensorData>,
) -> Result<M, StateMismatch> {
    let mut loader = Loader {
        path: ModulePath::default(),
        weights,
        problems: Vec::new(),
    };
    let module = module.map(&mut loader);
    let left_over = loader
        .weights
        .into_keys()
        .map(|name| format!("it has an unknown parameter {name}"));
    loader.problems.extend(left_over);
    let more = loader.problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        loader.problems.truncate(MOST_PROBLEMS);
        loader.problems.push(format!("and {more} more"));
    }
    if loader.problems.is_empty() {
        Ok(module)
    } else {
        Err(loader.problems.join(", ").into())
    }
}

/// An array as f32, if it is one of floating-point numbers and of the shape of its parameter.
pub(crate) fn fitting(
    name: &str,
    data: TensorData,
    expected: &Shape,
) -> Result<TensorData, String> {
    if data.shape() != expected {
        return Err(format!(
            "parameter {name} has shape {:?}, expected {:?}",
            data.shape().as_slice(),
            expected.as_slice()
        ));
    }
    floats(data).map_err(|found| {
        format!("parameter {name} holds {found:?} values, expected floating-point numbers")
    })
}

/// An array of floating-point numbers as f32; anything else's type.
pub fn floats(data: TensorData) -> Result<TensorData, DType> {
    match data.dtype() {
        DType::F32 => Ok(data),
        DType::F64 | DType::F16 | DType::BF16 => Ok(data.convert::<f32>()),
        other => Err(other),
    }
}

/// The first of an array's numbers, which are f32, that isn't finite, and its place.
pub fn find_infinite(data: &TensorData) -> Option<(usize, f32)> {
    let mut values = data.iter::<f32>().enumerate();
    values.find(|(_, value)| !value.is_finite())
}

fn finite(name: &str, data: TensorData) -> Result<TensorData, String> {
    match find_infinite(&data) {
        None => Ok(data),
        Some((_, value)) => Err(format!(
            "parameter {name} holds {value}, expected finite numbers"
        )),
    }
}

#[derive(Default)]
struct Collector {
    path: ModulePath,
    weights: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Collector {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.weights
            .insert(self.path.name(), param.val().into_data());
    }
}

struct Loader {
    path: ModulePath,
    weights: BTreeMap<String, TensorData>,
    problems: Vec<String>,
}

impl ModuleMapper for Loader {
    track_path!();

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(data) = self.weights.remove(&name) else {
            self.problems.push(format!("it lacks the parameter {name}"));
            return param;
        };
        let data = fitting(&name, data, &param.lazy_shape()).and_then(|data| finite(&name, data));
        let data = match data {
            Ok(data) => data,
            Err(problem) => {
                self.problems.push(problem);
                return param;
            }
        };
        let (id, old, mapper) = param.consume();
        let value = Tensor::from_data(data, &old.device().inner());
        Param::from_mapped_value(id, lift(value, &old), mapper)
    }
}
