"""Models with several variables of what people answered: how far groups of respondents differ, the rest held equal.

Weighted least squares of the score of a scale: differences are points of the answer scale, survey weights count, and
small numbers of branches have an established correction, which ordinal models lack. As a check a cumulative-logit
model of the single answers gives an odds ratio. Which comparisons make the family is set in `survey_models.csv`.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from research.fieldwork.survey.scales import design_weights, keyed, scale_scores
from research.multiplicity import holm
from research.paths import DEFINITIONS

LEAST_DOF = 4.0  # below it Student's t misleads (Tipton 2015, doi:10.1037/met0000011)
LEVEL = 0.05
NOWHERE = 1e-9  # an eigenvalue that is nought
STEPS = 30  # of Newton's method
SEPARATED = 15.0  # a log odds ratio that grows without limit: everybody of a group gave the same answer


class Contrast(NamedTuple):
    """A difference, its standard error and its degrees of freedom; NaN where the data do not give it."""

    estimate: float
    error: float
    dof: float

    def interval(self, level: float = 1 - LEVEL) -> tuple[float, float]:
        """Return the interval by Student's t; NaN below `LEAST_DOF` degrees of freedom."""
        if not self.dof >= LEAST_DOF:
            return np.nan, np.nan
        half = float(stats.t.isf((1 - level) / 2, self.dof)) * self.error
        return self.estimate - half, self.estimate + half

    def p_value(self) -> float:
        """Return the two-sided p-value; NaN below `LEAST_DOF` degrees of freedom."""
        if not self.dof >= LEAST_DOF:
            return np.nan
        return float(2 * stats.t.sf(abs(self.estimate) / self.error, self.dof)) if self.error > 0 else 1.0


@cache
def definitions() -> pd.DataFrame:
    """Return the comparisons: `construct, by` (a column), `first, second` (empty: everybody else), `covariates`."""
    return pd.read_csv(DEFINITIONS / "survey_models.csv", keep_default_na=False)


def coefficient(
    design: np.ndarray, outcome: np.ndarray, weights: np.ndarray, clusters: np.ndarray, place: int = 1
) -> Contrast:
    """Return a coefficient of weighted least squares with cluster-robust error and degrees of freedom for few clusters.

    Error: bias-reduced linearisation, CR2 = M Σ X'A u u'A X M with A = (I − H)^−½ per cluster and M = (X'X)⁻¹ (Bell and
    McCaffrey 2002); degrees of freedom: Satterthwaite's of that error if people were independent (ibid.; Imbens and
    Kolesár 2016, doi:10.1162/REST_a_00552). Where each cluster is one person this is HC2. Weights are taken into X and
    y as their square roots. statsmodels corrects the clustered error of a regression by G/(G − 1) alone, which is too
    little where a group is found in a few branches only.

    Args:
        design: people × columns, the constant among them.
        outcome, weights, clusters: one per person.
        place: column of the coefficient.
    """
    root = np.sqrt(weights)
    x, y = design * root[:, None], outcome * root
    gram = x.T @ x
    values, axes = np.linalg.eigh(gram)
    used = values > NOWHERE * values.max()
    half = axes[:, used] / np.sqrt(values[used])
    inverse = half @ half.T
    wanted = inverse[:, place]
    if not np.isclose(gram[place] @ wanted, 1.0):  # the other columns make up this one
        return Contrast(np.nan, np.nan, np.nan)
    beta = inverse @ (x.T @ y)
    left = y - x @ beta
    variance, squares, sums = 0.0, [], []
    for rows in pd.Series(np.arange(len(y))).groupby(clusters).indices.values():
        own = x[rows]
        vectors, lengths, _ = np.linalg.svd(own @ half, full_matrices=False)  # H = vectors lengths² vectors'
        free = 1 - lengths**2
        scaled = np.where(free > NOWHERE, 1 / np.sqrt(np.maximum(free, NOWHERE)), 0.0)
        part = vectors @ (scaled * (vectors.T @ (own @ wanted)))
        variance += float(part @ left[rows]) ** 2
        squares.append(float(part @ part))
        sums.append(own.T @ part)
    alone, shared = np.array(squares), np.array(sums)
    crossed = np.einsum("gi,ij,gj->g", shared, inverse, shared)
    inner = shared.T @ shared @ inverse
    bottom = float(np.square(alone).sum() - 2 * alone @ crossed + np.trace(inner @ inner))
    dof = float((alone - crossed).sum()) ** 2 / bottom if bottom > 0 else np.nan
    return Contrast(float(beta[place]), float(np.sqrt(variance)), dof)


def design_of(group: pd.Series, first: str, second: str, covariates: pd.DataFrame) -> np.ndarray:
    """Return constant, first, the groups that are not compared (none where `second` is empty), and covariates."""
    others = [] if not second else sorted(set(group) - {first, second})
    columns = [np.ones(len(group)), *((group == name).to_numpy(float) for name in [first, *others])]
    dummies = [pd.get_dummies(part, drop_first=True, dtype=float) for _, part in covariates.items()]
    return np.column_stack([*columns, *dummies])


def group_models(responses: pd.DataFrame, instrument: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons of `definitions`, adjusted over all that were tested by Holm.

    Respondents who lack the score, the group or a covariate are left out. Where `branch` is given, errors are clustered
    by it, and a respondent without one counts alone.

    Args:
        responses: see `read_survey`; `branch` and `tier` may be missing.
        instrument: the items.

    Returns:
        `construct`, `by`, `first`, `second`, `estimate` (points of the answers), `ci_low`, `ci_high`, `standardised`
        (in standard deviations of the score) with `standardised_low` and `_high`, `odds_ratio` of a higher answer with
        `odds_low` and `odds_high`, `dof`, `p_value`, `p_holm`, `n`, `fewer` (people of the smaller group), `clusters`,
        `clustered`, `level`, `least_dof`, and `result`: differ, open; few (degrees of freedom below the least); no
        column; no answers (to the scale, or of two people of each group).
    """
    scores = scale_scores(responses, instrument).dropna(subset=["score"])
    items, weights = keyed(responses, instrument), design_weights(responses)
    branch = responses.get("branch", pd.Series("", index=responses.index)).fillna("").astype(str)
    clusters = branch.where(branch != "", "alone " + responses.index.astype(str))
    rows = []
    for asked in definitions().to_dict("records"):
        names = [name for name in asked["covariates"].split(";") if name in responses]
        score = scores[scores["construct"] == asked["construct"]].set_index("respondent_id")["score"]
        row = {name: asked[name] for name in ("construct", "by", "first", "second")} | {"result": "no column"}
        if asked["by"] in responses:
            known = responses.loc[score.index, [asked["by"], *names]].replace("", None).dropna()
            group = known[asked["by"]]
            first = group == asked["first"]
            second = group == asked["second"] if asked["second"] else ~first
            row |= {"n": len(known), "fewer": int(min(first.sum(), second.sum())), "result": "no answers"}
            if row["fewer"] > 1:
                design = design_of(group, asked["first"], asked["second"], known[names])
                own = instrument.loc[instrument["construct"] == asked["construct"], "item"]
                people = {
                    "weights": weights[known.index].to_numpy(),
                    "clusters": clusters[known.index].to_numpy(),
                }
                row |= _fitted(design, score[known.index], items.loc[known.index, own], **people)
                row["clustered"] = bool((branch[known.index] != "").any())
        rows.append(row)
    columns = ["construct", "by", "first", "second", "estimate", "ci_low", "ci_high", "standardised",
               "standardised_low", "standardised_high", "odds_ratio", "odds_low", "odds_high", "dof", "p_value", "n",
               "fewer", "clusters", "clustered", "result"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = holm(table["p_value"].astype(float))
    tested = table["p_holm"].notna()
    table.loc[tested, "result"] = np.where(table["p_holm"][tested] < LEVEL, "differ", "open")
    return table.assign(level=LEVEL, least_dof=LEAST_DOF)


def _fitted(
    design: np.ndarray, score: pd.Series, items: pd.DataFrame, weights: np.ndarray, clusters: np.ndarray
) -> dict[str, object]:
    found = coefficient(design, score.to_numpy(), weights, clusters)
    spread = float(np.sqrt(np.cov(score, aweights=weights)))
    (low, high), scale = found.interval(), 1 / spread if spread > 0 else np.nan
    return {
        "estimate": found.estimate, "ci_low": low, "ci_high": high, "standardised": found.estimate * scale,
        "standardised_low": low * scale, "standardised_high": high * scale, "dof": found.dof,
        "p_value": found.p_value(), "clusters": len(set(clusters)), "result": "few",
        **odds_ratio(design, items, clusters, found.dof),
    }  # fmt: skip


def odds_ratio(design: np.ndarray, items: pd.DataFrame, clusters: np.ndarray, dof: float) -> dict[str, float]:
    """Return the odds ratio of a higher answer for the second column of a design, the items pooled.

    Cumulative logits by generalised estimating equations with working independence: each answer counts once per step of
    the scale, as above it or not, with an intercept per step and a shift per item (Lipsitz, Kim and Zhao 1994,
    doi:10.1002/sim.4780131106). Survey weights are left out. Errors are clustered; the interval is Student's t with
    `dof` degrees of freedom.

    Returns:
        `odds_ratio, odds_low, odds_high`; NaN where the answers do not give it.
    """
    nothing = dict.fromkeys(("odds_ratio", "odds_low", "odds_high"), np.nan)
    values = items.to_numpy()
    person, item = np.nonzero(~np.isnan(values))
    steps = np.unique(values[person, item])[:-1]
    if not len(steps) or not dof >= LEAST_DOF:
        return nothing
    above = (values[person, item][:, None] > steps).ravel().astype(float)
    step = np.tile(np.arange(len(steps)), len(person))
    person, item = np.repeat(person, len(steps)), np.repeat(item, len(steps))
    x = np.column_stack([design[person, 1:], step[:, None] == np.arange(len(steps)),
                         item[:, None] == np.arange(1, values.shape[1])]).astype(float)  # fmt: skip
    estimate, error = _logistic(x, above, pd.factorize(clusters)[0][person])
    if not abs(estimate) < SEPARATED:
        return nothing
    half = float(stats.t.isf(LEVEL / 2, dof)) * error
    ends = np.exp([estimate, estimate - half, estimate + half])
    return dict(zip(nothing, map(float, ends), strict=True))


def _logistic(x: np.ndarray, y: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Return the first coefficient of a logistic regression and its error clustered as statsmodels does; NaN: none.

    Newton's method; statsmodels itself takes two seconds to import, which no other part of the survey needs.
    """
    beta, (n, k) = np.zeros(x.shape[1]), x.shape
    for _ in range(STEPS):
        p = expit(x @ beta)
        inverse = np.linalg.pinv(x.T @ (x * (p * (1 - p))[:, None]), rcond=NOWHERE, hermitian=True)
        move = inverse @ (x.T @ (y - p))
        beta += move
        if np.abs(move).max() < NOWHERE:
            break
    else:
        return np.nan, np.nan
    sums = pd.DataFrame(x * (y - p)[:, None]).groupby(clusters).sum().to_numpy()
    g = len(sums)
    scale = g / (g - 1) * (n - 1) / (n - k) if g > 1 else np.nan
    return float(beta[0]), float(np.sqrt(scale * np.square(sums @ inverse[0]).sum()))
