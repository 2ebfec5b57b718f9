"""Pages 05 and 11: each result picks one whole sentence, and no sentence says more than its test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.compare import claims
from research.exhibits import comparison, lenders, synthesis
from research.exhibits.style import theme
from research.exhibits.words import Words
from research.pages.show import ANSWER_NUMBERS, ANSWER_WORDS
from research.pages.worded import count_of

TIERS = ("premium", "low", "medium", "high")
WORDS = {
    "outcome_name": "churn", "outcome_word": "churned customers", "rate_word": "churn rate", "outcome_rate": 0.08,
    "known": 5000, "bad": 400,
}  # fmt: skip


def profile(**auc: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"purpose": "risk", "model": list(auc), "arm": "as practised", "estimate": list(auc.values()),
         "ci_low": np.array(list(auc.values())) - 0.05, "ci_high": np.array(list(auc.values())) + 0.05,
         "n": 1000, "mark": ""}
    )  # fmt: skip


def answers(best: str = "tree", below_bar: str = "", served: str = "tree abc") -> pd.DataFrame:
    rows = [{"purpose": name, "best": best, "served": served, "named": best, "avoid": "", "below_bar": "",
             "untested": "", "mark": ""} for name in ("risk", "need", "stability")]  # fmt: skip
    return pd.DataFrame(rows).assign(below_bar=[below_bar, "", ""])


@pytest.mark.parametrize(
    ("below", "grade", "text"),
    [
        ("rfm abc tree", "grade",
         "To find the risky, none of the three models matches a scorecard or the lender's grade: of two "
         "customers, one with the outcome and one without, the tree ranks 62% right, the scorecard 73%, the grade 69% "
         "(AUC)."),
        ("rfm abc tree", "single",
         "To find the risky, none of the three models matches a scorecard: of two customers, one with the "
         "outcome and one without, the tree ranks 62% right, the scorecard 73% (AUC)."),
        ("rfm abc", "single",
         "To find the risky, the scorecard is not clearly better than the tree: of two customers, one with the outcome "
         "and one without, the tree ranks 62% right, the scorecard 73% (AUC)."),
    ],
)  # fmt: skip
def test_the_first_sentence_says_whether_any_model_reaches_the_bar(below, grade, text):
    auc = profile(rfm=0.45, abc=0.56, tree=0.62, scorecard=0.73, grade=0.69)
    assert str(comparison.risk_answer(auc, answers(below_bar=below), grade)) == text


def test_where_no_model_can_be_tested_that_is_said():
    made = comparison.risk_answer(profile(scorecard=0.7), answers(best="", served=""), "single")
    assert str(made) == "Finding the risky is not testable here."
    assert [*map(str, comparison.sets_answers(answers(best="", served=""), needs()))] == [
        "Parting the needs is not testable here."
    ]


def needs(**verdicts: str) -> pd.DataFrame:
    return pd.DataFrame([{"claim": "H3a", "model": model, "verdict": said} for model, said in verdicts.items()],
                        columns=["claim", "model", "verdict"])  # fmt: skip


@pytest.mark.parametrize(
    ("served", "verdicts", "text"),
    [
        ("tree abc", {"tree": "refuted", "abc": "refuted"},
         "Of the three, tests do not tell the tree and ABC apart. No model's tiers differ enough in what customers "
         "need."),
        ("tree abc", {"abc": "refuted"},
         "Of the three, tests do not tell the tree and ABC apart. At parting needs, tests do not tell the tree and ABC "
         "apart."),
        ("tree", {}, "Of the three, the tree finds the risky best. Needs are parted best by the tree."),
    ],
)  # fmt: skip
def test_a_model_whose_tiers_differ_too_little_does_not_serve_needs(served, verdicts, text):
    made = comparison.sets_answers(answers(served=served), needs(**verdicts))
    assert " ".join(map(str, made)) == text
    first = comparison.risk_answer(
        profile(rfm=0.45, abc=0.56, tree=0.62, scorecard=0.73, grade=0.69),
        answers(served=served, below_bar="rfm abc tree"), "grade",
    )  # fmt: skip
    words, numbers = count_of([first, *made])
    assert words <= ANSWER_WORDS and numbers <= ANSWER_NUMBERS


def test_what_is_so_by_construction_names_no_model_and_no_estimate():
    rows = answers(served="tree abc").assign(mark=["", "by construction", ""], avoid=["", "tree", ""])
    rows["purpose"] = ["risk", "value", "need"]
    frame = comparison.answers(rows, profile(tree=0.62), needs(tree="refuted", abc="refuted")).frame
    assert frame["models"].tolist() == ["Decision tree, ABC", "–", "none"]
    assert frame["note"].tolist() == [
        "", "by construction: no verdict", "Decision tree, ABC: tiers differ too little to matter"
    ]  # fmt: skip
    assert np.isnan(frame["estimate"].iloc[1])


def contrast(result: str, family: str = "primary") -> pd.DataFrame:
    return pd.DataFrame(
        {"family": family, "purpose": "risk", "model_a": ["tree"], "model_b": ["scorecard"], "difference": -0.05,
         "ci_low": -0.1, "ci_high": -0.01, "p_holm": 0.01, "margin": 0.02, "result": result}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("result", "family", "text"),
    [
        ("worse", "against the bar",
         "In 1 of 1 comparisons with the scorecard or the best single variable the model is clearly worse, in 0 "
         "clearly better."),
        ("undecided", "primary",
         "Clear after adjustment: 0 of 1 differences between the three models as practised."),
        ("better", "primary",
         "Clear after adjustment: 1 of 1 differences between the three models as practised."),
    ],
)  # fmt: skip
def test_the_caption_counts_what_the_tests_found(result, family, text):
    assert str(comparison.contrasts(contrast(result, family), family, "single").caption) == text


def pooled(low: float, high: float, further: tuple[float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = dict(zip(("purpose", "arm", "model_a", "model_b"), lenders.SHOWN[0], strict=True))
    rows = pd.DataFrame([keys | {"lender": f"lender {i}", "estimate": -0.04, "ci_low": low, "ci_high": high}
                         for i in range(7)])  # fmt: skip
    mean = keys | {"lenders": 7.0, "estimate": (low + high) / 2, "ci_low": low, "ci_high": high,
                   "prediction_low": further[0], "prediction_high": further[1], "i_squared": 0.9}  # fmt: skip
    return rows, pd.DataFrame([mean])


@pytest.mark.parametrize(
    ("low", "high", "further", "text"),
    [
        (-0.068, -0.003, (-0.126, 0.054),
         "below the scorecard's (95 % interval 0.003 to 0.068): on average, not everywhere."),
        (-0.068, -0.010, (-0.1, -0.001), "below the scorecard's (95 % interval 0.010 to 0.068)."),
        (0.01, 0.05, (0.001, 0.1), "above the scorecard's (95 % interval 0.010 to 0.050)."),
        (-0.02, 0.02, (-0.1, 0.1),
         "no difference of the tree from the scorecard is shown: 0.000 (95 % interval −0.020 to 0.020)."),
    ],
)  # fmt: skip
def test_the_pooled_sentence_follows_the_interval_and_the_prediction(low, high, further, text):
    made = lenders.lenders(*pooled(low, high, further), "recorded")
    assert str(made.caption).endswith(text)
    assert str(made.caption).startswith("Over 7 lenders")


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (
            -0.01,
            0.02,
            "Over lenders, no difference of the tree from ABC is shown in parting needs or in earning.",
        ),
        (0.01, 0.02, "Over lenders, the tree and ABC differ in how well they part the needs."),
    ],
)
def test_needs_over_lenders_follow_the_pooled_interval(low, high, text):
    rows, mean = pooled(low, high, (low, high))
    other = dict(zip(("purpose", "arm", "model_a", "model_b"), lenders.OTHER_PURPOSES[0], strict=True))
    made = lenders.lenders_otherwise(rows.assign(**other), mean.assign(**other), "recorded")
    assert str(made.caption) == text
    few = lenders.lenders_otherwise(rows.assign(**other), mean.iloc[:0], "real")
    assert str(few.caption).endswith("too few lenders to pool.")


def evidence(**verdicts: str) -> pd.DataFrame:
    """Verdicts on H1a by model; all other claims are not tested."""
    rows = [{"claim": claim, "model": model, "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0,
             "grade": "measured", "reason": "needs a trial",
             "verdict": verdict if claim == "H1a" else "not tested here"}
            for claim in claims.definitions().index for model, verdict in verdicts.items()]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        ({"rfm": "undecided", "abc": "supported", "tree": "supported"},
         "The high-risk tier holds the risky customers under ABC and the tree, and this is not shown under RFM."),
        ({"rfm": "supported", "abc": "supported", "tree": "supported"},
         "The high-risk tier holds the risky customers under each of the three models: RFM, ABC and the tree."),
        ({"rfm": "undecided", "abc": "contradicted", "tree": "undecided"},
         "Under none of the three models is it shown that the high-risk tier holds the risky customers."),
    ],
)  # fmt: skip
def test_the_answer_of_the_synthesis_names_the_models(verdicts, text):
    assert str(synthesis.risky_answer(evidence(**verdicts))) == text


def test_every_claim_has_a_verdict_or_what_would_settle_it():
    loans = evidence(rfm="undecided", abc="supported", tree="supported")
    judged, left = (
        made.frame for made in synthesis.verdicts(loans, claims.definitions(), asked("not refuted"))
    )
    assert sorted([*judged["claim"], *left["claim"]]) == sorted(claims.definitions().index)
    assert judged.set_index("claim")[["people", "grade"]].to_numpy().tolist() == [
        ["not asked", "measured"],
        ["not refuted", "reported"],
    ]
    assert left["settled_by"].str.len().gt(10).all()
    untested = evidence(rfm="not tested here", abc="not tested here", tree="not tested here")
    nobody = asked("not tested here").iloc[:0]
    assert [made.name for made in synthesis.verdicts(untested, claims.definitions(), nobody)] == [
        "open_claims"
    ]


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        ("not refuted", "Of 11 claims, 1 can be judged on these loans and 1 on 6,004 answers to a public survey; the "
                        "others need a trial, or data not recorded here."),
        ("not tested here", "Of 11 claims, 1 can be judged on these loans; the others need a trial, or data not "
                            "recorded here."),
    ],
)  # fmt: skip
def test_the_answer_counts_claims_that_only_people_asked_can_judge(verdict, text):
    loans = evidence(rfm="undecided", abc="supported", tree="supported")
    assert str(synthesis.counted_answer(loans, asked(verdict))) == text


@pytest.mark.parametrize(
    ("loans", "people", "start"),
    [
        (
            ["refuted", "refuted"],
            "not refuted",
            "Loans and people part ways on need: tiers of the models hardly differ in",
        ),
        (["refuted", "refuted"], "refuted", "Loans and people agree on need: neither"),
        (
            ["not refuted", "not tested here"],
            "not refuted",
            "Loans and people agree on need: tiers of the models",
        ),
        (
            ["not tested here"],
            "not refuted",
            "These loans cannot tell whether tiers differ in need; a public survey of 6,004",
        ),
        (["refuted", "undecided"], "not refuted", "Whether tiers differ in need is open"),
        (["undecided"], "undecided", "Whether tiers differ in need is open"),
    ],
)
def test_loans_and_people_are_held_against_each_other_on_need(loans, people, start):
    rows = pd.DataFrame({"claim": "H3a", "verdict": loans})
    assert str(synthesis.needs(rows, asked(people))).startswith(start)


def asked(verdict: str) -> pd.DataFrame:
    """What a survey says of H3a."""
    return pd.DataFrame([{"claim": "H3a", "model": "people", "estimate": 0.16, "ci_low": 0.15, "ci_high": 0.17,
                          "n": 6004, "grade": "reported", "verdict": verdict, "reason": ""}])  # fmt: skip


def test_an_invented_joint_display_is_a_demonstration_and_shows_no_verdict():
    display = pd.DataFrame({"label_en": ["Growth"], "loan_data": [""], "survey": [""], "interviews": [""],
                            "quotes": [""], "verdict": ["convergence"]})  # fmt: skip
    invented, real = synthesis.strands(display, invented=True), synthesis.strands(display, invented=False)
    assert invented.origin == "demonstration"
    assert "verdict" not in invented.headings
    assert "verdict" in real.headings
    statement = pd.DataFrame({"item": [1], "asks": "why", "text": "so", "status": "reported"})
    assert [synthesis.integration(statement, made_up).origin for made_up in (True, False)] == [
        "demonstration",
        "reported",
    ]


def drawn() -> list:
    tiers = pd.DataFrame([{"model": model, "tier": tier, "n": 100.0, "bad": 2.0 + i, "rate": 0.02 + 0.01 * i,
                           "ci_low": 0.01, "ci_high": 0.06, "expected": 0.02, "inside": True}
                          for model in ("rfm", "tree", "scorecard", "grade", "random")
                          for i, tier in enumerate(TIERS)])  # fmt: skip
    odds = pd.DataFrame([{"model": "tree", "lender": lender, "lenders": 7.0, "estimate": 2.0, "ci_low": 1.5,
                          "ci_high": 3.0, "prediction_low": 0.9, "prediction_high": 5.0, "grade": "measured",
                          "verdict": "supported"} for lender in ("A", "B", "All lenders")])  # fmt: skip
    return [
        comparison.rankings(tiers, WORDS, "single", 0.1),
        comparison.profile(profile(rfm=0.5, tree=0.6, scorecard=0.7, grade=0.6), "single"),
        lenders.lenders(*pooled(-0.068, -0.003, (-0.1, 0.05)), "recorded"),
        synthesis.odds(odds, "recorded"),
    ]


@pytest.mark.parametrize(
    ("repeats", "text"),
    [
        (1, "10-fold cross-validation on 5,000 customers, 400 churned customers among them, one repeat: intervals "
            "leave out how much another partition would change."),
        (5, "10-fold cross-validation on 5,000 customers, 400 churned customers among them, 5 repeats."),
    ],
)  # fmt: skip
def test_limits_of_the_design_are_told_in_the_words_of_the_outcome(repeats, text):
    assert str(comparison.design_limit(10, repeats, WORDS)) == text


@pytest.mark.parametrize(
    ("models", "text"),
    [
        (("tree", "scorecard", "random"),
         "The tree's high-risk tier holds 31 churned customers among 995, an odds ratio of 1.9; the scorecard's tier "
         "reaches 1.9, random tiers 1.9."),
        (("tree", "random"), "Odds of churn in the high-risk tier against the rest, under every ranking."),
    ],
)  # fmt: skip
def test_odds_beside_the_bar_are_told_in_the_words_of_the_outcome(models, text):
    rows = pd.DataFrame({"model": models, "bad_high": 31.0, "n_high": 995.0, "bad_rest": 147.0, "n_rest": 9005.0,
                         "estimate": 1.9, "ci_low": 1.2, "ci_high": 2.9})  # fmt: skip
    made = synthesis.beside(rows, "single", WORDS)
    assert str(made.caption) == text
    assert made.formats["bad_high"] == "{bad_high:,.0f} of {n_high:,.0f}"


@pytest.mark.parametrize("exhibit", drawn(), ids=lambda exhibit: exhibit.name)
@pytest.mark.parametrize("width", [7.6, 3.6])
def test_figures_are_drawn_for_the_page_and_for_a_phone(exhibit, width):
    with theme():
        figure = exhibit.draw(exhibit.frame, Words(width=width))
        figure.canvas.draw()
    assert figure.get_figwidth() <= width
    named = " ".join(axes.get_title(loc="left") for axes in figure.axes)
    assert named.strip()
    assert "Lender's grade" not in named  # no grade was recorded


def test_the_reference_is_called_a_grade_only_where_one_was_recorded():
    rows = profile(tree=0.6, grade=0.7)
    assert "single" in set(comparison.profile(rows, "single").frame["model"])
    assert "grade" in set(comparison.profile(rows, "grade").frame["model"])
