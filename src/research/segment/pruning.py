"""Cost-complexity pruning of a fitted tree without refits, and the one-standard-error rule.

Weakest-link pruning (Breiman, Friedman, Olshen and Stone 1984, chapter 3): the internal node whose removal costs the
least impurity per leaf saved is made a leaf, again and again, up to the root. Which node falls at which α depends
on the fitted tree alone, so one fit per fold gives the predictions of every subtree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeClassifier

LEAF = -1


def weakest_links(tree) -> np.ndarray:
    """Return the α from which each node of a fitted sklearn `tree_` is a leaf or gone (n_nodes,); inf for leaves.

    An internal node gets the α of the step that collapses it, or that collapses an ancestor first. α is made
    non-decreasing along the sequence, which is what stopping at the first larger α means.
    """
    left, right = tree.children_left, tree.children_right
    n_nodes = tree.node_count
    cost = tree.weighted_n_node_samples * tree.impurity / tree.weighted_n_node_samples[0]
    parent = np.full(n_nodes, LEAF)
    inner = left != LEAF
    parent[left[inner]] = np.flatnonzero(inner)
    parent[right[inner]] = np.flatnonzero(inner)
    branch, leaves = np.zeros(n_nodes), np.zeros(n_nodes, dtype=int)
    for leaf in np.flatnonzero(~inner):
        branch[leaf] = cost[leaf]
        node = leaf
        while node != 0:
            node = parent[node]
            branch[node] += cost[leaf]
            leaves[node] += 1
    alive = inner.copy()
    alpha = np.full(n_nodes, np.inf)
    reached = 0.0
    while alive[0]:
        candidates = np.flatnonzero(alive)
        link = (cost[candidates] - branch[candidates]) / (leaves[candidates] - 1)
        weakest = candidates[np.argmin(link)]
        reached = max(reached, float(link.min()))
        below = [weakest]
        while below:
            node = below.pop()
            if alive[node]:
                alive[node] = False
                alpha[node] = reached
                below += [left[node], right[node]]
        saved, gained = leaves[weakest] - 1, cost[weakest] - branch[weakest]
        branch[weakest] = cost[weakest]
        node = weakest
        while node != 0:
            node = parent[node]
            leaves[node] -= saved
            branch[node] += gained
    return alpha


def terminal_nodes(tree, alphas: np.ndarray) -> np.ndarray:
    """Return, per node and per α, the node at which a customer who reaches it stops (n_nodes, n_alphas).

    A subtree at α has collapsed every node whose own α is not above it; the one nearest the root counts.
    """
    collapse = weakest_links(tree)
    inner = tree.children_left != LEAF
    parent = np.full(tree.node_count, LEAF)
    parent[tree.children_left[inner]] = np.flatnonzero(inner)
    parent[tree.children_right[inner]] = np.flatnonzero(inner)
    stop = np.full((tree.node_count, len(alphas)), LEAF)
    for node in range(tree.node_count):  # a parent always has the smaller number
        inherited = stop[parent[node]] if node else np.full(len(alphas), LEAF)
        own = (collapse[node] <= alphas) | ~inner[node]
        stop[node] = np.where(inherited != LEAF, inherited, np.where(own, node, LEAF))
    return stop


def node_rates(tree, prior: float) -> np.ndarray:
    """Return the bad rate of each node (n_nodes,), smoothed towards the root by `prior` customers at its rate."""
    weight = tree.weighted_n_node_samples
    bads = tree.value[:, 0, 1] * weight if tree.value[0, 0].sum() <= 1 + 1e-9 else tree.value[:, 0, 1]
    return (bads + prior * bads[0] / weight[0]) / (weight + prior)


def brier(rate: np.ndarray, bads: np.ndarray, goods: np.ndarray) -> np.ndarray:
    """Return the mean squared error (n_alphas,) of leaf rates (n_leaves, n_alphas) given counts (n_leaves,)."""
    lost = bads[:, None] * (1 - rate) ** 2 + goods[:, None] * rate**2
    return lost.sum(axis=0) / (bads.sum() + goods.sum())


def log_loss(rate: np.ndarray, bads: np.ndarray, goods: np.ndarray) -> np.ndarray:
    """Return the mean negative log likelihood (n_alphas,), arguments as in `brier`."""
    rate = np.clip(rate, 1e-15, 1 - 1e-15)
    lost = -(bads[:, None] * np.log(rate) + goods[:, None] * np.log1p(-rate))
    return lost.sum(axis=0) / (bads.sum() + goods.sum())


LOSSES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "brier": brier,
    "log_loss": log_loss,
}


@dataclass(frozen=True)
class Pruning:
    """What cross-validated pruning found.

    alphas (k,): geometric means of neighbouring steps of the full tree's sequence; leaves (k,): leaves of the full
    tree at each; losses (k, folds); mean and standard error (k,); best and chosen: positions in alphas;
    rates (n,): out-of-fold bad rate of each customer at the chosen α.
    """

    alphas: np.ndarray
    leaves: np.ndarray
    losses: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    best: int
    one_se: int
    chosen: int
    rates: np.ndarray

    @property
    def alpha(self) -> float:
        """The chosen α."""
        return float(self.alphas[self.chosen])


def candidate_alphas(tree) -> np.ndarray:
    """Return 0, the geometric means of neighbouring steps of the sequence, and the last step (the root alone)."""
    collapse = weakest_links(tree)
    steps = np.unique(np.concatenate([[0.0], collapse[np.isfinite(collapse)]]))
    return np.unique(np.concatenate([[0.0], np.sqrt(steps[:-1] * steps[1:]), steps[-1:]]))


def prune(
    make_tree: Callable[[], DecisionTreeClassifier],
    x: np.ndarray,
    y: np.ndarray,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    full: DecisionTreeClassifier,
    loss: str = "log_loss",
    prior: float = 0.0,
    least_leaves: int = 1,
) -> Pruning:
    """Choose α by cross-validation and the one-standard-error rule: one fit per fold, every subtree scored at once.

    x (n, p) numeric, y (n,) 0/1, folds of (train, test) positions, `full` the tree fitted on all rows. The rule takes
    the smallest tree whose mean loss is at most one standard error (over folds) above the lowest; subtrees of `full`
    with fewer than `least_leaves` leaves are passed over.
    """
    alphas = candidate_alphas(full.tree_)
    full_stop = terminal_nodes(full.tree_, alphas)
    is_leaf = full.tree_.children_left == LEAF
    leaves = np.array([len(np.unique(full_stop[is_leaf, k])) for k in range(len(alphas))])
    losses, held_out = [], []
    for train, test in folds:
        tree = make_tree().fit(x[train], y[train]).tree_
        rate = node_rates(tree, prior)[terminal_nodes(tree, alphas)]
        reached = tree.apply(np.ascontiguousarray(x[test], dtype=np.float32))
        total = np.bincount(reached, minlength=tree.node_count)
        bads = np.bincount(reached, weights=y[test], minlength=tree.node_count)
        seen = total > 0
        losses.append(LOSSES[loss](rate[seen], bads[seen], total[seen] - bads[seen]))
        held_out.append((test, rate, reached))
    table = np.column_stack(losses)
    mean, error = table.mean(axis=1), table.std(axis=1, ddof=1) / np.sqrt(table.shape[1])
    best = int(np.flatnonzero(mean == mean.min())[-1])
    one_se = int(np.flatnonzero(mean <= mean[best] + error[best])[-1])
    allowed = np.flatnonzero(leaves >= min(least_leaves, leaves.max()))
    chosen = int(min(one_se, allowed[-1]))
    rates = np.full(len(y), np.nan)
    for test, rate, reached in held_out:
        rates[test] = rate[reached, chosen]
    return Pruning(alphas, leaves, table, mean, error, best, one_se, chosen, rates)
