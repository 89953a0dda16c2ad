// A model of language for tests: every word is a point, and words of the same topic are the same point.
//
// What a reader would get wrong: this is an ONNX file written by hand, field by field, since nothing else here can.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TOPICS = [
    ["dentist", "doctor", "physiotherapy", "knee", "insurance"],
    ["car", "tires", "winter", "garage"],
    ["soup", "leek", "potatoes", "cream", "nutmeg", "recipe"],
    ["train", "coast", "platform", "travel"],
    ["water", "tomatoes", "garden"],
    ["wifi", "password", "router", "internet"],
    ["cabin", "mountains", "weekend", "holiday"],
];
const SPECIAL = ["[PAD]", "[UNK]"];
const WIDTH = TOPICS.length + 1;
const WORDS = [...SPECIAL, ...TOPICS.flat()];

/** One row for each word: a 1 at its topic. What is in no topic lies far from all of them. */
const rows = () =>
    WORDS.flatMap((word) => {
        const topic = TOPICS.findIndex((words) => words.includes(word));
        return Array.from({ length: WIDTH }, (_, i) =>
            topic < 0 ? (i === WIDTH - 1 ? 0.05 : 0) : Number(i === topic),
        );
    });

// The wire format of Protocol Buffers.
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const number = (field, n) => [...varint(field << 3), ...varint(n)];
const nested = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field, string) => nested(field, [...new TextEncoder().encode(string)]);

const [FLOAT, INT64] = [1, 7];
const size = (dim) => nested(1, typeof dim === "number" ? number(1, dim) : text(2, dim));
const port = (name, type, dims) => {
    const tensor = [...number(1, type), ...nested(2, dims.flatMap(size))];
    return [...text(1, name), ...nested(2, nested(1, tensor))];
};

const model = () => {
    const bytes = new Uint8Array(Float32Array.from(rows()).buffer);
    const dims = [...number(1, WORDS.length), ...number(1, WIDTH)];
    const words = [...dims, ...number(2, FLOAT), ...text(8, "words"), ...nested(9, bytes)];
    const node = ["words", "input_ids"].flatMap((name) => text(1, name));
    const graph = [
        ...nested(1, [...node, ...text(2, "last_hidden_state"), ...text(4, "Gather")]),
        ...text(2, "embedding"),
        ...nested(5, words),
        ...nested(11, port("input_ids", INT64, ["batch", "length"])),
        ...nested(11, port("attention_mask", INT64, ["batch", "length"])),
        ...nested(12, port("last_hidden_state", FLOAT, ["batch", "length", WIDTH])),
    ];
    return Uint8Array.from([
        ...number(1, 8),
        ...nested(7, graph),
        ...nested(8, [...text(1, ""), ...number(2, 13)]),
    ]);
};

const TOKENIZER = {
    version: "1.0",
    added_tokens: SPECIAL.map((content, id) => ({
        id,
        content,
        special: true,
        normalized: false,
        lstrip: false,
        rstrip: false,
        single_word: false,
    })),
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: {
        type: "WordLevel",
        vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
        unk_token: "[UNK]",
    },
};

/** Writes the model's folder, as one finds it on the hub. */
export const writeEmbedding = (folder) => {
    mkdirSync(join(folder, "onnx"), { recursive: true });
    const json = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value));
    json("config.json", { model_type: "bert", hidden_size: WIDTH });
    json("tokenizer.json", TOKENIZER);
    json("tokenizer_config.json", {
        tokenizer_class: "PreTrainedTokenizer",
        pad_token: "[PAD]",
        unk_token: "[UNK]",
        model_max_length: 64,
    });
    writeFileSync(join(folder, "onnx/model_quantized.onnx"), model());
};
