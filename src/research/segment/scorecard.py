"""Reference: a weight-of-evidence scorecard, as banks build them."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from research.errors import UserError
from research.once import Once
from research.segment.base import is_category, numbers, say
from research.segment.calibration import Tally
from research.segment.encode import level_codes, text_levels
from research.segment.references import Reference
from research.segment.rule_text import number_in_words, unit_of

BASE_POINTS, BASE_ODDS, DOUBLE = 600.0, 20.0, 50.0
# By values and outcomes of the training rows and the settings: scorecards of one fold that differ in their inputs only
# share the bins of the columns that both read.
BINNED = Once[np.ndarray | list[list[str]]](most=10_000)


def points_of_risk(risk: ArrayLike) -> np.ndarray:
    """Return the points of a probability of default: 600 at odds of 20 good to one bad, 50 more double the odds."""
    risk = np.clip(np.asarray(risk, dtype=float), 0, 1)
    with np.errstate(divide="ignore"):
        return BASE_POINTS + DOUBLE / np.log(2) * (np.log(1 - risk) - np.log(risk) - np.log(BASE_ODDS))


class Scorecard(Reference):
    """Weight of evidence (WoE) by optimal monotone bins (optbinning), logistic regression, points.

    WoE of a bin = ln(share of goods in it / share of bads in it), half a customer added to each count so that an empty
    cell stays finite. Missing values are a bin of their own, a level unknown in training has WoE 0. Inputs with an
    information value below `least_iv` are left out (all stay when none reaches it). The logistic regression
    is lightly penalised (L2, C = 1) because monotone WoE columns are correlated; an input whose coefficient
    says that more evidence of good is worse is dropped, the worst first, and the rest fitted again.
    Points: 600 at odds 20 : 1, 50 points double the odds.
    """

    own_probability = True
    least_iv, least_bin, prebins = 0.02, 0.05, 10

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        seen = ~np.isnan(bad)
        outcome = bad[seen].astype(int)
        chosen = self._chosen_inputs(table)
        self.bins_: dict[str, np.ndarray | list[list[str]]] = {}
        self.woe_: dict[str, np.ndarray] = {}
        self.counts_: dict[str, Tally] = {}
        values = {}
        for name in chosen:
            self.bins_[name] = self._optimal_bins(table[name][seen], outcome)
            codes = self._codes(table, name)[seen]
            count = self._bin_count(name) + 1  # the last bin is missing
            n = np.bincount(codes[codes >= 0], minlength=count)
            bads = np.bincount(codes[codes >= 0], weights=outcome[codes >= 0], minlength=count)
            goods_share = (n - bads + 0.5) / (len(outcome) - outcome.sum() + 0.5 * count)
            bads_share = (bads + 0.5) / (outcome.sum() + 0.5 * count)
            self.woe_[name] = np.where(n > 0, np.log(goods_share / bads_share), 0.0)
            values[name] = float(((goods_share - bads_share) * self.woe_[name]).sum())
            self.counts_[name] = Tally(n, n, bads)
        self.information_ = values
        kept = [name for name in chosen if values[name] >= self.least_iv] or chosen
        matrix = self._woe_matrix(table, kept)[seen]
        keep = np.arange(len(kept))
        while True:
            logistic = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10)
            self.logistic_ = logistic.fit(matrix[:, keep], outcome)
            coefficients = self.logistic_.coef_[0]
            if coefficients.max() <= 0 or len(keep) == 1:
                break
            keep = np.delete(keep, coefficients.argmax())
        kept = [kept[i] for i in keep]
        self.inputs_ = kept
        self.coefficients_ = dict(zip(kept, self.logistic_.coef_[0], strict=True))
        self.n_rules_ = int(sum((self.counts_[name].n > 0).sum() for name in kept))
        self._learn_value(table)

    def _optimal_bins(self, column: pd.Series, outcome: np.ndarray) -> np.ndarray | list[list[str]]:
        """Return the inner edges of a number, or the groups of levels of a category.

        A column that was binned before with the same rows, outcome and settings is not binned again: see `BINNED`.
        """
        category = is_category(column)
        values = text_levels(column) if category else numbers(column.to_frame("x"), "x")
        told = pd.factorize(values) if category else values  # text itself is slow to hash
        key = joblib.hash([told, outcome, self.prebins, self.least_bin])
        return BINNED(key, lambda: self._solve(category, values, outcome))

    def _solve(self, category: bool, values: np.ndarray, outcome: np.ndarray) -> np.ndarray | list[list[str]]:
        try:
            from optbinning import OptimalBinning  # slow to import, used here only
        except ImportError:
            raise UserError(
                "the scorecard needs the package optbinning; install the project's requirements"
            ) from None
        known = np.array([v is not None for v in values]) if category else ~np.isnan(values)
        if len(np.unique(outcome[known])) < 2 or len(pd.unique(values[known])) < 2:
            return [sorted(set(values[known]))] if category else np.empty(0)
        solver = OptimalBinning(
            dtype="categorical" if category else "numerical",
            solver="cp",  # the same bins as "mip" in two thirds of the time
            monotonic_trend="auto_asc_desc",
            max_n_prebins=self.prebins,
            min_prebin_size=self.least_bin,
            min_bin_size=self.least_bin,
        )
        with np.errstate(invalid="ignore"):  # the package divides 0 by 0 when all bins have one rate
            found = solver.fit(values[known], outcome[known])
        if category:
            groups = [sorted(map(str, group)) for group in found.splits]
            rest = sorted(set(values[known]) - {level for group in groups for level in group})
            return [*groups, rest] if rest else groups
        return np.asarray(found.splits, dtype=float)

    def _bin_count(self, name: str) -> int:
        bins = self.bins_[name]
        return len(bins) if isinstance(bins, list) else len(bins) + 1

    def _codes(self, table: pd.DataFrame, name: str) -> np.ndarray:
        """Return bin codes (n,); the last code is missing, −1 a level that training did not see."""
        bins, missing = self.bins_[name], self._bin_count(name)
        if isinstance(bins, list):
            levels = [level for group in bins for level in group]
            group_of = np.array([i for i, group in enumerate(bins) for _ in group] + [-1])
            codes = group_of[level_codes(table[name], levels)]
            return np.where(table[name].isna().to_numpy(), missing, codes)
        values = numbers(table, name)
        return np.where(np.isnan(values), missing, np.searchsorted(bins, values, side="right"))

    def _woe_matrix(self, table: pd.DataFrame, names: list[str]) -> np.ndarray:
        return np.column_stack([np.append(self.woe_[name], 0.0)[self._codes(table, name)] for name in names])

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        odds = np.full(len(table), float(self.logistic_.intercept_[0]))
        matrix = self._woe_matrix(table, self.inputs_)
        for i, name in enumerate(self.inputs_):  # column by column: one row gives the same bits as many
            odds += self.coefficients_[name] * matrix[:, i]
        return np.column_stack([1 / (1 + np.exp(-odds)), self._value(table)])

    def rules(self) -> pd.DataFrame:
        """Return the points table: one row per input and bin.

        Columns: input, rule, length, n, known, bads, pd, ci_low, ci_high, tier (missing: points add up to
        one), woe, iv, points (higher = safer).
        """
        factor = DOUBLE / np.log(2)
        share = (BASE_POINTS - factor * np.log(BASE_ODDS) - factor * self.logistic_.intercept_[0]) / len(
            self.inputs_
        )
        rows = []
        for name in self.inputs_:
            counts = self.counts_[name].rates()
            for i, row in enumerate(counts.itertuples(index=False)):
                if row.n == 0:
                    continue
                rows.append(
                    {
                        "input": name,
                        "rule": self._bin_words(name, i),
                        "length": 1,
                        **row._asdict(),
                        "tier": None,
                        "woe": self.woe_[name][i],
                        "iv": self.information_[name],
                        "points": share - factor * self.coefficients_[name] * self.woe_[name][i],
                    }
                )
        return pd.DataFrame(rows)

    def _bin_words(self, name: str, i: int) -> str:
        label, bins = say(name), self.bins_[name]
        if i == self._bin_count(name):
            return f"{label} missing"
        if isinstance(bins, list):
            return f"{label}: {', '.join(bins[i])}"
        if len(bins) == 0:
            return f"{label} known"
        low, high = ["", *(number_in_words(edge, unit_of(name)) for edge in bins), ""][i : i + 2]
        if low and high:
            return f"{low} ≤ {label} < {high}"
        return f"{label} ≥ {low}" if low else f"{label} < {high}"
