"""Weights from experts' pairwise comparisons (analytic hierarchy process).

Weights are the principal eigenvector of the reciprocal matrix of judgements; the consistency ratio is
(λmax − n) / (n − 1) / RI(n) with the random index RI of Saaty (1980), in `data/definitions/ahp_random_index.csv`.
Experts are joined by the geometric mean of their judgements, the only rule that keeps reciprocity (Aczél & Saaty 1983).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.paths import DEFINITIONS

LIMIT = 0.10  # consistency ratio that Saaty still accepts
TAILS = (0.025, 0.975)  # quantiles of the resamples


def random_index(n: int) -> float:
    """Return the mean consistency index of random reciprocal matrices of order n."""
    table = pd.read_csv(DEFINITIONS / "ahp_random_index.csv", index_col="n")["saaty_1980"]
    if n not in table.index:
        raise UserError(
            f"{n} elements compared pairwise; the random index is tabulated up to {table.index.max()}"
        )
    return float(table[n])


def matrix(judgements: pd.DataFrame, elements: list[str]) -> np.ndarray:
    """Return the reciprocal matrix of one expert from `left`, `right`, `value` (left over right, 1/9 to 9)."""
    found, place = np.eye(len(elements)), {element: i for i, element in enumerate(elements)}
    for left, right, value in judgements[["left", "right", "value"]].itertuples(index=False):
        found[place[left], place[right]] = value
        found[place[right], place[left]] = 1 / value
    return found


def eigenvector(judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (…, n), adding up to 1, and λmax of complete reciprocal matrices (…, n, n)."""
    values, vectors = np.linalg.eig(judged)
    top = values.real.argmax(axis=-1)[..., None]
    weights = np.abs(np.take_along_axis(vectors.real, top[..., None, :], axis=-1)[..., 0])
    largest = np.take_along_axis(values.real, top, axis=-1)[..., 0]
    return weights / weights.sum(axis=-1, keepdims=True), largest


def consistency_ratio(lambda_max: float, n: int) -> float:
    """Return the consistency ratio of n elements; with two there is nothing to contradict, so it is 0."""
    return 0.0 if n < 3 else max(0.0, (float(lambda_max) - n) / (n - 1) / random_index(n))


def expert_weights(judgements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the weights of every expert in every set of comparisons, with their consistency.

    Args:
        judgements: `expert`, `set`, `left`, `right`, `value`, see `intake.comparisons.read_ahp`.
        pairs: `set`, `left`, `right` of every comparison asked.

    Returns:
        `set`, `expert`, `element`, `weight`, `consistency_ratio`, `status` (consistent, inconsistent, incomplete); an
        incomplete expert has NaN weights.
    """
    rows = []
    for (name, expert), part in judgements.groupby(["set", "expert"], sort=False):
        elements = _elements(pairs, name)
        weights, ratio, status = np.full(len(elements), np.nan), np.nan, "incomplete"
        if len(part) == (pairs["set"] == name).sum():
            weights, lambda_max = eigenvector(matrix(part, elements))
            ratio = consistency_ratio(lambda_max, len(elements))
            status = "consistent" if ratio <= LIMIT else "inconsistent"
        rows += [(name, expert, *one, ratio, status) for one in zip(elements, weights, strict=True)]
    return pd.DataFrame(rows, columns=["set", "expert", "element", "weight", "consistency_ratio", "status"])


def group_weights(
    judgements: pd.DataFrame, pairs: pd.DataFrame, *, resamples: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Return the group's weights per set of comparisons, with bootstrap intervals over experts.

    Experts whose consistency ratio is above `LIMIT`, and incomplete ones, are left out.

    Returns:
        `set`, `element`, `weight`, `ci_low`, `ci_high`, `experts` (used), `left_out`, `consistency_ratio` (of the
        group matrix), `note`. A set where no expert is left has equal weights and says so.
    """
    table = expert_weights(judgements, pairs)
    parts = []
    for name in pairs["set"].drop_duplicates():
        of_set = table[table["set"] == name].drop_duplicates("expert")
        used = of_set.loc[of_set["status"] == "consistent", "expert"]
        elements = _elements(pairs, name)
        found = {"set": name, "element": elements, "weight": 1 / len(elements), "ci_low": np.nan, "ci_high": np.nan,
                 "experts": len(used), "left_out": len(of_set) - len(used), "consistency_ratio": np.nan,
                 "note": "" if len(used) > 1 else "one expert: no interval" if len(used) else
                 "no consistent expert: equal weights"}  # fmt: skip
        if len(used):
            own = judgements[(judgements["set"] == name) & judgements["expert"].isin(used)]
            logs = np.log([matrix(part, elements) for _, part in own.groupby("expert", sort=False)])
            found["weight"], lambda_max = eigenvector(np.exp(logs.mean(axis=0)))
            found["consistency_ratio"] = consistency_ratio(lambda_max, len(elements))
            if len(used) > 1 and resamples:
                times = np.random.default_rng(seed).multinomial(
                    len(logs), np.full(len(logs), 1 / len(logs)), size=resamples
                )
                drawn, _ = eigenvector(np.exp(np.tensordot(times / len(logs), logs, axes=1)))
                found["ci_low"], found["ci_high"] = np.quantile(drawn, TAILS, axis=0)
        parts.append(pd.DataFrame(found))
    return pd.concat(parts, ignore_index=True)


def _elements(pairs: pd.DataFrame, name: str) -> list[str]:
    of_set = pairs[pairs["set"] == name]
    elements = list(dict.fromkeys([*of_set["left"], *of_set["right"]]))
    if len(of_set) != len(elements) * (len(elements) - 1) // 2:
        raise UserError(
            f"set {name} asks {len(of_set)} pairs of {len(elements)} elements; expected every pair once"
        )
    return elements
