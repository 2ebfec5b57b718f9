"""The joint display: loan data, survey and interviews side by side for each hypothesis, and a verdict by rule.

Each strand first gets an outcome of its own, *supports*, *contradicts*, *inconclusive* or *absent*; the verdict follows
from the three outcomes. The words are those of Farmer et al. (2006, *Qualitative Health Research* 16:377) and Fetters,
Curry & Creswell (2013, *Health Services Research* 48:2134). What counts is fixed in `hypotheses.csv` before results.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.instruments.codebook import ancestors
from research.fieldwork.interviews.coding import quotations
from research.paths import DEFINITIONS

OUTCOMES = ("supports", "contradicts", "inconclusive", "absent")
VERDICTS = {"convergence": "一致", "complement": "互补", "discord": "矛盾", "not testable": "无法检验"}
FEWEST_VOICES = 3  # participants who must speak to a hypothesis before the interviews say anything about it
CLEAR_RATIO = 2  # how many times as many voices one side needs
STRANDS = ("loan_data", "survey", "interviews")


def read_hypotheses() -> pd.DataFrame:
    """Return the hypotheses H1–H5 with the pre-specified quantity, survey constructs and themes of each."""
    return pd.read_csv(DEFINITIONS / "hypotheses.csv")


def construct_names(constructs: Iterable[str]) -> dict[str, str]:
    """Return construct → its name in words; the only construct of a hypothesis bears the hypothesis's name."""
    stated = read_hypotheses()
    known = dict(zip(stated["survey_constructs"], stated["label_en"].str.lower(), strict=True))
    return {name: known.get(name, name.replace("_", " ")) for name in constructs}


def theme_evidence(
    codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame, hypotheses: pd.DataFrame
) -> pd.DataFrame:
    """Return how many participants speak for and against each hypothesis, with one quotation of each.

    Returns:
        `hypothesis`, `label_en`, `side` (with more voices: for, against, even), `voices_for`, `voices_against`,
        `voices` (either), `participants` (interviewed), `quote_for`, `quote_for_id`, `quote_against`,
        `quote_against_id`.

    Raises:
        UserError: a theme of the hypotheses that the codebook lacks.
    """
    quotes, above = quotations(codings, units, codebook), ancestors(codebook)
    rows = []
    for entry in hypotheses.to_dict("records"):
        row: dict[str, object] = {"hypothesis": entry["hypothesis"], "label_en": entry["label_en"]}
        voices = {}
        for side in ("for", "against"):
            themes = set(_listed(entry[f"themes_{side}"]))
            if unknown := sorted(themes - above.keys()):
                raise UserError(
                    f"hypothesis {entry['hypothesis']}: theme '{unknown[0]}' is not in the codebook"
                    f"{nearest(unknown[0], codebook['code'])}"
                )
            named = {code for code in above if not themes.isdisjoint([code, *above[code]])}
            said = quotes[quotes["code"].isin(named)]
            best = said.sort_values("coders", ascending=False, kind="stable")[["text", "quote_id"]]
            voices[side] = set(said["participant"])
            row[f"voices_{side}"] = len(voices[side])
            row[f"quote_{side}"], row[f"quote_{side}_id"] = best.iloc[0] if len(best) else ("", "")
        gap = len(voices["for"]) - len(voices["against"])
        row["side"] = "for" if gap > 0 else "against" if gap < 0 else "even"
        row["voices"] = len(voices["for"] | voices["against"])
        row["participants"] = units["participant"].nunique()
        rows.append(row)
    return pd.DataFrame(rows)


def joint_display(
    loans: pd.DataFrame, survey: pd.DataFrame, themes: pd.DataFrame, hypotheses: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per hypothesis: what each strand found, its outcome, and the verdict.

    Args:
        loans: `hypothesis`, `text`, `outcome` (one of `OUTCOMES`); a hypothesis without a row is absent.
        survey: the frame of `survey.construct_summary`; an empty frame where there was no survey.
        themes: the frame of `theme_evidence`; an empty frame where there were no interviews.
        hypotheses: as `hypotheses.csv`.

    Returns:
        `hypothesis`, `label_en`, `label_zh`, `claim_en`, `claim_zh`, for each of loan_data, survey, interviews a text
        and `*_outcome`, `quotes`, `verdict`, `verdict_zh`, `direction` (supported or challenged, with `partly`
        for a complement; open), `reason`.
    """
    rows = []
    for entry in hypotheses.to_dict("records"):
        loan_text, loan = _loan_data(loans, entry)
        survey_text, asked = _survey(survey, entry)
        voices_text, heard, quotes = _interviews(themes, entry)
        verdict, reason = decide(loan, asked, heard)
        clear = {loan, asked, heard} & {"supports", "contradicts"}
        direction = "open"
        if len(clear) == 1 and verdict != "not testable":
            direction = "supported" if clear == {"supports"} else "challenged"
            direction = direction if verdict == "convergence" else f"partly {direction}"
        rows.append(
            {
                **{k: entry[k] for k in ("hypothesis", "label_en", "label_zh", "claim_en", "claim_zh")},
                "loan_data": loan_text,
                "loan_data_outcome": loan,
                "survey": survey_text,
                "survey_outcome": asked,
                "interviews": voices_text,
                "interviews_outcome": heard,
                "quotes": quotes,
                "verdict": verdict,
                "verdict_zh": VERDICTS[verdict],
                "direction": direction,
                "reason": reason,
            }
        )
    return pd.DataFrame(rows)


def decide(loan_data: str, survey: str, interviews: str) -> tuple[str, str]:
    """Return the verdict and its reason from the outcomes of the three strands.

    Two strands must have a result and one of them a clear one, else the claim is not testable. Where one supports and
    another contradicts there is discord. Convergence: loan data and the survey or the interviews say the same; else
    one strand is clear where another is silent or undecided, a complement.
    """
    outcomes = dict(zip(("loan data", "survey", "interviews"), (loan_data, survey, interviews), strict=True))
    speaking = [name for name, outcome in outcomes.items() if outcome != "absent"]
    said = {side: [n for n in speaking if outcomes[n] == side] for side in ("supports", "contradicts")}
    if len(speaking) < 2:
        only = f"only the {speaking[0]} have a result" if speaking else "no strand has a result"
        return "not testable", only.replace("survey have", "survey has")
    if not said["supports"] and not said["contradicts"]:
        return "not testable", "no strand gives a clear result"
    if said["supports"] and said["contradicts"]:
        return "discord", f"{_and(said['supports'])} for the claim, {_and(said['contradicts'])} against it"
    side = "supports" if said["supports"] else "contradicts"
    word = "for" if side == "supports" else "against"
    rest = [
        f"{name} {'silent' if o == 'absent' else 'undecided'}" for name, o in outcomes.items() if o != side
    ]
    tail = f"; {_and(rest)}" if rest else ""
    agreeing = f"{_and(said[side])} {word} the claim{tail}"
    return "convergence" if "loan data" in said[side] and len(said[side]) > 1 else "complement", agreeing


def _loan_data(loans: pd.DataFrame, entry: dict[str, object]) -> tuple[str, str]:
    rows = loans[loans["hypothesis"] == entry["hypothesis"]]
    if rows.empty:
        return "The data do not measure it.", "absent"
    return str(rows["text"].iloc[0]), str(rows["outcome"].iloc[0])


def _survey(survey: pd.DataFrame, entry: dict[str, object]) -> tuple[str, str]:
    if survey.empty:
        return "No survey.", "absent"
    rows = survey[
        (survey["criterion"] == entry["hypothesis"])
        & survey["construct"].isin(_listed(entry["survey_constructs"]))
        & survey["estimate"].notna()
    ]
    if rows.empty:
        return "Not asked.", "absent"
    sides = {_side(row) for _, row in rows.iterrows()}
    text = "; ".join(
        f"Mean {_interval(row)} against a midpoint of {row['midpoint']:g} (n = {int(row['n']):,})"
        for _, row in rows.iterrows()
    )
    return text, sides.pop() if len(sides) == 1 else "inconclusive"


def _interviews(themes: pd.DataFrame, entry: dict[str, object]) -> tuple[str, str, str]:
    if themes.empty:
        return "No interviews.", "absent", ""
    row = themes.set_index("hypothesis").loc[entry["hypothesis"]]
    pro, contra = int(row["voices_for"]), int(row["voices_against"])
    text = f"{pro} of {int(row['participants'])} participants speak for it, {contra} against"
    quotes = " / ".join(
        f"“{row[f'quote_{side}']}” ({row[f'quote_{side}_id']})"
        for side in ("for", "against")
        if row[f"quote_{side}"]
    )
    if int(row["voices"]) < FEWEST_VOICES:
        return text, "absent", quotes
    if pro >= CLEAR_RATIO * contra:
        return text, "supports", quotes
    return text, "contradicts" if contra >= CLEAR_RATIO * pro else "inconclusive", quotes


def _side(row: pd.Series) -> str:
    """Outcome of the interval of a mean against the midpoint."""
    return (
        "supports" if row["ci_low"] > row["midpoint"]
        else "contradicts" if row["ci_high"] < row["midpoint"] else "inconclusive"
    )  # fmt: skip


def _interval(row: pd.Series) -> str:
    if np.isnan(row["ci_low"]) or np.isnan(row["ci_high"]):
        return f"{row['estimate']:.2f}, no interval"
    return f"{row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"


def _listed(cell: object) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()] if isinstance(cell, str) else []


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
