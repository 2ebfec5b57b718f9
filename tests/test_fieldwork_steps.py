"""Steps of the fieldwork: what they read, what stops them, and how the strands come together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from research.errors import UserError
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.survey import ahp
from research.parameters import Study, load
from research.paths import EXAMPLES
from research.study import contents as steps
from research.study.interviews import interviews_key
from research.study.survey import survey_key
from research.study.weighting import survey_weights
from research.study.workbooks import located

SMALL = {"bootstrap": 100, "simulated_customers": 2000}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def plan() -> Study:
    return load(changes=SMALL)


def with_interviews(plan: Study, folder: Path) -> Study:
    return plan.model_copy(
        update={"fieldwork": plan.fieldwork.model_copy(update={"interviews": str(folder)})}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "interviews", tmp_path / "interviews"))


def test_every_respondent_is_kept_or_counted_as_left_out(plan: Study) -> None:
    flow = steps.survey_quality(plan)["flow"]
    assert flow["kept"].iloc[0] == 180
    assert flow["kept"].iloc[0] - flow["left_out"].sum() == flow["kept"].iloc[-1]
    assert len(steps.survey_quality(plan)["kept"]) == flow["kept"].iloc[-1]


def test_survey_weights_are_the_eigenvector_of_the_consistent_experts(plan: Study) -> None:
    """With three elements the eigenvector is the normalised geometric mean of the rows (Saaty 1980)."""
    judged = ahp.expert_weights(read_ahp(located(plan.fieldwork.ahp, "ahp")), comparison_pairs())
    experts = judged.query("set == 'abc' and status == 'consistent'")
    by_hand = np.exp(np.log(experts.pivot(index="expert", columns="element", values="weight")).mean())
    weights = survey_weights(plan)
    group = steps.expert_comparisons(plan).set_index("element")
    assert group["estimate"].to_dict() == pytest.approx(weights)
    assert (group.loc["A", "label"], group.loc["A", "equal"]) == ("A value", pytest.approx(1 / 3))
    assert [weights[letter] for letter in "ABC"] == pytest.approx((by_hand / by_hand.sum()).tolist())
    assert sum(weights[letter] for letter in "RFM") == pytest.approx(1)


def test_weights_may_be_numbers_and_reach_the_model() -> None:
    plan = load(changes={"weights": {"A": 0.7, "B": 0.2, "C": 0.1}})
    assert steps.weights(plan) == {"A": 0.7, "B": 0.2, "C": 0.1}
    assert steps.model(plan, "abc").weights_ == pytest.approx({"A": 0.7, "B": 0.2, "C": 0.1})


@pytest.mark.parametrize("given", [{"A": 1}, {"R": 0, "F": 0, "M": 0}, {"X": 1}, "expert"])
def test_weights_that_do_not_fit_are_refused(given: object) -> None:
    with pytest.raises(UserError, match="weights"):
        load(changes={"weights": given})


def test_the_models_do_not_depend_on_fieldwork_while_weights_are_equal(plan: Study) -> None:
    other = load(changes={**SMALL, "fieldwork": {"ahp": "", "survey": "", "interviews": ""}})
    assert steps.model.key(plan, "abc") == steps.model.key(other, "abc")
    weighed = load(changes={**SMALL, "weights": "survey"})
    assert steps.model.key(plan, "abc") != steps.model.key(weighed, "abc")


def test_the_experts_weights_move_some_customers() -> None:
    plan = load(changes=SMALL)
    found = steps.weight_shift(plan, "abc")
    assert (found["reason"], found["n"]) == ("", 10_000)
    assert 0 < found["moved"] < 1_000


def test_without_a_survey_there_are_no_scales() -> None:
    assert steps.scales_in_words(load(changes={**SMALL, "fieldwork": {"survey": ""}})) == {}


def test_an_interval_that_holds_the_bar_leaves_a_scale_open(plan: Study) -> None:
    rows = steps.survey_scales(plan)["reliability"]
    by_hand = np.select(
        [rows["ci_low"] > rows["bar"], rows["ci_high"] < rows["bar"]], ["above", "below"], "open"
    )
    assert rows["result"].tolist() == by_hand.tolist()
    assert set(rows["bar"]) == {0.7}
    assert rows["omega"].between(rows["omega_low"], rows["omega_high"]).all()


def test_a_model_that_the_data_cannot_feed_has_a_reason(plan: Study) -> None:
    assert "not testable here" in steps.weight_shift(plan.with_dataset("credit_data"), "rfm")["reason"]


def test_a_text_that_could_identify_somebody_stops_the_interviews(plan: Study, folder: Path) -> None:
    path = folder / "P02.txt"
    path.write_text(path.read_text(encoding="utf-8") + "\nP02: 13800138000\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"P02 segment \d+ — phone 1•+0"):
        steps.interviews(with_interviews(plan, folder))


def test_without_its_waiver_a_finding_stops_the_interviews(plan: Study, folder: Path) -> None:
    (folder / "waivers.csv").unlink()
    with pytest.raises(UserError, match="waive each in writing"):
        steps.interviews(with_interviews(plan, folder))


def test_codings_of_another_text_are_refused(plan: Study, folder: Path) -> None:
    path = folder / "P01.txt"
    path.write_text(
        path.read_text(encoding="utf-8").replace("Fourteen years", "Forty years"), encoding="utf-8"
    )
    with pytest.raises(UserError, match="document P01, segment 1: the coding workbooks hold another text"):
        steps.interviews(with_interviews(plan, folder))


def test_a_changed_workbook_changes_the_key(plan: Study, folder: Path) -> None:
    study = with_interviews(plan, folder)
    before = interviews_key(study)
    (folder / "names.txt").write_text("Somebody Else\n", encoding="utf-8")
    assert interviews_key(study) != before
    assert survey_key(study) == survey_key(plan)


def test_a_path_that_leads_nowhere_names_the_parameter(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fieldwork\.survey: found 'lost\.xlsx', no such file or folder"):
        located("lost.xlsx", "survey")
    with pytest.raises(UserError, match=r"fieldwork\.ahp: found nothing"):
        located("", "ahp")


def test_every_theme_of_the_interviews_is_counted_once(plan: Study) -> None:
    tree = steps.themes(plan)["tree"]
    assert (tree["segments"] >= tree["own_segments"]).all()
    assert tree["participants"].max() <= 24
    assert set(steps.coders_agreement(plan)["codes"]["base"]) == {"coded", "all"}
