"""Categories as numbers, with levels frozen in fit."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from research.segment.base import is_category, numbers


def text_levels(column: pd.Series) -> np.ndarray:
    """Return the levels of a category or text column as an object array (n,) with None for missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.array([*map(str, column.cat.categories), None], dtype=object)[column.cat.codes]
    values = column.astype(object).to_numpy()
    return np.array(
        [None if gone else str(v) for v, gone in zip(values, pd.isna(values), strict=True)], dtype=object
    )


def level_codes(column: pd.Series, levels: Iterable[str]) -> np.ndarray:
    """Return codes (n,) of a category column in frozen levels; −1 for a missing or an unknown level."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        own = pd.Index(column.cat.categories.map(str))
        lookup = np.append(pd.Index(list(levels)).get_indexer(own), -1)
        return lookup[column.cat.codes.to_numpy()]
    return pd.Index(list(levels)).get_indexer(pd.Index(text_levels(column)))


class OneHot:
    """Numbers as they are, categories as one 0/1 column per level; a missing or unknown level has 0 in all.

    Levels whose training share is below `least` get no column: with a minimum leaf of that size no tree could
    split on them. Where nothing else is left there is one column of 0, so that a tree is one leaf.

    Attributes after fit: `names_` (matrix columns), `source_` (input of each), `level_` (its level, None for numbers).
    """

    def __init__(self, least: float = 0.0):
        self.least = least

    def fit(self, table: pd.DataFrame, inputs: Iterable[str]) -> OneHot:
        """Learn the levels of the category inputs."""
        self.inputs_ = list(inputs)
        self.levels_: dict[str, list[str]] = {}
        self.names_, self.source_, self.level_ = [], [], []
        for name in self.inputs_:
            if not is_category(table[name]):
                self.names_.append(name)
                self.source_.append(name)
                self.level_.append(None)
                continue
            shares = pd.Series(text_levels(table[name])).value_counts(dropna=True) / len(table)
            keep = sorted(shares.index[(shares >= self.least) & (shares <= 1 - self.least)])
            self.levels_[name] = keep
            for level in keep:
                self.names_.append(f"{name}={level}")
                self.source_.append(name)
                self.level_.append(level)
        if not self.names_:
            self.names_, self.source_, self.level_ = self.inputs_[:1], self.inputs_[:1], [None]
        return self

    def transform(self, table: pd.DataFrame, only: Iterable[str] | None = None) -> np.ndarray:
        """Return the matrix (n, len(names_)) as float64 with NaN for missing numbers.

        With `only`, the other inputs are not read and their columns are 0.
        """
        read = set(self.inputs_ if only is None else only)
        columns = []
        for name in self.inputs_:
            width = len(self.levels_[name]) if name in self.levels_ else 1
            if name not in read:
                columns.append(np.zeros((len(table), width)))
            elif name in self.levels_:
                codes = level_codes(table[name], self.levels_[name])
                columns.append((codes[:, None] == np.arange(width)).astype(float))
            else:
                columns.append(numbers(table, name)[:, None])
        made = np.concatenate(columns, axis=1) if columns else np.empty((len(table), 0))
        return made if made.shape[1] else np.zeros((len(table), 1))


class OutcomeOrder:
    """A category input as the smoothed log-odds of the outcome of its level; numbers as they are.

    Smoothing adds `prior` customers with the overall rate to each level, so that a rare level stays near the middle.
    A missing level gets NaN, a level unknown in training the overall log-odds.
    """

    def __init__(self, prior: float = 20.0):
        self.prior = prior

    def fit(self, table: pd.DataFrame, inputs: Iterable[str], bad: np.ndarray) -> OutcomeOrder:
        """Learn the log-odds of each level from the outcome 0/1/NaN (n,)."""
        seen = ~np.isnan(bad)
        base = float(bad[seen].mean())
        self.overall_ = float(np.log(base / (1 - base)))
        self.odds_: dict[str, pd.Series] = {}
        for name in inputs:
            if not is_category(table[name]):
                continue
            grouped = pd.Series(bad[seen]).groupby(text_levels(table[name])[seen])
            rate = (grouped.sum() + self.prior * base) / (grouped.count() + self.prior)
            self.odds_[name] = np.log(rate / (1 - rate))
        return self

    def values(self, table: pd.DataFrame, name: str) -> np.ndarray:
        """Return one input as float64 (n,)."""
        if name not in self.odds_:
            return numbers(table, name)
        odds = self.odds_[name]
        codes = level_codes(table[name], odds.index)
        known = np.append(odds.to_numpy(), self.overall_)[codes]
        return np.where(table[name].isna().to_numpy(), np.nan, known)
