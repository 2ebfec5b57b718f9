"""Data quality as tidy frames: missing, duplicates, impossible values, distributions, types, what did not map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from research.collect.constructs import constructs
from research.collect.crosswalk import Crosswalked, complete
from research.collect.transforms import number
from research.paths import DEFINITIONS

QUALITY_RULES_FILE = DEFINITIONS / "quality_rules.csv"
WORDS = {"missing": "set to missing", "clip": "set to the bound", "keep": "kept", "nothing": "refused"}
SCALES = {"at_most": np.less_equal, "over": np.greater, "at_least": np.greater_equal}
CENT = 0.01  # sums of payments are rounded in the sources


def missing(customers: pd.DataFrame) -> pd.DataFrame:
    """Return construct, label, n_missing, share, missing_means (what a missing value says), most missing first."""
    about = constructs().loc[list(customers.columns), ["construct", "label", "missing_means"]]
    counts = customers.isna().sum()
    table = about.assign(n_missing=counts.astype(int), share=counts / len(customers))
    return table.sort_values(["n_missing", "construct"], ascending=[False, True]).reset_index(drop=True)


def duplicates(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per group of customers alike in every construct: size, customers (first five identifiers)."""
    columns = ["size", "customers"]
    alike = customers[customers.duplicated(keep=False)]
    if alike.empty:
        return pd.DataFrame(columns=columns)
    group = alike.groupby(list(alike.columns), dropna=False, observed=True, sort=False).ngroup().to_numpy()
    first = pd.Series(alike.index).groupby(group).head(5)
    named = first.groupby(group[first.index]).agg(", ".join)
    return pd.DataFrame({"size": np.bincount(group), "customers": named}, columns=columns).reset_index(
        drop=True
    )


def _outside(customers: pd.DataFrame) -> list[dict[str, object]]:
    definitions = constructs()
    found = []
    for name in customers.columns:
        row = definitions.loc[name]
        if row["dtype"] != "float":
            continue
        for bound, wrong in (
            ("minimum", customers[name] < row["minimum"]),
            ("maximum", customers[name] > row["maximum"]),
        ):
            if pd.isna(row[bound]):
                continue
            sign = "≥" if bound == "minimum" else "≤"
            rule = f"{name} {sign} {row[bound]:g}"
            known = customers[name].notna()
            found.append(_finding("range", rule, wrong, known, customers[name], "outside its range"))
    return found


def _finding(
    kind: str, rule: str, wrong: pd.Series, known: pd.Series, values: pd.Series, why: str
) -> dict[str, object]:
    first = wrong.idxmax() if wrong.any() else None
    return {
        "kind": kind,
        "rule": rule,
        "n": int(wrong.sum()),
        "share": float(wrong.mean()),
        "checked": int(known.sum()),
        "first_customer": first,
        "first_value": values[first] if first is not None else np.nan,
        "why": why,
    }


def impossible(customers: pd.DataFrame, rules: Path = QUALITY_RULES_FILE) -> pd.DataFrame:
    """Check ranges and logical rules.

    Returns one row per check that the table's constructs allow: kind (range, logic), rule, n (rows that break it),
    share (of all rows), checked (rows in which everything that the rule names is known), first_customer, first_value,
    why. Missing values break no rule. Two amounts of money may differ by a cent, anything else by nothing.
    """
    found, units = _outside(customers), constructs()["unit"]
    for row in pd.read_csv(rules, dtype=str, keep_default_na=False).itertuples():
        constant = pd.to_numeric(row.right, errors="coerce")
        if row.left not in customers or (pd.isna(constant) and row.right not in customers):
            continue
        left = customers[row.left]
        right = customers[row.right] if pd.isna(constant) else pd.Series(constant, index=customers.index)
        slack = CENT if row.test == "at_most" and units[row.left].startswith("currency") else 0.0
        known = left.notna() & right.notna()
        wrong = known & ~SCALES[row.test](left, right + slack)
        rule = f"{row.left} {row.test.replace('_', ' ')} {row.right}"
        found.append(_finding("logic", rule, wrong, known, left, row.why))
    table = pd.DataFrame(found)
    return table.sort_values("n", ascending=False, kind="stable").reset_index(drop=True)


def distributions(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per numeric construct.

    Columns: construct, unit, n, mean, sd, minimum, q05, q25, median, q75, q95, maximum, zeros (share), distinct, skew.
    """
    definitions = constructs()
    found = []
    for name in customers.select_dtypes("float64").columns:
        values = customers[name].dropna()
        quantiles = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_numpy()
        found.append(
            {
                "construct": name,
                "unit": definitions.at[name, "unit"],
                "n": len(values),
                "mean": values.mean(),
                "sd": values.std(),
                "minimum": values.min(),
                **dict(zip(("q05", "q25", "median", "q75", "q95"), quantiles, strict=True)),
                "maximum": values.max(),
                "zeros": float((values == 0).mean()),
                "distinct": values.nunique(),
                "skew": values.skew() if len(values) > 2 else np.nan,
            }
        )
    return pd.DataFrame(found)


def levels(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per class of every categorical construct: construct, level, n, share (missing is a level)."""
    found = []
    for name in customers.select_dtypes("category").columns:
        counts = customers[name].astype(object).where(customers[name].notna(), "missing").value_counts()
        found += [
            {"construct": name, "level": level, "n": int(n), "share": n / len(customers)}
            for level, n in counts.items()
        ]
    return pd.DataFrame(found, columns=["construct", "level", "n", "share"])


def dtypes(raw: pd.DataFrame, crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return source columns whose kind does not suit their construct.

    Columns: construct, source, found (dtype), problem, n (values concerned). Only columns a numeric construct reads
    as they are (identity, multiply, sum, ratio …) are looked at: text in them is coerced or lost.
    """
    definitions = constructs()
    numeric = {
        "identity",
        "multiply",
        "sum",
        "difference",
        "ratio",
        "mean",
        "minimum",
        "first_known",
        "subtract_from",
    }
    found = []
    for row in complete(crosswalk).itertuples():
        if (
            row.fit == "absent"
            or row.transform not in numeric
            or definitions.at[row.construct, "dtype"] != "float"
        ):
            continue
        for name in filter(None, (part.strip() for part in row.source.split(";"))):
            column = raw[name]
            if pd.api.types.is_numeric_dtype(column):
                continue
            lost = column.notna() & number(column).isna()
            problem = "text where a number is expected" if lost.any() else "numbers stored as text"
            found.append(
                {
                    "construct": row.construct,
                    "source": name,
                    "found": str(column.dtype),
                    "problem": problem,
                    "n": int(lost.sum()) if lost.any() else int(column.notna().sum()),
                }
            )
    return pd.DataFrame(found, columns=["construct", "source", "found", "problem", "n"])


def report(raw: pd.DataFrame, crosswalk: pd.DataFrame, made: Crosswalked) -> pd.DataFrame:
    """Return the findings in one table of counts: check, findings, rows, detail. No value of a customer is in it."""
    customers, lost, outside = made.customers, made.lost, made.outside
    gaps, twins, faults, types = (
        missing(customers),
        duplicates(customers),
        impossible(customers),
        dtypes(raw, crosswalk),
    )
    broken = faults[faults["n"] > 0]
    worst = gaps.iloc[0]
    return pd.DataFrame(
        [
            {
                "check": "missing values",
                "findings": int((gaps["n_missing"] > 0).sum()),
                "rows": int(customers.isna().any(axis=1).sum()),
                "detail": f"most in {worst['construct']} ({worst['share']:.1%})"
                if worst["n_missing"]
                else "none",
            },
            {
                "check": "customers alike in every construct",
                "findings": len(twins),
                "rows": int(twins["size"].sum()) if len(twins) else 0,
                "detail": "kept: identical rows can be different people" if len(twins) else "none",
            },
            {
                "check": "impossible or unusual values",
                "findings": len(broken),
                "rows": int(broken["n"].sum()),
                "detail": "; ".join(f"{row.rule}: {row.n}" for row in broken.head(3).itertuples()) or "none",
            },
            {
                "check": "source values that were lost",
                "findings": len(lost),
                "rows": int(lost["n"].sum()),
                "detail": "; ".join(
                    f"{row.construct}: {row.n} of column {row.source} ({row.share:.1%})"
                    for row in lost.itertuples()
                )
                or "none",
            },
            {
                "check": "values out of range, treated as the crosswalk says",
                "findings": len(outside),
                "rows": int(outside["n"].sum()),
                "detail": "; ".join(
                    f"{row.construct} {row.allowed}: {row.n} ({WORDS.get(row.treated, row.treated)})"
                    for row in outside.itertuples()
                )
                or "none",
            },
            {
                "check": "rows of totals, left out",
                "findings": int(made.left_out > 0),
                "rows": made.left_out,
                "detail": "no customers" if made.left_out else "none",
            },
            {
                "check": "source columns of the wrong kind",
                "findings": len(types),
                "rows": int(types["n"].sum()) if len(types) else 0,
                "detail": "; ".join(f"{row.source}: {row.problem}" for row in types.head(3).itertuples())
                or "none",
            },
        ]
    )
