//! Arrays in a pickle of `torch.save`: which numbers of which storage, in which order.

use std::collections::BTreeMap;

use burn::tensor::DType;

use super::pickle::{Id, Object, Pickle, Value};

/// The most dimensions of an array, and the longest name of a storage.
const MOST_DIMENSIONS: usize = 16;
const LONGEST_KEY: usize = 256;

/// An array that a pickle describes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArrayPlan {
    /// The storage.
    pub(super) key: String,
    pub(super) dtype: DType,
    /// Where it starts there, in numbers.
    offset: usize,
    pub(super) shape: Vec<usize>,
    /// Numbers from one index to the next, by dimension.
    strides: Vec<usize>,
}

/// What a value says when it is asked for an array; what stands beside an array could hold others.
pub(super) enum Found<'a> {
    Array(ArrayPlan, &'a [Id]),
    /// The array of another value.
    Parameter(Id, &'a [Id]),
    /// An array that can't be read, in words.
    Unread(String),
    /// Something else.
    Nothing,
}

impl ArrayPlan {
    /// The number of its values; `None`, if that is no number of this machine.
    fn count(&self) -> Option<usize> {
        // The product of the sides that aren't 0 has to be a number, too: whoever multiplies them
        // may start with these.
        let mut sides = self.shape.iter().filter(|&&side| side > 0);
        let product = sides.try_fold(1_usize, |product, &side| product.checked_mul(side))?;
        Some(if self.shape.contains(&0) { 0 } else { product })
    }

    /// The bytes that it takes.
    pub(super) fn bytes(&self) -> Option<usize> {
        self.count()?.checked_mul(self.dtype.size())
    }

    /// Its numbers in row-major order, little-endian.
    ///
    /// # Errors
    ///
    /// A message, if the storage ends before it does.
    pub(super) fn read(&self, storage: &[u8]) -> Result<Vec<u8>, String> {
        let width = self.dtype.size();
        let (bytes, available) = (self.bytes(), storage.len() / width);
        let last = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.offset, |last, (&side, &stride)| {
                last.checked_add(side.saturating_sub(1).checked_mul(stride)?)
            });
        let (Some(bytes), Some(last)) = (bytes, last) else {
            return Err("its shape is larger than any file".into());
        };
        if bytes == 0 {
            return Ok(Vec::new());
        }
        if last >= available {
            return Err(format!(
                "it reaches up to number {last} of storage `{}`, which has {available}",
                self.key
            ));
        }
        if self.is_row_major() {
            let start = self.offset * width;
            return Ok(storage[start..start + bytes].to_vec());
        }
        let mut out = Vec::with_capacity(bytes);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..bytes / width {
            let places = index.iter().zip(&self.strides);
            let at = places.fold(self.offset, |at, (&index, &stride)| at + index * stride);
            out.extend_from_slice(&storage[at * width..(at + 1) * width]);
            for (index, &side) in index.iter_mut().zip(&self.shape).rev() {
                *index += 1;
                if *index < side {
                    break;
                }
                *index = 0;
            }
        }
        Ok(out)
    }

    fn is_row_major(&self) -> bool {
        let mut expected = 1;
        let sides = self.shape.iter().zip(&self.strides).rev();
        sides.fold(true, |so_far, (&side, &stride)| {
            let fits = side == 1 || stride == expected;
            expected *= side;
            so_far && fits
        })
    }
}

/// The storages that a pickle uses: how many numbers of how many bytes, by key.
///
/// # Errors
///
/// A message, if two descriptions of one storage differ, or one is of a type that isn't known.
pub(super) fn storages(pickle: &Pickle) -> Result<BTreeMap<String, (usize, usize)>, String> {
    let mut found = BTreeMap::new();
    for value in &pickle.values {
        if let Value::Persistent(id) = value
            && class_of_module(pickle, *id).is_none()
        {
            let storage = storage(pickle, *id)?;
            let described = (storage.count, storage.kind.width());
            if *found.entry(storage.key.clone()).or_insert(described) != described {
                return Err(format!(
                    "storage `{}` is described in two ways",
                    storage.key
                ));
            }
        }
    }
    Ok(found)
}

/// Whether a value is an array, and which.
///
/// # Errors
///
/// A message, if it isn't described as `torch.save` does.
pub(super) fn array<'a>(pickle: &'a Pickle, object: &'a Object) -> Result<Found<'a>, String> {
    let arguments = list(pickle, object.arguments.first());
    let (module, name) = pickle.global(object.callable);
    match (module, name) {
        // An array with attributes: (function, type, its arguments, attributes).
        ("torch._tensor", "_rebuild_from_type" | "_rebuild_from_type_v2") => {
            let [function, class, arguments, more @ ..] = arguments else {
                return Err("an array with attributes isn't of a function and a type".into());
            };
            let plain = [
                ("torch", "Tensor"),
                ("torch._tensor", "Tensor"),
                ("torch.nn.parameter", "Parameter"),
                ("torch.nn.parameter", "Buffer"),
            ];
            let (module, name) = pickle.global(*function);
            // Numbers of other classes may mean anything.
            if module != "torch._utils" || !plain.contains(&pickle.global(*class)) {
                return Ok(Found::Nothing);
            }
            Ok(
                match rebuilt(pickle, name, list(pickle, Some(arguments)))? {
                    Found::Array(plan, _) => Found::Array(plan, more),
                    Found::Unread(kind) => Found::Unread(kind),
                    Found::Parameter(..) | Found::Nothing => Found::Nothing,
                },
            )
        }
        ("torch._utils", name) => rebuilt(pickle, name, arguments),
        _ => Ok(Found::Nothing),
    }
}

/// What a function of `torch._utils` makes.
fn rebuilt<'a>(pickle: &Pickle, name: &str, arguments: &'a [Id]) -> Result<Found<'a>, String> {
    let metadata = match name {
        "_rebuild_tensor" | "_rebuild_tensor_v2" => arguments.get(6),
        "_rebuild_tensor_v3" => arguments.get(7),
        "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
            let (data, more) = arguments
                .split_first()
                .ok_or("a parameter without an array")?;
            return Ok(Found::Parameter(*data, more));
        }
        _ => return Ok(Found::Nothing),
    };
    let named = (name == "_rebuild_tensor_v3").then(|| arguments.get(6).copied());
    let named = named
        .map(|dtype| dtype.ok_or("a type is missing"))
        .transpose()?;
    if let Some(Value::Dict(marks)) = metadata.map(|&id| pickle.get(id))
        && let Some((mark, _)) = marks
            .iter()
            .find(|entry| matches!(pickle.get(entry.1), Value::Bool(true)))
    {
        let mark = pickle.key(*mark).unwrap_or_default();
        return Ok(Found::Unread(format!("an array marked `{mark}`")));
    }
    plan(pickle, arguments, named)
}

/// The values of a list; none, if it isn't one.
fn list<'a>(pickle: &'a Pickle, id: Option<&Id>) -> &'a [Id] {
    match id.map(|&id| pickle.get(id)) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// The class in `("module", class, ..)`, which stands where a storage does in early files of whole
/// modules.
pub(super) fn class_of_module(pickle: &Pickle, id: Id) -> Option<Id> {
    match list(pickle, Some(&id)) {
        [tag, class, ..] if pickle.key(*tag).as_deref() == Some("module") => Some(*class),
        _ => None,
    }
}

/// `(storage, offset, shape, strides, ..)`.
fn plan<'a>(pickle: &Pickle, arguments: &'a [Id], named: Option<Id>) -> Result<Found<'a>, String> {
    let [source, offset, shape, strides, ..] = *arguments else {
        return Err("an array isn't of storage, offset, shape and strides".into());
    };
    let Value::Persistent(id) = *pickle.get(source) else {
        return Err("an array isn't of a storage".into());
    };
    let storage = storage(pickle, id)?;
    let stored = match storage.kind {
        Kind::Bytes => None,
        Kind::Numbers(dtype) => Some(dtype),
        Kind::Unread(class, _) => {
            return Ok(Found::Unread(format!("an array of a {class}Storage")));
        }
    };
    let named = named.map(|id| pickle.global(id).1);
    let named = match named.map(|name| type_of(name).ok_or(name)).transpose() {
        Ok(dtype) => dtype,
        Err(name) => return Ok(Found::Unread(format!("an array of torch.{name}"))),
    };
    let dtype = match (stored, named) {
        (Some(stored), Some(named)) if stored != named => {
            return Err(format!(
                "an array of {named:?} is of a storage of {stored:?}"
            ));
        }
        (stored, named) => stored
            .or(named)
            .ok_or("an array doesn't say of what type it is")?,
    };
    let sides = |id: Id| match pickle.get(id) {
        Value::List(items) if items.len() <= MOST_DIMENSIONS => {
            items.iter().map(|&item| size(pickle, item)).collect()
        }
        Value::List(items) => Err(format!(
            "an array has {} dimensions, expected at most {MOST_DIMENSIONS}",
            items.len()
        )),
        _ => Err("a shape is no list".to_string()),
    };
    let plan = ArrayPlan {
        key: storage.key,
        dtype,
        offset: size(pickle, offset)?
            .checked_add(storage.offset)
            .ok_or("an array starts beyond any file")?,
        shape: sides(shape)?,
        strides: sides(strides)?,
    };
    if plan.shape.len() != plan.strides.len() {
        return Err(format!(
            "an array has {} dimensions but {} strides",
            plan.shape.len(),
            plan.strides.len()
        ));
    }
    Ok(Found::Array(plan, &[]))
}

/// What a pickle says of a storage.
struct Storage {
    key: String,
    kind: Kind,
    count: usize,
    /// Where it starts in the storage that it is a part of; not 0 in early files alone.
    offset: usize,
}

/// What a storage is of.
#[derive(Clone, Copy)]
enum Kind {
    /// Bytes, of whatever type the array says.
    Bytes,
    Numbers(DType),
    /// Numbers of so many bytes that aren't read.
    Unread(&'static str, usize),
}

impl Kind {
    /// The bytes of one number.
    fn width(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Numbers(dtype) => dtype.size(),
            Self::Unread(_, width) => width,
        }
    }
}

/// `("storage", type, key, device, count[, (key, offset, count)])`.
fn storage(pickle: &Pickle, id: Id) -> Result<Storage, String> {
    let fields = match pickle.get(id) {
        Value::List(fields) => &fields[..],
        _ => &[],
    };
    let [tag, class, key, _device, count, view @ ..] = fields else {
        return Err("a storage isn't described as torch.save does".into());
    };
    if pickle.key(*tag).as_deref() != Some("storage") {
        return Err("what stands outside of the pickle is no storage".into());
    }
    let class = match pickle.get(*class) {
        Value::Text(name) => name,
        _ => pickle.global(*class).1,
    };
    let kind = match class.strip_suffix("Storage") {
        Some("Untyped") => Kind::Bytes,
        Some("Double") => Kind::Numbers(DType::F64),
        Some("Float") => Kind::Numbers(DType::F32),
        Some("Half") => Kind::Numbers(DType::F16),
        Some("BFloat16") => Kind::Numbers(DType::BF16),
        Some("Long") => Kind::Numbers(DType::I64),
        Some("Int") => Kind::Numbers(DType::I32),
        Some("Short") => Kind::Numbers(DType::I16),
        Some("Char") => Kind::Numbers(DType::I8),
        Some("Byte" | "Bool") => Kind::Numbers(DType::U8),
        Some("ComplexDouble") => Kind::Unread("ComplexDouble", 16),
        Some("ComplexFloat") => Kind::Unread("ComplexFloat", 8),
        Some("QInt32") => Kind::Unread("QInt32", 4),
        Some("QInt8") => Kind::Unread("QInt8", 1),
        Some("QUInt8") => Kind::Unread("QUInt8", 1),
        _ => return Err(format!("a storage of type `{class}` isn't read")),
    };
    let offset = match view.first().map(|&view| pickle.get(view)) {
        None | Some(Value::None) => 0,
        Some(Value::List(view)) if view.len() == 3 => size(pickle, view[1])?,
        Some(_) => return Err("a part of a storage isn't described as torch.save does".into()),
    };
    Ok(Storage {
        key: pickle
            .key(*key)
            .filter(|key| key.len() <= LONGEST_KEY)
            .ok_or("the key of a storage is no short text")?,
        kind,
        count: size(pickle, *count)?,
        offset,
    })
}

/// The type of `torch.NAME`, if it is one that is read.
fn type_of(name: &str) -> Option<DType> {
    Some(match name {
        "float64" | "double" => DType::F64,
        "float32" | "float" => DType::F32,
        "float16" | "half" => DType::F16,
        "bfloat16" => DType::BF16,
        "int64" | "long" => DType::I64,
        "int32" | "int" => DType::I32,
        "int16" | "short" => DType::I16,
        "int8" => DType::I8,
        "uint64" => DType::U64,
        "uint32" => DType::U32,
        "uint16" => DType::U16,
        "uint8" | "bool" => DType::U8,
        _ => return None,
    })
}

fn size(pickle: &Pickle, id: Id) -> Result<usize, String> {
    match pickle.get(id) {
        Value::Int(number) => usize::try_from(*number)
            .map_err(|_| format!("found {number}, expected a size or place of 0 or more")),
        _ => Err("a size or place is no whole number".into()),
    }
}
