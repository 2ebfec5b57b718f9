"""M2: A customer value, B risk, C need. Not the inventory ABC (Pareto) analysis, which ranks items by turnover."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
import pandas as pd

from research.errors import UserError
from research.paths import DEFINITIONS
from research.segment.base import StratificationModel, informative, numbers, say
from research.segment.calibration import RULE_COLUMNS, Tally
from research.segment.encode import OutcomeOrder
from research.segment.index import Index, block_columns, indicator_definitions
from research.segment.tiers import as_tiers, steady

BLOCKS = ("A", "B", "C")
LEVELS = ("low", "mid", "high")
LEVEL_CUTS = (0.25, 0.75)  # the quantiles of a score between its levels


@cache
def _cells() -> pd.DataFrame:
    table = pd.read_csv(DEFINITIONS / "abc_cells.csv")
    keys = list(map(tuple, table[["a_level", "b_level", "c_level"]].to_numpy()))
    if sorted(keys) != sorted(product(LEVELS, repeat=3)):
        raise UserError("abc_cells.csv: expected each of the 27 combinations of low, mid and high once")
    as_tiers(table["tier"])
    return table


class ABC(StratificationModel):
    """Three scores (A customer value, B risk, C need), each a weighted mean of standardised indicators.

    This is not the inventory ABC (Pareto) analysis. Indicators, signs and what a missing value means are rows of
    `abc_indicators.csv`; those the table has are used. Missing values are neutral unless the definition says otherwise;
    `missing_count` tells how many indicators of a customer were unknown. A block without any indicator is neutral
    (score 0, level mid) and listed in `absent_blocks_`. Categories are not summed.

    Risk is B. Value is the weighted mean of A and C, because the model calls a customer worth serving for what he
    brings and for what he still needs. Native tiers: each score is cut into low, mid and high by its frozen
    quartiles, and `abc_cells.csv` maps the 27 cells to tiers. Matched tiers cut risk and value at the wanted shares.

    Equal information (`inputs="predictors"` or a list): B takes every input, categories as smoothed log-odds of their
    level, each with the sign of its correlation with the training outcome; A and C stay as defined.

    Parameters: weights {"A": , "B": , "C": } of the three scores (None = equal; B enters `abc_score` only).
    """

    def __init__(
        self,
        *,
        inputs: str | list[str] | None = None,
        weights: Mapping[str, float] | None = None,
        shares: Mapping[str, float] | None = None,
    ):
        super().__init__(inputs=inputs, shares=shares)
        self.weights = weights

    def _needs_outcome(self) -> bool:
        return self.inputs is not None

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        given = dict.fromkeys(BLOCKS, 1.0) if self.weights is None else self.weights
        total = sum(float(weight) for weight in given.values())
        self.weights_ = {block: float(given[block]) / total for block in BLOCKS}
        definitions = indicator_definitions()
        chosen = {block: block_columns(table, block, by_position=self.by_position_) for block in BLOCKS}
        signs = {
            block: {name: 1 if self.by_position_ else int(definitions.at[name, "sign"]) for name in names}
            for block, names in chosen.items()
        }
        self.order_ = None
        if self.inputs is not None:
            names = informative(table, self._chosen_inputs(table))
            self.order_ = OutcomeOrder().fit(table, names, bad)
            signs["B"] = {name: self._sign(self._values(table, name), bad) for name in names}
        if not any(signs.values()):
            raise UserError("ABC: the table has no indicator of abc_indicators.csv; ABC is not testable here")
        self.missing_ = {} if self.by_position_ else definitions["missing"].to_dict()
        columns = {name: self._values(table, name) for block in BLOCKS for name in signs[block]}
        self.indices_ = {block: Index(signs[block]).fit(columns, self.missing_) for block in BLOCKS}
        self.absent_blocks_ = [block for block in BLOCKS if not self.indices_[block].names_]
        self.absent_ = (
            [] if self.by_position_ else [name for name in definitions.index if name not in table.columns]
        )
        self.inputs_ = list(dict.fromkeys(name for block in BLOCKS for name in self.indices_[block].names_))
        self.component_names_ = ["a_score", "b_score", "c_score", "abc_score", "missing_count"]
        scores = self._block_scores(columns, len(table))
        # cuts and scores are rounded alike: a customer on a cut is on it, whatever the last bit
        self.level_cuts_ = {
            block: tuple(steady(np.quantile(steady(scores[block]), LEVEL_CUTS))) for block in BLOCKS
        }
        self.n_rules_ = sum(len(index.names_) for index in self.indices_.values()) + len(_cells())

    @staticmethod
    def _sign(values: np.ndarray, bad: np.ndarray) -> int:
        usable = ~np.isnan(values) & ~np.isnan(bad)
        if not usable.any():
            return 1
        rank = pd.Series(values[usable]).rank().to_numpy()
        return 1 if np.mean((rank - rank.mean()) * bad[usable]) >= 0 else -1

    def _values(self, table: pd.DataFrame, name: str) -> np.ndarray:
        return numbers(table, name) if self.order_ is None else self.order_.values(table, name)

    def _block_scores(self, columns: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
        return {block: self.indices_[block].score(columns, n) for block in BLOCKS}

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        columns = {name: self._values(table, name) for name in self.inputs_}
        scores = self._block_scores(columns, len(table))
        weight = self.weights_
        overall = weight["A"] * scores["A"] - weight["B"] * scores["B"] + weight["C"] * scores["C"]
        missing = np.zeros(len(table))
        for name in self.inputs_:
            if self.missing_.get(name, "neutral") == "neutral":
                missing += table[name].isna().to_numpy()
        return np.column_stack([scores["A"], scores["B"], scores["C"], overall, missing])

    def _scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b, c = components[:, 0], components[:, 1], components[:, 2]
        weight_a, weight_c = self.weights_["A"], self.weights_["C"]
        if weight_a + weight_c == 0:
            return b, a
        return b, (weight_a * a + weight_c * c) / (weight_a + weight_c)

    def _level_codes(self, components: np.ndarray) -> np.ndarray:
        """Return levels 0 low, 1 mid, 2 high of A, B and C (n, 3); a value on a cut belongs to the level below."""
        codes = np.ones((len(components), 3), dtype=int)
        for i, block in enumerate(BLOCKS):
            if block not in self.absent_blocks_:
                codes[:, i] = np.searchsorted(self.level_cuts_[block], steady(components[:, i]), side="left")
        return codes

    def cells(self, X) -> np.ndarray:
        """Return the row of `abc_cells.csv`, and of `rules`, of each customer (n,)."""
        return self._cell_codes(self.transform(X))

    def _cell_codes(self, components: np.ndarray) -> np.ndarray:
        rank = {level: i for i, level in enumerate(LEVELS)}
        row_of = np.empty((3, 3, 3), dtype=int)
        for i, (a, b, c) in enumerate(_cells()[["a_level", "b_level", "c_level"]].itertuples(index=False)):
            row_of[rank[a], rank[b], rank[c]] = i
        return row_of[tuple(self._level_codes(components).T)]

    def _native(self, table: pd.DataFrame, components: np.ndarray) -> np.ndarray:
        return _cells()["tier"].to_numpy(dtype=object)[self._cell_codes(components)]

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        self.tally_ = Tally.of(self._cell_codes(components), bad, len(_cells()))

    def rules(self) -> pd.DataFrame:
        """Return the 27 cells with their tier, reason, training counts and default rates."""
        cells = _cells()
        levels = cells[["a_level", "b_level", "c_level"]].to_numpy()
        rules = self.tally_.rates().assign(
            rule=[f"Value {a}, risk {b}, need {c}" for a, b, c in levels],
            length=3,
            a_level=cells["a_level"],
            b_level=cells["b_level"],
            c_level=cells["c_level"],
            reason=cells["reason"],
            tier=as_tiers(cells["tier"]),
        )
        return rules[[*RULE_COLUMNS, *(name for name in rules.columns if name not in RULE_COLUMNS)]]

    def indicators(self) -> pd.DataFrame:
        """Return one row per indicator used: block, label, sign, weight and the frozen clipping, mean and sd."""
        parts = [self.indices_[block].table_.assign(block=block) for block in BLOCKS]
        frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
        frame.insert(0, "block", frame.pop("block"))
        frame.insert(2, "label", [say(name) for name in frame["indicator"]])
        return frame
