"""R3: what real people answered to a public survey, computed where its file is, else as it was recorded."""

from __future__ import annotations

import pandas as pd

from research.collect import fetch, recorded
from research.compare import claims
from research.errors import UserError
from research.fieldwork.survey import wellbeing
from research.files.fingerprint import fingerprint
from research.parameters import Study
from research.steps import step
from research.suppression import PROTECTED

SURVEY, CLAIM = "nfwbs", "H3a"


def survey_key(study: Study) -> str:
    """Return the hash of the survey's file, or of the recorded values where there is none."""
    if fetch.is_here(SURVEY):
        return next(iter(fetch.locate(SURVEY).values())).sha256
    return fingerprint([recorded.file(SURVEY)])


@step("seed", data=survey_key)
def public_survey(study: Study) -> dict[str, pd.DataFrame]:
    """Return `needs`, `means`, `wellbeing`, `answers` of `wellbeing.tables`; anyone can have the rows behind them.

    Raises:
        UserError: the file is not here, and nothing was recorded.
    """
    found = computed(study.seed) if fetch.is_here(SURVEY) else kept()
    for table in found.values():
        table.attrs[PROTECTED] = True  # public, and no count is small
    return found


def computed(seed: int) -> dict[str, pd.DataFrame]:
    """Return the tables made of the survey's file. Raises UserError where it is not here."""
    claim = claims.definitions().loc[CLAIM]
    path = next(iter(fetch.locate(SURVEY).values())).path
    return wellbeing.tables(wellbeing.read(path), claim["bar"], claim["margin"], seed)


def kept() -> dict[str, pd.DataFrame]:
    """Return the recorded tables."""
    found = {name: recorded.frame(f"{SURVEY}/{name}", SURVEY) for name in wellbeing.TABLES}
    if missing := [name for name, table in found.items() if table is None]:
        raise UserError(
            f"{recorded.file(SURVEY)}: no table '{missing[0]}'; 'research datasets record {SURVEY}' makes it"
        )
    return {name: table for name, table in found.items() if table is not None}


def survey_origin() -> str:
    """Return `reported` where the survey's file is here, else `recorded`."""
    return "reported" if fetch.is_here(SURVEY) else "recorded"


def asked(study: Study) -> pd.DataFrame:
    """Return what the survey says of the claims, in the columns of `evidence`; it can refute H3a, and no more."""
    row = public_survey(study)["means"].set_index("by").loc["tiers"]
    claim = claims.definitions().loc[CLAIM]
    graded = claims.grade(real=True, people_said=True)
    found = row[["estimate", "ci_low", "ci_high", "n"]].to_dict()
    verdict = claims.verdict(claim, row["ci_low"], row["ci_high"], graded)
    named = {"claim": CLAIM, "model": "people"}
    return pd.DataFrame([{**named, **found, "grade": graded, "verdict": verdict, "reason": ""}])
