"""Page 09: what it says of real answers and of the study's own survey follows from the results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.exhibits import acceptance, experts, survey, wellbeing
from research.exhibits.style import mark_origin, theme
from research.exhibits.words import Words
from research.pages.payload import MIME
from research.pages.show import exhibit_bundle
from research.parameters import load
from research.study import contents as steps
from research.suppression import WITHHELD
from research.tiers import TIERS


def means(result: str = "equivalent") -> pd.DataFrame:
    """Mean V of tiers, income alone and random tiers."""
    rows = pd.DataFrame({"by": ["tiers", "income", "random"], "estimate": [0.164, 0.192, 0.009]})
    gaps = {f"difference_{name}": [np.nan, -0.03, 0.155] for name in ("estimate", "ci_low", "ci_high")}
    return rows.assign(**gaps, ci_low=0.1, ci_high=0.2, result=["", result, "better"], questions=20, n=6004, bar=0.1,
                       margin=0.05)  # fmt: skip


def groups(*p: float) -> pd.DataFrame:
    """Comparison of the groups, a scale per p."""
    names = ["customer value", "growth", "risk level"]
    return pd.DataFrame(
        {"construct": names[: len(p)], "effect": [-0.6, 0.3, 0.1][: len(p)], "p_holm": p, "level": 0.05}
    )


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        ("not refuted", "Among 6,004 adults asked in a public survey, tiers of income and strain differ in what "
                        "people need: "
                        "Cramér's V averages 0.16 over 20 questions, clear of the bar of 0.1."),
        ("undecided", "Among 6,004 adults asked in a public survey it is open whether tiers of income and "
                      "strain differ"),
        ("refuted", "Among 6,004 adults asked in a public survey, tiers of income and strain hardly differ in "
                    "what people "
                    "need: Cramér's V averages 0.16 over 20 questions, below the bar of 0.1."),
    ],
)  # fmt: skip
def test_the_answer_follows_the_verdict(verdict: str, start: str) -> None:
    found = survey.answer(means(), verdict, groups(0.01), "demonstration")
    assert str(found[0]).startswith(start)
    assert sum(part.length() for part in found) <= 60
    assert sum(part.numbers() for part in found) == 4


@pytest.mark.parametrize(
    ("result", "alone", "caption"),
    [
        ("equivalent", "Income alone parts them about as well.",
         "Income alone parts needs about as well (V 0.19) as income and strain together (0.16): they differ by "
         "less than 0.05."),
        ("no better", "Income alone parts them at least as well.",
         "Signs of strain add nothing to income alone: it parts needs by a V of 0.19, both together by 0.16, and the "
         "difference lies within 0.05."),
        ("worse", "Income alone parts them better.",
         "Income alone parts needs better (V 0.19) than with signs of strain (0.16)."),
        ("better", "Income alone parts them less.",
         "Income and strain together part needs better (V 0.16) than income alone (0.19)."),
        ("open", "Whether income alone parts them as well is open.",
         "Income and strain (V 0.16) or income alone (0.19): which parts needs better is open."),
    ],
)  # fmt: skip
def test_income_alone_stands_beside_the_tiers(result: str, alone: str, caption: str) -> None:
    assert str(survey.answer(means(result), "not refuted", None, "demonstration")[1]) == alone
    assert str(wellbeing.means(means(result), "recorded").caption) == caption


@pytest.mark.parametrize(
    ("own", "origin", "text"),
    [
        (groups(0.01, 0.2), "demonstration", "What a bank's own customers and officers say is not known here."),
        (None, "reported", "What a bank's own customers and officers say is not known here."),
        (groups(0.01, 0.02, 0.2), "reported", "Practitioners and customers of this study differ on customer "
                                              "value and growth."),
        (groups(0.6), "reported", "On no scale is a difference between this study's practitioners and customers "
                                  "shown."),
    ],
)  # fmt: skip
def test_invented_answers_reach_no_answer(own: pd.DataFrame | None, origin: str, text: str) -> None:
    assert str(survey.answer(means(), "not refuted", own, origin)[2]) == text


def needs(*results: str) -> pd.DataFrame:
    """A question per result, most different first."""
    rows = pd.DataFrame({"text": ["Retirement account", "Pension", "Asks others first"][: len(results)]})
    values = {"estimate": [0.31, 0.19, 0.05], "income_estimate": [0.44, 0.16, 0.12]}
    rows = rows.assign(
        **{name: part[: len(results)] for name, part in values.items()}, kind="products held", answer="yes"
    )
    ends = {
        f"{who}{end}": rows[f"{who}estimate"] + gap
        for who in ("", "income_")
        for end, gap in (("ci_low", -0.02), ("ci_high", 0.02))
    }
    return rows.assign(**ends, random_high=0.04, bar=0.1, n=6004, result=results)


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("above", "open", "below"), "On 1 of 3 questions tiers differ by more than the bar of 0.1, most on "
                                     "“Retirement account” "
                                     "(V 0.31); on 1 by less, least on “Asks others first” (0.05)."),
        (("above", "above"), "On each of 2 questions tiers differ by more than the bar of 0.1, most on "
                             "“Retirement account” "
                             "(V 0.31)."),
        (("open", "below"), "On none of 2 questions are tiers shown to differ by more than the bar of 0.1; most "
                            "on “Retirement "
                            "account” (V 0.31)."),
    ],
)  # fmt: skip
def test_questions_are_counted_by_their_whole_interval(results: tuple[str, ...], text: str) -> None:
    assert str(wellbeing.needs(needs(*results), "recorded").caption) == text


def scores(result: str) -> pd.DataFrame:
    """Well-being by tier."""
    rows = pd.DataFrame({"tier": TIERS, "rule": ["no sign", "everybody else", "two signs", "three signs"], "n": 900,
                         "estimate": [63.7, 56.7, 48.6, 40.3]})  # fmt: skip
    ends = {"ci_low": rows["estimate"] - 1, "ci_high": rows["estimate"] + 1}
    return rows.assign(**ends, share=0.25, overall=54.2, people=6394, year=2016, result=result)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("apart", "Financial well-being falls from 64 points of premium people to 40 of high-risk people; all "
                  "adults score 54."),
        ("open", "No fall of financial well-being over the tiers is shown: premium people score 64, high-risk "
                 "people 40, all "
                 "adults 54."),
        ("reversed", "Financial well-being rises where it should fall: premium people score 64, high-risk "
                     "people 40, all "
                     "adults 54."),
    ],
)  # fmt: skip
def test_well_being_falls_where_the_difference_says_so(result: str, text: str) -> None:
    assert str(wellbeing.wellbeing(scores(result), "recorded").caption) == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("lower", "High-risk people score lower than low-risk people alike in income, age, schooling and household "
                  "size: −12.9 points; −16.4 where nothing is held equal."),
        ("higher", "High-risk people score higher than low-risk people alike in income, age, schooling and household "
                   "size: −12.9 points; −16.4 where nothing is held equal."),
        ("open", "High-risk and low-risk people alike in income, age, schooling and household size are not shown to "
                 "score differently: −12.9 points; −16.4 where nothing is held equal."),
    ],
)  # fmt: skip
def test_people_alike_differ_where_the_model_says_so(result: str, text: str) -> None:
    rows = pd.DataFrame({"tier": ["premium", "medium", "high"], "estimate": [3.0, -6.8, -12.9],
                         "plain_estimate": [7.0, -8.2, -16.4], "result": ["higher", "lower", result]})  # fmt: skip
    rows = rows.assign(
        **{f"{name}ci_{end}": 0.0 for name in ("", "plain_") for end in ("low", "high")}, n=6003
    )
    assert str(wellbeing.alike(rows.assign(p_holm=0.001), "recorded").caption) == text


def models(*results: str, clustered: bool = True) -> pd.DataFrame:
    """A comparison per result: satisfaction of two tiers, a strategy and who it is for, a strategy by group."""
    rows = pd.DataFrame({
        "construct": ["own satisfaction", "strategy premium", "strategy low risk"], "by": ["tier", "tier", "group"],
        "first": ["premium", "premium", "customer"], "second": ["high", "", "practitioner"],
        "estimate": [0.6, -0.4, 0.1], "ci_low": [0.2, -0.9, -0.2], "ci_high": [1.0, 0.1, 0.4],
        "odds_ratio": [2.0, 0.6, 0.9], "odds_low": [0.9, 0.4, 0.5], "odds_high": [4.0, 1.2, 1.6],
        "dof": [6.8, 5.9, 10.2], "result": results})  # fmt: skip
    named = {f"standardised{end}": rows[name] for end, name in
             (("", "estimate"), ("_low", "ci_low"), ("_high", "ci_high"))}  # fmt: skip
    return rows.assign(**named, p_holm=0.03, n=93, fewer=15, clusters=12, clustered=clustered, least_dof=4.0)


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("differ", "open", "open"), "Groups differ in 1 of 3 comparisons of satisfaction and acceptance (Holm), most "
                                     "in own satisfaction, premium less high-risk customers: +0.60 points [+0.20, "
                                     "+1.00]."),
        (("open", "open", "open"), "No comparison of satisfaction and acceptance, of 3 made, shows a difference "
                                   "(Holm); the largest is in own satisfaction, premium less high-risk customers: "
                                   "+0.60 points [+0.20, +1.00]."),
        (("few", "open", "no column"), "No comparison of satisfaction and acceptance, of 1 made, shows a difference "
                                       "(Holm); the largest is in strategy for premium, customers it is for less "
                                       "other customers: −0.40 points [−0.90, +0.10]."),
    ],
)  # fmt: skip
def test_groups_differ_where_holm_says_so(results: tuple[str, ...], text: str) -> None:
    made = acceptance.differences(models(*results), "demonstration")[0]
    assert str(made.caption) == text
    assert len(made.frame) == sum(result in ("differ", "open") for result in results)


@pytest.mark.parametrize(
    ("results", "clustered", "text"),
    [
        (("differ", "open", "open"), True, [
            "Respondents come from 12 branches or officers: errors are clustered by these and corrected for their "
            "number, which leaves Student's t 6 to 10 degrees of freedom.",
            "As a check, cumulative logits of the single answers, without weights, point the same way on 2 of 3 "
            "comparisons, and on 2 they agree whether the interval is clear of no difference."]),
        (("open", "few", "no answers"), False, [
            "No branch or officer is given, so each respondent counts as asked alone; where people were asked branch "
            "by branch, these intervals are too narrow.",
            "Too few branches or people stand behind these (less than 4 degrees of freedom), so neither interval nor "
            "test is given: customers it is for less other customers (strategy for premium).",
            "Not testable here, because fewer than two people of a group answered: customers less practitioners "
            "(strategy for low risk).",
            "As a check, cumulative logits of the single answers, without weights, point the same way on 1 of 1 "
            "comparisons, and on 0 they agree whether the interval is clear of no difference."]),
        (("no column", "no column", "few"), True, [
            "Not testable here, because the answers have no column “tier”: premium less high-risk customers "
            "(own satisfaction) and customers it is for less other customers (strategy for premium).",
            "Too few branches or people stand behind these (less than 4 degrees of freedom), so neither interval nor "
            "test is given: customers less practitioners (strategy for low risk)."]),
    ],
)  # fmt: skip
def test_what_a_comparison_rests_on_and_what_it_lacks_is_said(
    results: tuple[str, ...], clustered: bool, text: list[str]
) -> None:
    assert list(map(str, acceptance.modelled(models(*results, clustered=clustered)))) == text


def test_an_ordinal_check_that_agrees_throughout_is_said_in_short() -> None:
    rows = models("open", "open", "open").assign(ci_low=-0.1, odds_ratio=[2.0, 0.6, 1.1])
    assert str(acceptance.modelled(rows)[-1]) == (
        "As a check, cumulative logits of the single answers, without weights, agree with each of 3 comparisons in "
        "direction and in whether the interval is clear of no difference."
    )


def test_where_nothing_can_be_compared_nothing_is_shown() -> None:
    assert acceptance.differences(models("no column", "few", "no answers"), "reported") == []


def test_a_comparison_with_a_small_group_is_withheld() -> None:
    load("default", changes={"fieldwork": {"provenance": "real"}, "small_cell": 10})
    rows = models("open", "open", "open").assign(fewer=[3, 40, 40])
    payload = exhibit_bundle(acceptance.differences(rows, "reported")[0])[MIME]
    names = [column["name"] for column in payload["columns"]]
    shown = dict(zip(names, zip(*payload["rows"], strict=True), strict=True))
    for name in ("fewer", "n", "estimate", "ci_low", "odds_ratio", "p_holm"):
        assert [value is None for value in shown[name]] == [True, False, False], name


def test_who_was_asked_and_who_is_in_a_tier_is_said() -> None:
    assert str(wellbeing.who_was_asked(scores("apart"))).startswith(
        "Real answers: 6,394 adults of the United States in the "
    )
    assert str(wellbeing.rules(scores("apart"))) == (
        "High risk means three signs; medium risk, two signs; premium, no sign; low risk is everybody else."
    )


def test_answers_by_tier_run_from_what_premium_people_do_more_to_what_they_do_less() -> None:
    rows = pd.DataFrame(
        {"text": ["Payday loan", "Card in full", "Goal"], "answer": ["yes", "often", "yes"],
         "premium": [0.0, 0.78, 0.7], "low": 0.5, "medium": 0.5, "high": [0.13, 0.18, 0.63]}
    )  # fmt: skip
    rows = rows.assign(**{f"{tier}_{end}": 0.5 for tier in TIERS for end in ("low", "high")})
    made = wellbeing.by_tier(rows, "recorded")
    assert made.frame["question"].tolist() == ["Card in full (often)", "Goal", "Payday loan"]
    assert (
        str(made.caption)
        == "“Card in full (often)” lies furthest apart: 78% of premium people and 18% of high-risk people."
    )


@pytest.mark.parametrize(
    ("left", "text"),
    [
        ((0, 0), "180 questionnaires came back, and all are kept."),
        ((6, 8), "180 questionnaires came back and 166 are kept. Left out, each at the first check failed: 6 "
                 "with the same answer to more than half of the questions in a row and 8 filled in less than a third "
                 "of the median time."),
        ((np.nan, 14), "180 questionnaires came back and 166 are kept. Left out, each at the first check "
                       "failed: withheld with the "
                       "same answer to more than half of the questions in a row and 14 filled in less than a third of "
                       "the median time."),
    ],
)  # fmt: skip
def test_who_is_left_out_is_said_with_the_reason(left: tuple[float, float], text: str) -> None:
    kept = 180 if sum(left) == 0 else 166
    flow = pd.DataFrame(
        {"step": ["returned", "straight_line", "speeding"], "left_out": [0, *left], "kept": [180, 174, kept]}
    )
    assert str(survey.kept(flow)) == text


def reliable(*results: str) -> pd.DataFrame:
    """A scale per result."""
    rows = pd.DataFrame({"construct": [f"scale {i}" for i, _ in enumerate(results)], "result": results})
    return rows.assign(
        items=3,
        n=166,
        estimate=0.7,
        ci_low=0.6,
        ci_high=0.8,
        omega=0.7,
        omega_low=0.6,
        omega_high=0.8,
        bar=0.7,
    )


def test_scales_are_counted_by_their_whole_interval_and_show_one_alpha() -> None:
    made = survey.reliability(reliable("above", "open", "open", "below"), "demonstration")
    assert str(made.caption) == (
        "Cronbach's α lies clear above 0.7 on 1 of 4 scales, clear below on 1; on 2 the answers are too few to tell."
    )
    assert [name for name in made.headings if "α" in made.headings[name]] == ["estimate"]


def test_scales_have_names_that_a_sentence_can_hold() -> None:
    called = reliable("above", "open").assign(construct=["industry income", "strategy high risk"])
    made = survey.reliability(called, "demonstration")
    assert made.frame["construct"].tolist() == ["industry and income", "strategy for high risk"]


@pytest.mark.parametrize(
    ("p", "retained", "text"),
    [
        (1e-9, 3, ["Bartlett's test rejects that the answers are unrelated (p < 0.001); sampling adequacy is "
                   "middling (0.73).",
                   "Parallel analysis finds 3 things behind 7 criteria: not all are seen as separate."]),
        (0.2, 7, ["Bartlett's test does not reject that the answers are unrelated (p = 0.200); sampling "
                  "adequacy is middling "
                  "(0.73).", "Parallel analysis finds as many things behind the answers as there are criteria, 7."]),
        (0.01, 9, ["Bartlett's test rejects that the answers are unrelated (p = 0.010); sampling adequacy is "
                   "middling (0.73).",
                   "Parallel analysis finds 9 things behind the answers, more than the 7 criteria."]),
    ],
)  # fmt: skip
def test_bartletts_test_rejects_only_where_it_does(p: float, retained: int, text: list[str]) -> None:
    table = pd.DataFrame({"estimate": [0.73, 800.0], "p_value": [np.nan, p], "note": ["middling", ""]},
                         index=["kmo", "bartlett"])  # fmt: skip
    parallel = pd.DataFrame({"retained": [True] * retained + [False] * (21 - retained)})
    assert list(map(str, survey.factors(table, parallel, 7, 0.05))) == text


def scales(*groups_asked: str) -> pd.DataFrame:
    """Means of two scales by group."""
    rows = [{"construct": name, "group": group, "estimate": value, "ci_low": value - 0.1, "ci_high": value + 0.1,
             "n": 80, "midpoint": 3.0, "scale_min": 1.0, "scale_max": 5.0}
            for name, value in (("customer value", 2.9), ("growth", 3.6)) for group in groups_asked]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        ((0.01, 0.3), "Agreement lies clear above the middle on 1 of 2 scales; practitioners and customers "
                      "differ on 1, most "
                      "on customer value (Holm)."),
        ((0.2, 0.3), "Agreement lies clear above the middle on 1 of 2 scales; on none are practitioners and "
                     "customers shown to "
                     "differ (Holm)."),
    ],
)  # fmt: skip
def test_groups_differ_where_the_adjusted_test_says_so(p: tuple[float, float], text: str) -> None:
    made = acceptance.scales(scales("practitioner", "customer"), scales("both"), groups(*p), "demonstration")
    assert str(made.caption) == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("hardly", "Respondents hardly agree which criterion matters most (Kendall's W 0.16)."),
        ("partly", "Respondents agree in part which criterion matters most (Kendall's W 0.16)."),
        ("largely", "Respondents largely agree which criterion matters most (Kendall's W 0.16)."),
    ],
)  # fmt: skip
def test_the_order_of_the_criteria_is_read_by_the_bar(result: str, text: str) -> None:
    ranking = pd.DataFrame({"construct": ["customer behaviour", "customer value"]})
    first, second = map(str, survey.order(ranking, 0.164, result))
    assert first == text
    assert second == "By mean rank customer behaviour comes first and customer value last."


def letters(low: float) -> pd.DataFrame:
    """Weights of two letters of ABC."""
    return pd.DataFrame({"set": "abc", "label": ["A value", "B risk"], "estimate": [0.3, 0.48], "ci_low": [0.2, low],
                         "ci_high": [0.4, 0.56], "experts": 11, "left_out": 1, "consistency_ratio": 0.003,
                         "equal": 1 / 3})  # fmt: skip


@pytest.mark.parametrize(
    ("low", "text"),
    [
        (0.41, "11 consistent experts give most weight to B risk: 48% (95 % interval 41% to 56%), where equal "
               "weights are 33%."),
        (0.3, "11 consistent experts give most weight to B risk, 48% (95 % interval 30% to 56%), which is not "
              "clear of equal "
              "weights, 33%."),
    ],
)  # fmt: skip
def test_the_heaviest_letter_is_held_against_equal_weights(low: float, text: str) -> None:
    assert str(experts.weights(letters(low), "demonstration").caption) == text


def test_customers_who_change_tier_are_told_withheld_or_explained() -> None:
    shifts = {
        "abc": {"reason": "", "n": 10_000, "moved": 152},
        "rfm": {"reason": "", "n": 10_000, "moved": 3},
    }
    assert list(map(str, experts.moved(shifts, {"abc": 152, "rfm": None}))) == [
        "With these weights 1.5% of 10,000 loan customers change tier under ABC.",
        "How many of 10,000 loan customers change tier under RFM with these weights is withheld.",
    ]
    both = experts.moved(shifts, {"abc": 152, "rfm": 20})
    assert str(both[1]) == "Under RFM it is 0.2% of 10,000."
    lost = experts.moved({"rfm": {"reason": "no payments are recorded"}}, {"rfm": None})
    assert str(lost[0]) == "Under RFM nothing moves here: no payments are recorded."


def judged(low: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agreement of two rankings with the experts, and of these among themselves."""
    rows = pd.DataFrame({"model": ["abc", "grade"], "arm": "as practised", "estimate": [0.42, 0.49],
                         "ci_low": [low, 0.18], "ci_high": [0.66, 0.71], "n": 240, "exact": 0.4})  # fmt: skip
    among = pd.DataFrame(
        {"measure": ["krippendorff_alpha"], "estimate": 0.74, "ci_low": 0.6, "ci_high": 0.82}
    )
    return rows, among


@pytest.mark.parametrize(
    ("low", "text"),
    [
        (0.09, "Of the study's models ABC comes closest to the experts (κ 0.42, 95 % interval 0.09 to 0.66); "
               "they agree with each other at α 0.74."),
        (-0.1, "No model is shown to agree with the experts beyond chance; ABC comes closest (κ 0.42, 95 % "
               "interval −0.10 to "
               "0.66)."),
    ],
)  # fmt: skip
def test_a_model_is_near_the_experts_only_beyond_chance(low: float, text: str) -> None:
    made = experts.experts(*judged(low), ["abc"], "grade", "demonstration")
    assert str(made.caption) == text
    assert made.frame["model"].tolist() == ["The experts among themselves (α)", "Lender's grade", "ABC"]


def drawn() -> list:
    return [
        wellbeing.needs(needs("above", "open", "below"), "recorded"),
        wellbeing.wellbeing(scores("apart"), "recorded"),
        survey.reliability(reliable("above", "open"), "demonstration"),
        acceptance.scales(
            scales("practitioner", "customer"), scales("both"), groups(0.01, 0.2), "demonstration"
        ),
        experts.weights(letters(0.41), "demonstration"),
    ]


@pytest.mark.parametrize("exhibit", drawn(), ids=lambda exhibit: exhibit.name)
@pytest.mark.parametrize("width", [7.6, 3.6])
def test_pictures_fit_page_and_phone_with_their_mark(exhibit, width: float) -> None:
    frame = exhibit.frame.copy()
    with theme():
        figure = exhibit.draw(frame, Words(width=width))
        mark_origin(figure, exhibit.origin, Words())
        figure.canvas.draw()
    assert figure.get_figwidth() <= width
    assert bool(figure.texts and "demonstration" in figure.texts[-1].get_text()) == (
        exhibit.origin == "demonstration"
    )
    pd.testing.assert_frame_equal(frame, exhibit.frame)
    assert replace(exhibit, supplement=True).kind == "figure"


def test_of_a_public_survey_nothing_is_withheld_beside_real_fieldwork() -> None:
    plan = load(changes={"fieldwork": {"provenance": "real"}})
    public = steps.public_survey(plan)
    shown = {
        "needs": wellbeing.needs,
        "answers": wellbeing.by_tier,
        "means": wellbeing.means,
        "wellbeing": wellbeing.wellbeing,
    }
    made = [show(public[name], "reported") for name, show in shown.items()]
    for exhibit in made:
        payload = exhibit_bundle(exhibit)[MIME]
        assert not payload.get(WITHHELD)
        assert payload["said"]["caption"]["template"] == exhibit.caption.template
