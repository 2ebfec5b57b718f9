"""What is too large is one message within seconds and a gigabyte, and says how to raise the limit."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from research.collect import tables
from research.errors import UserError
from research.fieldwork.intake import sheets
from research.files import limits
from research.files.textfiles import read_bytes, read_csv
from research.files.workbooks import open_workbook
from research.paths import EXAMPLES, ROOT

# Runs command lines in one process that may use a gigabyte more than what it has imported.
BOUNDED = """
import contextlib, io, json, resource, sys
from research import cli
from research.commands import batch, datasets, fieldwork
from research.collect import datasets as books
from research.fieldwork.intake import platforms
from research.manage import feedback
from research.runs import batch as runs, cluster, comparison, grid
own = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (own + 2**30, own + 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    sys.argv = ["research", *words]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            feedback.read_feedback(words[1]) if words[0] == "log" else cli.main()
        code = 0
    except SystemExit as end:
        code = end.code
    except Exception as error:
        code = f"{type(error).__name__}: {error}"
    print(json.dumps([code, said.getvalue() or str(code)]))
"""
FAR = {"row": "99999999999", "corner": "1048576"}


def bounded(*commands: list[object]) -> list[tuple[object, str]]:
    """Run commands one after the other within the bounds; return exit code and output of each."""
    told = json.dumps([[str(word) for word in words] for words in commands])
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED, told], capture_output=True, text=True, timeout=600, cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1",
             "ARROW_DEFAULT_MEMORY_POOL": "system", "ARROW_IO_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [tuple(json.loads(line)) for line in ended.stdout.splitlines()]


def workbook(path: Path, change: dict[str, str], *, title: str = "practitioners") -> Path:
    """Write a workbook of two rows whose sheet is then changed as text."""
    book, made = Workbook(), io.BytesIO()
    book.active.title = title
    for row in (["respondent_id", "consent", "C1_1"], ["P1", "yes", 4]):
        book.active.append(row)
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                for before, after in change.items():
                    assert before in data.decode(), before
                    data = data.replace(before.encode(), after.encode())
            new.writestr(item.filename, data)
    return path


def far(path: Path, kind: str, **options: str) -> Path:
    """Write a small workbook with a cell in a row that no sheet has, or in its last corner."""
    row, column = FAR[kind], {"row": "A", "corner": "XFD"}[kind]
    return workbook(path, {'r="2"': f'r="{row}"', 'r="A2"': f'r="{column}{row}"'}, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
def test_what_would_take_all_memory_is_one_message_within_a_gigabyte(tmp_path):
    crosswalk, book = EXAMPLES / "loan_book_crosswalk.csv", EXAMPLES / "loan_book_example.csv"
    merged = {"</sheetData>": '</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'}
    many = tmp_path / "many.yml"
    many.write_text(f"product: {{seed: {list(range(1000))}, folds: {list(range(1000))}}}")
    codes = tmp_path / "codes.csv"
    codes.write_text("code,parent\n" + "".join(f"c{n},{f'c{n - 1}' if n else ''}\n" for n in range(20_000)))
    rows = tmp_path / "rows.csv"
    header, first = crosswalk.read_text(encoding="utf-8-sig").splitlines()[:2]
    rows.write_text("\n".join([header, *[first] * 300_000]))
    names = tmp_path / "names.txt"
    names.write_text("".join(f"Name{n}\n" for n in range(300_000)))
    texts = EXAMPLES / "interviews"
    asked = {
        "row of a book": ["datasets", "check", far(tmp_path / "a.xlsx", "row"), "--crosswalk", crosswalk],
        "corner of a book": ["datasets", "check", far(tmp_path / "b.xlsx", "corner"), "--crosswalk", crosswalk],
        "row of a survey": ["fieldwork", "check", far(tmp_path / "c.xlsx", "row")],
        "corner of a survey": ["fieldwork", "check", far(tmp_path / "d.xlsx", "corner")],
        "merged survey": ["fieldwork", "check", workbook(tmp_path / "e.xlsx", merged),
                          "--annotated", tmp_path / "x.xlsx"],
        "row of an export": ["fieldwork", "import-survey", tmp_path / "c.xlsx", "--platform", "qualtrics",
                             "--out", tmp_path / "y.csv"],
        "row of a contact log": ["log", far(tmp_path / "f.xlsx", "row", title="Interaction log")],
        "a million runs": ["batch", many, "--out", tmp_path / "runs"],
        "20,000 codes": ["fieldwork", "form", "coding", tmp_path / "z.xlsx", "--transcripts", texts,
                         "--codebook", codes],
        "300,000 rows of a crosswalk": ["datasets", "check", book, "--crosswalk", rows],
        "300,000 names": ["fieldwork", "deidentify", texts, "--names", names],
    }  # fmt: skip
    expected = {
        "row of a book": "99,999,999,999 rows", "corner of a book": "16,384 columns",
        "row of a survey": "99,999,999,999 rows", "corner of a survey": "1,048,576 rows",
        "merged survey": "17,179,869,184 merged cells", "row of an export": "99,999,999,999 rows",
        "row of a contact log": "99,999,999,999 rows", "a million runs": "1,000,000 runs",
        "20,000 codes": "20,000 codes", "300,000 rows of a crosswalk": "300,000 rows", "300,000 names": "300,000 names",
    }  # fmt: skip
    before = sorted(tmp_path.iterdir())
    for (what, words), (code, told) in zip(asked.items(), bounded(*asked.values()), strict=True):
        assert code == 2 or words[0] == "log", (what, told)
        assert expected[what] in told, (what, told)
        assert "RESEARCH_LIMITS=" in told, what
    assert sorted(tmp_path.iterdir()) == before


def test_a_limit_is_raised_by_the_variable_that_its_message_names(tmp_path, monkeypatch):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{n}" for n in range(2_001)) + "\n1\n")
    with pytest.raises(
        UserError, match=r"wide\.csv: 2,001 columns .*: RESEARCH_LIMITS=sheet_columns=2001"
    ) as told:
        sheets.open_returned(path)
    name, _, value = str(told.value).rpartition(": ")[2].partition("=")
    monkeypatch.setenv(name, value)
    assert len(sheets.open_returned(path).sheets[0].rows[0]) == 2_001


@pytest.mark.parametrize(
    ("given", "told"), [("rows=1", "unknown limit 'rows'"), ("codes=many", "found 'many'")]
)
def test_a_variable_that_says_nothing_is_told(monkeypatch, given, told):
    monkeypatch.setenv("RESEARCH_LIMITS", given)
    with pytest.raises(UserError, match=told):
        limits.most("codes")


def test_every_limit_of_the_table_is_used_and_says_what_it_protects():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for name, limit in limits.limits().items():
        assert f'"{name}"' in code, name
        assert limit.most > 0 and limit.unit and limit.protects, name


def test_cells_without_a_place_follow_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_LIMITS", "sheet_columns=2")
    places = {'r="2"': "", **{f'r="{letter}{row}"': "" for letter in "ABC" for row in "12"}}
    with (
        pytest.raises(UserError, match="3 columns of a sheet"),
        open_workbook(workbook(tmp_path / "a.xlsx", places)),
    ):
        pass


# --- files that are no files, or begin oddly --------------------------------------------------------------------------


def test_pipes_and_folders_are_refused_without_waiting(tmp_path):
    for suffix in (".csv", ".xlsx", ".parquet", ".txt", ".qdpx"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
    for read in (tables.read_table, sheets.open_returned, read_csv, read_bytes):
        for name in ("pipe.csv", "pipe.xlsx", "pipe.parquet"):
            with pytest.raises(UserError, match=rf"{name}: .*(pipe or device|kind)"):
                read(tmp_path / name)


def test_lines_that_end_in_a_return_alone_are_lines(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes(b"id,amount\ra,1\rb,2\r")
    assert tables.read_table(path)["amount"].tolist() == [1, 2]
    assert read_csv(path)["amount"].tolist() == ["1", "2"]
    assert len(sheets.open_returned(path).sheets[0].rows) == 3


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_table_is_called_empty(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    for read in (tables.read_table, read_csv):
        with pytest.raises(UserError, match=r"a\.csv: .*empty"):
            read(tmp_path / "a.csv")


def test_a_chart_before_the_first_sheet_is_passed_over(tmp_path):
    from openpyxl.chart import BarChart, Reference

    book = Workbook()
    for row in (["id", "amount"], ["a", 1], ["b", 2]):
        book.active.append(row)
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    book.create_chartsheet("Chart", 0).add_chart(chart)
    book.save(tmp_path / "a.xlsx")
    assert tables.read_table(tmp_path / "a.xlsx")["amount"].tolist() == [1, 2]
    assert [sheet.name for sheet in sheets.open_returned(tmp_path / "a.xlsx").sheets] == ["Sheet"]


def test_a_workbook_of_charts_alone_says_so(tmp_path):
    book = Workbook()
    book.create_chartsheet("Chart", 0)
    book.save(tmp_path / "a.xlsx")
    book.remove(book["Sheet"])
    book.save(tmp_path / "b.xlsx")
    for name, told in (("a.xlsx", "a chart sheet without a chart"), ("b.xlsx", "chart")):
        for read in (tables.read_table, sheets.open_returned):
            with pytest.raises(UserError, match=rf"{name}.*{told}"):
                read(tmp_path / name)


def test_a_parquet_file_with_text_in_no_encoding_names_the_column(tmp_path):
    offsets, letters = b"\0\0\0\0\2\0\0\0\4\0\0\0", b"\xff\xfeok"
    words = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(letters)])
    pq.write_table(pa.table({"id": ["a", "b"], "region": words}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: column 'region' holds text that is not UTF-8"):
        tables.read_table(tmp_path / "a.parquet")
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "b.parquet")
    with pytest.raises(UserError, match=r"b\.parquet: column 'a' is there twice"):
        tables.read_table(tmp_path / "b.parquet")
