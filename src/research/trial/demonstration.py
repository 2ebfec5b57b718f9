"""Thousands of trials on customers whose chances are known: do the analyses keep what they promise?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import t

from research.trial.power import Floats, robust

CHUNK = 500  # trials at a time
MANY = 10**6  # customers whose mean chance is taken for the true one
Judge = Callable[[Floats, np.ndarray, np.ndarray, np.random.Generator], Floats]


def by_t(sums: Floats, sizes: np.ndarray, arm: np.ndarray, rng: np.random.Generator) -> Floats:
    """Return p-values by cluster-robust errors and Student's t with clusters − 2 degrees of freedom."""
    found, error = robust(sums, sizes, arm)
    return 2 * t.sf(np.abs(found) / error, len(arm) - 2)


def by_customer(sums: Floats, sizes: np.ndarray, arm: np.ndarray, rng: np.random.Generator) -> Floats:
    """Return p-values as if every customer had been drawn alone, which leaves out that clusters differ."""
    people = np.stack([(sizes * (arm == side)).sum(axis=1) for side in (0, 1)])
    means = np.stack([(sums * (arm == side)).sum(axis=1) for side in (0, 1)]) / people
    error = np.sqrt((means * (1 - means) / people).sum(axis=0))
    return 2 * ndtr(-np.abs(means[1] - means[0]) / error)


def trials(
    chance: Floats, clusters: int, size: int, icc: float, effect: float, judges: Mapping[str, Judge], *,
    seed: int, alpha: float, count: int
) -> pd.DataFrame:  # fmt: skip
    """Return how often trials err, cover and find.

    Customers are drawn from those given, each cluster multiplies their chances by a gamma factor of mean 1 that makes
    the correlation, the action takes the share `effect` off; the same trials without the action give the errors.

    Args:
        chance: (n,) true chances of customers of the tier.
        icc: correlation within clusters.
        effect: relative cut of the chances.
        judges: by name, (sums, sizes, arm, rng) → p-values of no difference.

    Returns:
        A row per judge: `judge`, `error` (share of trials without effect that find one), `coverage` (of the true
        difference by the interval that holds all differences not rejected), `found` (share of trials with the effect
        that find it).
    """
    rng, mean = np.random.default_rng(seed), float(chance.mean())
    spread = icc * (1 - mean) / mean

    def drawn(*shape: int) -> Floats:
        own = chance[rng.integers(0, len(chance), shape)]
        return np.minimum(own * rng.gamma(1 / spread, spread, (*shape[:-1], 1)), 1) if spread else own

    level = float(drawn(MANY, 1).mean())
    arm, people = np.arange(clusters) % 2, np.full((CHUNK, clusters), size)
    counted = np.zeros((len(judges), 3))
    for _ in range(count // CHUNK):
        own = drawn(CHUNK, clusters, size)
        lot = rng.random(own.shape)
        plain = (lot < own).sum(axis=2).astype(float)
        treated = np.where(arm, (lot < own * (1 - effect)).sum(axis=2), plain)
        without = treated + effect * level * people * arm  # the true difference is taken off
        for row, judge in enumerate(judges.values()):
            for place, sums in enumerate((plain, without, treated)):
                counted[row, place] += (judge(sums, people, arm, rng) <= alpha).sum()
    made = pd.DataFrame(counted / count, columns=["error", "coverage", "found"])
    return made.assign(coverage=1 - made["coverage"], judge=list(judges))
