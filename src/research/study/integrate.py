"""R4: the loan data, the survey and the interviews side by side, one row per claimed benefit."""

from __future__ import annotations

import pandas as pd

from research.compare import claims
from research.fieldwork import integration
from research.fieldwork.gramms import integration_statement
from research.parameters import Study
from research.steps import step
from research.study.claims import evidence
from research.study.collect import about
from research.study.interviews import interviews
from research.study.survey import survey_quality, survey_scales

TITLES = {"rfm": "RFM", "abc": "ABC", "tree": "the tree"}
SIDES = {"supported": "supports", "contradicted": "contradicts", "refuted": "contradicts"}


@step(evidence)
def loan_strand(study: Study) -> pd.DataFrame:
    """Return what the loan data say of each benefit: `hypothesis, text, outcome`; a benefit not tested has no row.

    An outcome is clear when every model tested has the same clear verdict; a condition that was not refuted is open.
    """
    tested = evidence(study).query("verdict != 'not tested here'")
    rows, statements = [], claims.definitions()["statement"]
    for benefit, part in tested.groupby(tested["claim"].str[:2]):
        outcomes = {SIDES.get(verdict, "inconclusive") for verdict in part["verdict"]}
        said = [
            f"{verdict} under {_listed([TITLES[name] for name in rows_of['model']])}"
            for verdict, rows_of in part.groupby("verdict", sort=False)
        ]
        text = f"{statements[part['claim'].iloc[0]]}: {'; '.join(said)}"
        rows.append((benefit, text, outcomes.pop() if len(outcomes) == 1 else "inconclusive"))
    return pd.DataFrame(rows, columns=["hypothesis", "text", "outcome"])


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@step(loan_strand, survey_scales, interviews)
def synthesis(study: Study) -> dict[str, pd.DataFrame]:
    """Return the joint display (`display`) and the statement of GRAMMS (`statement`)."""
    hypotheses = integration.read_hypotheses()
    asked = survey_scales(study)["means"] if study.fieldwork.survey else pd.DataFrame()
    heard = pd.DataFrame()
    if study.fieldwork.interviews:
        found = interviews(study)
        heard = integration.theme_evidence(found["counted"], found["units"], found["codebook"], hypotheses)
    display = integration.joint_display(loan_strand(study), asked, heard, hypotheses)
    return {"display": display, "statement": integration_statement(display, _counts(study))}


def _counts(study: Study) -> dict[str, int]:
    found = interviews(study) if study.fieldwork.interviews else None
    return {
        "loans": about(study)["known"],
        "respondents": len(survey_quality(study)["kept"]) if study.fieldwork.survey else 0,
        "participants": found["units"]["participant"].nunique() if found else 0,
        "coders": found["assignments"]["coder"].nunique() if found else 0,
    }
