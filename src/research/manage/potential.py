"""Do customers flagged as potential premium become premium? Precision, recall and lift of the flag."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import confint_proportions_2indep

from research.errors import UserError
from research.intervals import jeffreys


def outcomes(flagged: pd.Series, now: pd.Series, later: pd.Series, goal: str = "premium") -> pd.DataFrame:
    """Return who was flagged and who arrived, one row per customer who was not in the goal tier at the start.

    Args:
        flagged: True or False by customer.
        now, later: tiers by customer at the two dates; a customer missing in `later` has left.

    Returns:
        Index of `now` without the goal tier: `flagged`, `arrived` (in the goal tier later; False when left), `left`.
    """
    if not now.index.is_unique or not later.index.is_unique:
        raise UserError("potential-premium outcomes need one row per customer at each date")
    eligible = now.index[(now.astype(object) != goal) & now.notna()]
    if len(eligible) == 0:
        raise UserError(f"every customer is already in tier '{goal}'; nobody can become it")
    there = later.reindex(eligible)
    return pd.DataFrame(
        {
            "flagged": flagged.reindex(eligible, fill_value=False).astype(bool),
            "arrived": (there.astype(object) == goal).to_numpy(),
            "left": there.isna().to_numpy(),
        },
        index=eligible,
    )


def flag_quality(found: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return what the flag is worth, one row per measure.

    Measures: `precision` (flagged who arrived), `rate_unflagged` (others who arrived), `lift` (their ratio, with the
    log interval), `recall` (of those who arrived, how many had been flagged), `flagged_share`, `left_flagged`.

    Args:
        found: `flagged`, `arrived`, `left` of `outcomes`.

    Returns:
        `measure`, `estimate`, `ci_low`, `ci_high`, `n`.
    """
    flagged, arrived = found["flagged"].to_numpy(), found["arrived"].to_numpy()
    counts = {
        "precision": (arrived[flagged].sum(), flagged.sum()),
        "rate_unflagged": (arrived[~flagged].sum(), (~flagged).sum()),
        "recall": (flagged[arrived].sum(), arrived.sum()),
        "flagged_share": (flagged.sum(), len(found)),
        "left_flagged": (found["left"].to_numpy()[flagged].sum(), flagged.sum()),
    }
    rows = []
    for measure, (hits, n) in counts.items():
        low, high = jeffreys([hits], [n], level)
        estimate = hits / n if n else np.nan
        rows.append(
            {"measure": measure, "estimate": estimate, "ci_low": low[0], "ci_high": high[0], "n": int(n)}
        )
    rows.insert(2, _lift(counts["precision"], counts["rate_unflagged"], level, len(found)))
    return pd.DataFrame(rows)


def _lift(flagged: tuple[int, int], others: tuple[int, int], level: float, n: int) -> dict[str, object]:
    row = {"measure": "lift", "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": n}
    if min(*flagged, *others) > 0:
        low, high = confint_proportions_2indep(
            *flagged, *others, compare="ratio", method="log", alpha=1 - level
        )
        row |= {
            "estimate": (flagged[0] / flagged[1]) / (others[0] / others[1]),
            "ci_low": low,
            "ci_high": high,
        }
    return row
