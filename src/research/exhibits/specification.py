"""Page 05, other choices: other inputs, outcomes and measures, later loans, and fairness."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import ACCENT, INK, MUTED, panels, with_outcome
from research.exhibits.terms import MEASURES, NAMES, NAMES_IN_TEXT, PURPOSES, RESULTS, in_text, titled
from research.exhibits.words import N_, Said, Words, chosen

SPECIFIED = {
    "same": N_("Under all {n} sets of other choices the difference between {a} and {b} has one result: {result}."),
    "mixed": N_("Of {n} sets of other choices, {a} is clearly better than {b} in {better} and clearly worse in "
                "{worse}."),
}  # fmt: skip


def specification(curve: pd.DataFrame) -> Exhibit:
    """Show the difference between two models for each purpose under every combination of other choices."""
    pair = ("tree", "abc") if ((curve["model_a"] == "tree") & (curve["model_b"] == "abc")).any() else None
    rows = curve if pair is None else curve[(curve["model_a"] == pair[0]) & (curve["model_b"] == pair[1])]
    rows = rows.sort_values(["purpose", "difference"], ascending=[False, True], kind="stable")
    rows = rows.assign(place=rows.groupby("purpose", sort=False).cumcount(), label=rows["purpose"].map(PURPOSES),
                       outcome=rows["outcome"].str.replace("_", " "))  # fmt: skip
    counts = rows["result"].value_counts()
    a, b = (Said(NAMES_IN_TEXT[rows[name].iloc[0]]) for name in ("model_a", "model_b"))
    said = chosen(SPECIFIED, "same" if len(counts) == 1 else "mixed", a=a, b=b, n=len(rows),
                  result=Said(RESULTS[counts.index[0]]), better=int(counts.get("better", 0)),
                  worse=int(counts.get("worse", 0)))  # fmt: skip
    alt = Said(N_("One panel per purpose: differences with intervals in order of size, the study's "
                  "own choice marked."))  # fmt: skip
    return Exhibit(
        "specification", rows, said, alt, specification_drawn, within=None, supplement=True,
        headings={"label": N_("Purpose"), "inputs": N_("Inputs"), "outcome": N_("Outcome read as"),
                  "weights": N_("Weights"), "tier_shares": N_("Tier shares"), "window": N_("Window"),
                  "difference": N_("Difference [95 % interval]"), "result": N_("Result")},
        formats={"difference": interval("+.3f", "difference")},
    )  # fmt: skip


@drawing
def specification_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw differences in order of size, a panel per purpose."""
    purposes = list(dict.fromkeys(frame["purpose"]))
    figure, grid = panels(words, len(purposes), len(purposes), 2.4, 0.2)
    for axes, purpose in zip(grid, purposes, strict=True):
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


OTHER_MEASURES = {
    "none": N_("In {n} other measures, those of protocol version one among them, no model is clearly better than "
               "another."),
    "some": N_("In {n} other measures, those of protocol version one among them, {clear} of {pairs} pairs differ "
               "clearly."),
}  # fmt: skip


def other_measures(rows: pd.DataFrame, measures: pd.DataFrame) -> Exhibit:
    """Show the differences in other than primary measures; `measures`: `measure, label` of each."""
    clear = int(rows["result"].isin(["better", "worse"]).sum())
    said = chosen(
        OTHER_MEASURES, "some" if clear else "none", n=rows["measure"].nunique(), clear=clear, pairs=len(rows)
    )
    frame = rows.assign(label=rows["purpose"].map(PURPOSES),
                        measure=rows["measure"].map(measures.set_index("measure")["label"]),
                        pair=rows["model_a"].map(NAMES) + " − " + rows["model_b"].map(NAMES),
                        said=rows["result"].map(RESULTS))  # fmt: skip
    return Exhibit(
        "other_measures", frame, said, within=None,
        headings={"label": N_("Purpose"), "measure": N_("Measure"), "pair": N_("Models"),
                  "difference": N_("Difference [95 % interval]"), "p_value": N_("p, unadjusted"), "said": N_("Result"),
                  "why": N_("Why it is asked")},
        formats={"difference": interval("+.4f", "difference"), "p_value": "p"}, supplement=True,
    )  # fmt: skip


def fairness(rows: pd.DataFrame) -> Exhibit:
    """Show the ratios of the least to the most favoured group."""
    frame = rows.assign(model=rows["model"].map(NAMES))
    kept = [name for name in ("attribute", "measure", "model", "arm", "estimate", "n") if name in frame]
    said = Said(N_("Ratio of the least to the most favoured group, per attribute and model."))
    labels = {"attribute": N_("Attribute"), "measure": N_("Ratio"), "model": N_("Model"), "arm": N_("Inputs"),
              "estimate": N_("Estimate [95 % interval]"), "n": N_("Customers")}  # fmt: skip
    return Exhibit("fairness", frame, said, headings={name: labels[name] for name in kept}, within=None,
                   formats={"estimate": interval(".2f"), "n": ",.0f"},
                   supplement=True)  # fmt: skip


def outcome_readings(rows: pd.DataFrame) -> Exhibit:
    """Show the AUC as practised under every reading of the outcome."""
    frame = rows.assign(model=rows["model"].map(NAMES), outcome=rows["outcome"].str.replace("_", " "))
    best = rows.loc[rows.groupby("outcome", sort=False)["estimate"].idxmax()]
    said = Said(N_("Under {n} readings of the outcome, {models} has the highest AUC of the three."),
                {"n": len(best), "models": in_text(list(dict.fromkeys(best["model"])))})  # fmt: skip
    return Exhibit(
        "outcome_readings", frame, said, within=None, supplement=True,
        headings={"outcome": N_("Reading"), "known": N_("Customers"), "bad": N_("With it"), "model": N_("Model"),
                  "estimate": N_("AUC [95 % interval]")},
        formats={"estimate": interval(".3f"), "known": ",.0f", "bad": ",.0f"},
    )  # fmt: skip


def later_loans(rows: pd.DataFrame, outcome: str) -> Exhibit:
    """Show the AUC of models fitted on earlier loans for later ones; `outcome`: its name."""
    frame = rows.rename(columns={"auc": "estimate"})
    best = frame.loc[frame["estimate"].idxmax()]
    said = Said(N_("Fitted on earlier loans and judged on {n:,} later ones, {model} has the highest AUC, {auc:.3f}."),
                {"n": int(best["n"]), "model": best["model"], "auc": best["estimate"]})  # fmt: skip
    return Exhibit(
        "later_loans", frame, said, within=None, supplement=True,
        headings={"model": N_("Model"), "arm": N_("Inputs"), "estimate": N_("AUC [95 % interval]"), "n": N_("Loans"),
                  "bad": with_outcome(outcome)}, formats={"estimate": interval(".3f"), "n": ",.0f", "bad": ",.0f"},
    )  # fmt: skip


def all_measures(rows: pd.DataFrame, grade: str, measures: pd.DataFrame) -> Exhibit:
    """Show every primary and secondary measure; `measures`: `measure, label` of each."""
    frame = titled(rows, grade).assign(measure=rows["measure"].map(measures.set_index("measure")["label"]))
    said = Said(N_("All {n} measures of every model, both sets of inputs."), {"n": rows["measure"].nunique()})
    return Exhibit(
        "all_measures", frame, said, within=None, supplement=True,
        headings={"measure": N_("Measure"), "model": N_("Model"), "arm": N_("Inputs"), "estimate": N_("Estimate"),
                  "ci_low": N_("from"), "ci_high": N_("to"), "n": N_("n")}, formats={"n": ",.0f"},
    )  # fmt: skip
