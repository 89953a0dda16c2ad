"""A decoder in the shape of SmolLM2-135M: 4-bit weights in blocks of 32, grouped attention with rotation."""

import numpy
from graph import F32, Graph, value
from onnx import TensorProto

CONTRIB = "com.microsoft"
BLOCK = 32


class Decoder:
    def __init__(self, layers, vocabulary, accuracy_level, seed=7):
        self.g = Graph(seed)
        self.layers, self.vocabulary, self.accuracy_level = layers, vocabulary, accuracy_level
        self.width, self.heads, self.kv_heads, self.head, self.hidden = 576, 9, 3, 64, 1536

    def packed(self, terms, outputs, gain=1.0):
        """4-bit weights and their scales, such that outputs have about the size of inputs."""
        random = self.g.random
        weights = random.integers(0, 256, (outputs, terms // BLOCK, BLOCK // 2), dtype=numpy.uint8)
        scales = gain / (4.61 * numpy.sqrt(terms)) * (0.8 + 0.4 * random.random(weights.size * 2 // BLOCK))
        return weights, scales.astype(F32).reshape(weights.shape[:2])

    def product(self, x, terms, outputs, name, gain=1.0, out=None):
        weights, scales = self.packed(terms, outputs, gain)
        attributes = dict(K=terms, N=outputs, bits=4, block_size=BLOCK)
        if self.accuracy_level:
            attributes["accuracy_level"] = self.accuracy_level
        inputs = [x, self.g.weight(weights, "qw"), self.g.weight(scales.reshape(-1), "sc")]
        return self.g.op("MatMulNBits", inputs, [out] if out else 1, name=name, domain=CONTRIB, **attributes)

    def norm(self):
        return self.g.weight(1 + self.g.normal(self.width, scale=0.1), "norm")

    def embed(self):
        weights, scales = self.packed(self.width, self.vocabulary, numpy.sqrt(self.width) * 0.7)
        weights = weights.reshape(self.vocabulary, self.width // 2)
        inputs = [self.g.weight(weights, "embq"), "input_ids", self.g.weight(scales, "embs")]
        attributes = dict(bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1)
        return self.g.op("GatherBlockQuantized", inputs, domain=CONTRIB, **attributes)

    def attend(self, layer, x, lengths, rotation):
        at = f"/model/layers.{layer}/attn"
        own, shared = self.heads * self.head, self.kv_heads * self.head
        q = self.product(x, self.width, own, at + "/q_proj")
        k = self.product(x, self.width, shared, at + "/k_proj")
        v = self.product(x, self.width, shared, at + "/v_proj")
        past = [f"past_key_values.{layer}.{part}" for part in ("key", "value")]
        present = [f"present.{layer}.{part}" for part in ("key", "value")]
        y, *_ = self.g.op(
            "GroupQueryAttention", [q, k, v, *past, *lengths, *rotation], [f"gqa_{layer}", *present],
            name=at, domain=CONTRIB, num_heads=self.heads, kv_num_heads=self.kv_heads,
            scale=float(1 / numpy.sqrt(self.head)), do_rotary=1, rotary_interleaved=0,
            local_window_size=-1, softcap=0.0,
        )  # fmt: skip
        return self.product(y, own, self.width, at + "/o_proj", 0.3)

    def feed_forward(self, layer, x):
        at = f"/model/layers.{layer}/mlp"
        gate = self.product(x, self.width, self.hidden, at + "/gate_proj")
        up = self.product(x, self.width, self.hidden, at + "/up_proj")
        gate = self.g.op("Mul", [gate, self.g.op("Sigmoid", [gate])])
        return self.product(self.g.op("Mul", [gate, up]), self.hidden, self.width, at + "/down_proj", 0.3)

    def rotation(self, places=2048):
        frequencies = 1 / 100000 ** (numpy.arange(0, self.head, 2) / self.head)
        angles = numpy.outer(numpy.arange(places), frequencies)
        return [self.g.weight(f(angles).astype(F32), n) for f, n in ((numpy.cos, "cos"), (numpy.sin, "sin"))]

    def lengths(self):
        g = self.g
        last = g.op("Sub", [g.op("ReduceSum", ["attention_mask", g.ints(1)], keepdims=0), g.ints(1)])
        one = g.weight(numpy.array(1, numpy.int64))
        total = g.op("Gather", [g.op("Shape", ["attention_mask"]), one], axis=0)
        return [g.op("Cast", [x], to=TensorProto.INT32) for x in (last, total)]

    def save(self, path):
        g = self.g
        residual = self.embed()
        rotation, lengths = self.rotation(), self.lengths()
        attributes = dict(axis=-1, epsilon=1e-5, stash_type=1)
        x = g.op("SimplifiedLayerNormalization", [residual, self.norm()], **attributes)
        for layer in range(self.layers):
            y = self.attend(layer, x, lengths, rotation)
            x, residual = self.add_and_norm(residual, y, f"1_{layer}")
            y = self.feed_forward(layer, x)
            x, residual = self.add_and_norm(residual, y, f"2_{layer}", layer == self.layers - 1)
        self.product(x, self.width, self.vocabulary, "/lm_head", 2.0, "logits")
        inputs = [value("input_ids", 7, ["batch", "seq"]), value("attention_mask", 7, ["batch", "total"])]
        outputs = [value("logits", 1, ["batch", "seq", self.vocabulary])]
        for layer in range(self.layers):
            for part in ("key", "value"):
                past = ["batch", self.kv_heads, "past", self.head]
                present = ["batch", self.kv_heads, "total", self.head]
                inputs.append(value(f"past_key_values.{layer}.{part}", 1, past))
                outputs.append(value(f"present.{layer}.{part}", 1, present))
        g.save(path, inputs, outputs, 21, contrib=True)

    def add_and_norm(self, residual, y, name, last=False):
        inputs = [residual, y, self.norm()]
        outputs = [f"ln{name}"] if last else [f"ln{name}", "", "", f"res{name}"]
        self.g.op("SkipSimplifiedLayerNormalization", inputs, outputs, domain=CONTRIB, epsilon=1e-5)
        return f"ln{name}", f"res{name}"
