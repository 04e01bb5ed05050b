//! The machine that a pickle is the program of: a stack, a memo, and what has been made so far.

use std::collections::HashMap;

use super::{Id, Object, Value, global};

/// The most instructions of a pickle; a state dict has some forty an array. Each takes less than
/// 200 bytes of memory.
const MOST_INSTRUCTIONS: usize = 2_000_000;

/// The machine that a pickle is the program of.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) values: Vec<Value>,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Id>,
    pub(super) attributes: HashMap<Id, Vec<Id>>,
    /// Instructions that may still come.
    pub(super) left: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            attributes: HashMap::new(),
            left: MOST_INSTRUCTIONS,
        }
    }

    pub(super) fn run(&mut self) -> Result<Id, String> {
        loop {
            self.spend(1)?;
            let [instruction] = self.take::<1>()?;
            if instruction == b'.' {
                return self.pop();
            }
            self.execute(instruction)?;
        }
    }

    pub(super) fn spend(&mut self, instructions: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(instructions).ok_or_else(|| {
            format!(
                "it takes more than {MOST_INSTRUCTIONS} instructions: save the state_dict alone"
            )
        })?;
        Ok(())
    }

    /// `callable(*arguments)`: a dictionary in order is one, a set is a list, anything else stays a
    /// call.
    pub(super) fn call(&mut self, callable: Id, arguments: Vec<Id>) -> Result<(), String> {
        let first = arguments.first().and_then(|&id| match self.value(id) {
            Value::List(items) if items.len() <= 1 => Some(items.first().copied()),
            _ => None,
        });
        match (global(&self.values, callable), first) {
            (("collections", "OrderedDict"), Some(None)) => {
                return self.push(Value::Dict(Vec::new()));
            }
            (("collections", "OrderedDict"), Some(Some(list))) => {
                let entries = self.entries(list);
                if let Some(entries) = entries {
                    // A list may be used again and again.
                    self.spend(entries.len())?;
                    return self.push(Value::Dict(entries));
                }
            }
            (("builtins" | "__builtin__", "set" | "frozenset"), Some(None)) => {
                return self.push(Value::List(Vec::new()));
            }
            (("builtins" | "__builtin__", "set" | "frozenset"), Some(Some(list)))
                if matches!(self.value(list), Value::List(_)) =>
            {
                self.stack.push(list);
                return Ok(());
            }
            _ => {}
        }
        self.push(Value::Object(Box::new(Object {
            callable,
            arguments,
            state: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
        })))
    }

    /// The pairs of a list of pairs.
    pub(super) fn entries(&self, list: Id) -> Option<Vec<(Id, Id)>> {
        let Value::List(items) = self.value(list) else {
            return None;
        };
        if items.len() > self.left {
            return None;
        }
        items
            .iter()
            .map(|&item| match self.value(item) {
                Value::List(pair) => match pair[..] {
                    [key, value] => Some((key, value)),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    pub(super) fn value(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    pub(super) fn add(&mut self, value: Value) -> Id {
        let id = self.values.len() as Id;
        self.values.push(value);
        id
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), String> {
        let id = self.add(value);
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Id, String> {
        let open = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= open {
            return Err("a value is missing".into());
        }
        self.stack.pop().ok_or_else(|| "a value is missing".into())
    }

    pub(super) fn top(&mut self) -> Result<Id, String> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(top)
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn append(&mut self, more: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.values[top as usize] {
            Value::List(items) => items.extend(more),
            Value::Object(object) => object.items.extend(more),
            _ => return Err("items for what is no list".into()),
        }
        Ok(())
    }

    pub(super) fn set_items(&mut self, items: Vec<Id>) -> Result<(), String> {
        let more = pairs(items)?;
        let top = self.top()?;
        match &mut self.values[top as usize] {
            Value::Dict(entries) => entries.extend(more),
            Value::Object(object) => object.entries.extend(more),
            _ => return Err("entries for what is no dictionary".into()),
        }
        Ok(())
    }

    pub(super) fn recall(&mut self, place: u32) -> Result<(), String> {
        let id = *self
            .memo
            .get(&place)
            .ok_or_else(|| format!("nothing is remembered at {place}"))?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn remember(&mut self, place: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    pub(super) fn long(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        // Little-endian, two's complement; the sign fills what isn't there.
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        let value = if bytes.len() <= wide.len() {
            wide[..bytes.len()].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(wide))
        } else {
            Value::Other("int")
        };
        self.push(value)
    }

    pub(super) fn text(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| "a text isn't UTF-8")?;
        self.push(Value::Text(text.into()))
    }

    pub(super) fn old_text(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        let value = std::str::from_utf8(bytes)
            .map_or(Value::Other("bytes"), |text| Value::Text(text.into()));
        self.push(value)
    }

    pub(super) fn binary(&mut self, length: u64) -> Result<(), String> {
        self.bytes(length)?;
        self.push(Value::Other("bytes"))
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = rest
            .get(..length)
            .ok_or_else(|| format!("it ends after {} of {length} bytes", rest.len()))?;
        self.at += length;
        Ok(bytes)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.bytes(N as u64)?;
        bytes.try_into().map_err(|_| "it ends too early".into())
    }

    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = &rest[..end.ok_or("a line without an end")?];
        self.at += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        std::str::from_utf8(line).map_err(|_| "a line isn't UTF-8".into())
    }

    /// A class or function on two lines.
    pub(super) fn global_line(&mut self) -> Result<Value, String> {
        let (module, name) = (self.line()?.into(), self.line()?.into());
        let module = self.add(Value::Text(module));
        let name = self.add(Value::Text(name));
        Ok(Value::Global(module, name))
    }

    pub(super) fn index(&mut self) -> Result<u32, String> {
        let line = self.line()?;
        line.parse()
            .map_err(|_| format!("found `{line}`, expected a place in the memo"))
    }
}

pub(super) fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, String> {
    if !items.len().is_multiple_of(2) {
        return Err("a key without a value".into());
    }
    Ok(items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
}
