"""What the 0/1 outcome of a data set is, in the data set's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from research.collect.constructs import constructs
from research.errors import UserError, nearest
from research.files.textfiles import read_csv

COLUMNS = ("outcome_name", "outcome_word", "outcome_kind", "horizon_months")  # of a crosswalk
KINDS = ("credit", "other")
LONGEST_HORIZON = 600  # months
FEWEST = 10  # customers with either outcome; fewer teach nothing
DEFAULT = "default"  # the construct that every step reads as the outcome


@dataclass(frozen=True)
class Outcome:
    """A 0/1 outcome.

    Attributes:
        name: what it is, `early delinquency`, `churn`.
        word: those who have it, `churned customers`.
        kind: `credit` for a loan gone bad, `other` for churn, a purchase or anything else.
        horizon_months: the months over which it is counted, where these are known and the same for everybody.
        construct: the construct that holds it.
    """

    name: str = DEFAULT
    word: str = "customers in default"
    kind: str = "credit"
    horizon_months: int | None = None
    construct: str = DEFAULT

    @property
    def rate(self) -> str:
        """What the share of those who have it is called, `churn rate`."""
        return f"{self.name} rate"

    @property
    def no_default_rate(self) -> str:
        """Why this outcome gives no rate of default, or nothing when it does."""
        return "" if self.kind == "credit" else f"the outcome of this study is {self.name}, not default"

    @property
    def gives_pd(self) -> bool:
        """Whether a rate may be called PD and multiplied by a loss: of loans gone bad, over a known horizon."""
        return self.kind == "credit" and self.horizon_months is not None


def of_definition(entry: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a data set that the study knows."""
    return Outcome(entry["outcome_name"], entry["outcome_word"], "credit", entry.get("horizon_months"))


def of_crosswalk(path: Path) -> Outcome:
    """Return the outcome that a crosswalk names in the row of its construct.

    Columns, all of which may be left out: `outcome_name`, `outcome_word`, `outcome_kind` (credit or other; other unless
    the name is default), `horizon_months`. The construct is `default`, or another one that is 0 or 1 and known after
    the loan, as `churned`; it then takes the place of `default`.

    Raises UserError that names file, row and what is expected.
    """
    table = read_csv(path)
    named = [name for name in COLUMNS if name in table]
    rows = table[(table[named] != "").any(axis=1)] if named and "construct" in table else table.iloc[:0]
    if rows.empty:
        return Outcome()
    place = f"{path.name}, row {int(rows.index[0]) + 2}"
    if len(rows) > 1:
        again = f"{path.name}, row {int(rows.index[1]) + 2}"
        raise UserError(f"{again}: a second row names an outcome; expected one")
    given = rows.iloc[0].reindex([*table.columns, *named], fill_value="").to_dict()
    known, construct = constructs(), given["construct"]
    allowed = known.index[(known["block"] == "outcome") & (known["unit"] == "0 or 1")]
    if construct not in allowed:
        raise UserError(f"{place}: '{construct}' names the outcome{nearest(construct, allowed)}")
    if given.get("fit") == "absent":
        raise UserError(f"{place}: names the outcome and is absent; expected the column that holds it")
    name = given.get("outcome_name", "")
    if not name:
        raise UserError(f"{place}: outcome_name is empty; expected a name such as churn")
    usual = "credit" if name.lower() == DEFAULT else "other"
    kind = given.get("outcome_kind") or usual
    if kind not in KINDS:
        raise UserError(f"{place}: outcome_kind is '{kind}'{nearest(kind, KINDS)}")
    word = given.get("outcome_word") or f"customers with {name}"
    return Outcome(name, word, kind, _months(given.get("horizon_months", ""), place), construct)


def _months(text: str, place: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LONGEST_HORIZON:
        expected = f"whole months from 1 to {LONGEST_HORIZON}, or nothing"
        raise UserError(f"{place}: horizon_months is '{text}', expected {expected}")
    return int(text)


def no_outcome(customers: pd.DataFrame, least: int = FEWEST) -> str:
    """Return why the outcome of a canonical table is not enough to learn from, or nothing when it is."""
    if DEFAULT not in customers:
        hint = "; the crosswalk can name churned as the outcome" if "churned" in customers else ""
        return f"the data have no outcome{hint}"
    known = customers[DEFAULT].dropna()
    bad = int(known.sum())
    if min(bad, len(known) - bad) < least:
        return f"{bad:,} of {len(known):,} known outcomes are bad; expected at least {least} bad and {least} good"
    return ""


def placed(customers: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """Return the canonical table with the named outcome in the place of `default`."""
    if outcome.construct == DEFAULT or outcome.construct not in customers:
        return customers
    made = customers.assign(**{DEFAULT: customers[outcome.construct]})
    return made[[name for name in constructs().index if name in made]]
