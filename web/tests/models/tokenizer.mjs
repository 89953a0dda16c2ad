// A tokenizer of a few words and all letters, in the form of the tokenizers library, and what libraries read beside it.

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"];
const WORDS = [
  "the",
  "of",
  "and",
  "is",
  "a",
  "this",
  "in",
  "to",
  "example",
  "about",
  "good",
  "bad",
  "paris",
  "london",
];
const PARTS = ["ing", "ed", "ly", "er", "est", "un"].map((part) => `##${part}`);

/** All tokens; the place of each is its number. */
export const TOKENS = [...SPECIAL, ...LETTERS, ...LETTERS.map((letter) => `##${letter}`), ...WORDS, ...PARTS];

const id = (token) => TOKENS.indexOf(token);
const special = (token) => ({ SpecialToken: { id: token, type_id: 0 } });
const sequence = (name, type_id) => ({ Sequence: { id: name, type_id } });

export const tokenizer = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: SPECIAL.map((content, i) => ({
    id: i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [special("[CLS]"), sequence("A", 0), special("[SEP]")],
    pair: [
      special("[CLS]"),
      sequence("A", 0),
      special("[SEP]"),
      sequence("B", 1),
      { SpecialToken: { id: "[SEP]", type_id: 1 } },
    ],
    special_tokens: Object.fromEntries(
      ["[CLS]", "[SEP]"].map((token) => [token, { id: token, ids: [id(token)], tokens: [token] }]),
    ),
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(TOKENS.map((token, i) => [token, i])),
  },
};

export const tokenizerConfig = {
  tokenizer_class: "BertTokenizer",
  model_max_length: 64,
  do_lower_case: true,
  pad_token: "[PAD]",
  unk_token: "[UNK]",
  cls_token: "[CLS]",
  sep_token: "[SEP]",
  mask_token: "[MASK]",
};
