"""The study's counts of customers, protected together where the loan book is not public.

Every table of counts says what it counts (`research.suppression.Counts`); the customers, with all that tables
sort them by, tie the tables to each other: a model's own rule and the tiers made of it, the levels of a
construct and the classes made of them, the categories of loan quality within tiers, missing values within
tiers. A page takes its tables from `published`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect.publication import smallest_count
from research.manage import loan_quality as quality_rules
from research.parameters import Study
from research.segment.base import StratificationModel
from research.steps import step
from research.study.collect import (
    about,
    classification,
    classification_summary,
    classification_tests,
    quality,
)
from research.study.customers import customers
from research.study.manage import loan_classes, loan_quality
from research.study.models import model, not_testable
from research.study.segment import MATCHED, tier_panels, tier_profile, tier_rates
from research.suppression import PROTECTED, WITHHELD, Counts, emptied, protect

KNOWN, BAD = {"outcome": ("bad", "good")}, {"outcome": ("bad",)}
# what a rate is called, and what is made of it
RATE = ("rate", "pd", "outcome_rate", "ci_low", "ci_high", "risk")
QUARTILES = ("q25", "median", "q75")
DESCRIBED = ("mean", "sd", "minimum", "q05", *QUARTILES, "q95", "maximum", "zeros", "distinct", "skew")
RULE = {"rfm": "tier", "abc": "rule", "tree": "leaf"}  # the column that names a rule of a model
MISSING = "missing"


def published(study: Study, name: str) -> pd.DataFrame:
    """Return a table of counts of the study's customers as it may be shown; what is withheld is missing.

    Args:
        study: the plan.
        name: "levels", "classes", "class_tests", "missing", "distributions", "checks", "impossible"; of a
            model, such as "rfm_tiers": tiers, rules, profile, crosswalk and contradictions;
            "rfm_segments", "abc_indicators".
    """
    if smallest_count(study, "loans") > 1:
        table = protected_counts(study)[name].copy()
        table.attrs[PROTECTED] = True
        return table
    return tables(study)[name]().frame


def statuses(study: Study) -> pd.DataFrame:
    """Return the statuses behind the outcome, as they may be shown.

    Returns:
        `status`, `n`, `share`, and for each reading of the outcome that the data set defines, its own first, a column
        under the reading's name: 1 counted as bad, 0 as good, missing left out. No rows where no status is recorded.
    """
    table = published(study, "levels").query("construct == 'loan_status'").rename(columns={"level": "status"})
    named = {} if datasets.is_path(study.dataset) else datasets.definition(study.dataset)
    readings = named.get("outcome_variants", {})
    for name, counted in readings.items():
        table[name.replace("_", " ")] = table["status"].map(counted).astype(float)
    order = list(next(iter(readings.values()), []))
    table = table.drop(columns="construct")
    return table.sort_values("status", key=lambda names: names.map(order.index)) if order else table


def counts_known(study: Study) -> frozenset[float]:
    """Return the counts of customers that stand in every report: all of them, and those with a known outcome."""
    facts = about(study)
    return frozenset({float(facts["rows"]), float(facts["known"])})


@step(customers, quality, classification_summary, classification_tests, model, tier_rates, loan_classes,
      loan_quality, "models", "small_cell", "compare_datasets", "fieldwork")  # fmt: skip
def protected_counts(study: Study) -> dict[str, pd.DataFrame]:
    """Return every table of counts of the study's customers, none of which gives away what another withholds."""
    least, size = smallest_count(study, "loans"), len(customers(study))
    found = {name: make() for name, make in tables(study).items()}
    done = protect(found, people(study), least)
    table = customers(study)
    for name in ("distributions", "abc_indicators"):
        if name in done:
            done[name] = without_single(done[name], table, least)
    for name, within in (("levels", ["construct"]), ("missing", []), ("impossible", [])):
        done[name] = withheld_last(done[name], within)
    done["classes"] = done["classes"].astype({"measured": bool})
    done["class_tests"] = tests_without(done["class_tests"], done["classes"])
    few = done["impossible"]["n"].between(1, least - 1) | (size - done["impossible"]["n"]).between(
        1, least - 1
    )
    apart = done["impossible"]["checked"] < size  # whose value is missing is counted elsewhere
    places = [(int(row), column) for row in np.flatnonzero(few) for column in ("n", "share")]
    done["impossible"] = emptied(
        done["impossible"], [*places, *((int(row), "checked") for row in np.flatnonzero(apart))]
    )
    rows = done["checks"]["rows"]
    small = rows.between(1, least - 1) | (size - rows).between(1, least - 1)
    summed = (done["checks"]["check"] == "impossible or unusual values") & few.any()
    done["checks"] = emptied(done["checks"], [(int(row), "rows") for row in np.flatnonzero(small | summed)])
    return done


def tables(study: Study) -> dict[str, Callable[[], Counts]]:
    """Return name → what makes the table of counts with what its numbers count."""
    made: dict[str, Callable[[], Counts]] = {
        "book": lambda: Counts(
            pd.DataFrame([{name: about(study)[name] for name in ("rows", "known", "bad")}]),
            counts={"rows": {}, "known": KNOWN, "bad": BAD},
            fixed=True,
        ),
        "levels": lambda: Counts(
            quality(study)["levels"].reset_index(drop=True), {"level": "{construct}"}, tells={"n": ("share",)}
        ),
        "classes": lambda: Counts(
            classification_summary(study).query("measured").reset_index(drop=True),
            {"class": "{standard}"},
            {"n": {}, "known": KNOWN, "bad": BAD},
            {"n": ("share", "amount", "amount_share"), "known": RATE, "bad": RATE},
        ),
        "class_tests": lambda: Counts(classification_tests(study), counts={}),
        "missing": lambda: Counts(
            quality(study)["missing"].reset_index(drop=True),
            counts={"n_missing": {"{construct}": (MISSING,)}},
            tells={"n_missing": ("share",)},
        ),
        "distributions": lambda: Counts(
            quality(study)["distributions"].reset_index(drop=True),
            counts={"n": {"{construct}": ("known",)}},
            describes={"n": DESCRIBED},
        ),
        "checks": lambda: Counts(quality(study)["summary"], counts={}),
        "impossible": lambda: Counts(quality(study)["impossible"].reset_index(drop=True), counts={}),
    }
    for name in testable(study):
        made |= of_model(study, name)
    return made


def of_model(study: Study, name: str) -> dict[str, Callable[[], Counts]]:
    """Return the tables of one model."""
    rates, money = {"n": {}, "known": KNOWN, "bad": BAD}, ("mean_worth", "worth_share")
    rules = {"n": {}, "known": KNOWN, "bads": BAD}
    told = {"known": RATE, "bad": RATE, "bads": RATE}
    made: dict[str, Callable[[], Counts]] = {
        f"{name}_tiers": lambda: Counts(
            tier_rates(study, name), {"tier": f"{name} {{panel}}"}, rates, told | {"n": ("share", *money)}
        ),
        # how large they are follows from the study's tier shares, which are no secret
        f"{name}_sizes": lambda: Counts(
            tier_rates(study, name).query("panel == @MATCHED and n >= @study.small_cell")[["tier", "n"]],
            {"tier": f"{name} {MATCHED}"},
            fixed=True,
        ),
        f"{name}_rules": lambda: Counts(
            model(study, name).rules(), {RULE[name]: f"{name} rule"}, rules, told
        ),
        f"{name}_profile": lambda: Counts(
            tier_profile(study, name),
            {"tier": f"{name} {MATCHED}"},
            {"n": {"{construct}": ("known",)}},
            describes={"n": QUARTILES},
        ),
    }
    if name == "rfm":
        made["rfm_segments"] = lambda: Counts(
            model(study, name).segment_table(), {"segment": "rfm segment"}, rules, told
        )
    if name == "abc":
        made["abc_indicators"] = lambda: Counts(
            model(study, name).indicators(),
            counts={"n_missing": {"{indicator}": (MISSING,)}},
            tells={"n_missing": ("missing_share",)},
        )
    if "reason" not in loan_quality(study, name):
        by = {scheme: scheme for scheme in quality_rules.policy().schemes}
        by = {"tier": f"{name} {MATCHED}", **by}
        made[f"{name}_crosswalk"] = lambda: Counts(
            loan_quality(study, name)["crosswalk"], by, tells={"n": ("share_of_tier",)}
        )
        made[f"{name}_contradictions"] = lambda: Counts(
            quality_rules.labelled(
                quality_rules.contradiction_summary(loan_quality(study, name)["contradictions"]),
                quality_rules.policy(),
            ).replace("nan", "unclassified"),
            by,
            {"customers": {}},
        )
    return made


def testable(study: Study) -> list[str]:
    """Return the study's models that can be used on its data."""
    return [name for name in study.models if not not_testable(study, name)]


def people(study: Study) -> pd.DataFrame:
    """Return the customers by all that tables of counts sort them by, as classes; index of the customer table."""
    index = customers(
        study
    ).index  # each as classes at once: a million customers by a hundred texts are gigabytes
    return pd.DataFrame({name: values.astype("category") for name, values in _sorted_by(study)}, index=index)


def _sorted_by(study: Study) -> Iterator[tuple[str, pd.Series]]:
    table = customers(study)
    for name, values in table.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            yield name, values.astype(object).where(values.notna(), MISSING)
        else:
            yield name, pd.Series(np.where(values.notna(), "known", MISSING), index=table.index)
    outcome = table.get("default", pd.Series(np.nan, index=table.index))
    of_outcome = np.select([outcome == 1, outcome == 0], ["bad", "good"], "unknown")
    yield "outcome", pd.Series(of_outcome, index=table.index)
    for standard, classes in classification(study).items():
        yield standard, classes.astype(object).where(classes.notna(), "not recorded")
    for name in testable(study):
        for panel, tiers in tier_panels(study, name).items():
            yield f"{name} {panel}", tiers
        yield from memberships(name, model(study, name), table).items()
        known = loan_classes(study)
        if "reason" not in known:
            classed = quality_rules.labelled(known["classified"], quality_rules.policy())
            for scheme in quality_rules.policy().schemes:
                yield scheme, classed[scheme].where(classed[scheme].notna(), "unclassified")


def memberships(name: str, fitted: StratificationModel, table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return under which rule of a fitted model, and in which of its groups, each customer is."""
    assessed = fitted.assess(table)
    if name == "tree":
        return {"tree rule": assessed["leaf"].astype(int)}
    if name == "abc":
        return {"abc rule": pd.Series(fitted.rules()["rule"].to_numpy()[fitted.cells(table)], table.index)}
    return {
        "rfm rule": assessed["native_tier"],
        "rfm segment": pd.Series(fitted.segments(table), table.index),
    }


def withheld_last(frame: pd.DataFrame, within: list[str]) -> pd.DataFrame:
    """Return a table in an order that tells nothing of withheld counts: largest first was a bound on them.

    Args:
        frame: a protected table, ordered by its counts.
        within: the columns by whose values it is ordered before.
    """
    gone = pd.Series(
        frame.index.isin({row for rows in frame.attrs.get(WITHHELD, {}).values() for row in rows})
    )
    names = frame.select_dtypes(exclude="number").columns.difference(within, sort=False)
    keys = pd.Series(["\0".join(map(str, row)) for row in frame[list(names)].itertuples(index=False)]).where(
        gone, ""
    )
    groups = {name: pd.Series(pd.factorize(frame[name])[0]) for name in within}
    order = pd.DataFrame({**groups, "gone": gone, "key": keys}).sort_values(
        [*within, "gone", "key"], kind="stable"
    )
    return frame.iloc[order.index]


def without_single(frame: pd.DataFrame, table: pd.DataFrame, least: int) -> pd.DataFrame:
    """Leave out what a mean or a spread tells of a few customers: those who alone differ from the value of all others.

    Args:
        frame: `construct` or `indicator`, `mean`, `sd`, … one row each; `lower` and `upper` are the bounds of
            an indicator.
        table: the customers.
        least: the smallest count that may be shown.
    """
    cells = []
    for row, entry in enumerate(frame.to_dict("records")):
        values = table[entry.get("construct", entry.get("indicator"))].dropna()
        if "upper" in entry:
            values = values.clip(entry["lower"], entry["upper"])
        sizes = values.value_counts()
        if not len(sizes) or sizes.sum() < least or 0 < sizes.sum() - sizes.iloc[0] < least:
            cells += [(row, column) for column in (*DESCRIBED, "lower", "upper")]
    return emptied(frame, cells)


def tests_without(tests: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Leave out the tests of standards that have a class withheld, from which its outcomes could be computed.

    Their rows come last, because the place in an order of strength is a bound on the strength.

    Args:
        tests: `standard`, `statistic`, `p_value`, `p_holm`, `effect`, … strongest first.
        classes: `standard` and the counts of classes, missing where they are withheld.
    """
    told = ["n", "known", "bad"]
    hidden = set(classes.loc[classes[told].isna().any(axis=1), "standard"])
    table = tests.sort_values(
        "standard", key=lambda names: names.isin(hidden), kind="stable", ignore_index=True
    )
    gone = table["standard"].isin(hidden)
    # Holm's adjustment hands a value on to larger p-values, where it tells the p-value that it was made from
    first = table[gone].groupby("p_holm")["p_value"].min()
    handed_on = ~gone & (table["p_holm"] < 1) & (table["p_value"] > table["p_holm"].map(first))
    columns = ["statistic", "p_value", "p_holm", "effect", "smallest_expected"]
    cells = [(row, column) for row in gone.index[gone] for column in columns]
    made = emptied(table, [*cells, *((row, "p_holm") for row in handed_on.index[handed_on])])
    made.loc[made["p_holm"].isna(), "result"] = "withheld"
    return made
