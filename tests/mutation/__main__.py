"""Mutation test of the numeric modules: does the suite notice a small fault?

    python tests/mutation --seed 20 --most 2 --write
    python tests/mutation --only manage.drift

`modules.csv` lists the modules and the tests that cover them; `equivalent.csv` the mutants that change no result, each
with the reason. `docs/mutation.md` is written from what a run found.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"):
    os.environ.setdefault(name, "0" if name == "PYTHONHASHSEED" else "1")

import mutators  # noqa: E402
import pytest  # noqa: E402
import table  # noqa: E402
from session import Session  # noqa: E402

PACKAGE = ROOT / "src" / "research"


def main() -> int:
    """Run the mutants, print those that survive, and end with 1 when one of them has no reason."""
    options = _options()
    modules = table.covering(HERE / "modules.csv", options.only)
    reasons = table.reasons(HERE / "equivalent.csv")
    drawn = [mutant for module in modules for mutant in _sample(module, options.seed, options.most)]
    known = table.found(options.after) if options.after else {}
    results = [table.row(mutant) | known[table.key(mutant)] for mutant in drawn if table.key(mutant) in known]
    waiting = [mutant for mutant in drawn if table.key(mutant) not in known]

    def report(mutant: mutators.Mutant, state: str, by: str, seconds: float) -> None:
        results.append(table.row(mutant) | {"state": state, "by": by, "seconds": round(seconds, 2)})
        table.save(options.out, results)
        if state != "killed":
            print(f"{state}: {table.line(results[-1], reasons)}", file=sys.stderr, flush=True)

    tests = sorted({str(ROOT / "tests" / f"{test}.py") for found in modules.values() for test in found})
    quiet = ["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT)]
    pytest.main([*quiet, *tests], plugins=[Session(PACKAGE, waiting, report)])
    results.sort(key=lambda row: (list(modules).index(row["module"]), row["line"]))
    page = table.page(results, reasons, options.seed, options.most)
    if options.write:
        (ROOT / "docs" / "mutation.md").write_text(page, encoding="utf-8")
    print(page)
    return int(len(results) < len(drawn) or bool(table.unexplained(results, reasons)))


def _sample(module: str, seed: int, most: int) -> list[mutators.Mutant]:
    source = (PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    return [
        mutant for found in mutators.mutants(module, source) for mutant in mutators.sample(found, seed, most)
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20, help="which mutants are drawn")
    parser.add_argument("--most", type=int, default=2, help="mutants of one function at most")
    parser.add_argument("--only", nargs="*", default=[], help="modules, such as manage.drift")
    parser.add_argument(
        "--after", type=Path, help="results of an earlier run: what it found is not run again"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / ".cache" / "mutation.csv", help="results, one row a mutant"
    )
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
