#!/usr/bin/env python3
"""Write cases for the com.microsoft operators, with onnxruntime on the CPU as the oracle.

usage: contrib_cases.py OUT_DIR [--only OP,…]   write the cases, print how many each operator has
       contrib_cases.py --coverage              list what the schemas offer and no case uses

Cases are deterministic. Fails where an operator has fewer than 12 cases or its oracle refuses one.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from caseio import write_data_set, write_model, write_tolerance
from contrib import load_families
from contrib.coverage import report
from contrib.suite import Suite
from contrib.tolerance import tolerance
from oracle import require_exact_products

LEAST = 12


def collect():
    suite = Suite()
    for family in load_families():
        family.cases(suite.add)
    return suite.cases


def write(cases, out: Path) -> int:
    counts, failures = Counter(), 0
    for case in cases:
        try:
            model, inputs, expected = case.build()
            limits = tolerance(case, expected)
        except Exception as error:  # the oracle refuses: say which case, go on to the next
            print(f"FAILED {case.folder}: {str(error)[:300]}", file=sys.stderr)
            failures += 1
            continue
        folder = out / case.folder
        write_model(folder, model)
        write_data_set(folder, 0, model.graph, inputs, expected)
        write_tolerance(folder, *limits)
        counts[case.op] += 1
    for op, count in sorted(counts.items()):
        print(f"{count:5} {op}{'' if count >= LEAST else f'   (fewer than {LEAST})'}")
    print(f"{sum(counts.values()):5} in all, {len(counts)} operators, {failures} failed")
    return int(failures > 0 or min(counts.values(), default=0) < LEAST)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT_DIR")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--only", default="", metavar="OP,…")
    args = parser.parse_args()
    if not args.coverage and args.out is None:
        parser.error("OUT_DIR or --coverage is needed")
    only = set(filter(None, args.only.split(",")))
    cases = [case for case in collect() if not only or case.op in only]
    failed = 0
    if args.out:
        require_exact_products()
        failed = write(cases, args.out)
    return int(report(cases) if args.coverage else 0) | failed


if __name__ == "__main__":
    sys.exit(main())
