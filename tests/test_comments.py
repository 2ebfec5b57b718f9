"""Comments of reviewers: files read and merged, what changed at each place since, and what is made of them to fill."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import docx
import pytest
from openpyxl import load_workbook

from research.desk.comments import MOST, held_against, read, since
from research.desk.finished import finished
from research.errors import UserError

TABLE = [
    ["Tier", "Model", "Rate", "n"],
    ["Premium", "tree", "0.5%", "1,000"],
    ["High", "tree", "5.1%", "9,000"],
]
PROSE = "The AUC of the tree is 0.563. The scorecard reaches 0.610 on the same loans."


def page(prose: str = PROSE, table: list[list[str]] = TABLE, caption: str = "Rates by tier") -> str:
    head = "".join(f"<th>{cell}</th>" for cell in table[0])
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in table[1:])
    return (
        f'<html><body><aside><h2 id="c">Comments</h2></aside><main id="main"><h1 id="top">Models</h1>'
        f'<section class="text"><h2 id="rule">The rule <a class="anchor" href="#rule">#</a></h2>'
        f"<p>Loans are ordered by risk, then cut.</p></section>"
        f'<div class="exhibit table" id="rates"><table><caption><a class="number">Table 4.1</a> {caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<noscript><p>Hash {len(prose)}</p></noscript></div>"
        f'<details class="code"><summary>Code</summary><pre>cut(loans, by="risk")</pre></details>'
        f'<div class="exhibit finding" id="auc"><p id="04_models-finding-auc">{prose}</p></div></main></body></html>'
    )


def lines(table: list[list[str]] = TABLE, caption: str = "Rates by tier") -> str:
    return "\n".join([f"Table 4.1 {caption}", *("\t".join(row) for row in table)])


def comment(
    exact: str,
    anchor: str = "04_models-finding-auc",
    around: tuple[str, str] | None = None,
    text: str = "Why?",
    name: str = "Reviewer 1",
    **more: Any,
) -> dict[str, Any]:
    """Return an annotation as the pages make it, on a passage when there is text `around` it."""
    quote = {"type": "TextQuoteSelector", "exact": exact}
    if around is not None:
        quote |= dict(zip(("prefix", "suffix"), around, strict=True))
    return {
        "id": f"urn:uuid:{zlib.crc32(repr((exact, anchor, text, name)).encode())}",
        "type": "Annotation",
        "motivation": "commenting",
        "creator": {"type": "Person", "name": name},
        "created": "2026-11-29T10:00:00.000Z",
        "body": {"type": "TextualBody", "value": text, "format": "text/plain", "purpose": "commenting"},
        "target": {
            "source": "04_models.html",
            "dcterms:isPartOf": "urn:sha256:aa",
            "selector": [{"type": "FragmentSelector", "value": anchor}, quote],
        },
    } | more


def file(path: Path, *items: Any, **more: Any) -> Path:
    content = {"@context": "http://www.w3.org/ns/anno.jsonld", "type": "AnnotationPage", "items": list(items)}
    path.write_text(json.dumps(content | more), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "index.html").write_text(
        '<main id="main"><p id="first">The tree wins.</p></main>', encoding="utf-8"
    )
    record = {"run": "aa", "study": {"sha256": "bb", "parameters": {"seed": 1}}}
    (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "values.json").write_text('{"study": {}, "prose": {}, "tables": {}}', encoding="utf-8")
    (folder / "04_models.html").write_text(page(), encoding="utf-8")
    return folder


def changed(run: Path, annotation: dict[str, Any], now: str | None = None) -> str:
    """Return what is said to have changed at a comment in a run whose page is as before, or as it is `now`."""
    if now is not None:
        (run / "04_models.html").write_text(now, encoding="utf-8")
    return str(held_against(read([file(run.parent / "c.json", annotation)]), finished(run))[0].changed)


AUC = comment("is 0.563.", around=("The AUC of the tree", "The scorecard reaches 0.610 on t"))
WHOLE = comment(lines(), "rates")
ROWS = [
    ["Tier", "Model", "Rate", "n"],
    ["Premium", "tree", "0.6%", "1,000"],
    ["High", "tree", "5.1%", "9,010"],
]
LATER = "The AUC of the tree is 0.563. The scorecard reaches 0.571, far less."


LONG = "… The AUC of the tree [is 0.563.] The scorecard reaches 0.610 on t …"
CELL = comment("5.1%", "rates", ("1,000 High tree", "9,000"))
RENAMED = page().replace("04_models-finding-auc", "x").replace("0.563", "x.y")
MOVES = "Values moved: Premium · tree (Rate) 0.5% → 0.6% and High · tree (n) 9,000 → 9,010."
STANDS = "The passage is gone; the place it stood in is still there."
GONE = "Gone: the page has no such place any more."


@pytest.mark.parametrize(
    ("annotation", "now", "told"),
    [
        (AUC, page(), "Unchanged."),
        (AUC, page(PROSE.replace("0.563", "0.570")), "Now reads: The AUC of the tree is 0.570."),
        (AUC, page(LATER), "Unchanged."),
        (AUC, page("Nothing is said of it."), "Now reads: Nothing is said of it."),
        (AUC, RENAMED, "Now reads: The AUC of the tree is x.y."),
        (AUC, page("Nothing.").replace("04_models-finding-auc", "other"), GONE),
        (CELL, page(), "Unchanged."),
        (CELL, page(table=ROWS), STANDS),
        (
            CELL,
            page(table=[*TABLE[:2], ["High", "tree", "0.5%", "9,000"]]),
            "Now reads: High tree 0.5% 9,000",
        ),
        (comment("cut(loans", "rule", ("", ', by="risk"')), page(), "Unchanged."),
        (comment("Loans are ordered by risk, then", "rule", ("", "cut.")), page(), "Unchanged."),
        (WHOLE, page(), "Unchanged."),
        (WHOLE, page(table=ROWS), MOVES),
        (WHOLE, page(table=TABLE[:2]), "Values moved: row High · tree is gone."),
        (WHOLE, page(table=[*TABLE, ["Low", "tree", "1%", "5"]]), "Values moved: row Low · tree is new."),
        (WHOLE, page(table=ROWS, caption="Rates"), f"{MOVES} Now reads: Table 4.1 Rates"),
        (WHOLE, page(caption="Rates"), "Now reads: Table 4.1 Rates"),
        (WHOLE, page().replace('id="rates"', 'id="shares"'), GONE),
        (comment("The rule", "rule"), page(), "Unchanged."),
        (comment(PROSE, "auc"), page(), "Unchanged."),
        (comment(PROSE, "auc"), page("It fell."), "Now reads: It fell."),
    ],
)
def test_what_changed_at_a_place_is_said(run, annotation, now, told):
    assert changed(run, annotation, now) == told


def test_the_same_words_elsewhere_are_not_the_passage(run):
    words = "The difference is too small to matter."
    marked = comment(words, around=("", "So it stays."))
    assert changed(run, marked, page(f"Now: {words} But it goes.")) == "Unchanged."  # still in its paragraph
    elsewhere = page("The difference is large.", caption=words)
    assert changed(run, marked, elsewhere) == "Now reads: The difference is large."


@pytest.mark.parametrize("content", ["", "<p>Another page</p>"])
def test_what_is_no_page_of_a_run_is_refused(run, content):
    with pytest.raises(UserError, match=r"04_models\.html: not readable as a page of a run"):
        changed(run, AUC, content)


def test_a_page_that_is_gone_is_said(run):
    (run / "04_models.html").unlink()
    assert changed(run, AUC) == "Gone: the run has no such page."


def test_a_long_exhibit_is_compared_as_far_as_it_was_kept(run):
    long = [TABLE[0], *([f"Tier {i}", "tree", "0.5%", "1"] for i in range(2000))]
    kept = lines(long)[:MOST]
    assert str(since(kept, lines(long))) == "Unchanged."
    assert "Tier 1 · tree (n) 1 → 2" in str(
        since(kept, lines([*long[:2], ["Tier 1", "tree", "0.5%", "2"], *long[3:]]))
    )


def test_many_moved_values_are_counted():
    def table(n):
        return lines([["Tier", "Rate"], *([f"Tier {i}", str(n)] for i in range(30))])

    assert str(since(lines(), lines([TABLE[0], *([f"New {i}", "x", "1", "2"] for i in range(9))]))) == (
        "Values moved: row Premium · tree is gone, row High · tree is gone and 9 rows are new."
    )
    assert str(since(table(1), table(2))).endswith("Tier 7 (Rate) 1 → 2 and 22 more.")


def test_comments_come_in_the_order_of_pages_and_places(run, tmp_path):
    index = comment("The tree wins.", "first", ("", ""), text="first")
    index["target"] |= {"source": "index.html"}
    missing = comment("x", "y", text="last")
    missing["target"] |= {"source": "05_gone.html"}
    given = [
        missing,
        comment("0.610", text="third", around=("scorecard reaches", "on")),
        comment(lines(), "rates", text="second"),
        index,
    ]
    placed = held_against(read([file(tmp_path / "c.json", *given)]), finished(run))
    assert [one.text for one in placed] == ["first", "second", "third", "last"]
    assert [one.place for one in placed] == ["first", "Table 4.1", "The rule", "y"]
    assert [one.quoted for one in placed] == [
        "… [The tree wins.] …",
        "Rates by tier",
        "… scorecard reaches [0.610] on …",
        "x",
    ]


def test_what_is_in_several_files_counts_once(tmp_path):
    edited = AUC | {
        "modified": "2026-11-30T10:00:00.000Z",
        "body": {"type": "TextualBody", "value": "Why so low?"},
    }
    again, other = (
        AUC | {"id": "urn:uuid:again"},
        comment("is", text="Why?", around=("", ""), name="Reviewer 2"),
    )
    files = [
        file(tmp_path / "1.json", edited, WHOLE),
        file(tmp_path / "2.json", AUC, WHOLE, WHOLE | {"id": "urn:uuid:copy"}),
        file(tmp_path / "3.json", other),
    ]
    found = [(one.said[0], one.said[-1]) for one in read(files)]
    assert found == [("Reviewer 1", "Why so low?"), ("Reviewer 1", "Why?"), ("Reviewer 2", "Why?")]
    assert len(read([*files, file(tmp_path / "4.json", again)])) == 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "c.json: Invalid JSON"),
        ("[" * 100_000, "c.json: Invalid JSON"),
        ("[]", "c.json: Input should be an object"),
        ({"type": "AnnotationCollection"}, "c.json, type: Input should be 'AnnotationPage'"),
        ({"items": [AUC, {**AUC, "body": None}]}, "c.json, items[1].body: "),
        (
            {"items": [{**AUC, "target": {**AUC["target"], "source": "../../x.html"}}]},
            "c.json, items[0].target.source: ",
        ),
        ({"items": [{**AUC, "target": {**AUC["target"], "source": 5}}]}, "c.json, items[0].target.source: "),
        (
            {"items": [{**AUC, "target": {**AUC["target"], "selector": []}}]},
            "c.json, items[0].target.selector[0]: ",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_with_the_place(tmp_path, content, told):
    path = tmp_path / "c.json"
    if isinstance(content, str):
        path.write_text(content)
    else:
        file(path, **content)
    with pytest.raises(UserError) as refused:
        read([path])
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)
    assert "expected comments downloaded from a page" in str(refused.value)


def test_more_comments_than_may_be_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_LIMITS", "comments=1")
    with pytest.raises(UserError, match=r"c\.json: 2 comments"):
        read([file(tmp_path / "c.json", AUC, WHOLE)])


def test_a_workbook_to_fill_runs_no_formula_and_is_never_replaced(run, tmp_path, research):
    hostile = comment("is", around=("x", "y"), text='=HYPERLINK("http://x")', name="+Reviewer\x1b[1m")
    given, out = file(tmp_path / "c.json", hostile, WHOLE), tmp_path / "comments.xlsx"
    code, said = research("comments", given, "--against", run, out)
    assert code == 0
    assert (
        "comments 2, reviewers 2, written on this very run 2; places unchanged 1, changed or gone 1" in said
    )
    rows = list(load_workbook(out).active.iter_rows())
    assert [cell.value for cell in rows[0]] == [
        "Reviewer", "Page", "Exhibit or sentence", "Quoted", "Comment", "What changed", "Answer",
    ]  # fmt: skip
    told = {row[4].value: [cell.value for cell in row] for row in rows[1:]}
    assert told["Why?"] == [
        "Reviewer 1", "04_models.html", "Table 4.1", "Rates by tier", "Why?", "Unchanged.", None,
    ]  # fmt: skip
    assert told['\'=HYPERLINK("http://x")'][0] == r"'+Reviewer\x1b[1m"
    assert "f" not in {cell.data_type for row in rows for cell in row}
    first = out.read_bytes()
    assert research("comments", given, "--against", run, out)[0] == 0  # as it was left
    assert out.read_bytes() == first
    book = load_workbook(out)
    book.active["G2"] = "Because."
    book.save(out)
    assert research("comments", given, "--against", run, out)[0] == 2
    assert load_workbook(out).active["G2"].value == "Because."


def test_a_letter_goes_through_the_comments_of_each_reviewer(run, tmp_path, research):
    second = comment(
        "is 0.563.", around=("The AUC of the tree", "The scorecard"), text="Two\nlines", name="Reviewer 2"
    )
    files = [file(tmp_path / "a.json", AUC, WHOLE), file(tmp_path / "b.json", second)]
    (run / "04_models.html").write_text(page(PROSE.replace("0.563", "0.570")), encoding="utf-8")
    out = tmp_path / "letter.docx"
    assert research("comments", *files, "--against", run, out)[0] == 0
    assert [part.text for part in docx.Document(out).paragraphs] == [
        "Answers to the comments",
        "Comments of Reviewer 1",
        "1.1: Table 4.1, 04_models.html", "Rates by tier", "Why?", "Since then: Unchanged.", "Answer:",
        "1.2: The rule, 04_models.html", LONG, "Why?", "Since then: Now reads: The AUC of the tree is 0.570.",
        "Answer:",
        "Comments of Reviewer 2",
        "2.1: The rule, 04_models.html", "… The AUC of the tree [is 0.563.] The scorecard …",
        "Two\nlines",
        "Since then: Now reads: The AUC of the tree is 0.570.", "Answer:",
    ]  # fmt: skip
    first = out.read_bytes()
    assert research("comments", *files, "--against", run, out, "--force")[0] == 0
    assert out.read_bytes() == first


@pytest.mark.parametrize("ending", ["xlsx", "docx"])
def test_characters_that_no_document_holds_are_spelt_out(run, tmp_path, research, ending):
    strange = "a\x00\x0b\x1b\ufffe\u202eb"
    given = [
        comment(strange, strange, around, text=strange, name=strange) for around in (None, (strange, strange))
    ]
    out = tmp_path / f"out.{ending}"
    assert research("comments", file(tmp_path / "c.json", *given), "--against", run, out)[0] == 0
    if ending == "docx":
        told = [part.text for part in docx.Document(out).paragraphs]
    else:
        told = [cell.value for row in load_workbook(out).active.iter_rows() for cell in row]
    assert r"a\x00\x0b\x1b\ufffe\u202eb" in told


@pytest.mark.parametrize(
    ("out", "items", "against", "told"),
    [
        ("c.pdf", [AUC], "run", "expected a file name ending in .xlsx or .docx"),
        ("c.xlsx", [], "run", "c.json: no comments"),
        ("c.xlsx", [AUC], "empty", "no values.json in it; expected a folder of reports"),
        ("c.xlsx", [AUC], "nowhere", "no such file or folder; expected a folder of reports"),
        ("c.xlsx", [AUC], "/dev/zero", "a pipe or device, expected an ordinary file"),
        ("c.xlsx", [AUC], "run/values.json", "values without pages, expected the folder of a finished run"),
        ("run/c.xlsx", [AUC], "run", "lies in"),
    ],
)
def test_what_cannot_be_answered_is_told_in_one_line(run, tmp_path, research, out, items, against, told):
    given = file(tmp_path / "c.json", *items)
    (tmp_path / "empty").mkdir()
    code, said = research("comments", given, "--against", tmp_path / against, tmp_path / out)
    assert code == 2 and told in said
    assert not (tmp_path / out).exists()
