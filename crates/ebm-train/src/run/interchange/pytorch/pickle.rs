//! Python's pickles as values: nothing is run, nothing is copied, and memory is bounded by the number of instructions.

use std::collections::HashMap;

/// The most instructions of a pickle; a state dict has some forty an array. Each takes less than 200 bytes of memory.
const MOST_INSTRUCTIONS: usize = 2_000_000;

/// A value's place in [`Pickle::values`].
pub(super) type Id = u32;

/// A value of Python. What holds others names their places, so that a value that is used often is there once.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// What is never looked into, by the name of its type: numbers with a point, wide integers, bytes.
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
        let mut machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            attributes: HashMap::new(),
            left: MOST_INSTRUCTIONS,
        };
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

/// The machine that a pickle is the program of.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    attributes: HashMap<Id, Vec<Id>>,
    /// Instructions that may still come.
    left: usize,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            self.spend(1)?;
            let [instruction] = self.take::<1>()?;
            if instruction == b'.' {
                return self.pop();
            }
            self.execute(instruction)?;
        }
    }

    fn spend(&mut self, instructions: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(instructions).ok_or_else(|| {
            format!(
                "it takes more than {MOST_INSTRUCTIONS} instructions: save the state_dict alone"
            )
        })?;
        Ok(())
    }

    /// One instruction; the names are those of Python's `pickletools`.
    fn execute(&mut self, instruction: u8) -> Result<(), String> {
        match instruction {
            // PROTO, FRAME
            0x80 => match self.take::<1>()? {
                [0..=5] => Ok(()),
                [version] => Err(format!("found protocol {version}, expected 0 to 5")),
            },
            0x95 => self.take::<8>().map(drop),
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            // BININT, BININT1, BININT2, LONG1, LONG4, INT, LONG
            b'J' => {
                let value = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()))
            }
            b'K' => {
                let [value] = self.take::<1>()?;
                self.push(Value::Int(value.into()))
            }
            b'M' => {
                let value = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(value.into()))
            }
            0x8a => {
                let [length] = self.take::<1>()?;
                self.long(length.into())
            }
            0x8b => {
                let length = u32::from_le_bytes(self.take()?);
                self.long(length.into())
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let value = match line.strip_suffix('L').unwrap_or(line) {
                    "00" => Value::Bool(false),
                    "01" => Value::Bool(true),
                    digits => digits.parse().map_or(Value::Other("int"), Value::Int),
                };
                self.push(value)
            }
            // BINFLOAT, FLOAT
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Other("float"))
            }
            b'F' => {
                self.line()?;
                self.push(Value::Other("float"))
            }
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, UNICODE
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length.into())
            }
            0x8c => {
                let [length] = self.take::<1>()?;
                self.text(length.into())
            }
            0x8d => {
                let length = u64::from_le_bytes(self.take()?);
                self.text(length)
            }
            b'V' => {
                let line = self.line()?.into();
                self.push(Value::Text(line))
            }
            // BINSTRING, SHORT_BINSTRING, STRING: text of Python 2, or bytes
            b'T' => {
                let length = u32::from_le_bytes(self.take()?);
                self.old_text(length.into())
            }
            b'U' => {
                let [length] = self.take::<1>()?;
                self.old_text(length.into())
            }
            b'S' => {
                let line = self.line()?.trim_matches(['\'', '"']).into();
                self.push(Value::Text(line))
            }
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => {
                let length = u32::from_le_bytes(self.take()?);
                self.binary(length.into())
            }
            b'C' => {
                let [length] = self.take::<1>()?;
                self.binary(length.into())
            }
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(self.take()?);
                self.binary(length)
            }
            // MARK, EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET, EMPTY_DICT
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b')' | b']' | 0x8f => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            // TUPLE, LIST, FROZENSET, TUPLE1, TUPLE2, TUPLE3
            b't' | b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items))
            }
            0x85..=0x87 => {
                let count = usize::from(instruction) - 0x84;
                let mut items = vec![0; count];
                for item in items.iter_mut().rev() {
                    *item = self.pop()?;
                }
                self.push(Value::List(items))
            }
            // DICT
            b'd' => {
                let items = self.pop_to_mark()?;
                let entries = pairs(items)?;
                self.push(Value::Dict(entries))
            }
            // APPEND, APPENDS, ADDITEMS
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            // SETITEM, SETITEMS
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(vec![key, value])
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(items)
            }
            // POP, POP_MARK, DUP
            b'0' => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                    return Ok(());
                }
                self.pop().map(drop)
            }
            b'1' => self.pop_to_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            // GET, BINGET, LONG_BINGET, PUT, BINPUT, LONG_BINPUT, MEMOIZE
            b'g' => {
                let place = self.index()?;
                self.recall(place)
            }
            b'h' => {
                let [place] = self.take::<1>()?;
                self.recall(place.into())
            }
            b'j' => {
                let place = u32::from_le_bytes(self.take()?);
                self.recall(place)
            }
            b'p' => {
                let place = self.index()?;
                self.remember(place)
            }
            b'q' => {
                let [place] = self.take::<1>()?;
                self.remember(place.into())
            }
            b'r' => {
                let place = u32::from_le_bytes(self.take()?);
                self.remember(place)
            }
            0x94 => self.remember(self.memo.len() as u32),
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let global = self.global_line()?;
                self.push(global)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                self.push(Value::Global(module, name))
            }
            // PERSID, BINPERSID
            b'P' => {
                let line = self.line()?.into();
                let id = self.add(Value::Text(line));
                self.push(Value::Persistent(id))
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))
            }
            // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, INST
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, vec![arguments])
            }
            0x92 => {
                let (named, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callable, vec![arguments, named])
            }
            b'o' | b'i' => {
                let mut arguments = self.pop_to_mark()?;
                let callable = if instruction == b'i' {
                    let global = self.global_line()?;
                    self.add(global)
                } else if arguments.is_empty() {
                    return Err("an object without a class".into());
                } else {
                    arguments.remove(0)
                };
                let arguments = self.add(Value::List(arguments));
                self.call(callable, vec![arguments])
            }
            // BUILD
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                match &mut self.values[object as usize] {
                    Value::Object(object) => object.state.push(state),
                    _ => self.attributes.entry(object).or_default().push(state),
                }
                Ok(())
            }
            other => Err(format!(
                "found instruction 0x{other:02x}, which isn't one that torch.save writes"
            )),
        }
    }

    /// `callable(*arguments)`: a dictionary in order is one, a set is a list, anything else stays a call.
    fn call(&mut self, callable: Id, arguments: Vec<Id>) -> Result<(), String> {
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
    fn entries(&self, list: Id) -> Option<Vec<(Id, Id)>> {
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

    fn value(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    fn add(&mut self, value: Value) -> Id {
        let id = self.values.len() as Id;
        self.values.push(value);
        id
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        let id = self.add(value);
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let open = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= open {
            return Err("a value is missing".into());
        }
        self.stack.pop().ok_or_else(|| "a value is missing".into())
    }

    fn top(&mut self) -> Result<Id, String> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, more: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.values[top as usize] {
            Value::List(items) => items.extend(more),
            Value::Object(object) => object.items.extend(more),
            _ => return Err("items for what is no list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Id>) -> Result<(), String> {
        let more = pairs(items)?;
        let top = self.top()?;
        match &mut self.values[top as usize] {
            Value::Dict(entries) => entries.extend(more),
            Value::Object(object) => object.entries.extend(more),
            _ => return Err("entries for what is no dictionary".into()),
        }
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        let id = *self
            .memo
            .get(&place)
            .ok_or_else(|| format!("nothing is remembered at {place}"))?;
        self.stack.push(id);
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn long(&mut self, length: u64) -> Result<(), String> {
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

    fn text(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| "a text isn't UTF-8")?;
        self.push(Value::Text(text.into()))
    }

    fn old_text(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        let value = std::str::from_utf8(bytes)
            .map_or(Value::Other("bytes"), |text| Value::Text(text.into()));
        self.push(value)
    }

    fn binary(&mut self, length: u64) -> Result<(), String> {
        self.bytes(length)?;
        self.push(Value::Other("bytes"))
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = rest
            .get(..length)
            .ok_or_else(|| format!("it ends after {} of {length} bytes", rest.len()))?;
        self.at += length;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.bytes(N as u64)?;
        bytes.try_into().map_err(|_| "it ends too early".into())
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = &rest[..end.ok_or("a line without an end")?];
        self.at += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        std::str::from_utf8(line).map_err(|_| "a line isn't UTF-8".into())
    }

    /// A class or function on two lines.
    fn global_line(&mut self) -> Result<Value, String> {
        let (module, name) = (self.line()?.into(), self.line()?.into());
        let module = self.add(Value::Text(module));
        let name = self.add(Value::Text(name));
        Ok(Value::Global(module, name))
    }

    fn index(&mut self) -> Result<u32, String> {
        let line = self.line()?;
        line.parse()
            .map_err(|_| format!("found `{line}`, expected a place in the memo"))
    }
}

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, String> {
    if !items.len().is_multiple_of(2) {
        return Err("a key without a value".into());
    }
    Ok(items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
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
