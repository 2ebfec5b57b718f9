"""Your own loan book: is the file sound, what does it measure, and what can the study answer with it?"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from research.collect import quality
from research.collect.constructs import constructs, predictors
from research.collect.crosswalk import apply, complete, crosswalk_file, read_crosswalk
from research.collect.identifiers import identifiers, rare_combinations, refuse_identifiers
from research.collect.outcome import of_crosswalk, placed
from research.collect.tables import read_table
from research.collect.transforms import text
from research.paths import DEFINITIONS

__all__ = ["auc", "blocking", "check", "leakage_suspects", "refuse_identifiers", "unit_problems"]

LEAKAGE_PATTERNS_FILE = DEFINITIONS / "leakage_patterns.csv"
NEAR_PERFECT = 0.95
FEWEST_BAD = 10


@cache
def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def auc(values: pd.Series, outcome: pd.Series) -> float:
    """Return how well one column alone separates the outcome: max(AUC, 1 − AUC), 0.5 = not at all.

    Numbers by rank (Mann–Whitney); classes by their outcome rate; a missing value is a class or the lowest rank.
    """
    known = outcome.notna()
    bad = outcome[known].to_numpy() == 1
    column = values[known]
    if not pd.api.types.is_numeric_dtype(column):
        labels = text(column).fillna("missing")
        column = labels.map(outcome[known].groupby(labels.to_numpy()).mean())
    ranks = column.astype("float64").fillna(-np.inf).rank().to_numpy()
    good_n, bad_n = int((~bad).sum()), int(bad.sum())
    if not good_n or not bad_n:
        return float("nan")
    area = (ranks[bad].sum() - bad_n * (bad_n + 1) / 2) / (good_n * bad_n)
    return float(max(area, 1 - area))


def leakage_suspects(raw: pd.DataFrame, crosswalk: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Find predictors whose source is probably known only after the loan was made.

    Returns: construct, column, evidence. By the name of the column (leakage_patterns.csv) or because it alone nearly
    decides the outcome (AUC ≥ 0.95 with at least ten bad loans).
    """
    rows = complete(crosswalk)
    rows = rows[rows["construct"].isin(predictors(customers))]
    outcome = customers.get("default")
    found = []
    for row in rows.itertuples():
        for column in filter(None, (part.strip() for part in row.source.split(";"))):
            for pattern in _read(LEAKAGE_PATTERNS_FILE).itertuples():
                if re.search(pattern.pattern, column.lower()):
                    found.append((row.construct, column, f"its name: {pattern.why}"))
                    break
        if outcome is not None and outcome.sum() >= FEWEST_BAD:
            area = auc(customers[row.construct], outcome)
            if area >= NEAR_PERFECT:
                found.append((row.construct, row.source, f"it alone separates the outcome (AUC {area:.3f})"))
    return pd.DataFrame(found, columns=["construct", "column", "evidence"])


def unit_problems(customers: pd.DataFrame) -> pd.DataFrame:
    """Find constructs whose values do not look like their unit.

    Returns: construct, unit, median, problem. Rules of thumb: a share whose median exceeds 1 is probably a percentage;
    terms that never exceed 40 are probably years; a yearly income below a monthly instalment is probably monthly.
    """
    definitions = constructs()
    found = []
    for name in customers.select_dtypes("float64").columns:
        values = customers[name].dropna()
        if values.empty:
            continue
        unit, median = definitions.at[name, "unit"], float(values.median())
        if unit.startswith("share") and median > 1:
            found.append((name, unit, median, "looks like a percentage: multiply by 0.01"))
        if name == "term_months" and values.max() <= 40 and (values % 6 != 0).mean() > 0.5:
            found.append((name, unit, median, "looks like years: multiply by 12"))
        if name == "income" and "instalment" in customers:
            low = customers["instalment"] * 12 > customers["income"]
            if low.mean() > 0.5:
                found.append((name, unit, median, "below twelve instalments for most: is it monthly?"))
        if name == "default" and values.nunique() == 1:
            found.append((name, unit, median, "has one value only: nothing can be learned from it"))
    return pd.DataFrame(found, columns=["construct", "unit", "median", "problem"])


def check(path: str | Path, crosswalk: str | Path) -> dict[str, pd.DataFrame]:
    """Look a loan book over without refusing it.

    Returns tidy frames: `summary` (measure, value), `identifiers`, `rare` (who stands out), `impossible` (only what was
    found), `units`, `unmapped`, `types`, `leakage`, `coverage` (construct, fit, source, reason).
    Raises UserError when the file or the crosswalk cannot be read at all.
    """
    raw, table = read_table(path), read_crosswalk(crosswalk)
    result = apply(raw, table, label=Path(path).name, check=False)
    customers = placed(result.customers, of_crosswalk(crosswalk_file(crosswalk)))
    outcome = customers.get("default", pd.Series(dtype="float64"))
    impossible = quality.impossible(customers)
    return {
        "summary": pd.DataFrame(
            [
                ("rows", len(customers)),
                ("source columns", raw.shape[1]),
                ("constructs measured", customers.shape[1]),
                ("repeated customer numbers", int(customers.index.duplicated().sum())),
                ("rows with a known outcome", int(outcome.notna().sum())),
                ("bad", int(outcome.sum())),
            ],
            columns=["measure", "value"],
        ),
        "identifiers": identifiers(raw),
        "rare": rare_combinations(customers),
        "impossible": impossible[impossible["n"] > 0].reset_index(drop=True),
        "units": unit_problems(customers),
        "unmapped": result.unmapped,
        "types": quality.dtypes(raw, table),
        "leakage": leakage_suspects(raw, table, customers),
        "coverage": complete(table)[["construct", "fit", "source", "transform", "reason"]],
    }


def blocking(found: dict[str, pd.DataFrame]) -> list[str]:
    """Return what must be mended before a study can run on a checked file, in words; empty when nothing."""
    faults = []
    summary = found["summary"].set_index("measure")["value"]
    if summary["repeated customer numbers"]:
        faults.append(f"{summary['repeated customer numbers']} repeated customer numbers")
    out_of_range = found["impossible"].query("kind == 'range'")
    if len(out_of_range):
        worst = out_of_range.iloc[0]
        faults.append(f"{worst['n']} values break {worst['rule']}")
    used = {
        part.strip()
        for source in found["coverage"].loc[found["coverage"]["fit"] != "absent", "source"]
        for part in source.split(";")
    }
    read = [name for name in found["identifiers"]["column"] if name in used]
    if read:
        faults.append(f"the crosswalk reads the direct identifier '{read[0]}'")
    return faults
