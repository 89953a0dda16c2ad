//! Models whose weights stay in their source until a device takes them: the same graphs, the same results, and errors
//! that say what could not be read.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::device::Device;
use edgewise_core::onnx::{Bytes, File, Source};
use edgewise_core::{
    BoxFuture, DType, Error, ErrorKind, Options, Progress, Result, Session, Tensor, Value, block_on,
};
use edgewise_fuzz::Pretend;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use support::message::{Message, attribute, graph, model, node, tensor, value, value_of};
use support::{Forgets, products, weight, weight_of_bytes};

const I64: i64 = 7;
const U8: i64 = 2;

/// What rewrites make of large weights: turned, scaled and dequantized ones, ones that several nodes take, one that a
/// graph captures, and one that is an output.
fn mixed() -> Message {
    let ints = |name: &str, ints: &[i64]| attribute(name, 7, |a| ints.iter().fold(a, |a, &i| a.int(8, i)));
    let one = |name: &str, x: f32| tensor(name, &[]).bytes(9, &x.to_le_bytes());
    let row = |name: &str, x: f32| tensor(name, &[64]).bytes(9, &x.to_le_bytes().repeat(64));
    let branch = |name: &str, op: &str| {
        let out = format!("{name}_out");
        let inner = graph(&[node(op, &["r", "captured"], &[&out])], &[], &[value(&out, &[-1, 256])]);
        attribute(name, 5, |a| a.message(6, &inner))
    };
    let nodes = [
        node("Gather", &["table", "ids"], &["a"]),
        node("Transpose", &["table"], &["table_t"]).message(5, &ints("perm", &[1, 0])),
        node("MatMul", &["a", "table_t"], &["b"]),
        node("Transpose", &["turned"], &["turned_t"]).message(5, &ints("perm", &[1, 0])),
        node("MatMul", &["b", "turned_t"], &["c"]),
        node("DequantizeLinear", &["bytes", "scale", "zero"], &["reals"]),
        node("MatMul", &["c", "reals"], &["r"]),
        node("If", &["yes"], &["s"])
            .message(5, &branch("then_branch", "Add"))
            .message(5, &branch("else_branch", "Sub")),
        node("Conv", &["image", "filters"], &["d"]),
        node("BatchNormalization", &["d", "two", "zeros", "zeros", "ones"], &["e"])
            .message(5, &attribute("epsilon", 1, |a| a.float(2, 0.0))),
        node("Identity", &["captured"], &["as_it_is"]),
        node("Add", &["as_it_is", "captured"], &["twice"]),
    ];
    let weights = [
        weight("table", &[512, 256]),
        weight("turned", &[256, 512]),
        weight_of_bytes(U8, "bytes", &[256, 1024]),
        one("scale", 0.5),
        weight_of_bytes(U8, "zero", &[]),
        weight("captured", &[256, 1024]),
        weight("filters", &[64, 16, 8, 8]),
        row("zeros", 0.0),
        row("ones", 1.0),
        row("two", 2.0),
    ];
    let inputs = [value_of(I64, "ids", &[256]), value_of(9, "yes", &[]), value("image", &[1, 16, 9, 9])];
    let outputs = [
        value("s", &[256, 1024]),
        value("e", &[1, 64, 2, 2]),
        value("as_it_is", &[256, 1024]),
        value("twice", &[256, 1024]),
    ];
    model(&graph(&nodes, &inputs, &outputs).messages(5, &weights))
}

fn inputs() -> [(&'static str, Value); 3] {
    let ids: Vec<i64> = (0..256).map(|i| i * 37 % 512).collect();
    let image: Vec<f32> = (0..16 * 81).map(|i| (i % 5) as f32 - 2.0).collect();
    let yes = Tensor::from_bytes(DType::Bool, &[], &[1]).unwrap();
    [
        ("ids", Tensor::new(&[256], &ids).unwrap().into()),
        ("yes", yes.into()),
        ("image", Tensor::new(&[1, 16, 9, 9], &image).unwrap().into()),
    ]
}

fn load(source: Arc<dyn Source>, device: Option<Arc<dyn Device>>) -> Result<Session> {
    block_on(Session::load(source, Options { device, threads: 1, ..Options::default() }, &mut |_| {}))
}

fn operators(session: &Session) -> Vec<String> {
    let program = session.program();
    program.graph().nodes.iter().map(|node| format!("{} {}", node.op_name, node.name)).collect()
}

#[test]
fn unread_weights_make_the_same_graph_and_the_same_results() {
    let bytes = mixed().0;
    let source = || Arc::new(Bytes::new("mixed.onnx", &bytes[..]));
    let host = load(source(), None).unwrap();
    let expected = host.run(&inputs()).unwrap();
    for takes in [0, u64::MAX, 0x5555_5555_5555_5555, 0x9249_2492_4924_9249, 0xF0F0_F0F0_F0F0_F0F0] {
        let session = load(source(), Some(Arc::new(Pretend::new(takes)))).unwrap();
        assert_eq!(operators(&session), operators(&host));
        let got = session.run(&inputs()).unwrap();
        for (expected, got) in expected.iter().zip(&got) {
            let (expected, got) = (expected.tensor().unwrap(), got.tensor().unwrap());
            assert_eq!(expected.shape(), got.shape());
            assert!(expected.view().bytes() == got.view().bytes(), "{takes:x}");
        }
    }
}

/// A source that counts what is read of it, and lets go.
struct Counted {
    bytes: Vec<u8>,
    at_hand: bool,
    read: AtomicU64,
    held: Mutex<i64>,
}

impl Source for Counted {
    fn name(&self) -> &str {
        "counted.onnx"
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(self.at_hand) })
    }

    fn hold(&self, bytes: std::ops::Range<u64>) {
        *self.held.lock().unwrap() += (bytes.end - bytes.start) as i64;
    }

    fn release(&self, bytes: std::ops::Range<u64>) {
        *self.held.lock().unwrap() -= (bytes.end - bytes.start) as i64;
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        self.read.fetch_add(into.len() as u64, Relaxed);
        into.copy_from_slice(&self.bytes[offset as usize..][..into.len()]);
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn reports_count_each_byte_once_and_sources_are_let_go() {
    for (at_hand, device) in [(true, true), (true, false), (false, true)] {
        let bytes = mixed().0;
        let (read, held) = (AtomicU64::new(0), Mutex::new(0));
        let source = Arc::new(Counted { bytes, at_hand, read, held });
        // Weights are read while the device is at work only if they may be, and if there is one.
        let (told, before) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
        let (seen, first) = (told.clone(), before.clone());
        let asked = Forgets(move || {
            let _ = first.compare_exchange(u64::MAX, seen.load(Relaxed), Relaxed, Relaxed);
        });
        let device = device.then(|| Arc::new(asked) as Arc<dyn Device>);
        let beside = device.is_some();
        let options = Options { device, threads: 1, ..Options::default() };
        let mut total = None;
        let mut progress = |progress| match progress {
            Progress::Weights(bytes) => assert_eq!(total.replace(bytes), None),
            Progress::Read(bytes) => {
                assert!(bytes > 0);
                told.fetch_add(bytes, Relaxed);
            }
            Progress::Pipelines { made, of } => assert!(made == 0 || made == of),
            Progress::Ready => assert_eq!(Some(told.load(Relaxed)), total),
        };
        let session = block_on(Session::load(source.clone(), options, &mut progress)).unwrap();
        assert_eq!(session.info().weight_bytes, total.unwrap());
        assert_eq!(*source.held.lock().unwrap(), 0, "tensors are left in the source");
        if beside {
            let read_before = before.load(Relaxed);
            assert_eq!(read_before < 4096, at_hand, "{read_before} bytes were read before");
        }
    }
}

#[test]
fn a_weight_that_cannot_be_read_is_named_wherever_that_turns_out() {
    /// Gives so many bytes of large reads, then nothing more.
    struct Breaks(Vec<u8>, AtomicUsize);
    impl Source for Breaks {
        fn name(&self) -> &str {
            "breaks.onnx"
        }
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
            Box::pin(async { Ok(true) })
        }
        fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
            let large = into.len() >= 256 << 10;
            let left = self.1.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(usize::from(large)));
            into.copy_from_slice(&self.0[offset as usize..][..into.len()]);
            let broken = || Error::new(ErrorKind::Io, "the disk is gone");
            Box::pin(std::future::ready(left.map(|_| ()).map_err(|_| broken())))
        }
    }
    let device = || Some(Arc::new(Forgets(|| {})) as Arc<dyn Device>);
    let bytes = mixed().0;
    let mut failures = 0;
    for reads in 0.. {
        let Err(e) = load(Arc::new(Breaks(bytes.clone(), AtomicUsize::new(reads))), device()) else { break };
        failures += 1;
        assert_eq!((e.kind(), e.what().contains("': the disk is gone")), (ErrorKind::Io, true), "{e}");
        assert!(e.to_string().starts_with("breaks.onnx: ") && e.what().contains("tensor '"), "{e}");
    }
    // Each of the five, and the filters once more: what they become depends on what they are.
    assert!(failures >= 6, "{failures} reads");
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("edgewise-{name}-{}.onnx", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_file_that_is_cut_short_or_written_meanwhile_is_an_error_that_names_it_and_the_weight() {
    let bytes = products(3, 512).0;
    let open = |path: &PathBuf| std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let cut = move |path: &PathBuf| open(path).set_len(100).unwrap();
    let change = move |path: &PathBuf| open(path).set_modified(SystemTime::UNIX_EPOCH).unwrap();
    type Harm = Arc<dyn Fn(&PathBuf) + Send + Sync>;
    let ways: [(&str, Harm, &str); 2] = [
        ("cut", Arc::new(cut), "and has 100"),
        ("written", Arc::new(change), "was written since it was opened"),
    ];
    for (name, harm, what) in ways {
        let path = file(name, &bytes);
        let (source, at) = (Arc::new(File::open(&path).unwrap()), path.clone());
        // The last product is lowered first: its weight is there, the others are not.
        let device = Forgets(move || harm(&at));
        let e = load(source, Some(Arc::new(device))).err().unwrap();
        std::fs::remove_file(&path).unwrap();
        let text = e.to_string();
        assert_eq!(e.kind(), ErrorKind::Io);
        assert!(text.starts_with(&path.display().to_string()), "{text}");
        assert!(text.contains("tensor 'w1'") && text.contains(what), "{text}");
    }
}
