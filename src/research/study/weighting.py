"""The weights of the models' letters: equal, given as numbers, or those of the experts' pairwise comparisons."""

from __future__ import annotations

from research.errors import UserError
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.survey import ahp
from research.parameters import Study
from research.steps import plain, step
from research.study.workbooks import fingerprint_of, located


def ahp_key(study: Study) -> str:
    """Return the fingerprint of the experts' comparisons, that of no file where the study has none."""
    return fingerprint_of(study, "ahp")


def comparisons_key(study: Study) -> str:
    """Return the fingerprint of the comparisons where the models use them, else nothing.

    The models must not be computed anew when other fieldwork changes, so that the step below declares `weights` only.
    """
    study = plain(study)
    return ahp_key(study) if study.weights == "survey" else ""


@step("weights", data=comparisons_key)
def weights(study: Study) -> dict[str, float] | None:
    """Return the weights of A, B, C and R, F, M (each set adds up to one), or nothing for equal weights."""
    if study.weights == "equal":
        return None
    if study.weights == "survey":
        return survey_weights(plain(study))
    return dict(study.weights)


@step("fieldwork", data=ahp_key)
def survey_weights(study: Study) -> dict[str, float]:
    """Return the group's weights from the workbook of comparisons: experts joined by the geometric mean of judgements.

    Raises:
        UserError: no expert is consistent, so that there is nothing to weigh by.
    """
    # imports openpyxl, which most weights do not need
    from research.fieldwork.intake.comparisons import read_ahp

    judged = read_ahp(located(study.fieldwork.ahp, "ahp"))
    found = ahp.group_weights(judged, comparison_pairs(), resamples=0)
    if found["consistency_ratio"].isna().any():
        name = found.loc[found["consistency_ratio"].isna(), "set"].iloc[0]
        raise UserError(f"weights: survey — no expert is consistent on {name.upper()}; expected at least one")
    return dict(zip(found["element"], found["weight"], strict=True))
