"""The statement of integration: the six items of GRAMMS, filled from what was done and found.

Good Reporting of A Mixed Methods Study (O'Cathain, Murphy & Nicholl 2008, *Journal of Health Services Research &
Policy* 13:92).
What no computation can know (who sat together to integrate) is said to be not done rather than made up.
"""

from __future__ import annotations

import pandas as pd

from research.errors import UserError
from research.fieldwork.integration import STRANDS, VERDICTS

COUNTS = ("loans", "respondents", "participants", "coders")


def integration_statement(display: pd.DataFrame, counts: dict[str, int]) -> pd.DataFrame:
    """Return the six items with a text each.

    Args:
        display: the frame of `integration.joint_display`.
        counts: `loans`, `respondents`, `participants`, `coders`; 0 where a strand was not done.

    Returns:
        `item` (1–6), `asks`, `text`, `status` (reported, partly, not done).
    """
    missing = [name for name in COUNTS if name not in counts]
    if missing:
        raise UserError(
            f"the integration statement needs the count of {missing[0]}; found {', '.join(counts)}"
        )
    asks = [
        "Why mixed methods",
        "Design: purpose, priority and sequence",
        "Sampling, data collection and analysis of each method",
        "Where and how the methods were integrated, and by whom",
        "How one method limits the other",
        "What was learned by mixing",
    ]
    texts = [
        (_why(display), "reported"),
        (
            "Convergent: the strands were analysed apart, with equal priority, and met in the joint display; the "
            "quantity, constructs and themes of each hypothesis were fixed before the results.",
            "reported",
        ),
        (_methods(counts), "reported" if all(counts[name] for name in COUNTS) else "partly"),
        (
            f"At interpretation, in a joint display of {len(display)} hypotheses by a stated rule. Who took part in "
            "the integration is for the researcher to add.",
            "partly",
        ),
        (_limits(display), "reported"),
        (_learned(display), "reported"),
    ]
    rows = [
        (i, ask, text, status)
        for i, (ask, (text, status)) in enumerate(zip(asks, texts, strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["item", "asks", "text", "status"])


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
