"""Agree with practitioners: do a model's tiers agree with those practitioners give the same customers?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.compare.resampling import tier_codes
from research.errors import UserError
from research.tiers import TIERS


def quadratic_kappa(tables: np.ndarray) -> np.ndarray:
    """Return (...) Cohen's κ with quadratic weights of square tables on the last two axes (Cohen 1968)."""
    tables = np.asarray(tables, dtype=float)
    k = tables.shape[-1]
    distance = (np.arange(k)[:, None] - np.arange(k)) ** 2
    n = tables.sum(axis=(-1, -2))
    row, column = tables.sum(-1), tables.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (row[..., :, None] * column[..., None, :] * distance).sum((-1, -2)) / n
        return 1 - (tables * distance).sum((-1, -2)) / expected


def agreement_with_practitioners(
    ratings: pd.DataFrame, models: Mapping[tuple[str, str], pd.Series], resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Compare the tier each expert gave each vignette with the model's tier of that vignette.

    κ is taken over all (expert, vignette) ratings. The interval resamples experts and vignettes independently (Owen
    2007), because both are samples: it is wider than one that takes ratings as independent.

    Args:
        ratings: `expert, vignette, tier`, one row per rating; a missing tier is a vignette the expert left out.
        models: (model, arm) to tiers indexed by vignette.

    Returns:
        One row per model and arm: `measure` (kappa_quadratic), `estimate, ci_low, ci_high, n` (ratings), `experts,
        vignettes, exact` (share of ratings equal to the model's tier).

    Raises:
        UserError: no rating, a tier that is none, or a vignette without a tier of the model.
    """
    rated = ratings.dropna(subset=["tier"])
    if rated.empty:
        raise UserError("vignette ratings: found none, expected rows with expert, vignette and tier")
    given = tier_codes(rated["tier"].astype(object))
    expert, experts = pd.factorize(rated["expert"])
    vignette, vignettes = pd.factorize(rated["vignette"])
    rng = np.random.default_rng(seed)
    # how often a rating counts in a sample: draws of its expert times draws of its vignette
    drawn = np.ones((resamples, len(rated)))
    for names, code in ((experts, expert), (vignettes, vignette)):
        drawn *= rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)[:, code]
    rows = []
    for (model, arm), tiers in models.items():
        missing = [str(name) for name in vignettes if name not in tiers.index]
        if missing:
            raise UserError(f"vignette ratings: {model} has no tier for vignette {', '.join(missing)}")
        placed = tier_codes(tiers.loc[vignettes].astype(object))[vignette]
        cells = np.eye(len(TIERS) ** 2)[given.astype(int) * len(TIERS) + placed]
        sample = quadratic_kappa((drawn @ cells).reshape(resamples, len(TIERS), len(TIERS)))
        low, high = np.nanquantile(sample, [0.025, 0.975])
        rows.append(
            {"measure": "kappa_quadratic", "model": model, "arm": arm,
             "estimate": float(quadratic_kappa(cells.sum(axis=0).reshape(len(TIERS), -1))), "ci_low": low,
             "ci_high": high, "n": len(rated), "experts": len(experts), "vignettes": len(vignettes),
             "exact": float((given == placed).mean())}
        )  # fmt: skip
    return pd.DataFrame(rows)
