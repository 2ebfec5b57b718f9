"""Page 11: claim by claim, what is known, on what grade of evidence, and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import forest, small_multiples
from research.exhibits.terms import MODELS, NAMES, in_text, titled
from research.exhibits.words import N_, Said, Words, chosen

UNTESTED = "not tested here"
ALL_LENDERS = "All lenders"
RISKY = {
    "all": N_("The high-risk tier holds the risky customers under each of the three models: {models}."),
    "some": N_("The high-risk tier holds the risky customers under {models}, and this is not shown under {others}."),
    "none": N_("Under none of the three models is it shown that the high-risk tier holds the risky customers."),
}  # fmt: skip
COUNTED = {
    "loans": N_("Of {n} claims, {judged} can be judged on these loans; the others need a trial, or data not "
                "recorded here."),
    "people": N_("Of {n} claims, {judged} can be judged on these loans and {more} on {people:,.0f} answers to a "
                 "public survey; the others need a trial, or data not recorded here."),
}  # fmt: skip
OPEN = N_("Without a verdict here: {n} claims, with what would settle each.")
PEOPLE = "people"  # in place of a model: what people said, tiers of their own


def risky_answer(evidence: pd.DataFrame) -> Said:
    """Say under which models the high-risk tier holds the risky customers."""
    rows = evidence[evidence["claim"] == "H1a"]
    held = rows.loc[rows["verdict"] == "supported", "model"].tolist()
    others = [name for name in rows["model"] if name not in held]
    code = "none" if not held else "some" if others else "all"
    return chosen(RISKY, code, models=in_text(held), others=in_text(others))


def counted_answer(evidence: pd.DataFrame, asked: pd.DataFrame) -> Said:
    """Say how many claims the loans can judge, and how many more a survey can."""
    judged = set(evidence.loc[evidence["verdict"] != UNTESTED, "claim"])
    more = asked[~asked["claim"].isin(judged) & (asked["verdict"] != UNTESTED)]
    return chosen(COUNTED, "loans" if more.empty else "people", n=evidence["claim"].nunique(), judged=len(judged),
                  more=more["claim"].nunique(), people=more["n"].max())  # fmt: skip


def verdicts(evidence: pd.DataFrame, definitions: pd.DataFrame, asked: pd.DataFrame) -> list[Exhibit]:
    """Show the claims that were judged with the verdict under each model and of people asked, then the open ones.

    Args:
        evidence: `claim, model, verdict, grade`.
        definitions: the claims, indexed by id: `statement, settled_by`.
        asked: `evidence` of a survey, whose model is `people`.
    """
    rows = pd.concat([evidence, asked], ignore_index=True)
    wide = rows.pivot(index="claim", columns="model", values="verdict").reindex(definitions.index)
    wide[PEOPLE] = wide[PEOPLE].fillna("not asked") if PEOPLE in wide else "not asked"
    tested = rows[rows["verdict"] != UNTESTED]
    grades = tested.groupby("claim")["grade"].agg(lambda found: "; ".join(dict.fromkeys(found)))
    judged = wide[wide.index.isin(tested["claim"])].reset_index()
    judged = judged.assign(
        statement=judged["claim"].map(definitions["statement"]), grade=judged["claim"].map(grades)
    )
    left = definitions.loc[~definitions.index.isin(tested["claim"]), ["statement", "settled_by"]]
    models = [name for name in MODELS if name in wide]
    made = [Exhibit("verdicts", judged, counted_answer(evidence, asked), within=None,
                    headings={"claim": N_("Claim"), "statement": N_("What is claimed"),
                              **{name: NAMES[name] for name in models}, PEOPLE: N_("People asked"),
                              "grade": N_("Evidence")}),
            Exhibit("open_claims", left.rename_axis("claim").reset_index(), Said(OPEN, {"n": len(left)}), within=None,
                    headings={"claim": N_("Claim"), "statement": N_("What is claimed"),
                              "settled_by": N_("What would settle it")})]  # fmt: skip
    return [exhibit for exhibit in made if len(exhibit.frame)]


NEEDS = {
    "apart": N_("Loans and people part ways on need: tiers of the models hardly differ in the need that these "
                "loans record, while tiers of income and strain differ in what {people:,.0f} people hold, use and "
                "do. Neither asks a bank's own customers."),
    "refuted": N_("Loans and people agree on need: neither tiers of the models on these loans nor tiers of income "
                  "and strain among {people:,.0f} people differ by more than the bar."),
    "not refuted": N_("Loans and people agree on need: tiers of the models on these loans differ by more than the "
                      "bar, and so do tiers of income and strain among {people:,.0f} people."),
    "people": N_("These loans cannot tell whether tiers differ in need; a public survey of {people:,.0f} people "
                 "can, for tiers of income and strain."),
    "open": N_("Whether tiers differ in need is open: the verdicts of the models on these loans and of "
               "{people:,.0f} people asked are not one."),
}  # fmt: skip


def needs(evidence: pd.DataFrame, asked: pd.DataFrame) -> Said:
    """Say whether loans and people agree that tiers differ in need. `asked`: `claim, n, verdict` of one claim."""
    row = asked.iloc[0]
    found = set(evidence.loc[evidence["claim"] == row["claim"], "verdict"]) - {UNTESTED}
    code = row["verdict"] if found == {row["verdict"]} else "open"
    if not found and row["verdict"] in NEEDS:
        code = "people"
    if found == {"refuted"} and row["verdict"] == "not refuted":
        code = "apart"
    return Said(NEEDS[code if code in NEEDS else "open"], {"people": row["n"]})


BESIDE = {
    "below": N_("The tree's high-risk tier holds {bad:,.0f} {outcome_word} among {n:,.0f}, an odds ratio of "
                "{odds:.1f}; the scorecard's tier reaches {bar:.1f}, random tiers {random:.1f}."),
    "missing": N_("Odds of {outcome_name} in the high-risk tier against the rest, under every ranking."),
}  # fmt: skip


def beside(rows: pd.DataFrame, grade: str, facts: Mapping[str, Any]) -> Exhibit:
    """Show the odds ratio of the high-risk tier under every ranking, with the counts behind it.

    Args:
        rows: `model, bad_high, n_high, bad_rest, n_rest, estimate, ci_low, ci_high`.
        grade: `grade` where the lender recorded one, else `single`.
        facts: `outcome_name`, `outcome_word`.
    """
    known = rows.set_index("model")
    if {"tree", "scorecard", "random"} <= set(known.index):
        tree, odds_of = known.loc["tree"], known["estimate"]
        said = chosen(BESIDE, "below", bad=tree["bad_high"], n=tree["n_high"], odds=tree["estimate"],
                      bar=odds_of["scorecard"], random=odds_of["random"],
                      outcome_word=facts["outcome_word"])  # fmt: skip
    else:
        said = chosen(BESIDE, "missing", outcome_name=facts["outcome_name"])
    return Exhibit(
        "beside", titled(rows, grade), said, within=None,
        headings={"model": N_("Ranking"), "bad_high": N_("In the high-risk tier"), "bad_rest": N_("In the rest"),
                  "estimate": N_("Odds ratio [95 % interval]")},
        formats={"estimate": interval(".2f"),
                 "bad_high": "{bad_high:,.0f} of {n_high:,.0f}", "bad_rest": "{bad_rest:,.0f} of {n_rest:,.0f}"},
    )  # fmt: skip


VALUE = N_("Premium customers brought {gaps} standard deviations more than the rest, under {models} in turn; the "
           "same number picked by value alone {alone:.2f}, by lot {random:.2f}.")  # fmt: skip


def value_beside(rows: pd.DataFrame, grade: str, origin: str) -> Exhibit:
    """Show what premium customers brought after tiering, beside value alone and random tiers: `realised_value`."""
    known = rows.set_index("model")["estimate"]
    own = [name for name in MODELS if name in known]
    fields = {"gaps": [Said("{gap:.2f}", {"gap": known[name]}) for name in own], "models": in_text(own),
              "alone": known.get("value alone"), "random": known.get("random")}  # fmt: skip
    frame = titled(rows, grade)
    return Exhibit(
        "value_beside", frame.assign(model=frame["model"].fillna(N_("Value alone"))), Said(VALUE, fields),
        within=None, origin=origin,
        headings={"model": N_("Ranking"), "estimate": N_("Gap in standard deviations [95 % interval]"),
                  "n": N_("Customers")}, formats={"estimate": interval(".2f"), "n": ",.0f"},
    )  # fmt: skip


ODDS = {
    "supported": N_("Over {lenders:.0f} lenders the odds of the outcome, each lender's own, are {odds:.1f} times "
                    "as high in the tree's high-risk tier (95 % interval {low:.1f} to {high:.1f})."),
    "contradicted": N_("Over {lenders:.0f} lenders the odds of the outcome, each lender's own, are lower in the "
                       "tree's high-risk tier: {odds:.1f} (95 % interval {low:.1f} to {high:.1f})."),
    "undecided": N_("Over {lenders:.0f} lenders it is open whether the tree's high-risk tier is riskier: odds "
                    "ratio {odds:.1f} (95 % interval {low:.1f} to {high:.1f})."),
    "few": N_("Odds ratio of the high-risk tier at each lender; too few lenders to pool."),
}  # fmt: skip
SHOWN = ("rfm", "abc", "tree", "scorecard")


def odds(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show the odds ratio of the high-risk tier at each lender and pooled, a panel per ranking.

    Args:
        rows: `model, lender, lenders, estimate, ci_low, ci_high, prediction_low, prediction_high, grade, verdict`.
        origin: `real`, or `recorded` where the values come from the recorded run.
    """
    pooled = rows[(rows["lender"] == ALL_LENDERS) & (rows["model"] == "tree")]
    row = {} if pooled.empty else pooled.iloc[0].to_dict()
    said = chosen(ODDS, row.get("verdict", "few"), lenders=row.get("lenders"), odds=row.get("estimate"),
                  low=row.get("ci_low"), high=row.get("ci_high"))  # fmt: skip
    alt = Said(N_("One panel per ranking: a dot with interval per lender, a diamond for all lenders, a thin line "
                  "for where a further lender would lie; the axis is logarithmic."))  # fmt: skip
    return Exhibit(
        "odds", rows, said, alt, odds_drawn, within=None, origin=origin,
        headings={"model": N_("Ranking"), "lender": N_("Lender"), "estimate": N_("Odds ratio [95 % interval]"),
                  "prediction_low": N_("A further lender, from"), "prediction_high": N_("to"),
                  "grade": N_("Evidence"), "verdict": N_("Verdict")},
        formats={"estimate": interval(".2f"), "prediction_low": ".2f", "prediction_high": ".2f"},
    )  # fmt: skip


@drawing
def odds_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest plot per ranking on one logarithmic axis of odds ratios."""
    order = [name for name in dict.fromkeys(frame["lender"]) if name != ALL_LENDERS] + [ALL_LENDERS]
    shown = [name for name in SHOWN if name in set(frame["model"])]
    figure, panels = small_multiples(words, len(shown), columns=2, row_height=0.24 * len(order) + 0.7)
    for axes, name in zip(panels, shown, strict=True):
        rows = frame[frame["model"] == name].drop_duplicates("lender").set_index("lender")
        forest(axes, rows, order, ALL_LENDERS, 1, words)
        axes.set_xscale("log")
        axes.set_xlim(0.2, 50)
        axes.set_xticks([0.25, 1, 4, 16], [words.number(value, ".3g") for value in (0.25, 1, 4, 16)])
        axes.minorticks_off()
        axes.set_title(words(NAMES[name]))
    panels[-1].set_xlabel(words(N_("Odds ratio, high-risk tier against the rest")))
    return figure


def reasons(evidence: pd.DataFrame, definitions: pd.DataFrame, asked: pd.DataFrame) -> Exhibit:
    """Show estimate, or the reason why there is none, for every claim and model, and of people asked."""
    frame = pd.concat([evidence, asked], ignore_index=True)
    frame = frame.assign(
        statement=frame["claim"].map(definitions["statement"]),
        model=frame["model"].map({**NAMES, PEOPLE: N_("People asked, tiers of their own")}),
    )
    untested = int((evidence["verdict"] == UNTESTED).sum())
    said = Said(N_("For {untested} of {n} pairs of claim and model there is no verdict; the last column says why."),
                {"untested": untested, "n": len(evidence)})  # fmt: skip
    return Exhibit(
        "evidence", frame, said, within=None, supplement=True,
        headings={"claim": N_("Claim"), "statement": N_("What is claimed"), "model": N_("Model"),
                  "estimate": N_("Estimate [95 % interval]"), "n": N_("Customers"), "verdict": N_("Verdict"),
                  "reason": N_("Why not tested")}, formats={"estimate": interval(".2f"), "n": ",.0f"},
    )  # fmt: skip


STRANDS = {
    "demonstration": N_("How the strands would meet, shown on invented answers and interviews: it "
                        "reaches no verdict."),
    "real": N_("The strands side by side: {agree} of {n} benefits where survey and interviews agree "
               "with the loans."),
}  # fmt: skip


def strands(display: pd.DataFrame, invented: bool) -> Exhibit:
    """Show the joint display, one row per claimed benefit."""
    agree = int((display["verdict"] == "convergence").sum())
    said = chosen(STRANDS, "demonstration" if invented else "real", agree=agree, n=len(display))
    return Exhibit(
        "joint_display", display, said, within=None, origin="demonstration" if invented else "reported",
        headings={"label_en": N_("Benefit"), "loan_data": N_("Loans"), "survey": N_("Survey"),
                  "interviews": N_("Interviews"), "quotes": N_("In their words")}
        | ({} if invented else {"verdict": N_("Together")}),
    )  # fmt: skip


REPORTED = {
    False: N_("What the study reports of its integration, item by item: {n} of {all} in full."),
    True: N_("What a study reports of its integration, shown on invented answers: {n} of {all} items in full."),
}  # fmt: skip


def integration(statement: pd.DataFrame, invented: bool) -> Exhibit:
    """Show the six items of Good Reporting of A Mixed Methods Study."""
    said = Said(REPORTED[invented],
                {"n": int((statement["status"] == "reported").sum()), "all": len(statement)})  # fmt: skip
    return Exhibit(
        "gramms", statement, said, within=None, supplement=True, origin="demonstration" if invented else "reported",
        headings={"item": N_("Item"), "asks": N_("Asks for"), "text": N_("Reported"), "status": N_("State")},
    )  # fmt: skip


LIMITS = (N_("Loan data show whether tiers hold what they should, not whether treating tiers changes "
             "anything: that needs a trial."),
          N_("The protocol's second version was written after the results on the public data sets "
             "were known."))  # fmt: skip


def limits_of_claims() -> list[Said]:
    """Return what no verdict here can say."""
    return [Said(text) for text in LIMITS]
