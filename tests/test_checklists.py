"""Checklists and traceability: every item answered, and no item that names a section the reports lack."""

from __future__ import annotations

from collections import Counter

import pytest

import anchors
import demo
from research.documentation import traceability
from research.errors import UserError
from research.pages import checklists
from research.pages.checklists import Checklist, counts, declarations, fill
from research.paths import DOCS, ROOT

IDS = (
    [f"C{i}" for i in range(1, 8)]
    + [f"K{i}" for i in range(1, 14)]
    + [f"M{i}" for i in range(1, 4)]
    + [f"T{i}" for i in range(1, 5)]
    + [f"P{i}" for i in range(1, 12)]
    + [f"R{i}" for i in range(1, 5)]
    + [f"H{i}" for i in range(1, 6)]
)


def checklist(*items) -> Checklist:
    return Checklist(
        "X", "about", "source", "applies", [{"topic": "t", "asks": "a", **item} for item in items]
    )


def test_published_numbers_of_items():
    # TRIPOD+AI: 27 main items, 52 with their parts; REFORMS 32 in eight modules; COREQ 32; GRAMMS 6; CROSS 40.
    found = {one.name: len(one.items) for one in checklists.load()}
    assert found == {"TRIPOD+AI": 52, "REFORMS": 32, "COREQ": 32, "GRAMMS": 6, "CROSS": 40}
    modules = Counter(
        item["id"][0] for one in checklists.load() if one.name == "REFORMS" for item in one.items
    )
    assert [modules[number] for number in "12345678"] == [3, 5, 7, 3, 6, 3, 3, 2]
    for one in checklists.load():
        ids = [str(item["id"]) for item in one.items]
        assert len(set(ids)) == len(ids)


def test_what_is_still_a_protocol_is_not_called_a_standard():
    coming = {one.name: one.coming for one in checklists.load() if one.coming}
    assert {name: "not yet a standard" in words for name, words in coming.items()} == {
        "COREQ": True,
        "GRAMMS": True,
    }


def test_items_are_answered_from_the_pages():
    lines, contradictions = fill(
        checklist(
            {"id": "1", "where": "03_x#rates"},
            {"id": "2", "where": ["03_x", "04_y"]},
            {"id": "3", "where": "04_y#z"},
            {"id": "4", "says": "Because."},
            {"id": "5", "researcher": True},
            {"id": "6", "researcher": True},
            {"id": "7", "not_done": "No time."},
        ),
        {"03_x": {"rates"}},
        {"X": {"5": "I did."}},
    )
    assert contradictions == []
    assert [line.state for line in lines] == [
        "reported", "partly", "not in this run", "declared", "declared", "not done", "not done",
    ]  # fmt: skip
    assert lines[1].links == ("03_x",)
    assert lines[4].words == "I did."
    assert counts(lines) == {"reported": 1, "partly": 1, "declared": 2, "not done": 2, "not in this run": 1}


def test_what_a_reported_item_lacks_is_said():
    lines, _ = fill(checklist({"id": "1", "where": "03_x", "lacks": "By whom."}), {"03_x": set()}, {})
    assert (lines[0].state, lines[0].links, lines[0].words) == ("partly", ("03_x",), " (By whom.)")


def test_what_is_declared_once_answers_both_checklists():
    item = {"id": "17", "researcher": True, "same_as": {"Y": "18a"}}
    for declared, words in (
        ({"Y": {"18a": "No funding."}}, "No funding."),
        ({"Y": {"18a": "No funding."}, "X": {"17": "A grant."}}, "A grant."),
        ({"Y": {"17": "Other."}}, "Only the researcher can say; nothing was declared."),
    ):
        assert fill(checklist(item), {}, declared)[0][0].words == words


def test_an_item_is_the_same_as_one_that_is_left_to_the_researcher():
    left = {
        (one.name, str(item["id"])) for one in checklists.load() for item in one.items if "researcher" in item
    }
    same = [(one.name, item) for one in checklists.load() for item in one.items if "same_as" in item]
    assert {item["id"] for _, item in same} == {"17", "18"}
    for name, item in same:
        assert {(name, item["id"]), *item["same_as"].items()} <= left


def test_the_example_says_the_same_of_ethics_funding_and_interests():
    declared = declarations("data/examples/declarations.yml")
    states = {
        (one.name, line.item): line.state
        for one in checklists.load()
        for line in fill(one, anchors.of_project(), declared)[0]
    }
    for pair in (("17", "9a"), ("18a", "17"), ("18b", "18")):
        assert [states["TRIPOD+AI", pair[0]], states["CROSS", pair[1]]] == ["declared", "declared"]


def test_a_section_that_is_missing_contradicts():
    lines, contradictions = fill(checklist({"id": "1", "where": "03_x#gone"}), {"03_x": {"rates"}}, {})
    assert contradictions == ["X 1: says it is reported in 03_x#gone, which does not exist"]
    assert lines[0].state == "not in this run"


def test_every_item_of_the_project_has_its_section():
    there = anchors.of_project()
    for one in checklists.load():
        where = [item["where"] for item in one.items if "where" in item]
        links = [link for each in where for link in ([each] if isinstance(each, str) else each)]
        assert [link for link in links if anchors.leads_nowhere(link, there)] == []


def test_traceability_is_complete_and_leads_somewhere():
    table = traceability.items()
    assert table["id"].tolist() == IDS
    there = anchors.of_project()
    sections = [(row.id, section) for row in table.itertuples() for section in row.section.split()]
    assert {name for name, _ in sections} == set(IDS)
    assert [pair for pair in sections if anchors.leads_nowhere(pair[1], there)] == []
    tests = {test for cell in table["test"] for test in cell.split()}
    assert [test for test in sorted(tests) if not (ROOT / "tests" / test).exists()] == []


def test_the_written_page_is_up_to_date():
    assert (DOCS / "traceability.md").read_text(encoding="utf-8") == traceability.page()


def test_anchors_of_a_source(tmp_path):
    found = anchors.of_notebook(demo.write(tmp_path, "06_first", demo.FIRST))
    assert found >= {"the-rule", "a-long-table", "rates", "bars", "quote", "wide", "answer", "limits"}


def test_declarations_of_the_example_and_mistakes(tmp_path):
    assert "17" in declarations("data/examples/declarations.yml")["TRIPOD+AI"]
    assert declarations("") == {}
    file = tmp_path / "declared.yml"
    for text, message in (
        ("COREC:\n  '1': x", r"unknown checklist 'COREC'; did you mean 'COREQ'\?"),
        ("COREQ:\n  '12': x", "item '12' is not left to the researcher"),
        ("a: [", "not readable as YAML"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=message):
            declarations(str(file))
    with pytest.raises(UserError, match="no such file"):
        declarations(str(tmp_path / "none.yml"))
