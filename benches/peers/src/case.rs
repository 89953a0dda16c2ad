//! What is measured: a model, its inputs, and what the figures should be.

use crate::random::Random;
use anyhow::{Context, Result};
use edgewise_bench_runner::Tensor;
use serde::Serialize;
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

/// Where engines run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In processes, on the processor.
    Native,
    /// In Chromium, on the processor.
    Web,
    /// In Chromium, on its GPU.
    Gpu,
}

/// One case.
pub struct Case {
    /// How it is named on the command line and in tables.
    pub name: &'static str,
    /// The model's file.
    pub model: &'static str,
    pub kind: Kind,
    /// The ratios of our time to onnxruntime's that are wanted, in the places where it is measured.
    goals: &'static [(Place, f64)],
    inputs: Inputs,
}

#[derive(Clone, Copy)]
enum Inputs {
    /// A picture, normal numbers.
    Image(&'static str),
    /// Ids, a mask, types, as BERT takes them: so many.
    Tokens(usize),
    /// A decoder: its layers, new tokens, tokens in the past.
    Decoder { layers: usize, new: usize, past: usize },
}

/// A text as MiniLM's ids, which the script that makes its models leaves beside them.
const TEXT: &str = "minilm_tokens.json";
/// How many inputs are cut from it.
const CUTS: usize = 16;
/// Its marks for begin and end.
const BEGIN_END: (i64, i64) = (101, 102);
/// The decoders: key-value heads, head size, vocabulary.
const DECODER: (usize, usize, u64) = (3, 64, 49152);

/// The decoders' models: as deep as the real one, and one that a GPU in software can run.
const DEEP: &str = "llm_q4_l30.onnx";
const SMALL: &str = "llm_q4_l4.onnx";

/// What the quantized MiniLMs were made of.
const MINILM: &str = "minilm_fp32.onnx";

/// Cold start: our time over the peer's.
pub const fn cold_goal(place: Place) -> f64 {
    match place {
        Place::Native => 0.7,
        Place::Web => 0.4,
        Place::Gpu => 0.5,
    }
}

/// Dispatches of a run on a GPU: ours over the peer's.
pub const DISPATCHES_GOAL: f64 = 0.5;

/// All cases, in the table's order.
pub fn all() -> Vec<Case> {
    use Inputs::*;
    use Kind::*;
    use Place::*;
    let case = |name, model, kind, goals, inputs| Case { name, model, kind, goals, inputs };
    let (prefill, decode) = ((128, 0), (1, 128));
    let decoder = |layers, (new, past)| Decoder { layers, new, past };
    let (image, pixels, tokens) = (Image("input"), Image("pixel_values"), Tokens(128));
    vec![
        case(
            "mobilenetv2-int8",
            "mobilenetv2_qdq.onnx",
            Integer,
            &[(Native, 1.2), (Web, 0.2), (Gpu, 0.25)],
            image,
        ),
        case(
            "mobilenetv2-fp32",
            "mobilenetv2_fp32.onnx",
            Mixed,
            &[(Native, 1.3), (Web, 0.8), (Gpu, 0.5)],
            image,
        ),
        case("resnet50-int8", "resnet50_qdq.onnx", Integer, &[(Native, 1.2), (Web, 0.5)], image),
        case("resnet50-fp32", "resnet50_fp32.onnx", Mixed, &[(Native, 1.2), (Web, 0.85)], image),
        case(
            "minilm-dynamic",
            "minilm_dynint8.onnx",
            Unstable(MINILM),
            &[(Native, 1.1), (Web, 0.55), (Gpu, 0.5)],
            tokens,
        ),
        case("minilm-qdq", "minilm_qdq.onnx", Unstable(MINILM), &[(Native, 1.1), (Web, 0.5)], tokens),
        case("vit-tiny-qdq", "vit_tiny_qdq.onnx", Mixed, &[(Native, 1.1), (Web, 0.5)], pixels),
        case("decoder-int4-prefill", DEEP, Mixed, &[(Native, 1.1), (Web, 0.25)], decoder(30, prefill)),
        case("decoder-int4-token", DEEP, Mixed, &[(Native, 1.0), (Web, 0.1)], decoder(30, decode)),
        case("small-decoder-int4-prefill", SMALL, Mixed, &[(Gpu, 0.4)], decoder(4, prefill)),
        case("small-decoder-int4-token", SMALL, Mixed, &[(Gpu, 0.4)], decoder(4, decode)),
    ]
}

/// The groups of models that the cases need, as the script that makes them calls them.
pub fn groups(cases: &[Case]) -> Vec<&'static str> {
    let groups = ["mobilenetv2", "resnet50", "minilm", "vit", "decoder", "small-decoder"];
    let needs = |group: &&str| cases.iter().any(|case| case.name.starts_with(*group));
    groups.into_iter().filter(needs).collect()
}

impl Case {
    /// The ratio that is wanted in that place; none where it is not measured.
    pub fn goal(&self, place: Place) -> Option<f64> {
        self.goals.iter().find(|(at, _)| *at == place).map(|(_, goal)| *goal)
    }

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
            Inputs::Decoder { layers, new, past } => {
                let (heads, size, words) = DECODER;
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
