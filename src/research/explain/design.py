"""The regression design: one documented treatment of money, categories and missing values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from research.errors import UserError

MONEY_UNITS = ("currency", "currency per year", "currency per month")
RARE_SHARE = 0.02
RARE_EVENTS = 5


@dataclass(frozen=True)
class Column:
    """One column of a design, with what was learned of the rows it was made from.

    Attributes:
        term: in words.
        construct, block, unit: as in the table of constructs.
        kind: scaled, level or missing.
        level: the level of a category that the column marks; empty for a number.
        marks_missing: the column marks the rows without a value.
        undefined: a missing value of the construct is undefined rather than unknown.
        log: the number enters as log(1 + x).
        fill, centre, spread: what a missing value takes, and the scale (x − centre) / spread.
    """

    term: str
    construct: str
    block: str
    unit: str
    kind: str
    level: str = ""
    marks_missing: bool = False
    undefined: bool = False
    log: bool = False
    fill: float = 0.0
    centre: float = 0.0
    spread: float = 1.0

    def of(self, values: pd.Series) -> pd.Series:
        """Return the column (n,) of customers by their values of the construct, a category as `_text`.

        Nothing is learned of these customers.
        """
        if self.marks_missing:
            made = values.isna().astype(float)
        elif self.level:
            made = (values == self.level).astype(float)
        else:
            made = (_number(values, self.log).fillna(self.fill) - self.centre) / self.spread
        return made.rename(self.term)


@dataclass(frozen=True)
class Design:
    """Columns ready for a regression.

    Attributes:
        matrix: (n, k) floats without missing values and without a constant.
        terms: one row per column, as the fields of `Column`.
        dropped: the terms of the columns left out.
        outcome: (n,) floats, 0 or 1.
    """

    matrix: pd.DataFrame
    terms: pd.DataFrame
    dropped: list[str]
    outcome: pd.Series

    def without(self, columns: list[str]) -> Design:
        """Return the design without these columns."""
        keep = [c for c in self.matrix if c not in set(columns)]
        return replace(self, matrix=self.matrix[keep], terms=self.terms[self.terms["term"].isin(keep)])

    def block(self, name: str) -> list[str]:
        """Return the columns of a block."""
        return self.terms.loc[self.terms["block"] == name, "term"].tolist()


def build(customers: pd.DataFrame, constructs: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> Design:
    """Build the design from predictors that were known when the loan was made.

    Money enters as log(1 + x). Numbers are scaled to mean 0 and standard deviation 1. A missing number is set to
    the median and marked by an indicator column when at least 2 % are missing. Where the definition says what a
    missing value means (months since a delinquency that never was), it is not unknown but undefined: it is set to
    the mean, so that it does not move the slope, and the indicator carries the difference. Levels of a category with
    less than 2 % of rows or fewer than five events join the most frequent level, which is the reference; numbers that
    differ from their most common value in less than 2 % of rows are left out.

    Args:
        customers: canonical table, one row per customer; those whose `default` (0/1) is missing are left out.
        constructs: the table of constructs (`construct`, `label`, `block`, `role`, `dtype`, `unit`, `missing_means`).
        leave_out: constructs that must not enter.

    Raises:
        UserError: there is no outcome, or fewer than ten rows with either value.
    """
    if "default" not in customers:
        raise UserError("the data set measures no 'default', expected a 0/1 column")
    rows = customers[customers["default"].notna()]
    y = rows["default"].astype(float)
    if y.sum() < 10 or (1 - y).sum() < 10:
        raise UserError(
            f"'default' has {int(y.sum())} events in {len(y)} rows, expected at least 10 of each value"
        )
    columns, made, dropped = learn(rows, y, constructs, leave_out)
    return Design(made, pd.DataFrame([asdict(column) for column in columns]), dropped, y)


def matrix(columns: list[Column], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns (n, k) of customers, who may be others than those the columns were learned of."""
    texts = {name: _text(rows[name]) for name in {column.construct for column in columns if column.level}}
    return pd.concat(
        [column.of(texts.get(column.construct, rows[column.construct])) for column in columns], axis=1
    )


def learn(
    rows: pd.DataFrame, y: pd.Series, constructs: pd.DataFrame, leave_out: tuple[str, ...] = ()
) -> tuple[list[Column], pd.DataFrame, list[str]]:
    """Learn the columns of the design (see `build`) from customers with a known outcome y (n,).

    Returns:
        The columns, their matrix (n, k), and the terms left out: almost the same everywhere, or told by those before.

    Raises:
        UserError: no predictor is measured.
    """
    listed = constructs[(constructs["role"] == "predictor") & ~constructs["construct"].isin(leave_out)]
    columns: list[Column] = []
    found: list[pd.Series] = []
    dropped: list[str] = []
    for info in listed[listed["construct"].isin(rows.columns)].to_dict("records"):
        category, values = info["dtype"] == "category", rows[info["construct"]]
        values = _text(values) if category else values
        for column in _levels(values, info, y) if category else _numbers(values, info):
            made = column.of(values)
            if made.value_counts(normalize=True).iloc[0] > 1 - RARE_SHARE:
                dropped.append(column.term)
            else:
                columns.append(column)
                found.append(made)
    if not columns:
        raise UserError("no predictor is measured, expected at least one construct with role 'predictor'")
    independent, aliased = _independent(pd.concat(found, axis=1))
    return [column for column in columns if column.term not in aliased], independent, dropped + aliased


def _numbers(values: pd.Series, info: dict[str, str]) -> list[Column]:
    ranked = info["unit"].removeprefix("rank") if info["unit"].startswith("rank") else ""  # which end is best
    name = info["label"] + ranked
    missing = values.isna()
    if missing.all():
        return []
    log, undefined = info["unit"] in MONEY_UNITS, bool(missing.any() and info["missing_means"])
    about = {key: info[key] for key in ("construct", "block", "unit")} | {"undefined": undefined}
    if set(values.dropna().unique()) <= {0.0, 1.0} and not undefined:
        made = [Column(name, **about, kind="level", fill=values.median())]
    else:
        x = _number(values, log)
        fill = x.mean() if undefined else x.median()
        filled = x.fillna(fill)
        spread = filled.std()
        scale = {"centre": filled.mean(), "spread": spread if spread > 0 else 1.0}
        made = [Column(name, **about, kind="scaled", log=log, fill=fill, **scale)]
    if undefined:
        made.append(Column(f"{name}: {info['missing_means']}", **about, kind="level", marks_missing=True))
    elif missing.mean() >= RARE_SHARE:
        made.append(Column(f"{name}: not known", **about, kind="missing", marks_missing=True))
    return made


def _levels(text: pd.Series, info: dict[str, str], y: pd.Series) -> list[Column]:
    counts, events = text.value_counts(), y.groupby(text).sum()
    reference = counts.sort_index().idxmax()
    kept = [
        level
        for level in counts.index
        if level != reference
        and counts[level] >= RARE_SHARE * len(text)
        and min(events[level], counts[level] - events[level]) >= RARE_EVENTS
    ]
    about = {key: info[key] for key in ("construct", "block", "unit")}
    return [
        Column(f"{info['label']}: {level} (against {reference})", **about, kind="level", level=level)
        for level in sorted(kept)
    ]


def _number(values: pd.Series, log: bool) -> pd.Series:
    return np.log1p(values.clip(lower=0)) if log else values.astype(float)


def _text(values: pd.Series) -> pd.Series:
    return values.astype("string").fillna("missing")


def _independent(matrix: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop columns that add no rank, first come first kept (pivot sizes of an unpivoted QR)."""
    centred = matrix - matrix.mean()
    pivots = np.abs(np.diag(np.linalg.qr(centred.to_numpy(), mode="r")))
    keep = pivots > 1e-8 * np.sqrt(len(matrix))
    return matrix.loc[:, keep], matrix.columns[~keep].tolist()
