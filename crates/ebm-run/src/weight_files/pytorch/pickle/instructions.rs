//! The instructions of a pickle, by the names that Python's `pickletools` has for them.

use super::Value;
use super::machine::{Machine, pairs};

impl Machine<'_> {
    /// Does what one instruction says.
    ///
    /// # Errors
    ///
    /// A message, if it can't be done.
    pub(super) fn execute(&mut self, instruction: u8) -> Result<(), String> {
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
}
