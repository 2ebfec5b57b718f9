"""The regression design: one documented treatment of money, categories and missing values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research.errors import UserError

MONEY_UNITS = ("currency", "currency per year", "currency per month")
RARE_SHARE = 0.02
RARE_EVENTS = 5
NONE = "none"  # ends the name of the indicator of an undefined value


@dataclass(frozen=True)
class Design:
    """Columns ready for a regression.

    Attributes:
        matrix: (n, k) floats without missing values and without a constant.
        terms: one row per column: `term` (in words), `construct`, `block`, `kind` (scaled, level, missing), `unit`.
        dropped: one row per column left out: `term`, `reason`.
        outcome: (n,) floats, 0 or 1.
    """

    matrix: pd.DataFrame
    terms: pd.DataFrame
    dropped: pd.DataFrame
    outcome: pd.Series

    def without(self, columns: list[str]) -> Design:
        """Return the design without these columns."""
        keep = [c for c in self.matrix if c not in set(columns)]
        return replace(self, matrix=self.matrix[keep], terms=self.terms[self.terms["term"].isin(keep)])

    def block(self, name: str) -> list[str]:
        """Return the columns of a block."""
        return self.terms.loc[self.terms["block"] == name, "term"].tolist()


def build(
    customers: pd.DataFrame,
    constructs: pd.DataFrame,
    outcome: str = "default",
    leave_out: tuple[str, ...] = (),
) -> Design:
    """Build the design from predictors that were known when the loan was made.

    Money enters as log(1 + x). Numbers are scaled to mean 0 and standard deviation 1. A missing number is set to
    the median and marked by an indicator column when at least 2 % are missing. Where the definition says what a
    missing value means (months since a delinquency that never was), it is not unknown but undefined: it is set to
    the mean, so that it does not move the slope, and the indicator carries the difference. Levels of a category with
    less than 2 % of rows or fewer than five events join the most frequent level, which is the reference; numbers that
    differ from their most common value in less than 2 % of rows are left out.

    Args:
        customers: canonical table, one row per customer.
        constructs: the table of constructs (`construct`, `label`, `block`, `role`, `dtype`, `unit`, `missing_means`).
        outcome: a 0/1 column; rows where it is missing are left out.
        leave_out: constructs that must not enter.

    Raises:
        UserError: there is no outcome, or fewer than ten rows with either value.
    """
    if outcome not in customers:
        raise UserError(f"the data set measures no '{outcome}', expected a 0/1 column")
    rows = customers[customers[outcome].notna()]
    y = rows[outcome].astype(float)
    if y.sum() < 10 or (1 - y).sum() < 10:
        raise UserError(
            f"'{outcome}' has {int(y.sum())} events in {len(y)} rows, expected at least 10 of each value"
        )
    listed = constructs[(constructs["role"] == "predictor") & ~constructs["construct"].isin(leave_out)]
    parts: list[pd.DataFrame] = []
    terms: list[dict[str, str]] = []
    dropped: list[dict[str, str]] = []
    for info in listed[listed["construct"].isin(rows.columns)].to_dict("records"):
        values = rows[info["construct"]]
        made = (
            _levels(values.rename(info["label"]), y)
            if info["dtype"] == "category"
            else _numbers(values, info)
        )
        for term, (column, kind) in made.items():
            if column.value_counts(normalize=True).iloc[0] > 1 - RARE_SHARE:
                dropped.append({"term": term, "reason": "almost the same value everywhere"})
                continue
            parts.append(column.rename(term).to_frame())
            terms.append(
                {
                    "term": term,
                    "construct": info["construct"],
                    "block": info["block"],
                    "kind": kind,
                    "unit": info["unit"],
                }
            )
    if not parts:
        raise UserError("no predictor is measured, expected at least one construct with role 'predictor'")
    matrix = pd.concat(parts, axis=1)
    matrix, aliased = _independent(matrix)
    dropped += [{"term": term, "reason": "a linear combination of the columns before it"} for term in aliased]
    table = pd.DataFrame(terms)
    return Design(
        matrix,
        table[table["term"].isin(matrix.columns)].reset_index(drop=True),
        pd.DataFrame(dropped, columns=["term", "reason"]),
        y,
    )


def _numbers(values: pd.Series, info: dict[str, str]) -> dict[str, tuple[pd.Series, str]]:
    name, missing = info["label"], values.isna()
    if missing.all():
        return {}
    x = np.log1p(values.clip(lower=0)) if info["unit"] in MONEY_UNITS else values.astype(float)
    if missing.any() and info["missing_means"]:
        made = {name: (_scaled(x.fillna(x.mean())), "scaled")}
        return made | {f"{name} {NONE}": (missing.astype(float), "level")}
    made = {name: (_scaled(x.fillna(x.median())), "scaled")}
    if set(values.dropna().unique()) <= {0.0, 1.0}:
        made = {name: (values.fillna(values.median()), "level")}
    if missing.mean() >= RARE_SHARE:
        made[f"{name} missing"] = (missing.astype(float), "missing")
    return made


def _levels(values: pd.Series, y: pd.Series) -> dict[str, tuple[pd.Series, str]]:
    text = values.astype("string").fillna("missing")
    counts, events = text.value_counts(), y.groupby(text).sum()
    reference = counts.sort_index().idxmax()
    kept = [
        level
        for level in counts.index
        if level != reference
        and counts[level] >= RARE_SHARE * len(text)
        and min(events[level], counts[level] - events[level]) >= RARE_EVENTS
    ]
    return {
        f"{values.name}: {level} (against {reference})": ((text == level).astype(float), "level")
        for level in sorted(kept)
    }


def _scaled(x: pd.Series) -> pd.Series:
    spread = x.std()
    return (x - x.mean()) / spread if spread > 0 else x * 0.0


def _independent(matrix: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop columns that add no rank, first come first kept (pivot sizes of an unpivoted QR)."""
    centred = matrix - matrix.mean()
    pivots = np.abs(np.diag(np.linalg.qr(centred.to_numpy(), mode="r")))
    keep = pivots > 1e-8 * np.sqrt(len(matrix))
    return matrix.loc[:, keep], matrix.columns[~keep].tolist()
