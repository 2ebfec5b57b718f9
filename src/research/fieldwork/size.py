"""How many people to ask, units to code and customers to judge: precision and power from stated inputs.

A quantity is a function of n that gives half of the width of an interval, or the power of a test; the size is the
smallest n that gives what was asked for. Questions, inputs, assumptions and sources are data
(`data/definitions/field_size.yml`), which also says how answers become invitations: with n₀ answers of a simple random
sample, a design effect d and N people, n = d n₀ / (1 + d n₀ / N), so that the variance d (1/n − 1/N) S² is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from research.errors import UserError, nearest
from research.fieldwork.survey.reliability import feldt_interval
from research.files.textfiles import parse_yaml, read_text, read_yaml
from research.paths import DEFINITIONS

Inputs = Mapping[str, Any]
COLUMNS = ["question", "least", "most", "unit", "invite", "gives", "at_hand", "assumes", "formula", "source"]
MOST = 1_000_000  # people or units beyond which no answer is given
STUDIES = 2_000  # simulated for the vignettes
_POOL = 100_000  # simulated customers from which the studies are drawn
_SEED = 20240607
_NORMAL = 20_000  # respondents of a group from which t is taken as normal


def definitions() -> dict[str, Any]:
    """Return the questions as data: `common`, `quantities`, `ranges`, `adjustments`."""
    return parse_yaml(read_text(DEFINITIONS / "field_size.yml"), "field_size.yml")


def read_inputs(file: Path | None = None, changes: Mapping[str, Any] | None = None) -> dict[str, Inputs]:
    """Return the inputs of every quantity, and the `common` ones.

    Args:
        file: YAML, `quantity: {input: value}`; what it leaves out keeps the value of the definitions.
        changes: `quantity.input` → value; they count more than the file.

    Raises:
        UserError: an unknown quantity or input, or a value that it cannot have.
    """
    known = {"common": definitions()["common"]}
    known |= {name: one["inputs"] for name, one in definitions()["quantities"].items()}
    found = {name: {key: one["value"] for key, one in inputs.items()} for name, inputs in known.items()}
    given = []
    for name, inputs in (read_yaml(file, "`quantity: {input: value}`") if file else {}).items():
        if not isinstance(inputs, dict):
            raise UserError(f"{file}: {name}: found {inputs!r}, expected `input: value` lines")
        given += [(f"{file}: ", str(name), str(key), value) for key, value in inputs.items()]
    given += [("-p ", *name.partition(".")[::2], value) for name, value in (changes or {}).items()]
    for where, name, key, value in given:
        if name not in known:
            raise UserError(f"{where}{name}: no such quantity{nearest(name, known)}")
        if key not in known[name]:
            raise UserError(f"{where}{name}.{key}: no such input{nearest(key, known[name])}")
        found[name][key] = _value(f"{where}{name}.{key}", value, known[name][key])
    return found


def _value(where: str, value: Any, rule: Mapping[str, Any]) -> Any:
    """Return a value that an input may have."""
    if isinstance(rule["value"], list):
        parts = value if isinstance(value, list) else []
        sound = 2 <= len(parts) <= 6 and all(isinstance(one, int | float) and 0 < one < 1 for one in parts)
        if not sound or abs(sum(parts) - 1) > 0.001:
            raise UserError(
                f"{where}: found {value!r}, expected a list of 2 to 6 shares above 0 that add up to 1"
            )
        return parts
    kind = "a whole number" if rule.get("whole") else "a number"
    number = isinstance(value, int if rule.get("whole") else (int, float)) and not isinstance(value, bool)
    if not number or not rule["low"] <= value <= rule["high"]:
        raise UserError(f"{where}: found {value!r}, expected {kind} from {rule['low']:,} to {rule['high']:,}")
    return value


def sizes(inputs: Mapping[str, Inputs]) -> pd.DataFrame:
    """Return a row per question, see `COLUMNS`: how many to have (`least`, to `most` in a range) and to `invite`.

    `gives` is what so many give, `at_hand` what the number given as `common.at_hand` does.

    Raises:
        UserError: a question needs more people or units than `MOST`.
    """
    content, common = definitions(), inputs["common"]
    rows = [_row(name, one, inputs[name], common) for name, one in content["quantities"].items()]
    rows += [one | _filled(one, common) for one in content["ranges"]]
    filling = {**common, "design": design_effect(common)}
    idle = {"cluster": filling["design"] == 1, "population": not common["population"],
            "response": common["response"] == 1}  # fmt: skip
    rows += [_filled(one, filling) for name, one in content["adjustments"].items() if not idle[name]]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    return table.astype(dict.fromkeys(("least", "most", "invite"), "Int64"))


def _row(name: str, told: Mapping[str, Any], given: Inputs, common: Inputs) -> dict[str, Any]:
    level, wanted = common["confidence"], common["power"]
    measure, power, most = MEASURES[name], told["gives"] == "power", told.get("most", MOST)

    def good(n: int) -> bool:
        found = measure(n, given, level)
        return found >= wanted if power else found <= given["half_width"]

    alone = smallest(good, most=most, where=name)
    answers, invite = invitations(alone, common, told["adjusted"])
    shown = "power {:.2f}" if power else "± {:.3g}"
    row = {"least": answers, "invite": invite if told["adjusted"] else pd.NA, "unit": told["unit"]}
    row["gives"] = shown.format(measure(alone, given, level))
    if common["at_hand"]:
        worth = int(effective(common["at_hand"], common, told["adjusted"]))
        computed = shown.format(measure(min(max(worth, 2), most), given, level))
        row["at_hand"] = "too few" if worth < 2 else f"better than {computed}" if worth > most else computed
    if "population" in told["adjusted"] and 0 < common["population"] < invite:
        row["unit"] = f"{told['unit']}; there are not so many to invite"
    return _filled(told, {**common, **given}) | row


def _filled(told: Mapping[str, Any], given: Inputs) -> dict[str, Any]:
    return {
        "question": told["asks"].format(**given), "assumes": told["assumes"].format(**given),
        "formula": told.get("formula", ""), "source": told["source"],
    }  # fmt: skip


def smallest(good: Callable[[int], bool], *, most: int, where: str) -> int:
    """Return the smallest n from 2 on that is good, when every larger one is; UserError beyond `most`."""
    high = 2
    while not good(high):
        if high == most:
            raise UserError(
                f"{where}: what is asked for needs more than {most:,}; expected a wider interval, a larger effect or "
                "less power"
            )
        high = min(2 * high, most)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high


def design_effect(common: Inputs) -> float:
    """Variance of a sample by branch over that of a simple random one: 1 + (m − 1) icc (Kish 1965)."""
    return 1 + (common["cluster"] - 1) * common["icc"]


def invitations(alone: int, common: Inputs, adjusted: Sequence[str]) -> tuple[int, int]:
    """Return the answers that are worth `alone` answers of a simple random sample, and the people to invite."""
    n = alone * (design_effect(common) if "cluster" in adjusted else 1)
    if "population" in adjusted and common["population"]:
        n /= 1 + n / common["population"]
    answers = math.ceil(n - 1e-9)
    return answers, math.ceil(answers / common["response"] - 1e-9)


def effective(answers: int, common: Inputs, adjusted: Sequence[str]) -> float:
    """Return how many answers of a simple random sample these answers are worth; the way back of `invitations`."""
    n = answers / (design_effect(common) if "cluster" in adjusted else 1)
    if "population" in adjusted and common["population"]:
        n /= max(1 - answers / common["population"], 1e-6)
    return n


def half_width_of_mean(n: int, given: Inputs, level: float) -> float:
    """Half of the width of the t interval of a mean."""
    return float(stats.t.isf((1 - level) / 2, n - 1) * given["sd"] / math.sqrt(n))


def half_width_of_share(n: int, given: Inputs, level: float) -> float:
    """Half of the width of Wilson's interval when just the share expected is found."""
    z, p = stats.norm.isf((1 - level) / 2), given["expected"]
    return float(z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)))


def half_width_of_alpha(n: int, given: Inputs, level: float) -> float:
    """Half of the width of Feldt's interval of Cronbach's α, the one that page 09 shows."""
    low, high = feldt_interval(given["expected"], n, given["items"], level)
    return float(high - low) / 2


def power_of_groups(n: int, given: Inputs, level: float) -> float:
    """Power of Mann–Whitney for a shift between two normal groups: that of the t test with 3/π of the people."""
    from statsmodels.stats import power  # statsmodels takes a second to import

    # the noncentral t fails where it is normal
    test = power.TTestIndPower if n < _NORMAL else power.NormalIndPower
    alpha = (1 - level) / given["tests"]
    return float(test().power(given["effect"], n * 3 / math.pi, alpha, ratio=given["ratio"]))


def power_of_concordance(m: int, given: Inputs, level: float) -> float:
    """Power of the χ² test of Kendall's W with m people, by a noncentral F of (m − 1) W / (1 − W)."""
    n, w = given["objects"], given["expected"]
    bound = stats.chi2.isf(1 - level, n - 1) / (m * (n - 1))
    if bound >= 1:
        return 0.0
    first = n - 1 - 2 / m
    ratio = (m - 1) * bound / (1 - bound)
    return float(stats.ncf.sf(ratio, first, (m - 1) * first, m * (n - 1) * w / (1 - w)))


def half_width_of_kappa(n: int, given: Inputs, level: float) -> float:
    """Half of the width of the large-sample interval of Fleiss' κ over n units."""
    variance = kappa_variance(tuple(given["shares"]), given["expected"], given["coders"])
    return float(stats.norm.isf((1 - level) / 2) * math.sqrt(variance / n))


@lru_cache(maxsize=8)
def kappa_variance(shares: tuple[float, ...], kappa: float, coders: int) -> float:
    """n times the large-sample variance of Fleiss' κ over n units.

    A unit's choices follow a Dirichlet-multinomial distribution with these shares, in which any two coders agree with
    this κ. The variance is that of a unit's part in κ = (P − E) / (1 − E), P its agreeing pairs and E = Σ p².
    """
    p = np.asarray(shares, dtype=float) / sum(shares)
    categories = range(len(p))
    counts = np.array(
        [np.bincount(one, minlength=len(p)) for one in combinations_with_replacement(categories, coders)]
    )
    weights = stats.dirichlet_multinomial.pmf(counts, p * (1 - kappa) / kappa, coders)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (coders * (coders - 1))
    expected = float((p**2).sum())
    observed = kappa + (1 - kappa) * expected
    chance = 2 * (counts / coders - p) @ p
    part = (agreeing - observed) / (1 - expected) - (1 - observed) / (1 - expected) ** 2 * chance
    return float(weights @ part**2)


def half_width_of_vignettes(n: int, given: Inputs, level: float) -> float:
    """Half of the middle part of quadratic κ among all experts in simulated studies of n customers."""
    k = given["experts"]
    square, total, squares = _judged(tuple(given["shares"]), given["expected"], k)
    drawn = np.random.default_rng(_SEED).integers(0, _POOL, (STUDIES, n))
    mean = total[drawn].mean(axis=1) / k
    variance = squares[drawn].mean(axis=1) / k - mean**2
    kappa = 1 - square[drawn].mean(axis=1) / (2 * np.where(variance > 0, variance, np.nan))
    low, high = np.nanquantile(kappa, [(1 - level) / 2, (1 + level) / 2])
    return float(high - low) / 2


@lru_cache(maxsize=2)
def _judged(
    shares: tuple[float, ...], kappa: float, experts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulated customers: mean squared difference between two experts, sum and sum of squares of the tiers given."""
    cuts = stats.norm.ppf(np.cumsum(shares)[:-1] / sum(shares))
    r = latent_correlation(cuts, kappa)
    rng = np.random.default_rng(_SEED)
    customers = math.sqrt(r) * rng.standard_normal(_POOL)
    total, squares = np.zeros(_POOL), np.zeros(_POOL)
    for _ in range(experts):
        tier = np.searchsorted(cuts, customers + math.sqrt(1 - r) * rng.standard_normal(_POOL))
        total, squares = total + tier, squares + tier**2
    return 2 * (experts * squares - total**2) / (experts * (experts - 1)), total, squares


def latent_correlation(cuts: np.ndarray, kappa: float) -> float:
    """Return the correlation of two experts' normal opinions, cut at these points, that gives this quadratic κ."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    above = stats.norm.sf(cuts)
    variance = sum(float(min(a, b)) for a in above for b in above) - above.sum() ** 2

    def gap(r: float) -> float:
        given_customer = stats.norm.sf((cuts[:, None] - math.sqrt(r) * nodes) / math.sqrt(1 - r)).sum(axis=0)
        return (weights @ given_customer**2 / weights.sum() - above.sum() ** 2) / variance - kappa

    return float(optimize.brentq(gap, 0, 0.9999, xtol=1e-6))


def power_of_themes(n: int, given: Inputs, level: float) -> float:
    """Chance that enough of n people speak of a theme, when each holds it with the prevalence."""
    return float(stats.binom.sf(given["times"] - 1, n, given["prevalence"]))


MEASURES: dict[str, Callable[[int, Inputs, float], float]] = {
    "mean": half_width_of_mean,
    "proportion": half_width_of_share,
    "alpha": half_width_of_alpha,
    "groups": power_of_groups,
    "concordance": power_of_concordance,
    "kappa": half_width_of_kappa,
    "vignettes": half_width_of_vignettes,
    "themes": power_of_themes,
}
