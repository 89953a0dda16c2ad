"""Layer and RMS normalization, alone and with the residual sum that transformers put before it."""

import ml_dtypes
import numpy as np

from .suite import rng

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16
BFLOAT16 = 16  # TensorProto.BFLOAT16
SHORT = {F32: "float", F16: "half", BF16: "bfloat16", F64: "double"}


def cases(add):
    for op in ("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"):
        skip(add, op, has_beta=op == "SkipLayerNormalization")
    simplified(add)


def bfloat_outputs(dtype, outputs, floats=()):
    """The types of those outputs that follow a bfloat16 input; `floats` stay float32."""
    count = outputs if isinstance(outputs, int) else sum(outputs)
    return {k: BFLOAT16 for k in range(count) if k not in floats} if dtype is BF16 else None


def skip(add, op, has_beta):
    # Outputs 1 and 2, the saved statistics, belong to training: the CPU provider writes none.
    both = (1, 0, 0, 1)

    def case(
        name,
        shape=(2, 5, 24),
        skip_shape=None,
        dtype=F32,
        beta=True,
        bias=False,
        outputs=1,
        spread=1.0,
        offset=0.0,
        x=None,
        constant=(2, 3, 4),
        **more,
    ):
        r = rng(op, name)
        draw = lambda *s: (r.standard_normal(s) * spread + offset).astype(dtype)
        width = shape[-1]
        x = draw(*shape) if x is None else x
        weights = [(1 + 0.2 * r.standard_normal(width)).astype(dtype)]
        if has_beta:
            weights.append(r.standard_normal(width).astype(dtype) if beta else None)
        weights.append(r.standard_normal(width).astype(dtype) if bias else None)
        add(
            op,
            name,
            [x, draw(*(skip_shape or shape)), *weights],
            outputs=outputs,
            constant=constant,
            types=bfloat_outputs(dtype, outputs),
            **more,
        )

    case("plain")
    case("bias", bias=True)
    case("sum", outputs=both)
    case("sum_bias", bias=True, outputs=both)
    if has_beta:
        case("no_beta", beta=False)
        case("no_beta_bias", beta=False, bias=True)
    case("epsilon", epsilon=1e-2)
    case("epsilon_tiny", epsilon=1e-12)
    case("two_axes", shape=(7, 24), outputs=both)
    case("skip_shared_batch", skip_shape=(1, 5, 24), outputs=both)
    case("skip_two_axes", skip_shape=(5, 24))
    case("width_one", shape=(2, 3, 1), bias=True)
    case("width_odd", shape=(2, 3, 37), bias=True, outputs=both)
    case("one_row", shape=(1, 1, 576))
    case("large_values", spread=1e4)
    case("large_mean", shape=(1, 4, 64), offset=100.0, variant="large_mean" if has_beta else None)
    case("tiny_values", spread=1e-4)
    case("zero_rows", spread=0.0, bias=True)
    case("equal_rows", spread=0.0, offset=3.0)
    case("weights_fed", bias=True, constant=(), outputs=both)
    for dtype in (F16, BF16):
        case(SHORT[dtype], dtype=dtype)
        case(f"{SHORT[dtype]}_sum_bias", dtype=dtype, bias=True, outputs=both)
        case(f"{SHORT[dtype]}_weights_fed", dtype=dtype, bias=True, constant=())


def simplified(add):
    op = "SimplifiedLayerNormalization"

    def case(
        name,
        shape=(2, 5, 24),
        axis=-1,
        dtype=F32,
        outputs=1,
        spread=1.0,
        constant=(1,),
        given=True,
        **more,
    ):
        r = rng(op, name)
        x = (r.standard_normal(shape) * spread).astype(dtype)
        scale = (1 + 0.2 * r.standard_normal(shape[axis:])).astype(dtype)
        if given:
            more["axis"] = axis
        add(
            op,
            name,
            [x, scale],
            outputs=outputs,
            constant=constant,
            domain="",
            types=bfloat_outputs(dtype, outputs, (1,)),
            **more,
        )

    case("plain")
    case("defaults", given=False)
    case("axis1", axis=1)
    case("axis0", shape=(3, 8), axis=-2)
    case("epsilon", epsilon=0.1)
    case("epsilon_tiny", epsilon=1e-12)
    case("stash_type", stash_type=1)
    case("deviation", outputs=2)
    case("deviation_axis1", axis=1, outputs=2, epsilon=1e-6)
    case("two_axes", shape=(7, 33))
    case("four_axes", shape=(2, 3, 4, 16))
    case("width_one", shape=(4, 1))
    case("one_row", shape=(1, 1, 576))
    case("large_values", spread=1e4)
    case("tiny_values", spread=1e-5)
    case("zero_rows", spread=0.0)
    case("weights_fed", constant=())
    for dtype in (F16, BF16, F64):
        case(SHORT[dtype], dtype=dtype)
        case(f"{SHORT[dtype]}_epsilon", dtype=dtype, epsilon=1e-3, shape=(3, 50))
