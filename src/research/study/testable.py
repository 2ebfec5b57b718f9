"""What the data of a study can answer: one rule for `research datasets check`, the plan of a run and its notebooks."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from research.collect import datasets
from research.collect.constructs import predictors
from research.collect.outcome import FEWEST, no_outcome
from research.errors import UserError
from research.files.textfiles import read_csv
from research.parameters import Study
from research.paths import DEFINITIONS
from research.segment.base import informative
from research.segment.index import indicator_definitions
from research.steps import step
from research.study.customers import customers, outcome
from research.study.models import untestable

NEEDS_FILE = DEFINITIONS / "notebook_needs.csv"
COLUMNS = ["notebook", "question", "answer", "lacking", "consequence", "instead"]


@cache
def needs() -> pd.DataFrame:
    """Return what each notebook needs, as written in `notebook_needs.csv`."""
    return read_csv(NEEDS_FILE)


@step(customers, "folds", "models")
def answers(study: Study) -> pd.DataFrame:
    """Return which notebook can answer its question with the data of the study.

    Returns:
        `notebook`, `question`, `answer` (yes, no), `lacking` (why not, in words), `consequence`, `instead` (what the
        notebook shows all the same; without it, it says why and stops).
    """
    rows, table = [], customers(study)
    varies = bool(informative(table, predictors(table)))
    for row in needs().itertuples():
        lacking = _lacking(study, row, table, varies)
        rows.append(
            {
                "notebook": row.notebook,
                "question": row.question,
                "answer": "no" if lacking else "yes",
                "lacking": lacking,
                "consequence": row.without if lacking else "",
                "instead": row.instead if lacking else "",
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def why_not(study: Study, notebook: str) -> str:
    """Return why a notebook stops on the data of the study, or nothing when it can be read to its end.

    Raises:
        UserError: nothing says what the notebook needs.
    """
    known = answers(study).set_index("notebook")
    if notebook not in known.index:
        raise UserError(
            f"{NEEDS_FILE.name}: no line for '{notebook}'; expected one that says what the page needs"
        )
    row = known.loc[notebook]
    return "" if row["answer"] == "yes" or row["instead"] else row["lacking"]


def _lacking(study: Study, row: Any, table: pd.DataFrame, varies: bool) -> str:
    """Return the first reason why a notebook cannot answer its question."""
    choice = indicator_definitions()["construct"].tolist() if row.any_of == "@abc" else row.any_of.split(";")
    if row.any_of and not set(choice) & set(table.columns[table.notna().any()]):
        return f"the data have none of {', '.join(choice)}"
    if row.varies and not varies:
        return "no predictor is measured that varies between customers"
    return _without_outcome(study, row.outcome, table) if row.outcome else ""


def _without_outcome(study: Study, kind: str, table: pd.DataFrame) -> str:
    """Return why the outcome does not suffice: `known`, `compared`, `default rate`, `regression`, `months`."""
    if kind == "months":
        followed = not datasets.is_path(study.dataset) and datasets.definition(study.dataset).get("panel")
        return "" if followed else "the data are one snapshot, without monthly records"
    if reason := no_outcome(table, max(FEWEST, study.folds)):
        return reason
    if kind == "compared":
        usable = [name for name in study.models if not untestable(table, name)]
        if len(usable) < 2:
            return f"of {', '.join(study.models)} the data allow {', '.join(usable) or 'none'}; expected two to compare"
    if kind == "default rate":
        return outcome(study).no_default_rate
    if kind == "regression":
        # imports statsmodels, which most notebooks do without
        from research.study.explain import no_regression

        return no_regression(study)
    return ""
