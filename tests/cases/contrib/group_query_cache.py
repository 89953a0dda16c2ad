"""GroupQueryAttention on other caches: 8- or 4-bit values, or only as long as a window."""

import numpy as np

from .group_query import rotary_tables
from .suite import rng

F32, F16 = np.float32, np.float16
OP = "GroupQueryAttention"


def cases(add):
    quantized(add)
    windowed(add)


def quantized(add):
    def case(
        name,
        bits=8,
        batch=1,
        seq=1,
        past=6,
        heads=4,
        kv=2,
        size=16,
        dtype=F32,
        totals=None,
        channels=False,
        packed=False,
        rotary=False,
        empty=False,
        **more,
    ):
        r = rng(OP, name)
        draw = lambda *shape: r.standard_normal(shape).astype(dtype)
        totals = np.full(batch, past + seq) if totals is None else np.array(totals)
        width = size if bits == 8 else size // 2
        cache_type = np.int8 if bits == 8 else np.uint8
        info = np.iinfo(cache_type)
        cache = lambda: r.integers(info.min, info.max + 1, (batch, kv, past, width)).astype(
            cache_type
        )
        scale_shape = (1, kv, 1, size) if channels else (1,)
        scales = [
            r.uniform(0.5, 1.0, scale_shape).astype(F32) * (0.03 if bits == 8 else 0.5)
            for _ in range(2)
        ]
        new = (
            [draw(batch, seq, (heads + 2 * kv) * size), None, None]
            if packed
            else [
                draw(batch, seq, heads * size),
                draw(batch, seq, kv * size),
                draw(batch, seq, kv * size),
            ]
        )
        tables = [t.astype(dtype) for t in rotary_tables(64, size // 2)] if rotary else [None, None]
        kind = "PER_CHANNEL" if channels else "PER_TENSOR"
        add(
            OP,
            name,
            [
                *new,
                cache(),
                cache(),
                (totals - 1).astype(np.int32),
                np.int32(totals.max()),
                *tables,
                None,
                None,
                None,
                *scales,
            ],
            num_heads=heads,
            kv_num_heads=kv,
            do_rotary=int(rotary),
            kv_cache_bit_width=bits,
            k_quant_type=kind,
            v_quant_type=kind,
            outputs=3,
            constant=(7, 8, 12, 13),
            **more,
        )

    for bits in (8, 4):
        case(f"cache{bits}_token", bits)
        case(f"cache{bits}_prompt", bits, seq=5, past=0)
        case(f"cache{bits}_channels", bits, channels=True)
        case(f"cache{bits}_channels_prompt", bits, seq=5, past=0, channels=True)
        case(f"cache{bits}_rotary", bits, rotary=True)
        case(f"cache{bits}_packed", bits, packed=True, rotary=True)
        case(f"cache{bits}_batch", bits, batch=2, past=9)
        case(f"cache{bits}_tokens", bits, seq=3, past=4, local_window_size=3)
        case(f"cache{bits}_half", bits, dtype=F16)


def windowed(add):
    def case(name, window, capacity, before, seq=1, heads=4, kv=2, size=16, rotary=False, **more):
        """`before` tokens have been seen; the cache holds those that the operator's text says."""
        r = rng(OP, name)
        draw = lambda *shape: r.standard_normal(shape).astype(F32)
        tables = rotary_tables(64, size // 2) if rotary else (None, None)
        total = before + seq
        chunk = capacity - window + 1
        resident = total - chunk * max(0, -(-(total - capacity) // chunk))
        rows = (np.arange(capacity) < resident)[None, None, :, None]
        add(
            OP,
            name,
            [
                draw(1, seq, heads * size),
                draw(1, seq, kv * size),
                draw(1, seq, kv * size),
                draw(1, kv, capacity, size),
                draw(1, kv, capacity, size),
                np.array([total - 1], np.int32),
                np.int32(total),
                *tables,
            ],
            num_heads=heads,
            kv_num_heads=kv,
            do_rotary=int(rotary),
            sliding_window_cache=1,
            local_window_size=window,
            outputs=3,
            constant=(7, 8),
            keep={1: rows, 2: rows},
            **more,
        )

    case("window_cache_prompt", 4, 4, 0, seq=3)
    case("window_cache_long_prompt", 4, 4, 0, seq=11)
    case("window_cache_full", 4, 4, 4)
    case("window_cache_later", 4, 4, 21, rotary=True)
    case("window_cache_slack", 4, 7, 9)
    case("window_cache_slack_tokens", 4, 7, 9, seq=3, rotary=True)
