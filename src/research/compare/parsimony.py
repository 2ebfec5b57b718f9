"""Be used by hand: how much a loan officer has to read and to look up."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pandas as pd

from research.errors import UserError

CONDITION = re.compile(r"\s+(?:and|且)\s+|\s*&\s*|;\s*", flags=re.IGNORECASE)


def parsimony(
    inputs: Collection[str],
    rules: pd.DataFrame,
    tier_shares: Collection[float],
    rows_by_hand: int | None = None,
) -> pd.DataFrame:
    """Count what a model needs.

    Args:
        inputs: columns the model reads.
        rules: one row per rule; a numeric column `length` (conditions), else a column `rule` whose text joins
            conditions by `and`, `&` or `;`. An empty rule holds for everybody. No rows: not readable as rules.
        tier_shares: share of customers per tier.
        rows_by_hand: rows of all tables a person needs to place a customer by hand (bands, weights, cells, leaves):
            comparable between a model of weights and a model of rules, whose rule tables are not.

    Returns:
        One row per measure `rows_by_hand, inputs, rules, rule_length` (mean conditions per rule), `conditions` (their
        sum), `smallest_tier`: `measure, estimate, n`, n = number of rules.
    """
    if "length" in rules.columns:
        lengths = rules["length"].to_numpy(dtype=float)
    elif "rule" in rules.columns:
        lengths = np.array([rule_length(text) for text in rules["rule"].astype(str)], dtype=float)
    else:
        raise UserError(
            f"rules: found columns {', '.join(map(str, rules.columns))}, expected 'length' or 'rule'"
        )
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


def rule_length(text: str) -> int:
    """Return the number of conditions of a rule.

    >>> rule_length("income > 30000 and age_of_account <= 2")
    2
    """
    return len([part for part in CONDITION.split(text.strip()) if part.strip()])
