"""The four tiers, and the frozen cuts that turn a risk score and a value score into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.tiers import TIERS

DEFAULT_SHARES = {"premium": 0.10, "low": 0.50, "medium": 0.30, "high": 0.10}


def as_tiers(labels: Iterable[str]) -> pd.Categorical:
    """Return tier names as an ordered Categorical, premium first (best) and high last (riskiest).

    Raises UserError on a name that is no tier; a missing label stays missing.
    """
    values = pd.Series(np.asarray(labels, dtype=object), dtype=object)
    wrong = values[values.notna() & ~values.isin(TIERS)]
    if len(wrong):
        raise UserError(f"'{wrong.iloc[0]}' is not a tier{nearest(str(wrong.iloc[0]), TIERS)}")
    return pd.Categorical(values, categories=list(TIERS), ordered=True)


def steady(scores: np.ndarray) -> np.ndarray:
    """Round to 12 significant digits.

    A score summed over one row or over many rows may differ in its last bit; without this a customer on a cut
    point could change tier with the size of the batch.
    """
    scores = np.array(scores, dtype=float)
    usual = np.isfinite(scores) & (scores != 0)
    digits = np.clip(11 - np.floor(np.log10(np.abs(scores[usual]))), -290, 290)
    scores[usual] = np.round(scores[usual] * 10.0**digits) / 10.0**digits
    return scores


@dataclass(frozen=True)
class Cut:
    """A frozen cut on a pair: in when first > `first`, or first == `first` and second > `second`."""

    first: float
    second: float

    def holds(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return which rows are on the in side."""
        return (first > self.first) | ((first == self.first) & (second > self.second))


def _between(above: float, below: float) -> float:
    middle = (above + below) / 2
    return middle if below < middle < above else below


def cuts_at(first: np.ndarray, second: np.ndarray, counts: Iterable[int]) -> list[Cut]:
    """Return for each count the cut that lets in that many of the largest pairs, ordered by `first`, ties by `second`.

    Rows equal in both cannot be told apart: the cut moves to the nearest edge of such a group, to the smaller
    side when two edges are equally near.
    """
    n = len(first)
    order = np.lexsort((-second, -first))
    a, b = first[order], second[order]
    edges = np.concatenate([[0], 1 + np.flatnonzero((a[1:] != a[:-1]) | (b[1:] != b[:-1])), [n]])

    def cut(count: int) -> Cut:
        position = int(edges[np.argmin(np.abs(edges - count))])
        if position == 0:
            return Cut(np.inf, np.inf)
        if position == n:
            return Cut(-np.inf, -np.inf)
        if a[position - 1] > a[position]:
            return Cut(_between(a[position - 1], a[position]), np.inf)
        return Cut(float(a[position]), _between(b[position - 1], b[position]))

    return [cut(count) for count in counts]


class TierCuts:
    """Cut a risk and a value score into tiers of wanted shares, and freeze the cuts.

    High is the riskiest share and medium the next; of the rest, premium is the share with the highest value and low
    is what remains. Equal risk: the lower value goes to the worse tier. Equal value at the premium cut: the lower
    risk goes to premium. Customers equal in both stay together, so shares are exact up to such groups. Nothing
    depends on row order or on the other rows: one customer alone gets the same tier.

    Attributes after fit: `high_cut_`, `medium_cut_` (on risk, then minus value), `premium_cut_` (on value, then
    minus risk), `shares_`.
    """

    def __init__(self, shares: Mapping[str, float] | None = None):
        self.shares = shares

    def fit(self, risk: np.ndarray, value: np.ndarray) -> TierCuts:
        """Learn the cuts from scores (n,), both finite."""
        shares = dict(DEFAULT_SHARES if self.shares is None else self.shares)
        risk, value = steady(risk), steady(value)
        n = len(risk)
        riskiest = round(n * shares["high"]), round(n * (shares["high"] + shares["medium"]))
        self.high_cut_, self.medium_cut_ = cuts_at(risk, -value, riskiest)
        rest = ~self.medium_cut_.holds(risk, -value)
        premium = min(round(n * shares["premium"]), int(rest.sum()))
        self.premium_cut_ = Cut(np.inf, np.inf)
        if rest.any():
            (self.premium_cut_,) = cuts_at(value[rest], -risk[rest], [premium])
        self.shares_ = shares
        return self

    def assign(self, risk: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Return tier names (n,) as an object array; never relearns."""
        return np.array(TIERS, dtype=object)[self._places(steady(risk), steady(value))]

    def _places(self, risk: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Return positions in `TIERS` (n,) for steady scores."""
        places = np.full(len(risk), TIERS.index("low"))
        places[self.premium_cut_.holds(value, -risk)] = TIERS.index("premium")
        places[self.medium_cut_.holds(risk, -value)] = TIERS.index("medium")
        places[self.high_cut_.holds(risk, -value)] = TIERS.index("high")
        return places

    def table(self) -> pd.DataFrame:
        """Return one row per tier: tier, risk_above, risk_up_to, value_above."""
        high, medium, premium = self.high_cut_.first, self.medium_cut_.first, self.premium_cut_.first
        bounds = {
            "premium": (-np.inf, medium, premium),
            "low": (-np.inf, medium, -np.inf),
            "medium": (medium, high, -np.inf),
            "high": (high, np.inf, -np.inf),
        }
        rows = pd.DataFrame(bounds, index=["risk_above", "risk_up_to", "value_above"]).T
        return rows.rename_axis("tier").reset_index().assign(tier=as_tiers(TIERS))
