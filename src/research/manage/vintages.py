"""Vintage curves: the share of each origination cohort that has defaulted by months on book.

Loans that are still running at the end of the data are censored; leaving or repaying is a competing event, so that a
vintage with many early repayments does not look riskier than it is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.duration.survfunc import CumIncidenceRight

CENSORED, DEFAULT, LEFT = 0, 1, 2


def loan_histories(panel: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer of a panel: `customer_id`, `start` (period), `months` on book at the event or at the
    end of the data, `event`: 1 default, 2 left, 0 still running.

    Args:
        panel: `customer_id`, `period`, `months_on_book`, `defaulted`, `churned` (0/1).
    """
    ends = panel.sort_values(["customer_id", "period"], kind="stable")
    ends = ends.drop_duplicates("customer_id", keep="last").reset_index(drop=True)
    event = np.select([ends["defaulted"] == 1, ends["churned"] == 1], [DEFAULT, LEFT], CENSORED)
    months = ends["months_on_book"].astype(int)
    start = ends["period"].astype(int) - months
    return ends[["customer_id"]].assign(start=start, months=months, event=event)


def vintage_curves(loans: pd.DataFrame, cohort: str = "start", smallest: int = 30) -> pd.DataFrame:
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
    parts = []
    for name, part in loans.groupby(cohort, sort=True):
        followed = part[part["months"] > 0]
        if len(followed):
            parts.append(_curve(followed, smallest).assign(cohort=name, n=len(part)))
    columns = ["months_on_book", "at_risk", "defaults", "estimate", "ci_low", "ci_high", "n", "complete"]
    return pd.concat(parts, ignore_index=True)[["cohort", *columns]]


def _curve(part: pd.DataFrame, smallest: int) -> pd.DataFrame:
    months, event = part["months"].to_numpy(int), part["event"].to_numpy(int)
    longest = months.max()
    axis = np.arange(1, longest + 1)
    ended, defaults, censored = (
        np.bincount(months[kept], minlength=longest + 1)
        for kept in (event >= 0, event == DEFAULT, event == CENSORED)
    )
    estimate, error = np.zeros(longest), np.zeros(longest)
    if defaults.any():
        fit = CumIncidenceRight(months, event)
        place = np.searchsorted(fit.times, axis, side="right") - 1
        seen = place >= 0
        estimate[seen] = fit.cinc[0][place[seen]]
        error[seen] = fit.cinc_se[0][place[seen]]
    low, high = _interval(estimate, error)
    table = pd.DataFrame({"months_on_book": axis, "estimate": estimate, "ci_low": low, "ci_high": high})
    at_risk, complete = len(part) - np.cumsum(ended)[:-1], np.cumsum(censored)[:-1] == 0
    table = table.assign(at_risk=at_risk, defaults=defaults[1:], complete=complete)
    return table[at_risk >= min(smallest, len(part))]


def _interval(estimate: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 − (1 − F)^exp(± z · se / ((1 − F) |log(1 − F)|)), z of 95 %; 0 before the first default."""
    inside = (estimate > 0) & (estimate < 1)
    survival = np.where(inside, 1 - estimate, 0.5)
    width = norm.ppf(0.975) * error / (survival * np.abs(np.log(survival)))
    low = np.where(inside, 1 - survival ** np.exp(-width), estimate)
    high = np.where(inside, 1 - survival ** np.exp(width), estimate)
    return low, high


def grouped(start: pd.Series, width: int) -> pd.Series:
    """Return the cohort of each start period in groups of `width` periods, named by their first and last."""
    low = (start // width * width).astype(int)
    return low.map("{:02d}".format) + "–" + (low + width - 1).map("{:02d}".format)
