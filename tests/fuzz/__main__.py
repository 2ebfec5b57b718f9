"""Run many cases and print a table: `python -m fuzz --seed 1 --cases 10000 --jobs 2`, one: `--case 37`."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .cases import ACCEPTED, FAILED, REFUSED, Ending, run
from .inputs import KINDS

MOST_MEMORY = 6 * 2**30


def main() -> int:
    """Run what is asked for; 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--cases", type=int, default=10_000, help="how many cases, over all kinds in turn [10000]"
    )
    parser.add_argument("--kind", default="", choices=["", *KINDS], help="cases of one kind only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--case", type=int, help="run this case alone and say how it ended")
    parser.add_argument("--keep", type=Path, help="with --case: write its files to this folder")
    options = parser.parse_args()
    if options.case is not None:
        ending = run(options.seed, options.case, options.kind, options.keep)
        print(
            f"case {ending.case} of seed {options.seed}, {ending.kind}: {ending.state} {ending.where}\n{ending.message}"
        )
        return int(ending.state == FAILED)
    began = time.monotonic()
    blocks = [range(start, min(start + 50, options.cases)) for start in range(0, options.cases, 50)]
    with ProcessPoolExecutor(options.jobs, initializer=bounded) as pool:
        jobs = [pool.submit(several, options.seed, block, options.kind) for block in blocks]
        endings = []
        for job in jobs:
            endings += job.result()
            told = [ending for ending in endings[-50:] if ending.state == FAILED]
            for ending in told:
                print(
                    f"case {ending.case}, {ending.kind}, {ending.where}: {ending.message}",
                    file=sys.stderr,
                    flush=True,
                )
    print(table(endings))
    print(f"{len(endings):,} cases of seed {options.seed} in {time.monotonic() - began:.0f} seconds")
    failed = [ending for ending in endings if ending.state == FAILED]
    for (kind, where), count in Counter((one.kind, one.where) for one in failed).most_common():
        first = next(one for one in failed if (one.kind, one.where) == (kind, where))
        print(f"{count:5d} × {kind}, {where}: first case {first.case}: {first.message}")
    return int(bool(failed))


def several(seed: int, cases: range, only: str) -> list[Ending]:
    """Run a block of cases."""
    return [run(seed, case, only) for case in cases]


def bounded() -> None:
    """A case that asks for more memory than this fails instead of stopping the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def table(endings: list[Ending]) -> str:
    """Return cases per kind of input and how they ended."""
    lines = [f"{'input':<18}{'cases':>8}{'accepted':>10}{'refused':>10}{'failed':>8}"]
    for kind in [*KINDS, "all"]:
        states = Counter(one.state for one in endings if kind in (one.kind, "all"))
        if total := states.total():
            lines.append(
                f"{kind:<18}{total:>8,}{states[ACCEPTED]:>10,}{states[REFUSED]:>10,}{states[FAILED]:>8,}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
