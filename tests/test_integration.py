"""Joint display: every verdict from its outcomes, by hand; the judgements of vignettes."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

import anchors
from research.errors import UserError
from research.fieldwork.gramms import COUNTS, integration_statement
from research.fieldwork.instruments.codebook import read_codebook
from research.fieldwork.integration import (
    OUTCOMES,
    VERDICTS,
    construct_names,
    decide,
    joint_display,
    read_hypotheses,
    theme_evidence,
)
from research.fieldwork.survey.vignettes import expert_agreement, judgement_table
from research.pages import checklists
from research.paths import DEFINITIONS


@pytest.mark.parametrize(
    ("loan", "survey", "interviews", "verdict"),
    [
        ("supports", "supports", "supports", "convergence"),
        ("contradicts", "inconclusive", "contradicts", "convergence"),
        ("supports", "inconclusive", "absent", "complement"),
        ("absent", "supports", "supports", "complement"),
        ("supports", "supports", "contradicts", "discord"),
        ("absent", "supports", "contradicts", "discord"),
        ("supports", "absent", "absent", "not testable"),
        ("absent", "absent", "absent", "not testable"),
        ("inconclusive", "inconclusive", "absent", "not testable"),
    ],
)
def test_verdicts(loan: str, survey: str, interviews: str, verdict: str) -> None:
    assert decide(loan, survey, interviews)[0] == verdict


def test_every_combination_has_a_verdict_and_a_reason() -> None:
    for outcomes in product(OUTCOMES, repeat=3):
        verdict, reason = decide(*outcomes)
        assert verdict in VERDICTS
        assert reason


HYPOTHESES = read_hypotheses()
LOANS = pd.DataFrame(
    [
        ("H1", "tree supported", "supports"),
        ("H2", "tree undecided", "inconclusive"),
        ("H3", "tree refuted", "contradicts"),
        ("H4", "tree supported", "supports"),
    ],
    columns=["hypothesis", "text", "outcome"],
)
SURVEY = pd.DataFrame(
    [
        ("H1", "risk_management", 3.8, 3.6, 4.0),
        ("C1", "risk_level", 1.2, 1.1, 1.3),
        ("H2", "business_value", 3.1, 2.9, 3.3),
        ("H3", "customer_experience", 3.6, 3.4, 3.8),
        ("H4", "efficiency", 2.5, 2.3, 2.7),
        ("H5", "growth", 3.4, 3.2, 3.6),
    ],
    columns=["criterion", "construct", "estimate", "ci_low", "ci_high"],
).assign(n=180, midpoint=3.0)


def spoken() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """H1: four for, one against; H2: three each; H5: two for."""
    said = [
        ("early_warning", 4),
        ("risk_misjudged", 1),
        ("cross_sell", 3),
        ("value_not_realised", 3),
        ("new_customers", 2),
    ]
    rows = [
        (f"d{person}", f"{code}-{person}", code, f"P{person}", f"{code} said by {person}")
        for code, people in said
        for person in range(people)
    ]
    table = pd.DataFrame(rows, columns=["document", "segment", "code", "participant", "text"])
    units = table.drop(columns="code").assign(group="practitioner")
    codings = table[["document", "segment", "code"]].assign(coder="A")
    return codings, units, read_codebook()


def test_joint_display_by_hand() -> None:
    themes = theme_evidence(*spoken(), HYPOTHESES)
    assert themes.set_index("hypothesis")[["voices_for", "voices_against", "voices"]].to_numpy().tolist() == [
        [4, 1, 4],
        [3, 3, 3],
        [0, 0, 0],
        [0, 0, 0],
        [2, 0, 2],
    ]
    table = joint_display(LOANS, SURVEY, themes, HYPOTHESES).set_index("hypothesis")
    assert table["loan_data_outcome"].tolist() == [
        "supports", "inconclusive", "contradicts", "supports", "absent",
    ]  # fmt: skip
    assert table["survey_outcome"].tolist() == [
        "supports", "inconclusive", "supports", "contradicts", "supports",
    ]  # fmt: skip
    assert table["interviews_outcome"].tolist() == ["supports", "inconclusive", "absent", "absent", "absent"]
    assert table["verdict"].tolist() == ["convergence", "not testable", "discord", "discord", "not testable"]
    assert table["direction"].tolist() == ["supported", "open", "open", "open", "open"]
    assert table.loc["H1", "loan_data"] == "tree supported"
    assert table.loc["H5", "loan_data"] == "The data do not measure it."
    assert "“early_warning said by 0” (P0:early_warning-0)" in table.loc["H1", "quotes"]
    assert table.loc["H1", "verdict_zh"] == "一致"
    statement = integration_statement(
        table.reset_index(), {"loans": 10_000, "respondents": 180, "participants": 4, "coders": 2}
    )
    assert statement["item"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "10,000 loans, 180 questionnaires" in statement["text"].iloc[2]
    assert "Convergence on H1" in statement["text"].iloc[5]
    assert "discord on H3 and H4 asks" in statement["text"].iloc[5]
    assert statement["status"].tolist().count("partly") == 1
    assert statement["status"].iloc[3] == "partly"


def test_the_statement_and_the_checklist_say_the_same() -> None:
    gramms = next(one for one in checklists.load() if one.name == "GRAMMS")
    lines, _ = checklists.fill(gramms, anchors.of_project(), {})
    display = joint_display(LOANS, SURVEY, theme_evidence(*spoken(), HYPOTHESES), HYPOTHESES)
    statement = integration_statement(display, dict.fromkeys(COUNTS, 2))
    assert [line.state for line in lines] == statement["status"].tolist()
    assert [line.asks for line in lines] == statement["asks"].tolist()
    without = anchors.of_project()
    del without["10_interviews"]
    lines, _ = checklists.fill(gramms, without, {})
    statement = integration_statement(display, {**dict.fromkeys(COUNTS, 2), "participants": 0, "coders": 0})
    assert [line.state for line in lines] == statement["status"].tolist()
    assert lines[2].state == "partly"


def test_a_construct_has_the_name_of_its_hypothesis() -> None:
    named = construct_names(["efficiency", "risk_level", "growth"])
    assert named == {"efficiency": "operating efficiency", "risk_level": "risk level", "growth": "growth"}


def test_one_clear_strand_supports_only_partly() -> None:
    themes = theme_evidence(*spoken(), HYPOTHESES)
    undecided = SURVEY.assign(ci_low=2.9, ci_high=3.1)
    row = joint_display(LOANS, undecided, themes, HYPOTHESES).set_index("hypothesis").loc["H4"]
    assert (row["verdict"], row["direction"]) == ("complement", "partly supported")
    assert row["reason"] == "loan data for the claim; survey undecided and interviews silent"


def test_without_fieldwork_nothing_is_testable() -> None:
    table = joint_display(LOANS, pd.DataFrame(), pd.DataFrame(), HYPOTHESES)
    assert (table["verdict"] == "not testable").all()
    assert (table["survey"] == "No survey.").all()


def test_definitions_agree_with_each_other() -> None:
    codes = set(pd.read_csv(DEFINITIONS / "codebook.csv")["code"])
    items = pd.read_csv(DEFINITIONS / "survey_items.csv")
    for entry in HYPOTHESES.to_dict("records"):
        assert set(entry["themes_for"].split(";")) <= codes
        assert set(entry["themes_against"].split(";")) <= codes
        asked = items.loc[items["criterion"] == entry["hypothesis"], "construct"]
        assert set(entry["survey_constructs"].split(";")) <= set(asked)


JUDGED = pd.DataFrame(
    [
        (expert, customer, tier)
        for customer, tiers in {
            "k1": ["premium", "premium", "low"],
            "k2": ["low", "medium", None],
            "k3": ["high", "high", "premium"],
            "k4": ["medium", "low", "low"],
        }.items()
        for expert, tier in zip("xyz", tiers, strict=True)
    ],
    columns=["expert", "customer_id", "tier"],
)


def test_judgements_are_one_tier_per_expert_and_customer() -> None:
    table = judgement_table(JUDGED)
    assert table.loc["k2"].tolist()[:2] == ["low", "medium"]
    assert table.isna().sum().sum() == 1
    with pytest.raises(UserError, match="tier 'hgih' is unknown; did you mean 'high'"):
        judgement_table(JUDGED.replace("high", "hgih"))
    with pytest.raises(UserError, match="judged customer k1 twice"):
        judgement_table(pd.concat([JUDGED, JUDGED[:1]]))
    among = expert_agreement(JUDGED, resamples=0).set_index("measure")["estimate"]
    assert 0 < among["krippendorff_alpha"] < 1
