"""R2: the survey."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.fieldwork.instruments import items as instruments
from research.fieldwork.intake.survey import read_survey
from research.fieldwork.survey import factors, group_comparison, reliability, response_quality
from research.fieldwork.survey import scales as surveys
from research.parameters import Fieldwork, Study
from research.steps import step
from research.study.workbooks import fingerprint_of, located, optional

CRITERIA = [f"C{number}" for number in range(1, 8)]


def survey_key(study: Study) -> str:
    """Return the fingerprint of the questionnaires."""
    return fingerprint_of(study, "survey", "items")


@step("fieldwork", data=survey_key)
def survey(study: Study) -> dict[str, Any]:
    """Return the questionnaires with consent (`returned`), the `instrument`, and what was unusual (`faults`)."""
    return read_answers(study.fieldwork)


def read_answers(given: Fieldwork) -> dict[str, Any]:
    """Read the questionnaires, see `survey`. Raises UserError for every fault."""
    instrument = instruments.survey_items(optional(given.items, "items"))
    returned, faults = read_survey(located(given.survey, "survey"), instrument=instrument)
    return {"returned": returned, "instrument": instrument, "faults": faults}


@step(survey)
def survey_quality(study: Study) -> dict[str, pd.DataFrame]:
    """Return the quality marks of the respondents, their summary, the flow of exclusions, and the answers kept."""
    found = survey(study)
    marks = response_quality.response_quality(found["returned"], found["instrument"])
    kept, flow = response_quality.usable(found["returned"], marks)
    return {
        "marks": marks,
        "summary": response_quality.quality_summary(marks),
        "flow": flow,
        "kept": kept,
        "missing": response_quality.item_missing(kept, found["instrument"]),
    }


@step(survey_quality, "bootstrap", "seed")
def survey_scales(study: Study) -> dict[str, pd.DataFrame]:
    """Return the scales: reliability, items, means of all and by group, and the comparison of the groups."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    options = {"resamples": study.bootstrap, "seed": study.seed}
    return {
        "reliability": reliability.reliability_table(kept, instrument, **options),
        "items": reliability.item_table(kept, instrument),
        "means": surveys.construct_summary(kept, instrument),
        "by_group": surveys.construct_summary(kept, instrument, by_group=True),
        "groups": group_comparison.compare_groups(kept, instrument, **options),
    }


@step(survey_quality)
def survey_answers(study: Study) -> dict[str, pd.DataFrame]:
    """Return the share of each answer to each item, of everybody (`all`) and by group (`by_group`)."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    return {
        "all": surveys.likert_distribution(kept, instrument),
        "by_group": surveys.likert_distribution(kept, instrument, by_group=True),
    }


@step(survey_quality, "seed")
def survey_factors(study: Study) -> dict[str, pd.DataFrame]:
    """Return the factor structure of the items on the criteria C1 to C7."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    asked = instrument.loc[instrument["criterion"].isin(CRITERIA) & (instrument["group"] == "both"), "item"]
    items = surveys.keyed(kept, instrument)[asked.tolist()]
    parallel = factors.parallel_analysis(items, seed=study.seed)
    loadings, correlations = factors.loadings(items, max(1, int(parallel["retained"].sum())), seed=study.seed)
    return {
        "factorability": factors.factorability(items),
        "parallel": parallel,
        "loadings": loadings,
        "correlations": correlations,
    }


@step(survey_quality, "bootstrap", "seed")
def criteria_ranking(study: Study) -> dict[str, pd.DataFrame]:
    """Return how the criteria C1 to C7 rank and Kendall's W of the respondents: everybody and each group."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    parts = {"all": kept, **{str(name): part for name, part in kept.groupby("group")}}
    options = {"resamples": study.bootstrap, "seed": study.seed}
    rankings, agreements = {}, {}
    for name, part in parts.items():
        rankings[name], agreements[name] = group_comparison.construct_ranking(
            part, instrument, CRITERIA, **options
        )
    stacked = (pd.concat(frames, names=["group"]).reset_index("group") for frames in (rankings, agreements))
    return dict(zip(("ranking", "concordance"), stacked, strict=True))
