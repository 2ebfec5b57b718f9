"""What a trial is worth: the gain from deciding better, against what it costs to find out.

The effect of an action has the prior N(m, s²), the gain of acting on one customer is b·e − c, nought at the break-even
e* = c/b. A trial with the standard error σ leaves before it is held a posterior mean that is itself N(m, s⁴/(s² + σ²)).
Knowing is worth N·b·s·L(|m − e*|/s), with L(z) = φ(z) − z(1 − Φ(z)) the unit normal loss (Raiffa and Schlaifer 1961,
Applied Statistical Decision Theory, chapter 5); a trial the same with s²/√(s² + σ²) in the place of s.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import norm

STEPS = 200  # sizes that are tried for the best one


def unit_loss(z: np.ndarray | float) -> np.ndarray:
    """Return the unit normal loss L(z).

    >>> unit_loss(1.0).round(5).item()
    0.08332
    """
    return norm.pdf(z) - np.asarray(z) * ndtr(-np.asarray(z))


def knowing(
    low: float, base: float, high: float, needed: float, cost: float, level: float, *, tier: float, years: float,
    fixed: float,
) -> dict[str, float | str]:  # fmt: skip
    """Return what a trial of customers one by one is worth at its best size.

    Args:
        low, base, high: of the assumed effect, relative; the prior has mean `base`, and 95 % lie between the ends.
        needed: the break-even effect.
        cost: of the action, per customer.
        level: rate of the outcome without it.
        tier: customers of the tier in a year, the most that a trial can have.
        years: for which the decision is made.
        fixed: cost of any trial.

    Returns:
        `perfect` (value of knowing the effect), and of the best size: `customers` in both arms, `value`, `trial_cost`,
        `net`, `result` (`worth`, or `not`: no size repays its cost, and all are 0).
    """
    spread, slope = (high - low) / (2 * norm.ppf(0.975)), cost / needed
    off, people = abs(base - needed), tier * years
    per_arm = np.unique(np.geomspace(10, max(tier / 2, 11), STEPS).astype(int))
    treated = level * (1 - base)
    error = np.sqrt((level * (1 - level) + treated * (1 - treated)) / per_arm) / level
    told = spread**2 / np.sqrt(spread**2 + error**2)
    value = people * slope * told * unit_loss(off / told)
    # one arm gets what would not be chosen today
    spent = per_arm * slope * off + fixed
    best = int(np.argmax(value - spent))
    worth = bool(value[best] > spent[best])
    found = (2 * per_arm[best], value[best], spent[best], value[best] - spent[best]) if worth else (0,) * 4
    return {
        "perfect": float(people * slope * spread * unit_loss(off / spread)),
        **dict(zip(("customers", "value", "trial_cost", "net"), map(float, found), strict=True)),
        "result": "worth" if worth else "not",
    }


def by_size(sizes: list[float], **given: float) -> pd.DataFrame:
    """Return a row per size of the tier: `tier`, and what `knowing` returns."""
    return pd.DataFrame([{"tier": float(size), **knowing(tier=size, **given)} for size in sizes])
