"""Levels that leave the customer table: no text of a few, nobody's name or number."""

from __future__ import annotations

import pandas as pd
import pytest

from research.collect import levels
from research.collect.classification import rules


@pytest.mark.parametrize(
    "text",
    [
        "zhang.san@example.org", "13912345678", "138 0013 8000", "+44 20 7946 0958", "010-62345678",
        "１３９１２３４５６７８",
        "١٣٩١٢٣٤٥٦٧٨", "139\u200b1234\u200b5678", "11010519491231002X", "123-45-6789", "4539 5787 6362 1486",
        "E12345678",
        "K00001", "京A12345", "上海市浦东新区世纪大道100号", "12 High Street", "Flat 3", "Mr John Smith", "王小姐",
        "WeChat: xiao_ming", "salaried, call 13912345678",
    ],
)  # fmt: skip
def test_text_of_a_person_is_told(text: str) -> None:
    assert levels.personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Self-employed", "debt_consolidation", "房地产", "制造业", "West North Central", "10000-20000",
        "10,000 to 20,000",
        "500 000 - 1 000 000", "310000", "2019-01-15", "FY2019", "3 years", "Area 51", "≥ 200 DM", "A34", "个人",
    ],
)  # fmt: skip
def test_a_class_is_no_person(text: str) -> None:
    assert not levels.personal(text)


def test_no_class_of_the_shipped_definitions_is_taken_for_a_person() -> None:
    assert [word for word in levels.words() if levels.personal(word)] == []


def test_every_word_that_a_standard_sorts_by_is_a_class_that_definitions_name() -> None:
    conditions = [
        condition
        for standard in rules()["standards"].values()
        for way in standard["measured_by"]
        for rule in way["rules"]
        for condition in rule.get("when", {}).values()
    ]
    listed = [value if isinstance(value, list) else [value] for one in conditions for value in one.values()]
    words = {str(word) for some in listed for word in some if str(word)[0].isalpha()}
    assert len(words) > 20
    assert words <= levels.words()


def test_rare_and_personal_levels_are_pooled_and_the_studys_own_classes_are_not() -> None:
    regions = ["east"] * 50 + ["Zhang San"] * 2 + ["Li Lei"] + ["a@b.org"] * 9
    kinds = ["mortgage"] * 58 + ["pledge"] * 3 + [None]  # a pledge is a class of the study, however few
    table = pd.DataFrame(
        {"region": pd.Categorical(regions), "guarantee_type": pd.Categorical(kinds), "income": 1.0}
    )
    safe = levels.pooled(table, 5)
    assert safe["region"].value_counts().to_dict() == {
        "east": 50,
        "masked (1 level)": 9,
        "other (2 levels)": 3,
    }
    assert safe["guarantee_type"].equals(table["guarantee_type"])
    assert isinstance(safe["region"].dtype, pd.CategoricalDtype)
    assert table["region"].nunique() == 4
    told = levels.told(table, 5)
    assert told.to_dict("records") == [
        {"construct": "region", "looks_like": "e-mail", "levels": 1, "customers": 9},
        {"construct": "region", "looks_like": "few customers", "levels": 2, "customers": 3},
    ]
    assert (
        levels.pooled(table, 0)["region"].value_counts()["Zhang San"] == 2
    )  # the rule is off; a mask is not
    assert "a@b.org" not in set(levels.pooled(table, 0)["region"])
