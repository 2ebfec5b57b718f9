"""Policy simulation: managing by tier against treating all alike, at equal volume.

Over the time in which the outcome is counted, y years; one customer i in tier t, effects e of the tier's actions (0
when there is none); PD is the customer's own outcome, so that the rates of tiers carry their sampling error:

    kept        k = (1 − decline)(1 + growth)(1 − churn(1 − e_churn))
    volume      k·EAD
    outcomes    k·PD(1 − e_pd)
    interest    y·k·EAD·(rate + e_rate), of which PD(1 − e_pd) is never paid
    cross-sell  y·k·EAD·e_cross·product margin
    loss        k·EAD·PD(1 − e_pd)·LGD(1 − e_lgd)
    capital     capital ratio·risk weight·volume
    funding     y·funding rate·(volume − capital)
    hours       y·(1 − decline)·(base hours·(1 + e_hours) + hours of the actions)
    margin      interest + cross-sell − funding − hours·cost of an hour − y·cost of capital·capital
    profit      margin − interest never paid − loss
    RAROC       (profit + y·cost of capital·capital) / capital / y

Where the outcome gives no PD, loss and profit are not shown: `margin` is what remains before any loss, and what one
prevented outcome costs is the margin given up for it.

Every quantity is a sum over customers that is linear in each lever, so that a tier enters through eight sums and
ten thousand draws of the effects cost no more than one pass over the book.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.manage.portfolio import CUT_BY_COVER, Economics, assumptions
from research.manage.strategies import LEVERS
from research.manage.tier_sums import Sums, draw_sums, sums
from research.tiers import TIERS

Floats = np.ndarray
DRAWS = 10_000
TAILS = (0.025, 0.975)
MEASURES = (
    "outcomes", "officer hours", "hours for one", "interest income", "cross-sell income", "operating cost",
    "margin", "cost of one", "expected loss", "profit", "RAROC",
)  # fmt: skip
COUNTED = ("outcomes", "officer hours", "hours for one")  # known without any amount
NEED_RATE = ("interest income", "margin", "cost of one", "profit", "RAROC")
NEED_PD = ("interest income", "expected loss", "profit", "RAROC")


def pert(low: Floats, base: Floats, high: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Draw (draws, k) values between two ends around a base, independently of each other.

    PERT is the beta distribution with α = 1 + 4(base − least)/(most − least) and β = 1 + 4(most − base)/(most − least),
    mean (least + 4·base + most)/6.
    """
    least, most = np.minimum(low, high), np.maximum(low, high)
    width = most - least
    span = np.where(width == 0, 1.0, width)
    drawn = rng.beta(1 + 4 * (base - least) / span, 1 + 4 * (most - base) / span, size=(draws, len(base)))
    return np.where(width == 0, base, least + span * drawn)


def draw_effects(table: pd.DataFrame, draws: int, seed: int) -> Floats:
    """Draw the effects of strategies, (draws, rows of the table)."""
    low, base, high = (table[name].to_numpy(float) for name in ("low", "base", "high"))
    return pert(low, base, high, draws, np.random.default_rng(seed))


def draw_economics(economics: Economics, draws: int, seed: int) -> Economics:
    """Draw what money and work cost within the ranges of the assumptions file, each a column of draws.

    A value that a study sets outside its range is known to the study, and stays.
    """
    ranges = varied(economics)
    ends = (ranges[name].to_numpy(float) for name in ("low", "value", "high"))
    drawn = pert(*ends, draws, np.random.default_rng([seed, 2]))
    return economics.changed(**{name: drawn[:, [place]] for place, name in enumerate(ranges.index)})


def varied(economics: Economics) -> pd.DataFrame:
    """Return the assumptions that have a range and lie within it, by name: `label`, `unit`, `low`, `value`, `high`."""
    table = assumptions().drop(index=[*CUT_BY_COVER])
    table["value"] = [float(getattr(economics, name)) for name in table.index]
    inside = table["value"].between(table["low"], table["high"]) & (table["low"] < table["high"])
    return table.loc[inside, ["label", "unit", "low", "value", "high"]]


def levers(table: pd.DataFrame, effects: Floats | None = None) -> dict[str, Floats]:
    """Combine effects (draws, rows) into one number per lever, draw and tier: dictionary of (draws, 4).

    Cuts of PD, LGD and churn combine as 1 − Π(1 − e), growth as Π(1 + e) − 1, declines as 1 − Π(1 − e);
    rates, cross-sell and hours add. Without `effects` the base effects are used (draws = 1).
    """
    if effects is None:
        effects = table["base"].to_numpy(float)[None, :]
    pulled = nothing_done(len(effects))
    for entry, effect in zip(table.itertuples(), effects.T, strict=True):
        place = TIERS.index(entry.tier)
        now = pulled[entry.lever][:, place]
        if entry.lever in ("pd", "lgd", "churn", "decline"):
            now = 1 - (1 - now) * (1 - effect)
        elif entry.lever == "growth":
            now = (1 + now) * (1 + effect) - 1
        else:
            now = now + effect
        pulled[entry.lever][:, place] = now
        pulled["action_hours"][:, place] += entry.hours
    return pulled


def nothing_done(draws: int = 1) -> dict[str, Floats]:
    """Return levers that do nothing: one policy for all."""
    return {name: np.zeros((draws, len(TIERS))) for name in (*LEVERS, "action_hours")}


def outcome(book: Sums, pulled: Mapping[str, Floats], economics: Economics) -> dict[str, Floats]:
    """Return the measures by draw and tier, (draws, 4), for a book under some levers."""
    years = economics.years
    accepted = 1 - pulled["decline"]
    kept = accepted * (1 + pulled["growth"]) * (1 - book.churn * (1 - pulled["churn"]))
    at_risk = kept * (1 - pulled["pd"])
    volume = kept * book.exposure
    capital = economics.capital_ratio * economics.risk_weight * volume
    interest = years * kept * (book.interest + pulled["rate"] * book.exposure)
    unpaid = years * at_risk * (book.interest_at_risk + pulled["rate"] * book.exposure_at_risk)
    cross_sell = years * volume * pulled["cross_sell"] * economics.product_margin
    secured = book.covered_at_risk * economics.lgd_secured
    unsecured = (book.exposure_at_risk - book.covered_at_risk) * economics.lgd_unsecured
    loss = at_risk * (1 - pulled["lgd"]) * (secured + unsecured)
    funding = years * economics.funding_rate * (volume - capital)
    each = economics.base_hours * (1 + pulled["hours"]) + pulled["action_hours"]
    hours = years * accepted * book.customers * each
    operating = hours * economics.officer_hour
    capital_cost = years * economics.cost_of_capital * capital
    margin = interest + cross_sell - funding - operating - capital_cost
    return {
        "outcomes": at_risk * book.bad,
        "officer hours": hours,
        "volume": volume,
        "interest income": interest - unpaid,
        "cross-sell income": cross_sell,
        "operating cost": operating,
        "margin": margin,
        "expected loss": loss,
        "profit": margin - unpaid - loss,
        "capital": capital,
        "capital cost": capital_cost,
    }


def both(book: Sums, pulled: Mapping[str, Floats], economics: Economics) -> dict[str, dict[str, Floats]]:
    """Return the tiered policy, one policy for all on a book of the same volume, and the change, all tiers together.

    `hours for one` and `cost of one` stand with the change only: what one prevented outcome takes; infinite where none
    is prevented.
    """
    acted = {name: part.sum(axis=-1) for name, part in outcome(book, pulled, economics).items()}
    idle = {name: part.sum(axis=-1) for name, part in outcome(book, nothing_done(), economics).items()}
    idle = {name: part * (acted["volume"] / idle["volume"]) for name, part in idle.items()}
    for policy in (acted, idle):
        with np.errstate(divide="ignore", invalid="ignore"):
            returned = policy["profit"] + policy["capital cost"]
            policy["RAROC"] = returned / policy["capital"] / economics.years
    change = {name: part - idle[name] for name, part in acted.items()}
    prevented = -change["outcomes"]
    for name, given in (("hours for one", change["officer hours"]), ("cost of one", -change["margin"])):
        change[name] = np.where(prevented > 0, given / np.where(prevented > 0, prevented, 1.0), np.inf)
    return {"tiered": acted, "uniform": idle, "change": change}


def shown(frame: pd.DataFrame, gives_pd: bool) -> list[str]:
    """Return the measures a book allows: counts always, money with amounts, income with a rate, losses with a PD."""
    names = list(MEASURES) if (frame["ead_from"] != "").any() else list(COUNTED)
    if frame["rate"].isna().any():
        names = [name for name in names if name not in NEED_RATE]
    return names if gives_pd else [name for name in names if name not in NEED_PD]


def compare(
    frame: pd.DataFrame, table: pd.DataFrame, economics: Economics, *, gives_pd: bool, seed: int, draws: int = DRAWS
) -> pd.DataFrame:  # fmt: skip
    """Compare the tiered policy with one policy for all at equal volume.

    Args:
        frame: book from `portfolio.book`.
        table: strategies.
        gives_pd: whether the outcome is a PD over a known time, so that losses may be computed.

    Returns:
        One row per measure: `tiered`, `uniform`, `estimate` (the change, at the base assumptions), `sampling_low`,
        `sampling_high` (other samples of customers, assumptions at base), `assumed_low`, `assumed_high` (these
        customers, all assumptions drawn from their ranges), `n`. The two intervals answer two questions and are never
        one.
    """
    pulled = levers(table)
    base = both(sums(frame, economics), pulled, economics)
    sampled = both(draw_sums(frame, economics, draws, seed), pulled, economics)["change"]
    money = draw_economics(economics, draws, seed)
    assumed = both(sums(frame, money), levers(table, draw_effects(table, draws, seed)), money)["change"]
    rows = []
    for name in shown(frame, gives_pd):
        one = [np.ravel(base[part].get(name, np.nan))[0] for part in ("tiered", "uniform", "change")]
        ends = [np.quantile(part[name], TAILS, method="nearest") for part in (sampled, assumed)]
        rows.append((name, *one, *ends[0], *ends[1], len(frame)))
    columns = [
        "tiered",
        "uniform",
        "estimate",
        "sampling_low",
        "sampling_high",
        "assumed_low",
        "assumed_high",
    ]
    return pd.DataFrame(rows, columns=["measure", *columns, "n"])


def officer_hours(
    table: pd.DataFrame, economics: Economics, *, seed: int, draws: int = DRAWS
) -> pd.DataFrame:
    """Return officer hours per customer and year by tier: `tier`, `uniform`, `tiered`, and `assumed_low`,
    `assumed_high` of `tiered`. All of it is assumed."""

    def each(pulled: Mapping[str, Floats], base: Floats | float) -> Floats:
        return base * (1 + pulled["hours"]) + pulled["action_hours"]

    tiered = each(levers(table), economics.base_hours)[0]
    pulled = levers(table, draw_effects(table, draws, seed))
    drawn = each(pulled, draw_economics(economics, draws, seed).base_hours)
    low, high = np.quantile(drawn, TAILS, axis=0)
    return pd.DataFrame(
        {"tier": TIERS, "uniform": float(economics.base_hours), "tiered": tiered, "assumed_low": low,
         "assumed_high": high}
    )  # fmt: skip


def tornado(frame: pd.DataFrame, table: pd.DataFrame, economics: Economics, measure: str) -> pd.DataFrame:
    """Move one assumption at a time from its low to its high end, all others at base.

    Returns:
        One row per assumption that moves the measure, widest first: `assumption`, `label`, `unit`, `low`, `high`
        (its ends), `at_low`, `at_base`, `at_high` (the change by the tiered policy at equal volume), `swing`.
    """
    base, book = table["base"].to_numpy(float), sums(frame, economics)

    def at(effects: Floats, money: Economics = economics, added: Sums = book) -> float:
        found = both(added, levers(table, effects[None, :]), money)["change"]
        return float(np.ravel(found[measure])[0])

    centre, rows = at(base), []
    for place, entry in enumerate(table.itertuples(index=False)):
        ends = [at(np.where(np.arange(len(base)) == place, value, base)) for value in (entry.low, entry.high)]
        rows.append((f"{entry.id} {entry.lever}", entry.action, entry.unit, entry.low, entry.high, *ends))
    for name, entry in varied(economics).iterrows():
        changed = [economics.changed(**{name: float(entry[end])}) for end in ("low", "high")]
        ends = [at(base, money, sums(frame, money)) for money in changed]
        rows.append((name, entry["label"], entry["unit"], entry["low"], entry["high"], *ends))
    columns = ["assumption", "label", "unit", "low", "high", "at_low", "at_high"]
    found = pd.DataFrame(rows, columns=columns).assign(at_base=centre)
    found["swing"] = (found["at_high"] - found["at_low"]).abs()
    moved = found[found["swing"] > 1e-9 * abs(centre)]
    return moved.sort_values(["swing", "assumption"], ascending=[False, True], ignore_index=True)
