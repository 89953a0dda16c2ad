//! Models that break the rules: each is refused with the right kind and a sentence that names what is wrong.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::onnx::Bytes;
use edgewise_core::{Error, ErrorKind, Limits, Options, Result, Session, Tensor, Value, block_on};
use std::path::Path;
use std::sync::Arc;
use support::{Message, attribute, external, graph, model, node, tensor, value, value_of};

fn load(bytes: &[u8]) -> Result<Session> {
    let limits = Limits { max_bytes: 16 << 20, max_run_bytes: 16 << 20, max_depth: 8, ..Limits::default() };
    let options = Options { limits, threads: 1, ..Options::default() };
    block_on(Session::load(Arc::new(Bytes::new("model.onnx", bytes)), options, &mut |_| {}))
}

fn error(bytes: &[u8]) -> Error {
    match load(bytes) {
        Ok(_) => panic!("a broken model was loaded"),
        Err(error) => error,
    }
}

/// Loads a model, which must fail with that kind and a message that says all of these.
#[track_caller]
fn refused(model: &Message, kind: ErrorKind, says: &[&str]) {
    let error = error(&model.0);
    assert_eq!(error.kind(), kind, "{error}");
    for part in says.iter().chain(&["model.onnx"]) {
        assert!(error.to_string().contains(part), "'{part}' is not in: {error}");
    }
}

/// A model of those nodes between x and y, both f32[2, 3].
fn between(nodes: &[Message]) -> Message {
    model(&graph(nodes, &[value("x", &[2, 3])], &[value("y", &[2, 3])]))
}

/// A model that adds an initializer to x.
fn with_initializer(tensor: &Message) -> Message {
    let graph = graph(&[node("Add", &["x", "w"], &["y"])], &[value("x", &[2, 3])], &[value("y", &[2, 3])]);
    model(&graph.message(5, tensor))
}

/// A small model with some of everything: nodes, an attribute, an initializer, declared values.
fn sound() -> Vec<u8> {
    let softmax = node("Softmax", &["s"], &["y"]).message(5, &attribute("axis", 2, |a| a.int(3, -1)));
    let graph =
        graph(&[node("Add", &["x", "w"], &["s"]), softmax], &[value("x", &[2, 3])], &[value("y", &[2, 3])]);
    model(&graph.message(5, &tensor("w", &[3]).bytes(9, &[0; 12]))).0
}

#[test]
fn the_sound_model_runs() {
    let x: Value = Tensor::zeros(edgewise_core::DType::F32, &[2, 3]).unwrap().into();
    let y = load(&sound()).unwrap().run(&[("x", x)]).unwrap();
    assert_eq!(y[0].tensor().unwrap().shape(), [2, 3]);
}

#[test]
fn a_file_that_is_cut_off_is_invalid() {
    let whole = sound();
    for len in 0..whole.len() {
        let Err(error) = load(&whole[..len]) else { panic!("{len} of {} bytes were loaded", whole.len()) };
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{len} bytes: {error}");
    }
}

#[test]
fn a_changed_byte_never_panics_and_never_admits_a_bug() {
    let whole = sound();
    for at in 0..whole.len() {
        for byte in [0, 0x01, 0x7f, 0x80, 0xff, whole[at] ^ 1, whole[at].wrapping_add(8)] {
            let mut changed = whole.clone();
            changed[at] = byte;
            if let Err(error) = load(&changed) {
                assert_ne!(error.kind(), ErrorKind::Internal, "byte {at} = {byte}: {error}");
            }
        }
    }
}

#[test]
fn files_that_are_no_models() {
    refused(&Message::default(), ErrorKind::InvalidModel, &["empty file"]);
    refused(&Message(b"PK\x03\x04 not protobuf".to_vec()), ErrorKind::InvalidModel, &["byte"]);
    refused(&Message::default().int(1, 8), ErrorKind::InvalidModel, &["without a graph"]);
}

#[test]
fn fields_of_the_wrong_type_are_named() {
    let graph_as_number = Message::default().int(7, 1);
    refused(&graph_as_number, ErrorKind::InvalidModel, &["field 7", "a message"]);
    let name_as_number = model(&Message::default().int(2, 1));
    refused(&name_as_number, ErrorKind::InvalidModel, &["field 2", "bytes"]);
    let not_text = model(&Message::default().bytes(2, &[0xff, 0xfe]));
    refused(&not_text, ErrorKind::InvalidModel, &["field 2", "UTF-8"]);
    let dims_as_float = with_initializer(&tensor("w", &[]).float(1, 1.0));
    refused(&dims_as_float, ErrorKind::InvalidModel, &["field 1", "an integer"]);
    let group = Message(vec![0x0b]);
    refused(&group, ErrorKind::InvalidModel, &["field key 11", "byte 0"]);
    let longer_than_its_message = Message(vec![0x3a, 0x7f, 0x00]);
    refused(&longer_than_its_message, ErrorKind::InvalidModel, &["field 7", "127 bytes"]);
}

#[test]
fn operator_sets() {
    let graph = graph(&[node("Relu", &["x"], &["y"])], &[value("x", &[1])], &[value("y", &[1])]);
    let import = |domain: &str, version| {
        Message::default().message(7, &graph).message(8, &Message::default().text(1, domain).int(2, version))
    };
    refused(&import("", 1000), ErrorKind::Unsupported, &["opset 1000"]);
    refused(&import("ai.onnx.ml", 3), ErrorKind::InvalidModel, &["relu", "no operator set of ai.onnx"]);
}

#[test]
fn edges_that_lead_nowhere() {
    let dangling = between(&[node("Add", &["x", "nobody"], &["y"])]);
    refused(&dangling, ErrorKind::InvalidModel, &["'add' (Add)", "'nobody'"]);
    let no_maker = between(&[node("Relu", &["x"], &["z"])]);
    refused(&no_maker, ErrorKind::InvalidModel, &["'y'"]);
    let cycle = between(&[node("Add", &["x", "b"], &["a"]), node("Relu", &["a"], &["b"])]);
    refused(&cycle, ErrorKind::InvalidModel, &["cycle", "add"]);
    let itself = between(&[node("Add", &["x", "y"], &["y"])]);
    refused(&itself, ErrorKind::InvalidModel, &["cycle", "add"]);
}

#[test]
fn names_that_are_given_twice() {
    let by_two_nodes = between(&[node("Relu", &["x"], &["y"]), node("Abs", &["x"], &["y"])]);
    refused(&by_two_nodes, ErrorKind::InvalidModel, &["'y'", "twice"]);
    let by_node_and_input = between(&[node("Relu", &["x"], &["x"])]);
    refused(&by_node_and_input, ErrorKind::InvalidModel, &["relu"]);
    let w = tensor("w", &[1]).bytes(9, &[0; 4]);
    let relu = graph(&[node("Relu", &["w"], &["y"])], &[], &[value("y", &[1])]);
    refused(&model(&relu.message(5, &w).message(5, &w)), ErrorKind::InvalidModel, &["'w'", "twice"]);
    let axis = attribute("axis", 2, |a| a.int(3, 0));
    let twice = node("Softmax", &["x"], &["y"]).message(5, &axis).message(5, &axis);
    refused(&between(&[twice]), ErrorKind::InvalidModel, &["softmax", "'axis'", "twice"]);
}

#[test]
fn operators_that_do_not_exist() {
    let unknown = between(&[node("Frobnicate", &["x"], &["y"])]);
    refused(&unknown, ErrorKind::Unsupported, &["'frobnicate'", "'Frobnicate'", "ai.onnx"]);
    let of_strangers = between(&[node("Relu", &["x"], &["y"]).text(7, "org.example")]);
    refused(&of_strangers, ErrorKind::Unsupported, &["relu", "'org.example'"]);
}

#[test]
fn nodes_that_do_not_fit_their_schema() {
    let too_many = between(&[node("Relu", &["x", "x"], &["y"])]);
    refused(&too_many, ErrorKind::InvalidModel, &["'relu' (Relu)", "1..=1 inputs", "got 2"]);
    let too_few = between(&[node("Add", &["x"], &["y"])]);
    refused(&too_few, ErrorKind::InvalidModel, &["add", "inputs", "got 1"]);
    let outputs = between(&[node("Relu", &["x"], &["y", "z"])]);
    refused(&outputs, ErrorKind::InvalidModel, &["relu", "outputs", "got 2"]);
    let softmax = |a: Message| between(&[node("Softmax", &["x"], &["y"]).message(5, &a)]);
    let text = softmax(attribute("axis", 3, |a| a.text(4, "last")));
    refused(&text, ErrorKind::InvalidModel, &["softmax", "'axis'", "an integer", "a string"]);
    let unknown = softmax(attribute("axes", 2, |a| a.int(3, 0)));
    refused(&unknown, ErrorKind::InvalidModel, &["softmax", "'axes'", "axis"]);
    let outside = softmax(attribute("axis", 2, |a| a.int(3, 7)));
    refused(&outside, ErrorKind::InvalidModel, &["softmax", "axis 7", "rank 2"]);
    let no_value = softmax(attribute("axis", 4, |a| a));
    refused(&no_value, ErrorKind::InvalidModel, &["softmax", "'axis'"]);
    let no_type = softmax(attribute("axis", 99, |a| a.int(3, 0)));
    refused(&no_type, ErrorKind::Unsupported, &["softmax", "'axis'", "99"]);
}

#[test]
fn tensors_that_do_not_add_up() {
    let refuse = |tensor: Message, kind, says: &[&str]| refused(&with_initializer(&tensor), kind, says);
    let short = tensor("w", &[2, 3]).bytes(9, &[0; 20]);
    refuse(short, ErrorKind::InvalidModel, &["'w'", "24 bytes", "20"]);
    refuse(tensor("w", &[-1]), ErrorKind::InvalidModel, &["'w'", "-1"]);
    let no_type = Message::default().int(1, 3).int(2, 77).text(8, "w");
    refuse(no_type, ErrorKind::InvalidModel, &["'w'", "element type 77"]);
    let huge = tensor("w", &[1 << 40, 1 << 40]);
    refuse(huge, ErrorKind::LimitExceeded, &["'w'"]);
    let large = tensor("w", &[1 << 30]);
    refuse(large, ErrorKind::LimitExceeded, &["'w'", "limit of 16777216 bytes"]);
    let shapes = tensor("w", &[4]).bytes(9, &[0; 16]);
    refuse(shapes, ErrorKind::InvalidModel, &["add", "broadcast"]);
}

#[test]
fn images_and_weights_of_two_types() {
    const F64: i64 = 11;
    for op in ["Conv", "ConvTranspose"] {
        let weights = tensor("w", &[1, 1, 1, 1]).bytes(9, &[0; 4]);
        let x = value_of(F64, "x", &[1, 1, 2, 2]);
        let graph = graph(&[node(op, &["x", "w"], &["y"])], &[x], &[value_of(F64, "y", &[1, 1, 2, 2])]);
        refused(
            &model(&graph.message(5, &weights)),
            ErrorKind::InvalidModel,
            &[op, "one type", "f64", "f32"],
        );
    }
}

#[test]
fn sizes_whose_product_no_integer_holds() {
    let sizes = [3, i64::MAX, 5];
    let ends = (&[value("x", &sizes)], &[value("y", &sizes)]);
    let steps = [node("Selu", &["x"], &["s"]), node("Relu", &["s"], &["y"])];
    assert!(load(&model(&graph(&steps, ends.0, ends.1)).0).is_ok(), "nobody has such an input");
}

#[test]
fn results_larger_than_the_limit() {
    let shape = Message::default().int(1, 1).int(2, 7).int(7, 1 << 30).text(8, "w");
    let fill = graph(&[node("ConstantOfShape", &["w"], &["y"])], &[], &[value("y", &[1 << 30])]);
    let session = load(&model(&fill.message(5, &shape)).0).unwrap();
    let error = session.run(&[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
}

#[test]
fn lists_that_claim_to_be_endless() {
    let as_ints = |from, to| node("Cast", &[from], &[to]).message(5, &attribute("to", 2, |a| a.int(3, 7)));
    let inputs = [value("x", &[1, 10, 12]), value("long", &[i64::MAX]), value("two", &[2])];
    let cases: [(&str, &[&str]); 4] = [
        ("Col2Im", &["x", "sizes", "block"]),
        ("Reshape", &["x", "sizes"]),
        ("Expand", &["x", "sizes"]),
        ("ConstantOfShape", &["sizes"]),
    ];
    for (op, arguments) in cases {
        let nodes = [as_ints("long", "sizes"), as_ints("two", "block"), node(op, arguments, &["y"])];
        let endless = model(&graph(&nodes, &inputs, &[value("y", &[1])]));
        refused(&endless, ErrorKind::InvalidModel, &[&op.to_lowercase(), "rank 9223372036854775807"]);
    }
}

#[test]
fn maps_have_keys_of_two_types() {
    let values = Message::default().message(1, &Message::default().int(1, 1));
    let by_floats = Message::default().message(5, &Message::default().int(1, 1).message(2, &values));
    let x = Message::default().text(1, "x").message(2, &by_floats);
    let maps = model(&graph(&[node("Identity", &["x"], &["y"])], &[x], &[value("y", &[1])]));
    refused(&maps, ErrorKind::Unsupported, &["keys of f32", "i64"]);
}

#[test]
fn nesting_without_end() {
    let mut inner = graph(&[node("Relu", &["x"], &["y"])], &[], &[value("y", &[1])]);
    for _ in 0..20 {
        let branch = attribute("then_branch", 5, |a| a.message(6, &inner));
        inner = graph(&[node("If", &["x"], &["y"]).message(5, &branch)], &[], &[value("y", &[1])]);
    }
    refused(&model(&inner), ErrorKind::LimitExceeded, &["nest deeper"]);

    let mut kind = Message::default().message(1, &Message::default().int(1, support::F32));
    for _ in 0..100 {
        kind = Message::default().message(4, &Message::default().message(1, &kind));
    }
    let x = Message::default().text(1, "x").message(2, &kind);
    refused(&model(&graph(&[], &[x], &[])), ErrorKind::LimitExceeded, &["types nest deeper"]);

    // A function that calls itself.
    let function = Message::default().text(1, "Twice").text(4, "a").text(5, "b").text(10, "local");
    let function = function.message(7, &node("Twice", &["a"], &["b"]).text(7, "local"));
    let calls = between(&[node("Twice", &["x"], &["y"]).text(7, "local")]);
    refused(&calls.message(25, &function), ErrorKind::LimitExceeded, &["twice", "functions nest deeper"]);
}

/// A folder of its own for a test, removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("model")).unwrap();
        std::fs::write(path.join("secret"), [0; 24]).unwrap();
        Folder(path)
    }

    /// What becomes of a model in it whose weights lie in that file.
    fn load(&self, entries: &[(&str, &str)]) -> Result<Session> {
        let path = self.0.join("model/model.onnx");
        std::fs::write(&path, with_initializer(&external("w", &[2, 3], entries)).0).unwrap();
        Session::open(path, Options::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn external_data_stays_in_the_models_folder() {
    let folder = Folder::new("external_data_stays");
    std::fs::write(folder.0.join("model/weights"), [0; 24]).unwrap();
    folder.load(&[("location", "weights")]).unwrap();
    let secret = folder.0.join("secret").display().to_string();
    for location in ["../secret", "sub/../../secret", "..\\secret", "C:secret", "", &secret] {
        let error = folder.load(&[("location", location)]).err().expect(location);
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{location}: {error}");
        assert!(error.to_string().contains("'w'"), "{error}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.0.join("secret"), folder.0.join("model/link")).unwrap();
        let error = folder.load(&[("location", "link")]).err().expect("a link leads out");
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
        assert!(error.to_string().contains("'link' leads outside"), "{error}");
    }
}

#[test]
fn external_data_that_is_not_there() {
    let folder = Folder::new("external_data_is_not_there");
    std::fs::write(folder.0.join("model/weights"), [0; 24]).unwrap();
    let fails = |entries: &[(&str, &str)], kind, says: &str| {
        let error = folder.load(entries).err().expect("it is refused");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says) && error.to_string().contains("'w'"), "{error}");
    };
    fails(&[], ErrorKind::InvalidModel, "no location");
    fails(&[("location", "nowhere")], ErrorKind::NotFound, "'nowhere'");
    fails(&[("location", "weights"), ("offset", "8")], ErrorKind::InvalidModel, "outside the 24 bytes");
    fails(&[("location", "weights"), ("offset", "-8")], ErrorKind::InvalidModel, "offset must be a number");
    let huge = u64::MAX.to_string();
    fails(&[("location", "weights"), ("offset", &huge)], ErrorKind::InvalidModel, "outside");
    fails(&[("location", "weights"), ("length", "20")], ErrorKind::InvalidModel, "24 bytes");
}
