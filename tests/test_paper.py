"""The paper and the tables that authors hand in: every field is filled from a finished run, or nothing is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import nbformat
import openpyxl
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from research.desk import paper as papers
from research.desk import printed
from research.desk.finished import Finished, finished
from research.desk.pandoc import document
from research.errors import UserError
from research.exhibits import Exhibit, Said
from research.exhibits.models import tier_rates_drawn
from research.exhibits.words import Words
from research.pages import values, workbook
from research.pages.markup import label, without_markup
from research.pages.show import exhibit_bundle, prose_bundle
from research.paths import REFERENCE, ROOT
from research.suppression import WITHHELD

MANUSCRIPT = ROOT / "paper" / "paper.md"
RATES = pd.DataFrame(
    {"model": ["tree", "abc", "tree"], "tier": ["high", "high", "low"], "rate": [0.0312, 0.026, None],
     "ci_low": [0.0217, 0.0175, None], "ci_high": [0.0433, 0.0373, None], "n": [995, 1000, 5009]}
)  # fmt: skip
DRAWN = pd.DataFrame(
    {"ranking": "tree", "judged": "unseen", "tier": ["premium", "high"], "n": [1000, 9000], "rate": [0.01, 0.05],
     "ci_low": [0.005, 0.04], "ci_high": [0.02, 0.06], "overall": 0.046, "outcome": "late", "reference": "grade"}
)  # fmt: skip
SHOWN = [
    prose_bundle(
        "answer", "answer",
        [Said("Of {n:,} *unseen* customers {rate:.1%} went bad.", {"n": 10000, "rate": 0.0178}),
         Said("{who} is named; κ & α cost {five} {per}.", {"who": "<script>alert(1)</script>", "per": "%", "five": 5})],
    ),
    prose_bundle("finding", "gone", [Said("There are {n} of them.", {"n": None})]),
    exhibit_bundle(
        Exhibit("rates", RATES, Said("Rates by *tier* & model"),
                headings={"model": "Model", "tier": "Tier", "rate": "Rate_50% [95 % interval]", "n": "n"},
                formats={"rate": "{rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]"}, origin="recorded")
    ),
    exhibit_bundle(Exhibit("bars", DRAWN, Said("Rates rise."), Said("Two dots"), tier_rates_drawn)),
]  # fmt: skip
BIB = "@article{holm1979, author={Holm, S.}, title={A test}, journal={J}, year={1979}, pages={65--70}, url={https://a.org}}\n"
TEXT = """---
title: "A title"
lang: en-GB
---
# Findings

{{sentence:05_x/answer[1]}} The tree has {{value:05_x/rates[model=tree,tier=high].rate|.2%}} of
{{value:05_x/rates[abc].n|,d}}, see {{table:05_x/rates}}, {{figure:05_x/bars}} and [@holm1979]. Seed {{run:seed|d}}.

{{table:05_x/rates}}

{{figure:05_x/bars}}
"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests wrote is not remembered, and the time of the run is fixed."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764374400")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write the folder of a finished run and return it."""
    out = tmp_path / "run 运行"
    (out / "executed").mkdir(parents=True)
    book = new_notebook(
        cells=[
            new_code_cell(outputs=[new_output("display_data", data=json.loads(json.dumps(one)))])
            for one in SHOWN
        ]
    )
    nbformat.write(book, out / "executed/05_x.ipynb")
    shown = values.collect([out / "executed/05_x.ipynb"])
    record = values.values_record(shown, {"name": "t", "sha256": "0"})
    (out / "values.json").write_text(values.values_text(record), encoding="utf-8")
    given = {
        "seed": 20240607,
        "study": {"name": "t", "sha256": "0", "parameters": {"folds": 10}},
        "registration": None,
    }
    (out / "provenance.json").write_text(json.dumps(given), encoding="utf-8")
    return out


def written(folder: Path, text: str = TEXT, bibliography: str = BIB) -> Path:
    """Write a manuscript with its bibliography and return it."""
    folder.mkdir(exist_ok=True)
    (folder / "references.bib").write_text(bibliography, encoding="utf-8")
    (folder / "text.md").write_text(text, encoding="utf-8")
    return folder / "text.md"


def filled(text: str, run: Finished, ending: str = ".html", bibliography: str = BIB) -> papers.Filled:
    return papers.fill(text, "text.md", bibliography, run, ending, "figures", Words())


def with_shown(run: Finished, shown: values.Collected) -> Finished:
    """Return a run whose notebooks carry something else."""
    other = replace(run)
    vars(other)["collected"] = shown
    return other


def needs_pandoc() -> None:
    pytest.importorskip("pypandoc", reason="the extra paper is not installed; `make extras`")


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{values:05_x/answer.n}}", "expected a field such as {{value:…}}; did you mean 'value'?"),
        ("{{value:05_x/answers.n}}", "the run has no such sentence or table; did you mean '05_x/answer'?"),
        ("{{value:answer}}", "expected NOTEBOOK/EXHIBIT, [a row] and .a name"),
        ("{{value:05_x/answer.m}}", "no value 'm' in 05_x/answer"),
        ("{{value:05_x/rates[abc].rat}}", "no column 'rat' in 05_x/rates; did you mean 'rate'?"),
        ("{{value:05_x/rates[tree].rate}}", "2 rows of 05_x/rates fit, expected one"),
        ("{{value:05_x/rates[model=tre].rate}}", "no row has 'model=tre'; did you mean 'tree'?"),
        ("{{value:05_x/rates[mdel=tree].rate}}", "no column 'mdel' in 05_x/rates; did you mean 'model'?"),
        ("{{value:05_x/rates[tier=low].rate}}", "has no value in this run"),
        ("{{value:05_x/gone.n}}", "has no value in this run"),
        ("{{value:05_x/answer.who|.2f}}", "'<script>alert(1)</script>' is no number and takes no format"),
        ("{{value:05_x/answer.n|.2x}}", "'.2x' is no format of a number"),
        ("{{sentence:05_x/gone}}", "part of its numbers is withheld or missing"),
        ("{{sentence:05_x/answer[3]}}", "expected [1] to [2]"),
        ("{{sentence:05_x/nothing}}", "the run has no such sentence"),
        ("{{table:05_x/rates}}\n\n{{table:05_x/rates}}", "line 7: {{table:05_x/rates}}: shown before"),
        ("see {{table:05_x/rates}}", "the table stands on no line of its own"),
        ("{{table:05_x/bars}}", "the run has no such table"),
        ("{{figure:05_x/rates}}", "the run has no such figure"),
        ("{{run:sed}}", "no 'sed' in the run's provenance; did you mean 'seed'?"),
        ("{{run:study.parameters}}", "several values"),
        ("{{run:registration}}", "has no value in this run"),
        ("{{value 05_x/answer.n", "expected a field such as {{value:…}}"),
        ("As @holm1997 says", "@holm1997: not in references.bib; did you mean 'holm1979'?"),
    ],
)  # fmt: skip
def test_a_field_without_a_value_is_told_with_file_and_line(run: Path, text: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        filled(f"---\ntitle: t\n---\n\n{text}\n", finished(run))
    assert re.match(r"text\.md, line [57]: ", str(error.value))
    assert told in str(error.value)


def test_a_withheld_count_stops_the_paper(run: Path) -> None:
    one = finished(run)
    hidden = {**one.collected.tables["05_x/rates"], WITHHELD: [[1, "n"]]}
    hidden["rows"] = [
        [*row[:-1], None if place == 1 else row[-1]] for place, row in enumerate(hidden["rows"])
    ]
    less = with_shown(one, replace(one.collected, tables={"05_x/rates": hidden}))
    with pytest.raises(UserError, match=r"line 1: .*withheld: too few persons"):
        filled("{{value:05_x/rates[abc].n}}", less)
    shown = filled("{{table:05_x/rates}}", less).text
    assert "| withheld |" in shown
    assert "Withheld: fewer than" in shown


def test_every_fault_of_a_manuscript_is_told_at_once(run: Path) -> None:
    with pytest.raises(UserError) as error:
        filled("{{run:a}}\n{{value:b}}\n@c\n{{figure:05_x/bars}}\n{{figure:05_x/bars}}\n", finished(run))
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "text.md, line 1", "text.md, line 2", "text.md, line 3", "text.md, line 5",
    ]  # fmt: skip


def test_addresses_and_code_are_no_citations(run: Path) -> None:
    assert filled("Write to a@holm.org or \\@holm.", finished(run)).text == "Write to a@holm.org or \\@holm."


def test_exhibits_are_counted_in_order_and_referred_to_by_number(run: Path) -> None:
    made = filled(TEXT, finished(run))
    assert "see Table 1, Figure 1 and" in made.text
    assert "**Table 1.** Rates by tier & model" in made.text
    assert "Table 5.1 of the study's pages; recorded result" in without_escapes(made.text)
    assert (made.exhibits, list(made.pictures)) == (2, ["figures/figure-1.svg"])


def test_words_are_counted_without_front_matter_exhibits_and_citations(run: Path) -> None:
    text = "One two {{value:05_x/answer.n|,d}} four [@holm1979].\n\n{{table:05_x/rates}}\n"
    assert filled(f"---\ntitle: one two three\n---\n{text}", finished(run)).words == 4


def without_escapes(text: str) -> str:
    return text.replace("\\", "")


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_word_document_says_the_numbers_of_the_run(run: Path, tmp_path: Path, research: Any) -> None:
    needs_pandoc()
    out = tmp_path / "paper.docx"
    code, said = research("paper", run, out, "--manuscript", written(tmp_path / "m"))
    assert code == 0, said
    assert "2 tables and figures" in said
    made = docx.Document(str(out))
    text = "\n".join(one.text for one in made.paragraphs)
    assert "Of 10,000 unseen customers 1.8% went bad. The tree has 3.12% of 1,000" in text
    assert "(Holm 1979)" in text
    assert "Seed 20240607." in text
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows][:2] == [
        ["Model", "Tier", "Rate_50% [95 % interval]", "n"],
        ["Decision tree", "High risk", "3.12% [2.17%,\u00a04.33%]", "995"],
    ]
    with zipfile.ZipFile(out) as archive:
        assert [name for name in archive.namelist() if name.endswith(".png")]
        assert b'descr="Two dots"' in archive.read("word/document.xml")
        assert str(tmp_path).encode() not in b"".join(map(archive.read, archive.namelist()))


def test_a_latex_document_has_booktabs_references_and_its_figures(
    run: Path, tmp_path: Path, research: Any
) -> None:
    needs_pandoc()
    text = TEXT + "\n{{sentence:05_x/answer[2]}}\n"
    code, said = research("paper", run, tmp_path / "a.tex", "--manuscript", written(tmp_path / "m", text))
    assert code == 0, said
    made = (tmp_path / "a.tex").read_text(encoding="utf-8")
    for part in (
        r"\toprule", r"\caption{Rates by tier \& model}\label{05-x-rates}", r"Table~\ref{05-x-rates}", r"Rate\_50\%",
        r"\ensuremath{\kappa} \& \ensuremath{\alpha} cost 5 \%", "{a-figures/figure-1.pdf}",
        r"\textless script\textgreater",
    ):  # fmt: skip
        assert part in made, part
    assert (tmp_path / "a-figures/figure-1.pdf").read_bytes().startswith(b"%PDF")
    (tmp_path / "b-figures").mkdir()
    (tmp_path / "b-figures/mine.pdf").write_bytes(b"mine")
    code, said = research("paper", run, tmp_path / "b.tex", "--manuscript", tmp_path / "m/text.md")
    assert (code, "b-figures: is there and is not as this command left it" in said) == (2, True), said
    assert not (tmp_path / "b.tex").exists()


def test_a_page_of_the_paper_needs_nothing_else(run: Path, tmp_path: Path, research: Any) -> None:
    needs_pandoc()
    text = TEXT + "\n{{sentence:05_x/answer[2]}}\n"
    out = tmp_path / "a.html"
    assert research("paper", run, out, "--manuscript", written(tmp_path / "m", text))[0] == 0
    made = out.read_text(encoding="utf-8")
    assert [
        one for one in re.findall(r'(?:src|href)="([^"]*)"', made) if not one.startswith(("data:", "#"))
    ] == ["https://a.org"]
    assert "<script" not in made
    assert "&lt;script&gt;alert(1)" in made
    assert "3.12%" in made


@pytest.mark.parametrize("ending", [".docx", ".tex", ".html"])
def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path, ending: str) -> None:
    needs_pandoc()
    elsewhere = shutil.copytree(run, tmp_path / "another")
    made = []
    for folder in (run, elsewhere):
        one = filled(TEXT, finished(folder), ending)
        files = one.pictures | {"references.bib": BIB.encode()}
        made.append((one.pictures, document(one.text, ending, files=files, beside=folder)))
        os.utime(folder / "values.json", (1, 1))
    assert made[0] == made[1]


def test_nothing_is_written_when_a_field_is_wrong(run: Path, tmp_path: Path, research: Any) -> None:
    needs_pandoc()
    given = written(tmp_path / "m", TEXT.replace("holm1979", "nobody2001"))
    for ending in ("docx", "tex", "html"):
        code, said = research("paper", run, tmp_path / f"a.{ending}", "--manuscript", given)
        assert (code, "text.md, line 8: @nobody2001: not in references.bib" in said) == (2, True), said
    assert not list(tmp_path.glob("a*"))


@pytest.mark.parametrize("command", ["paper", "tables"])
def test_without_pandoc_one_message_says_how_to_get_it(
    run: Path, tmp_path: Path, research: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    out = tmp_path / ("a.docx" if command == "paper" else "tables")
    code, said = research(command, run, out)
    assert (code, said) == (
        2,
        "research: pandoc is not installed; `make extras` installs it (the extra `paper`)",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing", "a.docx"], "study 'nothing' is not in studies/"),
        (["empty", "a.docx"], "empty: no values.json in it; expected a folder of reports"),
        (["run 运行", "a.pdf"], "found '.pdf', expected a file name ending in .docx, .tex, .html"),
        (["run 运行", "run 运行/a.docx"], "lies in run 运行, which this command reads"),
        (["run 运行", "a.docx", "--manuscript", "none.md"], "none.md: no such file"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_written(
    run: Path, tmp_path: Path, research: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    needs_pandoc()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    code, said = research("paper", *words)
    assert (code, told in said) == (2, True), said
    assert not list(tmp_path.rglob("a.*"))


def test_tables_are_written_one_by_one_with_caption_and_note(
    run: Path, tmp_path: Path, research: Any
) -> None:
    needs_pandoc()
    assert research("tables", run, tmp_path / "tex")[0] == 0
    (made,) = (tmp_path / "tex").iterdir()
    text = made.read_text(encoding="utf-8")
    assert made.name == "05_x-rates.tex"
    assert text.startswith("% \\usepackage{longtable,booktabs,array,calc}\n")
    assert r"\caption{Rates by tier \& model}" in text
    assert "recorded result" in text
    assert "documentclass" not in text
    assert research("tables", run, tmp_path / "word", "--as", "docx")[0] == 0
    table = docx.Document(str(tmp_path / "word/05_x-rates.docx"))
    assert "Table 5.1. Rates by tier & model" in [one.text for one in table.paragraphs]
    assert table.tables[0].rows[1].cells[3].text == "995"


def test_the_workbook_has_words_for_headings_and_says_what_each_table_says(run: Path, tmp_path: Path) -> None:
    tables = {"05_x/rates": finished(run).collected.tables["05_x/rates"]}
    (tmp_path / "t.xlsx").write_bytes(workbook.workbook_bytes(tables))
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    sheet = book["05 rates"]
    assert (sheet["A1"].value, sheet["A2"].value) == ("Rates by tier & model", "Rests on: recorded result.")
    # a heading that speaks of an interval stands over the number alone only on the page
    assert [cell.value for cell in sheet[3]] == ["Model", "Tier", "Rate", "95 % CI low", "95 % CI high", "n"]
    assert [cell.value for cell in sheet[4]] == ["tree", "high", 0.0312, 0.0217, 0.0433, 995]
    assert [cell.value for cell in book["Contents"][1]] == [
        "Sheet", "Page", "Name in results/", "What it says", "Rows",
    ]  # fmt: skip


# --- the manuscript of the project ------------------------------------------------------------------------------------


def section(text: str, heading: str) -> str:
    return re.split(r"^# ", text.split(f"\n# {heading}\n")[1], flags=re.MULTILINE)[0]


def reference_run(text: str) -> Finished:
    """Return the reference values as a run; the captions that they do not hold say how long the real ones may be."""
    record = json.loads((REFERENCE / "values.json").read_text(encoding="utf-8"))
    figures = set(re.findall(r"\{\{figure:([^}]*)\}\}", text))
    tables = {
        key: {"caption": "word " * 18, "alt": "a", "origin": "real", "headings": None, "formats": {}, "smallest": 0,
              "rows": entry["rows"], "kind": "figure" if key in figures else "table",
              "columns": [{"name": name, "dtype": "text"} for name in entry["columns"]]}
        for key, entry in record["tables"].items()
    }  # fmt: skip
    numbers: dict[str, dict[str, str]] = {}
    for key in tables:
        numbers.setdefault(key.split("/")[0], {})[key.split("/")[1]] = "Table 1.1"
    shown = values.Collected(prose=record["prose"], tables=tables, numbers=numbers)
    plan = {"weights": "equal", "folds": 10, "repeats": 1}
    plan["tier_shares"] = {"premium": 0.1, "low": 0.5, "medium": 0.3, "high": 0.1}
    given = {"study": {"name": "default", "parameters": plan}, "seed": 1, "code": {"commit": "c"}}
    run = Finished("default", record, given | {"data": {"name": "n", "source": "s", "sha256": "h"}})
    return with_shown(run, shown)


def test_the_manuscript_is_filled_by_the_default_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers.printed, "figure_file", lambda *_: b"")
    text, cited = (
        MANUSCRIPT.read_text(encoding="utf-8"),
        MANUSCRIPT.with_name("references.bib").read_text("utf-8"),
    )
    made = filled(text, reference_run(text), bibliography=cited)
    assert "{{" not in made.text
    assert made.exhibits <= 6
    assert 3_150 <= made.words <= 3_850  # 3,500 words, a tenth more or less
    saved = json.loads((REFERENCE / "values.json").read_text(encoding="utf-8"))
    answer = saved["prose"]["05_comparison/answer"]["text"].split("\n")[0]
    findings = without_escapes(section(made.text, "Findings"))
    assert (
        findings.split("\n## Finding the risky\n")[1].strip().startswith(answer)
    )  # what no model does, first


def test_no_number_of_the_findings_is_typed() -> None:
    text = section(MANUSCRIPT.read_text(encoding="utf-8"), "Findings")
    typed = re.sub(r"\{\{[^}]*\}\}|95 %|\[?@\w+\]?", "", text)
    assert re.findall(r".*\d.*", typed) == []


def test_no_result_rests_on_what_is_assumed_or_invented() -> None:
    text = MANUSCRIPT.read_text(encoding="utf-8")
    named = set(re.findall(r"\{\{(?:value|sentence|table|figure):(\w+/\w+)", text))
    apart = [name for name in named if name.startswith(("06_strategies", "08_trial", "10_interviews"))]
    assert apart == []
    invented = {
        "09_survey/" + name for name in ("kept", "factors", "order", "moved", "experts", "weights", "scales")
    }
    assert not named & (
        invented | {"11_synthesis/joint_display", "07_monitoring/trigger", "07_monitoring/warnings"}
    )


def test_every_reference_is_cited_and_can_be_found() -> None:
    text, cited = (
        MANUSCRIPT.read_text(encoding="utf-8"),
        MANUSCRIPT.with_name("references.bib").read_text("utf-8"),
    )
    entries = re.split(r"^@", cited, flags=re.MULTILINE)[1:]
    for entry in entries:
        assert re.search(r"\bdoi = \{10\.\d{4,}/|\burl = \{https://", entry), entry
        assert re.search(rf"@{re.split('[{,]', entry)[1]}\b", text), f"{entry[:40]} is cited nowhere"


def test_the_name_of_a_column_is_said_in_words() -> None:
    assert [label(name) for name in ("high_q25", "with_ci_low", "gwet_ac1_all")] == [
        "High lower quartile", "With interval low", "Gwet AC1 all",
    ]  # fmt: skip


def test_emphasis_is_not_read_aloud() -> None:
    assert without_markup("Only *more than* **30** `days`, 2 * 3") == "Only more than 30 days, 2 * 3"


def test_a_column_is_wide_enough_for_its_longest_word_and_the_rest_goes_where_it_is_asked():
    rows = [["Rate", "Outcome, in its own words"], ["28.15%", "early delinquency; any status but current"]]
    narrow, wide = printed.widths(rows)
    assert narrow >= len("28.15%")
    assert narrow + wide == pytest.approx(printed.LINE, abs=1)
    assert wide > 3 * narrow
    whole = printed.widths([[f"{'x' * 30}"] * 4])
    assert min(whole) >= 30  # more than a line holds: none is cut for another


def test_latex_may_break_a_hash_and_sets_tables_in_small_letters():
    made = document(f"Of `{'0123456789abcdef' * 4}`.", ".tex").decode("utf-8")
    assert made.partition(r"\begin{document}")[2].count(r"\allowbreak{}") == 7
    assert "0123456789" not in made
    assert r"\AtBeginEnvironment{longtable}{\footnotesize}" in made
