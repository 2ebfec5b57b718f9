"""Captions of the figures of the data: what is measured, how it is distributed, how it is classified."""

from __future__ import annotations

import pandas as pd

from research.captions.wording import counted, known, listed, number, outside, said, shown_of, span

SKEWED = 1.0  # skewness beyond which a distribution is called skewed
HALF = 0.5


def coverage_matrix(coverage: pd.DataFrame) -> str:
    """Say which data sets measure most and fewest constructs.

    Args:
        coverage: `construct`, `dataset`, `fit` (direct, proxy, absent), one row per construct and data set.
    """
    title = "What each data set measures, directly or by proxy"
    measured = coverage["fit"] != "absent"
    counts = measured.groupby(coverage["dataset"], sort=False).sum()
    total = coverage["construct"].nunique()
    if counts.empty:
        return said(title)
    most, least = counts.index[counts == counts.max()], counts.index[counts == counts.min()]
    whole = counts.max() == total
    first = f"{listed(most)} {'covers' if len(most) == 1 else 'cover'} "
    first += f"all {total} constructs" if whole else f"{counts.max()} of {total} constructs"
    if counts.max() > counts.min():
        first += f", the most, and {listed(least)} {counts.min()}, the fewest"
    never = int((~measured.groupby(coverage["construct"]).any()).sum())
    return said(title, first, f"{never} are in none of the data sets" if never and len(counts) > 1 else "")


def distributions(table: pd.DataFrame) -> str:
    """Say how many numbers are skewed. `table`: `skew`, one row per construct, missing where it is left out."""
    title = "Distributions of the numbers, middle 98 % of customers, with the median as a dark line"
    skew = table["skew"].dropna()
    if skew.empty:
        return said(title)
    right, left = int((skew > SKEWED).sum()), int((skew < -SKEWED).sum())
    return said(
        title,
        f"{right} of {len(skew)} are skewed to the right (skewness above {number(SKEWED, '.0f')}), {left} to the left "
        f"(below {number(-SKEWED, '.0f')})",
    )


def missing_shares(table: pd.DataFrame) -> str:
    """Say what is missing most often. `table`: `label`, `share` of customers without a value."""
    title = "Customers without a value, by construct"
    shown = known(table, "share").sort_values("share", ascending=False, kind="stable")
    if shown.empty:
        return said(title)
    first = shown.iloc[0]
    many = int((shown["share"] > HALF).sum())
    others = f"; more than half is missing for {counted(many, len(shown), 'constructs shown')}"
    return said(
        title,
        f"{first['label']} is missing most often ({number(first['share'], '.1%')}){others}. A missing value may say "
        "that there is nothing to record",
    )


def rates_by_class(table: pd.DataFrame, overall: float) -> str:
    """Say which classes differ from all customers, and where the rate is highest and lowest.

    Args:
        table: `standard`, `class`, `rate`, `ci_low`, `ci_high`.
        overall: the rate of all customers.
    """
    shown = known(table, "rate", "ci_low", "ci_high")
    title = f"Outcome rate by class, the dashed line is all customers ({number(overall, '.2%')})"
    if shown.empty:
        return said(title)
    away = int(outside(shown, overall).sum())
    ends = [shown.loc[shown["rate"].agg(end)] for end in ("idxmax", "idxmin")]
    where = [f"'{row['class']}' ({row['standard']}), {span(row, '.1%', 'rate')}" for row in ends]
    return said(
        title,
        f"the interval leaves it out for {counted(away, len(shown), shown_of('classes', shown, table))}",
        f"highest is {where[0]}, lowest {where[1]}" if len(shown) > 1 else "",
    )
