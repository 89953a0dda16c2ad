//! Writes models byte by byte, so that tests can write wrong ones. Field numbers are those of ONNX's format.

/// A protobuf message.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

/// ONNX's number of f32.
pub const F32: i64 = 1;

impl Message {
    fn number(mut self, mut n: u64) -> Message {
        while n >= 0x80 {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
        self
    }

    pub fn int(self, field: u64, value: i64) -> Message {
        self.number(field << 3).number(value as u64)
    }

    pub fn float(self, field: u64, value: f32) -> Message {
        let mut message = self.number(field << 3 | 5);
        message.0.extend(value.to_le_bytes());
        message
    }

    pub fn bytes(self, field: u64, bytes: &[u8]) -> Message {
        let mut message = self.number(field << 3 | 2).number(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    pub fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    pub fn message(self, field: u64, inner: &Message) -> Message {
        self.bytes(field, &inner.0)
    }

    pub fn messages(self, field: u64, inner: &[Message]) -> Message {
        inner.iter().fold(self, |message, inner| message.message(field, inner))
    }
}

/// A model of opset 18 around a graph.
pub fn model(graph: &Message) -> Message {
    let opset = Message::default().text(1, "").int(2, 18);
    Message::default().int(1, 8).message(7, graph).message(8, &opset)
}

/// A graph; nodes, inputs, outputs.
pub fn graph(nodes: &[Message], inputs: &[Message], outputs: &[Message]) -> Message {
    Message::default().messages(1, nodes).text(2, "g").messages(11, inputs).messages(12, outputs)
}

/// A node called as its operator in lower case.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let message = inputs.iter().fold(Message::default(), |m, name| m.text(1, name));
    let message = outputs.iter().fold(message, |m, name| m.text(2, name));
    message.text(3, &op.to_lowercase()).text(4, op)
}

/// A declared value: an f32 tensor of those sizes.
pub fn value(name: &str, dims: &[i64]) -> Message {
    value_of(F32, name, dims)
}

/// The same of another type, by its number.
pub fn value_of(elements: i64, name: &str, dims: &[i64]) -> Message {
    let dims: Vec<Message> = dims.iter().map(|&d| Message::default().int(1, d)).collect();
    let tensor = Message::default().int(1, elements).message(2, &Message::default().messages(1, &dims));
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// An f32 tensor of those sizes, without elements.
pub fn tensor(name: &str, dims: &[i64]) -> Message {
    dims.iter().fold(Message::default(), |m, &d| m.int(1, d)).int(2, F32).text(8, name)
}

/// A tensor whose elements lie in a file.
pub fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Message {
    let entry = |(key, value): &(&str, &str)| Message::default().text(1, key).text(2, value);
    let entries: Vec<Message> = entries.iter().map(entry).collect();
    tensor(name, dims).messages(13, &entries).int(14, 1)
}

/// An attribute of that type, its value in that field.
pub fn attribute(name: &str, kind: i64, value: impl Fn(Message) -> Message) -> Message {
    value(Message::default().text(1, name)).int(20, kind)
}
