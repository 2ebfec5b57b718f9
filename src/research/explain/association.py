"""Is a classification associated with the outcome?"""

from __future__ import annotations

import pandas as pd

from research.contingency import cramers_v
from research.multiplicity import holm


def tests(classes: pd.DataFrame, outcome: pd.Series, names: pd.Series, level: float = 0.05) -> pd.DataFrame:
    """Test each column of classes against a 0/1 outcome.

    Args:
        classes: (n, k) categories, one column per standard.
        outcome: (n,) 0 or 1; missing rows are left out.
        names: standard → name to show.
        level: at which a difference is called one.

    Returns:
        One row per standard with at least two classes in use: `standard`, `name`, `statistic` (Pearson's χ² without
        continuity correction), `dof`, `p_value`, `p_holm`, `effect` (Cramér's V corrected for bias; Bergsma, 2013),
        `smallest_expected`, `n`, `result` (differs: the adjusted p is below the level; open); strongest first.
    """
    from scipy.stats import chi2_contingency  # is slow to import

    rows = []
    for standard in classes:
        table = pd.crosstab(classes[standard], outcome)
        if min(table.shape) < 2:
            continue
        statistic, p, dof, expected = chi2_contingency(table, correction=False)
        rows.append(
            {
                "standard": standard,
                "name": names[standard],
                "statistic": statistic,
                "dof": dof,
                "p_value": p,
                "effect": float(cramers_v(statistic, table.to_numpy().sum(), *table.shape)),
                "smallest_expected": expected.min(),
                "n": int(table.to_numpy().sum()),
            }
        )
    columns = ["standard", "name", "statistic", "dof", "p_value", "effect", "smallest_expected", "n"]
    result = pd.DataFrame(rows, columns=columns)
    result.insert(5, "p_holm", holm(result["p_value"]))
    result["result"] = (result["p_holm"] < level).map({True: "differs", False: "open"})
    return result.sort_values("effect", ascending=False, ignore_index=True)
