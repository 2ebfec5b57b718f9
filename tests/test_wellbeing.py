"""Real answers: weighted association and its interval, the tiers of the public survey, and its recorded values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as unweighted
from typer.testing import CliRunner

from research.cli import app
from research.collect import fetch, recorded
from research.contingency import cramers_v
from research.errors import UserError
from research.fieldwork.survey import weighted, wellbeing
from research.parameters import load
from research.study import contents as steps
from research.study import wellbeing as study_wellbeing
from research.tiers import TIERS

FILE = "NFWBS_PUF_2016_data.csv"


def people(n: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tiers, answers that follow them a little, and weights."""
    rng = np.random.default_rng(seed)
    tier = rng.integers(0, 4, n)
    answer = (rng.random((n, 3)) + (tier[:, None] == np.arange(3)) * 0.3).argmax(axis=1)
    return tier, answer, rng.uniform(0.3, 3, n)


def by_hand(tier: np.ndarray, answer: np.ndarray, weight: np.ndarray) -> float:
    """V of the weighted table: χ² of expected shares, corrected with Kish's number of people."""
    observed = pd.crosstab(tier, answer, values=weight, aggfunc="sum").fillna(0).to_numpy()
    p = observed / observed.sum()
    expected = p.sum(axis=1, keepdims=True) @ p.sum(axis=0, keepdims=True)
    n = weight.sum() ** 2 / (weight**2).sum()
    return float(cramers_v(n * ((p - expected) ** 2 / expected).sum(), n, *p.shape))


def test_equal_weights_give_the_unweighted_v() -> None:
    """Against scipy.stats.contingency.association, whose V is not corrected for bias."""
    tier, answer, _ = people()
    found = weighted.association(tier, answer, np.full(len(tier), 2.0)).estimate
    v = unweighted(pd.crosstab(tier, answer).to_numpy(), method="cramer")
    assert found == pytest.approx(float(cramers_v(2 * v**2 * len(tier), len(tier), 4, 3)))


def test_weighted_v_is_that_of_the_weighted_table() -> None:
    tier, answer, weight = people()
    assert weighted.association(tier, answer, weight).estimate == pytest.approx(by_hand(tier, answer, weight))


def test_the_linearised_error_is_that_of_the_jackknife() -> None:
    """Delete-one jackknife: no derivative is taken."""
    tier, answer, weight = people()
    found = weighted.association(tier, answer, weight)
    n = len(tier)
    without = np.array([by_hand(*(np.delete(part, k) for part in (tier, answer, weight))) for k in range(n)])
    jackknife = np.sqrt((n - 1) / n * np.square(without - without.mean()).sum())
    linearised = np.sqrt(n / (n - 1) * np.square(found.influence).sum())
    assert linearised == pytest.approx(jackknife, rel=0.03)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)


def test_a_difference_of_two_sortings_of_the_same_people_uses_that_they_are_the_same() -> None:
    tier, answer, weight = people()
    one = weighted.association(tier, answer, weight)
    assert weighted.difference(one, one).interval() == (0, 0)
    assert weighted.mean([one, one]).interval() == pytest.approx(one.interval())


def test_who_did_not_answer_is_left_out_and_nothing_associated_has_no_influence() -> None:
    tier, answer, weight = people()
    fewer = np.where(np.arange(len(tier)) < 300, answer, -1)
    kept = weighted.association(tier[:300], answer[:300], weight[:300])
    assert weighted.association(tier, fewer, weight).estimate == pytest.approx(kept.estimate)
    assert weighted.association(tier, fewer, weight).influence[300:].tolist() == [0] * 100
    alone = weighted.association(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.ones(4))
    assert (alone.estimate, alone.influence.tolist()) == (0, [0] * 4)


def test_a_share_stays_between_nought_and_one() -> None:
    rare = np.array([1.0] + [0.0] * 60)
    low, high = weighted.average(rare, np.ones(61)).share_interval()
    assert 0 < low < 1 / 61 < high < 1
    assert weighted.average(np.zeros(5), np.ones(5)).share_interval() == (0, 0)


def answers(signs: list[list[float]], income: list[int]) -> wellbeing.Answers:
    """People with four signs of strain and an income."""
    kinds = ["income varies", "a shock", "debt collection", "credit refused"]
    n = len(income)
    return wellbeing.Answers(
        np.ones(n),
        pd.Series(np.full(n, 50.0)),
        pd.Series(income),
        pd.DataFrame(signs, columns=kinds),
        pd.DataFrame(index=range(n)),
        pd.DataFrame({"income": income}),
    )


@pytest.mark.parametrize(
    ("signs", "income", "tier"),
    [
        ([0, 0, 0, 0], 8, "premium"),
        ([0, 0, 0, 0], 7, "low"),
        ([1, 0, 0, 0], 9, "low"),
        ([1, 1, 0, 0], 9, "medium"),
        ([1, 1, 1, 0], 9, "high"),
        ([1, 1, 1, 1], 1, "high"),
    ],
)  # fmt: skip
def test_tiers_follow_the_rules(signs: list[float], income: int, tier: str) -> None:
    assert TIERS[wellbeing.tiers(answers([signs], [income]))[0]] == tier


def test_who_left_a_sign_open_has_no_tier() -> None:
    assert wellbeing.tiers(answers([[0, 0, np.nan, 0]], [9])).tolist() == [-1]


def test_income_alone_gives_tiers_of_nearly_the_same_sizes() -> None:
    made = answers([[0, 0, 0, 0]] * 6 + [[1, 1, 0, 0]] * 3 + [[1, 1, 1, 0]], [9, 8, 7, 6, 5, 5, 4, 3, 2, 1])
    placed = wellbeing.tiers(made)
    assert wellbeing.by_income(made, placed).tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 3]


def test_questions_compared_are_no_input_of_the_tiers() -> None:
    asked = pd.read_csv(wellbeing.DEFINITIONS / "nfwbs_questions.csv")
    assert not asked["column"].duplicated().any()
    assert asked.groupby("role").size().to_dict() == {
        "held": 3, "income": 1, "need": 20, "risk": 11, "score": 1, "weight": 1,
    }  # fmt: skip


def test_refusals_and_what_a_question_names_are_missing(tmp_path: Path) -> None:
    asked = pd.read_csv(wellbeing.DEFINITIONS / "nfwbs_questions.csv")
    rows = pd.DataFrame({name: [1, 1, 1] for name in asked["column"]}).assign(
        FWBscore=[50, -4, 60],
        COLLECT=[8, -1, 0],
        REJECTED_1=[-1, -1, 0],
        REJECTED_2=[1, 0, 0],
        FINGOALS=[-1, 0, 1],
    )
    rows.to_csv(tmp_path / "survey.csv", index=False)
    found = wellbeing.read(tmp_path / "survey.csv")
    assert found.score.isna().tolist() == [False, True, False]
    assert found.signs["debt collection"].isna().tolist() == [True, True, False]
    assert found.signs["credit refused"].tolist()[0] == 1  # one yes is enough, though the other was refused
    assert found.signs["credit refused"].isna().tolist() == [False, True, False]
    assert found.needs["FINGOALS"].isna().tolist() == [True, False, False]


def test_without_the_file_the_recorded_values_are_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RESEARCH_DATA", raising=False)
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    plan = load()
    row = steps.asked(plan).iloc[0]
    assert (row["claim"], row["grade"], row["verdict"]) == ("H3a", "reported", "not refuted")
    assert steps.survey_origin() == "recorded"
    assert recorded.about("nfwbs")["command"] == "research datasets record nfwbs"
    monkeypatch.setattr(recorded, "RECORDED", tmp_path)
    recorded._values.cache_clear()
    with pytest.raises(UserError, match="research datasets record nfwbs"):
        study_wellbeing.kept()
    recorded._values.cache_clear()


def test_the_file_gives_what_is_recorded(
    verification_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = verification_data("cfpb_nfwbs_2016")
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    fetch.fetch("nfwbs", folder / FILE)
    assert steps.survey_origin() == "reported"
    kept = study_wellbeing.kept()
    for name, table in study_wellbeing.computed(load().seed).items():
        pd.testing.assert_frame_equal(table, kept[name], check_dtype=False, rtol=1e-9)


def test_v_of_the_survey_agrees_with_the_table_by_hand(verification_data: Callable[[str], Path]) -> None:
    found = wellbeing.read(verification_data("cfpb_nfwbs_2016") / FILE)
    placed = wellbeing.tiers(found)
    used = ((placed >= 0) & found.needs["FINGOALS"].notna()).to_numpy()
    kept = study_wellbeing.kept()["needs"].set_index("text")["estimate"]
    assert by_hand(placed[used], found.needs.loc[used, "FINGOALS"], found.weight[used]) == pytest.approx(
        kept["Has a financial goal"]
    )


def test_people_alike_are_compared_and_the_plain_difference_is_that_of_the_means() -> None:
    kept = study_wellbeing.kept()
    alike, means = kept["alike"].set_index("tier"), kept["wellbeing"].set_index("tier")["estimate"]
    plain = means - means["low"]
    assert alike["plain_estimate"].to_dict() == pytest.approx(plain.drop("low").to_dict(), abs=0.01)
    assert (alike["estimate"].abs() < alike["plain_estimate"].abs()).all()  # part of it is income and age


def test_the_list_of_data_sets_names_the_survey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RESEARCH_DATA", raising=False)
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    told = CliRunner().invoke(app, ["datasets", "list"]).output
    assert "nfwbs: National Financial Well-Being Survey 2016" in told
    assert "research datasets fetch nfwbs" in told
    refused = CliRunner().invoke(app, ["datasets", "record", "taiwan"])
    assert "no public survey" in str(refused.exception)
