"""Differences between groups of respondents, and their agreement on what matters most."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from research.errors import UserError
from research.fieldwork.survey.scales import scale_scores
from research.multiplicity import holm


def compare_groups(
    responses: pd.DataFrame,
    instrument: pd.DataFrame,
    *,
    by: str = "group",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Compare the groups on every scale that more than one of them answered.

    Two groups: Mann–Whitney U with the rank-biserial correlation (first group in alphabetical order minus second;
    Kerby 2014). More: Kruskal–Wallis H with ε² = H / (n − 1) (Tomczak & Tomczak 2014). p-values are adjusted over all
    rows by Holm.

    Returns:
        `criterion`, `construct`, `groups`, `test`, `statistic`, `p_value`, `p_holm`, `effect_name`, `effect`, `ci_low`,
        `ci_high`, `medians`, `n` (per group, in the order of `groups`).

    Raises:
        UserError: no column `by`.
    """
    if by not in responses:
        raise UserError(f"a comparison of groups needs the column '{by}' in the responses")
    scores = scale_scores(responses, instrument).dropna(subset=["score"])
    scores["by"] = scores["respondent_id"].map(responses[by])
    rows = []
    for (criterion, construct), part in scores.dropna(subset=["by"]).groupby(
        ["criterion", "construct"], sort=False
    ):
        samples = {str(name): s["score"].to_numpy() for name, s in part.groupby("by") if len(s) > 1}
        if len(samples) < 2:
            continue
        test = _two if len(samples) == 2 else _several
        rows.append(
            {"criterion": criterion, "construct": construct, "groups": " / ".join(samples)}
            | test(list(samples.values()), resamples, (1 - confidence) / 2, seed)
            | {
                "medians": " / ".join(f"{np.median(s):.2f}" for s in samples.values()),
                "n": " / ".join(str(len(s)) for s in samples.values()),
            }
        )
    columns = [
        "criterion",
        "construct",
        "groups",
        "test",
        "statistic",
        "p_value",
        "p_holm",
        "effect_name",
        "effect",
    ]
    table = pd.DataFrame(rows, columns=[*columns, "ci_low", "ci_high", "medians", "n"])
    table["p_holm"] = holm(table["p_value"])
    return table


def kendall_w(
    ratings: pd.DataFrame, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 1
) -> pd.DataFrame:
    """Kendall's coefficient of concordance, with and without the correction for ties.

    W = 12 Σ (R − R̄)² / (m² (n³ − n) − m Σ (t³ − t)) for m raters and n objects (Kendall & Smith 1939; Siegel &
    Castellan 1988); χ² = m (n − 1) W on n − 1 degrees of freedom. Raters with a gap are left out and counted; the
    interval resamples raters.

    Args:
        ratings: objects × raters; higher means ranked higher.

    Returns:
        Two rows (`tie_corrected` true and false): `estimate`, `ci_low`, `ci_high`, `statistic`, `dof`, `p_value`,
        `objects`, `raters`, `left_out`, `note`.
    """
    complete = ratings.dropna(axis=1)
    n, m = complete.shape
    left_out = ratings.shape[1] - m
    ranks = stats.rankdata(complete.to_numpy(dtype=float), axis=0).T if m else np.empty((0, n))
    ties = np.array(
        [sum(t**3 - t for t in np.unique(row, return_counts=True)[1]) for row in ranks], dtype=float
    )
    rows = []
    for corrected in (True, False):
        row = {"measure": "kendall_w", "tie_corrected": corrected, "estimate": np.nan, "ci_low": np.nan}
        row |= {"ci_high": np.nan, "statistic": np.nan, "dof": n - 1, "p_value": np.nan}
        row |= {"objects": n, "raters": m, "left_out": left_out, "note": ""}
        if m < 2 or n < 2:
            rows.append(row | {"note": "concordance needs two complete raters and two objects"})
            continue
        estimate = float(_concordance(ranks, ties * corrected, np.ones((1, m)))[0])
        if np.isnan(estimate):
            rows.append(row | {"note": "undefined: no rater tells the objects apart"})
            continue
        times = np.random.default_rng(seed).multinomial(m, np.full(m, 1 / m), size=resamples).astype(float)
        drawn = _concordance(ranks, ties * corrected, times)
        tail = (1 - confidence) / 2
        low, high = np.nanquantile(drawn, [tail, 1 - tail]) if resamples else (np.nan, np.nan)
        statistic = m * (n - 1) * estimate
        row |= {"estimate": estimate, "ci_low": low, "ci_high": high}
        rows.append(row | {"statistic": statistic, "p_value": float(stats.chi2.sf(statistic, n - 1))})
    return pd.DataFrame(rows)


def construct_ranking(
    responses: pd.DataFrame, instrument: pd.DataFrame, criteria: list[str], **options: object
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank the scales of the given criteria within each respondent and say how far respondents agree.

    Args:
        criteria: values of `criterion`, for example C1 to C7.

    Returns:
        The ranking (`criterion`, `construct`, `mean`, `mean_rank` with 1 the most important, `n`), best first, and
        `kendall_w` with the respondents as raters.
    """
    scores = scale_scores(responses, instrument)
    scores = scores[scores["criterion"].isin(criteria) & (scores["asked"] == "both")]
    wide = scores.pivot(index=["criterion", "construct"], columns="respondent_id", values="score")
    complete = wide.dropna(axis=1)
    table = pd.DataFrame({"mean": complete.mean(axis=1)})
    table["mean_rank"] = complete.rank(ascending=False).mean(axis=1)
    table["n"] = complete.shape[1]
    ranking = table.reset_index().sort_values("mean_rank", kind="stable", ignore_index=True)
    return ranking, kendall_w(wide, **options)


def _two(samples: list[np.ndarray], resamples: int, tail: float, seed: int) -> dict[str, object]:
    first, second = samples
    found = stats.mannwhitneyu(first, second, alternative="two-sided", method="auto")
    # Scores take few values: resampling respondents is drawing the counts of the values.
    values = np.unique(np.concatenate(samples))
    above = np.sign(values[:, None] - values)
    shares = [(s[:, None] == values).mean(axis=0) for s in samples]
    rng = np.random.default_rng(seed)
    drawn_shares = [
        rng.multinomial(len(s), share, size=resamples) / len(s)
        for s, share in zip(samples, shares, strict=True)
    ]
    drawn = ((drawn_shares[0] @ above) * drawn_shares[1]).sum(axis=1)
    low, high = np.quantile(drawn, [tail, 1 - tail]) if resamples else (np.nan, np.nan)
    result = {"test": "Mann–Whitney U", "statistic": float(found.statistic), "p_value": float(found.pvalue)}
    return result | {
        "effect_name": "rank-biserial",
        "effect": float(shares[0] @ above @ shares[1]),
        "ci_low": low,
        "ci_high": high,
    }


def _several(samples: list[np.ndarray], resamples: int, tail: float, seed: int) -> dict[str, object]:
    result = {"test": "Kruskal–Wallis H", "effect_name": "epsilon squared"}
    values = np.concatenate(samples)
    if np.ptp(values) == 0:
        return result | dict.fromkeys(["statistic", "p_value", "effect", "ci_low", "ci_high"], np.nan)
    found = stats.kruskal(*samples)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        again = [rng.choice(s, len(s)) for s in samples]
        if np.ptp(np.concatenate(again)) > 0:
            drawn.append(stats.kruskal(*again).statistic / (len(values) - 1))
    low, high = np.quantile(drawn, [tail, 1 - tail]) if drawn else (np.nan, np.nan)
    result |= {"statistic": float(found.statistic), "p_value": float(found.pvalue)}
    return result | {"effect": float(found.statistic) / (len(values) - 1), "ci_low": low, "ci_high": high}


def _concordance(ranks: np.ndarray, ties: np.ndarray, times: np.ndarray) -> np.ndarray:
    """W for each row of `times`, how often each rater is counted (B × raters)."""
    m, n = times.sum(axis=1), ranks.shape[1]
    sums = times @ ranks
    spread = ((sums - sums.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    most = m**2 * (n**3 - n) - m * (times @ ties)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(most > 0, 12 * spread / most, np.nan)
