"""GatherBlockQuantized: rows of a block-quantized table, dequantized."""

import ml_dtypes
import numpy as np

from .nbits import pack_bits
from .suite import AS_FLOAT32, rng

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16
SMALL_FLOATS = {
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2": ml_dtypes.float8_e5m2,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "e2m1": ml_dtypes.float4_e2m1fn,
}
SOME = np.array([[2, 0, 4], [1, 2, 3]], np.int64)


def blocked(shape, axis, block):
    scales = list(shape)
    scales[axis] = -(-shape[axis] // block) if block else 1
    return scales


def cases(add):
    def nibbles(
        name,
        shape,
        dtype,
        scale=F32,
        gather=0,
        quantize=1,
        block=16,
        zeros=True,
        indices=SOME,
        constant=(0, 2, 3),
        **more,
    ):
        r = rng("GatherBlockQuantized", name)
        info = ml_dtypes.iinfo(dtype)
        draw = lambda s: r.integers(info.min, info.max + 1, s).astype(dtype)
        low = blocked(shape, quantize, block)
        add(
            "GatherBlockQuantized",
            name,
            [
                draw(shape),
                indices,
                r.uniform(0.01, 1, low).astype(scale),
                draw(low) if zeros else None,
            ],
            gather_axis=gather,
            quantize_axis=quantize,
            block_size=block,
            bits=4,
            constant=constant,
            **more,
        )

    def bytes_(
        name, shape, bits, scale=F32, block=16, zeros=True, indices=SOME, quantize=1, **more
    ):
        r = rng("GatherBlockQuantized", name)
        low = blocked(shape, quantize, block)
        draw = lambda s: pack_bits(r.integers(0, 2**bits, s), bits)
        add(
            "GatherBlockQuantized",
            name,
            [
                draw(shape),
                indices,
                r.uniform(0.01, 1, low).astype(scale),
                draw(low) if zeros else None,
            ],
            gather_axis=0,
            quantize_axis=quantize,
            block_size=block,
            bits=bits,
            constant=(0, 2, 3),
            **more,
        )

    def small_float(name, kind, shape, scale=F32, block=16, broadcast=False, **more):
        r = rng("GatherBlockQuantized", name)
        low = blocked(shape, 1, block)
        if broadcast:
            low[0] = 1
        data = (r.standard_normal(shape) * 2).astype(SMALL_FLOATS[kind])
        add(
            "GatherBlockQuantized",
            name,
            [data, SOME, r.uniform(0.01, 1, low).astype(scale)],
            gather_axis=0,
            quantize_axis=1,
            block_size=block,
            constant=(0, 2),
            **more,
        )

    for label, dtype in (("int4", ml_dtypes.int4), ("uint4", ml_dtypes.uint4)):
        nibbles(label, (5, 48), dtype)
        nibbles(f"{label}_no_zero_points", (5, 48), dtype, zeros=False)
        nibbles(f"{label}_half", (5, 32), dtype, F16)
        nibbles(f"{label}_int32_indices", (5, 32), dtype, indices=SOME.astype(np.int32))
        nibbles(f"{label}_three_axes", (3, 5, 32), dtype, gather=1, quantize=2)
        nibbles(f"{label}_gather_last", (20, 6), dtype, gather=-1, quantize=0)
        nibbles(f"{label}_same_axis", (40, 6), dtype, gather=0, quantize=0)
        nibbles(f"{label}_negative_axes", (5, 2, 32), dtype, gather=-3, quantize=-1)
        nibbles(f"{label}_ragged_block", (5, 37), dtype, block=32)
    nibbles("bfloat16", (5, 32), ml_dtypes.uint4, BF16, oracle=AS_FLOAT32)
    nibbles("scalar_index", (5, 32), ml_dtypes.uint4, indices=np.int64(3))
    nibbles("negative_index", (5, 32), ml_dtypes.uint4, indices=np.array([-1, -5, 0]))
    nibbles("index_out_of_range", (5, 32), ml_dtypes.uint4, indices=np.array([1, 5, -6, 90]))
    nibbles("one_row", (1, 16), ml_dtypes.int4, indices=np.zeros(4, np.int64))
    nibbles("block128", (5, 256), ml_dtypes.uint4, block=128)
    nibbles("no_indices", (5, 32), ml_dtypes.uint4, indices=np.zeros((0, 2), np.int64))
    nibbles("table_fed", (5, 32), ml_dtypes.uint4, constant=())
    for bits in (2, 4, 8):
        bytes_(f"bytes{bits}", (5, 64), bits)
        bytes_(f"bytes{bits}_no_zero_points", (5, 64), bits, zeros=False)
        bytes_(f"bytes{bits}_half", (5, 64), bits, F16, block=32)
        bytes_(f"bytes{bits}_three_axes", (5, 3, 32), bits, quantize=2)
        bytes_(f"bytes{bits}_odd_blocks", (5, 48), bits, indices=SOME.astype(np.int32))
    for kind in SMALL_FLOATS:
        small_float(kind, kind, (5, 32))
        small_float(f"{kind}_half", kind, (5, 64), F16, block=32)
    small_float("e4m3fn_whole_axis", "e4m3fn", (5, 40), block=0)
    small_float("e2m1_shared_scale", "e2m1", (5, 32), broadcast=True)
