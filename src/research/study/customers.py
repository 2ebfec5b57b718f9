"""The customers of the study's data set, on whom every step rests."""

from __future__ import annotations

import pandas as pd

from research.collect import datasets, levels, publication, sampling
from research.collect.outcome import Outcome
from research.parameters import Study
from research.steps import step


def data_key(study: Study) -> str:
    """Return the fingerprint of the study's data set."""
    return datasets.data_fingerprint(study.dataset, study.crosswalk or None)


def all_data_key(study: Study) -> str:
    """Return the fingerprints of the study's own data set and of all in the comparison."""
    others = [name for name in study.compare_datasets if name != study.dataset]
    return data_key(study) + "".join(datasets.data_fingerprint(name) for name in others)


@step("dataset", "crosswalk", "small_cell", data=data_key)
def customers(study: Study) -> pd.DataFrame:
    """Return the canonical customer table: one row per customer, one column per measured construct.

    Of an own loan book, levels that few customers have or that look like something of a person are pooled.
    """
    return shown(study, datasets.load(study.dataset, study.crosswalk or None))


def shown(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as read from the study's data set with the levels that its pages may show; see `customers`."""
    least = publication.smallest_count(study, study.dataset)
    return table if publication.public(study.dataset) else levels.pooled(table, least)


@step(customers, "compared_customers", "seed")
def sampled(study: Study) -> pd.DataFrame | None:
    """Return the sample of a large own loan book on whom models are compared; None where all its customers are."""
    table = customers(study)
    if not datasets.is_path(study.dataset) or len(table) <= study.compared_customers:
        return None
    return sampling.sample(table, study.compared_customers, study.seed)


def for_comparison(study: Study) -> pd.DataFrame:
    """Return the customers on whom models are compared and regressions fitted: all, or the sample of a large book."""
    drawn = sampled(study)
    return customers(study) if drawn is None else drawn


def outcome(study: Study) -> Outcome:
    """Return what the outcome of the study's data set is, in its own words."""
    return datasets.outcome(study.dataset, study.crosswalk or None)


def all_names(study: Study) -> list[str]:
    """Return the data sets of the study, its own first."""
    return list(dict.fromkeys([study.dataset, *study.compare_datasets]))


def real(name: str) -> bool:
    """Return whether a data set, by name or file, is of real customers."""
    return datasets.is_path(name) or bool(datasets.definition(name)["real"])
