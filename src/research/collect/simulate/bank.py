"""Simulate a bank: who applies, what is lent, what happens, and the truth behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from research.collect.simulate import borrowers, loans, relationship, risk, truth
from research.collect.simulate.assumptions import assumptions
from research.collect.simulate.conduct import Conduct
from research.collect.simulate.draws import macro
from research.collect.simulate.loan_months import LoanMonths, Month
from research.errors import UserError

STREAMS = (
    "latent", "people", "means", "need", "bureau", "loan", "relation", "calendar", "months", "conduct", "loss",
)  # fmt: skip
Given = dict[str, dict[str, Any]]  # the parameters, section by section
DAYS = 30
OUTCOMES = ("default", "churned", "loss_amount", "paid_total", "paid_interest")
STATUS = ("current", "30 days late", "60 days late", "default", "closed")


@dataclass(frozen=True)
class Simulation:
    """A simulated bank.

    Attributes:
        customers: the canonical customer table at the application, one row per customer; every construct is measured.
        panel: one row per customer and month from the month of the loan to the month of default or leaving, sorted by
            period, then customer; None when it was left out. Columns: customer_id (category, the categories are the
            index of `customers`), period, months_on_book, status (months past due, 3 = default), days_past_due,
            balance, payment, drawn, deposit_balance, credit_utilisation, products_held, complaints, interactions,
            transactions, revenue, churned, defaulted, loss.
        truth: what no model may read, one row per customer (see `truth.truth`).
        distress: hidden monthly state, aligned with the rows of `panel`; part of the truth. None without a panel.
        stress: macro shock of each period.
        shock_period: the period in which the shock begins.
    """

    customers: pd.DataFrame
    panel: pd.DataFrame | None
    truth: pd.DataFrame
    distress: np.ndarray | None
    stress: np.ndarray
    shock_period: int
    seed: int


def simulate(
    n: int, periods: int = 36, seed: int = 0, *, shock: float = 1.0, panel: bool = True,
    changes: Mapping[str, Any] | None = None,
) -> Simulation:  # fmt: skip
    """Simulate `n` customers over `periods` months.

    Args:
        n: number of customers.
        periods: months of the panel; at least two more than the outcome window (12).
        seed: the same seed gives the same bank, with or without the panel.
        shock: size of the macro shock at `periods // 2` as a multiple of its parameter; 0 leaves it out.
        panel: False leaves out the monthly panel (a tenth of the memory); outcomes are unchanged.
        changes: other values for parameters, `{"risk.intercept": -5.0}`.

    Raises:
        UserError: when n, periods or a parameter's name does not fit.
    """
    given = assumptions(changes)
    window = given["calendar"]["window"]
    if n < 1:
        raise UserError(f"the simulated bank needs at least one customer, found n = {n}")
    if periods < window + 2:
        raise UserError(f"the simulated bank needs at least {window + 2} periods, found periods = {periods}")
    rng = dict(zip(STREAMS, np.random.default_rng(seed).spawn(len(STREAMS)), strict=True))
    at = periods // 2
    stress = macro(periods, at, given["shock"]["half_life"], shock)
    later, opens = rng["calendar"].integers(1, periods - window, n), rng["calendar"].random(n)
    # period 0 for the opening book, the others evenly over the periods whose outcome can be seen
    origin = np.where(opens < given["calendar"]["opening_share"], 0, later).astype(np.int16)

    factors = borrowers.latent(rng["latent"], n, given["latent"])
    customers = _applications(rng, factors, stress[origin], given)
    wanted = customers.pop("true_need"), customers.pop("true_need_intensity")
    names = [f"S{number:07d}" for number in range(1, n + 1)]
    customers.index = pd.Index(names, name="customer_id")
    months = pd.date_range(given["calendar"]["start"], periods=periods, freq="MS")
    customers["loan_date"] = months.to_numpy()[origin]

    chance = risk.chances(customers, factors, given)
    lgd = truth.lgd(rng["loss"], customers, given["risk"])
    seen = Conduct(rng["conduct"], customers, factors, given) if panel else None
    book = LoanMonths(rng["months"], customers, chance, given["risk"]["default_months"])
    frame, distress, outcomes, first = _live(book, customers.index, seen, origin, stress, lgd, window)
    customers = pd.concat([customers, outcomes], axis=1)
    true = truth.truth(customers, factors, wanted, chance, origin, stress, lgd, first, given)
    return Simulation(customers, frame, true, distress, stress, at, seed)


def _applications(
    rng: dict[str, np.random.Generator], factors: pd.DataFrame, stress: np.ndarray, given: Given
) -> pd.DataFrame:
    people = borrowers.borrowers(rng["people"], factors, given["borrower"])
    people = people.join(borrowers.means(rng["means"], people, factors, given["means"]))
    wanted = relationship.needs(rng["need"], people, factors, given["need"])
    appetite = wanted.pop("appetite").to_numpy()
    record = loans.bureau(rng["bureau"], people, factors, appetite, stress, given)
    contract = loans.contracts(rng["loan"], people, record, stress, given)
    relation = relationship.relationship(rng["relation"], people, factors, wanted, given)
    return pd.concat([people, record, contract, relation, wanted], axis=1)


def _live(
    book: LoanMonths, index: pd.Index, seen: Conduct | None, origin: np.ndarray, stress: np.ndarray, lgd: np.ndarray,
    window: int,
) -> tuple[pd.DataFrame | None, np.ndarray | None, pd.DataFrame, np.ndarray]:  # fmt: skip
    """Run every month. Returns the panel, the hidden distress of its rows, the outcomes, and the first distress."""
    n = len(index)
    outcome = {name: np.zeros(n) for name in OUTCOMES}
    left = np.zeros(n), np.zeros(n, dtype=np.int8)
    first = np.full(n, -1, dtype=np.int16)
    pieces: dict[str, list[np.ndarray]] = {}
    hidden: list[np.ndarray] = []
    for period, shock in enumerate(stress):
        age = period - origin
        start = book.balance
        month = book.step(age, shock, lgd)
        first[(first < 0) & book.distress] = period
        _count(outcome, month, month.live & (age <= window))
        closing = month.live & ((age == window) | ((age < window) & (month.churned | month.defaulted)))
        left[0][closing], left[1][closing] = book.balance[closing], book.status[closing]
        if seen is not None:
            seen.step(month.live, book.distress, shock)
            rows = np.flatnonzero(month.live | (age == 0))
            _record(pieces, rows, period, age, start, book, month, seen)
            hidden.append(book.distress[rows])
    outcomes = _outcomes(outcome, left, index)
    if seen is None:
        return None, None, outcomes, first
    return _panel(pieces, index), np.concatenate(hidden), outcomes, first


def _count(outcome: dict[str, np.ndarray], month: Month, inside: np.ndarray) -> None:
    """Add the month to the outcomes of the loans whose window is open."""
    outcome["default"] += month.defaulted & inside
    outcome["churned"] += month.churned & inside
    outcome["loss_amount"] += month.loss * inside
    outcome["paid_total"] += month.payment * inside
    outcome["paid_interest"] += np.minimum(month.interest, month.payment) * inside


def _outcomes(
    outcome: dict[str, np.ndarray], left: tuple[np.ndarray, np.ndarray], index: pd.Index
) -> pd.DataFrame:
    """Outcome and snapshot constructs at the end of the window, or at the exit when that is earlier."""
    frame = pd.DataFrame(outcome, index=index)
    balance, status = left
    closed = (frame["churned"] == 1).to_numpy()
    frame["loan_status"] = pd.Categorical.from_codes(np.where(closed, 4, status), categories=list(STATUS))
    frame["outstanding_balance"] = np.round(balance, 2)
    frame["paid_principal"] = frame["paid_total"] - frame["paid_interest"]
    frame["days_past_due"] = status.astype(float) * DAYS
    money = ["loss_amount", "paid_total", "paid_interest", "paid_principal"]
    frame[money] = frame[money].round(2)
    return frame


def _record(
    pieces: dict[str, list[np.ndarray]], rows: np.ndarray, period: int, age: np.ndarray, start: np.ndarray,
    book: LoanMonths, month: Month, seen: Conduct,
) -> None:  # fmt: skip
    """Append the rows of one month to the panel."""
    contacts, transactions = seen.seen(month.arrears, book.distress)
    revenue = seen.revenue(start, month.live & ~month.defaulted)
    columns = {
        "customer": rows.astype(np.int32),
        "period": np.full(len(rows), period, dtype=np.int8),
        "months_on_book": age[rows].astype(np.int8),
        "status": book.status[rows],
        "days_past_due": (book.status[rows].astype(np.int16) * DAYS),
        "balance": book.balance[rows].astype(np.float32),
        "payment": month.payment[rows].astype(np.float32),
        "drawn": month.drawn[rows].astype(np.float32),
        "deposit_balance": seen.deposit[rows],
        "credit_utilisation": seen.share(rows),
        "products_held": seen.products[rows],
        "complaints": month.complaint[rows].astype(np.int8),
        "interactions": contacts[rows],
        "transactions": transactions[rows],
        "revenue": revenue[rows].astype(np.float32),
        "churned": month.churned[rows].astype(np.int8),
        "defaulted": month.defaulted[rows].astype(np.int8),
        "loss": month.loss[rows].astype(np.float32),
    }
    for name, values in columns.items():
        pieces.setdefault(name, []).append(values)


def _panel(pieces: dict[str, list[np.ndarray]], index: pd.Index) -> pd.DataFrame:
    columns = {name: np.concatenate(pieces.pop(name)) for name in list(pieces)}
    names = pd.Categorical.from_codes(columns.pop("customer"), categories=index)
    return pd.DataFrame({"customer_id": names, **columns}, copy=False)
