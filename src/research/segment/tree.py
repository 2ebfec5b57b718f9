"""M3: a pruned decision tree on the outcome, printed as rules a loan officer can read."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from research.errors import UserError
from research.once import Once
from research.segment.base import Seeded, informative, numbers
from research.segment.calibration import RULE_COLUMNS, Calibration, Tally
from research.segment.encode import OneHot
from research.segment.index import value_index
from research.segment.pruning import LEAF, Pruning, node_rates, prune, terminal_nodes
from research.segment.rule_text import Condition, rule_in_words
from research.segment.tiers import as_tiers, steady
from research.tiers import TIERS

# By matrix, outcome and settings: tier shares and weights that a study varies leave the tree of a fold as it is.
GROWN = Once["tuple[DecisionTreeClassifier, Pruning]"](most=64)


class DecisionTree(Seeded):
    """CART (Gini) on the outcome, pruned by the one-standard-error rule; leaves ordered by risk become tiers.

    Inputs are all predictors in both arms: nothing in the definition of a tree names fewer. Categories become one
    0/1 column per level frozen in fit (levels below the minimum leaf cannot be split on and get none). A missing
    number goes to the side that training chose, or to the larger side where training had none. Every leaf holds at
    least `least_leaf` of the training customers. α comes from `folds` inner folds (see `pruning`). When outcomes are
    rare the rule may ask for the root alone; a tree without leaves gives no tiers, so subtrees with fewer than
    `least_leaves` leaves are passed over, and `one_se_leaves_` tells what the rule alone would have kept.

    Leaf risk: bad rate of the leaf, smoothed by `prior` customers at the overall rate (m-estimate, Cestnik 1990), then
    recalibrated by a logistic curve on the inner folds' out-of-fold rates, which undoes the optimism of rates read
    off the customers that grew the leaf. A curve that would turn the order round is not used (`recalibrated_`).

    Value is the shared value index (block A); within a leaf the tier cuts fall by value.
    Native tiers: leaves stay whole; the riskiest leaf is high, the safest low, the others take the tier in which the
    middle of their place in the risk order falls; the low leaves' most valuable customers are premium.
    """

    own_probability = True
    least_leaf, least_leaves, folds, prior = 0.05, 3, 5, 20.0

    def _make_tree(self) -> DecisionTreeClassifier:
        return DecisionTreeClassifier(min_samples_leaf=self.least_leaf, random_state=self.seed)

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        chosen = self._chosen_inputs(table)
        self.encoder_ = OneHot(self.least_leaf).fit(table, informative(table, chosen) or chosen[:1])
        x = self.encoder_.transform(table)
        seen = ~np.isnan(bad)
        outcome = bad[seen].astype(int)
        fewest = int(np.bincount(outcome, minlength=2).min())
        if fewest < 2:
            raise UserError(
                f"outcome: found {fewest} customers in one class; a tree needs at least 2 in each"
            )
        folds = min(self.folds, fewest)
        settings = (self.least_leaf, self.least_leaves, folds, self.prior, self.seed)
        key = joblib.hash([x[seen], outcome, settings])
        self.tree_, self.pruning_ = GROWN(key, lambda: self._grow(x[seen], outcome, folds))
        self.one_se_leaves_ = int(self.pruning_.leaves[self.pruning_.one_se])
        self.stop_ = terminal_nodes(self.tree_.tree_, np.array([self.pruning_.alpha]))[:, 0]
        self.leaves_ = np.unique(self.stop_[self.tree_.tree_.children_left == LEAF])
        self._learn_risk(outcome)
        self.had_missing_ = np.isnan(x).any(axis=0)
        self.whole_ = (np.isnan(x) | (np.nan_to_num(x) % 1 == 0)).all(axis=0)
        self._read_paths()
        self.inputs_ = list(
            dict.fromkeys(self.encoder_.source_[i] for i in self.tree_.tree_.feature[self.stop_ == LEAF])
        )
        self.value_index_ = value_index(table, by_position=self.by_position_)
        self.value_inputs_ = list(self.value_index_.names_)
        self.component_names_ = ["leaf", "leaf_pd", "value"]
        self.n_rules_ = len(self.leaves_)

    def _grow(self, x: np.ndarray, outcome: np.ndarray, folds: int) -> tuple[DecisionTreeClassifier, Pruning]:
        tree = self._make_tree().fit(x, outcome)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
        return tree, prune(
            self._make_tree, x, outcome, splitter.split(x, outcome),
            full=tree, prior=self.prior, least_leaves=self.least_leaves,
        )  # fmt: skip

    def _learn_risk(self, outcome: np.ndarray) -> None:
        """Set `leaf_pd_`: the recalibrated, smoothed bad rate of each node."""
        rates = node_rates(self.tree_.tree_, self.prior)
        held_out: Pruning = self.pruning_
        curve = Calibration().fit(logit(held_out.rates), outcome.astype(float))
        self.recalibrated_ = bool(curve.slope_ > 0 and np.ptp(held_out.rates) > 0)
        self.leaf_pd_ = curve.probability(logit(rates)) if self.recalibrated_ else rates

    def _nodes(self, table: pd.DataFrame) -> np.ndarray:
        # columns the pruned tree does not split on cannot change where a customer stops
        x = self.encoder_.transform(table, self.inputs_)
        return self.stop_[self.tree_.tree_.apply(np.ascontiguousarray(x, dtype=np.float32))]

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        nodes = self._nodes(table)
        columns = {name: numbers(table, name) for name in self.value_index_.names_}
        value = self.value_index_.score(columns, len(table))
        return np.column_stack([np.searchsorted(self.leaves_, nodes) + 1.0, self.leaf_pd_[nodes], value])

    def _scores(self, table: pd.DataFrame, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return components[:, 1], components[:, 2]

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        leaf = components[:, 0].astype(int) - 1
        self.tally_ = Tally.of(leaf, bad, len(self.leaves_))
        risk = self.leaf_pd_[self.leaves_]
        order = np.argsort(-risk, kind="stable")
        before = np.cumsum(self.tally_.n[order]) - self.tally_.n[order] / 2
        middle = np.empty(len(order))
        middle[order] = before / len(table)
        shares = self.tier_cuts_.shares_
        edges = np.cumsum([shares["high"], shares["medium"]])
        position = np.searchsorted(edges - 1e-12, middle, side="right")
        if len(order) > 1:
            position[order[0]], position[order[-1]] = 0, 2
        self.leaf_tier_ = np.array(["high", "medium", "low"], dtype=object)[position]
        matched = self.tier_cuts_.assign(components[:, 1], components[:, 2])
        self.reached_ = [np.unique(matched[leaf == i]) for i in range(len(order))]

    def _native(self, table: pd.DataFrame, components: np.ndarray) -> np.ndarray:
        tiers = self.leaf_tier_[components[:, 0].astype(int) - 1].copy()
        risk, value = steady(components[:, 1]), steady(components[:, 2])
        valuable = self.tier_cuts_.premium_cut_.holds(value, -risk)
        tiers[(tiers == "low") & valuable] = "premium"
        return tiers

    def rules(self) -> pd.DataFrame:
        """Return one row per leaf, riskiest first.

        Columns: leaf, rule, rule_zh, length (conditions), n, known, bads, pd, ci_low, ci_high (Jeffreys), risk
        (smoothed and recalibrated), tier (native), matched_tiers.
        """
        risk = self.leaf_pd_[self.leaves_]
        rules = self.tally_.rates().assign(
            leaf=np.arange(1, len(risk) + 1),
            rule=[rule_in_words(path) for path in self.paths_],
            rule_zh=[rule_in_words(path, "zh") for path in self.paths_],
            length=[len(path) for path in self.paths_],
            risk=risk,
            tier=as_tiers(self.leaf_tier_),
            matched_tiers=[
                " / ".join(tier for tier in TIERS if tier in reached) for reached in self.reached_
            ],
        )
        columns = ["leaf", "rule", "rule_zh", *RULE_COLUMNS[1:-1], "risk", "tier", "matched_tiers"]
        return rules.iloc[np.argsort(-risk, kind="stable")][columns].reset_index(drop=True)

    def _read_paths(self) -> None:
        """Set `paths_`: the conditions that lead to each leaf."""
        tree = self.tree_.tree_
        paths: dict[int, tuple[Condition, ...]] = {0: ()}
        for node in range(tree.node_count):
            if node not in paths or self.stop_[node] != LEAF:
                continue
            column = int(tree.feature[node])
            for child, left in ((tree.children_left[node], True), (tree.children_right[node], False)):
                condition = Condition(
                    name=self.encoder_.source_[column],
                    level=self.encoder_.level_[column],
                    threshold=float(tree.threshold[node]),
                    below=left,
                    or_missing=bool(tree.missing_go_to_left[node]) == left and self.had_missing_[column],
                    whole=bool(self.whole_[column]),
                )
                paths[int(child)] = (*paths[node], condition)
        self.paths_ = [paths[int(leaf)] for leaf in self.leaves_]
