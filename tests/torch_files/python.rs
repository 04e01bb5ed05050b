//! What Python holds, written as `torch.save` did before PyTorch 1.6: pickles, then storages.

/// What Python holds, as far as it is needed here.
#[derive(Clone)]
pub(crate) enum Py {
    Int(i64),
    Text(&'static str),
    Dict(Vec<(Py, Py)>),
    List(Vec<Py>),
    /// A tensor of ones of this shape.
    Array(Vec<usize>),
    /// A tensor of this shape whose strides are 0.
    Repeated(Vec<usize>),
    /// An object of a class, built with attributes.
    Object(&'static str, &'static str, Box<Py>),
    /// A call of a function.
    Call(&'static str, &'static str, Vec<Py>),
    /// The arguments of the function that makes a tensor of ones.
    Arguments(Vec<usize>),
    /// A tensor of complex numbers of this shape.
    Complex(Vec<usize>),
    /// A tensor of the negated numbers of its storage.
    Negated(Vec<usize>),
    /// An object of a class, with entries as a dictionary has them and attributes.
    Mapping(&'static str, &'static str, Vec<(Py, Py)>, Box<Py>),
    /// Instructions as they are.
    Raw(Vec<u8>),
    /// Values and instructions one after the other, which leave one value.
    Parts(Vec<Py>),
}

pub(crate) fn dict(entries: &[(&'static str, Py)]) -> Py {
    Py::Dict(
        entries
            .iter()
            .map(|(key, value)| (Py::Text(key), value.clone()))
            .collect(),
    )
}

/// A file of PyTorch before 1.6, which is the simpler container.
#[derive(Default)]
pub(crate) struct Torch {
    pickle: Vec<u8>,
    /// Numbers, and the bytes of one.
    storages: Vec<(usize, usize)>,
}

impl Torch {
    pub(crate) fn file(value: &Py) -> Vec<u8> {
        let mut torch = Self::default();
        torch.write(value);
        // The magic number, the version, the system.
        let mut bytes =
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
        bytes.extend(b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02");
        bytes.extend(&torch.pickle);
        bytes.extend(b".\x80\x02](");
        for key in 0..torch.storages.len() {
            let key = key.to_string();
            bytes.extend(b"X");
            bytes.extend((key.len() as u32).to_le_bytes());
            bytes.extend(key.as_bytes());
        }
        bytes.extend(b"e.");
        for (count, width) in torch.storages {
            bytes.extend((count as u64).to_le_bytes());
            bytes.extend(1.0_f32.to_le_bytes().repeat(count * width / 4));
        }
        bytes
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn int(&mut self, value: i64) {
        self.pickle.extend(b"\x8a\x08");
        self.pickle.extend(value.to_le_bytes());
    }

    fn array(&mut self, shape: &[usize], strides: &[usize], count: usize, class: &str) {
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n");
        self.arguments(shape, strides, count, class);
        self.pickle.push(b'R');
    }

    fn arguments(&mut self, shape: &[usize], strides: &[usize], count: usize, class: &str) {
        self.pickle.extend(b"((");
        self.text("storage");
        self.pickle.extend(format!("ctorch\n{class}\n").as_bytes());
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(count as i64);
        self.pickle.extend(b"NtQK\x00");
        for sizes in [shape, strides] {
            self.pickle.push(b'(');
            for &size in sizes {
                self.int(size as i64);
            }
            self.pickle.push(b't');
        }
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)Rt");
        let width = if class == "FloatStorage" { 4 } else { 8 };
        self.storages.push((count, width));
    }

    fn write(&mut self, value: &Py) {
        match value {
            Py::Int(value) => self.int(*value),
            Py::Text(text) => self.text(text),
            Py::Dict(entries) => {
                self.pickle.extend(b"}(");
                for (key, value) in entries {
                    self.write(key);
                    self.write(value);
                }
                self.pickle.push(b'u');
            }
            Py::List(items) => {
                self.pickle.extend(b"](");
                items.iter().for_each(|item| self.write(item));
                self.pickle.push(b'e');
            }
            Py::Negated(shape) => {
                self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n");
                self.write(&Py::Arguments(shape.clone()));
                // One more argument, before the end of the tuple, and the call.
                self.pickle.pop();
                self.pickle.extend(b"}");
                self.text("neg");
                self.pickle.extend(b"\x88stR");
            }
            Py::Array(shape) | Py::Complex(shape) => {
                let mut strides = vec![1; shape.len()];
                for at in (1..shape.len()).rev() {
                    strides[at - 1] = strides[at] * shape[at];
                }
                let class = match value {
                    Py::Complex(_) => "ComplexFloatStorage",
                    _ => "FloatStorage",
                };
                self.array(shape, &strides, shape.iter().product(), class);
            }
            Py::Arguments(shape) => {
                let count = shape.iter().product();
                self.arguments(shape, &vec![1; shape.len()], count, "FloatStorage");
            }
            Py::Repeated(shape) => self.array(shape, &vec![0; shape.len()], 1, "FloatStorage"),
            Py::Object(module, name, state) => {
                self.pickle
                    .extend(format!("c{module}\n{name}\n)\x7f").as_bytes());
                // NEWOBJ, which is no character.
                self.pickle.pop();
                self.pickle.push(0x81);
                self.write(state);
                self.pickle.push(b'b');
            }
            Py::Call(module, name, arguments) => {
                self.pickle
                    .extend(format!("c{module}\n{name}\n(").as_bytes());
                arguments.iter().for_each(|argument| self.write(argument));
                self.pickle.extend(b"tR");
            }
            Py::Mapping(module, name, entries, state) => {
                self.pickle
                    .extend(format!("c{module}\n{name}\n)R(").as_bytes());
                for (key, value) in entries {
                    self.write(key);
                    self.write(value);
                }
                self.pickle.push(b'u');
                self.write(state);
                self.pickle.push(b'b');
            }
            Py::Raw(instructions) => self.pickle.extend(instructions),
            Py::Parts(parts) => parts.iter().for_each(|part| self.write(part)),
        }
    }
}
