"""Does the verdict hold under other reasonable choices? A specification curve (Simonsohn, Simmons and Nelson 2020).

A specification is one combination of choices (tier shares, weights, costs, window). The same comparison is run under
each; the curve shows all results, and for each choice how often changing it alone changes the best model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from research.errors import UserError


def specifications(choices: Mapping[str, Iterable[Any]]) -> pd.DataFrame:
    """Return every combination of choices, one row each, with its number in `specification`.

    >>> specifications({"high_share": [0.1, 0.2], "weights": ["equal"]})["specification"].tolist()
    [0, 1]
    """
    rows = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    return pd.DataFrame(rows, columns=list(choices)).rename_axis("specification").reset_index()


def specification_curve(
    results: pd.DataFrame, choices: Sequence[str], higher_better: bool = True
) -> pd.DataFrame:
    """Rank the models within each specification and order specifications along the curve.

    Args:
        results: one row per specification and model: the choice columns, `model`, `estimate` and, where known,
            `ci_low, ci_high`.
        choices: columns that together name a specification.
        higher_better: direction of the measure.

    Returns:
        `results` with `rank` (1 = best, ties share), `best` (model of the specification, "tie" when shared), `margin`
        (best over second best, in the better direction) and `position` (order of specifications by margin of the
        model that is best most often, from its worst to its best).

    Raises:
        UserError: a model is missing from a specification.
    """
    choices = list(choices)
    counts = results.groupby(choices, dropna=False)["model"].nunique()
    if counts.nunique() > 1 or results.duplicated([*choices, "model"]).any():
        raise UserError("specification curve: expected every model once in every specification")
    sign = 1.0 if higher_better else -1.0
    curve = results.assign(_score=sign * results["estimate"])
    groups = curve.groupby(choices, dropna=False, sort=False)
    curve["rank"] = groups["_score"].rank(ascending=False)
    curve["_specification"] = groups.ngroup()
    wide = curve.pivot(index="_specification", columns="model", values="_score")
    ordered = np.sort(wide.to_numpy(), axis=1)[:, ::-1]
    tied = ordered[:, 0] == ordered[:, 1] if wide.shape[1] > 1 else np.zeros(len(wide), dtype=bool)
    best = pd.Series(np.where(tied, "tie", wide.idxmax(axis=1)), index=wide.index)
    leader = winners(best)["model"].iloc[0]
    lead = (
        wide[leader] - wide.drop(columns=leader).max(axis=1) if leader in wide else pd.Series(0.0, wide.index)
    )
    position = lead.rank(method="first").astype(int) - 1
    margin = pd.Series(ordered[:, 0] - ordered[:, 1] if wide.shape[1] > 1 else 0.0, index=wide.index)
    number = curve["_specification"]
    curve = curve.assign(best=number.map(best), margin=number.map(margin), position=number.map(position))
    return (
        curve.drop(columns=["_score", "_specification"])
        .sort_values(["position", "rank"])
        .reset_index(drop=True)
    )


def winners(best: pd.Series) -> pd.DataFrame:
    """Return `model, specifications, share`: how often each model is best, most often first.

    Args:
        best: best model of each specification.
    """
    counts = best.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return pd.DataFrame({"model": counts.index, "specifications": counts.to_numpy(), "share": counts / counts.sum()}
                        ).reset_index(drop=True)  # fmt: skip


def flips(curve: pd.DataFrame, choices: Sequence[str]) -> pd.DataFrame:
    """Count, for each choice, the pairs of specifications that differ in it alone and have another best model.

    Args:
        curve: result of `specification_curve`; may say in `clear` whether the best model is clearly best.
        choices: the choice columns.

    Returns:
        One row per choice, the most influential first: `choice, pairs, flips, share` and, with `clear`, `verdicts`:
        the pairs whose best model or whose clearness differs.
    """
    best = curve.drop_duplicates(list(choices))
    rows = []
    for choice in choices:
        pairs, changed = _changes(best, "best", choice, choices)
        row = {
            "choice": choice,
            "pairs": pairs,
            "flips": changed,
            "share": changed / pairs if pairs else np.nan,
        }
        if "clear" in best:
            verdict = best["best"].where(best["clear"], best["best"] + " not clearly")
            row["verdicts"] = _changes(best.assign(verdict=verdict), "verdict", choice, choices)[1]
        rows.append(row)
    return pd.DataFrame(rows).sort_values("share", ascending=False, kind="stable").reset_index(drop=True)


def _changes(best: pd.DataFrame, result: str, choice: str, choices: Sequence[str]) -> tuple[int, int]:
    """Return the pairs that differ in one choice alone, and how many of them have another result."""
    others = [name for name in choices if name != choice]
    groups = best.groupby(others, dropna=False) if others else [((), best)]
    pairs = changed = 0
    for _, group in groups:
        n, same = len(group), group[result].value_counts()
        pairs += n * (n - 1) // 2
        changed += n * (n - 1) // 2 - int((same * (same - 1) // 2).sum())
    return pairs, changed


def winners_in_words(found: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Say how often each model is best, from the result of `winners`.

    >>> winners_in_words(winners(pd.Series(["x", "x", "tie"])), {"x": "RFM"})
    'RFM leads in 2 of 3 specifications, nobody alone in 1'
    """
    total = int(found["specifications"].sum())
    parts = [
        ("nobody alone" if row.model == "tie" else titles[row.model], int(row.specifications))
        for row in found.itertuples()
    ]
    (name, count), *others = parts
    first = f"{name} leads in {count} of {total} specifications"
    return ", ".join([first, *(f"{name} in {count}" for name, count in others)])


def flips_in_words(found: pd.DataFrame) -> str:
    """Say which choices change the best model when they alone change, from the result of `flips`.

    >>> flips_in_words(pd.DataFrame({"choice": ["tier_shares"], "pairs": [6], "flips": [2], "share": [1 / 3]}))
    'Changing the tier shares alone changes the leader in 2 of 6 pairs of specifications'
    """
    changed = found[found["flips"] > 0]
    if changed.empty:
        names = ", ".join(name.replace("_", " ") for name in found["choice"])
        return f"No choice changes the leader when it alone changes ({names})"
    return "; ".join(
        f"Changing the {row.choice.replace('_', ' ')} alone changes the leader in {row.flips} of {row.pairs} pairs of "
        "specifications"
        for row in changed.itertuples()
    )
