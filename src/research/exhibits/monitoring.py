"""Page 07: do tiers hold, and when must they be cut anew?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.migration import far, same
from research.exhibits.stability import SIGNALS
from research.exhibits.style import panels_of_tiers
from research.exhibits.terms import NAMES, in_text
from research.exhibits.words import N_, Said, Words, chosen

SIMULATED = Said(
    N_("Method demonstration on a simulated bank with one known shock: no bank, no person, no verdict.")
)
MISSING = N_("No real customers are followed over months here, and none are recorded yet.")
FOLLOWED = {
    "real": N_("Real data: {title}."),
    "recorded": N_("Real data, as recorded with the project: {title}. The file itself is not here."),
    "missing": N_("{title}: neither the file nor a record of it is here; the first four sections are empty."),
}
SAMPLED = N_(
    "{followed} The loan book of this study has no months to follow: none of its {rows:,} customers is on this page. "
    "Elsewhere models are compared on {n:,} of them, drawn by lot within each outcome (seed {seed})."
)


def followed(whose: Mapping[str, str], sample: Mapping[str, Any] | None) -> Said:
    """Say whose tiers are followed, and what is sampled of a large loan book: `n` of `rows` with a `seed`."""
    said = Said(FOLLOWED[whose["origin"]], {"title": whose["title"]})
    return chosen({"sampled": SAMPLED}, "sampled", followed=said, **sample) if sample else said


SORTED = {
    "apart": N_("Cut once and then frozen, the tiers of {model} still sorted real customers {months} months later: "
                "{rate} {premium:.1%} in premium, {high:.1%} in high risk."),
    "open": N_("Cut once and then frozen, the tiers of {model} no longer sorted real customers {months} months "
               "later: {rate} {premium:.1%} in premium, {high:.1%} in high risk."),
    "reversed": N_("Cut once and then frozen, the tiers of {model} ran backwards {months} months later: {rate} "
                   "{premium:.1%} in premium, {high:.1%} in high risk."),
}  # fmt: skip
CHANGED = N_("{changed:.0%} of the customers had changed tier by then.")
DRIFTED = {
    "green": N_("No model's score had left its stable band, so drift alone does not call for new tiers."),
    "amber": N_("The score of {models} had left its stable band: a reason to look, not yet to cut anew."),
    "red": N_("The score of {models} had become unstable: its tiers need a review before further use."),
}


def answer(frames: Mapping[str, pd.DataFrame]) -> list[Said]:
    """Say whether frozen tiers of the last model still sort, how many moved, and whether a score drifted."""
    if not {"migration", "frozen_rates", "shifts"} <= set(frames):
        return [Said(MISSING)]
    model = frames["migration"]["model"].iloc[-1]
    row = frames["frozen_rates"].set_index("ranking").loc[model].iloc[0]
    moved, scores = far(frames["migration"]), frames["shifts"].query("what == 'score'")
    worst = next(signal for signal in reversed(SIGNALS) if (scores["signal"] == signal).any())
    named = in_text(list(scores.loc[scores["signal"] == worst, "name"]))
    return [Said(SORTED[row["result"]],
                 {"months": int(moved["months"].iloc[0]), "rate": row["rate_word"], "model": in_text([model]),
                  "premium": row["premium"], "high": row["high"]}),
            Said(CHANGED, {"changed": 1 - same(moved).loc[model]}), chosen(DRIFTED, worst, models=named)]  # fmt: skip


HOLD = {
    "all": N_("After {last}, under every model frozen in {first}, the {rate} rises from premium to high risk "
              "beyond chance; under the scorecard by {gap:.1pp} percentage points."),
    "some": N_("After {last} the {rate} rises from premium to high risk beyond chance under {models}, frozen in "
               "{first}; not under {others}."),
    "none": N_("After {last} no model frozen in {first} has a {rate} that rises from premium to high risk."),
}  # fmt: skip


def frozen_rates(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show the outcome after the last month by tier, under models frozen at the first: step `frozen_rates`."""
    tests = rows.dropna(subset=["result"]).groupby("ranking", sort=False).first()
    held, others = (list(tests.index[(tests["result"] == "apart") == side]) for side in (True, False))
    code = "none" if not held else "some" if others else "all"
    said = chosen(HOLD, code, **rows[["first", "last"]].iloc[0], rate=rows["rate_word"].iloc[0],
                  gap=tests["gap"].get("scorecard"), models=in_text(held), others=in_text(others))  # fmt: skip
    alt = Said(N_("A panel per ranking, scorecard and lots beside: four tiers with interval and n."))
    return Exhibit(
        "frozen_rates", rows, said, alt, frozen_rates_drawn, within=("ranking",),
        headings={"ranking": N_("Ranking"), "tier": N_("Tier"), "n": N_("Customers"), "bad": N_("Bad"),
                  "rate": N_("Rate [95 % interval]")},
        formats={"rate": interval(".1%", "rate"), "n": ",.0f", "bad": ",.0f"}, origin=origin,
    )  # fmt: skip


@drawing
def frozen_rates_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per ranking; the dashed line is the rate of all customers."""
    parts = [(words(NAMES[name]), part) for name, part in frame.groupby("ranking", sort=False)]
    text, row = N_("{rate} after {last}, 95 % interval; the dashed line is the rate of all"), frame.iloc[0]
    label = words(text, last=row["last"], rate=row["rate_word"].capitalize())
    return panels_of_tiers(parts, words, 3, 1.5, label)


REVIEWS = N_("{n} reviews come round every {least} to {most} months; each says who looks at what, and why.")
NO_LOG = Said(N_("No interaction log was given. `research contacts` writes the contact plan with a log sheet; the "
                 "returned file is named in the parameter `feedback`."))  # fmt: skip
REACHED = N_("Officers reported {n:,.0f} contacts; {share:.0%} of the customers were reached.")


def reviews(rows: pd.DataFrame) -> Exhibit:
    """Show what is reviewed, how often and by whom."""
    least, most = (int(rows["cadence_months"].agg(end)) for end in ("min", "max"))
    return Exhibit(
        "reviews", rows, Said(REVIEWS, {"n": len(rows), "least": least, "most": most}), within=None, supplement=True,
        headings={"label": N_("Review"), "cadence_months": N_("Every … months"), "owner": N_("By"),
                  "reads": N_("Reads"), "decides": N_("Decides")},
    )  # fmt: skip


def feedback(rows: pd.DataFrame) -> Exhibit:
    """Show what officers reported in a returned log, by tier: `tier, measure, estimate, ci_low, ci_high, n`."""
    every = rows[rows["tier"] == "all"].set_index("measure").loc["share reached"]
    shown = rows[rows["tier"] != "all"]
    events = (shown["estimate"] * shown["n"]).where(shown["measure"].str.startswith("share"), 0)
    return Exhibit(
        "feedback", shown.assign(events=events), Said(REACHED, {"n": every["n"], "share": every["estimate"]}),
        headings={"measure": N_("Measure"), "tier": N_("Tier"), "estimate": N_("Estimate [95 % interval]"),
                  "n": N_("Contacts")}, formats={"estimate": interval(".2f"), "n": ",.0f"}, within=("measure",),
    )  # fmt: skip


LIMITS = (
    N_("One bank, one card, six months: slow changes are not seen, and no shock came."),
    N_(
        "The publisher's code for one month late is hardly used before the last month, so customers seem to go from "
        "current to two months late at once."
    ),
    N_("Value is an input of the premium tier, so that the valuable reach it is partly by construction."),
    N_("The rule for new tiers was tried on one simulated shock; after another it may fire later, or not."),
    N_("Simulated warning signals were made to react to distress: compare the rules with each other only."),
)


def limits() -> list[Said]:
    """Return what the page cannot say."""
    return [Said(text) for text in LIMITS]


FURTHER = {
    "05_comparison": N_("how the models compare before time passes"),
    "06_strategies": N_("what is done with each tier"),
    "11_synthesis": N_("what all of this says about the claims"),
}
