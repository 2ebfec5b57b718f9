"""A weighted mean of signed, standardised indicators with everything frozen in fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import pandas as pd

from research.paths import DEFINITIONS
from research.segment.base import numbers

CLIP = (0.01, 0.99)


@cache
def _indicators() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "abc_indicators.csv").set_index("construct", drop=False)


def indicator_definitions() -> pd.DataFrame:
    """Return `abc_indicators.csv`: block (A value, B risk, C need), construct, sign, missing, reason, reason_zh."""
    return _indicators().copy()


def block_columns(table: pd.DataFrame, block: str, *, by_position: bool) -> list[str]:
    """Return the numeric indicators of a block that the table has.

    Arrays carry no construct names: their columns are dealt to A, B and C in turn.
    """
    if by_position:
        return list(table.columns)["ABC".index(block) :: 3]
    definitions = _indicators()
    names = definitions.index[definitions["block"] == block]
    return [name for name in names if name in table.columns]


@dataclass(frozen=True)
class Indicator:
    """One standardised indicator of an index; `weight` is its share, `missing` what a missing value takes."""

    indicator: str
    sign: int
    weight: float
    lower: float
    upper: float
    mean: float
    sd: float
    missing: str
    missing_share: float


class Index:
    """Weighted mean of standardised indicators, signed so that more of each means more of the index.

    Each is (x clipped to the training 1st–99th percentile − mean) / sd, so that one extreme income does not rule the
    scale. A missing value takes the training mean ("neutral", 0) or, where the definition says what missing means, the
    lowest or highest training value. An indicator that does not vary in training is left out; the others weigh alike.

    Attributes after fit: `names_`, `indicators_`.
    """

    def __init__(self, signs: Mapping[str, int]):
        self.signs = signs

    def fit(self, columns: Mapping[str, np.ndarray], missing: Mapping[str, str] | None = None) -> Index:
        """Learn from {indicator: values (n,)}; `missing` says per indicator what a missing value takes."""
        rows: list[Indicator] = []
        for name, sign in self.signs.items():
            values = columns[name]
            known = values[~np.isnan(values)]
            if len(known) == 0 or known.min() == known.max():
                continue
            lower, upper = np.quantile(known, CLIP)
            if lower == upper:  # nearly constant: clipping would remove the little there is
                lower, upper = known.min(), known.max()
            clipped = np.clip(known, lower, upper)
            rows.append(
                Indicator(
                    indicator=name,
                    sign=int(sign),
                    weight=1.0,
                    lower=float(lower),
                    upper=float(upper),
                    mean=float(clipped.mean()),
                    sd=float(clipped.std()),
                    missing=(missing or {}).get(name, "neutral"),
                    missing_share=float(np.isnan(values).mean()),
                )
            )
        self.indicators_ = [replace(row, weight=1 / len(rows)) for row in rows]
        self.names_ = [row.indicator for row in rows]
        return self

    @property
    def table_(self) -> pd.DataFrame:
        """Return one row per indicator, columns as the fields of `Indicator`."""
        names = [field.name for field in fields(Indicator)]
        return pd.DataFrame([vars(row) for row in self.indicators_], columns=names)

    def _standard(self, row: Indicator, values: np.ndarray) -> np.ndarray:
        gap = np.isnan(values)
        if gap.any() and row.missing != "neutral":
            values = np.where(gap, row.lower if row.missing == "lowest" else row.upper, values)
            gap = np.zeros_like(gap)
        z = (np.clip(values, row.lower, row.upper) - row.mean) / row.sd
        return row.sign * np.where(gap, 0.0, z)

    def score(self, columns: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Return the index (n,); all zeros when it has no indicator."""
        total = np.zeros(n)
        for row in self.indicators_:
            total += row.weight * self._standard(row, columns[row.indicator])
        return total


def value_index(table: pd.DataFrame, *, by_position: bool) -> Index:
    """Return the fitted value index every model shares: block A."""
    names = block_columns(table, "A", by_position=by_position)
    definitions = _indicators()
    missing = {name: definitions.at[name, "missing"] for name in names if name in definitions.index}
    columns = {name: numbers(table, name) for name in names}
    return Index(dict.fromkeys(names, 1)).fit(columns, missing)
