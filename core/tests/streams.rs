//! Models that come piece by piece, from a source that lets nothing be read twice.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::onnx::{Bytes, Source};
use edgewise_core::{BoxFuture, Error, ErrorKind, Options, Result, Session, Tensor, Value, block_on};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use support::{Message, attribute, graph, model, node, tensor, value};

struct Stream {
    bytes: Vec<u8>,
    come: AtomicUsize,
    read: AtomicUsize,
    /// Whether no more will come.
    ended: bool,
}

impl Source for Stream {
    fn name(&self) -> &str {
        "stream.onnx"
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn streams(&self) -> bool {
        true
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        let (start, end) = (offset as usize, offset as usize + into.len());
        assert!(start >= self.read.swap(end, Relaxed), "byte {offset} is read a second time");
        Box::pin(std::future::poll_fn(move |_| {
            if self.come.load(Relaxed) >= end {
                into.copy_from_slice(&self.bytes[start..end]);
                return Poll::Ready(Ok(()));
            }
            let error = || Error::new(ErrorKind::Io, format!("{end} bytes have not come"));
            if self.ended { Poll::Ready(Err(error())) } else { Poll::Pending }
        }))
    }
}

/// Loads what comes by so many bytes at a time.
fn stream(bytes: &[u8], step: usize) -> Result<Session> {
    let zero = || AtomicUsize::new(0);
    let source = Arc::new(Stream { bytes: bytes.to_vec(), come: zero(), read: zero(), ended: false });
    let mut ignore = |_| {};
    let mut load = Box::pin(Session::load(source.clone(), Options::default(), &mut ignore));
    loop {
        match load.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(loaded) => return loaded,
            Poll::Pending => {
                assert!(source.come.fetch_add(step, Relaxed) < bytes.len(), "all came, it waits")
            }
        }
    }
}

/// A tensor of a weight's size, its elements as bytes.
fn weight(name: &str, len: i64) -> Message {
    let elements: Vec<u8> = (0..len).flat_map(|i| (i as f32 / 8.0).to_le_bytes()).collect();
    tensor(name, &[len]).bytes(9, &elements)
}

/// y = x + two initializers, a small one + a function's constant, twice.
fn mixed() -> Message {
    let held = attribute("value", 4, |a| a.message(5, &weight("", 700)));
    let function = Message::default()
        .text(1, "Twice")
        .text(4, "x")
        .text(5, "y")
        .message(7, &node("Constant", &[], &["c"]).message(5, &held))
        .message(7, &node("Add", &["x", "c"], &["y"]))
        .message(9, &Message::default().text(1, "").int(2, 18))
        .text(10, "own");
    let nodes = [
        node("Add", &["x", "w"], &["a"]),
        node("Twice", &["a"], &["b"]).text(7, "own"),
        node("Twice", &["b"], &["c"]).text(7, "own"),
        node("Add", &["c", "v"], &["d"]),
        node("Add", &["d", "small"], &["y"]),
    ];
    let weights = [weight("w", 700), weight("small", 1), weight("v", 700)];
    let graph = graph(&nodes, &[value("x", &[700])], &[value("y", &[700])]).messages(5, &weights);
    model(&graph).message(8, &Message::default().text(1, "own").int(2, 1)).message(25, &function)
}

#[test]
fn pieces_of_any_size_make_the_same_model() {
    let bytes = mixed().0;
    let x = || [("x", Value::from(Tensor::new(&[700], &[0.5f32; 700]).unwrap()))];
    let whole = block_on(Session::load(
        Arc::new(Bytes::new("whole.onnx", &bytes[..])),
        Options::default(),
        &mut |_| {},
    ));
    let expected = whole.unwrap().run(&x()).unwrap();
    // Twice the function's, and each of the others.
    let sums: Vec<f32> = (0..700).map(|i| 0.5 + 4.0 * (i as f32 / 8.0)).collect();
    assert_eq!(expected[0].tensor().unwrap().slice::<f32>().unwrap(), sums);
    for step in [1, 7, 1000, 4096, bytes.len()] {
        let came = stream(&bytes, step).unwrap().run(&x()).unwrap();
        assert_eq!(came[0].tensor().unwrap().view().bytes(), expected[0].tensor().unwrap().view().bytes());
    }
}

#[test]
fn a_stream_that_ends_too_early_says_so() {
    let bytes = mixed().0;
    for come in [0, 1, 100, 3000, bytes.len() - 1] {
        let (come, read) = (AtomicUsize::new(come), AtomicUsize::new(0));
        let source = Arc::new(Stream { bytes: bytes.clone(), come, read, ended: true });
        let error = block_on(Session::load(source, Options::default(), &mut |_| {})).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("have not come"), "{error}");
    }
}

#[test]
fn what_a_stream_holds_is_checked_as_ever() {
    let weights = [tensor("w", &[9]).bytes(9, &[0; 4096])];
    let graph = graph(&[node("Add", &["x", "w"], &["y"])], &[value("x", &[9])], &[value("y", &[9])]);
    let error = stream(&model(&graph.messages(5, &weights)).0, 100).err().unwrap();
    assert!(error.to_string().contains("takes 36 bytes, its data has 4096"), "{error}");
}
