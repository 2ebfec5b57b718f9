"""R2: the survey."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.compare.purposes import ALPHA
from research.fieldwork.instruments import items as instruments
from research.fieldwork.intake.survey import read_survey
from research.fieldwork.integration import construct_names
from research.fieldwork.interviews.coder_agreement import bars
from research.fieldwork.survey import factors, group_comparison, group_model, reliability, response_quality
from research.fieldwork.survey import scales as surveys
from research.parameters import Fieldwork, Study
from research.steps import step
from research.study.workbooks import fingerprint_of, located, optional

CRITERIA = [f"C{number}" for number in range(1, 8)]


def survey_key(study: Study) -> str:
    """Return the fingerprint of the questionnaires."""
    return fingerprint_of(study, "survey", "items")


@step("fieldwork", data=survey_key)
def survey(study: Study) -> dict[str, pd.DataFrame]:
    """Return the questionnaires with consent (`returned`) and the `instrument`."""
    return read_answers(study.fieldwork)


def read_answers(given: Fieldwork) -> dict[str, pd.DataFrame]:
    """Read the questionnaires, see `survey`. Raises UserError for every fault."""
    instrument = instruments.survey_items(optional(given.items, "items"))
    returned = read_survey(located(given.survey, "survey"), instrument=instrument)
    return {"returned": returned, "instrument": instrument}


@step(survey)
def survey_quality(study: Study) -> dict[str, pd.DataFrame]:
    """Return the answers `kept`, and the `flow` of exclusions."""
    found = survey(study)
    marks = response_quality.response_quality(found["returned"], found["instrument"])
    kept, flow = response_quality.usable(found["returned"], marks)
    return {"flow": flow, "kept": kept}


@step(survey_quality, "bootstrap", "seed")
def survey_scales(study: Study) -> dict[str, pd.DataFrame]:
    """Return the scales: reliability against the bar, means of all and by group, the groups compared, and `models`."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    options = {"resamples": study.bootstrap, "seed": study.seed}
    return {
        "reliability": reliability.reliability_table(kept, instrument, bars()["scale"], **options),
        "means": surveys.construct_summary(kept, instrument),
        "by_group": surveys.construct_summary(kept, instrument, by_group=True),
        "groups": group_comparison.compare_groups(kept, instrument).assign(level=ALPHA),
        "models": group_model.group_models(kept, instrument),
    }


def scales_in_words(study: Study) -> dict[str, pd.DataFrame]:
    """Return `survey_scales` with constructs in words; nothing where the study has no survey."""
    if not study.fieldwork.survey:
        return {}
    found = survey_scales(study)
    names = construct_names(found["means"]["construct"])
    return {name: table.replace({"construct": names}) for name, table in found.items()}


@step(survey_quality, "seed")
def survey_factors(study: Study) -> dict[str, pd.DataFrame]:
    """Return whether the items on the criteria C1 to C7 share factors, and how many rise above chance."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    asked = instrument.loc[instrument["criterion"].isin(CRITERIA) & (instrument["group"] == "both"), "item"]
    items = surveys.keyed(kept, instrument)[asked.tolist()]
    return {
        "factorability": factors.factorability(items),
        "parallel": factors.parallel_analysis(items, seed=study.seed),
    }


@step(survey_quality)
def criteria_ranking(study: Study) -> dict[str, Any]:
    """Return how the criteria C1 to C7 rank, and Kendall's W (`w`) of the respondents with what it says (`result`)."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    ranking, w = group_comparison.construct_ranking(kept, instrument, CRITERIA)
    ranking["construct"] = ranking["construct"].map(construct_names(ranking["construct"]))
    least = bars()
    result = "largely" if w >= least["largely"] else "partly" if w >= least["partly"] else "hardly"
    return {"ranking": ranking, "w": w, "result": result}
