"""Quality of survey answers: what looks careless, doubled, rushed or unfinished, and what is left out because of it.

Nothing is dropped silently: `response_quality` marks, `usable` leaves out and counts each.
The rules follow Meade & Craig (2012, *Psychological Methods* 17:437) for long strings of one answer and Greszki,
Meyer & Schoen (2015, *Public Opinion Quarterly* 79:471) for speed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.fieldwork.survey.scales import scales

CHECKS = ("incomplete", "straight_line", "duplicate", "speeding")
FEWEST_ANSWERED = 0.5  # share of the items asked below which a questionnaire is incomplete
LONGEST_RUN = 0.5  # share of the items asked that may carry the same answer in a row
FASTEST = 1 / 3  # of the median duration, below which a respondent was too fast to read
TELLING = 5  # answers from which a run or a copy says something


def response_quality(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Return a true/false column per name in `CHECKS` for every respondent.

    A straight line is a run of one answer in the order of the instrument; a duplicate has the same answers to every
    item, gaps included, as an earlier respondent.
    """
    asked = pd.DataFrame(False, index=responses.index, columns=instrument["item"])
    for scale in scales(responses, instrument):
        asked.loc[scale.respondents, scale.items] = True
    answers = responses[instrument["item"]].astype(float).where(asked)
    number, given = asked.sum(axis=1), answers.notna().sum(axis=1)
    runs = np.array([_longest_run(row[~np.isnan(row)]) for row in answers.to_numpy()])
    seconds = responses.get("duration_seconds", pd.Series(np.nan, index=responses.index))
    marks = {
        "incomplete": given < FEWEST_ANSWERED * number,
        "straight_line": (given >= TELLING) & (runs > LONGEST_RUN * number),
        "duplicate": (given >= TELLING) & answers.fillna(-1).duplicated(),
        "speeding": seconds < FASTEST * seconds.median(),
    }
    return pd.DataFrame(marks)


def usable(responses: pd.DataFrame, marks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the responses kept and the flow of exclusions (`step`, `left_out`, `kept`).

    Each respondent is counted at the first check that leaves them out.
    """
    kept = pd.Series(True, index=responses.index)
    flow = [("returned", 0, len(responses))]
    for check in CHECKS:
        out = kept & marks[check]
        kept &= ~out
        flow.append((check, int(out.sum()), int(kept.sum())))
    return responses[kept], pd.DataFrame(flow, columns=["step", "left_out", "kept"])


def _longest_run(answers: np.ndarray) -> int:
    ends = np.flatnonzero(np.diff(answers, append=np.nan) != 0)
    return int(np.diff(ends, prepend=-1).max(initial=0))
