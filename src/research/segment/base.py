"""The one interface of every stratification model: learn frozen cuts in fit, only apply them afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from research.collect.constructs import constructs, predictors
from research.errors import UserError, nearest
from research.segment.calibration import Calibration
from research.segment.tiers import TierCuts, as_tiers, steady


class StratificationModel(TransformerMixin, BaseEstimator):
    """Base of M1 to M3 and the references.

    `X` is a canonical customer table (columns by construct name, missing values and categories allowed) or a numeric
    array (columns x0, x1, …; roles are then given by position). Columns that a model does not read are ignored, so
    a table may carry identity, outcome and context columns: only what `inputs_` lists is ever read.

    Parameters every model has:
        inputs: None = what the model's own definition names; "predictors" = every predictor of the table;
            "all" = every column of the table, roles by position; or a list of column names.
        shares: wanted tier shares {tier: share}; None = 10/50/30/10 %.

    Attributes after fit: `inputs_` (columns really used), `absent_` (of RFM and ABC: columns of the definition that
    the table does not have), `n_rules_` (rows a person needs to apply the model by hand), `tier_cuts_`, `calibration_`
    (None without an outcome, and where the risk score is a probability itself).
    """

    needs_outcome = True
    own_probability = False  # the risk score is a probability of default already
    component_names_: list[str]

    def __init__(self, *, inputs: str | list[str] | None = None, shares: Mapping[str, float] | None = None):
        self.inputs = inputs
        self.shares = shares

    @abstractmethod
    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        """Learn frozen attributes, among them `inputs_`, `component_names_`, `n_rules_`."""

    @abstractmethod
    def _components(self, table: pd.DataFrame) -> np.ndarray:
        """Return component scores (n, k), columns as in `component_names_`."""

    @abstractmethod
    def _scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return risk (higher = riskier) and value scores, each (n,)."""

    @abstractmethod
    def rules(self) -> pd.DataFrame:
        """Return what a loan officer applies, one row per rule: rule, length, n, bads, pd, ci_low, ci_high, tier …"""

    def _native(self, table: pd.DataFrame, components: np.ndarray) -> np.ndarray:
        risk, value = self._scores(table, components)
        return self.tier_cuts_.assign(risk, value)

    def fit(self, X, y=None) -> StratificationModel:
        """Learn cut points and weights from customers X and, where the model needs it, their outcome y (n,).

        y has two values, the larger one is the bad outcome; a missing y is a censored customer, who counts for
        cut points but not for default rates. Raises UserError on anything that does not fit.
        """
        self._fit(X, y)
        return self

    def fit_place(self, X, y=None) -> dict[str, np.ndarray]:
        """Fit and return what `place` says of the same customers, who are scored once instead of twice."""
        return self._placed(*self._fit(X, y))

    def _fit(self, X, y) -> tuple[np.ndarray, np.ndarray]:
        """Fit and return the risk and value scores (n,) of the training customers."""
        table = self._read(X, reset=True)
        bad = self._outcome(y, len(table))
        self._learn(table, bad)
        components = self._components(table)
        risk, value = self._steady_scores(table, components)
        self.tier_cuts_ = TierCuts(self.shares).fit(risk, value)
        self.calibration_ = None if bad is None or self.own_probability else Calibration().fit(risk, bad)
        self._describe(table, components, bad)
        return risk, value

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        """Keep the training counts that `rules` shows; a model without such counts does nothing."""

    def transform(self, X) -> np.ndarray:
        """Return component scores (n, k); names from `get_feature_names_out`."""
        return self._open(X)[1]

    def risk_score(self, X) -> np.ndarray:
        """Return the risk score (n,), higher = riskier."""
        return self._both(X)[0]

    def predict(self, X) -> np.ndarray:
        """Return tier names (n,) by the frozen cuts with the wanted shares."""
        risk, value = self._both(X)
        return self.tier_cuts_.assign(risk, value)

    def native_tiers(self, X) -> np.ndarray:
        """Return tier names (n,) by the model's own rule, before shares are matched between models."""
        return self._native(*self._open(X))

    def place(self, X) -> dict[str, np.ndarray]:
        """Return `risk, value, probability, tier`, each (n,), in one pass over the table.

        Risk and value are higher for the riskier and the more valuable; `probability` (of the bad outcome: a model's
        own, or its risk through `calibration_`) is left out by a model that was fitted without an outcome.
        """
        return self._placed(*self._both(X))

    def _placed(self, risk: np.ndarray, value: np.ndarray) -> dict[str, np.ndarray]:
        placed = {"risk": risk, "value": value, "tier": self.tier_cuts_.assign(risk, value)}
        if self.own_probability:
            placed["probability"] = risk
        elif self.calibration_ is not None:
            placed["probability"] = self.calibration_.probability(risk)
        return placed

    def assess(self, X) -> pd.DataFrame:
        """Return one row per customer: components, risk_score, value_score, tier, native_tier (both Categorical)."""
        table, components = self._open(X)
        risk, value = self._steady_scores(table, components)
        frame = pd.DataFrame(components, columns=list(self.component_names_), index=table.index)
        frame["risk_score"], frame["value_score"] = risk, value
        frame["tier"] = as_tiers(self.tier_cuts_.assign(risk, value))
        frame["native_tier"] = as_tiers(self._native(table, components))
        return frame

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the component scores."""
        check_is_fitted(self, "tier_cuts_")
        return np.asarray(self.component_names_, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.required = self._needs_outcome()
        tags.classifier_tags = ClassifierTags(multi_class=False)  # the outcome has two values
        return tags

    def _needs_outcome(self) -> bool:
        return self.needs_outcome

    def _open(self, X) -> tuple[pd.DataFrame, np.ndarray]:
        check_is_fitted(self, "tier_cuts_")
        table = self._read(X)
        return table, self._components(table)

    def _both(self, X) -> tuple[np.ndarray, np.ndarray]:
        return self._steady_scores(*self._open(X))

    def _steady_scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        risk, value = self._scores(table, components)
        return steady(risk), steady(value)

    def _read(self, X, *, reset: bool = False) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            return self._read_table(X, reset=reset)
        values = validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=1 + reset,
        )
        if reset:
            self.by_position_ = True
        names = getattr(self, "feature_names_in_", None)
        return pd.DataFrame(
            values, columns=[f"x{i}" for i in range(values.shape[1])] if names is None else names
        )

    def _read_table(self, X: pd.DataFrame, *, reset: bool) -> pd.DataFrame:
        if reset:
            if not all(isinstance(name, str) for name in X.columns):
                raise UserError("customer table: expected column names that are all text (construct names)")
            for axis, least, what in ((0, 2, "sample"), (1, 1, "feature")):
                if X.shape[axis] < least:
                    raise UserError(
                        f"customer table: found {X.shape[axis]} {what}(s) (shape={X.shape}) while a minimum of"
                        f" {least} is required."
                    )
            if X.columns.duplicated().any():
                raise UserError(
                    f"customer table: column '{X.columns[X.columns.duplicated()][0]}' occurs twice"
                )
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
            self.n_features_in_ = X.shape[1]
            self.by_position_ = isinstance(self.inputs, str) and self.inputs == "all"
            return X
        if not hasattr(self, "feature_names_in_"):
            if X.shape[1] != self.n_features_in_:
                raise UserError(
                    f"X has {X.shape[1]} features, but {type(self).__name__} is expecting"
                    f" {self.n_features_in_} features as input."
                )
            return X.set_axis([f"x{i}" for i in range(X.shape[1])], axis=1)
        read = dict.fromkeys(
            [*self.inputs_, *getattr(self, "value_inputs_", [])]
        )  # value columns need be no inputs
        missing = [name for name in read if name not in X.columns]
        if missing:
            raise UserError(
                f"{type(self).__name__}: the table has no column {', '.join(missing)}, which the model was fitted with"
            )
        return X

    def _outcome(self, y, n: int) -> np.ndarray | None:
        """Return the outcome as 0/1/NaN (n,), or None when there is none and none is needed."""
        if y is None:
            if self._needs_outcome():
                raise UserError(
                    f"{type(self).__name__} requires y to be passed, but the target y is None; expected the outcome"
                )
            return None
        values = column_or_1d(y, warn=True)
        values = check_array(values.reshape(-1, 1), dtype=np.float64, ensure_all_finite="allow-nan")[:, 0]
        if len(values) != n:
            raise UserError(f"outcome: found {len(values)} values for {n} customers")
        known = np.unique(values[~np.isnan(values)])
        if len(known) == 1 and known[0] in (0.0, 1.0) and not self._needs_outcome():
            return values
        if len(known) != 2:
            if not self._needs_outcome():
                return None
            raise UserError(
                f"outcome: expected two values (0 good, 1 bad), found {len(known)} class(es); a model cannot learn"
                " from one class only" if len(known) < 2 else
                f"outcome: expected two values (0 good, 1 bad), found {len(known)} different ones"
            )  # fmt: skip
        return np.where(np.isnan(values), np.nan, (values == known[1]).astype(float))

    def _chosen_inputs(self, table: pd.DataFrame) -> list[str]:
        """Return the columns asked for by `inputs`: every predictor when it is None or "predictors".

        Raises UserError when there is none, so that a table with unknown column names is never guessed at.
        """
        if self.by_position_ and (self.inputs is None or isinstance(self.inputs, str)):
            return list(table.columns)
        if self.inputs is not None and not isinstance(self.inputs, str):
            unknown = [name for name in self.inputs if name not in table.columns]
            if unknown:
                raise UserError(
                    f"inputs: the table has no column '{unknown[0]}'{nearest(unknown[0], table.columns)}"
                )
            return list(self.inputs)
        if self.inputs not in (None, "predictors", "all"):
            raise UserError(f"inputs: found '{self.inputs}'{nearest(self.inputs, ('predictors', 'all'))}")
        found = predictors(table)
        if not found:
            raise UserError(
                f"{type(self).__name__}: none of the columns is a predictor of constructs.csv; found"
                f" {', '.join(map(str, table.columns[:8]))}"
            )
        return found


class Seeded(StratificationModel):
    """A model that draws: its `seed` decides how."""

    def __init__(
        self,
        *,
        inputs: str | list[str] | None = None,
        shares: Mapping[str, float] | None = None,
        seed: int = 0,
    ):
        super().__init__(inputs=inputs, shares=shares)
        self.seed = seed


def numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return one column as float64 (n,) with NaN; raise UserError on text and on infinite values."""
    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        raise UserError(f"column '{name}': expected numbers, found {column.dtype}")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise UserError(f"column '{name}': contains infinite values")
    return values


def is_category(column: pd.Series) -> bool:
    """Return whether a column holds categories (text or pandas category) rather than numbers."""
    return not pd.api.types.is_numeric_dtype(column.dtype)


@cache
def say(name: str, language: str = "en") -> str:
    """Return the label of a construct, or the column name itself when it is no construct."""
    return str(constructs()["label_zh" if language == "zh" else "label"].get(name, name))


def informative(table: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Return the columns that vary: at least two different values, missing counted as one."""
    return [name for name in names if table[name].nunique(dropna=False) > 1]
