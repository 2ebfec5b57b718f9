"""Vintage curves: the share of each origination cohort that has defaulted by months on book.

Loans that are still running at the end of the data are censored; leaving or repaying is a competing event, so that a
vintage with many early repayments does not look riskier than it is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.duration.survfunc import CumIncidenceRight

from research.errors import UserError

CENSORED, DEFAULT, LEFT = 0, 1, 2


def loan_histories(panel: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer from a panel: `customer_id`, `start` (period), `months`, `event`.

    Args:
        panel: `customer_id`, `period`, `months_on_book`, `defaulted`, `churned` (0/1).

    Returns:
        `months`: months on book at the event or at the end of the data; `event`: 1 default, 2 left, 0 still running.
    """
    ends = panel.sort_values(["customer_id", "period"], kind="stable").drop_duplicates(
        "customer_id", keep="last"
    )
    event = np.select([ends["defaulted"] == 1, ends["churned"] == 1], [DEFAULT, LEFT], CENSORED)
    months = ends["months_on_book"].to_numpy(int)
    return pd.DataFrame(
        {
            "customer_id": ends["customer_id"].to_numpy(),
            "start": ends["period"].to_numpy(int) - months,
            "months": months,
            "event": event,
        }
    )


def vintage_curves(
    loans: pd.DataFrame, cohort: str = "start", level: float = 0.95, smallest: int = 30
) -> pd.DataFrame:
    """Return the cumulative share defaulted of each cohort by months on book.

    The Aalen–Johansen estimate with leaving as a competing event; the interval is that of log(−log) with the
    delta-method error of statsmodels' `CumIncidenceRight`. With nobody censored it is the share of the loans made.

    Args:
        loans: one row per loan: the cohort, `months` (at the event or the end of observation), `event` (1 default,
            2 left, 0 censored).
        cohort: the column of cohorts.
        smallest: the curve ends where fewer loans than this are still followed.

    Returns:
        `cohort`, `months_on_book`, `at_risk`, `defaults` (in that month), `estimate`, `ci_low`, `ci_high`, `n` (loans
        of the cohort), `complete` (nobody was censored before that month).
    """
    for column in (cohort, "months", "event"):
        if column not in loans:
            raise UserError(f"vintage curves need the column '{column}', found {list(loans.columns)}")
    z = norm.ppf((1 + level) / 2)
    parts = []
    for name, part in loans.groupby(cohort, sort=True):
        followed = part[part["months"] > 0]
        if followed.empty:
            continue
        parts.append(_curve(followed, z, smallest).assign(cohort=name, n=len(part)))
    if not parts:
        raise UserError("no loan was followed for a month")
    columns = [
        "cohort",
        "months_on_book",
        "at_risk",
        "defaults",
        "estimate",
        "ci_low",
        "ci_high",
        "n",
        "complete",
    ]
    return pd.concat(parts, ignore_index=True)[columns]


def _curve(part: pd.DataFrame, z: float, smallest: int) -> pd.DataFrame:
    months, event = part["months"].to_numpy(int), part["event"].to_numpy(int)
    longest = months.max()
    axis = np.arange(1, longest + 1)
    ended = np.bincount(months, minlength=longest + 1)[1:]
    defaults = np.bincount(months[event == DEFAULT], minlength=longest + 1)[1:]
    censored = np.bincount(months[event == CENSORED], minlength=longest + 1)[1:]
    at_risk = len(part) - np.r_[0, np.cumsum(ended)[:-1]]
    estimate, error = np.zeros(longest), np.zeros(longest)
    if defaults.any():
        fit = CumIncidenceRight(months, event)
        place = np.searchsorted(fit.times, axis, side="right") - 1
        seen = place >= 0
        estimate[seen] = fit.cinc[0][place[seen]]
        error[seen] = fit.cinc_se[0][place[seen]]
    low, high = _interval(estimate, error, z)
    table = pd.DataFrame(
        {
            "months_on_book": axis,
            "at_risk": at_risk,
            "defaults": defaults,
            "estimate": estimate,
            "ci_low": low,
            "ci_high": high,
            "complete": np.r_[0, np.cumsum(censored)[:-1]] == 0,
        }
    )
    return table[table["at_risk"] >= min(smallest, len(part))]


def _interval(estimate: np.ndarray, error: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """1 − (1 − F)^exp(± z · se / ((1 − F) |log(1 − F)|)); 0 before the first default."""
    inside = (estimate > 0) & (estimate < 1)
    width = np.zeros_like(estimate)
    survival = np.where(inside, 1 - estimate, 0.5)
    width[inside] = (z * error / (survival * np.abs(np.log(survival))))[inside]
    low = np.where(inside, 1 - survival ** np.exp(-width), estimate)
    high = np.where(inside, 1 - survival ** np.exp(width), estimate)
    return low, high


def grouped(start: pd.Series, width: int = 3, first: int = 0) -> pd.Series:
    """Return the cohort of each start period in groups of `width` periods, named by their first and last."""
    low = first + (start - first) // width * width
    return (
        low.astype(int).astype(str).str.zfill(2)
        + "–"
        + (low + width - 1).astype(int).astype(str).str.zfill(2)
    )
