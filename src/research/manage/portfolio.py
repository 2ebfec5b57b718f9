"""The loan book of the policy simulation: PD, LGD, EAD, rate and capital of each customer, by stated rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.stats import norm

from research.errors import UserError, nearest
from research.paths import DEFINITIONS
from research.tiers import TIERS

Floats = np.ndarray
CAPITAL_RULES = ("ratio", "internal ratings")


@dataclasses.dataclass(frozen=True)
class Economics:
    """What money, capital and work cost. All are assumptions; ranges and sources are in the assumptions file."""

    funding_rate: float
    capital_ratio: float
    risk_weight: float
    cost_of_capital: float
    lgd_unsecured: float
    lgd_secured: float
    cover_required: float
    cover_minimum: float
    credit_conversion: float
    officer_hour: float
    base_hours: float
    churn_rate: float
    product_margin: float
    capital_rule: str = "ratio"

    def changed(self, **values: float) -> Economics:
        """Return the same economics with some values replaced."""
        return dataclasses.replace(self, **values)


NAMES = tuple(field.name for field in dataclasses.fields(Economics) if field.name != "capital_rule")


def assumptions(path: Path = DEFINITIONS / "policy_assumptions.yml") -> pd.DataFrame:
    """Read the assumptions of the simulation: one row each, index `assumption`.

    Returns:
        Columns `label`, `value`, `low`, `high`, `unit`, `status`, `source`, `seen_in`, `note`, `version`.

    Raises:
        UserError: an assumption is missing or unknown, or its value lies outside its own range.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    table = pd.DataFrame.from_dict(content["assumptions"], orient="index")
    table.index.name = "assumption"
    missing, unknown = sorted(set(NAMES) - set(table.index)), sorted(set(table.index) - set(NAMES))
    if missing or unknown:
        raise UserError(f"{path.name}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    for name, row in table.iterrows():
        if not row["low"] <= row["value"] <= row["high"]:
            raise UserError(
                f"{path.name}, {name}: value {row['value']:g} is not within {row['low']:g} to {row['high']:g}"
            )
    return table.assign(version=str(content["version"])).fillna({"seen_in": ""}).loc[list(NAMES)]


def economics(changes: Mapping[str, Any] | None = None, *, capital_rule: str = "ratio") -> Economics:
    """Return the economics: the assumptions file, with some values changed.

    Args:
        changes: values by name; names that begin with `emp_` belong to another criterion and are passed over.
        capital_rule: `ratio` (capital ratio × risk weight × EAD) or `internal ratings` (Basel, other retail).

    Raises:
        UserError: an unknown name, or a value that is not a finite number of zero or more.
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
    if capital_rule not in CAPITAL_RULES:
        raise UserError(f"capital rule '{capital_rule}'{nearest(capital_rule, CAPITAL_RULES)}")
    return Economics(**values, capital_rule=capital_rule)


def book(
    customers: pd.DataFrame,
    pd_estimate: pd.Series,
    tiers: pd.Series,
    economics: Economics,
    *,
    rate: float | None = None,
) -> pd.DataFrame:
    """Put together what the simulation needs of each customer.

    Args:
        customers: canonical customer table. Used where present: `loan_amount` or `credit_limit`, `interest_rate`,
            `collateral_value`, `churned`.
        pd_estimate: probability of default over the horizon, by customer.
        tiers: tier label by customer.
        rate: contract rate to assume where the data set has none; without it income is not testable.

    Returns:
        Index `customer_id`; columns `tier` (ordered), `pd`, `ead`, `rate`, `cover` (collateral per unit of
        exposure, NaN = not measured), `churn` (0/1, NaN = not measured), and `ead_from`, `rate_from`, `lgd_from`,
        `churn_from`: `data`, `assumption` or `absent`, with the rule in words.

    Raises:
        UserError: the exposure, PD, tier or some rates are missing; the message says how many.
    """
    frame = pd.DataFrame(index=customers.index)
    labels = tiers.reindex(frame.index).astype(object)
    frame["tier"] = pd.Categorical(labels.where(labels.isin(TIERS)), categories=list(TIERS), ordered=True)
    frame["pd"] = pd_estimate.reindex(frame.index).astype(float)
    if "loan_amount" in customers:
        frame["ead"], frame["ead_from"] = customers["loan_amount"].astype(float), "data: loan amount"
    elif "credit_limit" in customers:
        frame["ead"] = customers["credit_limit"].astype(float) * economics.credit_conversion
        frame["ead_from"] = "assumption: credit limit times the share drawn at default"
    else:
        raise UserError("the policy simulation needs loan_amount or credit_limit; the data set has neither")
    if "interest_rate" in customers:
        frame["rate"], frame["rate_from"] = customers["interest_rate"].astype(float), "data: contract rate"
    else:
        frame["rate"] = np.nan if rate is None else float(rate)
        frame["rate_from"] = "absent: no contract rate" if rate is None else "assumption: one rate for all"
    if "collateral_value" in customers:
        frame["cover"] = customers["collateral_value"].astype(float) / frame["ead"]
    else:
        frame["cover"] = np.nan
    frame["lgd_from"] = np.where(
        frame["cover"].notna(), "data and assumption: collateral", "assumption: unsecured default value"
    )
    frame["churn"] = customers["churned"].astype(float) if "churned" in customers else np.nan
    frame["churn_from"] = np.where(
        frame["churn"].notna(), "data: churn of the tier", "assumption: one churn rate"
    )
    _complete(frame)
    return frame


def usable(customers: pd.DataFrame) -> pd.Index:
    """Return the customers whose exposure is known and, where the data set has rates, whose rate is known."""
    exposure = next((name for name in ("loan_amount", "credit_limit") if name in customers), None)
    needed = [name for name in (exposure, "interest_rate") if name in customers]
    return customers.index[customers[needed].notna().all(axis=1)] if needed else customers.index


def _complete(frame: pd.DataFrame) -> None:
    if frame.empty:
        raise UserError("the policy simulation got no customers")
    for column, what in (("tier", "tier"), ("pd", "PD"), ("ead", "exposure")):
        absent = int(frame[column].isna().sum())
        if absent:
            raise UserError(f"{absent:,} of {len(frame):,} customers have no {what}; leave them out first")
    some = frame["rate"].isna()
    if some.any() and not some.all():
        raise UserError(
            f"{int(some.sum()):,} of {len(frame):,} customers have no interest_rate; leave them out first"
        )
    for column, least, most in (("pd", 0.0, 1.0), ("ead", 0.0, np.inf)):
        outside = ~frame[column].between(least, most)
        if outside.any():
            first = frame.index[outside][0]
            raise UserError(
                f"customer {first}: {column} is {frame.at[first, column]:g}, expected {least:g} to {most:g}"
            )


def loss_given_default(cover: Floats | pd.Series, economics: Economics) -> Floats:
    """Return the LGD (n,) from the cover (collateral per unit of exposure; NaN = unsecured).

    The covered part of the exposure, min(cover / cover required, 1), takes the secured LGD and the rest the
    unsecured one; below the minimum cover all of it is unsecured (Basel Committee 2006, paragraph 295).
    """
    cover = np.asarray(cover, dtype=float)
    enough = np.nan_to_num(cover, nan=0.0) >= economics.cover_minimum
    covered = np.where(enough, np.minimum(np.nan_to_num(cover, nan=0.0) / economics.cover_required, 1.0), 0.0)
    return covered * economics.lgd_secured + (1 - covered) * economics.lgd_unsecured


def ratings_capital(probability: Floats | pd.Series, lgd: Floats) -> Floats:
    """Return capital per unit of exposure by the internal-ratings function for other retail exposures.

    K = LGD·N[(1−R)^−½·G(PD) + (R/(1−R))^½·G(0.999)] − PD·LGD with
    R = 0.03·w + 0.16·(1−w), w = (1−e^−35PD)/(1−e^−35) (Basel Committee 2006, paragraph 330).
    PD is kept at or above 0.03 % and below 1.
    """
    probability = np.clip(np.asarray(probability, dtype=float), 0.0003, 1 - 1e-9)
    weight = (1 - np.exp(-35 * probability)) / (1 - np.exp(-35))
    correlation = 0.03 * weight + 0.16 * (1 - weight)
    stressed = norm.ppf(probability) / np.sqrt(1 - correlation) + np.sqrt(
        correlation / (1 - correlation)
    ) * norm.ppf(0.999)
    return lgd * norm.cdf(stressed) - probability * lgd


def valued(frame: pd.DataFrame, economics: Economics) -> pd.DataFrame:
    """Add `lgd`, `capital`, `expected_loss` (PD × LGD × EAD) and `interest` (EAD × rate × (1 − PD)) to a book."""
    lgd = loss_given_default(frame["cover"], economics)
    if economics.capital_rule == "ratio":
        per_unit: Floats | float = economics.capital_ratio * economics.risk_weight
    else:
        per_unit = ratings_capital(frame["pd"], lgd)
    return frame.assign(
        lgd=lgd,
        capital=per_unit * frame["ead"],
        expected_loss=frame["pd"] * lgd * frame["ead"],
        interest=frame["ead"] * frame["rate"] * (1 - frame["pd"]),
    )


def inputs(frame: pd.DataFrame, economics: Economics) -> pd.DataFrame:
    """List every input that the book needs and whether it is data or an assumption.

    Returns:
        Columns `input`, `value` (mean over customers or the assumed value), `unit`, `depends_on`
        (`data`, `assumption`, `data and assumption`, `absent`), `rule`, `customers`.
    """
    rows = []
    for name, origin, unit in (
        ("ead", "ead_from", "currency"),
        ("rate", "rate_from", "share per year"),
        ("cover", "lgd_from", "collateral per unit of exposure"),
        ("churn", "churn_from", ""),
    ):
        for text, group in frame.groupby(origin, sort=True):
            depends_on, _, rule = str(text).partition(": ")
            if name == "churn":  # who left within the window of the outcome, or the assumed yearly rate
                unit = "share within the window of the outcome" if depends_on == "data" else "share per year"
            rows.append((name, group[name].mean(), unit, depends_on, rule, len(group)))
    rows.append(("pd", frame["pd"].mean(), "share", "data", "calibrated model", len(frame)))
    known = assumptions()
    unused = set()
    if frame["churn"].notna().all():
        unused.add("churn_rate")
    if not frame["ead_from"].str.startswith("assumption").any():
        unused.add("credit_conversion")
    if frame["cover"].isna().all():
        unused |= {"lgd_secured", "cover_required", "cover_minimum"}
    for name in [name for name in NAMES if name not in unused]:
        value, filed = getattr(economics, name), known.loc[name]
        rule = filed["source"]
        if value != filed["value"]:
            rule = f"set by the study instead of {filed['value']:g} ({rule})"
        rows.append((name, value, filed["unit"], "assumption", rule, len(frame)))
    return pd.DataFrame(rows, columns=["input", "value", "unit", "depends_on", "rule", "customers"])


def money(currency: str) -> str:
    """Return the name of a data set's currency for units and sentences, "currency" where none is named.

    In `datasets.yml` a name begins with a capital letter; what stands there otherwise says why there is none.
    """
    return currency if currency[:1].isupper() else "currency"


def in_money(table: pd.DataFrame, currency: str, *columns: str) -> pd.DataFrame:
    """Return a table whose units, in `unit` unless other columns are named, tell the currency of the data set."""
    told = {
        column: table[column].str.replace(r"\bcurrency\b", money(currency), regex=True)
        for column in columns or ("unit",)
    }
    return table.assign(**told)


def profile(frame: pd.DataFrame, default: pd.Series | None = None) -> pd.DataFrame:
    """Return the measured profile of each tier: index `tier`; customers, mean exposure, rate, PD and, where known, the
    default rate among customers whose outcome is known."""
    grouped = frame.groupby("tier", observed=False)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "mean exposure": grouped["ead"].mean(),
            "mean rate": grouped["rate"].mean(),
            "mean PD": grouped["pd"].mean(),
        }
    )
    if default is not None:
        table["default rate"] = default.reindex(frame.index).groupby(frame["tier"], observed=False).mean()
    return table.set_axis(table.index.astype(str))


def profile_in_words(table: pd.DataFrame) -> pd.Series:
    """Return the profile of each tier in one line, from `profile`; what is not measured is left out."""
    words = {
        "mean exposure": "mean loan {:,.0f}",
        "mean rate": "mean rate {:.1%}",
        "default rate": "outcome rate {:.1%}",
    }
    lines = []
    for _, row in table.iterrows():
        parts = [
            text.format(row[name]) for name, text in words.items() if name in row and np.isfinite(row[name])
        ]
        lines.append("; ".join([f"{row['customers']:,.0f} customers", *parts]))
    return pd.Series(lines, index=table.index, name="profile")
