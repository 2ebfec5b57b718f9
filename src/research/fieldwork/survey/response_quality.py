"""Quality of survey answers: what looks careless, doubled, rushed or unfinished, and what is left out because of it.

Nothing is dropped silently: `response_quality` marks, `usable` leaves out by stated rules and counts each.
The rules follow Meade & Craig (2012, *Psychological Methods* 17:437) for long strings of one answer and Greszki,
Meyer & Schoen (2015, *Public Opinion Quarterly* 79:471) for speed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.survey.scales import keyed, scales

CHECKS = ("incomplete", "straight_line", "duplicate", "speeding")


def response_quality(
    responses: pd.DataFrame,
    instrument: pd.DataFrame,
    *,
    fewest_answered: float = 0.5,
    longest_run: float = 0.5,
    fastest: float = 1 / 3,
) -> pd.DataFrame:
    """Return the quality marks of every respondent.

    Args:
        responses: respondents × items, optional `group` and `duration_seconds`.
        fewest_answered: share of the items asked below which a questionnaire is incomplete.
        longest_run: share of the items asked that may carry the same answer in a row; above it, straight-lining.
        fastest: fraction of the median duration below which a respondent was too fast to read.

    Returns:
        Index as `responses`: `group`, `asked`, `answered`, `missing_share`, `longest_run` (same answer in a row, in
        the order of the instrument), `duplicate_of` (the earlier respondent with the same answers to every item, at
        least 5 answered), `seconds`, and one true/false column per name in `CHECKS`.
    """
    keyed(responses, instrument)  # only to check the answers
    order = [item for item in instrument["item"] if item in responses]
    answers = responses[order].astype(float)
    asked = pd.DataFrame(False, index=answers.index, columns=order)
    for scale in scales(responses, instrument):
        asked.loc[scale.respondents, scale.items] = True
    values = answers.where(asked).to_numpy()
    marks = pd.DataFrame(index=responses.index)
    marks["group"] = responses.get("group", "both")
    marks["asked"] = asked.sum(axis=1)
    marks["answered"] = np.count_nonzero(~np.isnan(values), axis=1)
    marks["missing_share"] = 1 - marks["answered"] / marks["asked"]
    marks["longest_run"] = [_longest_run(row[~np.isnan(row)]) for row in values]
    marks["duplicate_of"] = _earlier_same(answers.where(asked), marks["answered"])
    marks["seconds"] = responses.get("duration_seconds", np.nan)
    marks["incomplete"] = marks["answered"] < fewest_answered * marks["asked"]
    enough = marks["answered"] >= 5
    marks["straight_line"] = enough & (marks["longest_run"] > longest_run * marks["asked"])
    marks["duplicate"] = marks["duplicate_of"].notna()
    marks["speeding"] = marks["seconds"] < fastest * marks["seconds"].median()
    return marks


def usable(
    responses: pd.DataFrame, quality: pd.DataFrame, exclude: tuple[str, ...] = CHECKS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the responses kept and the flow of exclusions (`step`, `left_out`, `kept`).

    Each respondent is counted at the first rule that leaves them out.

    Raises:
        UserError: an unknown rule.
    """
    for check in exclude:
        if check not in CHECKS:
            raise UserError(f"exclusion rule '{check}' is unknown{nearest(check, CHECKS)}")
    kept = pd.Series(True, index=responses.index)
    flow = [("returned", 0, len(responses))]
    for check in exclude:
        out = kept & quality[check]
        kept &= ~out
        flow.append((check, int(out.sum()), int(kept.sum())))
    return responses[kept], pd.DataFrame(flow, columns=["step", "left_out", "kept"])


def _longest_run(answers: np.ndarray) -> int:
    if len(answers) == 0:
        return 0
    breaks = np.flatnonzero(np.diff(answers) != 0)
    return int(np.diff(np.concatenate([[-1], breaks, [len(answers) - 1]])).max())


def _earlier_same(answers: pd.DataFrame, answered: pd.Series) -> pd.Series:
    """The first respondent with exactly the same answers, gaps included; NaN for none."""
    first = pd.Series(answers.index, index=answers.index, dtype=object)
    keys = [row.tobytes() for row in answers.fillna(-1).to_numpy(dtype=float)]
    earliest = first.groupby(keys).transform("first")
    return earliest.where((earliest != first) & (answered >= 5))
