"""P1: the data and how it is classified."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import classification as classes
from research.collect import datasets, recorded
from research.collect import quality as checks
from research.explain import association
from research.parameters import Study
from research.steps import step
from research.study.customers import all_data_key, all_names, customers, outcome, real, sampled

CARD = ("title", "period", "currency", "sampling", "outcome", "censoring", "money_window", "limits", "licence",
        "citation")  # fmt: skip


@step(customers, sampled, "weights", "fieldwork")
def about(study: Study) -> dict[str, Any]:
    """Return what is known of the data set: title, outcome, censoring, rows, outcome rate, card, banner.

    `sample` says on whom of them models are compared: `n` of `rows` by `seed`, `known` and `bad`; None where on all.
    """
    table = customers(study)
    known, named = table.get("default", pd.Series(dtype=float)), outcome(study)
    stated = {} if datasets.is_path(study.dataset) else datasets.definition(study.dataset)
    facts = {
        "dataset": datasets.shown(study.dataset),
        "title": datasets.title(study.dataset),
        "outcome": stated.get("outcome", f"{named.name}, as recorded in the loan book"),
        "outcome_name": named.name,
        "outcome_word": named.word,
        "rate_word": named.rate,
        "horizon_months": named.horizon_months,
        "no_default_rate": named.no_default_rate,
        "censoring": stated.get("censoring", "not stated"),
        "rows": len(table),
        "known": int(known.notna().sum()),
        "bad": int(known.sum()),
        "outcome_rate": float(known.mean()),
        "currency": stated.get("currency", "the book's currency"),
    }
    kind = "real" if stated.get("real", True) else "simulated"
    words = "Simulated data: no bank, no person." if kind == "simulated" else f"Real data: {facts['title']}."
    if study.weights == "survey" and study.fieldwork.provenance == "invented":
        words += " The weights of RFM and ABC come from invented experts."
    facts["sample"] = None
    if (drawn := sampled(study)) is not None:
        part = drawn.get("default", known.iloc[:0])
        facts["sample"] = {"n": len(drawn), "rows": len(table), "seed": str(study.seed),
                           "known": int(part.notna().sum()), "bad": int(part.sum())}  # fmt: skip
        words += (
            f" Models are compared, and regressions fitted, on {len(drawn):,} of its {len(table):,} customers, drawn "
            f"by lot within each outcome (seed {study.seed}); counts, classes and tiers are of all."
        )
    texts = {
        key: "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in stated.items()
    }
    kept = [key for key in CARD if key in texts]
    return facts | {
        "banner": (kind, words),
        "card": pd.DataFrame(
            {"item": [key.replace("_", " ") for key in kept], "text": [texts[key] for key in kept]}
        ),
    }


@step(about, "compare_datasets", data=all_data_key)
def data_sets(study: Study) -> pd.DataFrame:
    """Return one row per data set of the study; own loan books first."""
    names = all_names(study)
    published = [name for name in names if not datasets.is_path(name)]
    known = datasets.describe(published, lambda name: customers(study.with_dataset(name)))
    own = []
    for one in (study.with_dataset(name) for name in names if datasets.is_path(name)):
        walk = datasets.crosswalk_of(one.dataset, one.crosswalk or None)
        told = {"real": True, "available": True, "licence": "your own", "partial": ""}
        own.append(told | about(one) | datasets.fits(datasets.coverage_of(walk)))
    if not own:
        return known
    columns = datasets.describe([datasets.SIMULATED]).columns
    return pd.concat([pd.DataFrame(own).reindex(columns=columns), known], ignore_index=True)


def lenders_data(study: Study) -> tuple[pd.DataFrame, str]:
    """Return `data_sets`, and where it comes from: the run itself (`real`), or the record, which has more of them.

    A second loan book of one's own is in no record: a run that compares with it shows its own data sets.
    """
    own, kept = data_sets(study), recorded.frame("01_data/data_sets")
    mine = any(map(datasets.is_path, all_names(study)[1:]))
    return (own, "real") if mine or kept is None or len(own) >= len(kept) else (kept, "recorded")


@step("dataset", "crosswalk", "compare_datasets", data=all_data_key)
def coverage(study: Study) -> pd.DataFrame:
    """Return construct × data set (the study's and all known): direct, proxy or absent, with source and reason."""
    names = dict.fromkeys([*all_names(study), *datasets.names()])
    each = (study.with_dataset(name) for name in names)
    return datasets.coverage_by(
        {
            datasets.shown(one.dataset): datasets.crosswalk_of(one.dataset, one.crosswalk or None)
            for one in each
        }
    )


def criteria_measured(study: Study) -> pd.DataFrame:
    """Return how many of the constructs that each criterion asks for each real data set measures.

    Returns:
        `criterion`, `dataset`, `direct`, `proxy`, `absent`, `total`; the study's own data set first.
    """
    found = coverage(study).query("role == 'predictor'")
    invented = [name for name in datasets.names() if not real(name) and name != study.dataset]
    found = found[~found["dataset"].isin(invented)]
    counts = found.groupby(["criterion", "dataset", "fit"], sort=False).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["direct", "proxy", "absent"], fill_value=0)
    return counts.assign(total=counts.sum(axis=1)).rename_axis(columns=None).reset_index()


@step(customers)
def quality(study: Study) -> dict[str, pd.DataFrame]:
    """Return the quality checks: summary, missing, impossible, distributions, levels, leakage."""
    table = customers(study)
    raw = datasets.load_raw(study.dataset)
    made = datasets.harmonise(study.dataset, study.crosswalk or None, raw)
    walk = datasets.crosswalk_of(study.dataset, study.crosswalk or None)
    return {
        "summary": checks.report(raw, walk, made),
        "missing": checks.missing(table),
        "impossible": checks.impossible(table),
        "distributions": checks.distributions(table),
        "levels": checks.levels(table),
        "leakage": datasets.leakage(study.dataset),
    }


@step(customers)
def classification(study: Study) -> pd.DataFrame:
    """Return each customer's classes under the thirteen standards K1 to K13."""
    given = None if datasets.is_path(study.dataset) else datasets.classification_parameters(study.dataset)
    return classes.classify(customers(study), parameters=given)


@step(classification)
def classification_summary(study: Study) -> pd.DataFrame:
    """Return counts, amounts and outcome rates of every class of every standard."""
    return classes.summary(classification(study), customers(study))


@step(classification_summary, "compare_datasets", data=all_data_key)
def classes_elsewhere(study: Study) -> pd.DataFrame:
    """Return the classes of each standard on the public data set of the study that measures it best.

    Returns:
        `classification.best` of the counts, with `dataset`, `title`, `real` and `measure` (what its rate is called).
    """
    parts = [
        pd.DataFrame(columns=[*classes.SUMMARY_COLUMNS, "dataset", "title", "real", "alternative", "measure"])
    ]
    for name in all_names(study):
        if not datasets.is_path(name):
            said = {"dataset": name, "title": datasets.title(name), "real": real(name)}
            one = study.with_dataset(name)
            counts, ways = classification_summary(one), classes.alternatives(customers(one).columns)
            said |= {"alternative": counts["standard"].map(ways), "measure": datasets.outcome(name).rate}
            parts.append(counts.assign(**said))
    return classes.best(pd.concat(parts[1:] or parts, ignore_index=True))


def classes_best(study: Study) -> tuple[pd.DataFrame, str]:
    """Return `classes_elsewhere`, and where it comes from: this run (`real`), or the record, where it covers more."""
    own = classes_elsewhere(study)
    kept = [recorded.frame(f"02_classification/{name}") for name in ("elsewhere", "invented")]
    found = [frame for frame in kept if frame is not None]
    covered = own.loc[own["real"].astype(bool), "standard"].nunique()
    if not found or covered >= found[0]["standard"].nunique():
        return own, "real"
    return pd.concat(found, ignore_index=True), "recorded"


@step(classification)
def classification_tests(study: Study) -> pd.DataFrame:
    """Return the association of each standard with the outcome."""
    names = pd.Series({standard: entry["name"] for standard, entry in classes.rules()["standards"].items()})
    known = customers(study).get("default")
    made = classification(study) if known is not None else classification(study).iloc[:, :0]
    return association.tests(made, known, names, classes.rules()["test"]["level"])
