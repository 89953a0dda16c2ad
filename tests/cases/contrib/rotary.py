"""RotaryEmbedding: both pairings, both input ranks, partial rotation."""

import ml_dtypes
import numpy as np

from .group_query import rotary_tables
from .suite import AS_FLOAT32, rng

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
OP = "RotaryEmbedding"


def cases(add):
    def case(
        name,
        positions,
        batch=2,
        seq=4,
        heads=3,
        size=16,
        dtype=F32,
        by_head=False,
        rotated=None,
        longest=32,
        constant=(2, 3),
        spread=1.0,
        **more,
    ):
        r = rng(OP, name)
        shape = (batch, heads, seq, size) if by_head else (batch, seq, heads * size)
        x = (r.standard_normal(shape) * spread).astype(dtype)
        cos, sin = (t.astype(dtype) for t in rotary_tables(longest, (rotated or size) // 2))
        if rotated:
            more |= {"rotary_embedding_dim": rotated, "num_heads": heads}
        add(
            OP,
            name,
            [x, np.array(positions, np.int64), cos, sin],
            constant=constant,
            oracle=AS_FLOAT32 if dtype is BF16 else None,
            **more,
        )

    each = [[0, 1, 2, 3], [9, 4, 31, 0]]
    for interleaved in (0, 1):
        label = "interleaved" if interleaved else "halves"
        more = {"interleaved": interleaved}
        # With the width alone the tables say how wide a head is.
        case(f"{label}_offset", [5], **more)
        case(f"{label}_positions", each, **more)
        case(f"{label}_by_head", each, by_head=True, **more)
        case(f"{label}_by_head_offset", [7], by_head=True, **more)
        case(f"{label}_partial", each, rotated=8, **more)
        case(f"{label}_partial_by_head", each, rotated=8, by_head=True, **more)
        case(f"{label}_token", [[30], [2]], seq=1, **more)
        case(f"{label}_half", each, dtype=F16, **more)
        case(f"{label}_bfloat16", each, dtype=BF16, **more)
    case("defaults", [0])
    case("last_position", [31], seq=1)
    case("one_head", each, heads=1)
    case("num_heads", each, num_heads=3, rotary_embedding_dim=16)
    case("one_pair", each, size=2, heads=2)
    case("size_64", each, size=64, heads=9)
    case("large_values", each, spread=1e5)
    case("tables_fed", each, constant=())
    case("scale", each, scale=1.0)
    case("packed_batching", each, is_packed_batching=1)
    case("packed_batching_off", each, is_packed_batching=0)
