"""Captions of the figures of the survey."""

from __future__ import annotations

import pandas as pd

from research.captions.wording import number, said


def likert(what: str, agreement: pd.Series) -> str:
    """Say which construct most and fewest agree on.

    Args:
        what: whose answers, on what.
        agreement: share who agree by construct, lowest first, from `survey.construct_agreement`.
    """
    shown = agreement.dropna()
    if shown.empty:
        return said(what)
    least, most = ((shown.index[end], number(shown.iloc[end], ".0%")) for end in (0, -1))
    if len(shown) == 1:
        return said(what, f"{most[1]} agree on {most[0]}")
    return said(what, f"most agree on {most[0]} ({most[1]}), fewest on {least[0]} ({least[1]})")
