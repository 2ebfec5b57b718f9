"""The statement of integration: the six items of GRAMMS, filled from what was done and found.

Good Reporting of A Mixed Methods Study (O'Cathain, Murphy & Nicholl 2008, *Journal of Health Services Research &
Policy* 13:92).
What no computation can know (who sat together to integrate) is said to be lacking rather than made up. What each item
asks, and what it lacks, is read from the checklist (`data/definitions/checklists/gramms.yml`), so that the statement
and the checklist of a study say the same.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.fieldwork.integration import STRANDS, VERDICTS
from research.files.textfiles import read_yaml
from research.paths import DEFINITIONS

COUNTS = ("loans", "respondents", "participants", "coders")
METHODS = 3  # the item that asks for each method


def integration_statement(display: pd.DataFrame, counts: dict[str, int]) -> pd.DataFrame:
    """Return the six items with a text each.

    Args:
        display: the frame of `integration.joint_display`.
        counts: `loans`, `respondents`, `participants`, `coders`; 0 where a strand was not done.

    Returns:
        `item` (1–6), `asks`, `text`, `status` (reported, partly, not done).
    """
    items = read_yaml(DEFINITIONS / "checklists" / "gramms.yml")["items"]
    texts = [
        _why(display),
        "Convergent: the strands are analysed apart, with equal priority, and meet in the joint display. What counts "
        "for a claim is fixed in definitions, known before the answers of people, after the results of public loans.",
        _methods(counts),
        f"At interpretation, in a joint display of {len(display)} hypotheses by a stated rule.",
        _limits(display),
        _learned(display),
    ]
    rows = [
        (number, item["asks"], f"{text} {item.get('lacks', '')}".strip(), _status(number, item, counts))
        for number, (item, text) in enumerate(zip(items, texts, strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["item", "asks", "text", "status"])


def _status(number: int, item: dict[str, Any], counts: dict[str, int]) -> str:
    silent = number == METHODS and not all(counts[name] for name in COUNTS)
    return "partly" if silent or "lacks" in item else "reported"


def _why(display: pd.DataFrame) -> str:
    silent = _named(display, display["loan_data_outcome"] == "absent")
    need = f"The loan data cannot speak to {silent}. " if silent else ""
    return f"{need}Loan data show what happened, not why, nor what customers and officers made of it."


def _methods(counts: dict[str, int]) -> str:
    parts = [
        f"{counts['loans']:,} loans" if counts["loans"] else "no loan data",
        f"{counts['respondents']:,} questionnaires" if counts["respondents"] else "no survey",
        (
            f"interviews with {counts['participants']:,} participants, coded by {counts['coders']}"
            if counts["participants"]
            else "no interviews"
        ),
    ]
    return f"{', '.join(parts).capitalize()}. The survey and interview reports say how each was drawn and analysed."


def _limits(display: pd.DataFrame) -> str:
    parts = []
    for strand in STRANDS:
        name = strand.replace("_", " ")
        absent = _named(display, display[f"{strand}_outcome"] == "absent")
        unclear = _named(display, display[f"{strand}_outcome"] == "inconclusive")
        if absent:
            parts.append(f"no result from the {name} on {absent}")
        if unclear:
            parts.append(f"no clear result from the {name} on {unclear}")
    text = "; ".join(parts)
    stands = f"{text[0].upper()}{text[1:]}. " if text else ""
    return (
        f"{stands}The people asked are not the borrowers in the loan data, so the strands meet at the claim, not at "
        "the case."
    )


def _learned(display: pd.DataFrame) -> str:
    parts = [
        f"{verdict} on {named}"
        for verdict in VERDICTS
        if (named := _named(display, display["verdict"] == verdict))
    ]
    text = "; ".join(parts)
    discord = _named(display, display["verdict"] == "discord")
    follow = f" The discord on {discord} asks for a closer look before any action." if discord else ""
    return f"{text[0].upper()}{text[1:]}.{follow}"


def _named(display: pd.DataFrame, chosen: pd.Series) -> str:
    names = display.loc[chosen, "hypothesis"].tolist()
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
