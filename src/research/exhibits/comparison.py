"""Page 05: which model serves which purpose, and does any beat what the lender has?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits import style
from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.terms import (
    MEASURES,
    MODELS,
    NAMES,
    NAMES_IN_TEXT,
    NOBODY,
    PURPOSES,
    RESULTS,
    in_text,
    named,
    titled,
)
from research.exhibits.words import N_, Said, Words, chosen

RISK_ANSWERS = {
    "none": N_("To find the risky, none of the three models matches a scorecard: of two customers, one with the "
               "outcome and one without, {best} ranks {best_auc:.0%} right, the scorecard {bar_auc:.0%} (AUC)."),
    "none, graded": N_("To find the risky, none of the three models matches a scorecard or the lender's grade: of "
                       "two customers, one with the outcome and one without, {best} ranks {best_auc:.0%} right, "
                       "the scorecard {bar_auc:.0%}, the grade {grade_auc:.0%} (AUC)."),
    "level": N_("To find the risky, the scorecard is not clearly better than {level}: of two customers, one with "
                "the outcome and one without, {best} ranks {best_auc:.0%} right, the scorecard {bar_auc:.0%} (AUC)."),
    "untested": N_("Finding the risky is not testable here."),
}  # fmt: skip
SETS = {
    "risk": {
        "alone": N_("Of the three, {models} finds the risky best."),
        "several": N_("Of the three, tests do not tell {models} apart."),
        "untested": "",
    },
    "need": {
        "refuted": N_("No model's tiers differ enough in what customers need."),
        "alone": N_("Needs are parted best by {models}."),
        "several": N_("At parting needs, tests do not tell {models} apart."),
        "untested": N_("Parting the needs is not testable here."),
    },
}
STILL_ANSWER = N_("Refitted on other samples, {stable} keeps its tiers best.")


def risk_answer(profile: pd.DataFrame, answers: pd.DataFrame, grade: str) -> Said:
    """Say whether any of the three models does as well as the bar at finding the risky.

    Of the steps `profile` and `served`; `grade` is `grade` where the lender recorded one, else `single`.
    """
    auc = profile[(profile["purpose"] == "risk") & (profile["arm"] == "as practised")].set_index("model")[
        "estimate"
    ]
    row = answers.set_index("purpose").loc["risk"]
    if not row["best"] or "scorecard" not in auc:
        return Said(RISK_ANSWERS["untested"])
    level = [name for name in MODELS if name in auc.dropna() and name not in row["below_bar"].split()]
    graded = grade == "grade" and auc.get("grade", 0) > auc[row["best"]]
    return chosen(RISK_ANSWERS, "level" if level else "none, graded" if graded else "none", best_auc=auc[row["best"]],
                  best=Said(NAMES_IN_TEXT[row["best"]]), bar_auc=auc["scorecard"], level=in_text(level),
                  grade_auc=auc.get("grade"))  # fmt: skip


def sets_answers(answers: pd.DataFrame, evidence: pd.DataFrame) -> list[Said]:
    """Say which of the three models serve finding the risky and parting the needs: steps `served` and `evidence`.

    A model is said to part needs only where claim H3a is not refuted.
    """
    served = answers.set_index("purpose")["served"].str.split()
    said = []
    for purpose, templates in SETS.items():
        names = served[purpose]
        code = "untested" if not names else "alone" if len(names) == 1 else "several"
        if purpose == "need" and names and set(names) <= refuted(evidence):
            code = "refuted"
        if templates[code]:
            said.append(chosen(templates, code, models=in_text(names)))
    return said


def refuted(evidence: pd.DataFrame) -> set[str]:
    """Return the models whose tiers were shown not to differ enough in what customers need."""
    return set(evidence.loc[(evidence["claim"] == "H3a") & (evidence["verdict"] == "refuted"), "model"])


def still_answer(answers: pd.DataFrame) -> Said:
    """Say which of the three models keeps its tiers best over refits."""
    best = answers.set_index("purpose").loc["stability", "best"]
    return Said(STILL_ANSWER, {"stable": in_text([best] if best else [])})


def rankings(rows: pd.DataFrame, facts: Mapping[str, Any], grade: str, share: float) -> Exhibit:
    """Show the rate of the outcome by tier for every ranking on one axis: `rows` of the step `rankings`.

    `facts` are those of the data set, `grade` what the one-variable reference is, `share` that of the high-risk tier.
    """
    outcome = facts["outcome_name"]
    frame = named(rows, grade).assign(outcome=outcome, overall=facts["outcome_rate"])
    high = frame[frame["tier"] == "high"].set_index("model")["bad"]
    own = high.reindex([name for name in MODELS if name in high]).dropna()
    if own.empty or "scorecard" not in high or "random" not in high:
        said = Said(N_("Rate of {outcome} in each tier under every ranking."), {"outcome": outcome})
    else:
        said = Said(N_("The high-risk tier, {share:.0%} of customers, holds {bar:,.0f} of the {bad:,.0f} with "
                       "{outcome} under the scorecard, {best_bad:,.0f} under {best}, and {random:,.0f} under "
                       "random tiers."),
                    {"bad": frame.loc[frame["model"] == "scorecard", "bad"].sum(), "outcome": outcome, "share": share,
                     "bar": high["scorecard"], "best_bad": own.max(), "best": Said(NAMES_IN_TEXT[str(own.idxmax())]),
                     "random": high["random"]})  # fmt: skip
    alt = Said(
        N_("One panel per ranking; four tiers in each, premium to high risk, with rate, interval and n.")
    )
    return Exhibit(
        "rankings", frame, said, alt, rankings_drawn, within=("model",),
        formats={"rate": interval(".2%", "rate"), "n": ",.0f", "bad": ",.0f", "expected": ".2%"},
        headings={"model": N_("Ranking"), "tier": N_("Tier"), "n": N_("Customers"), "bad": style.with_outcome(outcome),
                  "rate": style.rate_of(outcome)},
    )  # fmt: skip


@drawing
def rankings_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per ranking; the dashed line is the rate of all customers."""
    order = [name for name in NAMES if name in set(frame["model"])]
    parts = [(words(NAMES[name]), frame[frame["model"] == name]) for name in order]
    text = N_("Rate of {outcome}, 95 % interval; the dashed line is the rate of all customers")
    return style.panels_of_tiers(parts, words, 4, 1.45, words(text, outcome=str(frame["outcome"].iloc[0])))


PROFILE = N_("What each model is good for: estimates with {level:.0%} intervals per purpose, as practised; the "
             "scorecard and {grade} beside them.")  # fmt: skip


def profile(rows: pd.DataFrame, grade: str) -> Exhibit:
    """Show purpose by model: a panel per purpose, estimates with intervals."""
    kept = rows[(rows["arm"] == "as practised") & (rows["mark"] != "by construction")]
    shown = kept.loc[kept["model"].isin(MODELS) & (kept["purpose"] != "hand"), "purpose"]
    kept = kept[kept["purpose"].isin(shown)]
    frame = named(kept, grade).assign(
        purpose_label=kept["purpose"].map(PURPOSES), measure=kept["purpose"].map(MEASURES)
    )
    said = Said(PROFILE, {"level": 0.95, "grade": Said(NAMES_IN_TEXT[grade])})
    alt = Said(N_("One panel per purpose; models are rows with a dot and an interval, references in grey."))
    return Exhibit(
        "profile", frame, said, alt, profile_drawn, within=None,
        headings={"purpose_label": N_("Purpose"), "measure": N_("Measure"), "model": N_("Model"),
                  "estimate": N_("Estimate [95 % interval]"), "mark": N_("Note")},
        formats={"estimate": interval(".3f")},
    )  # fmt: skip


@drawing
def profile_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per purpose with its own axis; models are rows."""
    purposes = list(dict.fromkeys(frame["purpose"]))
    order = [name for name in NAMES if name in set(frame["model"])]
    figure, grid = style.panels(words, len(purposes), 3, 2.1, 0.2, sharey=True)
    for axes, purpose in zip(grid, purposes, strict=True):
        part = frame[frame["purpose"] == purpose].set_index("model").reindex(order)
        inks = [style.INK if name in MODELS else style.MUTED for name in order]
        axes.hlines(range(len(order)), part["ci_low"], part["ci_high"], color=inks, linewidth=1.6)
        sns.scatterplot(x=part["estimate"].to_numpy(), y=np.arange(len(order)),
                        hue=[name in MODELS for name in order], palette={True: style.ACCENT, False: style.MUTED}, s=36,
                        legend=False, ax=axes, zorder=3)  # fmt: skip
        style.name_rows(axes, [words(NAMES[name]) for name in order])
        axes.set(title=words(PURPOSES[purpose]), xlabel=words(MEASURES[purpose]))
        axes.locator_params(axis="x", nbins=4)
    return figure


NOTES = {
    "by construction": N_("by construction: no verdict"),
    "demonstration": N_("demonstration: the experts are invented"),
    "not tested here": N_("not tested here"),
    "": "",
}
PAIRED = ("risk", "value", "need", "profit")
UNTESTED_NOTES = {
    "stability": N_("in order of the estimate; no test, since more refits would shrink any p-value"),
    "hand": N_("in order of the count"),
}
ANSWERS = {
    "alone": N_("Of {n} purposes with a test on these data, {alone} leave one model alone; on the others several "
                "serve."),
    "several": N_("On none of the {n} purposes with a test on these data is one model shown to be better than both "
                  "others."),
}  # fmt: skip


def answers(rows: pd.DataFrame, profile_rows: pd.DataFrame, evidence: pd.DataFrame) -> Exhibit:
    """Show one row per purpose: the models that serve it, and what speaks against them.

    Where the purpose is served by construction there is no verdict: neither a model nor an estimate is named.
    """
    judged, too_little = rows["mark"] != "by construction", refuted(evidence)
    values = profile_rows[profile_rows["arm"] == "as practised"].set_index(["purpose", "model"])["estimate"]
    frame = rows.assign(
        label=rows["purpose"].map(PURPOSES),
        measure=rows["purpose"].map(MEASURES),
        estimate=[values.get((row.purpose, row.best), np.nan) for row in rows.itertuples()],
        models=[
            _serving(row, too_little) if row.mark in ("", "demonstration") else "–"
            for row in rows.itertuples()
        ],
        note=[_note(row, too_little) for row in rows.itertuples()],
    )
    frame["estimate"] = frame["estimate"].where(judged)
    tested = frame[(frame["mark"] == "") & frame["purpose"].isin(PAIRED)]
    alone = int((tested["served"].str.split().str.len() == 1).sum())
    said = chosen(ANSWERS, "alone" if alone else "several", n=len(tested), alone=alone)
    return Exhibit(
        "answers", frame, said, within=None,
        headings={"label": N_("Purpose"), "measure": N_("Judged by"), "models": N_("Who serves it"),
                  "estimate": N_("Best estimate"), "note": N_("Note")},
        formats={"estimate": {PURPOSES["hand"]: ",.0f", PURPOSES["profit"]: ".3%"}},
    )  # fmt: skip


def _serving(row: Any, too_little: set[str]) -> str:
    nobody = row.purpose == "need" and row.served and set(row.served.split()) <= too_little
    return NOBODY if nobody else _listed(row.served)


def _listed(names: str) -> str:
    return ", ".join(NAMES[name] for name in names.split())


def _note(row: Any, too_little: set[str]) -> str:
    if row.mark == "by construction":
        return NOTES[row.mark]
    said = [NOTES[row.mark], UNTESTED_NOTES.get(row.purpose, "") if row.served else ""]
    for text, names in (
        (N_("tiers differ too little to matter"), row.served if row.purpose == "need" and too_little else ""),
        (N_("worse than the scorecard beyond the margin"), row.below_bar),
        (N_("below random tiers, avoid"), row.avoid),
    ):
        said.append(f"{_listed(names)}: {text}" if names else "")
    return "; ".join(filter(None, said))


CONTRASTS = {
    "primary": N_("Clear after adjustment: {clear} of {n} differences between the three models as practised."),
    "equal information": N_("With equal information, clear after adjustment: {clear} of {n} differences between "
                            "the three models."),
    "against the bar": N_("In {worse} of {n} comparisons with the scorecard or {grade} the model is clearly worse, "
                          "in {better} clearly better."),
}  # fmt: skip


def contrasts(rows: pd.DataFrame, family: str, grade: str) -> Exhibit:
    """Show the paired differences of one family, adjusted once by Holm."""
    part = rows[rows["family"] == family]
    counts = part["result"].value_counts()
    better, worse = int(counts.get("better", 0)), int(counts.get("worse", 0))
    said = chosen(CONTRASTS, family, n=len(part), clear=better + worse, better=better, worse=worse,
                  grade=Said(NAMES_IN_TEXT[grade]))  # fmt: skip
    frame = titled(part, grade).assign(label=part["purpose"].map(PURPOSES), said=part["result"].map(RESULTS))
    frame["pair"] = frame["model_a"].fillna("") + " − " + frame["model_b"].fillna("")
    return Exhibit(
        {"primary": "differences", "equal information": "differences_equal", "against the bar": "against_bar"}[family],
        frame, said, within=None,
        headings={"label": N_("Purpose"), "pair": N_("Models"), "difference": N_("Difference [95 % interval]"),
                  "margin": N_("Margin"), "p_holm": N_("p, adjusted"), "said": N_("Result")},
        formats={"difference": interval("+.3f", "difference"), "p_holm": "p", "margin": ".3f"},
        supplement=family == "equal information",
    )  # fmt: skip


def calibration(rows: pd.DataFrame, grade: str, facts: Mapping[str, Any]) -> Exhibit:
    """Show observed over expected rate per tier; tiers whose expected rate lies outside the interval are marked."""
    own = named(rows, grade)
    off = own[(own["model"].isin(MODELS)) & ~own["inside"]]
    frame = titled(rows, grade)
    frame = frame.assign(label=frame["tier"].map({"premium": N_("Premium"), "low": N_("Low risk"),
                                                  "medium": N_("Medium risk"), "high": N_("High risk")}),
                         verdict=np.where(frame["inside"], N_("yes"), N_("no")))  # fmt: skip
    said = Said(N_("The expected {rate_word} lies outside the interval of the observed one in {off} "
                   "of {n} tiers of the models."),
                {"rate_word": facts["rate_word"], "off": len(off),
                 "n": int(own["model"].isin(MODELS).sum())})  # fmt: skip
    return Exhibit(
        "calibration", frame, said, within=("model",),
        headings={"model": N_("Ranking"), "label": N_("Tier"), "n": N_("Customers"),
                  "bad": style.with_outcome(facts["outcome_name"]), "rate": N_("Observed [95 % interval]"),
                  "expected": N_("Expected"), "verdict": N_("Expected inside")},
        formats={"rate": interval(".2%", "rate"), "n": ",.0f", "bad": ",.0f", "expected": ".2%"},
    )  # fmt: skip


def unaided(rows: pd.DataFrame, profile_rows: pd.DataFrame) -> Exhibit:
    """Show the AUC with and without the lender's own grade and rate."""
    known = profile_rows[(profile_rows["purpose"] == "risk") & (profile_rows["arm"] == "as practised")]
    frame = known.set_index("model")[["estimate", "ci_low", "ci_high"]].add_prefix("with_")
    frame = rows.set_index("model").join(frame).reset_index()
    frame["drop"] = frame["with_estimate"] - frame["estimate"]
    worst = frame.loc[frame["drop"].idxmax()]
    said = Said(
        N_("Without the lender's grade and rate, {model} loses most: its AUC falls from {before:.3f} to {after:.3f}."),
        {"model": Said(NAMES_IN_TEXT[worst["model"]]), "before": worst["with_estimate"], "after": worst["estimate"]},
    )  # fmt: skip
    frame["model"] = frame["model"].map(NAMES)
    return Exhibit(
        "unaided", frame, said, within=None,
        headings={"model": N_("Ranking"), "with_estimate": N_("AUC as practised [95 % interval]"),
                  "estimate": N_("Without grade and rate [95 % interval]")},
        formats={"with_estimate": interval(".3f", "with_estimate", "with_ci"), "estimate": interval(".3f")},
    )  # fmt: skip


DESIGN = {
    "one": N_("{folds}-fold cross-validation on {known:,} customers, {bad:,} {outcome_word} among them, one "
              "repeat: intervals leave out how much another partition would change."),
    "several": N_("{folds}-fold cross-validation on {known:,} customers, {bad:,} {outcome_word} among them, "
                  "{repeats} repeats."),
}  # fmt: skip


def design_limit(folds: int, repeats: int, facts: Mapping[str, Any]) -> Said:
    """Say what was resampled, and what one repeat leaves out. `facts`: `known`, `bad`, `outcome_word`."""
    counted = dict(facts) | (facts.get("sample") or {})
    return chosen(DESIGN, "one" if repeats == 1 else "several", **counted, folds=folds, repeats=repeats)
