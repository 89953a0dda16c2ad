"""EmbedLayerNormalization and its quantized form: the first layer of a BERT."""

import numpy as np

from .suite import AS_FLOAT32, rng

F32, F16, I8, U8, I32 = np.float32, np.float16, np.int8, np.uint8, np.int32


def ids(r, batch, seq, mask):
    words = r.integers(0, 30, (batch, seq)).astype(I32)
    segments = r.integers(0, 2, (batch, seq)).astype(I32)
    lengths = None if mask is None else (np.arange(seq) < np.array(mask)[:, None]).astype(I32)
    return words, segments, lengths


def cases(add):
    plain(add)
    quantized(add)


def plain(add):
    op = "EmbedLayerNormalization"

    def case(
        name,
        batch=2,
        seq=5,
        width=16,
        dtype=F32,
        segments=True,
        mask=None,
        positions=None,
        outputs=2,
        constant=(2, 3, 4, 5, 6),
        spread=1.0,
        **more,
    ):
        r = rng(op, name)
        draw = lambda *s: (r.standard_normal(s) * spread).astype(dtype)
        words, segment_ids, lengths = ids(r, batch, seq, mask)
        add(
            op,
            name,
            [
                words,
                segment_ids if segments else None,
                draw(30, width),
                draw(12, width),
                draw(2, width) if segments else None,
                draw(width),
                draw(width),
                lengths,
                None if positions is None else np.array(positions, I32),
            ],
            outputs=outputs,
            constant=constant,
            oracle=AS_FLOAT32 if dtype is F16 else None,
            **more,
        )

    case("plain")
    case("no_segments", segments=False)
    case("mask", mask=[5, 3])
    case("mask_empty_row", mask=[0, 5])
    case("mask_index_type", mask=[2, 4], mask_index_type=1)
    case("no_mask_index", outputs=1, mask_index_type=0)
    case("sum", outputs=3)
    case("sum_no_segments", segments=False, outputs=3, mask=[4, 1])
    case("sum_alone", outputs=(1, 0, 1), mask_index_type=0)
    case("positions", positions=[[4, 3, 2, 1, 0], [7, 8, 9, 10, 11]])
    case("positions_shared", positions=[[2, 3, 4, 5, 6]], mask=[5, 5])
    case("epsilon", epsilon=1e-2)
    case("one_word", batch=1, seq=1)
    case("width_odd", width=37, mask=[1, 2])
    case("large_values", spread=100.0)
    case("equal_rows", spread=0.0)
    case("tables_fed", constant=())
    case("half", dtype=F16, outputs=3)
    case("half_mask", dtype=F16, mask=[5, 3], segments=False)


def quantized(add):
    op = "QEmbedLayerNormalization"

    def case(
        name,
        batch=2,
        seq=5,
        width=16,
        dtype=U8,
        segments=True,
        mask=None,
        zeros=None,
        constant=tuple(range(2, 7)) + tuple(range(8, 18)),
        **more,
    ):
        r = rng(op, name)
        info = np.iinfo(dtype)
        draw = lambda *s: r.integers(info.min, info.max + 1, s).astype(dtype)
        words, segment_ids, lengths = ids(r, batch, seq, mask)
        tables = [
            draw(30, width),
            draw(12, width),
            draw(2, width) if segments else None,
            draw(width),
            draw(width),
        ]
        scales = [F32(x) for x in (0.02, 0.015, 0.03, 0.01, 0.005)]
        points = [dtype(z) for z in (zeros or r.integers(info.min, info.max + 1, 5))]
        if not segments:
            scales[2] = points[2] = None
        add(
            op,
            name,
            [words, segment_ids if segments else None, *tables, lengths, *scales, *points],
            outputs=2,
            constant=constant,
            **more,
        )

    for label, dtype in (("u8", U8), ("i8", I8)):
        case(label, dtype=dtype)
        case(f"{label}_mask", dtype=dtype, mask=[5, 2])
        case(f"{label}_no_segments", dtype=dtype, segments=False)
        case(f"{label}_no_segments_mask", dtype=dtype, segments=False, mask=[1, 4])
        case(f"{label}_one_word", dtype=dtype, batch=1, seq=1)
        case(f"{label}_width_odd", dtype=dtype, width=33)
        case(f"{label}_epsilon", dtype=dtype, epsilon=1e-2)
    case("i8_zero_points_zero", dtype=I8, zeros=[0] * 5)
    case("u8_zero_points_limits", zeros=[0, 255, 0, 255, 128])
    case("tables_fed", constant=())
