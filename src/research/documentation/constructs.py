"""Reference of the constructs: what a customer table may hold, and which data set measures it."""

from __future__ import annotations

import pandas as pd

from research.collect import constructs as measured
from research.collect import datasets
from research.documentation.tables import code, head, prose, table, text

ROLES = {
    "identity": "tells customers apart; never an input",
    "predictor": "may be an input of a model",
    "protected": "used to measure fairness only",
    "context": "described; never an input",
    "time": "orders loans in time",
    "outcome": "what happened after the loan",
    "post": "known only after the loan; never an input",
}
OTHERS = "Other constructs"


def page() -> str:
    """Return `docs/reference/constructs.md`."""
    found = measured.constructs().reset_index(drop=True)
    lines = head("Constructs", "`data/definitions/constructs.csv` or a crosswalk")
    lines += prose(
        "A construct is one thing the study may know of a customer.",
        "Every data set is brought to these names and units by its crosswalk.",
        "A construct that a data set does not measure is absent from its table.",
        "The role says what a construct may be used for:",
    )
    lines += ["", *table(("role", "use"), [(role, ROLES[role]) for role in dict.fromkeys(found["role"])])]
    fits = datasets.coverage().pivot(index="construct", columns="dataset", values="fit")
    header = ("construct", "中文", "what it is", "unit", "role", "measured in", "by proxy in")
    for criterion, rows in found.groupby(found["criterion"].replace("", OTHERS)):
        lines += ["", f"## {criterion}", ""]
        lines += table(header, [_row(row, fits) for row in rows.to_dict("records")])
    lines += ["", "## Classes", ""]
    lines += prose(
        "The words to which the transform `map` brings the values of a categorical construct.",
        "Another word is kept as a class of its own, but no standard of classification knows it.",
    )
    classes = [
        (code(row.construct), ", ".join(map(code, filter(None, row.classes.split(";")))) or "any", row.note)
        for row in measured.classes().itertuples()
    ]
    return text([*lines, "", *table(("construct", "classes", "note"), classes)])


def _row(row: dict[str, str], fits: pd.DataFrame) -> tuple[str, ...]:
    def where(fit: str) -> str:
        if row["construct"] not in fits.index:
            return ""
        return ", ".join(name for name in datasets.names() if fits.loc[row["construct"], name] == fit)

    meaning = f"{row['description']}" + (f"; missing: {row['missing_means']}" if row["missing_means"] else "")
    measured_in = where("direct"), where("proxy")
    return (
        code(row["construct"]),
        row["label_zh"],
        meaning,
        row["unit"] or row["dtype"],
        row["role"],
        *measured_in,
    )
