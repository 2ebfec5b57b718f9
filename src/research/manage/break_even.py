"""How strong an action must be before it pays, and what one prevented outcome takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.manage import policy
from research.manage.portfolio import Economics
from research.manage.strategies import LEVERS
from research.manage.tier_sums import Sums, draw_sums, sums
from research.tiers import TIERS

Floats = np.ndarray
ABOUT = ["id", "tier", "claim", "action", "lever", "unit", "low", "base", "high"]
WITHOUT_INCOME = {"pd", "lgd", "hours", "rate"}  # levers whose gain is known without the contract rate


def break_even(
    frame: pd.DataFrame, table: pd.DataFrame, economics: Economics, *, seed: int, draws: int = 2000
) -> pd.DataFrame:
    """Find for each effect that an action hopes for the size at which the action, taken alone, covers its cost.

    The gain is the profit with the action minus that of doing nothing with the same customers. It is linear in each
    lever, gain(e) = g₀ + (g₁ − g₀)e, hence the break-even e* = g₀ / (g₀ − g₁); the action's other levers stay at base.

    Returns:
        One row per action and effect: the columns `ABOUT` of the strategies, `needed`, its two intervals
        `sampling_low`, `sampling_high` (other customers) and `assumed_low`, `assumed_high` (other costs and other
        effects of the same action), `gain` (per customer of the tier at base), and `result`: it pays `always` over the
        assumed range, at `base`, only towards the `hopeful` end, needs more than is assumed (`beyond`), `never` pays
        whatever its effect, or is `untestable` without the amounts or rates it needs.
    """
    priced = frame["rate"].notna().all()
    judged = frame.assign(rate=frame["rate"].fillna(0.0))
    money, book = policy.draw_economics(economics, draws, seed), sums(judged, economics)
    sampled, costed = draw_sums(judged, economics, draws, seed), sums(judged, money)
    rows = []
    for place, entry in table[table["kind"] == "effect"].iterrows():
        own = table[table["id"] == entry["id"]]
        at, size = own.index.get_loc(place), int(book.customers[TIERS.index(entry["tier"])])
        usable = (frame["ead_from"] != "").any() and size and (priced or set(own["lever"]) <= WITHOUT_INCOME)
        if not usable:
            rows.append((*entry[ABOUT], *[np.nan] * 6, "untestable"))
            continue
        base = own["base"].to_numpy(float)[None, :]
        needed, ends = float(_needed(book, own, economics, at, base)[0]), [np.nan] * 4
        if np.isfinite(needed):
            drawn = policy.draw_effects(own, draws, seed)
            parts = _needed(sampled, own, economics, at, base), _needed(costed, own, money, at, drawn)
            ends = [*np.ravel([np.quantile(part, policy.TAILS, method="nearest") for part in parts])]
        else:
            needed = np.nan
        low, middle, high = (
            float(_gain(book, own, economics, at, base, entry[name])[0]) for name in ("low", "base", "high")
        )
        rows.append((*entry[ABOUT], needed, *ends, middle / size, _result(low, middle, high, needed)))
    found = ["needed", "sampling_low", "sampling_high", "assumed_low", "assumed_high", "gain", "result"]
    return pd.DataFrame(rows, columns=[*ABOUT, *found])


def _gain(book: Sums, own: pd.DataFrame, money: Economics, at: int, effects: Floats, value: float) -> Floats:
    changed = effects.copy()
    changed[:, at] = value
    acted = policy.outcome(book, policy.levers(own, changed), money)["profit"].sum(axis=-1)
    return acted - policy.outcome(book, policy.nothing_done(), money)["profit"].sum(axis=-1)


def _needed(book: Sums, own: pd.DataFrame, money: Economics, at: int, effects: Floats) -> Floats:
    """Return the effect that covers the cost, by draw; infinite where none that is possible does."""
    entry = own.iloc[at]
    wished = 1.0 if entry["high"] >= entry["low"] else -1.0  # fewer hours are wished for
    nothing, whole = (_gain(book, own, money, at, effects, value) for value in (0.0, 1.0))
    helps = wished * (whole - nothing) > 0
    needed = nothing / np.where(helps, nothing - whole, 1.0)
    needed = np.where(helps, needed, np.where(nothing >= 0, -wished, wished) * np.inf)
    bound = max(wished * end for end in LEVERS[entry["lever"]])
    return np.where(wished * needed > bound, wished * np.inf, needed)


def _result(low: float, base: float, high: float, needed: float) -> str:
    if min(low, high) >= 0:
        return "always"
    if base >= 0:
        return "base"
    if max(low, high) >= 0:
        return "hopeful"
    return "never" if np.isnan(needed) else "beyond"


def prevented(rates: pd.DataFrame, table: pd.DataFrame, years: float = 1.0) -> pd.DataFrame:
    """Return how many outcomes each action would prevent in its tier, and the officer hours that each one takes.

    Only actions that are meant to prevent outcomes; nothing but the outcome's own rate and the assumed hours is used,
    so that it can be said of every data set.

    Args:
        rates: `tier`, `known`, `bad`, `rate`, `ci_low`, `ci_high`, missing where they are withheld.
        table: strategies.
        years: over which the outcome is counted.

    Returns:
        `id`, `tier`, `action`, the columns of `rates`, `hours` (per customer over these years), `low`, `base`, `high`
        (the effect), `prevented` (per hundred customers), `hours_for_one` with `sampling_low`, `sampling_high` and
        `assumed_low`, `assumed_high` (infinite where the effect may be none).
    """
    hoped = table[(table["lever"] == "pd") & (table["base"] > 0)]
    hours = table.groupby("id")["hours"].sum() * years
    made = hoped[["id", "tier", "action", "low", "base", "high"]].reset_index(drop=True)
    known = rates.assign(tier=rates["tier"].astype(str))
    made = made.merge(known[["tier", "known", "bad", "rate", "ci_low", "ci_high"]], on="tier", how="left")
    made["hours"] = hours.loc[made["id"]].to_numpy()
    made["prevented"] = 100 * made["rate"] * made["base"]
    for name, rate, effect in (
        ("hours_for_one", "rate", "base"), ("sampling_low", "ci_high", "base"), ("sampling_high", "ci_low", "base"),
        ("assumed_low", "rate", "high"), ("assumed_high", "rate", "low"),
    ):  # fmt: skip
        with np.errstate(divide="ignore"):
            made[name] = made["hours"] / (made[rate] * made[effect])
    return made
