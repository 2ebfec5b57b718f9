"""Loss rates by tier, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd


def loss_rates(
    table: pd.DataFrame, by: str, loss: str, exposure: str, seed: int, resamples: int = 1000
) -> pd.DataFrame:
    """Return loss ÷ exposure in each group, with a percentile bootstrap interval of 95 % over customers.

    Rows whose loss or exposure is missing are left out.

    Returns:
        One row per group: the group, `measure` (`loss_rate`), `n`, `estimate`, `ci_low`, `ci_high`.
    """
    rng, rows = np.random.default_rng(seed), []
    for name, part in table.dropna(subset=[loss, exposure]).groupby(by, observed=False):
        lost, lent = part[loss].to_numpy(float), part[exposure].to_numpy(float)
        rate = lost.sum() / lent.sum() if lent.sum() > 0 else np.nan
        rows.append((name, "loss_rate", len(part), rate, *_ratio_interval(rng, lost, lent, resamples)))
    return pd.DataFrame(rows, columns=[by, "measure", "n", "estimate", "ci_low", "ci_high"])


def _ratio_interval(
    rng: np.random.Generator, lost: np.ndarray, lent: np.ndarray, resamples: int
) -> tuple[float, float]:
    """Percentile interval of Σ lost / Σ lent. Customers with a loss are drawn one by one, the others share one cell.

    Σ lent of the customers without a loss is drawn from its normal limit, which is exact enough for more than a
    hundred of them and spares resampling the whole book.
    """
    n, hit = len(lost), lost > 0
    if n < 2 or lent.sum() <= 0:
        return np.nan, np.nan
    if not hit.any():
        return 0.0, np.nan
    if n - hit.sum() <= 100:
        weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        ratios = (weights @ lost) / (weights @ lent)
    else:
        calm = lent[~hit]
        share = np.r_[np.full(hit.sum(), 1 / n), 1 - hit.sum() / n]
        weights = rng.multinomial(n, share, size=resamples)
        rest = weights[:, -1]
        lent_rest = rest * calm.mean() + np.sqrt(rest) * calm.std() * rng.standard_normal(resamples)
        ratios = (weights[:, :-1] @ lost[hit]) / (weights[:, :-1] @ lent[hit] + np.maximum(lent_rest, 0))
    return tuple(np.quantile(ratios, [0.025, 0.975]))
