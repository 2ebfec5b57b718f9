"""Plan and analysis as documents to read, sign and file: whole sentences, filled from the plan."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import docx
import pandas as pd
from docx.shared import Inches

from research.exhibits.style import theme
from research.exhibits.trial import power_drawn
from research.exhibits.words import N_, Said, Words, chosen
from research.files.wholefiles import whole
from research.trial.analysis import BOUND, Found
from research.trial.design import Plan

QUESTION = {
    "superiority": N_(
        "Does “{what}” move {outcome} among customers of the {tier} tier by at least {size} (from {level} to "
        "{treated}) within {months} months?"
    ),
    "non-inferiority": N_(
        "Is “{what}” no worse for customers of the {tier} tier: does {outcome} rise by less than {size} (from {level} "
        "to below {treated}) within {months} months?"
    ),
}
UNIT = {
    "customer": N_(
        "Customers are drawn one by one, in blocks of {block}, so that an officer has both kinds."
    ),
    "officer": N_(
        "Officers are drawn with all their customers of the tier, so that nobody has to treat two ways."
    ),
    "branch": N_(
        "Branches are drawn with all their customers of the tier, so that no branch works in two ways."
    ),
}
SIZE = {
    "feasible": N_("{customers:,.0f} customers are needed; the tier has {book:,.0f} in the book."),
    "large": N_(
        "{customers:,.0f} customers are needed, more than the {book:,.0f} that the tier has in the book: this trial "
        "cannot be done here alone. Several lenders, several years of new loans, or a larger effect would be needed."
    ),
    "none": N_(
        "No number of customers reaches the power wanted with this design; the tier has {book:,.0f} in the book."
    ),
}
FEASIBLE = {
    "shown": N_("With all customers of the tier in the book, a difference of {difference} could be found."),
    "never": N_("Even all customers of the tier in the book could not show the largest difference there is."),
}
PARALLEL = N_("Two parallel arms of equal size.")
WEDGE = N_(
    "A stepped wedge of {waves} waves, a step of {step} months each; all units have the action in the end."
)
LEVEL = N_("Interval of {low:.2%} to {high:.2%}.")
ICC = N_(
    "Correlation of two customers of one {unit}: {value:.3g}, between {low:.3g} and {high:.3g} ({source})."
)
CLUSTERS = N_(
    "A {unit} has {size:.0f} customers of the tier on average, with a coefficient of variation of {cv:.2f}."
)
BLINDING = {
    "customer": N_(
        "Officers know whom they treat and cannot be blinded; customers are not told of the comparison unless an "
        "ethics board asks for it. Whoever counts the outcome and analyses it sees codes of arms, not their names."
    ),
    "officer": N_(
        "Officers know what they do and are not told what others do. Whoever counts the outcome and analyses it sees "
        "codes of arms, not their names."
    ),
    "branch": N_(
        "Branches know what they do. Outcomes come from the book and not from the branch; whoever analyses them sees "
        "codes of arms, not their names."
    ),
}
ANALYSIS = {
    "parallel": N_(
        "Everybody counts in the arm that was drawn. The difference of means and the ratio are given with intervals of "
        "95 % whose errors are clustered by {unit}, with clusters less two degrees of freedom."
    ),
    "stepped wedge": N_(
        "Everybody counts as drawn. Generalised least squares on means of clusters in periods, with effects of "
        "periods, the correlation {icc:.3g} and the cluster autocorrelation {autocorrelation:.2g}; the effect by "
        "time treated is shown beside it."
    ),
}
FEW = N_(
    "Below {few} clusters, p-value and interval come from other allocations within the same blocks. A mixed linear "
    "model is the check."
)
MISSING = N_(
    "Missing outcomes are counted, and the result is bounded by the worst and the best they could be."
)
HARM = N_(
    "One look at half of the outcomes by somebody who does not run the trial: it stops when {outcome} is worse with "
    "the action at p < {harm_p:.3g}, or when the action itself harms a customer. It does not stop early for success."
)
CONCLUSION = {
    "pays": N_("The action works, and the whole interval lies beyond the smallest effect worth having."),
    "works": N_("The action works; whether by as much as would be worth its cost is open."),
    "harms": N_("The action does harm: the interval lies wholly on the other side."),
    "open": N_("Undecided: the interval holds both no effect and others."),
    "no worse": N_("No worse: the interval excludes the margin."),
    "worse": N_("Worse: the interval lies wholly beyond the margin."),
}
DEMONSTRATION = N_("The book of this plan is simulated: a demonstration, not a trial to be run.")


def plan_blocks(plan: Plan, sizes: pd.DataFrame, curve: pd.DataFrame) -> list[tuple[str, list[Any]]]:
    """Return headings and what stands below each: the plan in sentences, with its table and figure."""
    size = plan.margin or plan.difference
    about = {
        "what": plan.what, "outcome": plan.outcome, "tier": plan.tier, "months": plan.horizon_months,
        "level": _value(plan, plan.level), "size": _value(plan, abs(size)), "treated": _value(plan, plan.level + size),
    }  # fmt: skip
    unit = {"block": plan.block} if plan.unit == "customer" else {}
    with_wedge = {"icc": plan.icc[1], "autocorrelation": plan.autocorrelation}
    low, value, high = plan.icc
    icc = {"unit": plan.unit, "value": value, "low": low, "high": high, "source": plan.icc_from}
    sizes_of = {"unit": plan.unit, "size": plan.cluster_size, "cv": plan.cluster_cv}
    level = {"low": plan.level_low, "high": plan.level_high}
    return [
        (N_("Question"), [
            Said(QUESTION[plan.question], about),
            Said(N_("Level without the action: {level} ({source})."),
                 {"level": about["level"], "source": plan.level_from}),
            *([Said(LEVEL, level)] if plan.level_low is not None else []),
            Said(N_("Effect sought: {effect:.2g%}, {source}."),
                 {"effect": plan.smallest, "source": plan.smallest_from}),
            Said(N_("The claim is wrong if: {text}."), {"text": plan.wrong_if}),
            *([Said(DEMONSTRATION)] if plan.dataset == "simulated" else []),
        ]),
        (N_("Design"), [
            Said(UNIT[plan.unit], unit),
            Said(WEDGE, {"waves": plan.waves, "step": plan.step_months}) if plan.waves else Said(PARALLEL),
            Said(N_("Strata: {names}."), {"names": plan.strata or N_("none")}), Said(BLINDING[plan.unit]),
            Said(N_("To show that treating this tier works is not to show that tiering does: that needs other tiers.")),
        ]),
        (N_("Size"), [
            *size_sentences(plan),
            Said(N_("Power {power:.0%}, two-sided level {alpha:.0%}; {attrition:.0%} of outcomes may be missing."),
                 {"power": plan.power, "alpha": plan.alpha, "attrition": plan.attrition}),
            *([] if plan.unit == "customer" else [Said(ICC, icc), Said(CLUSTERS, sizes_of)]),
            _formatted(sizes), drawn(curve),
        ]),
        (N_("Analysis, fixed now"), [
            Said(ANALYSIS[plan.design], {"unit": plan.unit} if not plan.waves else with_wedge),
            *([] if plan.unit == "customer" else [Said(FEW, {"few": plan.few_clusters})]), Said(MISSING),
            Said(N_("Subgroups: {names}; no others will be looked at."), {"names": plan.subgroups or N_("none")}),
            Said(N_("Outcome column: {column}; observed no earlier than {months} months after the start."),
                 {"column": plan.column, "months": plan.horizon_months}),
        ]),
        (N_("Harm and stopping"), [Said(HARM, {"outcome": plan.outcome, "harm_p": plan.harm_p})]),
        (N_("Registration"), [
            Said(N_("Trial {trial}, registered on {day}."), {"trial": plan.trial, "day": plan.registered.isoformat()}),
            Said(N_("Hash of the plan ({kind}): {hash}."), {"kind": "SHA-256", "hash": plan.sha256}),
        ]),
        (N_("What an ethics board will still ask"), [
            Said(N_("Who consents, and how is a customer told? Is usual treatment of the control arm acceptable by law "
                    "and by the bank's own rules? Who sees the data, until when are they kept? Who decides to stop?")),
        ]),
    ]  # fmt: skip


def _value(plan: Plan, value: float) -> Said:
    return Said(N_("{value:.2%}") if plan.kind != "amount" else N_("{value:.3g}"), {"value": value})


def size_sentences(plan: Plan) -> list[Said]:
    """Say how many customers are needed, whether the book has them, and what it could show."""
    code = "none" if plan.customers < 0 else "feasible" if plan.feasible else "large"
    shown = None if plan.detectable is None else _value(plan, abs(plan.detectable))
    return [
        chosen(SIZE, code, customers=plan.customers, book=plan.book_has),
        chosen(FEASIBLE, "never" if shown is None else "shown", difference=shown),
    ]


def analysis_blocks(plan: Plan, found: Found) -> list[tuple[str, list[Any]]]:
    """Return headings and what stands below each: the result, how it came about, what was done otherwise."""
    told = [Said(N_("{text}."), {"text": text}) for text in found.departures]
    parts: list[tuple[str, list[Any]]] = [
        (N_("Departures from the registration"), told or [Said(N_("None."))]),
        (N_("Result"), [
            Said(CONCLUSION[found.result]),
            Said(N_("Registered: {what}, {tier} tier, {outcome}."),
                 {"what": plan.what, "tier": plan.tier, "outcome": plan.outcome}),
            _formatted(found.effects),
            *([Said(N_("The bounds hold every value that the missing outcomes could have.")) ]
              if (found.effects["quantity"] == BOUND).any() else []),
        ]),
        (N_("Flow of units and customers"), [_formatted(found.flow)]),
    ]  # fmt: skip
    for heading, frame in (
        (N_("Registered subgroups"), found.subgroups),
        (N_("Effect by time treated"), found.exposure),
    ):
        if len(frame):
            parts.append((heading, [_formatted(frame)]))
    return parts


def write_document(path: Path, title: Said, parts: Iterable[tuple[str, Sequence[Any]]], words: Words) -> Path:
    """Write a document (docx): a title, headings, sentences, tables and figures."""
    paper = docx.Document()
    paper.core_properties.author, paper.core_properties.title = "", words.said(title)
    paper.add_heading(words.said(title), 0)
    for heading, blocks in parts:
        paper.add_heading(words(heading), 1)
        for block in blocks:
            if isinstance(block, Said):
                paper.add_paragraph(words.said(block))
            elif isinstance(block, bytes):
                paper.add_picture(io.BytesIO(block), width=Inches(6))
            else:
                grid = paper.add_table(1, len(block.columns), style="Light Grid Accent 1")
                for cell, name in zip(grid.rows[0].cells, block.columns, strict=True):
                    cell.text = words(str(name).replace("_", " "))
                for row in block.itertuples(index=False):
                    for cell, value in zip(grid.add_row().cells, row, strict=True):
                        cell.text = words.value(value)
    with whole(path) as new:
        paper.save(str(new))
    return path


def _formatted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame without missing numbers, which a document shows as nothing, and columns that hold nothing."""
    return frame.dropna(axis=1, how="all").astype(object).where(frame.notna(), "")


def drawn(curve: pd.DataFrame) -> bytes:
    """Return the power curve as a PNG."""
    with theme(), io.BytesIO() as stream:
        power_drawn(curve, Words()).savefig(stream, dpi=150, metadata={"Software": None})
        return stream.getvalue()
