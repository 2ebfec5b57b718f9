"""How strong an action must be before it pays."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from research.manage import policy
from research.manage.portfolio import Economics
from research.manage.strategies import LEVERS
from research.manage.tier_sums import Sums, draw_sums, sums
from research.tiers import TIERS

Floats = np.ndarray
LARGEST_MULTIPLE = 10.0
WITHOUT_INCOME = {"pd", "lgd", "hours", "rate"}  # levers whose gain is known without the contract rate
NO_RATE = "not testable here: the data set has no contract rate"


def break_even(
    frame: pd.DataFrame,
    table: pd.DataFrame,
    economics: Economics,
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Find for each action the effect at which its yearly gain covers its cost, the action taken alone.

    The gain is the profit with the action minus the profit of the uniform policy on the same customers. It is linear
    in each lever, gain(e) = g₀ + (g₁ − g₀)e, hence the break-even e* = g₀ / (g₀ − g₁); the action's other levers stay
    at base. The interval is that of other samples of customers (see `tier_sums.draw_sums`).

    Returns:
        One row per action and lever: `id`, `tier`, `action`, `lever`, `unit`, `kind`, `low`, `base`, `high`,
        `break_even` (NaN when the gain has one sign over the lever's whole range), `ci_low`, `ci_high`, `pays_when` (on
        which side of it the action pays), `gain_low`, `gain_base`, `gain_high`, `gain_base_per_customer` (currency per
        year), `verdict`, `n` (customers of the tier) and `depends_on` = `assumption`. Without a contract rate only
        actions on losses, hours and rates forgone can be judged.
    """
    silent = _without_income_if_absent(frame)
    book, drawn = sums(silent, economics), draw_sums(silent, economics, draws, seed)
    no_rate = bool(frame["rate"].isna().all())
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for place, entry in enumerate(table.itertuples(index=False)):
        own = table[table["id"] == entry.id]
        position = own.index.get_loc(table.index[place])
        size = int(book.customers[TIERS.index(entry.tier)])
        about = (entry.id, entry.tier, entry.action, entry.lever, entry.unit, entry.kind)
        about += (entry.low, entry.base, entry.high)
        if no_rate and not set(own["lever"]) <= WITHOUT_INCOME:
            rows.append((*about, np.nan, np.nan, np.nan, "", np.nan, np.nan, np.nan, np.nan, NO_RATE, size))
            continue
        nothing, whole, low, base, high = _gain(
            book, own, economics, position, np.array([0.0, 1.0, entry.low, entry.base, entry.high])
        )
        point = nothing / (nothing - whole) if nothing != whole else np.nan
        least, most = LEVERS[entry.lever]
        interval = (np.nan, np.nan)
        if least <= point <= most:
            ends = [_gain(drawn, own, economics, position, np.full(draws, end)) for end in (0.0, 1.0)]
            sloped = ends[0] != ends[1]  # a drawn tier without customers has no break-even
            points = ends[0][sloped] / (ends[0] - ends[1])[sloped]
            interval = tuple(np.quantile(points, tails)) if sloped.any() else (np.nan, np.nan)
        else:
            point = np.nan
        pays_when = (
            "" if np.isnan(point) else f"{'≥' if whole > nothing else '≤'} {point:.4g}".replace("-", "−")
        )
        per_customer = base / size if size else np.nan
        verdict = _verdict(low, base, high, point)
        rows.append((*about, point, *interval, pays_when, low, base, high, per_customer, verdict, size))
    columns = [
        "id", "tier", "action", "lever", "unit", "kind", "low", "base", "high", "break_even", "ci_low", "ci_high",
        "pays_when", "gain_low", "gain_base", "gain_high", "gain_base_per_customer", "verdict", "n",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(depends_on="assumption")


def tier_break_even(frame: pd.DataFrame, table: pd.DataFrame, economics: Economics) -> pd.DataFrame:
    """Find for each tier the multiple of all its base effects at which its actions together pay.

    Decisions and hours stay as they are; only the effects on customers are scaled, from nothing to ten times base.

    Returns:
        Columns `tier`, `actions`, `hours` (on top of the base hours, per customer and year), `gain_base` (currency per
        year), `multiple` (NaN when there is none in range), `verdict`, `n`, `depends_on`.
    """
    book = sums(_without_income_if_absent(frame), economics)
    no_rate = bool(frame["rate"].isna().all())
    rows = []
    for tier in TIERS:
        own = table[table["tier"] == tier]
        size = int(book.customers[TIERS.index(tier)])
        hours = own["hours"].sum() + economics.base_hours * own.loc[own["lever"] == "hours", "base"].sum()
        if own.empty or (no_rate and not set(own["lever"]) <= WITHOUT_INCOME):
            verdict = "no actions" if own.empty else NO_RATE
            rows.append((tier, own["id"].nunique(), hours, np.nan, np.nan, verdict, size))
            continue
        is_effect = (own["kind"] == "effect").to_numpy()
        base = own["base"].to_numpy(float)
        bounds = np.array([LEVERS[lever] for lever in own["lever"]])

        def gain(multiple: float, own=own, base=base, is_effect=is_effect, bounds=bounds) -> float:
            scaled = np.clip(np.where(is_effect, multiple * base, base), bounds[:, 0], bounds[:, 1])
            return float(_profit_change(book, own, economics, scaled[None, :])[0])

        ends = gain(0.0), gain(LARGEST_MULTIPLE)
        multiple = brentq(gain, 0.0, LARGEST_MULTIPLE) if ends[0] * ends[1] < 0 else np.nan
        if np.isnan(multiple):
            verdict = "pays whatever the effects" if min(ends) >= 0 else "no break-even within range"
        else:
            verdict = f"pays if the effects are at least {multiple:.2f} times base"
        rows.append((tier, own["id"].nunique(), hours, gain(1.0), multiple, verdict, size))
    columns = ["tier", "actions", "hours", "gain_base", "multiple", "verdict", "n"]
    return pd.DataFrame(rows, columns=columns).assign(depends_on="assumption")


def gain_curve(
    frame: pd.DataFrame, table: pd.DataFrame, economics: Economics, action: str, lever: str, points: int = 41
) -> pd.DataFrame:
    """Return the yearly gain of one action over its range: columns `id`, `action`, `lever`, `effect`, `gain`."""
    book = sums(_without_income_if_absent(frame), economics)
    own = table[table["id"] == action]
    position = int(np.flatnonzero((own["lever"] == lever).to_numpy())[0])
    row = own.iloc[position]
    effects = np.linspace(min(row["low"], row["high"]), max(row["low"], row["high"]), points)
    gains = _gain(book, own, economics, position, effects)
    return pd.DataFrame(
        {"id": action, "action": row["action"], "lever": lever, "effect": effects, "gain": gains}
    )


def _gain(book: Sums, own: pd.DataFrame, economics: Economics, position: int, values: Floats) -> Floats:
    effects = np.tile(own["base"].to_numpy(float), (len(values), 1))
    effects[:, position] = values
    return _profit_change(book, own, economics, effects)


def _profit_change(book: Sums, own: pd.DataFrame, economics: Economics, effects: Floats) -> Floats:
    with_action = policy.outcome(book, policy.levers(own, effects), economics)["profit"].sum(axis=1)
    without = policy.outcome(book, policy.nothing_done(), economics)["profit"].sum(axis=1)
    return with_action - without


def _without_income_if_absent(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(rate=0.0) if frame["rate"].isna().all() else frame


def _verdict(low: float, base: float, high: float, point: float) -> str:
    if min(low, high) >= 0:
        return "pays over the whole assumed range"
    if max(low, high) < 0:
        if np.isnan(point):
            return "no break-even within range"
        return "does not pay within the assumed range"
    return "pays at base" if base >= 0 else "pays only towards the optimistic end"
