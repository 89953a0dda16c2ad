#!/usr/bin/env python3
"""Write ONNX's own backend tests as conformance cases.

usage: onnx_cases.py OUT_DIR        (pip install -r requirements.txt)

OUT_DIR/node/<case>: the node tests, built by the `onnx` package (1,884 with the pinned version).
OUT_DIR/{simple,pytorch-converted,pytorch-operator}/<case>: the package's stored cases (140).
"""

import shutil
import sys
import warnings
from pathlib import Path

import onnx
from onnx.backend.test.case.node import collect_testcases

from caseio import write_data_set, write_model, write_tolerance

STORED = ("simple", "pytorch-converted", "pytorch-operator")
# The backend-test runner's defaults; stored cases bring no tolerance of their own.
STORED_TOLERANCE = (1e-3, 1e-7)


def write_node_cases(out: Path) -> int:
    cases = collect_testcases(None)
    for case in cases:
        folder = out / case.name
        write_model(folder, case.model)
        for number, (inputs, outputs) in enumerate(case.data_sets):
            write_data_set(folder, number, case.model.graph, inputs, outputs)
        write_tolerance(folder, case.rtol, case.atol)
    return len(cases)


def copy_stored_cases(out: Path, group: str) -> int:
    source = Path(onnx.__file__).parent / "backend/test/data" / group
    folders = sorted(model.parent for model in source.glob("*/model.onnx"))
    for folder in folders:
        target = out / group / folder.name
        shutil.copytree(folder, target, dirs_exist_ok=True)
        write_tolerance(target, *STORED_TOLERANCE)
    return len(folders)


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")  # reference implementations overflow on purpose
    out = Path(sys.argv[1])
    counts = {"node": write_node_cases(out / "node")}
    counts.update({group: copy_stored_cases(out, group) for group in STORED})
    for group, count in counts.items():
        print(f"{count:5} {group}")
    print(f"{sum(counts.values()):5} in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
