"""Page 05: which model serves which purpose, and does any beat what the lender has?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import (
    ACCENT,
    INK,
    MUTED,
    canvas,
    forest,
    panels_of_tiers,
    rate_of,
    small_multiples,
    with_outcome,
)
from research.exhibits.words import N_, Said, Words, chosen

MODELS = ("rfm", "abc", "tree")
NAMES = {
    "rfm": N_("RFM"),
    "abc": N_("ABC"),
    "tree": N_("Decision tree"),
    "scorecard": N_("Scorecard"),
    "grade": N_("Lender's grade"),
    "single": N_("Best single variable"),
    "boosting": N_("Gradient boosting"),
    "random": N_("Random tiers"),
    "optimal_tree": N_("Optimal tree"),
}
PURPOSES = {
    "risk": N_("find the risky"),
    "state_risk": N_("state the risk"),
    "value": N_("find the valuable"),
    "need": N_("part the needs"),
    "stability": N_("hold still"),
    "profit": N_("earn"),
    "hand": N_("be used by hand"),
    "fairness": N_("be fair"),
    "practitioners": N_("agree with practitioners"),
}
MEASURES = {
    "risk": N_("AUC"),
    "value": N_("concentration of value"),
    "need": N_("Cramér's V"),
    "stability": N_("adjusted Rand index"),
    "profit": N_("maximum profit per unit lent"),
    "hand": N_("rows to read"),
    "fairness": N_("equal-opportunity ratio"),
    "practitioners": N_("quadratic κ"),
}
RESULTS = {
    "better": N_("the first is better"),
    "worse": N_("the first is worse"),
    "equivalent": N_("no difference that matters"),
    "undecided": N_("undecided"),
    "not tested": N_("not tested"),
}
RISK_ANSWERS = {
    "none": N_(
        "To find the risky, none of the three models matches a scorecard: of two customers, one with the "
        "outcome and one without, {best} ranks {best_auc:.0%} right, the scorecard {bar_auc:.0%} (AUC)."
    ),
    "none, graded": N_(
        "To find the risky, none of the three models matches a scorecard or the lender's grade: of two "
        "customers, one with the outcome and one without, {best} ranks {best_auc:.0%} right, the scorecard "
        "{bar_auc:.0%}, the grade {grade_auc:.0%} (AUC)."
    ),
    "level": N_(
        "To find the risky, the scorecard is not clearly better than {level}: of two customers, one with the outcome "
        "and one without, {best} ranks {best_auc:.0%} right, the scorecard {bar_auc:.0%} (AUC)."
    ),
    "untested": N_("Finding the risky is not testable here."),
}
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

    Args:
        profile: `purpose, model, arm, estimate`.
        answers: one row per purpose: `best`, `below_bar`, `served`.
        grade: `grade` where the lender recorded one, else `single`.
    """
    auc = profile[(profile["purpose"] == "risk") & (profile["arm"] == "as practised")].set_index("model")[
        "estimate"
    ]
    row = answers.set_index("purpose").loc["risk"]
    if not row["best"] or "scorecard" not in auc:
        return Said(RISK_ANSWERS["untested"])
    fields = {
        "best_auc": auc[row["best"]],
        "best": Said(NAMES_IN_TEXT[row["best"]]),
        "bar_auc": auc["scorecard"],
    }
    level = [name for name in MODELS if name in auc.dropna() and name not in row["below_bar"].split()]
    if level:
        return Said(RISK_ANSWERS["level"], fields | {"level": in_text(level)})
    if grade == "grade" and auc.get("grade", 0) > auc[row["best"]]:
        return Said(RISK_ANSWERS["none, graded"], fields | {"grade_auc": auc["grade"]})
    return Said(RISK_ANSWERS["none"], fields)


NAMES_IN_TEXT = {
    "rfm": N_("RFM"),
    "abc": N_("ABC"),
    "tree": N_("the tree"),
    "scorecard": N_("the scorecard"),
    "grade": N_("the lender's grade"),
    "single": N_("the best single variable"),
    "boosting": N_("gradient boosting"),
    "random": N_("random tiers"),
}
NOBODY = N_("none")


def in_text(names: list[str]) -> list[Said]:
    """Return models as they stand in a sentence."""
    return [Said(NAMES_IN_TEXT[name]) for name in names] or [Said(NOBODY)]


def sets_answers(answers: pd.DataFrame, evidence: pd.DataFrame) -> list[Said]:
    """Say which of the three models serve finding the risky and parting the needs.

    Args:
        answers: one row per purpose: `served`.
        evidence: `claim, model, verdict`; a model is said to part needs only where claim H3a is not refuted.
    """
    served = answers.set_index("purpose")["served"].str.split()
    said = []
    for purpose, templates in SETS.items():
        names = served[purpose]
        code = "untested" if not names else "alone" if len(names) == 1 else "several"
        if purpose == "need" and names and set(names) <= refuted(evidence):
            code = "refuted"
        if templates[code]:
            said.append(Said(templates[code], {"models": in_text(names)} if "{" in templates[code] else {}))
    return said


def refuted(evidence: pd.DataFrame) -> set[str]:
    """Return the models whose tiers were shown not to differ enough in what customers need."""
    return set(evidence.loc[(evidence["claim"] == "H3a") & (evidence["verdict"] == "refuted"), "model"])


def still_answer(answers: pd.DataFrame) -> Said:
    """Say which of the three models keeps its tiers best over refits."""
    best = answers.set_index("purpose").loc["stability", "best"]
    return Said(STILL_ANSWER, {"stable": in_text([best] if best else [])})


# ---------------------------------------------------------------------------------------------------- tiers by ranking


def rankings(rows: pd.DataFrame, facts: Mapping[str, Any], grade: str, share: float) -> Exhibit:
    """Show the rate of the outcome by tier for every ranking on one axis.

    Args:
        rows: `model, tier, n, bad, rate, ci_low, ci_high`.
        facts: `outcome_name`, the outcome in the data set's own words, and `outcome_rate` of all customers.
        grade: what the one-variable reference is, `grade` or `single`.
        share: share of customers in the high-risk tier.
    """
    outcome = facts["outcome_name"]
    frame = named(rows, grade).assign(outcome=outcome, overall=facts["outcome_rate"])
    high = frame[frame["tier"] == "high"].set_index("model")["bad"]
    own = high.reindex([name for name in MODELS if name in high]).dropna()
    if own.empty or "scorecard" not in high or "random" not in high:
        said = Said(N_("Rate of {outcome} in each tier under every ranking."), {"outcome": outcome})
    else:
        said = Said(
            N_(
                "The high-risk tier, {share:.0%} of customers, holds {bar:,.0f} of the {bad:,.0f} with {outcome} under "
                "the scorecard, {best_bad:,.0f} under {best}, and {random:,.0f} under random tiers."
            ),
            {
                "bad": frame.loc[frame["model"] == "scorecard", "bad"].sum(),
                "outcome": outcome,
                "share": share,
                "bar": high["scorecard"],
                "best_bad": own.max(),
                "best": Said(NAMES_IN_TEXT[str(own.idxmax())]),
                "random": high["random"],
            },
        )
    alt = Said(
        N_("One panel per ranking; four tiers in each, premium to high risk, with rate, interval and n.")
    )
    return Exhibit(
        "rankings", frame, said, alt, rankings_drawn, within=("model",),
        formats={"rate": "{rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]", "n": ",.0f", "bad": ",.0f", "expected": ".2%"},
        headings={"model": N_("Ranking"), "tier": N_("Tier"), "n": N_("Customers"), "bad": with_outcome(outcome),
                  "rate": rate_of(outcome)},
    )  # fmt: skip


@drawing
def rankings_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per ranking; the dashed line is the rate of all customers."""
    order = [name for name in NAMES if name in set(frame["model"])]
    parts = [(words(NAMES[name]), frame[frame["model"] == name]) for name in order]
    text = N_("Rate of {outcome}, 95 % interval; the dashed line is the rate of all customers")
    return panels_of_tiers(parts, words, 4, 1.45, words(text, outcome=str(frame["outcome"].iloc[0])))


def named(rows: pd.DataFrame, grade: str) -> pd.DataFrame:
    """Return rows in which the one-variable reference is called what it is."""
    columns = [name for name in ("model", "model_a", "model_b") if name in rows]
    return rows.assign(**{name: rows[name].replace("grade", grade) for name in columns})


def titled(rows: pd.DataFrame, grade: str) -> pd.DataFrame:
    """Return rows whose models have the names that a table shows."""
    made = named(rows, grade)
    columns = [name for name in ("model", "model_a", "model_b") if name in made]
    return made.assign(**{name: made[name].map(NAMES) for name in columns})


# ------------------------------------------------------------------------------------------------------------- profile
PROFILE = N_(
    "What each model is good for: estimates with {level:.0%} intervals per purpose, as practised; the scorecard and "
    "{grade} beside them."
)


def profile(rows: pd.DataFrame, grade: str, level: float = 0.95) -> Exhibit:
    """Show purpose by model: a panel per purpose, estimates with intervals."""
    kept = rows[(rows["arm"] == "as practised") & (rows["mark"] != "by construction")]
    shown = kept.loc[kept["model"].isin(MODELS) & (kept["purpose"] != "hand"), "purpose"]
    kept = kept[kept["purpose"].isin(shown)]
    frame = named(kept, grade).assign(
        purpose_label=kept["purpose"].map(PURPOSES), measure=kept["purpose"].map(MEASURES)
    )
    said = Said(PROFILE, {"level": level, "grade": Said(NAMES_IN_TEXT[grade])})
    alt = Said(N_("One panel per purpose; models are rows with a dot and an interval, references in grey."))
    return Exhibit(
        "profile", frame, said, alt, profile_drawn, within=None,
        headings={"purpose_label": N_("Purpose"), "measure": N_("Measure"), "model": N_("Model"),
                  "estimate": N_("Estimate [95 % interval]"), "mark": N_("Note")},
        formats={"estimate": "{estimate:.3f} [{ci_low:.3f}, {ci_high:.3f}]"},
    )  # fmt: skip


@drawing
def profile_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per purpose with its own axis; models are rows."""
    purposes = list(dict.fromkeys(frame["purpose"]))
    order = [name for name in NAMES if name in set(frame["model"])]
    columns = 1 if words.narrow else min(3, len(purposes))
    lines = -(-len(purposes) // columns)
    figure = canvas(words, 2.1 * lines + 0.2)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for spare in grid[len(purposes) :]:
        spare.set_axis_off()
    for axes, purpose in zip(grid, purposes, strict=False):
        part = frame[frame["purpose"] == purpose].set_index("model").reindex(order)
        inks = [INK if name in MODELS else MUTED for name in order]
        axes.hlines(range(len(order)), part["ci_low"], part["ci_high"], color=inks, linewidth=1.6)
        sns.scatterplot(
            x=part["estimate"].to_numpy(), y=np.arange(len(order)), hue=[name in MODELS for name in order],
            palette={True: ACCENT, False: MUTED}, s=36, legend=False, ax=axes, zorder=3,
        )  # fmt: skip
        axes.set_yticks(range(len(order)), [words(NAMES[name]) for name in order])
        axes.set_ylim(len(order) - 0.5, -0.5)
        axes.set_title(words(PURPOSES[purpose]))
        axes.set(xlabel=words(MEASURES[purpose]), ylabel="")
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x")
        sns.despine(ax=axes, left=True)
    return figure


# ------------------------------------------------------------------------------------------------------------- answers
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
    "alone": N_(
        "Of {n} purposes with a test on these data, {alone} leave one model alone; on the others several serve."
    ),
    "several": N_(
        "On none of the {n} purposes with a test on these data is one model shown to be better than both others."
    ),
}


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
    said = Said(
        ANSWERS["alone" if alone else "several"], {"n": len(tested)} | ({"alone": alone} if alone else {})
    )
    return Exhibit(
        "answers", frame, said, within=None,
        headings={"label": N_("Purpose"), "measure": N_("Judged by"),
                  "models": N_("Who serves it"), "estimate": N_("Best estimate"),
                  "note": N_("Note")},
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


# ----------------------------------------------------------------------------------------------------------- contrasts
CONTRASTS = {
    "primary": N_(
        "Clear after adjustment: {clear} of {n} differences between the three models as practised."
    ),
    "equal information": N_(
        "With equal information, clear after adjustment: {clear} of {n} differences between the three models."
    ),
    "against the bar": N_(
        "In {worse} of {n} comparisons with the scorecard or {grade} the model is clearly worse, in {better} clearly "
        "better."
    ),
}


def contrasts(rows: pd.DataFrame, family: str, grade: str) -> Exhibit:
    """Show the paired differences of one family, adjusted once by Holm."""
    part = rows[rows["family"] == family]
    counts = part["result"].value_counts()
    better, worse = int(counts.get("better", 0)), int(counts.get("worse", 0))
    clear: dict[str, Any] = {"clear": better + worse}
    if family == "against the bar":
        clear = {"better": better, "worse": worse, "grade": Said(NAMES_IN_TEXT[grade])}
    frame = titled(part, grade).assign(
        label=part["purpose"].map(PURPOSES),
        said=part["result"].map(RESULTS),
    )
    frame["pair"] = frame["model_a"].fillna("") + " − " + frame["model_b"].fillna("")
    return Exhibit(
        {"primary": "differences", "equal information": "differences_equal", "against the bar": "against_bar"}[family],
        frame, Said(CONTRASTS[family], {"n": len(part), **clear}), within=None,
        headings={"label": N_("Purpose"), "pair": N_("Models"), "difference": N_("Difference [95 % interval]"),
                  "margin": N_("Margin"), "p_holm": N_("p, adjusted"), "said": N_("Result")},
        formats={"difference": "{difference:+.3f} [{ci_low:.3f}, {ci_high:.3f}]", "p_holm": "p", "margin": ".3f"},
        supplement=family == "equal information",
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- state the risk
def calibration(rows: pd.DataFrame, grade: str, facts: Mapping[str, Any]) -> Exhibit:
    """Show observed over expected rate per tier; tiers whose expected rate lies outside the interval are marked."""
    own = named(rows, grade)
    off = own[(own["model"].isin(MODELS)) & ~own["inside"]]
    frame = titled(rows, grade)
    frame = frame.assign(
        label=frame["tier"].map({"premium": N_("Premium"), "low": N_("Low risk"), "medium": N_("Medium risk"),
                                 "high": N_("High risk")}),
        verdict=np.where(frame["inside"], N_("yes"), N_("no")),
    )  # fmt: skip
    said = Said(
        N_(
            "The expected {rate_word} lies outside the interval of the observed one in {off} of {n} tiers of the "
            "models."
        ),
        {"rate_word": facts["rate_word"], "off": len(off), "n": int(own["model"].isin(MODELS).sum())},
    )
    return Exhibit(
        "calibration", frame, said, within=("model",),
        headings={"model": N_("Ranking"), "label": N_("Tier"), "n": N_("Customers"),
                  "bad": with_outcome(facts["outcome_name"]), "rate": N_("Observed [95 % interval]"),
                  "expected": N_("Expected"), "verdict": N_("Expected inside")},
        formats={"rate": "{rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]", "n": ",.0f", "bad": ",.0f", "expected": ".2%"},
    )  # fmt: skip


# ---------------------------------------------------------------------------------------- without the lender's own view
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
        formats={"with_estimate": "{with_estimate:.3f} [{with_ci_low:.3f}, {with_ci_high:.3f}]",
                 "estimate": "{estimate:.3f} [{ci_low:.3f}, {ci_high:.3f}]"},
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------- over lenders
SHOWN = (
    ("risk", "as practised", "tree", "scorecard"),
    ("risk", "as practised", "abc", "scorecard"),
    ("risk", "as practised", "tree", "rfm"),
    ("risk", "equal information", "tree", "rfm"),
)
LENDER_HEADINGS = {
    "purpose": N_("Purpose"),
    "arm": N_("Inputs"),
    "model_a": N_("First"),
    "model_b": N_("Second"),
    "lender": N_("Lender"),
    "estimate": N_("Difference [95 % interval]"),
    "prediction_low": N_("A further lender, from"),
    "prediction_high": N_("to"),
}
LENDER_FORMATS = {
    "estimate": "{estimate:+.3f} [{ci_low:.3f}, {ci_high:.3f}]",
    "prediction_low": ".3f",
    "prediction_high": ".3f",
}
LENDERS = {
    "below": N_(
        "Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} below the scorecard's (95 % interval {low:.3f} to "
        "{high:.3f})."
    ),
    "below, not everywhere": N_(
        "Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} below the scorecard's (95 % interval {low:.3f} to "
        "{high:.3f}): on average, not everywhere."
    ),
    "above": N_(
        "Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} above the scorecard's (95 % interval {low:.3f} to "
        "{high:.3f})."
    ),
    "open": N_(
        "Over {lenders:.0f} lenders no difference of the tree from the scorecard is shown: {gap:.3f} (95 % interval "
        "{low:.3f} to {high:.3f})."
    ),
    "few": N_("Differences between models at each lender; too few lenders to pool."),
}


def lenders(rows: pd.DataFrame, pooled: pd.DataFrame, origin: str) -> Exhibit:
    """Show four differences at each lender with the pooled mean and the prediction interval, a forest plot.

    Args:
        rows: `purpose, arm, model_a, model_b, lender, estimate, ci_low, ci_high`.
        pooled: the same keys with `lenders, estimate, ci_low, ci_high, prediction_low, prediction_high`.
        origin: `real`, or `recorded` where the values come from the recorded run.
    """
    frame, keys = _over_lenders(rows, pooled, SHOWN), [*LENDER_HEADINGS][:4]
    first = _where(pooled, dict(zip(keys, SHOWN[0], strict=True)))
    alt = Said(
        N_(
            "Four panels, one per pair of models: a dot with interval per lender, a diamond for all lenders, and a "
            "thin line for where a further lender would lie."
        )
    )
    return Exhibit(
        "lenders", frame, _pooled_said(first), alt, lenders_drawn, within=None, origin=origin,
        headings=LENDER_HEADINGS, formats=LENDER_FORMATS,
    )  # fmt: skip


def _over_lenders(
    rows: pd.DataFrame, pooled: pd.DataFrame, shown: tuple[tuple[str, ...], ...]
) -> pd.DataFrame:
    keys = [*LENDER_HEADINGS][:4]
    parts = []
    for number, key in enumerate(shown):
        match = dict(zip(keys, key, strict=True))
        mean = _where(pooled, match).assign(lender=N_("All lenders"))
        parts.append(pd.concat([_where(rows, match), mean], ignore_index=True).assign(panel=number))
    columns = [*keys, "panel", "lender", "lenders", "estimate", "ci_low", "ci_high", "prediction_low",
               "prediction_high", "i_squared"]  # fmt: skip
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def _where(rows: pd.DataFrame, match: dict[str, str]) -> pd.DataFrame:
    if rows.empty:
        return rows
    return rows[np.logical_and.reduce([rows[name] == value for name, value in match.items()])]


def _pooled_said(first: pd.DataFrame) -> Said:
    if first.empty:
        return Said(LENDERS["few"])
    row = first.iloc[0]
    crosses = not (row["prediction_low"] > 0 or row["prediction_high"] < 0)
    code = "above" if row["ci_low"] > 0 else "open"
    if row["ci_high"] < 0:
        code = "below, not everywhere" if crosses else "below"
    gap = row["estimate"] if code == "open" else abs(row["estimate"])
    ends = (row["ci_low"], row["ci_high"])
    low, high = sorted(map(abs, ends)) if code.startswith("below") else ends
    return Said(LENDERS[code], {"lenders": row["lenders"], "gap": gap, "low": low, "high": high})


PANELS = (
    N_("Tree − scorecard"),
    N_("ABC − scorecard"),
    N_("Tree − RFM, as practised"),
    N_("Tree − RFM, equal information"),
)


@drawing
def lenders_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest plot per pair of models on one axis of differences in AUC."""
    order = [name for name in dict.fromkeys(frame["lender"]) if name != "All lenders"] + ["All lenders"]
    figure, panels = small_multiples(words, len(PANELS), columns=2, row_height=0.24 * len(order) + 0.7)
    for number, axes in enumerate(panels):
        rows = frame[frame["panel"] == number].set_index("lender")
        forest(axes, rows, order, "All lenders", 0, words)
        axes.set_title(words(PANELS[number]))
    # The line for a further lender may reach far beyond what any lender shows, and leave the panel.
    ends = frame[["ci_low", "ci_high"]]
    panels[0].set_xlim(ends.min().min() - 0.05, ends.max().max() + 0.05)
    panels[-1].set_xlabel(words(N_("Difference in AUC, 95 % interval")))
    return figure


OTHER_PURPOSES = (("need", "as practised", "tree", "abc"), ("profit", "as practised", "tree", "abc"))
OTHERS = {
    "open": N_("Over lenders, no difference of the tree from ABC is shown in parting needs or in earning."),
    "clear": N_("Over lenders, the tree and ABC differ in how well they {purposes}."),
    "few": N_("The tree less ABC in parting needs and in earning, at each lender; too few lenders to pool."),
}


def lenders_otherwise(rows: pd.DataFrame, pooled: pd.DataFrame, origin: str) -> Exhibit:
    """Show the tree less ABC in parting needs and in earning at each lender and pooled: frames as for `lenders`."""
    frame = _over_lenders(rows, pooled, OTHER_PURPOSES)
    mean = frame[frame["lender"] == "All lenders"]
    clear = mean[(mean["ci_low"] > 0) | (mean["ci_high"] < 0)]["purpose"].tolist()
    code = "few" if mean.empty else "clear" if clear else "open"
    said = Said(OTHERS[code], {"purposes": [Said(PURPOSES[name]) for name in clear]} if clear else {})
    alt = Said(
        N_("Two panels: a dot with interval per lender, a diamond for all, a thin line for a further one.")
    )
    return Exhibit("lenders_otherwise", frame, said, alt, lenders_otherwise_drawn, within=None, origin=origin,
                   headings=LENDER_HEADINGS, formats=LENDER_FORMATS, supplement=True)  # fmt: skip


@drawing
def lenders_otherwise_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest plot per purpose, each on its own axis."""
    order = [name for name in dict.fromkeys(frame["lender"]) if name != "All lenders"] + ["All lenders"]
    columns = 1 if words.narrow else 2
    figure = canvas(words, (0.24 * len(order) + 0.9) * (2 // columns))
    for number, axes in enumerate(figure.subplots(2 // columns, columns, squeeze=False).ravel()):
        rows = frame[frame["panel"] == number].set_index("lender")
        forest(axes, rows, order, "All lenders", 0, words)
        ends = rows[["ci_low", "ci_high"]]
        room = 0.1 * (ends.max().max() - ends.min().min()) if len(rows) else 0
        if room > 0:
            axes.set_xlim(ends.min().min() - room, ends.max().max() + room)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        purpose = OTHER_PURPOSES[number][0]
        axes.set_title(words(PURPOSES[purpose]))
        axes.set_xlabel(words(MEASURES[purpose]))
    return figure


# --------------------------------------------------------------------------------------------------- other choices
SPECIFIED = {
    "same": N_(
        "Under all {n} sets of other choices the difference between {a} and {b} has one result: {result}."
    ),
    "mixed": N_(
        "Of {n} sets of other choices, {a} is clearly better than {b} in {better} and clearly worse in {worse}."
    ),
}


def specification(curve: pd.DataFrame) -> Exhibit:
    """Show the difference between two models for each purpose under every combination of other choices.

    Args:
        curve: `purpose, model_a, model_b, inputs, outcome, weights, tier_shares, window, difference, ci_low, ci_high,
            result, own`.
    """
    pair = ("tree", "abc") if ((curve["model_a"] == "tree") & (curve["model_b"] == "abc")).any() else None
    rows = curve if pair is None else curve[(curve["model_a"] == pair[0]) & (curve["model_b"] == pair[1])]
    rows = rows.sort_values(["purpose", "difference"], ascending=[False, True], kind="stable")
    rows = rows.assign(
        place=rows.groupby("purpose", sort=False).cumcount(),
        label=rows["purpose"].map(PURPOSES),
        outcome=rows["outcome"].str.replace("_", " "),
    )
    counts = rows["result"].value_counts()
    names = {
        "a": Said(NAMES_IN_TEXT[rows["model_a"].iloc[0]]),
        "b": Said(NAMES_IN_TEXT[rows["model_b"].iloc[0]]),
    }
    if len(counts) == 1:
        said = Said(SPECIFIED["same"], names | {"n": len(rows), "result": Said(RESULTS[counts.index[0]])})
    else:
        fields = {name: int(counts.get(name, 0)) for name in ("better", "worse")}
        said = Said(SPECIFIED["mixed"], names | {"n": len(rows)} | fields)
    alt = Said(
        N_(
            "One panel per purpose: differences with intervals in order of size, the study's own choice marked."
        )
    )
    return Exhibit(
        "specification", rows, said, alt, specification_drawn, within=None, supplement=True,
        headings={"label": N_("Purpose"), "inputs": N_("Inputs"), "outcome": N_("Outcome read as"),
                  "weights": N_("Weights"), "tier_shares": N_("Tier shares"), "window": N_("Window"),
                  "difference": N_("Difference [95 % interval]"), "result": N_("Result")},
        formats={"difference": "{difference:+.3f} [{ci_low:.3f}, {ci_high:.3f}]"},
    )  # fmt: skip


@drawing
def specification_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw differences in order of size, a panel per purpose."""
    purposes = list(dict.fromkeys(frame["purpose"]))
    columns = 1 if words.narrow else len(purposes)
    figure = canvas(words, 2.4 * (len(purposes) if words.narrow else 1) + 0.2)
    for axes, purpose in zip(figure.subplots(-(-len(purposes) // columns), columns, squeeze=False).ravel(), purposes,
                             strict=False):  # fmt: skip
        part = frame[frame["purpose"] == purpose]
        axes.axhline(0, color=MUTED, linewidth=1, zorder=0)
        axes.vlines(part["place"], part["ci_low"], part["ci_high"], color=MUTED, linewidth=1.2)
        sns.scatterplot(x=part["place"], y=part["difference"], hue=part["own"], palette={True: ACCENT, False: INK},
                        s=26, legend=False, ax=axes, zorder=3)  # fmt: skip
        axes.set_title(words(PURPOSES[purpose]))
        axes.set(xlabel=words(N_("Sets of choices, in order; blue: the study's own")), xticks=[],
                 ylabel=words(N_("Difference in {measure}"), measure=words(MEASURES[purpose])))  # fmt: skip
        sns.despine(ax=axes)
    return figure


RANKS = {
    True: N_("By ranks, too, the three differ over {n} lenders: Friedman p {p:p=}."),
    False: N_("By ranks alone the three cannot be told apart over {n} lenders: Friedman p {p:p=}."),
}


def ranks(rows: pd.DataFrame, origin: str, level: float = 0.05) -> Exhibit:
    """Show mean ranks by AUC over lenders with Nemenyi's tests: `study.purposes.lender_ranks`."""
    p = rows["p_friedman"].iloc[0]
    frame = rows.assign(model_a=rows["model_a"].map(NAMES), model_b=rows["model_b"].map(NAMES))
    return Exhibit(
        "ranks", frame, Said(RANKS[bool(p < level)], {"n": int(rows["lenders"].iloc[0]), "p": p}), within=None,
        headings={"model_a": N_("First"), "model_b": N_("Second"), "rank_a": N_("Mean rank of the first"),
                  "rank_b": N_("of the second"), "p_value": N_("p (Nemenyi)")},
        formats={"rank_a": ".2f", "rank_b": ".2f", "p_value": "p"}, origin=origin, supplement=True,
    )  # fmt: skip


OTHER_MEASURES = {
    "none": N_(
        "In {n} other measures, those of protocol version one among them, no model is clearly better than another."
    ),
    "some": N_(
        "In {n} other measures, those of protocol version one among them, {clear} of {pairs} pairs differ clearly."
    ),
}


def other_measures(rows: pd.DataFrame, measures: pd.DataFrame) -> Exhibit:
    """Show the differences in measures that are not the primary one of their purpose: `specification_curve`.

    Args:
        rows: `purpose, measure, model_a, model_b, difference, ci_low, ci_high, p_value, result, why`.
        measures: `measure, label` of every measure.
    """
    clear = int(rows["result"].isin(["better", "worse"]).sum())
    fields = {"n": rows["measure"].nunique()} | ({"clear": clear, "pairs": len(rows)} if clear else {})
    frame = rows.assign(
        label=rows["purpose"].map(PURPOSES),
        measure=rows["measure"].map(measures.set_index("measure")["label"]),
        pair=rows["model_a"].map(NAMES) + " − " + rows["model_b"].map(NAMES),
        said=rows["result"].map(RESULTS),
    )
    return Exhibit(
        "other_measures", frame, Said(OTHER_MEASURES["some" if clear else "none"], fields), within=None,
        headings={"label": N_("Purpose"), "measure": N_("Measure"), "pair": N_("Models"),
                  "difference": N_("Difference [95 % interval]"), "p_value": N_("p, unadjusted"), "said": N_("Result"),
                  "why": N_("Why it is asked")},
        formats={"difference": "{difference:+.4f} [{ci_low:.4f}, {ci_high:.4f}]", "p_value": "p"}, supplement=True,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- supplement
def fairness(rows: pd.DataFrame) -> Exhibit:
    """Show the ratios of the least to the most favoured group."""
    frame = rows.assign(model=rows["model"].map(NAMES))
    kept = [name for name in ("attribute", "measure", "model", "arm", "estimate", "n") if name in frame]
    said = Said(N_("Ratio of the least to the most favoured group, per attribute and model."))
    labels = {"attribute": N_("Attribute"), "measure": N_("Ratio"), "model": N_("Model"), "arm": N_("Inputs"),
              "estimate": N_("Estimate [95 % interval]"), "n": N_("Customers")}  # fmt: skip
    return Exhibit("fairness", frame, said, headings={name: labels[name] for name in kept}, within=None,
                   formats={"estimate": "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]", "n": ",.0f"},
                   supplement=True)  # fmt: skip


def outcome_readings(rows: pd.DataFrame) -> Exhibit:
    """Show the AUC as practised under every reading of the outcome."""
    frame = rows.assign(model=rows["model"].map(NAMES), outcome=rows["outcome"].str.replace("_", " "))
    best = rows.loc[rows.groupby("outcome", sort=False)["estimate"].idxmax()]
    said = Said(
        N_("Under {n} readings of the outcome, {models} has the highest AUC of the three."),
        {"n": len(best), "models": in_text(list(dict.fromkeys(best["model"])))},
    )
    return Exhibit(
        "outcome_readings", frame, said, within=None, supplement=True,
        headings={"outcome": N_("Reading"), "known": N_("Customers"), "bad": N_("With it"), "model": N_("Model"),
                  "estimate": N_("AUC [95 % interval]")},
        formats={"estimate": "{estimate:.3f} [{ci_low:.3f}, {ci_high:.3f}]", "known": ",.0f", "bad": ",.0f"},
    )  # fmt: skip


def later_loans(rows: pd.DataFrame, outcome: str) -> Exhibit:
    """Show the AUC of models fitted on earlier loans for later ones; `outcome`: its name."""
    frame = rows.rename(columns={"auc": "estimate"})
    best = frame.loc[frame["estimate"].idxmax()]
    said = Said(
        N_("Fitted on earlier loans and judged on {n:,} later ones, {model} has the highest AUC, {auc:.3f}."),
        {"n": int(best["n"]), "model": best["model"], "auc": best["estimate"]},
    )
    return Exhibit(
        "later_loans", frame, said, within=None, supplement=True,
        headings={"model": N_("Model"), "arm": N_("Inputs"), "estimate": N_("AUC [95 % interval]"), "n": N_("Loans"),
                  "bad": with_outcome(outcome)},
        formats={"estimate": "{estimate:.3f} [{ci_low:.3f}, {ci_high:.3f}]", "n": ",.0f", "bad": ",.0f"},
    )  # fmt: skip


def all_measures(rows: pd.DataFrame, grade: str, measures: pd.DataFrame) -> Exhibit:
    """Show every primary and secondary measure; `measures`: `measure, label` of each."""
    frame = titled(rows, grade).assign(measure=rows["measure"].map(measures.set_index("measure")["label"]))
    said = Said(N_("All {n} measures of every model, both sets of inputs."), {"n": rows["measure"].nunique()})
    return Exhibit(
        "all_measures", frame, said, within=None, supplement=True,
        headings={"measure": N_("Measure"), "model": N_("Model"), "arm": N_("Inputs"),
                  "estimate": N_("Estimate"), "ci_low": N_("from"), "ci_high": N_("to"), "n": N_("n")},
        formats={"n": ",.0f"},
    )  # fmt: skip


DESIGN = {
    "one": N_(
        "{folds}-fold cross-validation on {known:,} customers, {bad:,} {outcome_word} among them, one repeat: "
        "intervals leave out how much another partition would change."
    ),
    "several": N_(
        "{folds}-fold cross-validation on {known:,} customers, {bad:,} {outcome_word} among them, {repeats} repeats."
    ),
}


def design_limit(folds: int, repeats: int, facts: Mapping[str, Any]) -> Said:
    """Say what was resampled, and what one repeat leaves out. `facts`: `known`, `bad`, `outcome_word`."""
    return chosen(DESIGN, "one" if repeats == 1 else "several", **facts, folds=folds, repeats=repeats)
