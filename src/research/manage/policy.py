"""Policy simulation: managing by tier against treating all alike, at equal volume and at equal expected loss.

One year, one customer i in tier t, effects e of the tier's actions (0 when there is none):

    kept        k = (1 − decline)(1 + growth)(1 − churn(1 − e_churn))
    volume      k·EAD
    interest    k·EAD·(rate + e_rate)·(1 − PD(1 − e_pd))
    cross-sell  k·EAD·e_cross·product margin
    loss        k·EAD·PD(1 − e_pd)·LGD(1 − e_lgd)
    capital     k·capital                      (set by the rating, not by the hoped-for effect)
    funding     funding rate·(volume − capital)
    hours       (1 − decline)·(base hours·(1 + e_hours) + hours of the actions)
    profit      interest + cross-sell − loss − funding − hours·cost of an hour − cost of capital·capital
    RAROC       (profit + cost of capital·capital) / capital

Every quantity is a sum over customers that is linear in each lever, so that a tier enters through seven sums and
ten thousand draws of the effects cost no more than one pass over the book.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.manage.portfolio import Economics
from research.manage.strategies import LEVERS
from research.manage.tier_sums import Sums, draw_sums, sums
from research.tiers import TIERS

Floats = np.ndarray
DISTRIBUTIONS = ("pert", "triangular")
BASES = ("as lent", "equal volume", "equal expected loss")
MEASURES = {
    "volume": "currency",
    "interest income": "currency per year",
    "cross-sell income": "currency per year",
    "expected loss": "currency per year",
    "funding cost": "currency per year",
    "officer hours": "hours per year",
    "operating cost": "currency per year",
    "capital": "currency",
    "capital cost": "currency per year",
    "profit": "currency per year",
    "RAROC": "share per year",
}
# Assumptions behind each measure under any policy; the actions' effects come on top of them where there are actions.
BEHIND: dict[str, tuple[str, ...]] = {
    "volume": (),
    "interest income": (),
    "cross-sell income": ("product_margin",),
    "expected loss": ("lgd_unsecured", "lgd_secured"),
    "funding cost": ("funding_rate", "capital_ratio"),
    "officer hours": ("base_hours",),
    "operating cost": ("base_hours", "officer_hour"),
    "capital": ("capital_ratio", "risk_weight"),
    "capital cost": ("capital_ratio", "risk_weight", "cost_of_capital"),
}
BEHIND["profit"] = tuple(dict.fromkeys(name for names in BEHIND.values() for name in names))
BEHIND["RAROC"] = BEHIND["profit"]


def draw_effects(table: pd.DataFrame, draws: int, seed: int, distribution: str = "pert") -> Floats:
    """Draw effects (draws, rows of the table), independently of each other, between low and high around base.

    PERT is the beta distribution with α = 1 + 4(base − least)/(most − least) and β = 1 + 4(most − base)/(most − least),
    mean (least + 4·base + most)/6; `triangular` puts more weight on the ends.
    """
    if distribution not in DISTRIBUTIONS:
        raise UserError(f"distribution '{distribution}'{nearest(distribution, DISTRIBUTIONS)}")
    if draws < 1:
        raise UserError(f"draws: found {draws}, expected at least 1")
    least = table[["low", "high"]].min(axis=1).to_numpy(float)
    most = table[["low", "high"]].max(axis=1).to_numpy(float)
    base = table["base"].to_numpy(float)
    width = most - least
    fixed = width == 0
    span = np.where(fixed, 1.0, width)
    rng = np.random.default_rng(seed)
    if distribution == "pert":
        drawn = rng.beta(
            1 + 4 * (base - least) / span, 1 + 4 * (most - base) / span, size=(draws, len(table))
        )
    else:
        drawn = rng.triangular(
            0.0, np.where(fixed, 0.5, (base - least) / span), 1.0, size=(draws, len(table))
        )
    return np.where(fixed, base, least + span * drawn)


def levers(table: pd.DataFrame, effects: Floats | None = None) -> dict[str, Floats]:
    """Combine effects (draws, rows) into one number per lever, draw and tier: dictionary of (draws, 4).

    Cuts of PD, LGD and churn combine as 1 − Π(1 − e), growth as Π(1 + e) − 1, declines as 1 − Π(1 − e);
    rates, cross-sell and hours add. Without `effects` the base effects are used (draws = 1).
    """
    if effects is None:
        effects = table["base"].to_numpy(float)[None, :]
    pulled = {name: np.zeros((len(effects), len(TIERS))) for name in LEVERS}
    pulled["action_hours"] = np.zeros((len(effects), len(TIERS)))
    for column, (tier, lever, hours) in enumerate(
        zip(table["tier"], table["lever"], table["hours"], strict=True)
    ):
        place = TIERS.index(tier)
        now, effect = pulled[lever][:, place], effects[:, column]
        if lever in ("pd", "lgd", "churn", "decline"):
            pulled[lever][:, place] = 1 - (1 - now) * (1 - effect)
        elif lever == "growth":
            pulled[lever][:, place] = (1 + now) * (1 + effect) - 1
        else:
            pulled[lever][:, place] = now + effect
        pulled["action_hours"][:, place] += hours
    return pulled


def outcome(book: Sums, pulled: Mapping[str, Floats], economics: Economics) -> dict[str, Floats]:
    """Return every measure but RAROC by draw and tier, (draws, 4), for a book under some levers."""
    stay = 1 - book.churn * (1 - pulled["churn"])
    accepted = 1 - pulled["decline"]
    kept = accepted * (1 + pulled["growth"]) * stay
    risk = 1 - pulled["pd"]
    volume = kept * book.exposure
    capital = kept * book.capital
    interest = kept * (
        book.interest
        + pulled["rate"] * book.exposure
        - risk * (book.interest_at_risk + pulled["rate"] * book.exposure_at_risk)
    )
    cross_sell = volume * pulled["cross_sell"] * economics.product_margin
    loss = kept * risk * (1 - pulled["lgd"]) * book.loss
    funding = economics.funding_rate * (volume - capital)
    per_customer = economics.base_hours * (1 + pulled["hours"]) + pulled["action_hours"]
    hours = accepted * book.customers * per_customer
    operating = hours * economics.officer_hour
    capital_cost = economics.cost_of_capital * capital
    return {
        "volume": volume,
        "interest income": interest,
        "cross-sell income": cross_sell,
        "expected loss": loss,
        "funding cost": funding,
        "officer hours": hours,
        "operating cost": operating,
        "capital": capital,
        "capital cost": capital_cost,
        "profit": interest + cross_sell - loss - funding - operating - capital_cost,
    }


def totals(measures: Mapping[str, Floats], scale: Floats | float = 1.0) -> dict[str, Floats]:
    """Add the tiers up, (draws,), times a scale, and append RAROC, which no scale changes."""
    added = {name: values.sum(axis=1) * scale for name, values in measures.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        added["RAROC"] = (added["profit"] + added["capital cost"]) / added["capital"]
    return added


def nothing_done(draws: int = 1) -> dict[str, Floats]:
    """Return levers that do nothing: one policy for all."""
    return {name: np.zeros((draws, len(TIERS))) for name in (*LEVERS, "action_hours")}


def policies(book: Sums, pulled: Mapping[str, Floats], economics: Economics) -> dict[str, dict[str, Floats]]:
    """Return the outcome by draw and tier of the three policies compared.

    `tiered` gives each tier its actions; `uniform` treats all alike and does nothing; `untargeted` gives the same
    actions to the same numbers of customers without looking at who they are. Tiered against uniform is the
    actions and the tiering together, tiered against untargeted is the tiering alone.
    """
    idle = nothing_done(len(pulled["pd"]))
    return {
        "tiered": outcome(book, pulled, economics),
        "untargeted": outcome(book.dealt_at_random(), pulled, economics),
        "uniform": outcome(book, idle, economics),
    }


def scale_to(basis: str, tiered: Mapping[str, Floats], other: Mapping[str, Floats]) -> Floats | float:
    """Return by how much the other policy's book is scaled so that it is comparable with the tiered one."""
    if basis == "as lent":
        return 1.0
    measure = "volume" if basis == "equal volume" else "expected loss"
    return tiered[measure].sum(axis=1) / other[measure].sum(axis=1)


def compare(
    frame: pd.DataFrame,
    table: pd.DataFrame,
    economics: Economics,
    *,
    seed: int,
    draws: int = 10_000,
    distribution: str = "pert",
    sampling: bool = True,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare the tiered policy with one policy for all and with the same actions dealt at random.

    Args:
        frame: book from `portfolio.book`.
        table: strategies; seed, draws, distribution: how their effects are drawn.
        sampling: also draw other samples of customers, so that the interval covers chance in who is in the book;
            without it the interval covers the ranges of the effects only.
        level: of the interval.

    Returns:
        One row per policy (also `tiered − …` and, for loss and hours, `tiered ÷ …`), basis and measure. `estimate` is
        at the base effects, `mean`, `ci_low` and `ci_high` come from the draws. `depends_on` is `data` or `assumption`
        and `assumes` names the assumptions. Where the contract rate is absent, income is NaN and `note` says so.
    """
    book = sums(frame, economics)
    base = policies(book, levers(table), economics)
    other = draw_sums(frame, economics, draws, seed) if sampling else book
    drawn = policies(other, levers(table, draw_effects(table, draws, seed, distribution)), economics)
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows: list[tuple[object, ...]] = []

    def add(policy: str, basis: str, at_base: Mapping[str, Floats], at_draws: Mapping[str, Floats]) -> None:
        for measure, values in at_draws.items():
            low, high = np.quantile(values, tails)
            unit = "ratio" if "÷" in policy else MEASURES[measure]
            rows.append((policy, basis, measure, unit, at_base[measure][0], values.mean(), low, high))

    tiered, tiered_drawn = totals(base["tiered"]), totals(drawn["tiered"])
    add("tiered", "as lent", tiered, tiered_drawn)
    for name in ("untargeted", "uniform"):
        for basis in BASES:
            here = totals(base[name], scale_to(basis, base["tiered"], base[name]))
            there = totals(drawn[name], scale_to(basis, drawn["tiered"], drawn[name]))
            add(name, basis, here, there)
            add(f"tiered − {name}", basis, _minus(tiered, here), _minus(tiered_drawn, there))
            add(f"tiered ÷ {name}", basis, _over(tiered, here), _over(tiered_drawn, there))
    columns = ["policy", "basis", "measure", "unit", "estimate", "mean", "ci_low", "ci_high"]
    result = pd.DataFrame(rows, columns=columns)
    covers = "effects and sampling" if sampling else "effects"
    return _with_origin(result, frame).assign(interval=covers, n=len(frame), draws=draws)


def _minus(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values - other[name] for name, values in one.items()}


def _over(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: one[name] / other[name] for name in ("expected loss", "officer hours")}


def _with_origin(result: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Say of each row whether it rests on data alone or on assumptions, and on which."""
    by_book = [] if frame["churn"].notna().any() else ["churn_rate"]
    for column, name in (("ead_from", "credit_conversion"), ("rate_from", "one rate for all")):
        if frame[column].str.startswith("assumption").any():
            by_book.append(name)
    assumes = []
    for policy, measure in zip(result["policy"], result["measure"], strict=True):
        effects = [] if policy == "uniform" else ["effects of the actions"]
        assumes.append(", ".join([*effects, *BEHIND[measure], *by_book]))
    needs_rate = result["measure"].isin(["interest income", "profit", "RAROC"])
    absent = needs_rate & bool(frame["rate"].isna().all())
    return result.assign(
        depends_on=np.where(np.array(assumes) == "", "data", "assumption"),
        assumes=assumes,
        note=np.where(absent, "not testable here: the data set has no contract rate", ""),
    )


def compare_models(
    frames: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    economics: Economics,
    *,
    seed: int,
    draws: int = 10_000,
) -> pd.DataFrame:
    """Compare the policies for each model's tiers; the draws are the same for all, so that only the tiers differ."""
    parts = [
        compare(frame, table, economics, seed=seed, draws=draws).assign(model=model)
        for model, frame in frames.items()
    ]
    result = pd.concat(parts, ignore_index=True)
    return result[["model", *(name for name in result.columns if name != "model")]]
