"""Page 09: what real people need, tier by tier, and what a bank's own practitioners and customers answer.

`origin` is `recorded` or `reported` for the public survey, `demonstration` or `reported` for the study's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import dots_against
from research.exhibits.words import N_, Said, Words

CALLED = {  # scales whose names in the questionnaire are no words of a sentence
    "loan contract": N_("loan terms"),
    "industry income": N_("industry and income"),
    "strategy high risk": N_("strategy for high risk"),
    "strategy medium risk": N_("strategy for medium risk"),
    "strategy low risk": N_("strategy for low risk"),
    "strategy premium": N_("strategy for premium"),
}
FOUND = {
    "not refuted": N_("Among {n:,} adults asked in a public survey, tiers of income and strain differ in what "
                      "people need: Cramér's V averages {v:.2f} over {questions} questions, clear of the bar of "
                      "{bar:.1f}."),
    "undecided": N_("Among {n:,} adults asked in a public survey it is open whether tiers of income and strain "
                    "differ in what people need: Cramér's V averages {v:.2f} over {questions} questions, against a "
                    "bar of {bar:.1f}."),
    "refuted": N_("Among {n:,} adults asked in a public survey, tiers of income and strain hardly differ in what "
                  "people need: Cramér's V averages {v:.2f} over {questions} questions, below the bar of {bar:.1f}."),
}  # fmt: skip
ALONE = {
    "equivalent": N_("Income alone parts them about as well."),
    "no better": N_("Income alone parts them at least as well."),
    "better": N_("Income alone parts them less."),
    "worse": N_("Income alone parts them better."),
    "open": N_("Whether income alone parts them as well is open."),
}
OWN = {
    "unknown": N_("What a bank's own customers and officers say is not known here."),
    "differ": N_("Practitioners and customers of this study differ on {scales}."),
    "same": N_("On no scale is a difference between this study's practitioners and customers shown."),
}


def answer(means: pd.DataFrame, verdict: str, groups: pd.DataFrame | None, origin: str) -> list[Said]:
    """Say whether tiers differ in need, whether income alone does as well, and where the study's own groups differ.

    Args:
        means: `by, estimate, questions, n, bar, result`.
        verdict: not refuted, undecided or refuted.
        groups: `construct, p_holm, level` of the study's own survey; None where there is none.
    """
    rows = means.set_index("by")
    tiers, own = rows.loc["tiers"], Said(OWN["unknown"])
    if groups is not None and origin != "demonstration":
        differ = groups.loc[groups["p_holm"] < groups["level"], "construct"].replace(CALLED).tolist()
        own = Said(OWN["differ"], {"scales": differ}) if differ else Said(OWN["same"])
    fields = {"n": tiers["n"], "v": tiers["estimate"], "questions": tiers["questions"], "bar": tiers["bar"]}
    return [Said(FOUND[verdict], fields), Said(ALONE[rows.loc["income", "result"]]), own]


NO_SURVEY = N_("This study has no survey of its own practitioners and customers, so the page ends here.")
KEPT = {
    "all": N_("{returned:,} questionnaires came back, and all are kept."),
    "some": N_("{returned:,} questionnaires came back and {kept:,.0f} are kept. Left out, each at the first check "
               "failed: {left}."),
}  # fmt: skip
CHECKS = {
    "incomplete": N_("{n:,.0f} with less than half of the questions answered"),
    "straight_line": N_("{n:,.0f} with the same answer to more than half of the questions in a row"),
    "duplicate": N_("{n:,.0f} that repeat another one's every answer"),
    "speeding": N_("{n:,.0f} filled in less than a third of the median time"),
}


def kept(flow: pd.DataFrame) -> Said:
    """Say how many questionnaires are kept, and why the others are not. `flow`: `step, left_out, kept`."""
    returned, left = flow["kept"].iloc[0], flow[flow["step"].isin(CHECKS) & (flow["left_out"] != 0)]
    if left.empty:
        return Said(KEPT["all"], {"returned": returned})
    why = [Said(CHECKS[row.step], {"n": row.left_out}) for row in left.itertuples()]
    return Said(KEPT["some"], {"returned": returned, "kept": flow["kept"].iloc[-1], "left": why})


RELIABLE = N_("Cronbach's α lies clear above {bar:.1f} on {above} of {n} scales, clear below on {below}; on {open} "
              "the answers are too few to tell.")  # fmt: skip


def reliability(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show Cronbach's α of each scale against the customary bar; McDonald's ω stands in the table.

    `rows`: `construct, items, n, estimate, ci_low, ci_high, omega, omega_low, omega_high, bar, result`.
    """
    counts = rows["result"].value_counts()
    fields = {name: counts.get(name, 0) for name in ("above", "below", "open")}
    return Exhibit(
        "reliability", rows.replace({"construct": CALLED}),
        Said(RELIABLE, fields | {"bar": rows["bar"].iloc[0], "n": len(rows)}),
        Said(N_("A dot with interval per scale against a dashed line at the bar.")), reliability_drawn, within=None,
        origin=origin,
        headings={"construct": N_("Scale"), "items": N_("Items"), "estimate": N_("Cronbach's α [95 % interval]"),
                  "omega": N_("McDonald's ω [95 % interval]"), "n": N_("Answers")},
        formats={"estimate": interval(".2f"), "omega": interval(".2f", "omega", "omega"), "n": ",.0f"},
    )  # fmt: skip


@drawing
def reliability_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw α per scale with its interval, and the bar."""
    label = N_("Cronbach's α, 95 % interval; dashed: the customary bar")
    return dots_against(frame, "construct", frame["bar"].iloc[0], label, words)


UNRELATED = {
    "rejected": N_("Bartlett's test rejects that the answers are unrelated (p {p:p=}); sampling adequacy is {word} "
                   "({kmo:.2f})."),
    "kept": N_("Bartlett's test does not reject that the answers are unrelated (p {p:p=}); sampling adequacy is "
               "{word} ({kmo:.2f})."),
}  # fmt: skip
FACTORS = {
    "fewer": N_("Parallel analysis finds {kept} things behind {named} criteria: not all are seen as separate."),
    "as many": N_("Parallel analysis finds as many things behind the answers as there are criteria, {named}."),
    "more": N_("Parallel analysis finds {kept} things behind the answers, more than the {named} criteria."),
}  # fmt: skip


def factors(factorability: pd.DataFrame, parallel: pd.DataFrame, named: int, level: float) -> list[Said]:
    """Say whether the answers on the criteria are worth factoring, and how many factors rise above chance.

    Args:
        factorability: index `measure`: `estimate, p_value, note`.
        parallel: `retained`.
        named: criteria that the questionnaire names.
        level: of Bartlett's test.
    """
    p, retained = factorability.loc["bartlett", "p_value"], int(parallel["retained"].sum())
    code = "fewer" if retained < named else "more" if retained > named else "as many"
    fields = {"p": p, "kmo": factorability.loc["kmo", "estimate"], "word": factorability.loc["kmo", "note"]}
    return [
        Said(UNRELATED["rejected" if p < level else "kept"], fields),
        Said(FACTORS[code], {"named": named} if code == "as many" else {"named": named, "kept": retained}),
    ]


AGREE = {
    "hardly": N_("Respondents hardly agree which criterion matters most (Kendall's W {w:.2f})."),
    "partly": N_("Respondents agree in part which criterion matters most (Kendall's W {w:.2f})."),
    "largely": N_("Respondents largely agree which criterion matters most (Kendall's W {w:.2f})."),
}
FIRST = N_("By mean rank {first} comes first and {last} last.")


def order(ranking: pd.DataFrame, w: float, result: str) -> list[Said]:
    """Say whether respondents agree on the order of the criteria, and what that order is.

    Args:
        ranking: `construct`, most important first.
        w: Kendall's, of the respondents.
        result: hardly, partly or largely.
    """
    names = ranking["construct"].replace(CALLED)
    return [Said(AGREE[result], {"w": w}),
            Said(FIRST, {"first": names.iloc[0], "last": names.iloc[-1]})]  # fmt: skip


LIMITS = (N_("The public survey asked adults, not loan customers; it has no default, and says nothing of the three "
             "models."), N_("Income is part of the tiers of the public survey, so part of what they tell is income."),
          N_("What people hold and use is what they need in part only; nobody was asked whether service fits."),
          N_("Respondents of the questionnaire are not drawn from a list: intervals describe these respondents."),
          N_("Vignettes are few, and experts see a row of numbers rather than a person."))  # fmt: skip
FURTHER = {
    "10_interviews": N_("what people say in their own words"),
    "05_comparison": N_("agreement with experts beside the other purposes"),
    "11_synthesis": N_("what is known of each claim"),
}
NOT_COMPARED = N_("Of {of:,} customers whom experts judged, {left_out:,} are not among those on whom models are "
                  "compared, and do not count.")  # fmt: skip


def limits_of_survey(judged: Mapping[str, Any]) -> list[Said]:
    """Return what the page cannot say; `judged`: `left_out` of the customers on vignettes, `of` how many."""
    counts = {name: judged[name] for name in ("of", "left_out")}
    return [Said(text) for text in LIMITS] + [Said(NOT_COMPARED, counts)] * bool(counts["left_out"])
