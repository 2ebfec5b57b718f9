"""Do the tiers of a ranking part the risk? One test of trend and one difference, never the overlap of intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom
from statsmodels.stats.proportion import confint_proportions_2indep

from research.compare.ordering import cochran_armitage
from research.tiers import TIERS

LEVEL = 0.05  # of the test of trend (protocol, section 3)


def separation(rates: pd.DataFrame) -> pd.DataFrame:
    """Test the trend of the bad rate over the tiers of one ranking, and estimate high risk − premium.

    The interval of the difference is Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873–890,
    method 10); the test is that of Cochran and Armitage, two-sided.

    Args:
        rates: four rows, `tier`, `known`, `bad`.

    Returns:
        One row `statistic` (z), `p_value`, `n_high`, `bad_high`, `high`, `n_premium`, `bad_premium`, `premium`, `gap`,
        `gap_low`, `gap_high`, and `result`: `apart` (the rate rises from premium to high risk beyond chance),
        `reversed` (it falls), `open` (neither is shown).
    """
    by_tier = rates.set_index("tier").loc[[*TIERS], ["known", "bad"]].astype(float)
    table = np.column_stack([by_tier["known"] - by_tier["bad"], by_tier["bad"]])
    filled = table[table.sum(axis=1) > 0]
    tested = 0 < by_tier["bad"].sum() < by_tier["known"].sum() and len(filled) > 1
    trend = cochran_armitage(table).iloc[0] if tested else {"statistic": np.nan, "p_value": np.nan}
    (n_high, bad_high), (n_premium, bad_premium) = by_tier.loc["high"], by_tier.loc["premium"]
    low = high = gap = np.nan
    if n_high and n_premium:
        gap = bad_high / n_high - bad_premium / n_premium
        low, high = confint_proportions_2indep(bad_high, n_high, bad_premium, n_premium, method="newcomb")
    shown = trend["p_value"] < LEVEL
    return pd.DataFrame(
        [
            {
                "statistic": trend["statistic"],
                "p_value": trend["p_value"],
                "n_high": int(n_high),
                "bad_high": int(bad_high),
                "high": bad_high / n_high if n_high else np.nan,
                "n_premium": int(n_premium),
                "bad_premium": int(bad_premium),
                "premium": bad_premium / n_premium if n_premium else np.nan,
                "gap": gap,
                "gap_low": low,
                "gap_high": high,
                "result": ("apart" if trend["statistic"] > 0 else "reversed") if shown else "open",
            }
        ]
    )


def by_chance(known: int, bad: int, shares: dict[str, float]) -> pd.DataFrame:
    """Return what tiers drawn by lot do: all draws together, not one of them.

    A tier of n out of N customers, K of them bad, has a hypergeometric number of bad ones.

    Args:
        known, bad: customers with a known outcome, and those with a bad one.
        shares: tier → share of the customers.

    Returns:
        Four rows `tier`, `n`, `known`, `rate` (the mean of all draws), `ci_low`, `ci_high` (the middle 95 % of them).
    """
    sizes = np.array([round(shares[tier] * known) for tier in TIERS])
    low, high = (hypergeom.ppf(at, known, bad, sizes) / sizes for at in (0.025, 0.975))
    return pd.DataFrame(
        {"tier": TIERS, "n": sizes, "known": sizes, "rate": bad / known, "ci_low": low, "ci_high": high}
    )
