"""Page 04: how RFM, ABC and the tree sort customers, and the scorecard beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import panels_of_tiers, rate_of, with_outcome
from research.exhibits.terms import NAMES, NAMES_IN_TEXT
from research.exhibits.words import N_, Said, Words, chosen
from research.tiers import TIERS

RANKINGS = NAMES_IN_TEXT | {
    "tree": N_("the decision tree"),
    "credit_grade": NAMES_IN_TEXT["grade"],
    "credit_score": N_("the credit score"),
    "grade": NAMES_IN_TEXT["single"],
    "random": N_("tiers by lot"),
}
TITLES = NAMES | {
    "credit_grade": NAMES["grade"],
    "credit_score": N_("Credit score"),
    "grade": NAMES["single"],
    "random": N_("Tiers by lot"),
}
JUDGED = {
    "unseen": N_("{ranking}: unseen customers"),
    "matched shares": N_("{ranking}: customers it was set up on"),
    "own rule": N_("{ranking}: by its own cut-offs"),
    "chance": N_("{ranking}: unseen customers"),
}
RATES = {
    "apart": N_("The {rate_word} rises over the tiers of {ranking}: {bad_premium:,} {outcome_word} among "
                "{n_premium:,} unseen in premium ({premium:.1%}), {bad_high:,} among {n_high:,} in high risk "
                "({high:.1%})."),
    "open": N_("No rise of the {rate_word} over the tiers of {ranking} is shown: {bad_premium:,} {outcome_word} "
               "among {n_premium:,} unseen in premium ({premium:.1%}), {bad_high:,} among {n_high:,} in high risk "
               "({high:.1%})."),
    "reversed": N_("The tiers of {ranking} run backwards: {bad_premium:,} {outcome_word} among {n_premium:,} "
                   "unseen in premium ({premium:.1%}), {bad_high:,} among {n_high:,} in high risk ({high:.1%})."),
    "withheld": N_("The {rate_word} of the tiers of {ranking}; one has too few customers, or too few "
                   "{outcome_word}, to be published."),
}  # fmt: skip
TREND = {
    "apart": N_("Over all four tiers of {ranking} the {rate_word} of unseen customers rises by more than chance "
                "explains (test of trend, p {p_value:p=}). High risk is {gap:.1pp} percentage points above premium "
                "(95 % CI {gap_low:.1pp} to {gap_high:.1pp}); on the customers it was set up on, {fitted:.1pp}."),
    "open": N_("Over the four tiers of {ranking} no trend of the {rate_word} of unseen customers is shown (test of "
               "trend, p {p_value:p=}). High risk minus premium is {gap:.1pp} percentage points (95 % CI "
               "{gap_low:.1pp} to {gap_high:.1pp}); on the customers it was set up on, {fitted:.1pp}."),
    "reversed": N_("Over the four tiers of {ranking} the {rate_word} of unseen customers falls where it should "
                   "rise (test of trend, p {p_value:p=}). High risk minus premium is {gap:.1pp} percentage points "
                   "(95 % CI {gap_low:.1pp} to {gap_high:.1pp}); on the customers it was set up on, {fitted:.1pp}."),
    "withheld": N_("Whether the tiers of {ranking} part the risk cannot be said without counts that are withheld."),
}  # fmt: skip
OWN_RULE = {
    "apart": N_("By its own cut-offs, before the study's tier shares, there are {bad_premium:,} {outcome_word} "
                "among {n_premium:,} in premium and {bad_high:,} among {n_high:,} in high risk: the rate rises "
                "over the tiers (p {p_value:p=})."),
    "open": N_("By its own cut-offs, before the study's tier shares, there are {bad_premium:,} {outcome_word} "
               "among {n_premium:,} in premium and {bad_high:,} among {n_high:,} in high risk: no trend is shown "
               "(p {p_value:p=})."),
    "reversed": N_("By its own cut-offs, before the study's tier shares, the tiers run backwards: {bad_premium:,} "
                   "{outcome_word} among {n_premium:,} in premium and {bad_high:,} among {n_high:,} in high risk "
                   "(p {p_value:p=})."),
    "withheld": N_("What its own cut-offs give is withheld in part."),
}  # fmt: skip
BAR = {
    "shown": N_("On the same unseen customers {bar} sets high risk {gap:.1pp} points above premium."),
    "both": N_("On the same unseen customers {bar} sets high risk {gap:.1pp} points above premium, and {other} "
               "{other_gap:.1pp}."),
    "withheld": N_("What {bar} does on the same customers is withheld in part."),
}  # fmt: skip
ANSWER = {
    "all": N_("On customers they had not seen, {apart} all sort by risk better than chance."),
    "some": N_(
        "On customers not seen before, risk is sorted better than chance by {apart}; for {rest} this is not shown."
    ),
    "none": N_("On customers not seen before, {rest} are not shown to sort by risk."),
}
HIGHEST = {
    "graded": N_("In the tier called high risk the {rate_word} is {high:.1%} under {best}, {scorecard:.1%} under a "
                 "scorecard and {grade:.1%} under {reference}; of all customers it is {overall:.1%}."),
    "alone": N_("In the tier called high risk the {rate_word} is {high:.1%} under {best} and {scorecard:.1%} under "
                "a scorecard; of all customers it is {overall:.1%}."),
}  # fmt: skip


def ranking_name(ranking: str, reference: str = "") -> Said:
    """Return what a ranking is called; the reference of one variable by its name where it is a grade or a score."""
    return Said(RANKINGS.get(reference if ranking == "grade" else ranking, RANKINGS["grade"]))


def title_of(ranking: str, reference: str = "") -> str:
    """Return what a ranking is called in a heading, see `ranking_name`."""
    return TITLES.get(reference if ranking == "grade" else ranking, TITLES["grade"])


def test_of(tests: pd.DataFrame, ranking: str, judged: str = "unseen") -> pd.Series:
    """Return the test of one ranking."""
    return tests[(tests["ranking"] == ranking) & (tests["judged"] == judged)].iloc[0]


def tier_rates(
    rates: pd.DataFrame, tests: pd.DataFrame, ranking: str, reference: str, facts: Mapping[str, Any]
) -> Exhibit:
    """Return the rates of a model's tiers, seen and unseen, with scorecard, grade and tiers by lot beside.

    Rates and tests are those of `pages.published.rankings`, `reference` the construct of the reference of one variable.
    """
    order = [(ranking, "unseen"), ("scorecard", "unseen"), (ranking, "matched shares"), ("grade", "unseen"),
             (ranking, "own rule"), ("random", "chance")]  # fmt: skip
    shown = rates[rates["ranking"].isin({name for name, _ in order})]
    place = [order.index(pair) for pair in zip(shown["ranking"], shown["judged"], strict=True)]
    shown = shown.assign(outcome=facts["outcome_name"], reference=reference, place=place)
    shown = shown.sort_values("place", kind="stable").drop(columns="place")
    test, name = test_of(tests, ranking), {"ranking": ranking_name(ranking)}
    alt = N_("Six panels of four dots with intervals, one per tier: {ranking} on the left, scorecard, reference "
             "and lots on the right.")  # fmt: skip
    return Exhibit(
        f"{ranking}_rates", shown, chosen(RATES, test["result"], **dict(facts) | dict(test) | name), Said(alt, name),
        tier_rates_drawn,
        headings={"ranking": N_("Ranking"), "judged": N_("Judged on"), "tier": N_("Tier"), "n": N_("Customers"),
                  "bad": with_outcome(facts["outcome_name"]), "rate": rate_of(facts["outcome_name"])},
        formats={"rate": interval(".2%", "rate"), "n": ",.0f", "bad": ",.0f"}, within=[("ranking", "judged")],
    )  # fmt: skip


@drawing
def tier_rates_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the rate of the outcome in each tier, a panel per ranking and per who was judged."""
    parts = []
    for (ranking, judged), part in frame.groupby(["ranking", "judged"], sort=False):
        name = words(title_of(str(ranking), str(part["reference"].iloc[0])))
        parts.append((words(JUDGED[str(judged)], ranking=name), part))
    text = N_("Rate of {outcome}, 95 % interval. Dashed: all customers")
    return panels_of_tiers(parts, words, 2, 1.5, words(text, outcome=str(frame["outcome"].iloc[0])))


def trend(tests: pd.DataFrame, ranking: str, reference: str, facts: Mapping[str, Any]) -> list[Said]:
    """Return what the test of a model's tiers found, what the bar does, and what its own cut-offs give."""
    test, own = test_of(tests, ranking), test_of(tests, ranking, "own rule")
    more = {"ranking": ranking_name(ranking), "fitted": test_of(tests, ranking, "matched shares")["gap"]}
    said = chosen(TREND, test["result"], **dict(facts) | dict(test) | more)
    return [said, *bar(tests, reference), chosen(OWN_RULE, own["result"], **dict(facts) | dict(own))]


def bar(tests: pd.DataFrame, reference: str) -> list[Said]:
    """Return how far the scorecard and the reference of one variable set high risk above premium."""
    shown = [test_of(tests, name) for name in ("scorecard", "grade") if name in set(tests["ranking"])]
    known = [test for test in shown if test["result"] != "withheld"]
    names = [ranking_name(str(test["ranking"]), reference) for test in known]
    if len(known) == 2:
        given = {"bar": names[0], "gap": known[0]["gap"], "other": names[1], "other_gap": known[1]["gap"]}
        return [Said(BAR["both"], given)]
    if len(known) == 1:
        return [Said(BAR["shown"], {"bar": names[0], "gap": known[0]["gap"]})]
    return [Said(BAR["withheld"], {"bar": ranking_name("scorecard")})]


def answer(
    rates: pd.DataFrame, tests: pd.DataFrame, models: list[str], reference: str, facts: Mapping[str, Any]
) -> list[Said]:
    """Return the page's answer: which models sort by risk, and how risky their high-risk tier is beside the bar."""
    unseen = tests[tests["judged"] == "unseen"].set_index("ranking")
    apart = [name for name in models if unseen.at[name, "result"] == "apart"]
    rest = [name for name in models if name not in apart]
    code = "all" if not rest else "some" if apart else "none"
    names = {"apart": [ranking_name(name) for name in apart], "rest": [ranking_name(name) for name in rest]}
    said = [chosen(ANSWER, code, **names)]
    if unseen.loc[models, "high"].notna().all() and "scorecard" in unseen.index:
        best = str(unseen.loc[models, "high"].astype(float).idxmax())
        high = unseen["high"].to_dict()
        high |= {"high": high[best], "overall": rates["overall"].iloc[0], "rate_word": facts["rate_word"]}
        names = {"best": ranking_name(best), "reference": ranking_name("grade", reference)}
        said.append(chosen(HIGHEST, "graded" if "grade" in high else "alone", **names | high))
    return said


WHO = {
    "free": N_("Median and middle half by tier. Of what {ranking} does not sort by, “{free}” differs most."),
    "sorted": N_("Median and middle half by tier; all that differs most is what {ranking} sorts by."),
}


def who(profile: pd.DataFrame, ranking: str, inputs: list[str], shown: int = 6) -> Exhibit:
    """Return who is in each tier: medians and middle halves of what differs most, of the profile as published.

    `inputs` are what the model sorts by, which differs by construction; of the constructs so many are `shown`.
    """
    first = list(profile["construct"].unique()[:shown])
    rows, formats = [], {}
    for name in first:
        part = profile[profile["construct"] == name].set_index("tier")
        share = str(part["unit"].iloc[0]).startswith("share")
        spec = ".1%" if share else ",.0f" if part["median"].abs().max() >= 20 else ",.1f"
        label = str(part["label"].iloc[0])
        row: dict[str, object] = {"label": label, "used": N_("yes") if name in inputs else N_("no")}
        for tier in TIERS:
            row |= {f"{tier}_{end}": part.at[tier, end] for end in ("median", "q25", "q75")}
        rows.append(row)
        formats[label] = spec
    by_tier = {
        f"{tier}_median": {
            label: f"{{{tier}_median:{spec}}} [{{{tier}_q25:{spec}}}, {{{tier}_q75:{spec}}}]"
            for label, spec in formats.items()
        }
        for tier in TIERS
    }
    free = [row["label"] for row in rows if row["used"] == "no"]
    said = chosen(
        WHO, "free" if free else "sorted", ranking=ranking_name(ranking), free=free[0] if free else ""
    )
    return Exhibit(
        f"{ranking}_who", pd.DataFrame(rows), said,
        headings={"label": N_("Of customers"), "used": N_("Sorted by it"), "premium_median": N_("Premium"),
                  "low_median": N_("Low risk"), "medium_median": N_("Medium risk"), "high_median": N_("High risk")},
        formats=by_tier, within=None,
    )  # fmt: skip


def auc(table: pd.DataFrame, reference: str, outcome: str) -> Exhibit:
    """Return how well each ranking orders unseen customers by risk: `table` of the step `ranking_auc`."""
    best = table.loc[table["auc"].idxmax()]
    ordered = table.sort_values("auc", ascending=False)
    named = ordered.assign(name=[title_of(name, reference) for name in ordered["ranking"]])
    said = N_("Of two customers, one with {outcome} and one without, {best} ranks the first as riskier in "
              "{auc:.0%} of cases (AUC); lots would in half.")  # fmt: skip
    given = {"best": ranking_name(str(best["ranking"]), reference), "auc": best["auc"], "outcome": outcome}
    return Exhibit(
        "auc", named.assign(gini=2 * named["auc"] - 1).drop(columns="n"), Said(said, given),
        headings={"name": N_("Ranking"), "auc": N_("AUC, 95 % CI"), "gini": N_("Gini")},
        formats={"auc": interval(".3f", "auc"), "gini": ".3f"}, within=None,
    )  # fmt: skip


RESULTS = {"apart": N_("rises"), "open": N_("not shown"), "reversed": N_("falls"), "withheld": N_("withheld")}


def all_tests(tests: pd.DataFrame, reference: str, facts: Mapping[str, Any]) -> Exhibit:
    """Return every test of separation: for the supplement."""
    names = [title_of(name, reference) for name in tests["ranking"]]
    frame = tests.assign(name=names, found=tests["result"].map(RESULTS))
    said = N_(
        "Trend of the {rate_word} over tiers (Cochran and Armitage) and high risk minus premium (Newcombe)."
    )
    return Exhibit(
        "separation", frame, Said(said, {"rate_word": facts["rate_word"]}),
        headings={"name": N_("Ranking"), "judged": N_("Judged on"), "statistic": N_("z"), "p_value": N_("p"),
                  "gap": N_("High risk − premium, 95 % CI"),
                  "found": Said(N_("Rate of {outcome} over tiers"), {"outcome": facts["outcome_name"]})},
        formats={"statistic": ".2f", "p_value": "p", "gap": interval(".2%", "gap", "gap")},
        within=None, supplement=True,
    )  # fmt: skip


FURTHER = {
    "05_comparison": N_("purpose by purpose, and against the lender's grade"),
    "03_drivers": N_("the same risks by regression"),
}
OUTCOME = N_("The outcome: {outcome}. That holds for {bad:,} of {known:,} customers ({outcome_rate:.1%}).")
SHARES = N_("Unless a panel says otherwise, a ranking puts {premium:.0%} of the customers into premium, {low:.0%} "
            "into low, {medium:.0%} into medium and {high:.0%} into high risk.")  # fmt: skip


def outcome(facts: Mapping[str, Any]) -> Said:
    """Return what the outcome is here, and how many customers have it. `facts`: of the step `about`."""
    return chosen({"": OUTCOME}, "", **facts)


def shares(given: Mapping[str, float]) -> Said:
    """Return how many customers each tier has: `premium`, `low`, `medium`, `high`."""
    return Said(SHARES, given)


def missing(models: list[str], testable: list[str]) -> list[Said]:
    """Return a sentence on each model that this data set cannot show."""
    said = N_("There is no section on {ranking}: the data measure none of its inputs.")
    return [Said(said, {"ranking": ranking_name(name)}) for name in models if name not in testable]


WEIGHTS = {
    "equal": N_("The weights of RFM and ABC are equal; other weights give other tiers."),
    "survey": N_("The weights of RFM and ABC are those of the survey's experts; other weights give other tiers."),
    "given": N_("The weights of RFM and ABC are given by the study; other weights give other tiers."),
}  # fmt: skip


def limits(weights: object, censoring: str) -> list[Said]:
    """Return what the page cannot say.

    `weights` is where the weights come from (`equal`, `survey`, or weights by name), `censoring` what is known of
    outcomes that were still open.
    """
    return [Said(N_("Outcomes that were still open: {censoring}"), {"censoring": censoring}),
            Said(N_("One lender and one period; whether tiers hold is asked of several on "
                    "[the page on the comparison](05_comparison.ipynb).")),
            Said(WEIGHTS.get(weights if isinstance(weights, str) else "given", WEIGHTS["given"])),
            Said(N_("The points of the scorecard follow these data alone, also where they run against an officer's "
                    "sense; a bank reviews them before use.")),
            Said(N_("Customers not seen before are those of held-out folds, not those of a later year.")),
            Said(N_("A leaf of the tree cannot be cut at an exact share: where tier shares split one, lower value "
                    "goes to the riskier tier."))]  # fmt: skip


PROXIES = {
    "some": N_(
        "Of these inputs, {proxies} are proxies in this data set, see [the page on the data](01_data.ipynb)."
    ),
    "none": N_("All of its inputs are measured directly in this data set."),
}


def proxies(coverage: pd.DataFrame, dataset: str, inputs: list[str]) -> Said:
    """Return which inputs of a model stand for something else; `coverage`: `dataset`, `construct`, `label`, `fit`."""
    own = coverage[(coverage["dataset"] == dataset) & coverage["construct"].isin(inputs)]
    found = own.loc[own["fit"] == "proxy", "label"].str.lower().tolist()
    return chosen(PROXIES, "some" if found else "none", proxies=found)
