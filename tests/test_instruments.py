"""The instruments as data: complete, consistent with one another, and refused when broken."""

from __future__ import annotations

import pandas as pd
import pytest

from research.errors import UserError
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import items as instruments
from research.fieldwork.instruments.stamp import form_version
from research.files.textfiles import read_yaml
from research.paths import DEFINITIONS

CRITERIA = {f"C{n}" for n in range(1, 8)}
TIERS = {f"T{n}" for n in range(1, 5)}
HYPOTHESES = {f"H{n}" for n in range(1, 6)}


@pytest.mark.parametrize("group", instruments.GROUPS)
def test_each_group_is_asked_about_every_criterion_tier_and_hypothesis(group):
    items = instruments.survey_items(group=group)
    assert set(items["criterion"]) == CRITERIA | TIERS | HYPOTHESES
    assert (items.groupby("construct").size() >= 3).all()  # a scale needs three items
    assert items.groupby("construct")["reverse"].sum().max() <= 1
    assert items["reverse"].sum() >= 10


def test_items_have_both_languages_and_one_construct_each_per_criterion():
    items = instruments.survey_items()
    assert items["item"].is_unique
    assert items["wording_zh"].str.contains("[\u4e00-\u9fff]").all()
    assert items["wording_en"].str.isascii().all()
    assert not items[["wording_en", "wording_zh"]].duplicated().any()
    assert (items.groupby("construct")["criterion"].nunique() == 1).all()


def test_hypotheses_name_constructs_and_codes_that_exist():
    hypotheses = pd.read_csv(DEFINITIONS / "hypotheses.csv", keep_default_na=False)
    constructs = set(instruments.survey_items()["construct"])
    codes = codebook.read_codebook().set_index("code")
    for row in hypotheses.itertuples():
        assert set(row.survey_constructs.split(";")) <= constructs
        for column, stance in (("themes_for", "supports"), ("themes_against", "challenges")):
            for code in getattr(row, column).split(";"):
                assert codes.loc[code, "stance"] == stance
                assert row.hypothesis in codes.loc[code, "relates_to"].split(";")


def test_guides_ask_about_every_part_of_the_catalogue():
    guides = read_yaml(DEFINITIONS / "interview_guides.yml")
    for group in instruments.GROUPS:
        questions = guides[group]["questions"]
        assert all(q["en"] and q["zh"] for q in questions)
    asked = {i for g in instruments.GROUPS for q in guides[g]["questions"] for i in q["relates_to"]}
    assert asked >= CRITERIA | TIERS | HYPOTHESES


def test_background_choices_pair_up():
    questions = instruments.background_questions()
    assert set(questions["group"]) == set(instruments.GROUPS)
    assert [len(c) for c in questions["choices_en"]] == [len(c) for c in questions["choices_zh"]]


def test_version_changes_with_any_item():
    items = instruments.survey_items()
    changed = items.copy()
    changed.loc[0, "wording_en"] += "!"
    assert form_version(items) == form_version(items.copy())
    assert form_version(items) != form_version(changed)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("C1_1,risk,C1,everyone,1,5,0,A,甲", "group is 'everyone'"),
        ("C1_1,risk,C1,both,1,5,yes,A,甲", "reverse is 'yes'"),
        ("C1_1,risk,C1,both,5,1,0,A,甲", "scale 5 to 1"),
        ("C1_1,risk,C1,both,1,5,0,A,", "wording_zh"),
        (",risk,C1,both,1,5,0,A,甲", "item or construct is empty"),
    ],
)
def test_broken_items_are_refused_by_line(tmp_path, line, told):
    path = tmp_path / "items.csv"
    header = "item,construct,criterion,group,scale_min,scale_max,reverse,wording_en,wording_zh"
    path.write_text(f"{header}\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 2") as error:
        instruments.survey_items(path)
    assert told in str(error.value)


def test_codebook_is_a_tree_with_themes():
    book = codebook.read_codebook()
    leaves = codebook.assignable(book)
    above = codebook.ancestors(book)
    assert 20 <= len(leaves) <= 30
    assert {above[leaf][-1] for leaf in leaves} == set(book.loc[book["parent"] == "", "code"])
    filled = book.set_index("code").loc[leaves, ["definition", "when_to_use", "when_not", "example"]]
    assert (filled != "").all(axis=None)
    covered = {i for text in book["relates_to"] for i in text.split(";")}
    assert covered >= CRITERIA | TIERS | HYPOTHESES


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("a", ""), ("a", "")], "repeated: a"),
        ([("a", "b")], "parent 'b'"),
        ([("a", "b"), ("b", "a")], "own ancestor"),
        ([("", "")], "has no code"),
    ],
)
def test_broken_codebooks_are_refused(rows, told):
    with pytest.raises(UserError) as error:
        codebook.validate_codebook(pd.DataFrame(rows, columns=["code", "parent"]))
    assert told in str(error.value)
