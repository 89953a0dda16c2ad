"""MultiHeadAttention: self and cross attention, masks in each layout, past and present."""

import ml_dtypes
import numpy as np
from onnx import TensorProto

from .suite import AS_FLOAT32, evaluate, rng

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
OP = "MultiHeadAttention"


def lengths_mask(lengths, total):
    """1 where a key may be seen, for sequences padded on the right."""
    return (np.arange(total) < np.asarray(lengths)[:, None]).astype(np.int32)


def unpacked(*inputs, **attributes):
    """Packed inputs taken apart, for the layouts that the CPU provider leaves to others."""
    flat = lambda x: np.ascontiguousarray(x).reshape(*x.shape[:2], -1)
    if len(inputs) == 1:
        parts = [flat(inputs[0][:, :, :, k]) for k in range(3)]
    else:
        parts = [inputs[0]] + [flat(inputs[1][:, :, :, k]) for k in range(2)]
    return evaluate(OP, parts, attributes)


def cases(add):
    def case(
        name,
        batch=2,
        seq=5,
        keys=None,
        heads=3,
        size=8,
        v_size=None,
        dtype=F32,
        past=0,
        layout="separate",
        bias=False,
        mask=None,
        extra=None,
        outputs=1,
        spread=1.0,
        **more,
    ):
        r = rng(OP, name)
        draw = lambda *shape: (r.standard_normal(shape) * spread).astype(dtype)
        keys, v_size = keys or seq, v_size or size
        query = draw(batch, seq, heads * size)
        key, value = draw(batch, keys, heads * size), draw(batch, keys, heads * v_size)
        if layout == "packed_qkv":
            query, key, value = draw(batch, seq, heads, 3, size), None, None
        elif layout == "packed_kv":
            key, value = draw(batch, keys, heads, 2, size), None
        elif layout == "by_head":
            key, value = draw(batch, heads, keys, size), draw(batch, heads, keys, v_size)
        inputs = [
            query,
            key,
            value,
            draw(heads * (2 * size + v_size)) if bias else None,
            mask,
            draw(*extra) if extra else None,
        ]
        if past:
            inputs += [draw(batch, heads, past, size), draw(batch, heads, past, v_size)]
        add(
            OP,
            name,
            inputs,
            num_heads=heads,
            outputs=outputs,
            constant=(3,),
            oracle=unpacked if "packed" in layout else AS_FLOAT32 if dtype in (F16, BF16) else None,
            **more,
        )

    case("self")
    case("bias", bias=True)
    case("scale", scale=0.7)
    case("unidirectional", unidirectional=1)
    case("unidirectional_past", unidirectional=1, past=4, seq=3, outputs=3)
    case("cross", seq=3, keys=7)
    case("cross_bias", seq=3, keys=7, bias=True)
    case("value_size", v_size=12)
    case("value_size_bias", v_size=4, bias=True, keys=6)
    case("packed_qkv", layout="packed_qkv")
    case("packed_kv", layout="packed_kv")
    case("keys_by_head", layout="by_head", keys=6)
    case("present", outputs=3)
    case("past", past=4, outputs=3)
    case("past_bias", past=4, bias=True, outputs=3)
    case("past_token", past=9, seq=1, outputs=3)
    case("past_extra", past=4, seq=2, extra=(2, 3, 2, 6), outputs=3)
    case("past_mask", past=4, seq=2, mask=lengths_mask([6, 3], 6), outputs=3)
    case("scores", outputs=(1, 0, 0, 1), types={1: TensorProto.FLOAT})
    case("scores_past", past=3, outputs=4, types={3: TensorProto.FLOAT})
    case(
        "scores_mask",
        mask=lengths_mask([5, 3], 5),
        outputs=(1, 0, 0, 1),
        types={1: TensorProto.FLOAT},
    )
    case("extra", extra=(2, 3, 5, 5))
    case("extra_shared_batch", extra=(1, 3, 5, 5))
    case("extra_shared_heads", extra=(2, 1, 5, 5))
    case("extra_shared", extra=(1, 1, 5, 5))
    case("extra_and_mask", extra=(1, 1, 5, 5), mask=lengths_mask([5, 2], 5))
    case("mask_keys", mask=lengths_mask([5, 3], 5))
    case("mask_lengths", mask=np.array([5, 2], np.int32))
    case("mask_cross", seq=2, keys=6, mask=lengths_mask([1, 4], 6))
    case("mask_queries", mask=np.tril(np.ones((2, 5, 5), np.int32)))
    case("mask_one_key", mask=lengths_mask([1, 1], 5))
    case("mask_filter_value", mask=lengths_mask([5, 3], 5), mask_filter_value=-3.0)
    case("mask_and_unidirectional", mask=lengths_mask([5, 3], 5), unidirectional=1)
    case("one_head", heads=1)
    case("one_position", batch=1, seq=1)
    case("size_20", size=20, seq=17)
    case("size_64", size=64, heads=2, seq=3, batch=1)
    case("long", batch=1, seq=70, heads=2)
    case("large_scores", spread=30.0, variant="large")
    case("equal_scores", scale=1e-30)
    case("half", dtype=F16, bias=True)
    case("half_past", dtype=F16, past=3, outputs=3)
    case("bfloat16", dtype=BF16, mask=lengths_mask([5, 3], 5))
    beams(add)


def beams(add):
    """One step of a beam search: caches of full length, and who each cached position came from."""
    heads, size, past, longest = 2, 8, 4, 8
    for batch, name in ((1, "buffer_token"), (3, "beams")):
        r = rng(OP, name)
        draw = lambda *shape, r=r: r.standard_normal(shape).astype(F32)
        inputs = [
            draw(batch, 1, heads * size),
            draw(batch, 1, heads * size),
            draw(batch, 1, heads * size),
            None,
            None,
            None,
            draw(batch, heads, longest, size),
            draw(batch, heads, longest, size),
            np.array([past], np.int32),
            r.integers(0, batch, (1, batch, longest)).astype(np.int32),
        ]
        rows = (np.arange(longest) <= past)[None, None, :, None]
        add(OP, name, inputs, num_heads=heads, outputs=3, keep={1: rows, 2: rows})
