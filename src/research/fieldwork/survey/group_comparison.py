"""Differences between practitioners and customers, and how far respondents agree on what matters most."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from research.fieldwork.survey.scales import scale_scores
from research.multiplicity import holm


def compare_groups(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Compare the two groups on every scale that both answered, by Mann–Whitney U; p-values are adjusted by Holm.

    Returns:
        `criterion`, `construct`, `statistic`, `p_value`, `effect` (rank-biserial correlation, customers less
        practitioners: 2U / n₁n₂ − 1, Kerby 2014), `p_holm`.
    """
    scores = scale_scores(responses, instrument).dropna(subset=["score"])
    scores["by"] = scores["respondent_id"].map(responses["group"])
    rows = []
    for (criterion, construct), part in scores.groupby(["criterion", "construct"], sort=False):
        samples = [sample["score"].to_numpy() for _, sample in part.groupby("by") if len(sample) > 1]
        if len(samples) == 2:
            u, p = stats.mannwhitneyu(*samples, alternative="two-sided", method="auto")
            effect = 2 * float(u) / (len(samples[0]) * len(samples[1])) - 1
            rows.append((criterion, construct, float(u), float(p), effect))
    table = pd.DataFrame(rows, columns=["criterion", "construct", "statistic", "p_value", "effect"])
    return table.assign(p_holm=holm(table["p_value"]))


def kendall_w(ratings: pd.DataFrame, *, tie_corrected: bool = True) -> float:
    """Return Kendall's coefficient of concordance; raters with a gap are left out.

    W = 12 Σ (R − R̄)² / (m² (n³ − n) − m Σ (t³ − t)) for m raters and n objects (Kendall & Smith 1939; Siegel &
    Castellan 1988), without the last term where ties are not corrected for.

    Args:
        ratings: objects × raters; higher means ranked higher.
        tie_corrected: whether ties are taken into account.

    Returns:
        NaN for fewer than two raters or objects, and where no rater tells the objects apart.
    """
    complete = ratings.dropna(axis=1).to_numpy(dtype=float)
    n, m = complete.shape
    if m < 2 or n < 2:
        return np.nan
    ranks = stats.rankdata(complete, axis=0)
    tied = [np.unique(column, return_counts=True)[1] for column in ranks.T] if tie_corrected else []
    most = m**2 * (n**3 - n) - m * sum(float((t**3 - t).sum()) for t in tied)
    sums = ranks.sum(axis=1)
    return 12 * float(((sums - sums.mean()) ** 2).sum()) / most if most > 0 else np.nan


def construct_ranking(
    responses: pd.DataFrame, instrument: pd.DataFrame, criteria: list[str]
) -> tuple[pd.DataFrame, float]:
    """Rank the scales of the given criteria (`C1`, …) within each respondent, and say how far respondents agree.

    Returns:
        The ranking (`criterion`, `construct`, `mean_rank` with 1 the most important), best first, and `kendall_w` with
        the respondents as raters.
    """
    scores = scale_scores(responses, instrument)
    scores = scores[scores["criterion"].isin(criteria) & (scores["asked"] == "both")]
    wide = scores.pivot(index=["criterion", "construct"], columns="respondent_id", values="score")
    ranks = wide.dropna(axis=1).rank(ascending=False).mean(axis=1).rename("mean_rank")
    return ranks.reset_index().sort_values("mean_rank", kind="stable", ignore_index=True), kendall_w(wide)
