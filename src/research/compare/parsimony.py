"""Be used by hand: how much a loan officer has to read and to look up."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd


def parsimony(
    inputs: Collection[str],
    rules: pd.DataFrame,
    tier_shares: Collection[float],
    rows_by_hand: int | None = None,
) -> pd.DataFrame:
    """Count what a model needs.

    Args:
        inputs: columns the model reads.
        rules: one row per rule, with its conditions counted in `length`. No rows: not readable as rules.
        tier_shares: share of customers per tier.
        rows_by_hand: rows of all tables a person needs to place a customer by hand (bands, weights, cells, leaves):
            comparable between a model of weights and a model of rules, whose rule tables are not.

    Returns:
        One row per measure `rows_by_hand, inputs, rules, rule_length` (mean conditions per rule), `conditions` (their
        sum), `smallest_tier`: `measure, estimate, n`, n = number of rules.
    """
    lengths = rules["length"].to_numpy(dtype=float)
    known = len(lengths) > 0
    found = {
        "rows_by_hand": np.nan if rows_by_hand is None else float(rows_by_hand),
        "inputs": float(len(set(inputs))),
        "rules": float(len(lengths)) if known else np.nan,
        "rule_length": float(lengths.mean()) if known else np.nan,
        "conditions": float(lengths.sum()) if known else np.nan,
        "smallest_tier": float(min(tier_shares)),
    }
    return pd.DataFrame(
        [{"measure": name, "estimate": value, "n": len(lengths)} for name, value in found.items()]
    )
