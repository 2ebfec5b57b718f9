"""Inputs made to do harm: each is refused or stays inert; docs/security.md lists them."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re
import socket
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from lxml import html as parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from openpyxl import Workbook, load_workbook

import demo
from fuzz import corpus
from fuzz.cases import limited
from fuzz.documents import laughs
from research import parameters
from research.cache import refuse_shared
from research.collect import datasets, draft, identifiers, loanbook, tables
from research.collect.crosswalk import read_crosswalk
from research.commands.run import assignments
from research.errors import UserError
from research.exhibits import Exhibit, Said
from research.fieldwork import exchange
from research.fieldwork.instruments import forms
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.layout import RESOLUTION
from research.fieldwork.instruments.workbook import save
from research.fieldwork.intake import cells, platforms, sheets
from research.fieldwork.intake.check import annotate
from research.fieldwork.interviews import deidentify, resolution, transcripts
from research.files.archive import open_archive
from research.files.inert import FORMULA_START, inert, plain, write_csv
from research.files.textfiles import parse_yaml, read_csv
from research.manage.feedback import read_feedback
from research.pages import notebooks, show, values, workbook
from research.pages.render import failed_page, render
from research.paths import ROOT
from research.runs import grid

SOURCES = sorted((ROOT / "src").rglob("*.py"))
HOSTILE = [
    '=HYPERLINK("http://x")',
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    "＋1+1",
]
SCRIPT = """<script>alert(1)</script></style></textarea>" onload="alert(2)"""
SECRET = "SECRET-OF-ANOTHER-FILE"
FEATURES = {"respondent_id": ["=1+1", "@x"], "group": ["customer", "customer"], "C1_1": [4.0, -2.0]}


def swapped(
    data: bytes,
    path: Path,
    change: Callable[[str, bytes], bytes | None],
    extra: dict[str, bytes] | None = None,
) -> Path:
    """Write a zip container whose parts went through `change` (None leaves a part out)."""
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = change(item.filename, old.read(item))
            if content is not None:
                new.writestr(item.filename, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return path


CONTAINERS = [
    ("survey.xlsx", corpus.survey, sheets.open_returned),
    ("book.xlsx", corpus.loan_workbook, tables.read_table),
    ("plan.xlsx", corpus.contact_log, read_feedback),
    ("P07.docx", corpus.dialogue_docx, transcripts.read_transcripts),
    ("P07.odt", corpus.dialogue_odt, transcripts.read_transcripts),
    ("project.qdpx", lambda: corpus.qda("qdpx"), exchange.read_qda),
]


# --- containers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "base", "read"), CONTAINERS)
def test_a_part_that_unpacks_beyond_measure_is_refused(tmp_path, name, base, read):
    path = swapped(base(), tmp_path / name, lambda _, data: data, {"xl/media/big.bin": b"\x00" * (8 * 2**20)})
    with pytest.raises(UserError, match=r"unpacks to 8,388,608 bytes"):
        read(path)


@pytest.mark.parametrize(("name", "base", "read"), CONTAINERS)
@pytest.mark.parametrize("kind", ["entity of another file", "entities of entities"])
def test_entities_in_any_part_are_refused_and_no_file_is_read(tmp_path, name, base, read, kind):
    (tmp_path / "secret.txt").write_text(SECRET)
    body = f'<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">'
    if kind == "entities of entities":
        body = '<!ENTITY a "ha">' + "".join(
            f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefg", "bcdefgx", strict=True)
        )

    with zipfile.ZipFile(io.BytesIO(base())) as archive:
        parts = [n for n in archive.namelist() if n.endswith((".xml", ".rels", ".qde"))]
    for part in (parts[0], parts[len(parts) // 2], parts[-1]):
        path = swapped(
            base(), tmp_path / name,
            lambda n, data, part=part: f"<!DOCTYPE r [{body}]><r>&x;</r>".encode() if n == part else data,
        )  # fmt: skip
        with pytest.raises(UserError, match="document type definition") as told:
            read(path)
        assert SECRET not in str(told.value)


def test_entities_hide_in_no_sheet_of_another_ending(tmp_path):
    """A sheet may be any part that the relations name; the reader itself forbids entities as well."""
    (tmp_path / "secret.txt").write_text(SECRET)
    evil = (
        f"<!DOCTYPE r [<!ENTITY x SYSTEM 'file://{tmp_path}/secret.txt'>]><worksheet>&x;</worksheet>".encode()
    )

    def change(name: str, data: bytes) -> bytes | None:
        if name.endswith(("workbook.xml.rels", "[Content_Types].xml")):
            return data.replace(b"worksheets/sheet1.xml", b"worksheets/sheet1.dat")
        return None if name.endswith("worksheets/sheet1.xml") else data

    path = swapped(corpus.loan_workbook(), tmp_path / "book.xlsx", change, {"xl/worksheets/sheet1.dat": evil})
    for read in (sheets.open_returned, tables.read_table):
        with pytest.raises(UserError, match="damaged") as told:
            read(path)
        assert SECRET not in str(told.value)


def test_a_small_file_with_far_cells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_LIMITS", "sheet_cells=50000")
    book = Workbook(write_only=True)
    page = book.create_sheet("practitioners")
    for _ in range(60):
        page.append([None] * 1_900 + [1])
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(UserError, match=r"far\.xlsx, sheet1: more than 50,000 cells"):
        sheets.open_returned(tmp_path / "far.xlsx")
    wide = ",".join("1" * 2_500)
    (tmp_path / "far.csv").write_text("\n".join([wide] * 5))
    with pytest.raises(UserError, match=r"far\.csv: 2,500 columns"):
        sheets.open_returned(tmp_path / "far.csv")


def test_a_compressed_table_is_unpacked_within_bounds_and_only_by_its_name(tmp_path):
    import gzip

    (tmp_path / "book.csv").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000))
    with pytest.raises(UserError, match="not text"):
        tables.read_table(tmp_path / "book.csv")
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 20_000_000, 1))
    with limited(20), pytest.raises(UserError, match="unpacks to more than"):
        tables.read_table(tmp_path / "bomb.csv.gz")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    with pytest.raises(UserError, match="not a gzip file, or a damaged one"):
        tables.read_table(tmp_path / "cut.csv.gz")


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/abs.txt", "..\\evil.txt", "C:evil.txt", "Sources/../../evil.txt"]
)
def test_parts_that_lead_out_of_a_project_are_refused(tmp_path, name):
    path = swapped(corpus.qda("qdpx"), tmp_path / "p.qdpx", lambda _, data: data, {name: b"x"})
    with pytest.raises(UserError, match="points outside the container"), open_archive(path):
        pass


def test_source_names_of_a_project_stay_in_the_folder(tmp_path):
    project = exchange.read_qda(swapped(corpus.qda("qdpx"), tmp_path / "p.qdpx", lambda _, data: data))
    for name in ("../evil.txt", "/tmp/evil.txt", "..", "a/b.txt", ".hidden", "a\x00b"):
        project.files = {name: b"x"}
        with pytest.raises(UserError, match="its name is refused"):
            exchange.write_folder(project, tmp_path / "out")
    assert not list(tmp_path.glob("evil*"))


# --- workbooks that act -----------------------------------------------------------------------------------------------


def test_copies_carry_no_macros_links_or_formulas_and_nothing_is_fetched(tmp_path, monkeypatch):
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    book = load_workbook(io.BytesIO(corpus.survey()))
    page = book.worksheets[1]
    page["B4"] = '=WEBSERVICE("http://example.org")'
    page["C4"] = "='[1]Sheet1'!A1"
    page["D4"] = "=cmd|'/C calc'!A0"
    page["E4"].hyperlink = "http://example.org/x"
    book.save(tmp_path / "plain.xlsx")
    link = b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><externalBook/></externalLink>'
    extra = {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro", "xl/externalLinks/externalLink1.xml": link}
    path = swapped(
        (tmp_path / "plain.xlsx").read_bytes(), tmp_path / "returned.xlsm", lambda _, data: data, extra
    )
    before = path.read_bytes()
    copy = annotate(path, tmp_path / "copy.xlsx")
    assert path.read_bytes() == before
    with zipfile.ZipFile(copy) as archive:
        names = archive.namelist()
        assert not [name for name in names if "vba" in name.lower() or "externallink" in name.lower()]
        inside = b"".join(archive.read(name) for name in names if "worksheets/sheet" in name)
    assert b"<f>" not in inside and b"<f " not in inside
    assert b"WEBSERVICE" in b"".join(
        zipfile.ZipFile(copy).read(n) for n in names
    )  # still to be seen, as text


# --- formulas in exports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_inert_text_runs_nothing_and_comes_back(text):
    assert not FORMULA_START.match(str(inert(text)))
    assert plain(str(inert(text))) == text.replace("\r", "\n")


@pytest.mark.parametrize("value", [-2.5, 3, None, True, "-2.5", "+1", "plain", "a=b", "3 - 2"])
def test_numbers_and_plain_words_stay_as_they_are(value):
    assert inert(value) is value


def harmless_csv(path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig")
    for row in (
        pd.read_csv(io.StringIO(text), header=None, dtype=str, keep_default_na=False).to_numpy().ravel()
    ):
        assert not FORMULA_START.match(row) or re.fullmatch(r"[+-]?[\d.e-]+", row), (path.name, row)


def exports(folder: Path) -> list[Path]:
    """Every table that the project writes from other people's text."""
    units = corpus.units().assign(text=HOSTILE[0], participant="@P", document="=doc")
    findings = pd.DataFrame(
        {"finding": ["=1"], "document": ["@d"], "segment": ["+1+1"], "kind": ["-x"], "shown": ["=a"]}
    )
    answers = pd.DataFrame(FEATURES).set_index("respondent_id")
    project = corpus.project()
    project = exchange.Project(
        project.attributes, "", {k: v.copy() for k, v in project.tables.items()}, project.files
    )
    project["codes"]["Description"] = HOSTILE[2]
    project["users"]["name"] = "=1+1"
    frame = corpus.loan_frame().rename(columns={"借款用途": "=用途"})
    exchange.write_folder(project, folder / "qda")
    made = [
        platforms.write_responses(answers, folder / "answers.csv"),
        deidentify.write_waiver_form(findings, folder / "waivers.csv"),
        write_csv(draft.draft_crosswalk(frame), folder / "draft.csv"),
        write_csv(pd.DataFrame({"=head": HOSTILE}), folder / "any.csv"),
        *sorted((folder / "qda").rglob("*.csv")),
    ]
    (folder / "results.csv").write_bytes(values.csv_bytes(pd.DataFrame({"text": HOSTILE[:6], "n": -1})))
    made.append(folder / "results.csv")
    save(forms.coding_form(units, coder="=coder"), folder / "coding.xlsx")
    table = {"columns": [{"name": "=head"}], "rows": [[text] for text in HOSTILE], "caption": "=caption"}
    (folder / "tables.xlsx").write_bytes(workbook.workbook_bytes({"01_x/y": table}))
    disputed = pd.DataFrame([dict.fromkeys(keys(RESOLUTION), "=1+1")])
    save(resolution.resolution_form(disputed), folder / "resolution.xlsx")
    return [*made, folder / "coding.xlsx", folder / "tables.xlsx", folder / "resolution.xlsx"]


def test_no_export_holds_a_formula(tmp_path):
    for path in exports(tmp_path):
        if path.suffix == ".csv":
            harmless_csv(path)
            continue
        with zipfile.ZipFile(path) as archive:
            inside = b"".join(archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name)
        assert b"<f>" not in inside, path.name


def test_every_place_that_writes_a_table_is_known():
    """A new writer must be added to `exports` above (or say why not) before it is added here."""
    found = {
        str(path.relative_to(ROOT / "src/research"))
        for path in SOURCES
        if re.search(r"\.to_csv\(|\.to_excel\(|\bWorkbook\(|csv\.writer\(", path.read_text(encoding="utf-8"))
    }
    assert found == {
        "collect/fetch.py",  # a published data set in its own words, known by its hash
        "collect/publishers.py", "fieldwork/instruments/stamp.py",  # only hashed
        "documentation/dependencies.py",  # names of packages
        "files/inert.py", "fieldwork/intake/check.py", "fieldwork/instruments/workbook.py",
        "manage/contact_workbook.py",
        "pages/values.py", "pages/workbook.py",
        "desk/response.py", "trial/allocation.py",  # their own tests give them officers and reviewers called =…
    }  # fmt: skip


def test_a_table_written_inert_is_read_back_as_it_was(tmp_path):
    frame = pd.DataFrame({"code": [text.strip() for text in HOSTILE], "parent": ""})
    assert read_csv(write_csv(frame, tmp_path / "t.csv"))["code"].tolist() == frame["code"].tolist()


# --- pages ------------------------------------------------------------------------------------------------------------


def assert_inert(page: str) -> None:
    tree = parser.document_fromstring(page)
    run = "//script[not(@type='application/json')]"  # what is JSON is not run
    assert len(tree.xpath(run)) <= 1 and not tree.xpath(f"{run}[contains(text(), 'alert(')]")
    assert not [
        name for element in tree.iter() for name in getattr(element, "attrib", {}) if name.startswith("on")
    ]
    assert "alert(1)" in tree.text_content()  # it is there, as text


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    record = json.loads(
        (demo.shared_run(tmp_path_factory) / "out/provenance.json").read_text(encoding="utf-8")
    )
    record["study"]["title"] = record["study"]["name"] = SCRIPT
    return record


def test_the_page_of_a_failure_shows_hostile_words_as_words(record):
    page = failed_page("03_here", [("03_here", SCRIPT)], record, SCRIPT)
    assert_inert(page)


def test_hostile_words_in_tables_findings_and_captions_stay_words(tmp_path, record):
    frame = pd.DataFrame({SCRIPT: [SCRIPT], "n": [1]})
    said = Said("Quotes {words}", {"words": SCRIPT})
    bundles = [
        show.exhibit_bundle(Exhibit("quotes", frame, said)),
        show.prose_bundle("finding", "quoted", [said]),
        show.prose_bundle("banner", "banner-x", [said], banner=SCRIPT),
    ]
    shown = [new_code_cell("show()", outputs=[new_output("display_data", data=data)]) for data in bundles]
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), *shown])
    nbformat.write(notebook, tmp_path / "03_here.ipynb")
    assert_inert(render(tmp_path / "03_here.ipynb", [("03_here", "Here")], record))


# --- names and paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../b", "..", ".hidden", "a\\b", "a\x00b", "x" * 500, "con\n"]
)
def test_names_of_studies_and_batches_are_no_paths(tmp_path, name):
    with pytest.raises(UserError):
        parameters.validate({"name": name})
    (tmp_path / "g.yml").write_text(
        f"name: {name!r}\nlist: [{{seed: 1}}]\n".replace("\\x00", "\\0"), encoding="utf-8"
    )
    with pytest.raises(UserError):
        grid.read(tmp_path / "g.yml")


@pytest.mark.parametrize("value", ["../../x", "/abs", "..", "a/b", "\x1b[2J", "中" * 300, "", "a\nb"])
def test_a_run_of_a_batch_stays_in_its_folder(tmp_path, value):
    name = grid.run_name({"title": value, "../../x": 1})
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert 0 < len(name.encode()) <= 255


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "simulated/../x"])
def test_data_sets_notebooks_and_studies_are_known_names(name):
    for ask in (
        datasets.load,
        datasets.definition,
        parameters.find,
        lambda n: notebooks.select(notebooks.find(), [n]),
    ):
        with pytest.raises(UserError):
            ask(name)


# --- YAML and pickles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: !!python/object/apply:os.system ['touch {}']", "could not determine a constructor"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        (laughs(12), "aliases that stand for more than 100,000 values"),
        ("a: &a [*a]", "an alias that holds itself"),
        ("a: " + "[" * 5_000, "nested too deep"),
        ("a: 1\na: 2", "key 'a' is there twice"),
        ("a: 2024-13-45", "a date, number or truth value that cannot be"),
        ("a: !!bool maybe", "a date, number or truth value that cannot be"),
        ('a: "\\uD800"', "a character that YAML does not have"),
        ("a: '\x00'", "a character that YAML does not have"),
    ],
)
def test_yaml_is_plain_values_of_reasonable_size(tmp_path, text, told):
    marker = tmp_path / "ran"
    text = text.replace("{}", str(marker))
    path = tmp_path / "own.yml"
    path.write_text(text, encoding="utf-8")
    with limited(5):
        for read in (parameters.load, grid.read, platforms.read_mapping):
            with pytest.raises(UserError, match=r"own\.yml"):
                read(path)
        with pytest.raises(UserError, match=re.escape(told)):
            parse_yaml(text, "own.yml")
    assert not marker.exists()


def test_parameters_take_no_objects():
    with pytest.raises(UserError, match="constructor"):
        assignments(["seed=!!python/object/apply:os.system ['true']"])


def test_nothing_loads_pickles_or_unsafe_yaml():
    """Only the private cache of steps is unpickled, in steps.py."""
    forbidden = (
        r"\bpickle\b|joblib\.load|allow_pickle|read_pickle|yaml\.load\((?!.*SafeLoader)|unsafe_load|full_load"
        r"|\beval\(|\bexec\(|shell=True|extractall"
    )
    found = [path.name for path in SOURCES if re.search(forbidden, path.read_text(encoding="utf-8"))]
    assert found == ["steps.py"]
    code = (ROOT / "src" / "research" / "steps.py").read_text(encoding="utf-8")
    assert code.count("pickle.loads(") == 1 and "refuse_shared(folder)" in code


class Bomb:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_pickles_in_parquet_metadata_are_not_loaded(tmp_path):
    marker = tmp_path / "ran"
    table = pa.table({"id": ["a", "b"], "x": [1.0, 2.0]})
    evil = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Bomb(marker)),
    }
    schema = pa.schema([pa.field("id", pa.string()), pa.field("x", pa.float64(), metadata=evil)])
    pa.parquet.write_table(table.cast(schema), tmp_path / "book.parquet")
    with contextlib.suppress(UserError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables.read_table(tmp_path / "book.parquet")
    assert not marker.exists()


def test_hostile_pandas_metadata_is_a_message_or_ignored(tmp_path):
    table = pa.table({"id": ["a"], "x": [1.0]})
    for content in (b"{", b'{"index_columns": ["nowhere"]}', b'{"columns": 5}', b"[" * 100_000):
        pa.parquet.write_table(table.replace_schema_metadata({b"pandas": content}), tmp_path / "book.parquet")
        with contextlib.suppress(UserError):
            tables.read_table(tmp_path / "book.parquet")


def test_a_cache_that_others_can_write_to_is_refused(tmp_path):
    for mode, refused in ((0o700, False), (0o755, False), (0o777, True), (0o770, True)):
        tmp_path.chmod(mode)
        with (
            pytest.raises(UserError, match="expected a private folder")
            if refused
            else contextlib.nullcontext()
        ):
            refuse_shared(tmp_path)


# --- text that is made to last ----------------------------------------------------------------------------------------

ENDLESS = [
    "a" * 60_000, "a.b-" * 20_000, "1 " * 30_000, "+1(1(1" * 10_000, "王" * 60_000, "Mr A" * 20_000,
    "省路" * 30_000, "a@" * 30_000, "a@a." * 20_000, ":" * 60_000, " " * 60_000, "=" * 60_000, "9" * 60_000,
    "(（[" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: text[:6])
def test_patterns_take_no_time_over_endless_text(tmp_path, text):
    began = time.process_time()
    with limited(20):
        units = pd.DataFrame({"document": ["d"], "segment": ["1"], "text": [text]})
        deidentify.scan(units, ["Smith", "李雷"])
        identifiers.identifiers(pd.DataFrame({"column": [text] * 3, text[:200]: [1, 2, 3]}))
        cells.read_number(text, 1, 5)
        cells.read_duration(text)
        cells.read_choice(text, {"yes": "yes 同意"})
        assert loanbook.auc(pd.Series([text, "b"]), pd.Series([0.0, 1.0])) >= 0.5
        (tmp_path / "P01.txt").write_text(f"{text}\nP01: words\n", encoding="utf-8")
        with contextlib.suppress(UserError):
            transcripts.read_transcripts(tmp_path / "P01.txt")
    assert time.process_time() - began < 10


def test_messages_are_short_and_act_on_no_terminal(tmp_path):
    message = str(
        UserError("a.csv: found '" + "x" * 100_000 + "\x1b[2J\u202e" + "', expected 1\n" + "line\n" * 500)
    )
    assert len(message) < 6_000 and message.startswith("a.csv: found")
    assert "\x1b" not in message and "\u202e" not in message
    fault = cells.read_number("\x1b[31mred", 1, 5).found
    assert "\x1b" not in fault


# --- what a refusal leaves behind -------------------------------------------------------------------------------------


def test_a_refused_import_leaves_no_output(tmp_path):
    path = swapped(
        corpus.qda("qdpx"),
        tmp_path / "p.qdpx",
        lambda n, data: data[: len(data) // 2] if n.endswith(".qde") else data,
    )
    with pytest.raises(UserError):
        exchange.write_folder(exchange.read_qda(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_crosswalks_evaluate_nothing(tmp_path):
    table = pd.read_csv(io.StringIO(corpus.crosswalk()), dtype=str, keep_default_na=False)
    table.loc[table["construct"] == "loan_amount", ["transform", "argument"]] = [
        "multiply",
        "__import__('os').system('true')",
    ]
    table.to_csv(tmp_path / "c.csv", index=False)
    (tmp_path / "book.csv").write_text(corpus.loan_book(), encoding="utf-8")
    assert len(read_crosswalk(tmp_path / "c.csv"))
    with pytest.raises(UserError, match="is not a number"):
        datasets.load(tmp_path / "book.csv", tmp_path / "c.csv")


def test_infinite_and_huge_values_of_a_loan_book_are_named(tmp_path):
    frame = corpus.loan_frame()
    frame["放款金额(万元)"] = (
        [np.inf, 1e308, *frame["放款金额(万元)"][2:]] if "放款金额(万元)" in frame else np.inf
    )
    frame.to_csv(tmp_path / "book.csv", index=False)
    (tmp_path / "c.csv").write_text(corpus.crosswalk(), encoding="utf-8")
    found = loanbook.check(tmp_path / "book.csv", tmp_path / "c.csv")
    assert len(found["summary"])
