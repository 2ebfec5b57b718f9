"""Time one-standard-error pruning by our path against GridSearchCV's refits: `python bench/pruning.py [rows] [runs]`.

Both choose among the same α of the same folds by the same loss; the script also checks that their losses agree.
Data are invented: 25 columns like those of a loan book (skewed money, counts, yes/no).
"""

from __future__ import annotations

import sys
import time
from functools import partial

import numpy as np
from record import record
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from research.segment.pruning import candidate_alphas, prune


def loan_book(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, 25) numbers and a 0/1 outcome with a rate near 22 %."""
    rng = np.random.default_rng(seed)
    money = rng.lognormal(9, 1, (rows, 15))
    counts = rng.poisson(1.5, (rows, 6)).astype(float)
    flags = (rng.random((rows, 4)) < 0.3).astype(float)
    odds = (
        -2.2 + 0.4 * np.log(money[:, 0] / money[:, 1]) + 0.4 * counts[:, 0] + 0.6 * flags[:, 0] * counts[:, 1]
    )
    outcome = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return np.hstack([money, counts, flags]), outcome


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    measured = []
    for leaf in (0.05, 0.01):
        make = partial(DecisionTreeClassifier, min_samples_leaf=leaf, random_state=0)
        ours = theirs = 0.0
        worst, same, count = 0.0, True, 0
        for run in range(runs):
            x, y = loan_book(rows, run)
            folds = list(StratifiedKFold(5, shuffle=True, random_state=run).split(x, y))

            start = time.process_time()
            found = prune(make, x, y, folds, full=make().fit(x, y), loss="brier")
            ours += time.process_time() - start

            start = time.process_time()
            alphas = candidate_alphas(make().fit(x, y).tree_)
            grid = GridSearchCV(
                make(), {"ccp_alpha": alphas}, scoring="neg_brier_score", cv=folds, refit=False
            )
            results = grid.fit(x, y).cv_results_
            losses = -np.column_stack([results[f"split{k}_test_score"] for k in range(5)])
            mean, error = losses.mean(axis=1), losses.std(axis=1, ddof=1) / np.sqrt(5)
            best = mean.argmin()
            chosen = np.flatnonzero(mean <= mean[best] + error[best] + 1e-13)[-1]
            make(ccp_alpha=alphas[chosen]).fit(x, y)
            theirs += time.process_time() - start

            worst = max(worst, float(np.abs(losses - found.losses).max()))
            same, count = same and chosen == found.chosen, count + len(alphas)
        print(
            f"{rows:,} × 25, minimum leaf {leaf:.0%}, {count / runs:.0f} α × 5 folds: ours {ours / runs:.2f} s,"
            f" GridSearchCV {theirs / runs:.2f} s, ratio {theirs / ours:.1f};"
            f" largest difference of a loss {worst:.1e}, same α: {same}"
        )
        measured.append(
            {
                "claim": f"one-standard-error pruning, minimum leaf {leaf:.0%}",
                "ours": "one pass per fold over the pruning path",
                "ours_seconds": ours / runs,
                "alternative": f"GridSearchCV over {count / runs:.0f} α × 5 folds",
                "alternative_seconds": theirs / runs,
                "ratio": theirs / ours,
                "target": "at least 8",
                "n": f"{rows:,} × 25",
                "note": f"losses differ by {worst:.0e} at most, same α: {'yes' if same else 'no'}",
            }
        )
    record("pruning", measured)


if __name__ == "__main__":
    main()
