"""What the policy simulation's result hangs on: by tier, one assumption at a time, and against the truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.manage import policy
from research.manage.portfolio import NAMES, Economics, assumptions
from research.manage.tier_sums import draw_sums, sums
from research.tiers import TIERS

Floats = np.ndarray


def by_tier(
    frame: pd.DataFrame,
    table: pd.DataFrame,
    economics: Economics,
    *,
    seed: int,
    draws: int = 10_000,
    basis: str = "equal volume",
    sampling: bool = True,
    level: float = 0.95,
) -> pd.DataFrame:
    """Split the tiered and the uniform policy by tier.

    Returns:
        Columns `tier`, `policy` (`tiered`, `uniform`, `tiered − uniform`), `basis`, `measure`, `unit`, `estimate`,
        `ci_low`, `ci_high`, `n` (customers of the tier). The uniform policy's book is scaled as a whole, so that
        tiers keep their own sizes.
    """
    book = sums(frame, economics)
    other = draw_sums(frame, economics, draws, seed) if sampling else book
    base = policy.policies(book, policy.levers(table), economics)
    drawn = policy.policies(other, policy.levers(table, policy.draw_effects(table, draws, seed)), economics)
    here = np.reshape(policy.scale_to(basis, base["tiered"], base["uniform"]), (-1, 1))
    there = np.reshape(policy.scale_to(basis, drawn["tiered"], drawn["uniform"]), (-1, 1))
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for measure in drawn["tiered"]:
        at_base = {"tiered": base["tiered"][measure], "uniform": base["uniform"][measure] * here}
        values = {"tiered": drawn["tiered"][measure], "uniform": drawn["uniform"][measure] * there}
        for found in (at_base, values):
            found["tiered − uniform"] = found["tiered"] - found["uniform"]
        for name, part in values.items():
            low, high = np.quantile(part, tails, axis=0)
            for place, tier in enumerate(TIERS):
                rows.append(
                    (tier, name, basis, measure, policy.MEASURES[measure], at_base[name][0, place], low[place],
                     high[place], int(book.customers[place]))
                )  # fmt: skip
    columns = ["tier", "policy", "basis", "measure", "unit", "estimate", "ci_low", "ci_high", "n"]
    result = pd.DataFrame(rows, columns=columns)
    return result.assign(tier=pd.Categorical(result["tier"], categories=list(TIERS), ordered=True))


def _difference(
    frame: pd.DataFrame,
    table: pd.DataFrame,
    effects: Floats,
    economics: Economics,
    measure: str,
    basis: str,
    against: str,
) -> float:
    book = sums(frame, economics)
    found = policy.policies(book, policy.levers(table, effects[None, :]), economics)
    tiered = policy.totals(found["tiered"])
    other = policy.totals(found[against], policy.scale_to(basis, found["tiered"], found[against]))
    return float(tiered[measure][0] - other[measure][0])


def tornado(
    frame: pd.DataFrame,
    table: pd.DataFrame,
    economics: Economics,
    *,
    measure: str = "profit",
    basis: str = "equal volume",
    against: str = "uniform",
) -> pd.DataFrame:
    """Move one assumption at a time from its low to its high end, all others at base.

    Returns:
        One row per assumption, widest first: `assumption`, `label`, `kind` (`effect`, `decision` or `economics`),
        `low`, `high` (its ends), `unit`, `at_low`, `at_base`, `at_high` (tiered minus the other policy), `swing`.
    """
    if measure not in policy.MEASURES:
        raise UserError(f"measure '{measure}'{nearest(measure, policy.MEASURES)}")
    base = table["base"].to_numpy(float)

    def at(effects: Floats, money: Economics) -> float:
        return _difference(frame, table, effects, money, measure, basis, against)

    centre = at(base, economics)
    rows = []
    for place, entry in enumerate(table.itertuples(index=False)):
        ends = []
        for value in (entry.low, entry.high):
            effects = base.copy()
            effects[place] = value
            ends.append(at(effects, economics))
        label = f"{entry.action}: {entry.unit}"
        rows.append(
            (f"{entry.id} {entry.lever}", label, entry.kind, entry.low, entry.high, entry.unit, *ends)
        )
    known = assumptions()
    for name in NAMES:
        low, high = known.at[name, "low"], known.at[name, "high"]
        if low == high:
            continue
        ends = [at(base, economics.changed(**{name: float(value)})) for value in (low, high)]
        unit = known.at[name, "unit"]
        rows.append((name, f"{known.at[name, 'label']} ({unit})", "economics", low, high, unit, *ends))
    columns = ["assumption", "label", "kind", "low", "high", "unit", "at_low", "at_high"]
    result = pd.DataFrame(rows, columns=columns).assign(
        at_base=centre, measure=f"{measure}, tiered − {against}", basis=basis
    )
    noise = 1e-9 * frame["ead"].sum()
    swing = (result["at_high"] - result["at_low"]).abs()
    result["swing"] = swing.where(swing > noise, 0.0)
    return result.sort_values(["swing", "assumption"], ascending=[False, True], kind="stable").reset_index(
        drop=True
    )


def profit_by_truth(
    frames: Mapping[str, pd.DataFrame],
    true_pd: pd.Series,
    true_tiers: pd.Series,
    table: pd.DataFrame,
    economics: Economics,
    *,
    basis: str = "equal volume",
) -> pd.DataFrame:
    """Judge each model's tiers by the true PD of a simulated book, and against tiers cut from the truth itself.

    Args:
        frames: book by model.
        true_pd, true_tiers: the truth by customer.

    Returns:
        Columns `model`, `promised` (gain over the uniform policy when the model's PD is believed), `kept` (the same
        decisions under the true PD), `shortfall` = promised − kept, `best` (tiers cut from the truth), `regret` =
        best − kept, `targeting` (gain over the same actions dealt at random, under the true PD), `n`; base effects.
    """
    effects = table["base"].to_numpy(float)

    def gain(frame: pd.DataFrame, against: str) -> float:
        return _difference(frame, table, effects, economics, "profit", basis, against)

    rows = []
    for model, frame in frames.items():
        truth = true_pd.reindex(frame.index)
        if truth.isna().any():
            raise UserError(f"{model}: {int(truth.isna().sum()):,} customers have no true PD")
        under_truth = frame.assign(pd=truth)
        ideal = under_truth.assign(tier=true_tiers.reindex(frame.index))
        promised, kept, best = gain(frame, "uniform"), gain(under_truth, "uniform"), gain(ideal, "uniform")
        rows.append(
            (
                model,
                promised,
                kept,
                promised - kept,
                best,
                best - kept,
                gain(under_truth, "untargeted"),
                len(frame),
            )
        )
    columns = ["model", "promised", "kept", "shortfall", "best", "regret", "targeting", "n"]
    return pd.DataFrame(rows, columns=columns)
