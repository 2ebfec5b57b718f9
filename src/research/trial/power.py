"""Power and size of a trial: by formula, and by simulation, which governs where clusters are few.

A difference δ between two arms of n customers each, with variances v₀ and v₁ of one customer's outcome, has the
standard error √((v₀ + v₁)·D/n). The design effect of clusters of mean size m, whose sizes have the coefficient of
variation c, is D = 1 + ((c² + 1)m − 1)ρ (Eldridge, Ashby and Kerry 2006, doi:10.1093/ije/dyl129), ρ the correlation
within clusters on the scale of proportions. The stepped wedge is generalised least squares on means of clusters in
periods (Hussey and Hughes 2007, doi:10.1016/j.cct.2006.05.007), with cluster autocorrelation; unequal clusters multiply
its precision by 1 − c²λ(1 − λ), λ = mρ/(mρ + 1 − ρ) (van Breukelen, Candel and Berger 2007, Statistics in Medicine 26).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, ndtr
from scipy.stats import f, gamma, nct, norm, t

Floats = np.ndarray
MOST_CUSTOMERS = 10**8
PERMUTATIONS = 199
SIMULATIONS = 2000
GRID = np.linspace(-6, 6, 601)  # standard normal places between which chances of clusters are interpolated


@dataclass(frozen=True)
class Setting:
    """What the power of a trial depends on.

    Attributes:
        level: mean of the outcome without the action.
        difference: treated minus control that is to be found.
        spread: standard deviation of one customer's outcome; None: yes or no (or a share, which varies no more).
        per_arm: customers per arm, or of a wedge in one period of all clusters; those whose outcome will be known.
        size, cv: mean size of a cluster and coefficient of variation; size 1: customers are allocated one by one.
        icc: correlation of two customers of one cluster in one period, on the scale of proportions.
        waves: of a stepped wedge, each a period after the first; 0: two parallel arms.
        autocorrelation: of a cluster's level in two periods.
        margin: of non-inferiority, the difference that must be excluded; the true one is then `difference`.
        alpha: two-sided.
    """

    level: float
    difference: float
    per_arm: float
    spread: float | None = None
    size: float = 1.0
    cv: float = 0.0
    icc: float = 0.0
    waves: int = 0
    autocorrelation: float = 1.0
    margin: float = 0.0
    alpha: float = 0.05

    @property
    def variances(self) -> tuple[float, float]:
        """Variance of one customer's outcome in the control and in the treated arm."""
        if self.spread is not None:
            return self.spread**2, self.spread**2
        treated = min(max(self.level + self.difference, 0.0), 1.0)
        return self.level * (1 - self.level), treated * (1 - treated)

    @property
    def middle(self) -> float:
        """Variance of one customer's outcome half-way between the arms, one for both as Hussey and Hughes have it."""
        mean = self.level + self.difference / 2
        return self.spread**2 if self.spread is not None else mean * (1 - mean)

    @property
    def clusters(self) -> int:
        """Clusters in the whole trial."""
        return max(round(self.per_arm / self.size), 1) * (1 if self.waves else 2)


def design_effect(size: float, cv: float, icc: float) -> float:
    """Return how many times more customers are needed because they come in clusters.

    >>> round(design_effect(30, 0.4, 0.01), 3)
    1.338
    """
    return 1 + ((cv**2 + 1) * size - 1) * icc


def standard_error(setting: Setting) -> float:
    """Return the standard error of the difference."""
    if setting.waves:
        treated = treated_in(np.arange(setting.waves) + 1, setting.waves + 1)
        parts = between_within(setting.middle, setting.icc, setting.autocorrelation)
        variance = wedge(treated, np.full(treated.shape, setting.size), *parts)[1]
        share = setting.size * setting.icc / (setting.size * setting.icc + 1 - setting.icc)
        efficiency = 1 - setting.cv**2 * share * (1 - share)
        return float(variance * setting.waves / setting.clusters / efficiency) ** 0.5
    effect = design_effect(setting.size, setting.cv, setting.icc)
    return float(np.sqrt(sum(setting.variances) * effect / setting.per_arm))


def power(setting: Setting) -> float:
    """Return the power by formula; with clusters of several customers, by Student's t on clusters.

    Two-sided for superiority; for non-inferiority the chance that the interval of 1 − α excludes the margin.
    """
    error = standard_error(setting)
    off = abs(setting.difference - setting.margin) / error
    both = setting.margin == 0
    if setting.size <= 1 or setting.waves:
        bar = norm.ppf(1 - setting.alpha / 2)
        return float(ndtr(off - bar) + (ndtr(-off - bar) if both else 0))
    free = setting.clusters - 2
    if free < 1:
        return float("nan")
    bar = t.ppf(1 - setting.alpha / 2, free)
    far = nct.cdf(-bar, free, off) if both else 0.0  # scipy has no number for what is next to nothing
    return float(nct.sf(bar, free, off) + np.nan_to_num(far))


def needed(setting: Setting, wanted: float) -> float:
    """Return the least customers per arm (of a wedge: in a period) that reach a power; whole clusters. inf: none."""
    unit = max(setting.size, 1.0) * max(setting.waves, 1)

    def reached(units: int) -> bool:
        return power(replace(setting, per_arm=units * unit)) >= wanted

    low, high = 0, 2 if setting.size > 1 else 1
    while not reached(high):
        if high * unit > MOST_CUSTOMERS:
            return float("inf")
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high * unit


def detectable(setting: Setting, wanted: float) -> float:
    """Return the difference, of the sign of the setting's (or of its margin), that a trial of this size finds.

    NaN where not even the largest possible one is.
    """
    aim = setting.margin or setting.difference
    most = aim * 1000 if setting.spread is not None else (1 - setting.level if aim > 0 else -setting.level)

    def made(difference: float) -> Setting:
        return replace(setting, **{"margin" if setting.margin else "difference": difference})

    def lacking(difference: float) -> float:
        return power(made(difference)) - wanted

    if not lacking(most * 0.999999) >= 0:
        return float("nan")
    return float(brentq(lacking, most * 1e-9, most * 0.999999))


# ------------------------------------------------------------------------------------------------------- stepped wedge
def waves(clusters: int, count: int) -> np.ndarray:
    """Return the wave of each cluster, 1 to `count`, as even as may be."""
    return np.sort(np.arange(clusters) % count) + 1


def treated_in(starts: np.ndarray, periods: int) -> Floats:
    """Return 0/1 (clusters, periods): a cluster of wave w is treated from period w on, the first is period 0."""
    return (np.arange(periods)[None, :] >= np.asarray(starts)[:, None]).astype(float)


def between_within(variance: float, icc: float, autocorrelation: float) -> tuple[float, float, float]:
    """Return the parts of a customer's variance: of clusters, of their periods, and within both."""
    between = icc * variance
    return between * autocorrelation, between * (1 - autocorrelation), variance - between


def wedge(
    treated: Floats, sizes: Floats, cluster: float, period: float, within: float
) -> tuple[Floats, float, Callable[[Floats], Floats]]:
    """Return generalised least squares on means of clusters in periods, with fixed effects of periods.

    Args:
        treated: (g, p) 0/1.
        sizes: (g, p) customers behind each mean; 0: nobody.
        cluster, period, within: parts of the variance.

    Returns:
        Weights (g, p), so that the effect is the sum of weights × means; its variance; and a function from means
        (…, g, p) to what each cluster adds to the estimate's error (…, g), for an error that is robust to these parts.
    """
    count, periods = treated.shape
    basis = np.broadcast_to(np.eye(periods), (count, periods, periods))
    design = np.concatenate([basis, treated[:, :, None]], axis=2)
    own = period + within / np.maximum(sizes, 1e-9)
    covariance = cluster + own[:, :, None] * np.eye(periods)
    scaled = np.linalg.solve(covariance, design)
    information = np.einsum("gpk,gpl->kl", design, scaled)
    rows = np.linalg.solve(information, np.eye(periods + 1))
    weights = scaled @ rows[-1]

    def added(means: Floats) -> Floats:
        solved = np.einsum("gpk,...gp->...k", scaled, means) @ rows
        fitted = np.einsum("gpk,...k->...gp", design, solved)
        return (weights * (means - fitted)).sum(axis=-1)

    return weights, float(rows[-1, -1]), added


# ---------------------------------------------------------------------------------------------------------- simulation
def cluster_sizes(count: int, mean: float, cv: float) -> np.ndarray:
    """Return whole sizes of clusters with a mean and a coefficient of variation: quantiles of a gamma distribution."""
    if cv <= 0:
        return np.full(count, max(round(mean), 1))
    places = (np.arange(count) + 0.5) / count
    made = gamma.ppf(places, 1 / cv**2, scale=mean * cv**2)
    return np.maximum(np.rint(mean + (made - made.mean()) * mean * cv / made.std()), 1).astype(int)


def simulate(
    setting: Setting, *, seed: int, few: int, trials: int = SIMULATIONS, difference: float | None = None
) -> tuple[float, float]:
    """Return the share of simulated trials that reach their aim, and its Monte Carlo standard error.

    Outcomes of customers are drawn within clusters whose levels follow a beta distribution (a normal one for amounts).
    Trials of at least `few` clusters are judged by cluster-robust errors, the others by the allocation itself.

    `difference` is the true one, when it is not that of the setting (0: the error of the first kind).
    """
    rng = np.random.default_rng(seed)
    true = setting.difference if difference is None else difference
    if setting.size <= 1 and not setting.waves:
        found, error = _one_by_one(setting, true, trials, rng)
    elif setting.waves:
        return _share(_wedge_trials(setting, true, trials, few, rng))
    else:
        sums, sizes, arm = _clusters(setting, true, trials, rng)
        if setting.clusters < few and not setting.margin:
            return _share(by_allocation(sums, sizes, arm, rng) <= setting.alpha)
        found, error = robust(sums, sizes, arm)
    free = setting.clusters - 2 if setting.size > 1 else np.inf
    reach = t.ppf(1 - setting.alpha / 2, free) * error
    if setting.margin:
        return _share(np.sign(setting.margin) * (setting.margin - found) > reach)
    return _share(np.abs(found) > reach)


def _share(reached: np.ndarray) -> tuple[float, float]:
    share = float(reached.mean())
    return share, float(np.sqrt(share * (1 - share) / len(reached)))


def _one_by_one(
    setting: Setting, true: float, trials: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    n = round(setting.per_arm)
    if setting.spread is not None:
        means = rng.normal([[setting.level], [setting.level + true]], setting.spread / n**0.5, (2, trials))
        return means[1] - means[0], np.full(trials, setting.spread * (2 / n) ** 0.5)
    chances = np.clip([[setting.level], [setting.level + true]], 0, 1)
    shares = rng.binomial(n, chances, (2, trials)) / n
    return shares[1] - shares[0], np.sqrt((shares * (1 - shares)).sum(axis=0) / (n - 1))


def _levels(icc: float, mean: Floats, normal: Floats) -> Floats:
    """Return chances of clusters, beta with this mean and correlation, at standard normal places."""
    if icc <= 0:
        return np.broadcast_to(mean, normal.shape)
    total, made = (1 - icc) / icc, np.empty(normal.shape)
    for one in np.unique(mean):
        inside = mean == one
        made[inside] = np.interp(normal[inside], GRID, betaincinv(one * total, (1 - one) * total, ndtr(GRID)))
    return made


def _drawn(
    setting: Setting, mean: Floats, normal: Floats, sizes: np.ndarray, rng: np.random.Generator
) -> Floats:
    """Return sums of outcomes in clusters, whose levels stand at standard normal places."""
    if setting.spread is not None:
        within = ((1 - setting.icc) / sizes) ** 0.5 * rng.standard_normal(normal.shape)
        return (mean + setting.spread * (setting.icc**0.5 * normal + within)) * sizes
    return rng.binomial(sizes, _levels(setting.icc, np.clip(mean, 1e-9, 1 - 1e-9), normal)).astype(float)


def _clusters(
    setting: Setting, true: float, trials: int, rng: np.random.Generator
) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Return sums of outcomes (trials, g), sizes (trials, g) and arms (g,)."""
    count = setting.clusters
    arm = np.arange(count) % 2
    usual = np.broadcast_to(cluster_sizes(count, setting.size, setting.cv), (trials, count))
    sizes = rng.permuted(usual, axis=1)
    mean = np.broadcast_to(setting.level + true * arm, (trials, count))
    return _drawn(setting, mean, rng.standard_normal((trials, count)), sizes, rng), sizes, arm


def robust(sums: Floats, sizes: np.ndarray, arm: np.ndarray) -> tuple[Floats, Floats]:
    """Return differences of means (trials,) and their cluster-robust standard errors.

    The same as least squares of the outcome on the arm with errors clustered by `statsmodels`, its small-sample factor
    G/(G − 1)·(N − 1)/(N − 2) included.

    Args:
        sums: (trials, g) of outcomes in clusters.
        sizes: (trials, g) customers.
        arm: (g,) 0/1, or (trials, g).
    """
    parts, variance, count, people = [], 0.0, sums.shape[1], sizes.sum(axis=1)
    for side in (0, 1):
        inside = arm == side
        n = (sizes * inside).sum(axis=1)
        mean = (sums * inside).sum(axis=1) / n
        variance = variance + ((((sums - mean[:, None] * sizes) * inside) ** 2).sum(axis=1)) / n**2
        parts.append(mean)
    factor = count / (count - 1) * (people - 1) / (people - 2)
    return parts[1] - parts[0], np.sqrt(variance * factor)


def by_allocation(
    sums: Floats, sizes: np.ndarray, arm: np.ndarray, rng: np.random.Generator, draws: int = PERMUTATIONS
) -> Floats:
    """Return p-values (trials,) of the difference, among those that other allocations of the same clusters give."""
    drawn = rng.permuted(np.broadcast_to(arm, (draws, len(arm))), axis=1).astype(float)

    def differences(arms: Floats) -> Floats:
        total, people = sums.sum(axis=1)[:, None], sizes.sum(axis=1)[:, None]
        sum_, n = sums @ arms.T, sizes @ arms.T
        return sum_ / n - (total - sum_) / (people - n)

    found = np.abs(differences(arm[None, :].astype(float)))
    return (1 + (np.abs(differences(drawn)) >= found - 1e-12).sum(axis=1)) / (draws + 1)


def _wedge_trials(
    setting: Setting, true: float, trials: int, few: int, rng: np.random.Generator
) -> np.ndarray:
    """Return which simulated stepped wedges reach their aim."""
    count, periods = setting.clusters, setting.waves + 1
    treated = treated_in(waves(count, setting.waves), periods)
    sizes = rng.permutation(cluster_sizes(count, setting.size, setting.cv))[:, None] * np.ones(periods, int)
    same, new = rng.standard_normal((trials, count, 1)), rng.standard_normal((trials, count, periods))
    normal = setting.autocorrelation**0.5 * same + (1 - setting.autocorrelation) ** 0.5 * new
    mean = np.broadcast_to(setting.level + true * treated, normal.shape)
    means = _drawn(setting, mean, normal, sizes, rng) / sizes
    parts = between_within(setting.middle, setting.icc, setting.autocorrelation)
    weights, _, added = wedge(treated, sizes, *parts)
    found = np.einsum("tgp,gp->t", means, weights)
    if count >= few or setting.margin:
        error = (count / (count - 1) * (added(means) ** 2).sum(axis=1)) ** 0.5
        reach = t.ppf(1 - setting.alpha / 2, count - periods - 1) * error
        aim = np.sign(setting.margin) * (setting.margin - found) if setting.margin else np.abs(found)
        return aim > reach
    others = np.stack([wedge(treated[rng.permutation(count)], sizes, *parts)[0] for _ in range(PERMUTATIONS)])
    beyond = np.abs(np.einsum("tgp,dgp->td", means, others)) >= np.abs(found)[:, None] - 1e-12
    return (1 + beyond.sum(axis=1)) / (PERMUTATIONS + 1) <= setting.alpha


# ------------------------------------------------------------------------------------------- intra-cluster correlation
def intracluster(outcome: Floats, cluster: np.ndarray) -> tuple[float, float, float]:
    """Return the low end, value and high end of the correlation of customers of one cluster; at least 0.

    By the analysis of variance on the outcome itself, 0/1 or amounts, for clusters of unequal sizes (Ukoumunne et al.
    1999, doi:10.3310/hta3050): ρ = (B − W)/(B + (m₀ − 1)W) with m₀ = (N − Σm²/N)/(k − 1). The ends are those of the
    interval of 95 % that the F distribution of B/W gives.
    """
    _, place = np.unique(cluster, return_inverse=True)
    n = np.bincount(place).astype(float)
    sums, total, count = np.bincount(place, outcome), n.sum(), len(n)
    explained = (sums**2 / n).sum()
    between = (explained - sums.sum() ** 2 / total) / (count - 1)
    within = ((outcome**2).sum() - explained) / (total - count)
    usual = (total - (n**2).sum() / total) / (count - 1)
    free = count - 1, total - count
    ratios = between / within * np.array([1 / f.ppf(0.975, *free), 1.0, f.ppf(0.975, *free[::-1])])
    return tuple(float(max(value, 0.0)) for value in (ratios - 1) / (ratios + usual - 1))  # type: ignore[return-value]
