"""The loan book added up by tier: all that the policy simulation needs of it, and its sampling error."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from research.manage.portfolio import Economics, valued
from research.tiers import TIERS

Floats = np.ndarray


@dataclasses.dataclass(frozen=True)
class Sums:
    """The book added up by tier, each (4,) or (draws, 4) in the order of `TIERS`."""

    customers: Floats
    exposure: Floats
    interest: Floats
    exposure_at_risk: Floats
    interest_at_risk: Floats
    loss: Floats
    capital: Floats
    churn: Floats

    def dealt_at_random(self) -> Sums:
        """Return the sums expected when the same tiers, of the same sizes, are dealt to customers at random."""
        share = self.customers / self.customers.sum(axis=-1, keepdims=True)
        values = {name: share * getattr(self, name).sum(axis=-1, keepdims=True) for name in ADDED}
        average = (self.churn * self.customers).sum(axis=-1, keepdims=True) / self.customers.sum(
            axis=-1, keepdims=True
        )
        return Sums(**values, churn=np.broadcast_to(average, share.shape))


ADDED = tuple(field.name for field in dataclasses.fields(Sums) if field.name != "churn")


def sums(frame: pd.DataFrame, economics: Economics) -> Sums:
    """Add a book up by tier."""
    parts, places = _parts(frame, economics)
    added = np.stack([parts[places == place].sum(axis=0) for place in range(len(TIERS))], axis=-1)
    return _as_sums(added, economics)


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
    return _as_sums(np.moveaxis(drawn, 2, 0), economics)


def _parts(frame: pd.DataFrame, economics: Economics) -> tuple[Floats, Floats]:
    """Return what is added up, (n, 8) in the order of `ADDED` and who leaves, and the tier's place (n,)."""
    book = valued(frame, economics)
    places = pd.Categorical(book["tier"].astype(object), categories=list(TIERS)).codes
    at_risk = book["ead"] * book["pd"]
    leaving = (
        book["churn"].fillna(book["churn"].groupby(places).transform("mean")).fillna(economics.churn_rate)
    )
    columns = (
        np.ones(len(book)), book["ead"], book["ead"] * book["rate"], at_risk, at_risk * book["rate"],
        book["expected_loss"], book["capital"], leaving,
    )  # fmt: skip
    return np.column_stack(columns).astype(float), places


def _as_sums(added: Floats, economics: Economics) -> Sums:
    *values, leaving = added
    customers = values[0]
    known = customers > 0
    churn = np.where(known, leaving / np.where(known, customers, 1.0), economics.churn_rate)
    return Sums(**dict(zip(ADDED, values, strict=True)), churn=np.clip(churn, 0.0, 1.0))
