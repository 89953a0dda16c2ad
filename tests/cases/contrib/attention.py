"""Attention and QAttention: projection and multi-head attention in one node."""

import ml_dtypes
import numpy as np

from .multi_head import lengths_mask
from .suite import AS_FLOAT32, evaluate, rng

F32, F16, BF16, I8, U8 = np.float32, np.float16, ml_dtypes.bfloat16, np.int8, np.uint8


def cases(add):
    attention(add)
    q_attention(add)


def with_bias(x, weights, *rest, **attributes):
    """The CPU provider reads a bias whether it is there or not; none is a bias of zero."""
    return evaluate("Attention", [x, weights, np.zeros(weights.shape[1], F32)], attributes)


def square_mask(x, weights, bias, mask, **attributes):
    """A mask for the longest sequence holds the rows and columns in use in its first corner."""
    seq = x.shape[1]
    return evaluate("Attention", [x, weights, bias, mask[:, 0, :seq, :seq].copy()], attributes)


def shared_buffer(
    x, weights, bias, mask, past, extra, length, past_present_share_buffer, **attributes
):
    """A cache of full length, `length` rows of it in use: the CPU provider takes only those."""
    used = np.ascontiguousarray(past[:, :, :, : length[0]])
    output, present = evaluate("Attention", [x, weights, bias, None, used], attributes, 2)
    result = past.copy()
    result[:, :, :, : present.shape[3]] = present
    return output, result


def attention(add):
    def case(
        name,
        batch=2,
        seq=5,
        width=12,
        heads=2,
        size=8,
        v_size=None,
        dtype=F32,
        bias=True,
        mask=None,
        past=None,
        extra=None,
        outputs=1,
        spread=1.0,
        constant=(1, 2),
        buffer=None,
        oracle=None,
        **more,
    ):
        r = rng("Attention", name)
        draw = lambda *shape: (r.standard_normal(shape) * spread).astype(dtype)
        columns = heads * (2 * size + (v_size or size))
        inputs = [
            draw(batch, seq, width),
            draw(width, columns),
            draw(columns) if bias else None,
            mask,
            None if past is None else draw(2, batch, heads, buffer or past, size),
            draw(*extra) if extra else None,
            None if buffer is None else np.array([past], np.int32),
        ]
        if v_size:
            more["qkv_hidden_sizes"] = [heads * size, heads * size, heads * v_size]
        keep = {}
        if buffer is not None:
            keep[1] = (np.arange(buffer) < past + seq)[None, None, None, :, None]
            more["past_present_share_buffer"] = 1
        add(
            "Attention",
            name,
            inputs,
            num_heads=heads,
            outputs=outputs,
            constant=constant,
            oracle=AS_FLOAT32 if dtype in (F16, BF16) else oracle,
            keep=keep,
            **more,
        )

    case("plain")
    case("no_bias", bias=False, oracle=with_bias)
    case("scale", scale=0.9)
    case("unidirectional", unidirectional=1)
    case("value_size", v_size=12)
    case("hidden_sizes", v_size=8)
    case("mask_lengths", mask=np.array([5, 2], np.int32))
    case("mask_left", mask=np.array([5, 5, 0, 3], np.int32))
    case("mask_keys", mask=lengths_mask([5, 3], 5))
    case("mask_queries", mask=np.tril(np.ones((2, 5, 5), np.int32)))
    case("mask_square", mask=np.tril(np.ones((2, 1, 8, 8), np.int32)), oracle=square_mask)
    case("mask_one_key", mask=lengths_mask([1, 1], 5))
    case("mask_filter_value", mask=lengths_mask([5, 3], 5), mask_filter_value=-2.0)
    case("mask_unidirectional", mask=lengths_mask([5, 3], 5), unidirectional=1)
    case("present", outputs=2)
    case("past", past=4, outputs=2)
    case("past_unidirectional", past=4, seq=3, unidirectional=1, outputs=2)
    case("past_token", past=9, seq=1, unidirectional=1, outputs=2)
    case("past_empty", past=0, outputs=2)
    case("past_mask", past=4, seq=2, mask=lengths_mask([6, 5], 6), outputs=2)
    case("extra", extra=(2, 2, 5, 5))
    case("extra_shared", extra=(1, 1, 5, 5))
    case("extra_mask", extra=(1, 2, 5, 5), mask=lengths_mask([4, 5], 5))
    case("one_position", batch=1, seq=1)
    case("one_head", heads=1)
    case("size_17", size=17, seq=9)
    case("large_scores", spread=4.0, variant="large")
    case("equal_scores", scale=1e-30)
    case("weights_fed", constant=())
    case("half", dtype=F16)
    case("bfloat16", dtype=BF16, unidirectional=1)
    case("shared_buffer", past=4, seq=1, buffer=8, outputs=2, oracle=shared_buffer)
    case(
        "shared_buffer_empty",
        past=0,
        seq=3,
        buffer=8,
        unidirectional=1,
        outputs=2,
        oracle=shared_buffer,
    )
    case("rotary_off", do_rotary=0)


def unsigned(x, weight, bias, scale, weight_scale, mask, zero, *rest, **attributes):
    """Signed input moved by 128 together with its zero point, which changes no value."""
    moved = [(v.astype(np.int32) + 128).astype(U8) for v in (x, zero)]
    inputs = [moved[0], weight, bias, scale, weight_scale, mask, moved[1], *rest]
    return evaluate("QAttention", inputs, attributes)


def q_attention(add):
    def case(
        name,
        batch=2,
        seq=5,
        width=12,
        heads=2,
        size=8,
        kind=I8,
        columns=False,
        zeros=(1, 1),
        signed=False,
        mask=None,
        past=None,
        outputs=1,
        constant=(1, 2, 3, 4, 6, 7),
        dtype=F32,
        **more,
    ):
        r = rng("QAttention", name)
        n = 3 * heads * size
        per = (n,) if columns else ()
        info = np.iinfo(kind)
        x = r.integers(0, 256, (batch, seq, width)).astype(U8)
        inputs = [
            x.view(I8) if signed else x,
            r.integers(info.min, info.max + 1, (width, n)).astype(kind),
            r.standard_normal(n).astype(dtype),
            dtype(0.02),
            np.asarray(r.uniform(0.005, 0.02, per)).astype(dtype),
            mask,
            (I8 if signed else U8)(r.integers(100, 120)) if zeros[0] else None,
            np.asarray(r.integers(0, 20, per)).astype(kind) if zeros[1] else None,
            None
            if past is None
            else r.standard_normal((2, batch, heads, past, size)).astype(dtype),
        ]
        add(
            "QAttention",
            name,
            inputs,
            num_heads=heads,
            outputs=outputs,
            constant=constant,
            oracle=unsigned if signed else AS_FLOAT32 if dtype is F16 else None,
            **more,
        )

    case("i8")
    case("u8", kind=U8)
    case("no_zero_points", zeros=(0, 0))
    case("input_zero_only", zeros=(1, 0))
    case("weight_zero_only", zeros=(0, 1))
    case("columns", columns=True)
    case("columns_u8", columns=True, kind=U8, seq=9)
    case("columns_no_zero", columns=True, zeros=(1, 0))
    case("mask_lengths", mask=np.array([5, 2], np.int32))
    case("mask_keys", mask=lengths_mask([5, 3], 5))
    case("mask_one_key", mask=lengths_mask([1, 1], 5))
    case("mask_filter_value", mask=lengths_mask([5, 3], 5), mask_filter_value=-2.0)
    case("unidirectional", unidirectional=1)
    case("scale", scale=0.2)
    case("past", past=4, unidirectional=1, outputs=2)
    case("past_token", past=6, seq=1, outputs=2)
    case("present", outputs=2)
    case("one_position", batch=1, seq=1, heads=1)
    case("size_17", size=17, width=33)
    case("weights_fed", constant=())
    case("options_off", do_rotary=0, past_present_share_buffer=0)
    case("half", dtype=F16)
    case("signed_input", signed=True)
