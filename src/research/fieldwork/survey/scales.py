"""Survey responses: keying, scale scores, quality of the answers, distributions and group differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from research.errors import UserError

_EVERYONE = ("both", "all", "")
INSTRUMENT = ("item", "construct", "criterion", "scale_min", "scale_max", "reverse")


@dataclass(frozen=True)
class Scale:
    """The items of one construct under one criterion, and who was asked them."""

    criterion: str
    construct: str
    group: str
    items: list[str]
    respondents: pd.Index


def scales(responses: pd.DataFrame, instrument: pd.DataFrame) -> list[Scale]:
    """The scales of an instrument in its order; `group` is `both` where everyone was asked."""
    _check(responses, instrument)
    group = instrument["group"] if "group" in instrument else pd.Series("both", index=instrument.index)
    asked = group.fillna("").astype(str).str.strip().replace(dict.fromkeys(_EVERYONE, "both"))
    found = []
    for (criterion, construct, who), rows in instrument.groupby(
        [instrument["criterion"], instrument["construct"], asked], sort=False
    ):
        member = responses.index
        if who != "both" and "group" in responses:
            member = responses.index[responses["group"] == who]
        items = [item for item in rows["item"] if item in responses]
        if items:
            found.append(Scale(criterion, construct, who, items, member))
    return found


def keyed(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Return the answers to the instrument's items with reverse-keyed items turned (min + max − answer).

    Raises:
        UserError: an answer outside its scale or not a number, naming respondent and item.
    """
    _check(responses, instrument)
    rows = instrument[instrument["item"].isin(responses.columns)].set_index("item")
    answers = responses[rows.index]
    for item in rows.index:
        if not pd.api.types.is_numeric_dtype(answers[item]):
            raise UserError(f"item {item}: answers must be numbers; found {answers[item].dropna().iloc[0]!r}")
    answers = answers.astype(float)
    low, high = rows["scale_min"].astype(float), rows["scale_max"].astype(float)
    outside = answers.lt(low, axis=1) | answers.gt(high, axis=1)
    if outside.to_numpy().any():
        row, column = np.argwhere(outside.to_numpy())[0]
        item = answers.columns[column]
        raise UserError(
            f"respondent {answers.index[row]}, item {item}: found {answers.iloc[row, column]:g}, "
            f"expected {low[item]:g} to {high[item]:g}"
        )
    turn = rows["reverse"].astype(int).eq(1)
    answers.loc[:, turn] = (low + high)[turn] - answers.loc[:, turn]
    return answers


def scale_scores(responses: pd.DataFrame, instrument: pd.DataFrame, fewest: float = 0.5) -> pd.DataFrame:
    """Return each respondent's mean of the keyed items per scale.

    Args:
        fewest: share of the items that must be answered for a score; below it the score is NaN.

    Returns:
        Long: `respondent_id`, `criterion`, `construct`, `asked` (both, or one group), `score`, `answered` (items),
        `items`, `scale_min`, `scale_max`, `midpoint`.
    """
    answers = keyed(responses, instrument)
    limits = instrument.set_index("item")[["scale_min", "scale_max"]].astype(float)
    parts = []
    for scale in scales(responses, instrument):
        items = answers.loc[scale.respondents, scale.items]
        answered = items.notna().sum(axis=1)
        score = items.mean(axis=1).where(answered >= fewest * len(scale.items))
        low, high = limits.loc[scale.items].mean()
        parts.append(
            pd.DataFrame(
                {
                    "respondent_id": items.index,
                    "criterion": scale.criterion,
                    "construct": scale.construct,
                    "asked": scale.group,
                    "score": score.to_numpy(),
                    "answered": answered.to_numpy(),
                    "items": len(scale.items),
                    "scale_min": low,
                    "scale_max": high,
                    "midpoint": (low + high) / 2,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def construct_summary(
    responses: pd.DataFrame, instrument: pd.DataFrame, *, confidence: float = 0.95, by_group: bool = False
) -> pd.DataFrame:
    """Return the (weighted) mean of every scale with its interval and the share above the midpoint.

    Weights are those of `design_weights`; the standard error is design-based (`weighted_mean`).

    Returns:
        `criterion`, `construct`, `group`, `estimate`, `ci_low`, `ci_high`, `n`, `midpoint`, `scale_min`, `scale_max`,
        `share_above` (share of respondents above the midpoint), `p_value` (t against the midpoint).
    """
    scores = scale_scores(responses, instrument).dropna(subset=["score"])
    scores["group"] = scores["asked"]
    if by_group:
        if "group" not in responses:
            raise UserError("a comparison of groups needs the column 'group' in the responses")
        scores["group"] = scores["respondent_id"].map(responses["group"])
    weight = design_weights(responses)
    rows = []
    for (criterion, construct, group), part in scores.groupby(
        ["criterion", "construct", "group"], sort=False
    ):
        w = part["respondent_id"].map(weight)
        row = weighted_mean(part["score"], w, confidence=confidence).iloc[0]
        midpoint = float(part["midpoint"].iloc[0])
        t = (row["estimate"] - midpoint) / row["se"] if row["se"] > 0 else np.nan
        rows.append(
            {
                "criterion": criterion,
                "construct": construct,
                "group": group,
                "estimate": row["estimate"],
                "ci_low": row["ci_low"],
                "ci_high": row["ci_high"],
                "n": int(row["n"]),
                "midpoint": midpoint,
                "scale_min": float(part["scale_min"].iloc[0]),
                "scale_max": float(part["scale_max"].iloc[0]),
                "share_above": float(np.average(part["score"] > midpoint, weights=w)),
                "p_value": float(2 * stats.t.sf(abs(t), row["n"] - 1)),
            }
        )
    return pd.DataFrame(rows)


def design_weights(responses: pd.DataFrame) -> pd.Series:
    """Return the survey weight of every respondent, of mean 1 within each group.

    A group in which nobody has a weight (practitioners who were not sampled from a list) counts everyone once; so does
    a survey without the column `weight`.

    Raises:
        UserError: a weight that is negative, or missing in a group where others have one.
    """
    if "weight" not in responses:
        return pd.Series(1.0, index=responses.index)
    group = responses["group"] if "group" in responses else pd.Series("all", index=responses.index)
    found = []
    for name, given in responses["weight"].astype(float).groupby(group, sort=False):
        if given.isna().all():
            found.append(pd.Series(1.0, index=given.index))
            continue
        bad = given.index[given.isna() | given.lt(0)]
        if len(bad):
            raise UserError(
                f"respondent {bad[0]} ({name}): found weight {given[bad[0]]}, expected a number from 0 up"
            )
        found.append(given / given.mean())
    return pd.concat(found).reindex(responses.index)


def weighted_mean(
    values: pd.Series,
    weights: pd.Series,
    *,
    strata: pd.Series | None = None,
    clusters: pd.Series | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Weighted mean with a design-based standard error (Taylor linearisation, with-replacement primary units).

    With z = w (y − ȳ) / Σw summed within clusters, var(ȳ) = Σ over strata of m/(m−1) Σ (z − z̄)², m clusters in the
    stratum (Särndal, Swensson & Wretman 1992, §5.5; Lumley 2010, ch. 2). Single clusters in a stratum add nothing.

    Returns:
        One row: `estimate`, `se`, `ci_low`, `ci_high` (t on clusters − strata), `n`, `effective_n` (Kish).

    Raises:
        UserError: a missing or negative weight.
    """
    kept = values.notna()
    y, w = values[kept].to_numpy(dtype=float), weights[kept].to_numpy(dtype=float)
    if np.isnan(w).any() or (w < 0).any():
        raise UserError("survey weights must be numbers from 0 up, without gaps")
    if len(y) == 0 or w.sum() == 0:
        empty = {
            "estimate": np.nan,
            "se": np.nan,
            "ci_low": np.nan,
            "ci_high": np.nan,
            "n": len(y),
            "effective_n": 0.0,
        }
        return pd.DataFrame([empty])
    mean = float(np.average(y, weights=w))
    linear = pd.DataFrame({"z": w * (y - mean) / w.sum()})
    linear["stratum"] = 0 if strata is None else strata[kept].to_numpy()
    linear["cluster"] = np.arange(len(y)) if clusters is None else clusters[kept].to_numpy()
    sums = linear.groupby(["stratum", "cluster"], sort=False)["z"].sum()
    by_stratum = sums.groupby(level="stratum", sort=False)
    m = by_stratum.size()
    variance = float((by_stratum.var(ddof=1).fillna(0) * m).sum())
    dof = int(m.sum() - len(m))
    half = stats.t.isf((1 - confidence) / 2, dof) * np.sqrt(variance) if dof > 0 else np.nan
    return pd.DataFrame(
        [
            {
                "estimate": mean,
                "se": np.sqrt(variance) if dof > 0 else np.nan,
                "ci_low": mean - half,
                "ci_high": mean + half,
                "n": len(y),
                "effective_n": float(w.sum() ** 2 / (w**2).sum()),
            }
        ]
    )


def _check(responses: pd.DataFrame, instrument: pd.DataFrame) -> None:
    missing = [c for c in INSTRUMENT if c not in instrument]
    if missing:
        raise UserError(
            f"the instrument lacks the column {missing[0]}; it has {', '.join(instrument.columns)}"
        )
    if not instrument["item"].isin(responses.columns).any():
        raise UserError("no item of the instrument is a column of the responses")
    if not responses.index.is_unique:
        twice = responses.index[responses.index.duplicated()][0]
        raise UserError(f"respondent {twice} is in the responses twice; expected one row each")
