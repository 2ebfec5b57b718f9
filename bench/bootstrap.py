"""Bootstrap of tier statistics: by counting against a loop over resampled rows.

python bench/bootstrap.py [customers] [resamples]
"""

from __future__ import annotations

import sys
import time

import numpy as np
from record import record

from research.compare.counting import draw_counts, weighted_sums


def loop_rates(y: np.ndarray, tiers: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return the default rate of each of four tiers (models, samples, 4), computed from the rows."""
    rng = np.random.default_rng(seed)
    rates = np.empty((len(tiers), resamples, 4))
    for sample in range(resamples):
        rows = rng.integers(0, len(y), len(y), dtype=np.int32)
        for model, tier in enumerate(tiers):
            for code in range(4):
                rates[model, sample, code] = y[rows][tier[rows] == code].mean()
    return rates


def count_rates(y: np.ndarray, tiers: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return the same from one matrix of counts."""
    counts = draw_counts(len(y), resamples, seed)
    member = (tiers[:, :, None] == np.arange(4)).transpose(1, 0, 2)
    columns = np.stack([member, member & (y == 1)[:, None, None]], axis=-1).reshape(len(y), -1)
    sums = weighted_sums(counts, columns).reshape(resamples, len(tiers), 4, 2)
    return (sums[..., 1] / sums[..., 0]).transpose(1, 0, 2)


def main(n: int, resamples: int) -> None:
    """Print times and check that both ways agree on the same samples."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.22).astype(float)
    score = rng.normal(size=n) + y
    tiers = np.stack([np.searchsorted([-1, 0.5, 1.5], score + rng.normal(size=n)) for _ in range(7)])
    few, measured = max(resamples // 20, 1), []
    for name, ours, loop, data in (("rates of 7 × 4 tiers", count_rates, loop_rates, tiers),):
        start = time.perf_counter()
        fast = ours(y, data, resamples, 1)
        took = time.perf_counter() - start
        start = time.perf_counter()
        slow = loop(y, data, few, 1)
        loop_took = (time.perf_counter() - start) * resamples / few
        same = fast[:few] if fast.ndim == 1 else fast[:, :few]
        assert np.allclose(same, slow, rtol=1e-9)
        print(
            f"{name:21s} counting {took:6.2f} s, loop {loop_took:7.1f} s (from {few} samples), {loop_took / took:.0f} x"
        )
        measured.append(
            {
                "claim": f"{resamples:,} bootstrap samples: {name}",
                "ours": "counting how often each customer is drawn",
                "ours_seconds": took,
                "alternative": f"loop over resampled rows (from {few} samples)",
                "alternative_seconds": loop_took,
                "ratio": loop_took / took,
                "target": "at least 30",
                "n": f"{n:,}",
                "note": "the same samples give the same values",
            }
        )
    record("bootstrap", measured)


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:]]
    main(*(given + [30_000, 2_000][len(given) :]))
