"""Two runs compared: what counts as moved, what it means for the answer, and what stands on the page."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import html as parser

import demo
from research.desk import comparison_page
from research.desk.compare import compare
from research.desk.finished import Finished, finished
from research.pages import pagecheck

VERDICTS = {
    "cell": 3,
    "columns": ["claim", "model", "n", "grade", "verdict"],
    "rows": [["H1", "RFM", 90, "measured", "undecided"], ["H1", "ABC", 90, "measured", "supported"]],
}
RATES = {
    "cell": 4,
    "columns": ["model", "tier", "n", "rate", "p_value"],
    "rows": [["RFM", "high", 10, 0.25, 0.2], ["RFM", "low", 90, 0.5, 0.04], ["ABC", "high", 20, 0.125, None]],
}
CURVE = {"cell": 5, "columns": ["x", "y"], "rows": [[0.0, 1.5], [0.5, 2.5]]}
SAID = {"cell": 2, "text": "The tree wins with 62%.", "values": {"best": "the tree", "rate": 0.62}}


def record(**exhibits: Any) -> dict[str, Any]:
    """Return the values of a small run; `rates=…` replaces an exhibit."""
    known = {"evidence": VERDICTS, "rates": RATES, "curve": CURVE, **exhibits}
    tables = {f"11_synthesis/{name}": entry for name, entry in known.items() if name != "answer"}
    prose = {"11_synthesis/answer": exhibits.get("answer", SAID)}
    return {"study": {"name": "t", "sha256": "0"}, "prose": prose, "tables": copy.deepcopy(tables)}


def run(**exhibits: Any) -> Finished:
    return Finished("t", record(**exhibits))


def cells(table: dict[str, Any], *changes: tuple[int, int, Any]) -> dict[str, Any]:
    """Return a table with some cells changed, given as (row, column, value)."""
    changed = copy.deepcopy(table)
    for row, column, value in changes:
        changed["rows"][row][column] = value
    return changed


def moved(**exhibits: Any) -> list[tuple[str, Any, Any]]:
    return [(one.place, one.old, one.new) for one in compare(run(), run(**exhibits)).moved]


@pytest.mark.parametrize(
    ("row", "column", "value", "counts"),
    [
        (0, 3, 0.25 * (1 + 1e-7), False),  # a number within the relative tolerance
        (0, 3, 0.25 * (1 + 1e-5), True),
        (0, 2, 11, True),  # a count is exact
        (0, 4, 0.7, False),  # a p value that decides the same
        (1, 4, 0.051, True),  # one that does not
        (2, 4, 0.9, True),  # one that was not there
        (0, 3, None, True),
        (0, 3, "withheld", True),
    ],
)
def test_a_value_moves_by_the_tolerance_of_its_kind(row, column, value, counts):
    assert bool(moved(rates=cells(RATES, (row, column, value)))) is counts


def test_a_number_that_is_not_published_is_not_one_that_is_missing():
    assert moved(rates=RATES | {"withheld": [[2, "p_value"]]}) == [("ABC · high: p", None, "withheld")]


def test_rows_are_matched_by_their_words_whatever_their_order():
    turned = cells(RATES, (1, 3, 0.75)) | {"rows": cells(RATES, (1, 3, 0.75))["rows"][::-1]}
    assert moved(rates=turned) == [("RFM · low: Rate", 0.5, 0.75)]


def test_a_row_more_shifts_no_other():
    longer = RATES | {"rows": [["Tree", "high", 5, 0.9, 0.01], *RATES["rows"]]}
    found = compare(run(), run(rates=longer))
    assert found.moved == []
    assert found.only == {"11_synthesis/rates": (0, 5)}


def test_a_count_that_moved_does_not_name_its_row():
    old = {
        "cell": 1,
        "columns": ["from", "to", "count"],
        "rows": [[1, 1, 50], [1, 2, 7], [2, 1, 3], [2, 2, 40]],
    }
    new = cells(old, (1, 2, 9))
    found = compare(run(moves=old), run(moves=new))
    assert [(one.place, one.old, one.new) for one in found.moved] == [("1 · 2: Count", 7, 9)]
    assert not found.only


def test_rows_without_words_are_matched_by_their_number():
    assert moved(curve=cells(CURVE, (1, 1, 3.5))) == [("2: y", 2.5, 3.5)]


def test_rows_that_cannot_be_matched_are_counted_and_not_compared():
    other = {"cell": 1, "columns": ["rule"], "rows": [["age > 30"], ["age > 40"], ["else"]]}
    found = compare(
        run(rules=other), run(rules=other | {"rows": [["income > 5"], ["else"], ["sum > 1"], ["sum > 2"]]})
    )
    assert found.only == {"11_synthesis/rules": (3, 4)}
    assert not found.moved


def test_other_pages_are_counted_by_exhibit_and_do_not_fail():
    more = run(own={"cell": 9, "columns": ["a"], "rows": [["x"], ["y"]]})
    more.values["tables"]["12_own/own"] = more.values["tables"].pop("11_synthesis/own")
    found = compare(run(), more)
    assert found.only == {"12_own/own": (0, 2)}
    assert not found.wanting("value")
    assert compare(run(), run(own=CURVE)).wanting("value")  # on a page that both have


def test_pages_that_were_numbered_anew_are_the_same_pages():
    before = run()
    for group in ("prose", "tables"):
        before.values[group] = {
            key.replace("11_synthesis", "12_synthesis"): entry for key, entry in before.values[group].items()
        }
    found = compare(before, run(evidence=cells(VERDICTS, (0, 4, "refuted"))))
    assert [(one.key, one.old, one.new) for one in found.verdicts] == [
        ("11_synthesis/evidence", "undecided", "refuted")
    ]
    assert not found.only


@pytest.mark.parametrize(
    ("said", "how"),
    [
        ({"text": "The tree wins with 71%.", "values": {"best": "the tree", "rate": 0.71}}, "numbers"),
        ({"text": "ABC wins with 62%.", "values": {"best": "ABC", "rate": 0.62}}, "words"),
        ({"text": "It is the tree that wins with 62%.", "values": SAID["values"]}, "wording"),
        (
            {"text": "ABC wins with 62%.", "values": {"winner": "ABC"}},
            "words",
        ),  # nothing of it is the same value
        (
            {"text": "The tree wins with 62.0%.", "values": SAID["values"]},
            "",
        ),  # the same number, written longer
        (
            {"text": SAID["text"], "values": {"best": "the tree", "rate": 0.6201}},
            "",
        ),  # nothing that a reader sees
    ],
)
def test_a_sentence_says_something_else_in_words_or_in_numbers(said, how):
    found = compare(run(), run(answer=said | {"cell": 2}))
    assert [one.how for one in found.sentences] == ([how] if how else [])
    assert bool(found.answers) is (how == "words")


@pytest.mark.parametrize(
    ("changed", "said", "verdict", "value"),
    [
        ({}, "Nothing moved: the 31 values that both runs have agree, and the answer stands.", False, False),
        (
            {"rates": cells(RATES, (0, 3, 0.5))},
            "1 of 31 values moved, yet every verdict and answer says the same in words: the answer stands.",
            False,
            True,
        ),
        (
            {"answer": {"cell": 2, "text": "ABC wins with 62%.", "values": {"best": "ABC", "rate": 0.62}}},
            "1 of 31 values moved. No verdict changed, but 1 of 1 answers say something else: 11_synthesis.",
            False,
            True,
        ),
        (
            {"evidence": cells(VERDICTS, (0, 4, "refuted"))},
            "1 of 31 values moved, among them 1 of 4 verdicts and evidence grades: the answer changed.",
            True,
            True,
        ),
        (
            {"evidence": cells(VERDICTS, (1, 3, "reported"))},
            "1 of 31 values moved, among them 1 of 4 verdicts and evidence grades: the answer changed.",
            True,
            True,
        ),
    ],
)
def test_the_headline_says_what_it_means_for_the_answer(changed, said, verdict, value):
    found = compare(run(), run(**changed))
    assert str(found.headline()) == said
    assert (found.wanting("verdict"), found.wanting("value")) == (verdict, value)


def test_runs_without_verdicts_or_without_anything_in_common_say_so():
    bare = run()
    bare.values["tables"] = {}
    found = compare(bare, run(answer={"cell": 2, "text": "ABC wins with 62%.", "values": {"best": "ABC"}}))
    assert str(found.headline()).endswith(
        "1 of 1 answers say something else. No claim is judged in both runs."
    )
    assert "nothing can be compared" in str(
        compare(bare, Finished("x", {"study": {}, "prose": {}, "tables": {}})).headline()
    )


def test_numbers_are_told_with_the_digits_that_tell_them_apart():
    found = compare(run(), run(rates=cells(RATES, (0, 3, 0.250013), (1, 3, 2e-9))))
    assert [comparison_page.told(one, comparison_page.Words()) for one in found.moved] == [
        ("0.25", "0.25001"),
        ("0.5", "2e−09"),
    ]


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return demo.shared_run(tmp_path_factory) / "out"


def changed_run(out: Path, folder: Path) -> Path:
    """Copy a run, with another number in a caption, a figure, a sentence; and with markup for a name and a value."""
    shutil.copytree(out, folder)
    values = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    values["tables"]["06_first/bars"]["rows"][0][1] = 0.25
    values["prose"]["06_first/quote"]["values"]["quote"] = "<img src=x onerror=alert(1)>"
    values["prose"]["09_second/answer"]["values"]["model"] = "rfm"
    values["prose"]["09_second/answer"]["text"] = "The rfm wins at seed 1."
    (folder / "values.json").write_text(json.dumps(values), encoding="utf-8")
    record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    record["study"]["parameters"]["seed"] = 4
    record["code"]["sha256"] = "f" * 64
    (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    page = folder / "06_first.html"
    page.write_text(
        page.read_text(encoding="utf-8").replace("Rates rise.", "Rates <b>fall</b>."), encoding="utf-8"
    )
    return folder


def test_the_page_shows_both_sides_of_what_moved_and_nothing_else(out, tmp_path, research):
    other = changed_run(out, tmp_path / '"<i>other')
    target = tmp_path / "moved.html"
    code, told = research("compare", out, other, target)
    assert code == 0
    assert told.startswith("3 of ")
    page = target.read_text(encoding="utf-8")
    assert pagecheck.faults(page) == []
    assert "onerror=alert(1)>" not in page
    assert "<i>other" not in page
    tree = parser.document_fromstring(page)
    assert tree.xpath("string(//h1)") == 'out against "<i>other'
    facts = {row.xpath("string(th)"): row.xpath("td/span/text()") for row in tree.xpath("//tr[th][td]")}
    assert facts["seed"] == ["20240607", "4"]
    assert facts["code (hash)"][1] == "f" * 12
    assert "lock file (hash)" not in facts
    assert [picture.get("alt") for picture in tree.xpath("//figure/img")] == [
        "Two dots, the second on the right"
    ] * 2
    assert "Rates fall." in tree.xpath("string(//div[@class='sides'])")
    answers = tree.xpath("//details[contains(summary, 'Answers')]//td")
    assert [cell.text_content() for cell in answers] == [
        "The tree wins at seed 20240607.",
        "The rfm wins at seed 1.",
    ]
    assert len(finished(out).shown) == 4
    assert str(tmp_path) not in page  # where a run lies is nobody's business


def test_equal_runs_are_said_to_be_equal(out, tmp_path, research):
    target = tmp_path / "same.html"
    code, told = research("compare", out, out / "values.json", target, "--fail-on", "value")
    assert (code, told.startswith("Nothing moved: the ")) == (0, True)
    text = parser.document_fromstring(target.read_text(encoding="utf-8")).xpath("string(//main)")
    assert "Of B only the values are here" in text
    assert "Nothing that is known of both differs" in text


def test_a_batch_is_held_against_its_first_run(out, tmp_path, research):
    batch, target = tmp_path / "batch", tmp_path / "batch.html"
    for name in ("seed-1", "seed-2"):
        shutil.copytree(out, batch / "runs" / name)
    changed_run(out, batch / "runs" / "seed-3")
    shutil.copytree(out, batch / "runs" / "seed-4")
    states = "run,state\nseed-1,done\nseed-2,done\nseed-3,done\nseed-4,failed\n"
    (batch / "runs.csv").write_text(states, encoding="utf-8")
    code, told = research("compare", batch, target, "--fail-on", "value")
    assert code == 1
    assert told.startswith("Of 2 runs held against the first: the same values in 1, ")
    page = target.read_text(encoding="utf-8")
    assert pagecheck.faults(page) == []
    rows = {
        row.xpath("string(th)"): [cell.text_content() for cell in row.xpath("td")]
        for row in parser.document_fromstring(page).xpath(
            "//h2[@id='runs']/following-sibling::div[1]//tbody/tr"
        )
    }
    assert rows["seed-2"][2:] == ["0", "0", "0"]
    assert rows["seed-3"] == ["seed: 20240607 → 4", rows["seed-2"][1], "3", "1", "0"]
    assert rows["seed-4"][0] == "did not finish"
    assert research("compare", batch, target, "--fail-on", "verdict")[0] == 0


def test_a_mistake_is_one_message(out, tmp_path, research):
    begun, broken, strange = tmp_path / "begun", tmp_path / "broken.json", tmp_path / "strange.json"
    begun.mkdir()
    (tmp_path / "empty").mkdir()
    shutil.copy(out / "provenance.json", begun)
    broken.write_text('{"study": {},\n"prose": }')
    strange.write_text(json.dumps(record() | {"tables": {"../../etc/x": CURVE}}))
    uneven = tmp_path / "uneven.json"
    uneven.write_text(json.dumps(record(curve=CURVE | {"rows": [[1]]})))
    page = tmp_path / "x.html"
    for words, message in [
        ((out, tmp_path / "no", page), "no: no such file or folder; expected a folder of reports"),
        ((out, begun, page), "begun: a run that has not come to its end"),
        ((out, begun.parent / "empty", page), "empty: no values.json in it"),
        ((out, broken, page), "broken.json, line 2: not readable as JSON"),
        ((out, strange, page), "strange.json: '../../etc/x' is not as a run writes it"),
        ((out, uneven, page), "uneven.json: '11_synthesis/curve' is not as a run writes it"),
        ((out, page), "not the folder of a batch (no runs/ in it); for two runs name both"),
        ((out, out, out, page), "expected two runs, or the folder of one batch"),
        ((out, out, tmp_path / "x.pdf"), "expected two runs, or the folder of one batch"),
        ((out, out, out / "results" / "x.html"), "which this command reads; name a place elsewhere"),
    ]:
        code, told = research("compare", *words)
        assert code == 2, words
        assert message in told
    assert not list(tmp_path.rglob("x.*"))
