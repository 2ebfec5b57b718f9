"""Page 06: what is done with each tier, and what it would have to achieve. All effects here are assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.exhibits.exhibit import Exhibit
from research.exhibits.words import N_, Said, Words, chosen, in_english

IN_TEXT = {
    "premium": N_("premium"),
    "low": N_("low-risk"),
    "medium": N_("medium-risk"),
    "high": N_("high-risk"),
}
LEVERS = {
    "pd": N_("cases prevented"),
    "lgd": N_("loss per case"),
    "decline": N_("loans refused"),
    "growth": N_("more borrowed"),
    "rate": N_("contract rate"),
    "cross_sell": N_("products sold"),
    "churn": N_("leavers kept"),
    "hours": N_("hours saved"),
}
FAMILIES = {"risk management": N_("Risk"), "value uplift": N_("Value"), "need satisfaction": N_("Need")}
SOURCES = {"size verified": N_("size"), "direction verified": N_("direction"), "no source": N_("nothing")}
RESULTS = {
    "always": N_("pays over the whole range"),
    "base": N_("pays as assumed"),
    "hopeful": N_("pays only at the hopeful end"),
    "beyond": N_("needs more than is assumed"),
    "never": N_("never pays"),
    "untestable": N_("rate not known"),
    "withheld": N_("withheld"),
}
RANK = {name: place for place, name in enumerate(RESULTS)}
PAYS = ("always", "base")
EFFECT = "{base:.2g%} [{low:.2g%}, {high:.2g%}]"
NEEDED = "{needed:.2g%} [{sampling_low:.2g%}, {sampling_high:.2g%}]"
ASSUMED = N_("{assumed_low:.2g%} to {assumed_high:.2g%}")


def tier_in_text(name: str) -> Said:
    """Return what a tier is called within a sentence."""
    return Said(IN_TEXT[name])


def hours_saved(rows: pd.DataFrame) -> pd.DataFrame:
    """Return effects all of which are wished for: a change of hours becomes hours saved; `moves` names the lever."""
    saved, made = rows["lever"] == "hours", rows.assign(moves=rows["lever"].map(LEVERS).fillna(""))
    for name in ("low", "base", "high", "needed"):
        if name in rows:
            made.loc[saved, name] = -rows.loc[saved, name]
    for low, high in (("sampling_low", "sampling_high"), ("assumed_low", "assumed_high")):
        if low in rows:
            made.loc[saved, [low, high]] = -rows.loc[saved, [high, low]].to_numpy()
    return made


def action_named(action: str, lever: str, words: Words) -> str:
    """Return an action with the name of what it moves, where there is room for it."""
    if words.narrow or not lever:
        return words(action)
    return words(N_("{action}: {lever}"), action=action, lever=Said(lever))


ANSWER = {
    "loan": N_("{action} would have to prevent {needed:.2g%} of the cases of {outcome} in the {tier} tier to repay "
               "its cost, even if each cost the whole loan; at most {high:.2g%} is assumed."),
    "pd": N_("{action} would have to prevent {needed:.2g%} of the cases of {outcome} in the {tier} tier to repay "
             "its cost, at a loss of {lgd:.0%} of the loan."),
    "never": N_("{action} could not repay its cost by preventing every case of {outcome} in the {tier} tier, even "
                "if each cost the whole loan."),
    "count": N_("{action} takes {hours:,.0f} officer hours for each case of {outcome} that it prevents in the "
                "{tier} tier; the data hold no amounts, so nobody can say whether that pays."),
    "clean": N_("The {tier} tier has no case of {outcome}, so that its actions have nothing to prevent."),
    "withheld": N_("What the actions would have to achieve in the {tier} tier is withheld: it has too few cases."),
}  # fmt: skip
ONLY_A_TRIAL = N_("Only a trial can show whether an action works.")
PAYING = N_("At the effects assumed, {pays} of {n} actions repay their cost.")


def counted(needed: pd.DataFrame) -> dict[str, int]:
    """Return how many actions can be judged by the effect they hope for first, and how many of them pay."""
    results = needed.drop_duplicates("id")["result"]
    judged = results[~results.isin(["untestable", "withheld"])]
    pays, hopeful = judged.isin(PAYS).sum(), (judged == "hopeful").sum()
    return {"pays": int(pays), "n": len(judged), "hopeful": int(hopeful)}


def answer(
    needed: pd.DataFrame, prevented: pd.DataFrame, basis: Mapping[str, Any], outcome: str, tier: str = "high"
) -> list[Said]:
    """Say what the action of the riskiest tier that is nearest to paying would have to achieve.

    `needed` and `basis` are those of the step `policy`, `prevented` of `break_even.prevented`.
    """
    only, here = Said(ONLY_A_TRIAL), prevented[prevented["tier"] == tier]
    given = {"tier": tier_in_text(tier), "outcome": outcome, "lgd": basis["lgd"]}
    if here["hours_for_one"].isna().all():
        return [chosen(ANSWER, "withheld", **given), only]
    if (here["bad"] == 0).all():
        return [chosen(ANSWER, "clean", **given), only]
    if basis["reading"] == "count":
        row = here.loc[here["hours_for_one"].idxmin()]
        return [chosen(ANSWER, "count", **given, action=row["action"], hours=row["hours_for_one"]), only]
    asked = needed[(needed["tier"] == tier) & (needed["lever"] == "pd")]
    row = asked.loc[asked["needed"].fillna(np.inf).idxmin()]
    code = "never" if pd.isna(row["needed"]) else basis["reading"]
    paying = chosen({"": PAYING}, "", **counted(needed))
    return [chosen(ANSWER, code, **given | dict(row[["action", "needed", "high"]])), paying, only]


def strategies(table: pd.DataFrame) -> Exhibit:
    """Show every action of every tier: what it is for, what it moves, by how much, and where that comes from.

    `table`: `tier, family, action, lever, low, base, high, hours, source_status`, a row per action and lever.
    """
    levers = table["source_status"].value_counts()
    said = Said(N_("{actions} actions pull {levers} levers. A study gives the size of the effect for "
                   "{size} and its direction for {direction}; {none} are our assumption."),
                {"actions": table["id"].nunique(), "levers": len(table),
                 "size": int(levers.get("size verified", 0)),
                 "direction": int(levers.get("direction verified", 0)),
                 "none": int(levers.get("no source", 0))})  # fmt: skip
    frame = hours_saved(table).drop(columns="action_zh")
    frame = frame.assign(serves=table["family"].map(FAMILIES), found=table["source_status"].map(SOURCES))
    return Exhibit(
        "strategies", frame, said, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "serves": N_("For"), "action": N_("Action"), "moves": N_("What it moves"),
                  "base": N_("Assumed [range]"), "hours": N_("Hours a year"), "found": N_("A study gives")},
        formats={"base": EFFECT, "hours": ".3g"},
    )  # fmt: skip


def sources(table: pd.DataFrame) -> Exhibit:
    """Show where each assumed effect comes from, and what would prove it wrong."""
    frame = table.assign(moves=table["lever"].map(LEVERS)).drop(columns="action_zh")
    said = Said(N_("Each assumption names the observation that would prove it wrong."))
    return Exhibit(
        "sources", frame, said, within=None, origin="assumed", supplement=True,
        headings={"action": N_("Action"), "moves": N_("What it moves"), "source": N_("Source"),
                  "source_says": N_("What it found"), "falsified_by": N_("Proved wrong if")},
    )  # fmt: skip


def assumed(rows: pd.DataFrame) -> Exhibit:
    """Show what is assumed besides the effects: `label, value, low, high, unit, source`."""
    said = Said(N_("What is assumed besides the effects: {n} values and their ranges."), {"n": len(rows)})
    return Exhibit(
        "assumptions", rows, said, within=None, origin="assumed", supplement=True,
        headings={"label": N_("Assumption"), "value": N_("Value"), "low": N_("Low"), "high": N_("High"),
                  "unit": N_("Unit"), "source": N_("Source")}, formats=dict.fromkeys(["value", "low", "high"], ".3g"),
    )  # fmt: skip


SCHEMES = {"five_category": N_("Category"), "ifrs9_stage": N_("IFRS 9 stage")}


def loan_quality(
    rules: pd.DataFrame, version: str, crossed: pd.DataFrame | None, against: pd.DataFrame | None
) -> list[Exhibit]:
    """Show the rules of the loan-quality policy and, where the data have what they ask for, what they find by tier.

    `rules` and `version` are those of the step `loan_quality`, the counts as published.
    """
    used = {"used": int((rules["applied"] == "applied").sum()), "n": len(rules), "version": version}
    shown = [Exhibit("quality_rules", rules,
                     Said(N_("{used} of {n} rules of loan quality (version {version}) can be applied "
                             "to these data."), used), within=None, supplement=True,
                     headings={"rule": N_("Rule"), "gives": N_("Gives"), "instrument": N_("Instrument"),
                               "article": N_("Article"), "status": N_("Text verified"),
                               "applied": N_("Applied here")})]  # fmt: skip
    if crossed is not None:
        crossed = crossed.assign(**{name: in_english(crossed[name]) for name in SCHEMES})
        said = Said(N_("Customers by tier, loan-quality category and stage."))
        shown.append(Exhibit("crosswalk", crossed, said, within=[(), "tier"], supplement=True, formats={"n": ",.0f"},
                             headings={"tier": N_("Tier"), **SCHEMES, "n": N_("Customers")}))  # fmt: skip
    if against is not None:
        against = against.assign(**{name: in_english(against[name]) for name in SCHEMES})
        said = Said(N_("Where tier and payment record cannot both be right; the contact plan names them."))
        shown.append(
            Exhibit("contradictions", against, said, within=[], supplement=True, formats={"customers": ",.0f"},
                    headings={"severity": N_("Severity"), "tier": N_("Tier"), **SCHEMES, "customers": N_("Customers")})
        )  # fmt: skip
    return shown


CONTACTS = {
    "alerts": N_("`research contacts` writes a workbook for the bank's own use: {n:,.0f} customers with tier, "
                 "reasons, actions and next contact. It flags {potential:,.0f} as potential premium, and "
                 "{alerts:,.0f} because tier and payment record cannot both be right."),
    "none": N_("`research contacts` writes a workbook for the bank's own use: {n:,.0f} customers with tier, "
               "reasons, actions and next contact. It flags {potential:,.0f} as potential premium."),
}  # fmt: skip


def contacts(n: int, potential: float | None, contradictions: pd.DataFrame | None) -> Said:
    """Say what the contact plan holds; numbers that are withheld are missing."""
    alerts = None if contradictions is None else contradictions["customers"].sum(skipna=False)
    code = "none" if contradictions is None else "alerts"
    return chosen(CONTACTS, code, n=n, potential=potential, alerts=alerts)


LIMITS = {
    "loan": N_("The months over which {outcome} is counted are not known; here it stands against one year of work. "
               "If twice as many cases came up in a year, half the effect would do."),
    "pd": N_("Hours, costs and income are those of {months:.0f} months, over which {outcome} is counted."),
    "hour": N_("An officer hour is taken to cost {cost:,.3g} {money}, a figure of our own; a bank sets its own "
               "(`officer_hour`)."),
    "left out": N_("Amounts rest on {n:,.0f} customers; {left:,.0f} are left out because amount, rate or outcome "
                   "is missing."),
}  # fmt: skip
ALWAYS = (
    N_("Effects are drawn independently of each other, and every action is taken for everybody in its tier."),
    N_("Stricter approval is not judged: how the refused would have repaid is not in the data."),
    N_("Customers who leave take the margin of the whole time with them; refused loans are not replaced."),
)


def limits(basis: Mapping[str, Any], outcome: str, money: str, left_out: float | None) -> list[Said]:
    """Return what the page cannot say."""
    codes = ["pd" if basis["horizon"] else "loan"]
    codes += ["hour"] * (basis["reading"] != "count") + ["left out"] * bool(left_out)
    given = {"outcome": outcome, "months": basis["horizon"], "cost": basis["officer_hour"], "money": money,
             "n": basis["n"], "left": left_out}  # fmt: skip
    return [*(chosen(LIMITS, code, **given) for code in codes), *map(Said, ALWAYS)]
