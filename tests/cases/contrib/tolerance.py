"""How close an answer must be: `tolerances.toml`, applied to one case's expected outputs."""

import tomllib
from pathlib import Path

import numpy as np

from .suite import SIXTEEN_BIT

TABLE = tomllib.loads((Path(__file__).parents[1] / "tolerances.toml").read_text())


def is_float(array) -> bool:
    return array.dtype.kind == "f" or array.dtype in SIXTEEN_BIT


def finite_floats(arrays) -> np.ndarray:
    """The finite values of all float outputs, and a zero, so that there always is one."""
    values = [x.astype(np.float64).ravel() for x in arrays if is_float(x)]
    values = np.concatenate([np.zeros(1), *values])
    return values[np.isfinite(values)]


def tolerance(case, expected) -> tuple[float, float]:
    row = TABLE[case.op]
    rows = [row[case.variant] if case.variant else row]
    rows += [
        TABLE[name] for name in ("float16", "bfloat16") if any(x.dtype == name for x in expected)
    ]
    values = finite_floats(expected)
    largest, span = np.abs(values).max(), np.ptp(values)
    rtol = max(row.get("rtol", 0.0) for row in rows)
    atol = max(
        max(
            row.get("atol", 0.0),
            row.get("steps", 0.0),
            row.get("largest", 0.0) * largest,
            row.get("range", 0.0) * span,
        )
        for row in rows
    )
    return float(rtol), float(atol)
