// Writes small random models in the layout of a model hub, a folder each: `node tests/models/make.mjs FOLDER`.
//
// They are wrong about everything, which no test minds: what is tested is that all who run them say the same.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SIZES, bert } from "./bert.mjs";
import { TYPES, encode } from "./proto.mjs";
import { TOKENS, tokenizer, tokenizerConfig } from "./tokenizer.mjs";

/** Kinds of weights, by the ends of their files' names. */
const KINDS = { fp32: "", fp16: "_fp16", q8: "_quantized", q4: "_q4" };

const MODELS = {
  "feature-extraction": { architecture: "BertModel", head: "features", labels: [] },
  "text-classification": {
    architecture: "BertForSequenceClassification",
    head: "text",
    labels: ["NEGATIVE", "NEUTRAL", "POSITIVE"],
  },
  "token-classification": {
    architecture: "BertForTokenClassification",
    head: "tokens",
    labels: ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
  },
  "fill-mask": { architecture: "BertForMaskedLM", head: "tokens", labels: [] },
  "zero-shot-classification": {
    architecture: "BertForSequenceClassification",
    head: "text",
    labels: ["entailment", "neutral", "contradiction"],
  },
};

const config = ({ architecture, labels }) => ({
  architectures: [architecture],
  model_type: "bert",
  hidden_size: SIZES.hidden,
  num_attention_heads: SIZES.heads,
  num_hidden_layers: SIZES.layers,
  intermediate_size: SIZES.inner,
  max_position_embeddings: SIZES.positions,
  type_vocab_size: 2,
  vocab_size: TOKENS.length,
  pad_token_id: 0,
  id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
  label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
});

/** A model that gives back what it is given, whatever its type. */
const identity = (type) =>
  encode({
    name: "identity",
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
    weights: [],
    inputs: [{ name: "x", type, dims: ["rows", "columns"] }],
    outputs: [{ name: "y", type, dims: ["rows", "columns"] }],
  });

/** A model whose only weights, to be added, lie in a file beside it. */
const external = () =>
  encode({
    name: "external",
    nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
    weights: [{ name: "w", type: "float32", dims: [4], file: "weights.bin" }],
    inputs: [{ name: "x", type: "float32", dims: [4] }],
    outputs: [{ name: "y", type: "float32", dims: [4] }],
  });

/** Writes all models into a folder. */
export const makeModels = (folder) => {
  mkdirSync(join(folder, "identity"), { recursive: true });
  for (const type of Object.keys(TYPES)) writeFileSync(join(folder, `identity/${type}.onnx`), identity(type));
  mkdirSync(join(folder, "external"), { recursive: true });
  writeFileSync(join(folder, "external/model.onnx"), external());
  writeFileSync(join(folder, "external/weights.bin"), Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
  for (const [name, model] of Object.entries(MODELS)) {
    const put = (file, contents) => {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, contents);
    };
    put("config.json", JSON.stringify(config(model)));
    put("tokenizer.json", JSON.stringify(tokenizer));
    put("tokenizer_config.json", JSON.stringify(tokenizerConfig));
    const shape = {
      head: model.head,
      classes: model.labels.length || TOKENS.length,
      vocabulary: TOKENS.length,
    };
    for (const [kind, end] of Object.entries(KINDS)) put(`onnx/model${end}.onnx`, bert(kind, shape));
  }
};

if (process.argv[1]?.endsWith("make.mjs")) makeModels(process.argv[2] ?? "models");
