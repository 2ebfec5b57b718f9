"""The loan book of the policy simulation: tier, outcome, exposure, rate and security of each customer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS
from research.tiers import TIERS

Floats = np.ndarray
ASSUMPTIONS_FILE = DEFINITIONS / "policy_assumptions.yml"
CUT_BY_COVER = ("cover_required", "cover_minimum")  # enter by customer, so that they are never drawn


@dataclasses.dataclass(frozen=True)
class Economics:
    """What money, capital and work cost. All are assumptions; ranges and sources are in the assumptions file.

    A value is a number or, for a simulation, a column of draws (draws, 1); `years` is how long the outcome is counted,
    against which income and work of that time are set.
    """

    funding_rate: Any
    capital_ratio: Any
    risk_weight: Any
    cost_of_capital: Any
    lgd_unsecured: Any
    lgd_secured: Any
    cover_required: float
    cover_minimum: float
    credit_conversion: Any
    officer_hour: Any
    base_hours: Any
    churn_rate: Any
    product_margin: Any
    years: float = 1.0

    def changed(self, **values: Any) -> Economics:
        """Return the same economics with some values replaced."""
        return dataclasses.replace(self, **values)

    def whole_loan(self) -> Economics:
        """Return the same economics when each outcome costs the whole loan: the most that preventing one can save."""
        return self.changed(lgd_unsecured=1.0, lgd_secured=1.0)


NAMES = tuple(field.name for field in dataclasses.fields(Economics) if field.name != "years")


def assumptions() -> pd.DataFrame:
    """Return the assumptions of the simulation by name: `label`, `value`, `low`, `high`, `unit`, `status`, …

    Raises:
        UserError: an assumption is missing or unknown, or its value lies outside its own range.
    """
    table = pd.DataFrame.from_dict(own_yaml(ASSUMPTIONS_FILE)["assumptions"], orient="index")
    for name in sorted(set(NAMES) ^ set(table.index)):
        raise UserError(f"{ASSUMPTIONS_FILE.name}: {'missing' if name in NAMES else 'unknown'}: '{name}'")
    for name, row in table.iterrows():
        low, value, high = row["low"], row["value"], row["high"]
        if not low <= value <= high:
            raise UserError(
                f"{ASSUMPTIONS_FILE.name}, {name}: value {value:g} is not within {low:g} to {high:g}"
            )
    return table.rename_axis("assumption").loc[list(NAMES)]


def believable_raroc() -> float:
    """Return how far from nought a return on risk capital may lie before the pages withdraw it."""
    return float(own_yaml(ASSUMPTIONS_FILE)["believable_raroc"])


def economics(changes: Mapping[str, Any] | None = None) -> Economics:
    """Return the economics: the assumptions file, with some values changed.

    Names that begin with `emp_` belong to another criterion and are passed over. Raises UserError for an unknown name
    or a value that is not a finite number of zero or more.
    """
    values = assumptions()["value"].astype(float).to_dict()
    for name, value in (changes or {}).items():
        if name.startswith("emp_"):
            continue
        if name not in values:
            raise UserError(f"unknown cost '{name}'{nearest(name, NAMES)}")
        if not np.isfinite(value) or value < 0:
            raise UserError(f"cost '{name}': found {value!r}, expected a number of zero or more")
        values[name] = float(value)
    return Economics(**values)


def book(customers: pd.DataFrame, outcome: pd.Series, tiers: pd.Series) -> pd.DataFrame:
    """Put together what the simulation needs of each customer.

    Args:
        customers: canonical customer table. Used where present: `loan_amount` or `credit_limit`, `interest_rate`,
            `collateral_value`, `churned`.
        outcome: 0/1, or a probability, by customer; rates of tiers are made of it, so that their sampling error is
            that of the customers.
        tiers: tier label by customer.

    Returns:
        Index `customer_id`; columns `tier` (ordered), `pd`, `ead` (1 for everybody where the data have no amount),
        `rate`, `cover` (collateral per unit of exposure), `churn` (0/1), NaN = not measured; `ead_from` is `loan
        amount`, `credit limit` (drawn in part only) or nothing.

    Raises:
        UserError: the exposure, outcome, tier or some rates are missing; the message says how many.
    """
    frame = pd.DataFrame(index=customers.index)
    labels = tiers.reindex(frame.index).astype(object)
    frame["tier"] = pd.Categorical(labels.where(labels.isin(TIERS)), categories=list(TIERS), ordered=True)
    frame["pd"] = outcome.reindex(frame.index).astype(float)
    exposure = exposed(customers)
    frame["ead"] = customers[exposure].astype(float) if exposure else 1.0
    frame["ead_from"] = exposure.replace("_", " ")
    for column, construct in (("rate", "interest_rate"), ("cover", "collateral_value"), ("churn", "churned")):
        frame[column] = customers[construct].astype(float) if construct in customers else np.nan
    frame["cover"] = frame["cover"] / frame["ead"]
    _complete(frame)
    return frame


def exposed(customers: pd.DataFrame) -> str:
    """Return the construct that holds what was lent, nothing where no amount is known."""
    amounts = (name for name in ("loan_amount", "credit_limit") if name in customers)
    return next((name for name in amounts if customers[name].notna().any()), "")


def usable(customers: pd.DataFrame) -> pd.Index:
    """Return the customers whose outcome, exposure and rate are known, as far as the data have these at all."""
    needed = [name for name in ("default", exposed(customers), "interest_rate") if name and name in customers]
    return customers.index[customers[needed].notna().all(axis=1)]


def _complete(frame: pd.DataFrame) -> None:
    if frame.empty:
        raise UserError("the policy simulation got no customers")
    for column, what in (("tier", "tier"), ("pd", "outcome"), ("ead", "exposure")):
        absent = int(frame[column].isna().sum())
        if absent:
            raise UserError(f"{absent:,} of {len(frame):,} customers have no {what}; leave them out first")
    absent = int(frame["rate"].isna().sum())
    if 0 < absent < len(frame):
        raise UserError(f"{absent:,} of {len(frame):,} customers have no interest_rate; leave them out first")
    for column, least, most in (("pd", 0.0, 1.0), ("ead", 0.0, np.inf)):
        outside = ~frame[column].between(least, most)
        if outside.any():
            first = frame.index[outside][0]
            raise UserError(
                f"customer {first}: {column} is {frame.at[first, column]:g}, expected {least:g} to {most:g}"
            )


def covered(cover: Floats | pd.Series, economics: Economics) -> Floats:
    """Return the share of the exposure that is secured (n,), from the cover (collateral per unit; NaN = unsecured).

    It is min(cover / cover required, 1) and takes the secured LGD, the rest the unsecured one; below the minimum cover
    nothing is secured (Basel Committee 2006, paragraph 295).
    """
    known = np.nan_to_num(np.asarray(cover, dtype=float), nan=0.0)
    return np.where(known >= economics.cover_minimum, np.minimum(known / economics.cover_required, 1.0), 0.0)


def assumed(frame: pd.DataFrame, economics: Economics) -> pd.DataFrame:
    """List the assumptions that a book is simulated with: `assumption`, `label`, `value`, `low`, `high`, `unit`,
    `source`."""
    unused = set()
    if frame["churn"].notna().all():
        unused.add("churn_rate")
    if not (frame["ead_from"] == "credit limit").any():
        unused.add("credit_conversion")
    if frame["cover"].isna().all():
        unused |= {"lgd_secured", *CUT_BY_COVER}
    if economics.lgd_unsecured == 1:
        unused |= {"lgd_unsecured", "lgd_secured", *CUT_BY_COVER}
    if not (frame["ead_from"] != "").any():
        unused = {*NAMES} - {"base_hours", *({"churn_rate"} - unused)}
    known = assumptions().drop(index=[*unused]).reset_index()
    known["value"] = [getattr(economics, name) for name in known["assumption"]]
    return known[["assumption", "label", "value", "low", "high", "unit", "source"]]


def money(currency: str) -> str:
    """Return the name of a data set's currency, "units of money" where none is named.

    In `datasets.yml` a name begins with a capital letter; what stands there otherwise says why there is none.
    """
    return currency if currency[:1].isupper() else "units of money"
