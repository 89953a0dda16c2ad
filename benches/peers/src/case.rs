//! What is measured: a model, its inputs, and what the figures should be.

use crate::random::Random;
use anyhow::{Context, Result};
use edgewise_bench_runner::Tensor;
use std::path::Path;

/// How close two engines must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything between the first and the last quantization is integer: within one step of the output, and
    /// equal nearly everywhere.
    Integer,
    /// Integers and floats: cosine and largest error.
    Mixed,
    /// Integers and floats where one rounding that differs changes the answer: as near to the answers of the
    /// float model in that file as onnxruntime is.
    Unstable(&'static str),
}

/// Ratios of our time to the peer's that are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Goals {
    /// To onnxruntime.
    pub native: f64,
    /// To onnxruntime-web.
    pub web: f64,
}

/// One case.
pub struct Case {
    /// How it is named on the command line and in tables.
    pub name: &'static str,
    /// The model's file.
    pub model: &'static str,
    pub kind: Kind,
    pub goals: Goals,
    inputs: Inputs,
}

#[derive(Clone, Copy)]
enum Inputs {
    /// A picture, normal numbers.
    Image(&'static str),
    /// Ids, a mask, types, as BERT takes them: so many.
    Tokens(usize),
    /// A decoder: new tokens, tokens in the past.
    Decoder { new: usize, past: usize },
}

/// A text as MiniLM's ids, which the script that makes its models leaves beside them.
const TEXT: &str = "minilm_tokens.json";
/// How many inputs are cut from it.
const CUTS: usize = 16;
/// Its marks for begin and end.
const BEGIN_END: (i64, i64) = (101, 102);
/// The decoder: layers, key-value heads, head size, vocabulary.
const DECODER: (usize, usize, usize, u64) = (30, 3, 64, 49152);

/// What the quantized MiniLMs were made of.
const MINILM: &str = "minilm_fp32.onnx";

/// Cold start: our time over the peer's.
pub const COLD_GOALS: Goals = Goals { native: 0.7, web: 0.4 };

/// All cases, in the table's order.
pub fn all() -> Vec<Case> {
    use Inputs::*;
    use Kind::*;
    let case = |name, model, kind, native, web, inputs| Case {
        name,
        model,
        kind,
        goals: Goals { native, web },
        inputs,
    };
    let (prefill, decode) = (Decoder { new: 128, past: 0 }, Decoder { new: 1, past: 128 });
    vec![
        case("mobilenetv2-int8", "mobilenetv2_qdq.onnx", Integer, 1.2, 0.20, Image("input")),
        case("mobilenetv2-fp32", "mobilenetv2_fp32.onnx", Mixed, 1.3, 0.80, Image("input")),
        case("resnet50-int8", "resnet50_qdq.onnx", Integer, 1.2, 0.50, Image("input")),
        case("resnet50-fp32", "resnet50_fp32.onnx", Mixed, 1.2, 0.85, Image("input")),
        case("minilm-dynamic", "minilm_dynint8.onnx", Unstable(MINILM), 1.1, 0.55, Tokens(128)),
        case("minilm-qdq", "minilm_qdq.onnx", Unstable(MINILM), 1.1, 0.50, Tokens(128)),
        case("vit-tiny-qdq", "vit_tiny_qdq.onnx", Mixed, 1.1, 0.50, Image("pixel_values")),
        case("decoder-int4-prefill", "llm_q4_l30.onnx", Mixed, 1.1, 0.25, prefill),
        case("decoder-int4-token", "llm_q4_l30.onnx", Mixed, 1.0, 0.10, decode),
    ]
}

/// The groups of models that the cases need, as the script that makes them calls them.
pub fn groups(cases: &[Case]) -> Vec<&'static str> {
    let groups = ["mobilenetv2", "resnet50", "minilm", "vit", "decoder"];
    let needs = |group: &&str| cases.iter().any(|case| case.name.starts_with(*group));
    groups.into_iter().filter(needs).collect()
}

impl Case {
    /// Its inputs; another seed gives others. Texts lie beside the models.
    pub fn inputs(&self, seed: u64, models: &Path) -> Result<Vec<Tensor>> {
        let mut random = Random(seed.wrapping_mul(0xd134_2543_de82_ef95));
        Ok(match self.inputs {
            Inputs::Image(name) => vec![normal(name, &[1, 3, 224, 224], &mut random)],
            Inputs::Tokens(count) => {
                let mut ids = cut(&models.join(TEXT), count, seed)?;
                (ids[0], ids[count - 1]) = BEGIN_END;
                vec![
                    integers("input_ids", &ids),
                    integers("attention_mask", &vec![1; count]),
                    integers("token_type_ids", &vec![0; count]),
                ]
            }
            Inputs::Decoder { new, past } => {
                let (layers, heads, size, words) = DECODER;
                let ids: Vec<i64> = (0..new).map(|_| random.below(words) as i64).collect();
                let mut inputs =
                    vec![integers("input_ids", &ids), integers("attention_mask", &vec![1; past + new])];
                for layer in 0..layers {
                    for part in ["key", "value"] {
                        let name = format!("past_key_values.{layer}.{part}");
                        inputs.push(normal(&name, &[1, heads, past, size], &mut random));
                    }
                }
                inputs
            }
        })
    }
}

/// So many ids from somewhere in a text.
fn cut(text: &Path, count: usize, seed: u64) -> Result<Vec<i64>> {
    let ids = std::fs::read(text).with_context(|| format!("reading {}", text.display()))?;
    let ids: Vec<i64> = serde_json::from_slice(&ids)?;
    let start = ids.len().saturating_sub(count) / CUTS * (seed as usize % CUTS);
    let part = ids.get(start..start + count).map(<[i64]>::to_vec);
    part.with_context(|| format!("{} has fewer than {count} ids", text.display()))
}

fn normal(name: &str, dims: &[usize], random: &mut Random) -> Tensor {
    let count: usize = dims.iter().product();
    let bytes = (0..count).flat_map(|_| random.normal().to_le_bytes()).collect();
    Tensor { name: name.into(), dtype: "f32".into(), dims: dims.to_vec(), bytes }
}

fn integers(name: &str, elements: &[i64]) -> Tensor {
    let bytes = elements.iter().flat_map(|x| x.to_le_bytes()).collect();
    Tensor { name: name.into(), dtype: "i64".into(), dims: vec![1, elements.len()], bytes }
}
