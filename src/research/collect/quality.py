"""Data quality as tidy frames: missing, duplicates, impossible values, distributions, types, what did not map."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.collect.constructs import constructs
from research.collect.crosswalk import Crosswalked, sources
from research.collect.transforms import number
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

QUALITY_RULES_FILE = DEFINITIONS / "quality_rules.csv"
WORDS = {"missing": "set to missing", "clip": "set to the bound", "keep": "kept", "nothing": "refused"}
SCALES = {"at_most": np.less_equal, "over": np.greater, "at_least": np.greater_equal}
CENT = 0.01  # sums of payments are rounded in the sources
AS_THEY_ARE = (
    "identity", "multiply", "sum", "difference", "ratio", "mean", "minimum", "first_known", "subtract_from",
)  # fmt: skip


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
    return pd.DataFrame({"size": np.bincount(group), "customers": named.to_numpy()})


def impossible(customers: pd.DataFrame) -> pd.DataFrame:
    """Check ranges and logical rules.

    Returns one row per check that the table's constructs allow: kind (range, logic), rule, n (rows that break it),
    share (of all rows), checked (rows in which everything that the rule names is known), first_customer, first_value,
    why. Missing values break no rule. Two amounts of money may differ by a cent, anything else by nothing.
    """
    rules, definitions = [], constructs()
    for name in customers.select_dtypes("float64").columns:
        for sign, test, bound in (("≥", "at_least", "minimum"), ("≤", "at_most", "maximum")):
            if pd.notna(end := definitions.at[name, bound]):
                rules.append(("range", f"{name} {sign} {end:g}", name, test, end, 0.0, "outside its range"))
    for row in own_csv(QUALITY_RULES_FILE).itertuples():
        constant = pd.to_numeric(row.right, errors="coerce")
        if row.left in customers and (row.right in customers or pd.notna(constant)):
            money = row.test == "at_most" and definitions.at[row.left, "unit"].startswith("currency")
            right = customers[row.right] if pd.isna(constant) else constant
            told = f"{row.left} {row.test.replace('_', ' ')} {row.right}"
            rules.append(("logic", told, row.left, row.test, right, CENT * money, row.why))
    found = []
    for kind, told, name, test, right, slack, why in rules:
        left = customers[name]
        known = left.notna() & pd.notna(right)
        wrong = known & ~SCALES[test](left, right + slack)
        first = wrong.idxmax() if wrong.any() else None
        value = np.nan if first is None else left[first]
        found.append((kind, told, int(wrong.sum()), float(wrong.mean()), int(known.sum()), first, value, why))
    columns = ["kind", "rule", "n", "share", "checked", "first_customer", "first_value", "why"]
    table = pd.DataFrame(found, columns=columns)
    return table.sort_values("n", ascending=False, kind="stable", ignore_index=True)


def distributions(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per numeric construct.

    Columns: construct, unit, n, mean, sd, minimum, q05, q25, median, q75, q95, maximum, zeros (share), distinct, skew.
    """
    rows, units = [], constructs()["unit"]
    for name in customers.select_dtypes("float64").columns:
        values = customers[name].dropna()
        places = values.quantile([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
        zeros, skew = (values == 0).mean(), values.skew()
        about = (name, units[name], len(values), values.mean(), values.std())
        rows.append((*about, *places, zeros, values.nunique(), skew))
    columns = [
        "construct",
        "unit",
        "n",
        "mean",
        "sd",
        "minimum",
        "q05",
        "q25",
        "median",
        "q75",
        "q95",
        "maximum",
    ]
    return pd.DataFrame(rows, columns=[*columns, "zeros", "distinct", "skew"])


def levels(customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per class of every categorical construct: construct, level, n, share (missing is a level)."""
    found = []
    for name in customers.select_dtypes("category").columns:
        counts = customers[name].astype(object).where(customers[name].notna(), "missing").value_counts()
        found += [(name, level, n, n / len(customers)) for level, n in counts.items()]
    return pd.DataFrame(found, columns=["construct", "level", "n", "share"])


def dtypes(raw: pd.DataFrame, crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return source columns whose kind does not suit their construct.

    Columns: construct, source, found (dtype), problem, n (values concerned). Only columns a numeric construct reads
    as they are (`AS_THEY_ARE`) are looked at: text in them is coerced or lost.
    """
    definitions, found = constructs(), []
    read = crosswalk[(crosswalk["fit"] != "absent") & crosswalk["transform"].isin(AS_THEY_ARE)]
    for row in read[read["construct"].map(definitions["dtype"]) == "float"].itertuples():
        for name in sources(row.source):
            column = raw[name]
            if not pd.api.types.is_numeric_dtype(column):
                known = column.notna()
                lost = int((known & number(column).isna()).sum())
                problem = "text where a number is expected" if lost else "numbers stored as text"
                found.append((row.construct, name, str(column.dtype), problem, lost or int(known.sum())))
    return pd.DataFrame(found, columns=["construct", "source", "found", "problem", "n"])


def report(raw: pd.DataFrame, crosswalk: pd.DataFrame, made: Crosswalked) -> pd.DataFrame:
    """Return the findings in one table of counts: check, findings, rows, detail. No value of a customer is in it."""
    customers, gaps, twins = made.customers, missing(made.customers), duplicates(made.customers)
    faults, types = impossible(customers), dtypes(raw, crosswalk)
    broken, worst = faults[faults["n"] > 0], gaps.iloc[0]
    empty = [f"most in {worst['construct']} ({worst['share']:.1%})"] if worst["n_missing"] else []
    alike = ["kept: identical rows can be different people"] if len(twins) else []
    unlikely = [f"{row.rule}: {row.n}" for row in broken.head(3).itertuples()]
    lost = [
        f"{row.construct}: {row.n} of column {row.source} ({row.share:.1%})" for row in made.lost.itertuples()
    ]
    outside = [
        f"{row.construct} {row.allowed}: {row.n} ({WORDS[row.treated]})" for row in made.outside.itertuples()
    ]
    left_out, odd = made.left_out, [f"{row.source}: {row.problem}" for row in types.head(3).itertuples()]
    rows = [
        ("missing values", (gaps["n_missing"] > 0).sum(), customers.isna().any(axis=1).sum(), empty),
        ("customers alike in every construct", len(twins), twins["size"].sum(), alike),
        ("impossible or unusual values", len(broken), broken["n"].sum(), unlikely),
        ("source values that were lost", len(lost), made.lost["n"].sum(), lost),
        (
            "values out of range, treated as the crosswalk says",
            len(outside),
            made.outside["n"].sum(),
            outside,
        ),
        ("rows of totals, left out", left_out > 0, left_out, ["no customers"] if left_out else []),
        ("source columns of the wrong kind", len(types), types["n"].sum(), odd),
    ]
    return pd.DataFrame(
        [(check, int(findings), int(n), "; ".join(told) or "none") for check, findings, n, told in rows],
        columns=["check", "findings", "rows", "detail"],
    )
