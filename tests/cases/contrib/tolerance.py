"""How close an answer must be: `tolerances.toml`, applied to one case's expected outputs."""

import tomllib
from pathlib import Path

import numpy as np

from .suite import SIXTEEN_BIT

TABLE = tomllib.loads((Path(__file__).parents[1] / "tolerances.toml").read_text())


def is_float(array) -> bool:
    return array.dtype.kind == "f" or array.dtype in SIXTEEN_BIT


def output_range(arrays) -> float:
    """The largest span of the finite values of any float output."""
    spans = [0.0]
    for array in filter(is_float, arrays):
        finite = array.astype(np.float64)
        finite = finite[np.isfinite(finite)]
        if finite.size:
            spans.append(float(max(finite.max(), 0) - min(finite.min(), 0)))
    return max(spans)


def tolerance(case, expected) -> tuple[float, float]:
    row = TABLE[case.op]
    if case.variant:
        row = row[case.variant]
    rtol, atol = row.get("rtol", 0.0), row.get("atol", 0.0)
    if "steps" in row:
        atol = max(atol, float(row["steps"]))
    if "range" in row:
        atol = max(atol, row["range"] * output_range(expected))
    if any(x.dtype in SIXTEEN_BIT for x in expected):
        kind = "bfloat16" if any(x.dtype == SIXTEEN_BIT[1] for x in expected) else "float16"
        rtol, atol = max(rtol, TABLE[kind]["rtol"]), max(atol, TABLE[kind]["atol"])
    return rtol, atol
