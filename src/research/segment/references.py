"""References around the three models: random tiers, one grade, gradient boosting."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from research.errors import UserError
from research.segment.base import Seeded, StratificationModel, informative, is_category, numbers, say
from research.segment.calibration import RULE_COLUMNS, Tally
from research.segment.encode import level_codes, text_levels
from research.segment.index import value_index
from research.segment.rule_text import range_in_words, unit_of
from research.segment.tiers import as_tiers
from research.tiers import TIERS, positions

# the order of criterion C1: grade and score, repayment history, debt to income, collateral, then utilisation
GRADE_ORDER = (
    ("credit_grade", 1),
    ("credit_score", -1),
    ("repayment_delay", 1),
    ("past_delinquencies", 1),
    ("debt_to_income", 1),
    ("loan_to_value", 1),
    ("credit_utilisation", 1),
)
MOST_LEVELS = 200


class Reference(StratificationModel):
    """A model with one risk score and the shared value index; rules are its tiers by risk."""

    def _learn_value(self, table: pd.DataFrame) -> None:
        self.value_index_ = value_index(table, by_position=self.by_position_)
        self.value_inputs_ = list(self.value_index_.names_)
        self.component_names_ = ["risk", "value"]

    def _value(self, table: pd.DataFrame) -> np.ndarray:
        return self.value_index_.score(
            {name: numbers(table, name) for name in self.value_inputs_}, len(table)
        )

    def _scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return components[:, 0], components[:, 1]

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        tiers = self.tier_cuts_.assign(components[:, 0], components[:, 1])
        self.tally_ = Tally.of(positions(tiers), bad, len(TIERS))

    def _tier_words(self, row) -> str:
        text = self._risk_words(row.risk_above, row.risk_up_to)
        if row.tier != "premium":
            return text
        return f"{text} and {range_in_words('Value', row.value_above, np.inf)}"

    def _risk_words(self, above: float, up_to: float) -> str:
        return range_in_words("Risk score", above, up_to)

    def rules(self) -> pd.DataFrame:
        """Return one row per tier: rule, length, n, known, bads, pd, ci_low, ci_high, tier (training)."""
        cuts = list(self.tier_cuts_.table().itertuples())
        rules = self.tally_.rates().assign(
            rule=[self._tier_words(row) for row in cuts], length=[2, 1, 1, 1], tier=as_tiers(TIERS)
        )
        return rules[list(RULE_COLUMNS)]

    def cut_points(self) -> pd.DataFrame:
        """Return the frozen tier cuts, one row per tier (see `TierCuts.table`)."""
        return self.tier_cuts_.table()


class RandomTiers(Reference, Seeded):
    """Tiers by lot: the floor that any model must beat. One draw; a comparison averages many (`compare.random_tiers`).

    Lots are a hash of the customer's predictor values and the seed, so the same customer gets the same lot alone or
    in a table, in any order; customers equal in every predictor share a lot. Risk and value have separate lots.
    """

    needs_outcome = False

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        self.hashed_ = self._chosen_inputs(table)
        self.inputs_, self.value_inputs_, self.n_rules_ = [], self.hashed_, 0
        self.component_names_ = ["risk", "value"]

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        mixed = np.full(len(table), np.uint64(self.seed + 1), dtype=np.uint64)
        for name in self.hashed_:
            column = table[name]
            values = text_levels(column) if is_category(column) else numbers(table, name) + 0.0
            codes = pd.util.hash_array(values, categorize=False)
            mixed = _stir(mixed ^ codes.astype(np.uint64))
        lots = [_stir(mixed + np.uint64(k)) >> np.uint64(11) for k in (1, 2)]
        return np.column_stack([lot / 2.0**53 for lot in lots])


def _stir(x: np.ndarray) -> np.ndarray:
    """Mix 64 bits (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class GradeTiers(Reference):
    """Tiers by one variable: the first of a fixed list that the table has.

    The list (`GRADE_ORDER`): the lender's grade, a credit score (higher = safer), else repayment delay, past
    delinquencies, debt to income, loan to value, utilisation. `inputs_` says which one it was. A missing value
    takes the training median. Arrays: the first column, higher = riskier.
    """

    needs_outcome = False

    def __init__(
        self,
        variable: str | None = None,
        sign: int = 1,
        *,
        inputs: str | list[str] | None = None,
        shares: Mapping[str, float] | None = None,
    ):
        super().__init__(inputs=inputs, shares=shares)
        self.variable = variable
        self.sign = sign

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        options = [(self.variable, self.sign)] if self.variable else list(GRADE_ORDER)
        if self.by_position_ and not self.variable:
            options = [(table.columns[0], self.sign)]
        found = [
            (name, sign) for name, sign in options if name in table.columns and table[name].notna().any()
        ]
        if not found:
            names = ", ".join(name for name, _ in options)
            raise UserError(
                f"GradeTiers: the table has none of {names}; tiers by one grade are not testable here"
            )
        name, self.sign_ = found[0]
        self.inputs_ = [name]
        self.median_ = float(np.nanmedian(numbers(table, name)))
        self.n_rules_ = len(TIERS)
        self._learn_value(table)

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        values = numbers(table, self.inputs_[0])
        risk = self.sign_ * np.where(np.isnan(values), self.median_, values)
        return np.column_stack([risk, self._value(table)])

    def _risk_words(self, above: float, up_to: float) -> str:
        name = self.inputs_[0]
        low, high = (above, up_to) if self.sign_ > 0 else (-up_to, -above)
        return range_in_words(say(name), low, high, unit_of(name))


class GradientBoosting(Reference, Seeded):
    """Histogram gradient boosting (scikit-learn): the room above, without rules.

    Categories are split natively (levels frozen in fit, the commonest 200; others and unknown levels count as
    missing), missing values go where training sends them. Fixed number of trees, no early stopping: the same seed
    gives the same model. `n_rules_` is the largest number of leaves the trees can have together.
    """

    own_probability = True
    trees, learning_rate, leaves, least_leaf = 100, 0.05, 8, 50

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        chosen = self._chosen_inputs(table)
        self.inputs_ = informative(table, chosen) or chosen[:1]
        self.levels_ = {
            name: sorted(pd.Series(text_levels(table[name])).value_counts().index[:MOST_LEVELS])
            for name in self.inputs_
            if is_category(table[name])
        }
        from sklearn.ensemble import HistGradientBoostingClassifier  # slow to import, used here only

        seen = ~np.isnan(bad)
        model = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.least_leaf,
            categorical_features=[name in self.levels_ for name in self.inputs_],
            early_stopping=False,
            random_state=self.seed,
        )
        # trees this small gain nothing from threads, and lose much when other work uses the cores
        with threadpool_limits(1, user_api="openmp"):
            self.boosting_ = model.fit(self._matrix(table)[seen], bad[seen].astype(int))
        self.n_rules_ = self.trees * self.leaves
        self._learn_value(table)

    def _matrix(self, table: pd.DataFrame) -> np.ndarray:
        columns = []
        for name in self.inputs_:
            if name in self.levels_:
                codes = level_codes(table[name], self.levels_[name]).astype(float)
                columns.append(np.where(codes < 0, np.nan, codes))
            else:
                columns.append(numbers(table, name))
        return np.column_stack(columns)

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        with threadpool_limits(1, user_api="openmp"):
            risk = self.boosting_.predict_proba(self._matrix(table))[:, 1]
        return np.column_stack([risk, self._value(table)])
