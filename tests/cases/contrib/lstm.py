"""DynamicQuantizeLSTM: 8-bit weights, activations quantized as they come."""

import numpy as np

from .suite import rng

F32, I8, U8, I32 = np.float32, np.int8, np.uint8, np.int32
OP = "DynamicQuantizeLSTM"


def cases(add):
    def case(
        name,
        seq=4,
        batch=2,
        width=5,
        hidden=6,
        kind=I8,
        columns=False,
        directions=1,
        bias=True,
        lengths=None,
        start=False,
        peephole=False,
        outputs=3,
        zeros=True,
        spread=1.0,
        **more,
    ):
        r = rng(OP, name)
        draw = lambda *s: r.standard_normal(s).astype(F32)
        per = (directions, 4 * hidden) if columns else (directions,)
        info = np.iinfo(kind)
        weights = lambda rows: r.integers(
            info.min, info.max + 1, (directions, rows, 4 * hidden)
        ).astype(kind)
        middle = 128 if kind is U8 else 0
        point = lambda: (np.full(per, middle) + (r.integers(-9, 10, per) if zeros else 0)).astype(
            kind
        )
        scale = lambda: r.uniform(0.002, 0.006, per).astype(F32)
        inputs = [
            draw(seq, batch, width) * F32(spread),
            weights(width),
            weights(hidden),
            draw(directions, 8 * hidden) if bias else None,
            None if lengths is None else np.array(lengths, I32),
            draw(directions, batch, hidden) if start else None,
            draw(directions, batch, hidden) if start else None,
            draw(directions, 3 * hidden) if peephole else None,
            scale(),
            point(),
            scale(),
            point(),
        ]
        add(
            OP,
            name,
            inputs,
            hidden_size=hidden,
            outputs=outputs,
            constant=(1, 2, 3, 7, 8, 9, 10, 11),
            **more,
        )

    both = {"directions": 2, "direction": "bidirectional"}
    case("i8")
    case("u8", kind=U8)
    case("i8_columns", columns=True, zeros=False)  # by column, one zero point for all
    case("u8_columns", kind=U8, columns=True, zeros=False)
    case("no_bias", bias=False)
    case("forward", direction="forward")
    case("reverse", direction="reverse")
    case("bidirectional", **both)
    case("bidirectional_columns", columns=True, zeros=False, start=True, **both)
    case("lengths", lengths=[4, 2])
    case("lengths_reverse", lengths=[1, 3], direction="reverse")
    case("lengths_bidirectional", lengths=[4, 1], **both)
    case("start", start=True)
    case("peephole", peephole=True, start=True)
    case("clip", clip=0.5)
    case("input_forget", input_forget=1)
    case(
        "activations",
        activations=["HardSigmoid", "Relu", "Tanh"],
        activation_alpha=[0.3],
        activation_beta=[0.4],
    )
    case("leaky_relu", activations=["Sigmoid", "LeakyRelu", "Tanh"], activation_alpha=[0.1])
    case("one_output", outputs=(0, 1, 0))
    case("sequence_alone", outputs=1)
    case("cell_alone", outputs=(0, 0, 1))
    case("one_step", seq=1, batch=1)
    case("odd_sizes", seq=7, batch=3, width=17, hidden=11)
    case("no_zero_points", zeros=False)
    case("zero_input", spread=0.0, start=True)
    case("large_input", spread=100.0)
