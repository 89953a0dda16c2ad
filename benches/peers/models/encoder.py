"""Encoders as exporters write them: MiniLM with its own weights, ViT-tiny with seeded ones."""

import numpy
from graph import F32, Graph, value


def gelu(g, x):
    y = g.op("Erf", [g.op("Div", [x, g.scalar(numpy.sqrt(2))])])
    y = g.op("Mul", [x, g.op("Add", [y, g.scalar(1)])])
    return g.op("Mul", [y, g.scalar(0.5)])


def linear(g, x, w, b):
    return g.op("Add", [g.op("MatMul", [x, g.weight(w)]), g.weight(b)])


def attention(g, x, width, heads, get, mask, shape):
    """`get(name)` gives the weight and the bias of q, k, v and o."""

    def head(name, order):
        y = g.op("Reshape", [linear(g, x, *get(name)), shape])
        return g.op("Transpose", [y], perm=order)

    q, k, v = head("q", [0, 2, 1, 3]), head("k", [0, 2, 3, 1]), head("v", [0, 2, 1, 3])
    scores = g.op("Div", [g.op("MatMul", [q, k]), g.scalar(numpy.sqrt(width // heads))])
    if mask:
        scores = g.op("Add", [scores, mask])
    y = g.op("MatMul", [g.op("Softmax", [scores], axis=-1), v])
    y = g.op("Reshape", [g.op("Transpose", [y], perm=[0, 2, 1, 3]), g.ints(0, 0, width)])
    return linear(g, y, *get("o"))


def minilm(path, folder, width=384, heads=12, layers=6):
    from safetensors import safe_open

    tensor = safe_open(f"{folder}/model/model.safetensors", "np").get_tensor
    g = Graph()

    def norm(x, name):
        scale, shift = g.weight(tensor(name + ".weight")), g.weight(tensor(name + ".bias"))
        return g.op("LayerNormalization", [x, scale, shift], axis=-1, epsilon=1e-12)

    def table(name):
        return g.weight(tensor(f"embeddings.{name}_embeddings.weight"))

    words = g.op("Gather", [table("word"), "input_ids"])
    types = g.op("Gather", [table("token_type"), "token_type_ids"])
    length = g.op("Gather", [g.op("Shape", ["input_ids"]), g.ints(1)], axis=0)
    places = g.op("Slice", [table("position"), g.ints(0), length, g.ints(0)])
    x = g.op("Add", [g.op("Add", [words, types]), places])
    x = norm(x, "embeddings.LayerNorm")
    mask = g.op("Cast", [g.op("Unsqueeze", ["attention_mask", g.ints(1, 2)])], to=1)
    mask = g.op("Mul", [g.op("Sub", [g.scalar(1), mask]), g.scalar(-10000)])
    shape = g.ints(0, 0, heads, width // heads)
    parts = {"q": "self.query", "k": "self.key", "v": "self.value", "o": "output.dense"}
    for layer in range(layers):
        at = f"encoder.layer.{layer}."

        def dense(name, at=at):
            return tensor(at + name + ".weight").T, tensor(at + name + ".bias")

        y = attention(g, x, width, heads, lambda n: dense("attention." + parts[n]), mask, shape)
        x = norm(g.op("Add", [y, x]), at + "attention.output.LayerNorm")
        y = linear(g, gelu(g, linear(g, x, *dense("intermediate.dense"))), *dense("output.dense"))
        x = norm(g.op("Add", [y, x]), at + "output.LayerNorm")
    g.nodes[-1].output[0] = "last_hidden_state"
    inputs = [value(n, 7, ["batch", "sequence"]) for n in ("input_ids", "attention_mask", "token_type_ids")]
    g.save(path, inputs, [value("last_hidden_state", 1, ["batch", "sequence", width])], 17)


def vit_tiny(path, width=192, heads=3, layers=12):
    g = Graph(3)

    def matrix(rows, columns):
        return g.normal(rows, columns, scale=1 / numpy.sqrt(rows))

    def bias(count):
        return g.normal(count, scale=0.02)

    def norm(x):
        scale, shift = 1 + g.normal(width, scale=0.1), g.normal(width, scale=0.05)
        return g.op("LayerNormalization", [x, g.weight(scale), g.weight(shift)], axis=-1, epsilon=1e-6)

    w = g.weight(g.normal(width, 3, 16, 16, scale=0.05))
    patches = dict(kernel_shape=[16, 16], strides=[16, 16], pads=[0] * 4)
    x = g.op("Conv", ["pixel_values", w, g.weight(numpy.zeros(width, F32))], **patches)
    x = g.op("Transpose", [g.op("Reshape", [x, g.ints(0, width, 196)])], perm=[0, 2, 1])
    x = g.op("Concat", [g.weight(g.normal(1, 1, width, scale=0.5)), x], axis=1)
    x = g.op("Add", [x, g.weight(g.normal(1, 197, width, scale=0.2))])
    shape = g.ints(0, 0, heads, width // heads)
    for _ in range(layers):
        y = attention(g, norm(x), width, heads, lambda _: (matrix(width, width), bias(width)), None, shape)
        x = g.op("Add", [x, y])
        y = gelu(g, linear(g, norm(x), matrix(width, 4 * width), bias(4 * width)))
        x = g.op("Add", [x, linear(g, y, matrix(4 * width, width), bias(width))])
    x = g.op("Gather", [norm(x), g.weight(numpy.array(0, numpy.int64))], axis=1)
    g.op("Gemm", [x, g.weight(matrix(width, 1000)), g.weight(numpy.zeros(1000, F32))], ["logits"])
    g.save(path, [value("pixel_values", 1, [1, 3, 224, 224])], [value("logits", 1, [1, 1000])], 17)
