"""GroupQueryAttention on float caches: prompts, decode steps, rotary, windows, sinks, masks."""

import ml_dtypes
import numpy as np

from .suite import AS_FLOAT32, evaluate, rng

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
OP = "GroupQueryAttention"


def rotary_tables(length, half):
    angles = np.outer(np.arange(length), 100.0 ** (-np.arange(half) / half))
    return np.cos(angles).astype(F32), np.sin(angles).astype(F32)


def case(
    add,
    name,
    *,
    batch=1,
    seq=1,
    past=0,
    heads=4,
    kv=2,
    size=16,
    dtype=F32,
    totals=None,
    packed=False,
    rotary=None,
    positions=None,
    bias=None,
    sink=False,
    norm=False,
    empty_past=True,
    capacity=None,
    qk=0,
    spread=1.0,
    hide=True,
    **more,
):
    """One case; `totals`: how long each sequence is with its new tokens (default: past + seq)."""
    r = rng(OP, name)
    draw = lambda *shape: (r.standard_normal(shape) * spread).astype(dtype)
    totals = np.full(batch, past + seq) if totals is None else np.asarray(totals)
    longest = int(totals.max())
    rows = past if capacity is None else capacity
    if packed:
        query, key, value = draw(batch, seq, (heads + 2 * kv) * size), None, None
    else:
        query = draw(batch, seq, heads * size)
        key, value = draw(batch, seq, kv * size), draw(batch, seq, kv * size)
    caches = [draw(batch, kv, rows, size) for _ in range(2)] if rows or empty_past else [None] * 2
    cos, sin = (None, None)
    if rotary:
        cos, sin = (t.astype(dtype) for t in rotary_tables(max(64, longest), rotary // 2))
        more["do_rotary"] = 1
    inputs = [
        query,
        key,
        value,
        *caches,
        (totals - 1).astype(np.int32),
        np.int32(longest),
        cos,
        sin,
        positions,
        None if bias is None else draw(*bias),
        draw(heads) if sink else None,
    ]
    if norm:
        inputs += [None, None, draw(size), draw(size)]
    keep = {}
    if hide and len(set(totals)) > 1:
        # Rows of padding, in the output and behind the end of a sequence's cache, hold anything.
        new = totals - past if past == 0 else np.full(batch, seq)
        keep[0] = (np.arange(seq) < new[:, None])[:, :, None]
        present = max(longest, rows)
        keep[1] = keep[2] = (np.arange(present) < totals[:, None])[:, None, :, None]
    elif capacity is not None and capacity > longest:
        keep[1] = keep[2] = (np.arange(capacity) < longest)[None, None, :, None]
    if qk:
        more["qk_output"] = qk
    add(
        OP,
        name,
        inputs,
        num_heads=heads,
        kv_num_heads=kv,
        outputs=4 if qk else 3,
        keep=keep,
        constant=(7, 8, 14, 15),
        oracle=AS_FLOAT32 if dtype is BF16 else normalized if norm else None,
        **more,
    )


def normalized(*inputs, qk_norm_epsilon=1e-6, **attributes):
    """Query and key through an RMS norm for each head, which the CPU provider leaves to others."""
    inputs = list(inputs)
    for k, weight in ((0, inputs[14]), (1, inputs[15])):
        x = inputs[k].reshape(*inputs[k].shape[:2], -1, weight.size).astype(np.float64)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + qk_norm_epsilon) * weight
        inputs[k] = x.reshape(inputs[k].shape).astype(F32)
    return evaluate(OP, inputs[:14], attributes, 3)


def cases(add):
    basics(add)
    rotary(add)
    windows_and_masks(add)
    batches(add)
    types(add)


def basics(add):
    case(add, "prompt", seq=7)
    case(add, "prompt_no_past", seq=7, empty_past=False)
    case(add, "token", past=9)
    case(add, "tokens", past=9, seq=3)
    case(add, "one_position", seq=1, empty_past=False)
    case(add, "packed_prompt", seq=5, packed=True)
    case(add, "packed_token", past=5, packed=True)
    case(add, "one_kv_head", seq=5, kv=1)
    case(add, "as_many_kv_heads", seq=5, kv=4)
    case(add, "one_head", seq=5, heads=1, kv=1)
    case(add, "nine_heads_of_64", seq=3, past=4, heads=9, kv=3, size=64)
    case(add, "head_size_40", seq=6, size=40)
    case(add, "scale", seq=6, scale=0.5)
    case(add, "softcap", seq=6, softcap=3.0)
    case(add, "softcap_token", past=12, softcap=1.0)
    case(add, "large_scores", seq=6, spread=30.0, variant="large")
    case(add, "equal_scores", seq=6, scale=1e-30)
    case(add, "long_token", past=300)
    case(add, "shared_buffer_token", past=9, capacity=16, totals=[10])
    case(add, "shared_buffer_tokens", past=9, seq=3, capacity=16, totals=[12])
    case(add, "not_causal", seq=6, causal=0)
    case(add, "scores_before_softmax", seq=5, qk=1)
    case(add, "scores_after_softmax", seq=5, qk=2)
    case(add, "scores_token", past=6, qk=2, packed=True)


def rotary(add):
    for interleaved in (0, 1):
        label = "interleaved" if interleaved else "halves"
        more = {"rotary": 16, "rotary_interleaved": interleaved}
        case(add, f"rotary_{label}_prompt", seq=6, **more)
        case(add, f"rotary_{label}_token", past=11, **more)
        case(add, f"rotary_{label}_packed", past=3, packed=True, **more)
        case(add, f"rotary_{label}_positions", seq=4, positions=np.array([[3, 4, 5, 6]]), **more)
    case(add, "rotary_partial", seq=5, size=32, rotary=16)
    case(add, "rotary_tokens", past=8, seq=4, rotary=16)
    case(add, "rotary_positions_token", past=8, rotary=16, positions=np.array([[20]]))
    case(add, "rotary_packed_prompt", seq=6, packed=True, rotary=16)


def windows_and_masks(add):
    case(add, "window_prompt", seq=9, local_window_size=4)
    case(add, "window_token", past=9, local_window_size=4)
    case(add, "window_tokens", past=9, seq=3, local_window_size=4)
    case(add, "window_one", seq=5, local_window_size=1)
    case(add, "window_longer", seq=5, local_window_size=50)
    case(add, "window_rotary_packed", past=9, packed=True, rotary=16, local_window_size=3)
    case(add, "sink", seq=6, sink=True)
    case(add, "sink_token", past=9, sink=True, local_window_size=5)
    case(add, "sink_batch", batch=2, past=9, sink=True, softcap=5.0)
    case(add, "smooth_softmax", seq=6, smooth_softmax=1)
    case(add, "smooth_softmax_token", past=9, smooth_softmax=1)
    case(add, "bias", seq=5, bias=(1, 4, 5, 5))
    case(add, "bias_shared_heads", seq=5, batch=2, bias=(2, 1, 5, 5))
    case(add, "bias_shared_batch", batch=2, past=6, bias=(1, 4, 1, 7))
    case(add, "bias_window", past=6, bias=(1, 1, 1, 7), local_window_size=3)
    case(add, "bias_hides_all_but_one", seq=4, bias=(1, 1, 4, 4), spread=1e4, variant="large")
    case(add, "norm", seq=5, norm=True)
    case(add, "norm_rotary_token", past=7, norm=True, rotary=16, qk_norm_epsilon=1e-3)


def batches(add):
    case(add, "batch_prompt", batch=3, seq=5)
    case(add, "batch_token", batch=3, past=6, rotary=16)
    case(add, "batch_ragged_prompt", batch=3, seq=6, totals=[6, 2, 4], empty_past=False)
    case(
        add,
        "batch_ragged_prompt_rotary",
        batch=2,
        seq=6,
        totals=[3, 6],
        rotary=16,
        empty_past=False,
    )
    case(add, "batch_ragged_token", batch=3, past=8, totals=[9, 1, 5])
    case(add, "batch_ragged_token_rotary", batch=3, past=8, totals=[4, 9, 2], rotary=16)
    case(add, "batch_ragged_token_packed", batch=2, past=8, totals=[3, 9], rotary=16, packed=True)
    case(add, "batch_ragged_window", batch=2, past=8, totals=[9, 5], local_window_size=3)
    case(add, "batch_positions", batch=2, seq=1, past=5, rotary=16, positions=np.array([[9], [30]]))


def types(add):
    case(add, "half_prompt", seq=6, dtype=F16, rotary=16)
    case(add, "half_token", past=6, dtype=F16, packed=True)
    case(add, "half_window_sink", seq=6, dtype=F16, sink=True, local_window_size=3)
    case(add, "half_bias", seq=6, dtype=F16, bias=(1, 1, 6, 6), softcap=4.0)
    case(add, "bfloat16_prompt", seq=6, dtype=BF16, rotary=16)
    case(add, "bfloat16_token", past=6, dtype=BF16)
