"""Weights from experts' pairwise comparisons (analytic hierarchy process).

Weights are the principal eigenvector of the reciprocal matrix of judgements; the consistency ratio is
(λmax − n) / (n − 1) / RI(n) with the random index RI of Saaty (1980) or of Alonso & Lamata (2006), both in
`data/definitions/ahp_random_index.csv`. Experts are joined by the geometric mean of their judgements, the only
rule that keeps reciprocity (Aczél & Saaty 1983).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.paths import DEFINITIONS

LIMIT = 0.10  # consistency ratio that Saaty still accepts


def random_index(n: int, source: str = "saaty_1980") -> float:
    """The mean consistency index of random reciprocal matrices of order n."""
    table = pd.read_csv(DEFINITIONS / "ahp_random_index.csv", index_col="n")
    if n not in table.index:
        raise UserError(
            f"{n} elements compared pairwise; the random index is tabulated up to {table.index.max()}"
        )
    return float(table.loc[n, source])


def matrix(judgements: pd.DataFrame, elements: list[str]) -> pd.DataFrame:
    """The reciprocal matrix of one expert; NaN where a pair was not judged.

    Args:
        judgements: `left`, `right`, `value` (left over right, 1/9 to 9).
    """
    found = pd.DataFrame(np.nan, index=elements, columns=elements)
    np.fill_diagonal(values := found.to_numpy(copy=True), 1.0)
    place = {element: i for i, element in enumerate(elements)}
    for left, right, value in judgements[["left", "right", "value"]].itertuples(index=False):
        values[place[left], place[right]] = value
        values[place[right], place[left]] = 1 / value
    return pd.DataFrame(values, index=elements, columns=elements)


def eigenvector(judged: pd.DataFrame, source: str = "saaty_1980") -> tuple[pd.Series, float, float]:
    """Return weights (sum 1), λmax and the consistency ratio of a complete reciprocal matrix.

    With two elements there is nothing to contradict, so the ratio is 0.
    """
    values, vectors = np.linalg.eig(judged.to_numpy(dtype=float))
    top = int(np.argmax(values.real))
    weights = np.abs(vectors[:, top].real)
    n = len(judged)
    lambda_max = float(values[top].real)
    ratio = 0.0 if n < 3 else max(0.0, (lambda_max - n) / (n - 1) / random_index(n, source))
    return pd.Series(weights / weights.sum(), index=judged.index, name="weight"), lambda_max, ratio


def expert_weights(judgements: pd.DataFrame, pairs: pd.DataFrame, *, limit: float = LIMIT) -> pd.DataFrame:
    """Return the weights of every expert in every set of comparisons, with their consistency.

    Args:
        judgements: `expert`, `left`, `right`, `value` (left over right, 1/9 to 9); `right` over `left` is read too.
        pairs: `set`, `left`, `right` of every comparison asked.

    Returns:
        `set`, `expert`, `element`, `weight`, `lambda_max`, `consistency_ratio`, `judged` and `asked` (comparisons),
        `status` (consistent, inconsistent, incomplete); an incomplete expert has NaN weights.

    Raises:
        UserError: an unknown pair, a value outside 1/9 to 9, a pair judged twice by one expert.
    """
    judged = _oriented(judgements, pairs)
    rows = []
    for (name, expert), part in judged.groupby(["set", "expert"], sort=False):
        elements = _elements(pairs, name)
        asked = len(elements) * (len(elements) - 1) // 2
        weights = pd.Series(np.nan, index=elements)
        lambda_max = ratio = np.nan
        status = "incomplete"
        if len(part) == asked:
            weights, lambda_max, ratio = eigenvector(matrix(part, elements))
            status = "consistent" if ratio <= limit else "inconsistent"
        for element in elements:
            rows.append(
                (name, expert, element, weights[element], lambda_max, ratio, len(part), asked, status)
            )
    columns = [
        "set",
        "expert",
        "element",
        "weight",
        "lambda_max",
        "consistency_ratio",
        "judged",
        "asked",
        "status",
    ]
    return pd.DataFrame(rows, columns=columns)


def group_weights(
    judgements: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    limit: float = LIMIT,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Return the group's weights per set of comparisons, with bootstrap intervals over experts.

    Args:
        limit: of the consistency ratio; experts above it, and incomplete ones, are left out.

    Returns:
        `set`, `element`, `weight`, `ci_low`, `ci_high`, `experts` (used), `left_out`, `consistency_ratio` (of the
        group matrix), `note`. A set where no expert is left has equal weights and says so.
    """
    table = expert_weights(judgements, pairs, limit=limit)
    judged = _oriented(judgements, pairs)
    rows = []
    for name in pairs["set"].drop_duplicates():
        of_set = table[table["set"] == name]
        used = of_set.loc[of_set["status"] == "consistent", "expert"].unique()
        left_out = of_set["expert"].nunique() - len(used)
        elements = _elements(pairs, name)
        low = high = pd.Series(np.nan, index=elements)
        if len(used) == 0:
            weights, ratio = pd.Series(1 / len(elements), index=elements), np.nan
            note = "no consistent expert: equal weights"
        else:
            part = judged[(judged["set"] == name) & judged["expert"].isin(used)]
            logs = np.stack(
                [np.log(matrix(rows_, elements)) for _, rows_ in part.groupby("expert", sort=False)]
            )
            weights, _, ratio = eigenvector(pd.DataFrame(np.exp(logs.mean(axis=0)), elements, elements))
            note = "one expert: no interval" if len(used) == 1 else ""
            if len(used) > 1 and resamples:
                drawn = _drawn(logs, resamples, seed)
                tail = (1 - confidence) / 2
                low, high = (
                    pd.Series(q, index=elements) for q in np.quantile(drawn, [tail, 1 - tail], axis=0)
                )
        for element in elements:
            row = (name, element, weights[element], low[element], high[element], len(used), left_out, ratio)
            rows.append((*row, note))
    columns = ["set", "element", "weight", "ci_low", "ci_high", "experts", "left_out", "consistency_ratio"]
    return pd.DataFrame(rows, columns=[*columns, "note"])


def _elements(pairs: pd.DataFrame, name: str) -> list[str]:
    of_set = pairs[pairs["set"] == name]
    elements = list(dict.fromkeys([*of_set["left"], *of_set["right"]]))
    if len(of_set) != len(list(combinations(elements, 2))):
        raise UserError(
            f"set {name} asks {len(of_set)} pairs of {len(elements)} elements; expected every pair once"
        )
    return elements


def _oriented(judgements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Judgements as asked (left over right), checked, with their set; unanswered ones dropped."""
    known = {(row.left, row.right): (row.set, False) for row in pairs.itertuples()}
    known |= {(row.right, row.left): (row.set, True) for row in pairs.itertuples()}
    rows = []
    for expert, left, right, value in judgements[["expert", "left", "right", "value"]].itertuples(
        index=False
    ):
        place = f"expert {expert}, {left} against {right}"
        if (left, right) not in known:
            raise UserError(f"{place}: this pair was not asked")
        if pd.isna(value):
            continue
        if not 1 / 9 - 1e-3 <= value <= 9:
            raise UserError(f"{place}: found {value}, expected a number from 1/9 to 9")
        name, turned = known[left, right]
        rows.append(
            (name, expert, right, left, 1 / value) if turned else (name, expert, left, right, float(value))
        )
    judged = pd.DataFrame(rows, columns=["set", "expert", "left", "right", "value"])
    twice = judged[judged.duplicated(["expert", "left", "right"])]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(
            f"expert {first['expert']} judged {first['left']} against {first['right']} twice; expected once"
        )
    return judged


def _drawn(logs: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Weights (resamples × elements) of resampled groups of experts."""
    experts = len(logs)
    times = (
        np.random.default_rng(seed).multinomial(experts, np.full(experts, 1 / experts), size=resamples)
        / experts
    )
    mean = np.exp(np.tensordot(times, logs, axes=1))
    values, vectors = np.linalg.eig(mean)
    top = values.real.argmax(axis=1)
    weights = np.abs(np.take_along_axis(vectors.real, top[:, None, None], axis=2)[:, :, 0])
    return weights / weights.sum(axis=1, keepdims=True)
