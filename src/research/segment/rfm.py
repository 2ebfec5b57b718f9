"""M1: recency, frequency, monetary amount."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.paths import DEFINITIONS
from research.segment.base import StratificationModel, informative, numbers, say
from research.segment.calibration import RULE_COLUMNS, Tally
from research.segment.encode import OutcomeOrder
from research.segment.index import block_columns
from research.segment.tiers import as_tiers, steady
from research.tiers import TIERS, positions

BANDS = 5
RECIPES = ("quantile", "plus one")
OTHERS = "Others"
NATIVE_CUTS = (4.0, 3.0, 2.0)  # lowest weighted mean of premium, low and medium


@cache
def _segments() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "rfm_segments.csv")


@cache
def _component_table() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "rfm_components.csv").set_index("component", drop=False)


def component_definitions() -> pd.DataFrame:
    """Return `rfm_components.csv`: component, construct, better (lower or higher), missing_score, reason, reason_zh."""
    return _component_table().copy()


class Bands:
    """Scores 1 to 5 of one input by its training quantiles.

    recipe "quantile": a value equal to a cut point belongs to the band below it, (lower, upper].
    recipe "plus one": cut points are the quantiles plus one and bands are [lower, upper), as in the R package rfm;
    the same as "quantile" for whole numbers with whole quantiles. Quantiles are type 7. Values outside the training
    range get the end bands, so nobody is unassigned; tied quantiles leave a band empty, never two bands overlapping.
    A missing value gets `missing_score`.
    """

    def __init__(self, *, reverse: bool = False, recipe: str = "quantile", missing_score: int = 1):
        self.reverse = reverse
        self.recipe = recipe
        self.missing_score = missing_score

    def fit(self, values: np.ndarray) -> Bands:
        """Learn the four cut points from values (n,) with NaN."""
        known = values[~np.isnan(values)]
        self.cuts_ = (
            np.quantile(known, np.arange(1, BANDS) / BANDS) if len(known) else np.full(BANDS - 1, np.inf)
        )
        if self.recipe == "plus one":
            self.cuts_ = self.cuts_ + 1
        return self

    def score(self, values: np.ndarray) -> np.ndarray:
        """Return scores (n,) from 1 to 5, reversed when a small value is the better one."""
        side = "right" if self.recipe == "plus one" else "left"
        rank = 1 + np.searchsorted(self.cuts_, values, side=side)
        rank = BANDS + 1 - rank if self.reverse else rank
        return np.where(np.isnan(values), self.missing_score, rank)

    def table(self) -> pd.DataFrame:
        """Return one row per band, score 1 to 5: score, lower, upper."""
        edges = np.concatenate([[-np.inf], self.cuts_, [np.inf]])
        score = np.arange(BANDS, 0, -1) if self.reverse else np.arange(1, BANDS + 1)
        rows = pd.DataFrame({"score": score, "lower": edges[:-1], "upper": edges[1:]})
        return rows.sort_values("score", ignore_index=True)


class RFM(StratificationModel):
    """Recency, frequency and monetary amount, each 1 to 5 by training quantiles, and their weighted mean.

    As practised (`inputs=None`) a recent, frequent, large customer is the better one, because that is how RFM is
    defined in customer management. Risk is minus the weighted mean and value the monetary amount, which also breaks
    ties in the mean. On bureau data recency and frequency may be those of credit inquiries and debts, where a recent
    event is a warning: the definition then points the wrong way, and the comparison shows it. Directions and the
    score of a missing value (1: no event on record is the least recent, least frequent, smallest) are in
    `rfm_components.csv`. A component that the table lacks is listed in `absent_`; the mean is taken over the others
    and segments use the middle score 3 for it.

    Equal information (`inputs="predictors"` or a list): every input is banded 1 to 5 in the same way, categories
    ordered by their training default rate; its direction is the sign of its correlation with the training outcome
    (5 = safer); a missing value gets the score of the band whose training default rate is nearest to that of the
    missing; the total is the equal-weight mean. Value is the mean band of the value indicators in the table.

    Parameters: names of the three constructs; weights {"R": , "F": , "M": } (None = equal); recipe "quantile" or
    "plus one" (see Bands).
    """

    def __init__(
        self,
        recency: str = "recency_months",
        frequency: str = "frequency_count",
        monetary: str = "monetary_amount",
        *,
        inputs: str | list[str] | None = None,
        weights: Mapping[str, float] | None = None,
        recipe: str = "quantile",
        shares: Mapping[str, float] | None = None,
    ):
        self.recency = recency
        self.frequency = frequency
        self.monetary = monetary
        super().__init__(inputs=inputs, shares=shares)
        self.weights = weights
        self.recipe = recipe

    def _needs_outcome(self) -> bool:
        return self.inputs is not None

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        if self.recipe not in RECIPES:
            raise UserError(f"recipe: found '{self.recipe}'{nearest(str(self.recipe), RECIPES)}")
        self.order_ = None
        if self.inputs is None:
            self._learn_components(table)
        else:
            self._learn_every_input(table, bad)
        self.n_rules_ = BANDS * len(self.inputs_)

    def _learn_components(self, table: pd.DataFrame) -> None:
        wanted = {"R": self.recency, "F": self.frequency, "M": self.monetary}
        if self.by_position_:
            wanted = dict(zip("RFM", table.columns, strict=False))
        self.columns_ = {letter: name for letter, name in wanted.items() if name in table.columns}
        self.absent_ = [name for name in wanted.values() if name not in table.columns]
        if not self.columns_:
            raise UserError(
                f"RFM: the table has none of {', '.join(wanted.values())}; RFM is not testable here"
            )
        given = dict.fromkeys("RFM", 1.0) if self.weights is None else dict(self.weights)
        total = sum(float(given.get(letter, 0)) for letter in self.columns_)
        if total <= 0:
            raise UserError(f"RFM weights: found {given}; the components present have no weight")
        self.weights_ = {letter: float(given.get(letter, 0)) / total for letter in self.columns_}
        self.inputs_ = list(self.columns_.values())
        stated = _component_table()
        self.bands_ = {
            letter: Bands(
                reverse=stated.at[letter, "better"] == "lower",
                recipe=self.recipe,
                missing_score=int(stated.at[letter, "missing_score"]),
            ).fit(numbers(table, name))
            for letter, name in self.columns_.items()
        }
        if "M" in self.columns_:
            amount = numbers(table, self.columns_["M"])
            self.lowest_amount_ = float(np.nanmin(amount)) if not np.isnan(amount).all() else 0.0
        self.component_names_ = [f"{letter.lower()}_score" for letter in self.columns_] + ["rfm_total"]

    def _learn_every_input(self, table: pd.DataFrame, bad: np.ndarray) -> None:
        chosen = informative(table, self._chosen_inputs(table))
        self.order_ = OutcomeOrder().fit(table, chosen, bad)
        seen = ~np.isnan(bad)
        self.bands_, self.columns_ = {}, {}
        for name in chosen:
            values = self.order_.values(table, name)
            bands = Bands(recipe=self.recipe).fit(values)
            score = bands.score(values).astype(float)
            usable = seen & ~np.isnan(values)
            if usable.sum() < 2 or np.ptp(score[usable]) == 0:
                continue
            covariance = np.mean((score[usable] - score[usable].mean()) * bad[usable])
            bands.reverse = bool(covariance > 0)
            bands.missing_score = self._score_of_missing(bands, values, bad)
            self.bands_[name], self.columns_[name] = bands, name
        if not self.bands_:
            raise UserError("RFM: no input varies in the training customers")
        self.inputs_ = list(self.bands_)
        self.weights_ = dict.fromkeys(self.bands_, 1 / len(self.bands_))
        self.value_names_ = [
            name for name in block_columns(table, "A", by_position=self.by_position_) if name in self.bands_
        ]
        self.component_names_ = [f"score_{name}" for name in self.inputs_] + ["rfm_total"]

    @staticmethod
    def _score_of_missing(bands: Bands, values: np.ndarray, bad: np.ndarray) -> int:
        """Return the band whose smoothed default rate is nearest to that of the missing; 3 when nothing is known."""
        gap, seen = np.isnan(values), ~np.isnan(bad)
        if not (gap & seen).any():
            return 3
        base = bad[seen].mean()
        score = bands.score(values)

        def rate(mask: np.ndarray) -> float:
            return (bad[mask].sum() + 20 * base) / (mask.sum() + 20)

        missing = rate(gap & seen)
        candidates = [s for s in range(1, BANDS + 1) if (seen & ~gap & (score == s)).any()]
        if not candidates:
            return 3
        return min(candidates, key=lambda s: (abs(rate(seen & ~gap & (score == s)) - missing), abs(s - 3)))

    def _values(self, table: pd.DataFrame, key: str) -> np.ndarray:
        name = self.columns_[key]
        return numbers(table, name) if self.order_ is None else self.order_.values(table, name)

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        scores = [self.bands_[key].score(self._values(table, key)).astype(float) for key in self.bands_]
        total = np.zeros(len(table))
        for key, score in zip(self.bands_, scores, strict=True):
            total += self.weights_[key] * score
        return np.column_stack([*scores, steady(total)])

    def _scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = components[:, -1]
        if self.order_ is not None:
            if not self.value_names_:
                return -total, total
            value = np.zeros(len(table))
            for name in self.value_names_:
                rank = components[:, self.inputs_.index(name)]
                value += BANDS + 1 - rank if self.bands_[name].reverse else rank
            return -total, value / len(self.value_names_)
        if "M" not in self.columns_:
            return -total, total
        amount = numbers(table, self.columns_["M"])
        return -total, np.where(np.isnan(amount), self.lowest_amount_, amount)

    def _native(self, table: pd.DataFrame, components: np.ndarray) -> np.ndarray:
        total = components[:, -1]
        premium, low, medium = NATIVE_CUTS
        conditions = [total >= premium, total >= low, total >= medium]
        return np.select(conditions, list(TIERS[:3]), default=TIERS[3]).astype(object)

    def segments(self, X) -> pd.Categorical:
        """Return the named segment of each customer (n,): the first row of `rfm_segments.csv` that fits."""
        if self.inputs is not None:
            raise UserError("named segments are defined for R, F and M only, not when every input is scored")
        names = [*_segments()["segment"], OTHERS]
        return pd.Categorical.from_codes(self._segment_codes(self.transform(X)), categories=names)

    def _segment_codes(self, components: np.ndarray) -> np.ndarray:
        scores = {letter: np.full(len(components), 3.0) for letter in "RFM"}
        scores.update({letter: components[:, i] for i, letter in enumerate(self.bands_)})
        codes = np.full(len(components), len(_segments()))
        for position, row in reversed(list(enumerate(_segments().to_dict("records")))):
            fits = np.ones(len(components), dtype=bool)
            for letter in "rfm":
                score = scores[letter.upper()]
                fits &= (score >= row[f"{letter}_min"]) & (score <= row[f"{letter}_max"])
            codes[fits] = position
        return codes

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        self.tally_ = Tally.of(positions(self._native(table, components)), bad, len(TIERS))
        if self.inputs is None:
            self.segment_tally_ = Tally.of(self._segment_codes(components), bad, len(_segments()) + 1)

    def rules(self) -> pd.DataFrame:
        """Return the native rules, one row per band of the weighted mean, with training counts and default rates."""
        premium, low, medium = NATIVE_CUTS
        words = (f"≥ {premium:g}", f"{low:g} to < {premium:g}", f"{medium:g} to < {low:g}", f"< {medium:g}")
        rules = self.tally_.rates().assign(
            rule=[f"Weighted mean of the scores {word}" for word in words], length=1, tier=as_tiers(TIERS)
        )
        return rules[list(RULE_COLUMNS)]

    def segment_table(self) -> pd.DataFrame:
        """Return one row per named segment: segment, n, known, bads, pd, ci_low, ci_high (training)."""
        table = self.segment_tally_.rates()
        table.insert(0, "segment", [*_segments()["segment"], OTHERS])
        return table

    def cut_points(self) -> pd.DataFrame:
        """Return five rows per input: input, label, score, lower, upper."""
        names = {name: self.bands_[key].table() for key, name in self.columns_.items()}
        return pd.concat(
            [rows.assign(input=name, label=say(name)) for name, rows in names.items()], ignore_index=True
        )
