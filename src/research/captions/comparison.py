"""Captions of the figures of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from research.captions.wording import apart, counted, known, listed, number, said


def scoreboard(criteria: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Say which model leads on how many criteria as practised, and where the lead is clear.

    Args:
        criteria: `label`, `winner` (a model only when its lead is clear), `best` ("" where not testable), as practised.
        titles: model → name to show.
    """
    title = (
        "Every criterion with its intervals, filled dots as practised, hollow dots equal information; the shaded row "
        "leads the study's models as practised"
    )
    tested = criteria[criteria["best"].fillna("") != ""]
    if tested.empty:
        return said(title)
    leads = tested["best"].value_counts(sort=True)
    (first, most), *others = leads.items()
    shares = [f"{titles[first]} on {counted(most, len(tested), 'criteria that count')}"]
    shares += [f"{titles[name]} on {count}" for name, count in others]
    clear = tested[tested["winner"] == tested["best"]]
    where = f"on {len(clear)} ({listed(clear['label'].str.lower())})" if len(clear) else "on none"
    return said(title, f"best is {listed(shares)}; the lead is clear {where}")


def critical_difference(table: pd.DataFrame, titles: Mapping[str, str], over: str) -> str:
    """Say which models cannot be told apart from the one with the best mean rank.

    Args:
        table: `model`, `mean_rank` (1 is best), `critical_difference`.
        titles: model → name to show.
        over: what the ranks are over, "3 real data sets by AUC".
    """
    title = f"Mean ranks over {over}; models joined by a bar cannot be told apart"
    shown = known(table, "mean_rank", "critical_difference").sort_values("mean_rank", kind="stable")
    if shown.empty:
        return said(title)
    first, width = shown.iloc[0], float(shown["critical_difference"].iloc[0])
    behind = shown[shown["mean_rank"] - first["mean_rank"] > width]
    best = listed(titles[name] for name in shown.loc[shown["mean_rank"] == first["mean_rank"], "model"])
    far = f"further behind than the critical difference ({number(width, '.2f')})"
    rest = f"{listed(titles[name] for name in behind['model'])} {'is' if len(behind) == 1 else 'are'} {far}"
    return said(
        title,
        f"best is {best} ({number(first['mean_rank'], '.2f')}), and {rest if len(behind) else f'no model is {far}'}",
    )


def regret(rows: pd.DataFrame, models: Sequence[str], titles: Mapping[str, str]) -> str:
    """Say which of the study's models has least of each kind of regret, and whether the next one lies apart.

    Args:
        rows: `title`, `model`, `estimate`, `ci_low`, `ci_high`.
        models: the study's models; references are passed over.
        titles: model → name to show.
    """
    title = "SIMULATED: regret against the truth as practised, as a share of what the ideal reaches (zero is the ideal)"
    own = known(rows[rows["model"].isin(models)], "estimate")
    least, clear, pairs = [], 0, 0
    for words, part in own.groupby("title", sort=False):
        ordered = part.sort_values("estimate", kind="stable")
        first = ordered.iloc[0]
        name = f"{titles[first['model']]} ({number(first['estimate'], '.1%')})"
        least.append(f"{words[:1].lower()}{words[1:]}, {name}")
        pairs += len(ordered) > 1
        clear += len(ordered) > 1 and apart(first, ordered.iloc[1])
    if not least:
        return said(title)
    lies = (
        f"the interval lies apart from the next model's in {counted(clear, pairs, 'panels')}" if pairs else ""
    )
    return said(title, f"least among the study's models: {'; '.join(least)}", lies)
