# ruff: noqa: E501 (exact sentences stay whole)
"""Page 07: a table of result codes and exact sentences, and pictures that are drawn for a page and for a phone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from research.exhibits import arrears, migration, monitoring, potential, stability
from research.exhibits.style import theme
from research.exhibits.words import Words
from research.manage import drift, retiering, reviews
from research.manage.feedback import feedback_summary
from research.pages.drawings import PHONE, SCROLLS_FROM
from research.tiers import TIERS

MODELS = ("rfm", "tree")


def moves() -> pd.DataFrame:
    stay = {"rfm": (52, 16), "tree": (76, 8)}  # of a hundred
    rows = [(model, months, start, end, stay[model][start != end], 100)
            for model in MODELS for months in (3, 1) for start in TIERS for end in TIERS]  # fmt: skip
    table = pd.DataFrame(rows, columns=["model", "months", "from", "to", "count", "n"])
    return table.assign(
        estimate=table["count"] / 100, ci_low=table["count"] / 110, ci_high=table["count"] / 90
    )


def frozen(**results: str) -> pd.DataFrame:
    rows = [
        {"ranking": name, "tier": tier, "n": 1000, "known": 1000, "bad": 50, "rate": 0.05, "ci_low": 0.04, "ci_high": 0.06,
         "overall": 0.08, "result": result, "p_value": 0.001, "premium": 0.077, "high": 0.562, "gap": 0.485}
        for name, result in results.items() for tier in TIERS
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(rate_word="default rate", first="2005-06", last="2005-09")


def shifts(score: float, share: float) -> pd.DataFrame:
    rows = [
        ("score", "tree", np.nan, score),
        ("tiers", "tree", np.nan, 0.02),
        ("input", "income", "Income", share),
    ]
    table = pd.DataFrame(rows, columns=["what", "name", "label", "estimate"])
    bounds = {"shifted_from": 0.1, "unstable_from": 0.25, "n": 100, "first": "2005-06", "last": "2005-09"}
    return table.assign(**drift.judge(table["estimate"], "psi"), **bounds)


def flags(result: str = "open", low: float = 2.0) -> pd.DataFrame:
    rows = [("tree", "rule", 100, 30, 900, 90, 3.0, low, 4.4, result), ("tree", "value", 100, 28, 900, 92, 2.7, 1.9, 4.0, None),
            ("tree", "random", 100, np.nan, 900, np.nan, 1.0, 0.6, 1.6, None)]  # fmt: skip
    columns = [
        "model",
        "flag",
        "flagged",
        "arrived",
        "rest",
        "arrived_rest",
        "estimate",
        "ci_low",
        "ci_high",
        "result",
    ]
    return pd.DataFrame(rows, columns=columns)


def triggered(*delays: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    months = pd.DataFrame(
        [(model, period, measure, 1.0, "green", period == 4) for model in MODELS for measure in stability.MEASURES
         for period in range(6)], columns=["model", "period", "measure", "value", "signal", "fired"],
    ).assign(amber=1.5, red=2.5, shock=3)  # fmt: skip
    delay = pd.DataFrame({"model": MODELS, "delay": delays, "before": [0, 1], "months_watched_before": 18})
    return months, delay


def warned() -> pd.DataFrame:
    table = pd.DataFrame({"rule": ["late", "drop"], "label": ["One month past due", "Deposits down"], "condition": "c",
                          "arrears": [True, False], "hit_rate": [1.0, 0.8], "precision": [0.5, 0.53]})  # fmt: skip
    for name in ("hit_rate", "precision"):
        table[f"{name}_ci_low"], table[f"{name}_ci_high"] = table[name] - 0.05, table[name] + 0.05
    return table.assign(
        base_rate=0.09, lead_q25=2, lead_median=4, lead_q75=6, alarms_per_1000=11, noticed=0.7
    )


def quality(default: str, churned: str) -> pd.DataFrame:
    rows = [{"tier": tier, "measure": measure, "events": 9, "n": 100, "estimate": 0.09, "ci_low": 0.05, "ci_high": 0.15,
             "result": result} for measure, result in (("loss_rate", None), ("default", default), ("churned", churned))
            for tier in TIERS]  # fmt: skip
    return pd.DataFrame(rows)


def curves() -> pd.DataFrame:
    rows = [
        (cohort, month, share * month)
        for cohort, share in (("00–05", 0.003), ("18–23", 0.007))
        for month in range(1, 15)
    ]
    table = pd.DataFrame(rows, columns=["cohort", "months_on_book", "estimate"])
    return table.assign(ci_low=table["estimate"] - 0.001, ci_high=table["estimate"] + 0.001, n=500)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("apart", "Cut once and then frozen, the tiers of the tree still sorted real customers 3 months later: default rate 7.7% in premium, 56.2% in high risk."),
        ("open", "Cut once and then frozen, the tiers of the tree no longer sorted real customers 3 months later: default rate 7.7% in premium, 56.2% in high risk."),
        ("reversed", "Cut once and then frozen, the tiers of the tree ran backwards 3 months later: default rate 7.7% in premium, 56.2% in high risk."),
    ],
)  # fmt: skip
def test_the_answer_says_whether_frozen_tiers_still_sort(result, text):
    frames = {"migration": moves(), "frozen_rates": frozen(tree=result), "shifts": shifts(0.05, 0.2)}
    said = monitoring.answer(frames)
    assert str(said[0]) == text
    assert str(said[1]) == "24% of the customers had changed tier by then."


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.05, "No model's score had left its stable band, so drift alone does not call for new tiers."),
        (0.16, "The score of the tree had left its stable band: a reason to look, not yet to cut anew."),
        (0.3, "The score of the tree had become unstable: its tiers need a review before further use."),
    ],
)
def test_the_answer_says_whether_a_score_drifted(score, text):
    frames = {"migration": moves(), "frozen_rates": frozen(tree="apart"), "shifts": shifts(score, 0.3)}
    assert str(monitoring.answer(frames)[2]) == text


def test_an_answer_without_a_panel_says_so():
    assert [str(said) for said in monitoring.answer({})] == [
        "No real customers are followed over months here, and none are recorded yet."
    ]


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ({"tree": "apart", "scorecard": "apart"}, "After 2005-09, under every model frozen in 2005-06, the default rate rises from premium to high risk beyond chance; under the scorecard by 48.5 percentage points."),
        ({"tree": "open", "scorecard": "apart"}, "After 2005-09 the default rate rises from premium to high risk beyond chance under the scorecard, frozen in 2005-06; not under the tree."),
        ({"tree": "open", "scorecard": "reversed"}, "After 2005-09 no model frozen in 2005-06 has a default rate that rises from premium to high risk."),
    ],
)  # fmt: skip
def test_frozen_tiers(results, text):
    assert str(monitoring.frozen_rates(frozen(**results), "real").caption) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.17, "From 2005-06 to 2005-09, 1 of 3 indices left the stable band (below 0.10); the largest is that of “Income”, 0.17."),
        (0.03, "From 2005-06 to 2005-09 no score, tier share or input left the stable band, below 0.10."),
    ],
)  # fmt: skip
def test_shifts(share, text):
    made = stability.shifts(shifts(0.05, share), "recorded")
    assert str(made.caption) == text
    assert made.frame["label"].tolist() == ["Decision tree", "Decision tree", "Income"]
    assert stability.shifts(made.frame, "recorded").frame.equals(made.frame), (
        "what was recorded is shown as it was"
    )


@pytest.mark.parametrize(
    ("result", "low", "text", "value"),
    [
        ("better", 2, "Low-risk customers flagged under the tree became premium more often than others; more often than those picked by value alone only under the tree.", "As many picked by value alone would have found fewer, 28."),
        ("worse", 2, "Low-risk customers flagged under the tree became premium more often than others, but under no model more often than those picked by value alone.", "As many picked by value alone would have found more, 28."),
        ("open", 0.9, "Under no model are flagged low-risk customers shown to become premium more often than others.", "As many picked by value alone would have found 28; that is no difference beyond chance."),
    ],
)  # fmt: skip
def test_flags_stand_beside_value_alone(result, low, text, value):
    rows = flags(result, low)
    assert str(potential.flags(rows, "real").caption) == text
    said = [str(part) for part in potential.flagged(rows)]
    assert said[1] == value
    assert said[0] == (
        "Under the tree, 30 of 100 flagged customers were premium two months later (30.0%), and 10.0% of the other low-risk "
        f"customers: 3.0 times as often (95 % interval {low:.1f} to 4.4)."
    )


@pytest.mark.parametrize(
    ("delays", "text"),
    [
        ((6, 7), "The rule called for a review under every model, at most 7 months after the shock; false alarms in the 18 months before: 1."),
        ((6, np.nan), "The rule called for a review under RFM, at most 6 months after the shock, and never under the tree; false alarms in the 18 months before: 1."),
        ((np.nan, np.nan), "The rule called for no review after the shock; false alarms in 18 months before: 1."),
    ],
)  # fmt: skip
def test_when_the_rule_fires(delays, text):
    assert str(stability.trigger(*triggered(*delays)).caption) == text


def test_the_rule_is_stated_from_its_file():
    assert str(stability.rule(retiering.rule())) == (
        "Three measures are watched: stability index of the score of new loans, downgrades over their usual number and observed "
        "over expected defaults. Tiers are reviewed when at least 1 is red for 2 months in a row, 2 are amber or red for 3, or any "
        "is for 6. The rule is then silent until all have been below 90% of their amber bound for 3 months."
    )


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("apart", "apart"), "In the year after the loan default and leaving rise from premium to high risk beyond chance."),
        (("apart", "open"), "In the year after the loan default rises from premium to high risk beyond chance; for leaving no such rise is shown."),
        (("reversed", "open"), "In the year after the loan neither default nor leaving is shown to rise over the tiers."),
    ],
)  # fmt: skip
def test_quality_of_the_tiers(results, text):
    assert str(arrears.tier_quality(quality(*results)).caption) == text


def test_sentences_with_numbers_alone():
    ahead = pd.DataFrame({"model": "tree", "tier": TIERS, "months": 3, "n": 100, "seen": 0.6, "ci_low": 0.5, "ci_high": 0.7,
                          "cohort": 0.5, "duration": 0.6, "result": ["more", "more", "alike", "fewer"]})  # fmt: skip
    rolls = pd.DataFrame({"from": ["current", "1 month", "2 months"], "worse": [0.06, 0, 0.063], "stay": 0.9, "better": [0, 0, 0.4],
                          "cured": [np.nan, 0, 0.25], "n": [900, 4, 160]})  # fmt: skip
    rows = pd.DataFrame({"tier": ["premium", "low", "high"], "five_category": ["Normal", "Substandard", "Normal"],
                         "ifrs9_stage": ["1", "3", "1"], "n": [90, 10, 50]})  # fmt: skip
    against = pd.DataFrame({"severity": ["critical", "serious"], "customers": [10, 3]})
    log = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "outcome": ["reached", "no answer"],
            "tier_fit": ["fits", ""],
            "satisfaction": [4.0, np.nan],
        }
    )
    answers = feedback_summary(log, pd.Series({"a": "low", "b": "high"}))
    assert [
        str(made.caption)
        for made in (
            migration.migration(moves(), "real"), migration.ahead(ahead, "real"), arrears.rolls(rolls, "real"),
            arrears.warnings(warned()), arrears.categories(rows, against, "2026.1"),
            arrears.vintages(curves()), monitoring.reviews(reviews.review_items()), monitoring.feedback(answers),
        )
    ] == [
        "Of 400 customers these were in the same tier 3 months later: 52% under RFM and 76% under the tree.",
        "In 2 of 4 tiers more customers stayed for 3 months than the moves of single months, repeated, would say, in 1 fewer.",
        "Of 160 months with an account 2 months late, 25% ended current, 6% later still.",
        "Of the rules that do without arrears, “Deposits down” warned of most defaults, 80%, 4 months ahead; 53% of its alarms were right, against 9% of months picked blindly.",
        "10 of 100 customers called premium or low risk are substandard or in stage 3 a year later (policy file, version 2026.1).",
        "After 12 months 8.4% of the latest loans had defaulted (95 % interval 8.3% to 8.5%), of the first 3.6% (3.5% to 3.7%).",
        "10 reviews come round every 1 to 12 months; each says who looks at what, and why.",
        "Officers reported 2 contacts; 50% of the customers were reached.",
    ]  # fmt: skip


FIGURES = {
    "migration": lambda: migration.migration(moves(), "real"),
    "frozen_rates": lambda: monitoring.frozen_rates(frozen(tree="apart", scorecard="apart"), "real"),
    "shifts": lambda: stability.shifts(shifts(0.05, 0.3), "real"),
    "flags": lambda: potential.flags(flags(), "real"),
    "trigger": lambda: stability.trigger(*triggered(6, 7)),
    "warnings": lambda: arrears.warnings(warned()),
    "tier_quality": lambda: arrears.tier_quality(quality("apart", "open")),
    "vintages": lambda: arrears.vintages(curves()),
}


@pytest.mark.parametrize("width", [7.6, PHONE])
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_picture_is_as_wide_as_its_room(name, width):
    exhibit = FIGURES[name]()
    with theme():
        figure = exhibit.draw(exhibit.frame, Words(width=width))
        FigureCanvasAgg(figure).draw()
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() <= width
    assert figure.get_tightbbox().width <= (SCROLLS_FROM / 96 if width == PHONE else width * 1.02)


def test_an_english_page_shows_categories_in_english() -> None:
    rows = pd.DataFrame({"tier": ["low", "high"], "five_category": ["Normal 正常", "Special mention 关注"],
                         "ifrs9_stage": ["Stage 1 第一阶段", "Stage 2 第二阶段"], "n": [20, 30]})  # fmt: skip
    against = pd.DataFrame({"severity": ["critical"], "tier": ["low"], "customers": [10]})
    shown = arrears.categories(rows, against, "2026.1").frame
    assert shown[["five_category", "ifrs9_stage"]].to_numpy().tolist() == [
        ["Normal", "Stage 1"],
        ["Special mention", "Stage 2"],
    ]
