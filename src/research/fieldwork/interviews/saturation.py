"""Saturation: how many new codes each further interview brings, and a stated rule for having heard enough.

The rule is that of Guest, Namey & Chen (2020, *PLOS ONE* 15(5): e0232076). The codes of the first `base` interviews are
the denominator; the new codes of the next `run` interviews the numerator. When their ratio is at most `threshold`, the
interviews before the run count as enough; else the run moves on by one interview.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from research.errors import UserError

BASE, RUN, THRESHOLD = 4, 2, 0.05
_CHUNK = 20_000_000


def saturation_curve(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    *,
    order: Sequence[str] | None = None,
    base: int = BASE,
    run: int = RUN,
) -> pd.DataFrame:
    """Return the codes heard by interview.

    Args:
        codings: `document`, `code` (one row per code applied; coders are joined).
        units: `document`; interviews in which nothing was coded count as well.
        order: documents in the order of the interviews; by default the order of `units`.
        base, run: as in the rule.

    Returns:
        `interview` (1, 2, …), `document`, `codes` (in this interview), `new_codes`, `cumulative`, `new_in_run` (of the
        `run` interviews that end here; NaN before the first run), `new_information` (that over the codes of the base).
    """
    documents = list(order) if order is not None else list(dict.fromkeys(units["document"]))
    heard = _heard(codings, documents)
    seen = np.logical_or.accumulate(heard, axis=0)
    cumulative = seen.sum(axis=1)
    new = np.diff(cumulative, prepend=0)
    in_run = pd.Series(new).rolling(run).sum()
    in_run[: base + run - 1] = np.nan
    denominator = cumulative[base - 1] if len(documents) >= base else 0
    return pd.DataFrame(
        {
            "interview": np.arange(1, len(documents) + 1),
            "document": documents,
            "codes": heard.sum(axis=1),
            "new_codes": new,
            "cumulative": cumulative,
            "new_in_run": in_run,
            "new_information": in_run / denominator if denominator else np.nan,
        }
    )


def stopping_point(
    curve: pd.DataFrame, *, base: int = BASE, run: int = RUN, threshold: float = THRESHOLD
) -> pd.DataFrame:
    """Apply the rule to a curve made with the same base and run.

    Returns:
        One row: `result`, `base`, `run`, `threshold`, `base_codes`, `enough` (interviews before the run), `checked`
        (interviews with the run), `new_information` (in that run, or in the last one), `codes`, `later` (codes first
        heard after `enough`), `share_of_codes` (heard by `enough`), `interviews`. The result is *few* (interviews or
        codes too few for the rule), *open* (not met), *held* (met, and nothing new came after) or *missed* (met, and
        stopping there would have missed a code).
    """
    total, interviews = int(curve["cumulative"].iloc[-1]) if len(curve) else 0, len(curve)
    row = {"result": "few", "base": base, "run": run, "threshold": threshold, "base_codes": 0, "enough": np.nan,
           "checked": np.nan, "new_information": np.nan, "codes": total, "later": np.nan, "share_of_codes": np.nan,
           "interviews": interviews}  # fmt: skip
    if interviews < base + run or total == 0:
        return pd.DataFrame([row])
    row["base_codes"] = int(curve["cumulative"].iloc[base - 1])
    met = curve[curve["new_information"] <= threshold]
    if met.empty:
        last = float(curve["new_information"].iloc[-1])
        return pd.DataFrame([row | {"result": "open", "new_information": last}])
    checked = int(met["interview"].iloc[0])
    heard = int(curve["cumulative"].iloc[checked - run - 1])
    row |= {
        "enough": checked - run,
        "checked": checked,
        "new_information": float(met["new_information"].iloc[0]),
    }
    row |= {"later": total - heard, "share_of_codes": heard / total}
    return pd.DataFrame([row | {"result": "missed" if total > heard else "held"}])


def permutation_band(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    *,
    permutations: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Return the curve over random orders of the interviews: the order in which people were met is chance.

    Returns:
        `interview`, `mean`, `low`, `high` (of the cumulative codes).
    """
    seen = _permuted(codings, units, permutations, seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(seen, [tail, 1 - tail], axis=0)
    interviews = np.arange(1, seen.shape[1] + 1)
    return pd.DataFrame({"interview": interviews, "mean": seen.mean(axis=0), "low": low, "high": high})


def stopping_points(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    *,
    base: int = BASE,
    run: int = RUN,
    threshold: float = THRESHOLD,
    permutations: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return how often the rule stops where, over random orders: `enough`, `share`; `enough` NaN for never."""
    seen = _permuted(codings, units, permutations, seed)
    interviews = seen.shape[1]
    if interviews < base + run:
        raise UserError(f"the rule needs {base + run} interviews or more; found {interviews}")
    ends = np.arange(base + run, interviews + 1)
    new = (seen[:, ends - 1] - seen[:, ends - 1 - run]) / np.maximum(seen[:, [base - 1]], 1)
    met = new <= threshold
    enough = np.where(met.any(axis=1), ends[met.argmax(axis=1)] - run, np.nan)
    counts = pd.Series(enough).value_counts(normalize=True, dropna=False).sort_index()
    return counts.rename_axis("enough").rename("share").reset_index()


def _heard(codings: pd.DataFrame, documents: list[str]) -> np.ndarray:
    """Documents × codes, true where the code occurs."""
    unknown = sorted(set(codings["document"]) - set(documents), key=str)
    if unknown:
        raise UserError(f"document '{unknown[0]}' is coded but not among the interviews")
    if not documents:
        raise UserError("no interview to count codes in")
    return pd.crosstab(codings["document"], codings["code"]).reindex(documents, fill_value=0).to_numpy() > 0


def _permuted(codings: pd.DataFrame, units: pd.DataFrame, permutations: int, seed: int) -> np.ndarray:
    """Cumulative codes, permutations × interviews."""
    heard = _heard(codings, list(dict.fromkeys(units["document"])))
    rng = np.random.default_rng(seed)
    parts = []
    step = max(1, _CHUNK // max(heard.size, 1))
    for start in range(0, permutations, step):
        orders = rng.permuted(np.tile(np.arange(len(heard)), (min(step, permutations - start), 1)), axis=1)
        parts.append(np.logical_or.accumulate(heard[orders], axis=1).sum(axis=2))
    return np.concatenate(parts)
