"""Page 08: the sentence that each result gets, and what it rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from research.exhibits import trial as exhibits
from research.exhibits.style import theme
from research.exhibits.words import Words
from research.trial import demonstration, value
from research.trial.design import definitions
from research.trial.power import by_allocation

SIZES = pd.DataFrame(
    {
        "id": ["T1a", "T3a"], "tier": ["high", "low"], "action": ["Closer monitoring", "Simpler process"],
        "lever": ["pd", "pd"], "question": ["superiority", "non-inferiority"], "smallest": [0.3, 0.2],
        "needed": [9834.0, 400.0], "has": [995.0, 5009.0], "level": [0.03, 0.01], "detectable": [-0.02, 0.01],
        "able": [False, True], "result": ["beyond", "always"],
    }
)  # fmt: skip
CHECKS = pd.DataFrame(
    [("many", "t", 0.05, 0.95, 0.8), ("many", "ignored", 0.125, 0.93, 0.9), ("few", "allocation", 0.04, 0.94, 0.8)],
    columns=["design", "judge", "error", "coverage", "found"],
).assign(clusters=80, size=30, icc=0.02, effect=0.4, planned=0.8, trials=5000)  # fmt: skip
for name in ("error", "coverage", "found"):
    CHECKS[f"{name}_low"], CHECKS[f"{name}_high"] = CHECKS[name] - 0.006, CHECKS[name] + 0.006


def text(said) -> str:
    return str(said)


def test_the_answer_names_the_first_action_and_what_its_tier_lacks():
    assert " ".join(map(text, exhibits.answer(SIZES))) == (
        "1 of 2 actions could be tried with the customers of their tier in this book, at the effect that would repay "
        "them. Closer monitoring would need 9,834 customers of the high-risk tier, which has 995. A trial shows "
        "whether treating a tier works, not whether tiering does."
    )
    assert sum(said.length() for said in exhibits.answer(SIZES)) <= 60
    assert sum(said.numbers() for said in exhibits.answer(SIZES)) <= 4


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            "withheld",
            "The size of a trial is withheld: the high-risk tier has too few cases to be published.",
        ),
        ("untestable", "No action of this study can be sized: the book has no case to prevent."),
    ],
)
def test_the_answer_says_why_there_is_no_size(result, expected):
    empty = SIZES.assign(needed=np.nan, result=result)
    assert text(exhibits.answer(empty)[0]) == expected
    drawn = exhibits.sizes(empty)
    assert "too few cases" in text(drawn.caption)


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ([False, True], "1 of 2 actions need more customers than their tier has in this book, though drawn one by one, "
                        "which needs the fewest."),
        ([True, True], "Each of 2 actions could be tried with the customers of its tier in this book."),
    ],
)  # fmt: skip
def test_the_caption_counts_what_cannot_be_held(able, expected):
    assert text(exhibits.sizes(SIZES.assign(able=able)).caption) == expected


@pytest.mark.parametrize(
    ("low", "expected"),
    [
        (0.044, "In 5,000 simulated trials each analysis that knows of officers errs in at most 5.0%, where 5% is "
                "allowed; ignoring officers errs in 12.5%."),
        (0.051, "In 5,000 simulated trials an analysis that knows of officers errs in 5.0%, more often than the 5% "
                "allowed; ignoring them errs in 12.5%."),
    ],
)  # fmt: skip
def test_the_caption_says_whether_errors_are_as_rare_as_promised(low, expected):
    rows = CHECKS.assign(error_low=CHECKS["error_low"].mask(CHECKS.index == 0, low))
    assert text(exhibits.trials(rows, 0.05).caption) == expected


WORTH = pd.DataFrame(
    {"tier": [1e4, 1e5], "perfect": [1.0, 2.0], "customers": [0.0, 50.0], "value": [0.0, 9.0], "trial_cost": [0.0, 4.0],
     "net": [0.0, 5.0], "result": ["not", "worth"], "low": 0.0, "base": 0.1, "high": 0.2, "needed": 0.04, "cost": 180.0,
     "level": 0.1, "years": 3, "fixed": 1.0}
)  # fmt: skip


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (["not", "worth"], "With 10,000 customers of the tier a year or fewer, no trial of closer monitoring repays "
                           "its cost; with 100,000 one does."),
        (["not", "not"], "At none of these sizes does a trial of closer monitoring repay its cost."),
        (["worth", "worth"], "At each of these sizes a trial of closer monitoring repays its cost."),
    ],
)  # fmt: skip
def test_the_caption_says_from_which_size_on_knowing_pays(results, expected):
    assert text(exhibits.value(WORTH.assign(result=results), "yuan").caption) == expected


def test_the_prior_says_what_a_bank_would_do_without_a_trial():
    assert text(exhibits.prior(WORTH, "yuan")).endswith("and would act without a trial.")
    assert text(exhibits.prior(WORTH.assign(needed=0.3), "yuan")).endswith(
        "and would not act without a trial."
    )


@pytest.mark.parametrize("width", [7.6, 3.6])
def test_the_figures_can_be_drawn_wide_and_narrow(width):
    with theme():
        for made in (exhibits.sizes(SIZES), exhibits.trials(CHECKS, 0.05)):
            figure = made.draw(made.frame, Words(width=width))
            assert figure.get_size_inches()[0] <= width


def test_only_assumed_and_simulated_numbers_stand_on_the_page():
    origins = [
        exhibits.sizes(SIZES).origin,
        exhibits.trials(CHECKS, 0.05).origin,
        exhibits.value(WORTH, "yuan").origin,
    ]
    assert origins == ["assumed", "demonstration", "demonstration"]


# --------------------------------------------------------------------------------------------------------------- value
GIVEN = {"low": 0.0, "base": 0.1, "high": 0.2, "needed": 0.08, "cost": 180.0, "level": 0.1}


@pytest.mark.parametrize(("z", "loss"), [(0.0, 0.39894), (0.5, 0.19780), (1.0, 0.08332), (2.0, 0.00849)])
def test_the_unit_normal_loss_is_that_of_the_tables(z, loss):
    """Raiffa and Schlaifer (1961), table of the unit normal loss integral."""
    assert value.unit_loss(z) == pytest.approx(loss, abs=5e-6)


def test_the_value_of_a_trial_is_that_of_deciding_after_it():
    """Two million priors, trials and decisions are drawn instead of integrated."""
    found = value.knowing(**GIVEN, tier=200_000, years=3, fixed=0.0)
    rng, slope, people = np.random.default_rng(0), 180 / 0.08, 600_000
    spread = 0.2 / (2 * norm.ppf(0.975))
    n = found["customers"] / 2
    error = np.sqrt((0.1 * 0.9 + 0.09 * 0.91) / n) / 0.1
    true = rng.normal(0.1, spread, 2_000_000)
    seen = true + rng.normal(0, error, true.size)
    after = 0.1 + spread**2 / (spread**2 + error**2) * (seen - 0.1)
    gain = slope * true - 180
    told = people * (np.where(after > 0.08, gain, 0).mean() - max(slope * 0.1 - 180, 0))
    assert found["value"] == pytest.approx(told, rel=0.03)
    perfect = people * (np.maximum(gain, 0).mean() - max(slope * 0.1 - 180, 0))
    assert found["perfect"] == pytest.approx(perfect, rel=0.02)
    assert 0 < found["value"] < found["perfect"]


def test_a_trial_that_cannot_change_the_decision_is_worth_nothing():
    found = value.knowing(**{**GIVEN, "needed": 0.8}, tier=10_000, years=3, fixed=100.0)
    assert found["result"] == "not"
    assert found["net"] == 0


# --------------------------------------------------------------------------------------------------------------- trials
def test_simulated_trials_keep_what_each_analysis_promises():
    """Errors within Monte Carlo reach of five per cent when officers are known, far beyond when they are ignored."""
    rng = np.random.default_rng(4)
    chance = rng.beta(2, 18, 1000)
    judges = {"t": demonstration.by_t, "ignored": demonstration.by_customer, "allocation": by_allocation}
    found = demonstration.trials(chance, 60, 20, 0.05, 0.3, judges, seed=1, alpha=0.05, count=2000).set_index(
        "judge"
    )
    reach = 3.5 * (0.05 * 0.95 / 2000) ** 0.5
    assert found.at["t", "error"] == pytest.approx(0.05, abs=reach)
    assert found.at["allocation", "error"] == pytest.approx(0.05, abs=reach)
    assert found.at["ignored", "error"] > 0.10
    assert found.at["t", "coverage"] == pytest.approx(0.95, abs=reach)
    assert found.at["t", "found"] > 3 * found.at["t", "error"]


def test_five_thousand_trials_are_shown():
    assert definitions()["values"]["shown_trials"] == 5000
