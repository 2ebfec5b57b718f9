"""Captions of the figures of the interviews."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from research.captions.wording import counted, known, number, said


def cooccurrence(pairs: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say which codes meet most often.

    Args:
        pairs: `code_1`, `code_2`, `segments` (turns with both), `jaccard`; pairs that never meet count too.
        labels: code → name to show.
    """
    title = "Turns that carry two codes, shaded by the Jaccard index; in brackets the turns with the code"
    shown = known(pairs, "segments", "jaccard")
    if shown.empty:
        return said(title)
    met = shown[shown["segments"] > 0]
    if met.empty:
        return said(title, "no two codes share a turn")
    top = met.sort_values(["segments", "jaccard"], ascending=False, kind="stable").iloc[0]
    turns = f"{top['segments']:,.0f} turn{'' if top['segments'] == 1 else 's'}"
    return said(
        title,
        f"'{labels[top['code_1']]}' and '{labels[top['code_2']]}' meet most often ({turns}, index "
        f"{number(top['jaccard'], '.2f')})",
        f"{counted(len(shown) - len(met), len(shown), 'pairs', ('never meets', 'never meet'))}",
    )


def code_frequencies(shares: pd.DataFrame) -> str:
    """Say on which code the groups lie furthest apart; with one group, what most speak to.

    Args:
        shares: `label_en`, `group`, `share` of the group's participants.
    """
    title = "Share of the participants of each group who speak to a code, by any coder"
    shown = known(shares, "share")
    if shown.empty:
        return said(title)
    wide = shown.pivot(index="label_en", columns="group", values="share").dropna()
    gap = (wide.max(axis=1) - wide.min(axis=1)).sort_values(kind="stable")
    if wide.shape[1] < 2 or gap.empty:
        top = shown.loc[shown["share"].idxmax()]
        return said(
            title, f"most speak to '{top['label_en']}' ({number(top['share'], '.0%')} of the {top['group']}s)"
        )
    row = wide.loc[gap.index[-1]]
    sides = " against ".join(
        f"{number(row[name], '.0%')} of the {name}s" for name in (row.idxmax(), row.idxmin())
    )
    return said(title, f"the groups lie furthest apart on '{gap.index[-1]}', {sides}")
