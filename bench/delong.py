"""DeLong variance of the AUC: one sort per score against midranks by three rankings and against the definition.

python bench/delong.py [customers]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from record import record
from scipy.stats import rankdata

from research.compare.discrimination import delong


def by_ranks(y: np.ndarray, score: np.ndarray) -> float:
    """Return the variance from midranks of all, of the bad and of the good customers (Sun and Xu 2014)."""
    bad, good = score[y == 1], score[y == 0]
    everyone = rankdata(np.concatenate([bad, good]))
    of_bad = (everyone[: len(bad)] - rankdata(bad)) / len(good)
    of_good = 1 - (everyone[len(bad) :] - rankdata(good)) / len(bad)
    return float(of_bad.var(ddof=1) / len(bad) + of_good.var(ddof=1) / len(good))


def by_definition(y: np.ndarray, score: np.ndarray) -> float:
    """Return the variance from the comparison of every bad with every good customer (DeLong et al. 1988)."""
    bad, good = score[y == 1][:, None], score[y == 0]
    wins = (bad > good) + 0.5 * (bad == good)
    return float(wins.mean(axis=1).var(ddof=1) / len(bad) + wins.mean(axis=0).var(ddof=1) / len(good))


def seconds(functions: Sequence[Callable[[], object]], times: int) -> list[float]:
    """Return the least processor seconds of several calls of each, which take turns: a busy machine slows all alike."""
    found = np.empty((times, len(functions)))
    for turn in range(times):
        for place, function in enumerate(functions):
            start = time.process_time()
            function()
            found[turn, place] = time.process_time() - start
    return found.min(axis=0).tolist()


def main(n: int) -> None:
    """Print times and check that all three agree."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.22).astype(float)
    score = rng.normal(size=n) + y
    ours = delong(y, score)[1][0, 0]
    assert np.isclose(ours, by_ranks(y, score), rtol=1e-9)
    assert np.isclose(ours, by_definition(y, score), rtol=1e-9)
    measured = []
    for name, function, times in (("three rankings", by_ranks, 100), ("definition", by_definition, 2)):
        turns = (lambda: delong(y, score), lambda function=function: function(y, score))
        base, other = seconds(turns, times)
        print(f"{name:15s} {other * 1e3:9.1f} ms, {other / base:6.1f} x ours")
        measured.append(
            {
                "claim": "DeLong variance of one AUC",
                "ours": "one sort",
                "ours_seconds": base,
                "alternative": name,
                "alternative_seconds": other,
                "ratio": other / base,
                "n": f"{n:,}",
            }
        )
    record("delong", measured)
    print(f"{'one sort (ours)':15s} {base * 1e3:9.1f} ms at {n:,} customers")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
