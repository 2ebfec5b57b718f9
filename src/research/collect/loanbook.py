"""Your own loan book: is the file sound, what does it measure, and what can the study answer with it?"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from research.collect import levels, quality
from research.collect.book_checks import bound
from research.collect.constructs import constructs, names, predictors, sorted_by
from research.collect.crosswalk import (
    apply,
    complete,
    crosswalk_file,
    losses_in_words,
    read_crosswalk,
    sources,
)
from research.collect.headings import words
from research.collect.identifiers import FEW, identifiers, rare_combinations, refuse
from research.collect.outcome import of_crosswalk, placed
from research.collect.tables import read_table
from research.collect.transforms import looks_like_days, text
from research.errors import UserError
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

LEAKAGE_PATTERNS_FILE = DEFINITIONS / "leakage_patterns.csv"
GRADES = ("suspect", "strong suspect")
REPEATED = "repeated customer numbers"
DAY = 12 / 365.25  # months


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


def _common(values: pd.Series) -> pd.Series:
    """Classes with rare ones taken together: many classes of a few rows separate any outcome by chance."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    labels = text(values)
    counts = labels.map(labels.value_counts())
    return labels.mask(counts < bound("least_blank"), "(rare classes)")


def leakage_suspects(raw: pd.DataFrame, crosswalk: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Find predictors whose source is probably known only after the loan was made.

    By the name of the column (leakage_patterns.csv) or because it alone separates the outcome (AUC, the bounds of
    book_checks.csv, with enough bad loans). Strong is a very high AUC, or a name and a high AUC.

    Returns: construct, column, grade (suspect, strong suspect), evidence; the strong ones first.
    """
    outcome, found = customers.get("default"), []
    for row in crosswalk[crosswalk["construct"].isin(predictors(customers))].itertuples():
        named = {column: why for column in sources(row.source) if (why := _known_later(column))}
        area = float("nan")
        if outcome is not None and outcome.sum() >= bound("least_bad"):
            area = auc(_common(customers[row.construct]), outcome)
        high, very_high = area >= bound("suspect_auc"), area >= bound("strong_suspect_auc")
        if named or high:
            evidence = [f"the name of column '{column}': {why}" for column, why in named.items()]
            evidence += [f"it alone separates the outcome (AUC {area:.3f})"] if high else []
            grade = GRADES[very_high or bool(named and high)]
            found.append((row.construct, next(iter(named), row.source), grade, "; ".join(evidence)))
    place = {name: order for order, name in enumerate(constructs().index)}
    found.sort(key=lambda one: (one[2] != GRADES[1], place[one[0]]))
    return pd.DataFrame(found, columns=["construct", "column", "grade", "evidence"])


def _known_later(column: str) -> str:
    """Return why the name of a column says that it is known only after the loan, empty when it does not."""
    plain = re.sub(r"[\s_\-.]+", " ", column).lower() + "\n" + words(column)
    patterns = own_csv(LEAKAGE_PATTERNS_FILE).itertuples()
    return next((row.why for row in patterns if re.search(row.pattern, plain)), "")


def telling_blanks(customers: pd.DataFrame) -> pd.DataFrame:
    """Find constructs whose blanks predict the outcome: a blank is then an answer, or was made after the outcome.

    Returns: construct, blank (customers without a value whose outcome is known), bad_blank, rate_blank, known,
    bad_known, rate_known, p_value (Fisher's exact test times the number of constructs compared), the strongest first.
    """
    outcome = customers.get("default")
    columns = ["construct", "blank", "bad_blank", "rate_blank", "known", "bad_known", "rate_known", "p_value"]
    if outcome is None:
        return pd.DataFrame(columns=columns)
    from scipy.stats import fisher_exact

    judged = customers[outcome.notna()]
    bad, rows = judged["default"] == 1, []
    for name in [*predictors(customers), *(name for name in names("protected") if name in customers)]:
        blank = judged[name].isna()
        if min(blank.sum(), (~blank).sum()) < bound("least_blank"):
            continue
        (hits, total), (other, rest) = (
            (int((bad & part).sum()), int(part.sum())) for part in (blank, ~blank)
        )
        test = fisher_exact([[hits, total - hits], [other, rest - other]])
        rows.append((name, total, hits, hits / total, rest, other, other / rest, float(test.pvalue)))
    found = pd.DataFrame(rows, columns=columns)
    found["p_value"] = (found["p_value"] * len(found)).clip(upper=1.0)
    rates = found[["rate_blank", "rate_known"]]
    low, high = rates.min(axis=1), rates.max(axis=1)
    telling = (high >= bound("blank_ratio") * low) & (found["p_value"] <= bound("blank_p_value"))
    return found[telling].sort_values("p_value", kind="stable").reset_index(drop=True)


def unit_problems(customers: pd.DataFrame) -> pd.DataFrame:
    """Find constructs whose values do not look like their unit.

    Returns: construct, unit, median, problem. Rules of thumb: a share whose median exceeds 1 is probably a percentage;
    a yearly income below a monthly instalment is probably monthly; for terms see `_term_problem`.
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
        if name == "term_months" and (problem := _term_problem(values)):
            found.append((name, unit, median, problem))
        if name == "income" and "instalment" in customers:
            low = customers["instalment"] * 12 > customers["income"]
            if low.mean() > 0.5:
                found.append((name, unit, median, "below twelve instalments for most: is it monthly?"))
        if name == "default" and values.nunique() == 1:
            found.append((name, unit, median, "has one value only: nothing can be learned from it"))
    return pd.DataFrame(found, columns=["construct", "unit", "median", "problem"])


def _term_problem(terms: pd.Series) -> str:
    """Say what terms in months may be instead; empty when they look like months.

    Months of contracts are mostly multiples of 6, years are small whole or half numbers. Terms beyond twenty years for
    most, or mostly multiples of 30 days, are days. Most terms of a month or less are days that were divided already, or
    months that were taken for days.
    """
    median = float(terms.median())
    if median <= 1.5:
        return (
            f"half are of {median * 30.4375:.0f} days or less: right for loans of days; if the column counts months, "
            "take the factor out; if it counts years, multiply by 12"
        )
    if looks_like_days(terms):
        return f"looks like days: multiply by {DAY:.8g} (12 / 365.25)"
    if terms.max() <= 40 and (terms % 0.5 == 0).all() and (terms % 6 != 0).mean() > 0.5:
        return "looks like years: multiply by 12"
    return ""


def unknown_classes(customers: pd.DataFrame) -> pd.DataFrame:
    """Find classes in words that no standard knows, so that it sorts their customers as other.

    Returns: construct, customers, share (of those with a class), examples (at most three that reports may show), and
    expected (the words that are known).
    """
    found = []
    for name, known in sorted_by().items():
        counts = customers[name].value_counts() if name in customers else pd.Series(dtype=int)
        other = counts[(counts > 0) & ~counts.index.astype(str).isin(known)]
        if len(other):
            kept = set(levels.pooled(customers[[name]], FEW)[name].cat.categories)
            shown, share = (
                [str(level) for level in other.index if level in kept][:3],
                other.sum() / counts.sum(),
            )
            found.append((name, int(other.sum()), f"{share:.1%}", "; ".join(shown), "; ".join(known)))
    return pd.DataFrame(found, columns=["construct", "customers", "share", "examples", "expected"])


def check(path: str | Path, crosswalk: str | Path) -> dict[str, pd.DataFrame]:
    """Look a loan book over without refusing it.

    Returns `customers` (the canonical table) and tidy frames: `summary` (measure, value), `identifiers`, `rare` (who
    stands out), `levels` (that reports pool or mask), `classes` (that no standard knows), `impossible` (only what was
    found), `outside` (values out of range and how they are treated), `units`, `lost` (source values that gave nothing),
    `read` (how columns write their numbers), `types`, `leakage`, `blanks`, `coverage` (construct, fit, source, reason).
    Raises UserError when the file or the crosswalk cannot be read at all.
    """
    raw, table = read_table(path), read_crosswalk(crosswalk)
    result = apply(raw, table, label=Path(path).name, check=False)
    customers = placed(result.customers, of_crosswalk(crosswalk_file(crosswalk)))
    outcome = customers.get("default", pd.Series(dtype="float64"))
    impossible = quality.impossible(customers)
    summary = {
        "rows": len(customers),
        "rows of totals, left out": result.left_out,
        "source columns": raw.shape[1],
        "constructs measured": customers.shape[1],
        REPEATED: int(customers.index.duplicated().sum()),
        "rows with a known outcome": int(outcome.notna().sum()),
        "bad": int(outcome.sum()),
    }
    return {
        "customers": customers,
        "summary": pd.DataFrame(summary.items(), columns=["measure", "value"]),
        "identifiers": identifiers(raw),
        "rare": rare_combinations(customers),
        "levels": levels.told(customers, FEW),
        "classes": unknown_classes(customers),
        "impossible": impossible[impossible["n"] > 0].reset_index(drop=True),
        "outside": result.outside,
        "units": unit_problems(customers),
        "lost": result.lost,
        "read": result.read,
        "types": quality.dtypes(raw, table),
        "leakage": leakage_suspects(raw, table, customers),
        "blanks": telling_blanks(customers),
        "coverage": complete(table)[["construct", "fit", "source", "transform", "reason"]],
    }


def blocking(found: dict[str, pd.DataFrame]) -> list[str]:
    """Return what must be mended before a study can run on a checked file, in words; empty when nothing."""
    repeated = found["summary"].set_index("measure").at[REPEATED, "value"]
    faults = [f"{repeated} repeated customer number{'s' if repeated > 1 else ''}"] if repeated else []
    refused = found["outside"].query("treated == 'nothing'").sort_values("n", ascending=False)
    if len(refused):
        told = "; ".join(f"{row.construct} {row.allowed}: {row.n:,}" for row in refused.itertuples())
        faults.append(
            f"values out of range ({told}); mend them, or write missing, clip or keep into the column out_of_range of "
            "the crosswalk"
        )
    faults += losses_in_words(found["lost"])
    try:
        refuse(found["identifiers"], found["coverage"], "the crosswalk")
    except UserError as error:
        faults.append(str(error))
    return faults
