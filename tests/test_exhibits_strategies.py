# ruff: noqa: E501 (exact sentences stay whole)
"""Page 06: tables of result codes and exact sentences; what a book of few amounts or few cases may say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.compare.claims import definitions
from research.exhibits import Words, effects, policy, strategies
from research.exhibits.style import theme
from research.manage import break_even, portfolio
from research.manage.strategies import strategies as actions
from research.pages.published import of_shown_tiers
from research.tiers import TIERS
from ten_loans import LOANS

OUTCOME = "early delinquency"
LOAN = {
    "reading": "loan",
    "lgd": 1.0,
    "mean_loan": 16_000.0,
    "believable": 0.5,
    "horizon": None,
    "n": 10_000,
    "officer_hour": 60.0,
}
PD = LOAN | {"reading": "pd", "lgd": 0.45, "horizon": 12}
COUNT = LOAN | {"reading": "count", "mean_loan": np.nan}
RATES = pd.DataFrame(
    {"tier": TIERS, "n": 1000, "known": 1000, "bad": 31.0, "rate": 0.031, "ci_low": 0.02, "ci_high": 0.04}
)


def needs(*rows: tuple) -> pd.DataFrame:
    """Rows of id, tier, claim, lever, base, high, needed and result."""
    made = pd.DataFrame(rows, columns=["id", "tier", "claim", "lever", "base", "high", "needed", "result"])
    ends = {f"{name}_{end}": made["needed"] for name in ("sampling", "assumed") for end in ("low", "high")}
    return made.assign(action="Action " + made["id"], low=0.0, gain=-1.0, unit="", **ends)


NEEDED = needs(
    ("T1a", "high", "H1b", "pd", 0.1, 0.2, 0.306, "beyond"),
    ("T1c", "high", "H1b", "pd", 0.1, 0.22, 0.645, "beyond"),
    ("T3a", "low", "H4a", "hours", -0.4, -0.6, -0.04, "always"),
    ("T3a", "low", "H4a", "pd", -0.02, 0.0, -0.2, "always"),
    ("T4b", "premium", "H5b", "growth", 0.03, 0.06, 0.021, "base"),
    ("T4a", "premium", "H3b", "churn", 0.2, 0.4, np.nan, "never"),
)


def prevented(rates: pd.DataFrame = RATES) -> pd.DataFrame:
    return break_even.prevented(rates, actions())


@pytest.mark.parametrize(
    ("basis", "needed", "text"),
    [
        (LOAN, NEEDED, "Action T1a would have to prevent 31% of the cases of early delinquency in the high-risk tier to repay its "
                       "cost, even if each cost the whole loan; at most 20% is assumed. At the effects assumed, 2 of 5 actions "
                       "repay their cost. Only a trial can show whether an action works."),
        (PD, NEEDED, "Action T1a would have to prevent 31% of the cases of early delinquency in the high-risk tier to repay its "
                     "cost, at a loss of 45% of the loan. At the effects assumed, 2 of 5 actions repay their cost. Only a trial "
                     "can show whether an action works."),
        (LOAN, NEEDED.assign(needed=np.nan), "Action T1a could not repay its cost by preventing every case of early delinquency in "
                                             "the high-risk tier, even if each cost the whole loan. At the effects assumed, 2 of "
                                             "5 actions repay their cost. Only a trial can show whether an action works."),
        (COUNT, NEEDED, "Closer monitoring and control takes 968 officer hours for each case of early delinquency that it "
                        "prevents in the high-risk tier; the data hold no amounts, so nobody can say whether that pays. Only a "
                        "trial can show whether an action works."),
    ],
)  # fmt: skip
def test_the_answer_is_the_effect_that_would_have_to_be(basis: dict, needed: pd.DataFrame, text: str) -> None:
    said = strategies.answer(needed, prevented(), basis, OUTCOME)
    assert " ".join(map(str, said)) == text
    assert sum(part.length() for part in said) <= 60 and sum(part.numbers() for part in said) <= 4


def test_a_tier_whose_cases_are_withheld_gives_no_answer_and_no_effect() -> None:
    hidden = RATES.assign(**dict.fromkeys(["bad", "rate", "ci_low", "ci_high"], np.nan))
    said = strategies.answer(NEEDED, prevented(hidden), LOAN, OUTCOME)
    assert str(said[0]) == (
        "What the actions would have to achieve in the high-risk tier is withheld: it has too few cases."
    )
    clean = prevented(RATES.assign(bad=0.0, rate=0.0, ci_low=0.0))
    assert str(strategies.answer(NEEDED, clean, LOAN, OUTCOME)[0]) == (
        "The high-risk tier has no case of early delinquency, so that its actions have nothing to prevent."
    )
    safe = of_shown_tiers(NEEDED, RATES.assign(bad=RATES["bad"].where(RATES["tier"] != "high")))
    high = safe[safe["tier"] == "high"]
    assert high[["needed", "sampling_low", "assumed_high", "gain"]].isna().all(axis=None)
    assert set(high["result"]) == {"withheld"} and high["base"].notna().all()
    assert safe.loc[safe["tier"] != "high", "result"].tolist() == ["always", "always", "base", "never"]


def test_strategies_say_where_effects_come_from_and_count_hours_saved() -> None:
    made = strategies.strategies(actions())
    assert str(made.caption) == (
        "15 actions pull 22 levers. A study gives the size of the effect for 5 and its direction for 5; 12 are our assumption."
    )
    saved = made.frame[made.frame["lever"] == "hours"].iloc[0]
    assert (saved["low"], saved["base"], saved["high"], saved["moves"]) == (0.2, 0.4, 0.6, "hours saved")
    assert set(made.frame["serves"]) == {"Risk", "Value", "Need"}
    assert made.origin == "assumed"


@pytest.mark.parametrize(
    ("basis", "text"),
    [
        (
            LOAN,
            "2 of 5 actions repay their cost at the assumed effect, 0 only at its hopeful end, taking each case of early delinquency to cost the whole loan.",
        ),
        (
            PD,
            "2 of 5 actions repay their cost at the assumed effect, 0 only at its hopeful end, at a loss of 45% for each case of early delinquency.",
        ),
    ],
)
def test_the_break_even_says_what_a_case_is_taken_to_cost(basis: dict, text: str) -> None:
    made = effects.break_even(NEEDED, basis, OUTCOME)
    assert str(made.caption) == text
    assert made.frame["first"].tolist() == [True, True, True, False, True, True]


def test_each_claim_has_the_action_nearest_to_paying() -> None:
    made = effects.claims(NEEDED, definitions())
    assert made.frame["id"].tolist() == ["T1a", "T4a", "T3a", "T4b"]
    assert (
        str(made.caption)
        == "For 2 of 4 claims even the action nearest to paying needs more than the effect assumed."
    )
    assert made.frame.set_index("id").at["T3a", "needed"] == 0.04
    paying = effects.claims(NEEDED[NEEDED["result"].isin(["always", "base"])], definitions())
    assert (
        str(paying.caption)
        == "For each of the 2 claims an action would repay its cost at the effect assumed."
    )


def test_one_prevented_case_is_told_in_hours() -> None:
    assert str(effects.prevented(prevented(), OUTCOME).caption) == (
        "No action takes fewer hours for one prevented case of early delinquency than periodic monitoring and review: "
        "650; it would prevent 0.16 of 3.1 cases per hundred customers of the medium-risk tier."
    )
    hidden = RATES.assign(**dict.fromkeys(["bad", "rate", "ci_low", "ci_high"], np.nan))
    assert str(effects.prevented(prevented(hidden), OUTCOME).caption) == (
        "Officer hours for one prevented case of early delinquency; the tiers have too few cases to be published."
    )


def changes(**rows: tuple) -> pd.DataFrame:
    """Rows of tiered, uniform, change and the two intervals, by measure with `_` for blanks."""
    columns = [
        "tiered",
        "uniform",
        "estimate",
        "sampling_low",
        "sampling_high",
        "assumed_low",
        "assumed_high",
    ]
    made = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("measure").reset_index()
    return made.assign(measure=made["measure"].str.replace("_", " "), n=10_000)


FEWER = (154, 174, -20.2, -25, -16, -29, -14)
NONE = (174, 174, 0.0, -5, 5, 0, 0)
ONE = (np.nan, np.nan, 142_760, 116_000, 185_000, 87_000, 220_000)
HOURS = (np.nan, np.nan, 1620, 1300, 2100, 1100, 2300)


def profit(estimate: float, sampling: tuple, assumed: tuple) -> tuple:
    return (1.0, 1.0 - estimate, estimate, *sampling, *assumed)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (changes(outcomes=FEWER, hours_for_one=HOURS),
         "All actions together would prevent 20 of 170 cases of early delinquency, at 1,600 officer hours for each."),
        (changes(outcomes=FEWER, hours_for_one=HOURS, cost_of_one=ONE),
         "All actions together would prevent 20 of 170 cases of early delinquency and cost 140,000 US dollar for each: 8.9 times "
         "the mean loan."),
        (changes(outcomes=FEWER, hours_for_one=HOURS, cost_of_one=(np.nan, np.nan, -5, -9, -1, -9, -1)),
         "All actions together would prevent 20 of 170 cases of early delinquency and cost nothing on balance."),
        (changes(outcomes=NONE, hours_for_one=HOURS), "All actions together would prevent no case of early delinquency."),
        (changes(outcomes=FEWER, profit=profit(-2481.0, (-4580, -319), (-6011, -178))),
         "All actions together would lower profit by 2,500 US dollar, under every sample and assumption within the two intervals."),
        (changes(outcomes=FEWER, profit=profit(2481.0, (319, 4580), (178, 6011))),
         "All actions together would raise profit by 2,500 US dollar, under every sample and assumption within the two intervals."),
        (changes(outcomes=FEWER, profit=profit(-2481.0, (-4580, -319), (-6011, 1783))),
         "Whether all actions together raise profit is open: −2,500 US dollar at base, −6,000 to +1,800 over the assumptions."),
    ],
)  # fmt: skip
def test_the_policy_says_what_both_intervals_allow(rows: pd.DataFrame, text: str) -> None:
    made = policy.policy(rows, LOAN, OUTCOME, "US dollar")
    assert str(made.caption) == text
    assert {"sampling_low", "assumed_low"} <= set(made.headings)


@pytest.mark.parametrize(
    ("measure", "basis", "text"),
    [
        ((0.22, 0.23), PD, "The return on risk capital is 22% a year by tier and 23% for all alike."),
        (
            (1.05, 0.9),
            PD,
            "The return on risk capital is withdrawn: the figures would be beyond 50% a year, which no bank would believe, because the capital is that of a rule and the costs leave out everything but funds and officers.",
        ),
        (
            None,
            LOAN,
            "Expected loss, profit and the return on risk capital are not computed: the months over which early delinquency is counted are not known for each loan, so that its rate is no probability of default.",
        ),
        (None, COUNT, "Loss, income and profit are not computed: the data hold no amount and no limit."),
        (None, PD, "Income and profit are not computed: the data hold no contract rate."),
    ],
)
def test_a_return_that_no_bank_would_believe_is_withdrawn(
    measure: tuple | None, basis: dict, text: str
) -> None:
    rows = changes(outcomes=FEWER, hours_for_one=HOURS)
    if measure:
        rows = changes(
            outcomes=FEWER, profit=profit(1.0, (0, 2), (0, 2)), RAROC=(*measure, -0.01, -0.02, 0, -0.02, 0)
        )
    assert str(policy.losses(rows, basis, OUTCOME)) == text
    shown = set(policy.policy(rows, basis, OUTCOME, "US dollar").frame["measure"])
    assert ("RAROC" in shown) == (measure == (0.22, 0.23))


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (
            "cost of one",
            "Cost of an officer hour moves the cost of one prevented case most: from 94,000 to 190,000 US dollar.",
        ),
        (
            "hours for one",
            "Cost of an officer hour moves the officer hours for one prevented case most: from 94,000 to 190,000.",
        ),
        (
            "outcomes",
            "Cost of an officer hour moves the change of the number of cases most: from +94,000 to +190,000.",
        ),
        (
            "profit",
            "Cost of an officer hour moves the change of profit most: from +94,000 to +190,000 US dollar.",
        ),
    ],
)
def test_the_tornado_names_the_assumption_that_moves_most(measure: str, text: str) -> None:
    assert str(policy.tornado(TORNADO, measure, "US dollar").caption) == text


TORNADO = pd.DataFrame(
    {
        "assumption": ["officer_hour", "T2c pd"], "label": ["Cost of an officer hour", "Adjusted plan"],
        "unit": ["currency per hour", "relative cut of PD"], "low": [30, 0], "high": [90, 0.22],
        "at_low": [94_000.0, 160_000.0], "at_base": 143_000.0, "at_high": [191_000.0, 120_000.0], "swing": [97_000.0, 40_000.0],
    }
)  # fmt: skip
SPENT = pd.DataFrame(
    {"tier": TIERS, "uniform": 2.0, "tiered": [11.5, 1.4, 8, 12], "assumed_low": 1.0, "assumed_high": 13.0}
)


def test_hours_say_what_is_freed_and_what_is_taken_unless_a_tier_is_withheld() -> None:
    made = policy.officer_hours(SPENT, RATES)
    assert str(made.caption) == (
        "The low-risk tier would free 600 officer hours a year; the actions of the other tiers would take 26,000."
    )
    few = policy.officer_hours(SPENT, RATES.assign(n=RATES["n"].where(RATES["tier"] != "low")))
    assert str(few.caption) == "Officer hours per customer and year by tier; all of them are assumed."


@pytest.mark.parametrize("width", [7.6, 3.6])
def test_figures_draw_what_was_published_on_a_page_and_on_a_phone(width: float) -> None:
    words = Words(width=width)
    for made in (
        effects.break_even(NEEDED, LOAN, OUTCOME),
        policy.tornado(TORNADO, "cost of one", "US dollar"),
        policy.officer_hours(SPENT, RATES.assign(n=np.nan)),
    ):
        with theme():
            figure = made.draw(made.frame, words)
        assert figure.get_figwidth() <= width
        texts = [text.get_text() for axes in figure.axes for text in (*axes.texts, *axes.get_yticklabels())]
        assert texts
        if made.name == "break_even":
            assert "never pays" in texts


@pytest.mark.parametrize(
    ("contradictions", "text"),
    [
        (
            None,
            "`research contacts` writes a workbook for the bank's own use: 10,000 customers with tier, reasons, actions and next contact. It flags 519 as potential premium.",
        ),
        (
            [5, 63],
            "`research contacts` writes a workbook for the bank's own use: 10,000 customers with tier, reasons, actions and next contact. It flags 519 as potential premium, and 68 because tier and payment record cannot both be right.",
        ),
        (
            [np.nan, 63],
            "`research contacts` writes a workbook for the bank's own use: 10,000 customers with tier, reasons, actions and next contact. It flags 519 as potential premium, and withheld because tier and payment record cannot both be right.",
        ),
    ],
)
def test_the_contact_plan_is_one_sentence(contradictions: list | None, text: str) -> None:
    counted = None if contradictions is None else pd.DataFrame({"customers": contradictions})
    assert str(strategies.contacts(10_000, 519, counted)) == text


def test_limits_say_what_the_outcome_stands_against() -> None:
    assert str(strategies.limits(LOAN, OUTCOME, "US dollar", None)[0]) == (
        "The months over which early delinquency is counted are not known; here it stands against one year of work. If twice as "
        "many cases came up in a year, half the effect would do."
    )
    dated = strategies.limits(PD, "default", "US dollar", 12)
    assert str(dated[0]) == "Hours, costs and income are those of 12 months, over which default is counted."
    assert str(dated[1]) == (
        "An officer hour is taken to cost 60 US dollar, a figure of our own; a bank sets its own (`officer_hour`)."
    )
    assert len(strategies.limits(COUNT, OUTCOME, "US dollar", None)) == len(dated) - 2
    assert str(dated[2]) == (
        "Amounts rest on 10,000 customers; 12 are left out because amount, rate or outcome is missing."
    )


def test_the_supplement_shows_sources_assumptions_and_rules() -> None:
    listed = portfolio.assumed(portfolio.book(LOANS, LOANS["pd"], LOANS["tier"]), portfolio.economics())
    rules = pd.DataFrame(
        {
            "rule": ["a", "b"],
            "gives": "",
            "instrument": "",
            "article": "",
            "status": "",
            "applied": ["applied", "not"],
        }
    )
    crossed = pd.DataFrame(
        {"tier": ["low"], "five_category": "", "ifrs9_stage": "", "n": 9, "customers": 9, "severity": ""}
    )
    quality = strategies.loan_quality(rules, "2026.1", crossed, crossed)
    made = [strategies.sources(actions()), strategies.assumed(listed), *quality]
    assert all(exhibit.supplement for exhibit in made)
    assert str(quality[0].caption) == (
        "1 of 2 rules of loan quality (version 2026.1) can be applied to these data."
    )
    assert [exhibit.name for exhibit in quality] == ["quality_rules", "crosswalk", "contradictions"]
    assert len(strategies.loan_quality(rules, "2026.1", None, None)) == 1
