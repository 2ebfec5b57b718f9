"""Reference: a provably optimal small tree, when the optional solver is installed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.segment.base import Seeded, informative, is_category
from research.segment.calibration import RULE_COLUMNS, Tally
from research.segment.encode import OneHot
from research.segment.references import Reference
from research.segment.rule_text import Condition, rule_in_words
from research.segment.tiers import as_tiers


class OptimalTree(Reference, Seeded):
    """The tree of a given depth with the least squared error on the training outcome: no other such tree is better.

    Squared error on a 0/1 outcome is the Gini impurity that CART lowers step by step; the solver searches all trees
    (STreeD: van der Linden, de Weerdt and Demirović 2023; package pystreed, extra `optimal`). Numbers become yes/no
    questions at their training quantiles (`cuts`), categories one question per level; a missing number answers no.
    `penalty` is what one more leaf must save, as a share of the error at the root. Leaf risk is the bad rate smoothed
    by `prior` customers at the overall rate. After `seconds` the best tree found is taken.
    """

    own_probability = True
    depth, cuts, least_leaf, penalty, prior, seconds = 3, 3, 0.05, 0.0005, 20.0, 120.0

    def _learn(self, table: pd.DataFrame, bad: np.ndarray | None) -> None:
        try:
            from pystreed import STreeDRegressor
        except ImportError:
            raise UserError(
                "the optimal tree needs the package pystreed: pip install 'research[optimal]'"
            ) from None
        chosen = self._chosen_inputs(table)
        self.encoder_ = OneHot(self.least_leaf).fit(table, informative(table, chosen) or chosen[:1])
        x = self.encoder_.transform(table)
        self._learn_questions(x)
        seen = ~np.isnan(bad)
        solver = STreeDRegressor(
            max_depth=self.depth,
            min_leaf_node_size=max(1, int(np.ceil(self.least_leaf * seen.sum()))),
            cost_complexity=self.penalty,
            time_limit=self.seconds,
            random_seed=self.seed,
        ).fit(self._answers(x)[seen].astype(int), bad[seen])
        self.leaves_: list[tuple[tuple[int, bool], ...]] = []
        self._walk(solver.get_tree(), ())
        used = dict.fromkeys(question for path in self.leaves_ for question, _ in path)
        self.inputs_ = list(dict.fromkeys(self.encoder_.source_[self.questions_[q][0]] for q in used))
        base = float(bad[seen].mean())
        leaf = self._leaf(table)[seen]
        n = np.bincount(leaf, minlength=len(self.leaves_))
        bads = np.bincount(leaf, weights=bad[seen], minlength=len(self.leaves_))
        self.leaf_pd_ = (bads + self.prior * base) / (n + self.prior)
        self.n_rules_ = len(self.leaves_)
        self._learn_value(table)

    def _learn_questions(self, x: np.ndarray) -> None:
        """Set `questions_`: (matrix column, threshold); the answer is yes above the threshold."""
        self.questions_: list[tuple[int, float]] = []
        for column, level in enumerate(self.encoder_.level_):
            if level is not None:
                self.questions_.append((column, 0.5))
                continue
            known = x[~np.isnan(x[:, column]), column]
            if len(known) == 0:
                continue
            cuts = np.unique(
                np.quantile(known, np.arange(1, self.cuts + 1) / (self.cuts + 1), method="lower")
            )
            self.questions_ += [(column, float(cut)) for cut in cuts if cut < known.max()]

    def _answers(self, x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, column] > threshold for column, threshold in self.questions_])

    def _walk(self, node, path: tuple[tuple[int, bool], ...]) -> None:
        if node.is_leaf_node():
            self.leaves_.append(path)
            return
        self._walk(node.left_child, (*path, (int(node.feature), False)))
        self._walk(node.right_child, (*path, (int(node.feature), True)))

    def _leaf(self, table: pd.DataFrame) -> np.ndarray:
        answers = self._answers(self.encoder_.transform(table, self.inputs_))
        leaf = np.zeros(len(table), dtype=int)
        for i, path in enumerate(self.leaves_):
            inside = np.ones(len(table), dtype=bool)
            for question, yes in path:
                inside &= answers[:, question] == yes
            leaf[inside] = i
        return leaf

    def _components(self, table: pd.DataFrame) -> np.ndarray:
        return np.column_stack([self.leaf_pd_[self._leaf(table)], self._value(table)])

    def _describe(self, table: pd.DataFrame, components: np.ndarray, bad: np.ndarray | None) -> None:
        leaf = self._leaf(table)
        paths = [[self._condition(q, yes, table) for q, yes in path] for path in self.leaves_]
        tiers = pd.Series(self.tier_cuts_.assign(components[:, 0], components[:, 1]))
        commonest = tiers.groupby(leaf).agg(lambda group: group.value_counts().index[0])
        frame = Tally.of(leaf, bad, len(self.leaves_)).rates()
        frame = frame.assign(
            rule=[rule_in_words(path) for path in paths],
            length=[len(path) for path in paths],
            tier=as_tiers(commonest.reindex(range(len(paths)))),
        )
        self.rules_ = frame.iloc[np.argsort(-self.leaf_pd_, kind="stable")].reset_index(drop=True)

    def rules(self) -> pd.DataFrame:
        """Return one row per leaf, riskiest first; `tier` is the commonest of a leaf."""
        return self.rules_[list(RULE_COLUMNS)].copy()

    def _condition(self, question: int, yes: bool, table: pd.DataFrame) -> Condition:
        column, threshold = self.questions_[question]
        name, level = self.encoder_.source_[column], self.encoder_.level_[column]
        missing = not yes and not is_category(table[name]) and bool(table[name].isna().any())
        return Condition(name=name, level=level, threshold=threshold, below=not yes, or_missing=missing)
