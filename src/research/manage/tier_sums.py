"""The loan book added up by tier: all that the policy simulation needs of it, and its sampling error."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from research.manage.portfolio import Economics, covered
from research.tiers import TIERS

Floats = np.ndarray


@dataclasses.dataclass(frozen=True)
class Sums:
    """The book added up by tier, each (4,) or (draws, 4) in the order of `TIERS`."""

    customers: Floats
    bad: Floats
    exposure: Floats
    interest: Floats
    exposure_at_risk: Floats
    interest_at_risk: Floats
    covered_at_risk: Floats
    churn: Floats


ADDED = tuple(field.name for field in dataclasses.fields(Sums) if field.name != "churn")
COUNTS = ("customers", "bad")  # what does not grow with the share of a limit that is drawn


def sums(frame: pd.DataFrame, economics: Economics) -> Sums:
    """Add a book up by tier."""
    parts, places = _parts(frame, economics)
    added = np.stack([parts[places == place].sum(axis=0) for place in range(len(TIERS))], axis=-1)
    return _as_sums(added, frame, economics)


def draw_sums(frame: pd.DataFrame, economics: Economics, draws: int, seed: int) -> Sums:
    """Draw the sums of other samples of as many customers from the same population, each (draws, 4).

    A sum by tier is a sum of independent customers, so that all of them together are close to normal, with n times
    the customers' covariance; tiers are exclusive, which makes the covariance between two tiers −n·m₁m₂′. Sums below
    nil, possible in a tier of a few customers, are set to nil.
    """
    parts, places = _parts(frame, economics)
    absent = np.isnan(parts).any(axis=0)
    parts = np.where(absent, 0.0, parts)
    count, width = parts.shape
    size = np.sqrt((parts**2).mean(axis=0))
    scale = np.where(size > 0, size, 1.0)
    parts = parts / scale
    means = np.concatenate([parts[places == place].sum(axis=0) for place in range(len(TIERS))]) / count
    spread = -np.outer(means, means)
    for place in range(len(TIERS)):
        mine, block = parts[places == place], slice(place * width, (place + 1) * width)
        spread[block, block] += mine.T @ mine / count
    values, vectors = np.linalg.eigh(spread * count)
    noise = np.random.default_rng([seed, 1]).standard_normal((draws, len(values)))
    drawn = means * count + noise @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    drawn = np.maximum(drawn, 0.0).reshape(draws, len(TIERS), width) * scale
    drawn[:, :, absent] = np.nan
    return _as_sums(np.moveaxis(drawn, 2, 0), frame, economics)


def _parts(frame: pd.DataFrame, economics: Economics) -> tuple[Floats, Floats]:
    """Return what is added up, (n, 8) in the order of `ADDED` and who leaves, and the tier's place (n,)."""
    places = pd.Categorical(frame["tier"].astype(object), categories=list(TIERS)).codes
    at_risk = frame["ead"] * frame["pd"]
    leaving = frame["churn"].fillna(frame["churn"].groupby(places).transform("mean"))
    columns = (
        np.ones(len(frame)), frame["pd"], frame["ead"], frame["ead"] * frame["rate"], at_risk, at_risk * frame["rate"],
        at_risk * covered(frame["cover"], economics), leaving,
    )  # fmt: skip
    return np.column_stack(columns).astype(float), places


def _as_sums(added: Floats, frame: pd.DataFrame, economics: Economics) -> Sums:
    *values, leaving = added
    customers = values[0]
    drawn = economics.credit_conversion if (frame["ead_from"] == "credit limit").any() else 1.0
    scaled = {
        name: part * (1.0 if name in COUNTS else drawn) for name, part in zip(ADDED, values, strict=True)
    }
    measured = leaving / np.where(customers > 0, customers, 1.0)
    churn = np.where(np.isnan(measured), economics.churn_rate * economics.years, measured)
    return Sums(**scaled, churn=np.clip(churn, 0.0, 1.0))
