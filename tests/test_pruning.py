"""Pruning without refits against scikit-learn's own refits."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import log_loss as reference_log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from research.segment.pruning import (
    LEAF,
    brier,
    candidate_alphas,
    log_loss,
    node_rates,
    prune,
    terminal_nodes,
    weakest_links,
)


def data(seed: int, n: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers with gaps, whole numbers with ties and yes/no columns, and a 0/1 outcome."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.normal(size=(n, 3)), rng.integers(0, 5, (n, 3)), rng.integers(0, 2, (n, 2))]
    ).astype(float)
    odds = -2 + x[:, 0] + 0.5 * x[:, 3] - x[:, 6]
    x[rng.random(n) < 0.2, 0] = np.nan
    return x, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


SETTINGS = [
    {"min_samples_leaf": 0.05},
    {"min_samples_leaf": 5},
    {"min_samples_leaf": 1, "max_depth": 9},  # many splits save the same: ties in the sequence
    {"min_samples_leaf": 0.02, "criterion": "entropy"},
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_subtree_equals_sklearns_refit(setting):
    x, y = data(0)
    full = DecisionTreeClassifier(random_state=0, **setting).fit(x, y)
    path = full.cost_complexity_pruning_path(x, y).ccp_alphas
    alphas = np.unique(np.concatenate([candidate_alphas(full.tree_)[::3], path[::4], [1.0]]))[:40]
    stop = terminal_nodes(full.tree_, alphas)
    reached = full.apply(x)
    rate = node_rates(full.tree_, prior=0.0)
    for k, alpha in enumerate(alphas):
        refit = DecisionTreeClassifier(random_state=0, ccp_alpha=alpha, **setting).fit(x, y)
        ours = rate[stop[reached, k]]
        assert np.abs(ours - refit.predict_proba(x)[:, 1]).max() < 1e-12, alpha
        assert len(np.unique(stop[full.tree_.children_left == LEAF, k])) == refit.get_n_leaves(), alpha


def test_steps_are_sklearns_path():
    x, y = data(1)
    full = DecisionTreeClassifier(random_state=0, min_samples_leaf=0.03).fit(x, y)
    collapse = weakest_links(full.tree_)
    ours = np.unique(collapse[np.isfinite(collapse)])
    path = full.cost_complexity_pruning_path(x, y).ccp_alphas
    np.testing.assert_allclose(ours, np.unique(path)[1:], rtol=0, atol=1e-15)


def test_a_tree_by_hand():
    # 8 rows: the root splits 4 bad of 4 from 1 bad of 4, the second split frees the one bad
    x = np.array([[0.0, 0], [0, 0], [0, 0], [0, 1], [1, 0], [1, 0], [1, 0], [1, 0]])
    y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    tree = DecisionTreeClassifier(random_state=0).fit(x, y).tree_
    # Gini: root 2 · 5/8 · 3/8 = 15/32; the node with 1 bad of 4 costs 4/8 · 3/8 = 3/16 and its split costs 0
    collapse = weakest_links(tree)
    assert collapse[0] == pytest.approx(
        15 / 32 - 3 / 16
    )  # costs 9/32, saves one leaf once the other split is gone
    inner = [node for node in range(1, tree.node_count) if tree.children_left[node] != LEAF]
    assert collapse[inner] == pytest.approx([3 / 16])
    assert np.isinf(collapse[tree.children_left == LEAF]).all()
    assert candidate_alphas(tree) == pytest.approx([0, np.sqrt(3 / 16 * 9 / 32), 9 / 32])
    # at the first α above 3/16 only the root split is left
    assert len(np.unique(terminal_nodes(tree, np.array([0.2]))[tree.children_left == LEAF])) == 2


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_losses_and_choice_equal_grid_search(seed):
    x, y = data(seed)
    make = partial(DecisionTreeClassifier, min_samples_leaf=0.05, random_state=0)
    full = make().fit(x, y)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y))
    ours = prune(make, x, y, folds, full=full, loss="brier")
    grid = GridSearchCV(make(), {"ccp_alpha": ours.alphas}, scoring="neg_brier_score", cv=folds, refit=False)
    found = grid.fit(x, y).cv_results_
    theirs = -np.column_stack([found[f"split{k}_test_score"] for k in range(5)])
    np.testing.assert_allclose(ours.losses, theirs, rtol=0, atol=1e-12)
    mean, error = theirs.mean(axis=1), theirs.std(axis=1, ddof=1) / np.sqrt(5)
    best = theirs.mean(axis=1).argmin()
    largest = ours.alphas[mean <= mean[best] + error[best] + 1e-13].max()
    assert ours.alpha == largest


def test_out_of_fold_rates_equal_refits():
    x, y = data(5)
    make = partial(DecisionTreeClassifier, min_samples_leaf=0.05, random_state=0)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(x, y))
    ours = prune(make, x, y, folds, full=make().fit(x, y), loss="log_loss")
    for k, (train, test) in enumerate(folds):
        refit = make(ccp_alpha=ours.alpha).fit(x[train], y[train])
        rate = refit.predict_proba(x[test])[:, 1]
        np.testing.assert_allclose(ours.rates[test], rate, rtol=0, atol=1e-12)
        theirs = reference_log_loss(y[test], np.clip(rate, 1e-15, 1 - 1e-15))
        assert ours.losses[ours.chosen, k] == pytest.approx(theirs, abs=1e-12)


def test_rates_are_smoothed_towards_the_root():
    x, y = data(6)
    tree = DecisionTreeClassifier(min_samples_leaf=0.05, random_state=0).fit(x, y).tree_
    leaf = np.flatnonzero(tree.children_left == LEAF)[0]
    inside = tree.apply(x.astype(np.float32)) == leaf
    by_hand = (y[inside].sum() + 20 * y.mean()) / (inside.sum() + 20)
    assert node_rates(tree, 20.0)[leaf] == pytest.approx(by_hand, abs=1e-12)


def test_losses_by_hand():
    rate = np.array([[0.5], [0.25]])
    bads, goods = np.array([1.0, 1.0]), np.array([1.0, 3.0])
    assert brier(rate, bads, goods) == pytest.approx([(2 * 0.25 + 0.5625 + 3 * 0.0625) / 6])
    by_hand = -(2 * np.log(0.5) + np.log(0.25) + 3 * np.log(0.75)) / 6
    assert log_loss(rate, bads, goods) == pytest.approx([by_hand])


def test_small_subtrees_are_passed_over():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(800, 4)), (rng.random(800) < 0.05).astype(int)  # nothing to learn
    make = partial(DecisionTreeClassifier, min_samples_leaf=0.05, random_state=0)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(x, y))
    full = make().fit(x, y)
    free = prune(make, x, y, folds, full=full)
    held = prune(make, x, y, folds, full=full, least_leaves=3)
    assert free.leaves[free.chosen] == 1
    assert held.leaves[held.chosen] >= 3
    assert held.one_se == free.one_se
