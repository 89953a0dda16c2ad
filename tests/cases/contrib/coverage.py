"""Compares the cases with the operators' schemas: which attribute, input, output or type is unused.

`not_covered.toml` lists what no case can use, with the reason; an entry that excuses nothing is an
error too, so that the list stays true.
"""

import tomllib
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

from onnx import TensorProto
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from .suite import onnx_type

EXCUSES = tomllib.loads((Path(__file__).parent / "not_covered.toml").read_text())


def type_name(array) -> str:
    name = TensorProto.DataType.Name(onnx_type(array)).lower()
    return f"tensor({name})"


def offered(schema) -> set[str]:
    """Everything optional in a schema, as short sentences."""
    items = {f"attribute {name}" for name in schema.attributes}
    for kind, formals in (("input", schema.inputs), ("output", schema.outputs)):
        items |= {f"{kind} {x.name}" for x in formals if str(x.option).endswith("Optional")}
    used = {x.typeStr for x in schema.inputs}  # output types follow from the case
    for constraint in schema.type_constraints:
        if constraint.type_param_str in used:
            items |= {f"type {constraint.type_param_str} {t}" for t in constraint.allowed_type_strs}
    return items


def exercised(schema, cases) -> set[str]:
    items = set()
    for case in cases:
        items |= {f"attribute {name}" for name in case.attributes}
        for k, x in enumerate(case.inputs):
            if x is not None:
                formal = schema.inputs[min(k, len(schema.inputs) - 1)]
                items |= {f"input {formal.name}", f"type {formal.typeStr} {type_name(x)}"}
        items |= {
            f"output {schema.outputs[k].name}" for k, asked in enumerate(case.outputs) if asked
        }
    return items


def report(cases) -> bool:
    """Prints what is not covered; true where something is missing without a reason."""
    by_op = defaultdict(list)
    for case in cases:
        by_op[case.op, case.domain].append(case)
    schemas = {(s.name, s.domain): s for s in get_all_operator_schema()}
    bad = 0
    for key, group in sorted(by_op.items()):
        excuses = EXCUSES.get(key[0], {})
        done = exercised(schemas[key], group)
        idle = set(excuses)
        for item in sorted(offered(schemas[key]) - done):
            pattern = next((p for p in excuses if fnmatchcase(item, p)), None)
            idle.discard(pattern)
            bad += pattern is None
            print(f"{key[0]}: {item}: {excuses.get(pattern, 'NOT COVERED')}")
        for pattern in sorted(idle):
            bad += 1
            print(f"{key[0]}: {pattern}: listed as not covered, which it is not")
    print(f"{bad} without a reason")
    return bad > 0
