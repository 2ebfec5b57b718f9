"""Survey responses: reverse keys, scales and their scores, means of scales, survey weights."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from research.errors import UserError
from research.fieldwork.survey.weighted import average

FEWEST = 0.5  # share of the items of a scale that must be answered for a score


class Scale(NamedTuple):
    """The items of one construct under one criterion, and who was asked them (`group`: both, or one group)."""

    criterion: str
    construct: str
    group: str
    items: list[str]
    respondents: pd.Index


def scales(responses: pd.DataFrame, instrument: pd.DataFrame) -> list[Scale]:
    """Return the scales of an instrument in its order."""
    found = []
    for named, rows in instrument.groupby(["criterion", "construct", "group"], sort=False):
        asked = responses.index if named[-1] == "both" else responses.index[responses["group"] == named[-1]]
        found.append(Scale(*named, rows["item"].tolist(), asked))
    return found


def keyed(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Return the answers to the instrument's items with reverse-keyed items turned (min + max − answer)."""
    answers = responses[instrument["item"]].astype(float)
    for row in instrument[instrument["reverse"] == 1].itertuples():
        answers[row.item] = row.scale_min + row.scale_max - answers[row.item]
    return answers


def scale_scores(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Return each respondent's mean of the keyed items per scale; NaN where fewer than `FEWEST` were answered.

    Returns:
        Long: `respondent_id`, `criterion`, `construct`, `asked` (both, or one group), `score`, `midpoint`, `scale_min`,
        `scale_max`.
    """
    answers = keyed(responses, instrument)
    limits = instrument.set_index("item")[["scale_min", "scale_max"]].astype(float)
    parts = []
    for scale in scales(responses, instrument):
        items = answers.loc[scale.respondents, scale.items]
        score = items.mean(axis=1).where(items.notna().mean(axis=1) >= FEWEST)
        part = score.rename_axis("respondent_id").rename("score").reset_index()
        low, high = limits.loc[scale.items].mean()
        named = {"criterion": scale.criterion, "construct": scale.construct, "asked": scale.group}
        parts.append(part.assign(**named, midpoint=(low + high) / 2, scale_min=low, scale_max=high))
    return pd.concat(parts, ignore_index=True)


def construct_summary(
    responses: pd.DataFrame, instrument: pd.DataFrame, *, by_group: bool = False
) -> pd.DataFrame:
    """Return the mean of every scale with its design-based interval (`weighted.average`), weighted by `design_weights`.

    Returns:
        `criterion`, `construct`, `group`, `estimate`, `ci_low`, `ci_high`, `n`, `midpoint`, `scale_min`, `scale_max`.
    """
    scores = scale_scores(responses, instrument).dropna(subset=["score"])
    scores["group"] = scores["respondent_id"].map(responses["group"]) if by_group else scores["asked"]
    weight = design_weights(responses)
    keys, rows = ["criterion", "construct", "group"], []
    for named, part in scores.groupby(keys, sort=False):
        mean = average(part["score"].to_numpy(), part["respondent_id"].map(weight).to_numpy())
        low, high = mean.interval()
        found = {"estimate": mean.estimate, "ci_low": low, "ci_high": high, "n": len(part)}
        ends = part[["midpoint", "scale_min", "scale_max"]].iloc[0].to_dict()
        rows.append(dict(zip(keys, named, strict=True)) | found | ends)
    return pd.DataFrame(rows)


def design_weights(responses: pd.DataFrame) -> pd.Series:
    """Return the survey weight of every respondent, of mean 1 within each group.

    A group in which nobody has a weight (practitioners who were not sampled from a list) counts everyone once; so does
    a survey without the column `weight`.

    Raises:
        UserError: a weight that is missing in a group where others have one.
    """
    if "weight" not in responses:
        return pd.Series(1.0, index=responses.index)
    given = responses["weight"].astype(float)
    known = given.notna().groupby(responses["group"]).transform("any")
    if (bad := given.index[known & given.isna()]).size:
        group = responses.loc[bad[0], "group"]
        raise UserError(f"respondent {bad[0]} ({group}): found weight nan, expected a number from 0 up")
    return (given / given.groupby(responses["group"]).transform("mean")).where(known, 1.0)
