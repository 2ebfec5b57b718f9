"""Saturation: how many new codes each further interview brings, and a stated rule for having heard enough.

The rule is that of Guest, Namey & Chen (2020, *PLOS ONE* 15(5): e0232076). The codes of the first `base` interviews are
the denominator; the new codes of the next `run` interviews the numerator. When their ratio is at most `threshold`, the
interviews before the run count as enough; else the run moves on by one interview.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError

BASE, RUN, THRESHOLD = 4, 2, 0.05
TAILS = (0.025, 0.975)
_CHUNK = 20_000_000


def saturation_curve(codings: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return the codes heard by interview.

    Args:
        codings: `document`, `code` (one row per code applied; coders are joined).
        units: `document`, in the order of the interviews; those in which nothing was coded count as well.

    Returns:
        `interview` (1, 2, …), `document`, `codes` (in this interview), `new_codes`, `cumulative`, `new_in_run` (of the
        run that ends here; NaN before the first run), `new_information` (that over the codes of the base).
    """
    documents = list(dict.fromkeys(units["document"]))
    heard = _heard(codings, documents)
    cumulative = np.logical_or.accumulate(heard, axis=0).sum(axis=1)
    new = np.diff(cumulative, prepend=0)
    in_run = pd.Series(new).rolling(RUN).sum()
    in_run[: BASE + RUN - 1] = np.nan
    base = cumulative[BASE - 1] if len(documents) >= BASE else 0
    return pd.DataFrame(
        {
            "interview": np.arange(1, len(documents) + 1),
            "document": documents,
            "codes": heard.sum(axis=1),
            "new_codes": new,
            "cumulative": cumulative,
            "new_in_run": in_run,
            "new_information": in_run / (base or np.nan),
        }
    )


def stopping_point(curve: pd.DataFrame, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Apply the rule to a curve.

    Returns:
        One row: `result`, `base`, `run`, `threshold`, `enough` (interviews before the run), `checked` (interviews with
        the run), `new_information` (in that run, or in the last one), `codes`, `later` (codes first heard after
        `enough`), `interviews`. The result is *few* (interviews or codes too few for the rule), *open* (not met),
        *held* (met, and nothing new came after) or *missed* (met, and stopping there would have missed a code).
    """
    total, interviews = int(curve["cumulative"].iloc[-1]) if len(curve) else 0, len(curve)
    row = {"result": "few", "base": BASE, "run": RUN, "threshold": threshold, "enough": np.nan, "checked": np.nan,
           "new_information": np.nan, "codes": total, "later": np.nan, "interviews": interviews}  # fmt: skip
    if interviews >= BASE + RUN and total:
        met = curve[curve["new_information"] <= threshold]
        at = curve.iloc[-1] if met.empty else met.iloc[0]
        row |= {"result": "open", "new_information": float(at["new_information"])}
        if len(met):
            enough = int(at["interview"]) - RUN
            later = total - int(curve["cumulative"].iloc[enough - 1])
            row |= {"enough": enough, "checked": enough + RUN, "later": later}
            row["result"] = "missed" if later else "held"
    return pd.DataFrame([row])


def permutation_band(
    codings: pd.DataFrame, units: pd.DataFrame, *, permutations: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Return the curve over random orders of the interviews: the order in which people were met is chance.

    Returns:
        `interview`, `mean`, `low`, `high` (of the cumulative codes; the middle 95 %).
    """
    seen = _permuted(codings, units, permutations, seed)
    low, high = np.quantile(seen, TAILS, axis=0)
    interviews = np.arange(1, seen.shape[1] + 1)
    return pd.DataFrame({"interview": interviews, "mean": seen.mean(axis=0), "low": low, "high": high})


def stopping_points(
    codings: pd.DataFrame, units: pd.DataFrame, *, permutations: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Return how often the rule stops where, over random orders: `enough`, `share`; `enough` NaN for never."""
    seen = _permuted(codings, units, permutations, seed)
    interviews = seen.shape[1]
    if interviews < BASE + RUN:
        raise UserError(f"the rule needs {BASE + RUN} interviews or more; found {interviews}")
    ends = np.arange(BASE + RUN, interviews + 1)
    new = (seen[:, ends - 1] - seen[:, ends - 1 - RUN]) / np.maximum(seen[:, [BASE - 1]], 1)
    met = new <= THRESHOLD
    enough = np.where(met.any(axis=1), ends[met.argmax(axis=1)] - RUN, np.nan)
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
