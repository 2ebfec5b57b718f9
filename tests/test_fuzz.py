"""A seeded sample of damaged inputs, and one named test per kind of failure that the long run has found."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from fuzz import cases, corpus, inputs
from research import parameters
from research.collect import datasets, tables, transforms
from research.collect.dates import read_dates
from research.commands.fieldwork import show_agreement
from research.commands.run import assignments
from research.errors import UserError
from research.fieldwork import exchange
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import items as instruments
from research.fieldwork.intake import cells, platforms
from research.fieldwork.intake.check import annotate, check
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.interviews import deidentify, transcripts
from research.files.textfiles import decode, parse_yaml, read_csv
from research.manage.feedback import read_feedback
from research.pages import checklists
from research.runs import grid

PER_KIND = 5
SEED = 20240607


@pytest.mark.parametrize("kind", inputs.KINDS)
def test_damaged_inputs_give_one_message_that_names_the_place(kind):
    """The rule of `make fuzz`, on a few cases of every kind of input."""
    endings = [cases.run(SEED, case, kind) for case in range(PER_KIND)]
    assert [(one.case, one.where, one.message) for one in endings if one.state == cases.FAILED] == []


def test_a_case_is_the_same_case_again(tmp_path):
    first, second = (cases.run(SEED, 5, "surveys", tmp_path / name) for name in ("a", "b"))
    assert first == second
    assert cases.contents(tmp_path / "a/in") == cases.contents(tmp_path / "b/in")


def test_failures_are_seen(monkeypatch):
    """The judge itself: tracebacks, changed originals, output after a refusal, words of a library, no place."""

    def ends(act, files=None) -> str:
        attempt = inputs.Attempt({"a.csv": b"x"} if files is None else files, act)
        monkeypatch.setitem(inputs.KINDS, "surveys", lambda random: attempt)
        return cases.run(1, 0, "surveys").message

    def refuse(text: str):
        def act(inside: Path, out: Path) -> None:
            raise UserError(text)

        return act

    def change(inside: Path, out: Path) -> None:
        (inside / "a.csv").write_bytes(b"y")

    def leave(inside: Path, out: Path) -> None:
        (out / "half.csv").write_bytes(b"y")
        raise UserError("a.csv: no")

    assert ends(lambda inside, out: {}["x"]).startswith("KeyError")
    assert ends(change).startswith("changed")
    assert ends(leave).startswith("partial output")
    assert ends(refuse("a.csv: 'NoneType' object has no attribute 'x'")).startswith("unwrapped")
    assert ends(refuse("something is wrong")).startswith("no place")
    assert ends(refuse("a.csv: row 3: found x, expected y")) == "a.csv: row 3: found x, expected y"


# --- structure: any value where one is expected -----------------------------------------------------------------------

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
QUICK = settings(max_examples=40)


def named(text: str, call) -> None:
    try:
        call()
    except UserError as error:
        assert text in str(error)


@QUICK
@given(
    st.dictionaries(st.sampled_from(parameters.names()) | st.text(max_size=10), TREES, min_size=1, max_size=3)
)
def test_any_values_of_parameters_are_taken_or_named(changes):
    named("default.yml", lambda: parameters.load(changes=changes))


@QUICK
@given(st.dictionaries(st.sampled_from([*grid.KEYS, "x"]), TREES, max_size=4))
def test_any_batch_is_taken_or_named(content):
    named("grid.yml", lambda: [grid.run_name(run) for run in grid.expand(content, "grid.yml")])


@QUICK
@given(st.text(max_size=30))
def test_any_text_is_a_parameter_or_named(text):
    named("-p", lambda: assignments([text]))
    named("x.yml", lambda: parse_yaml(text, "x.yml"))


@QUICK
@given(
    st.sampled_from(sorted(transforms.TRANSFORMS)),
    st.text(max_size=15),
    st.lists(LEAVES, min_size=3, max_size=3),
)
def test_any_argument_of_a_transform_is_taken_or_named(name, argument, values):
    """The crosswalk adds the file and the construct to the message."""
    transform = transforms.TRANSFORMS[name]
    sources = [pd.Series([str(value) for value in values])] * max(transform.sources[0], 1)
    named("", lambda: transform.apply(sources, argument))


@QUICK
@given(LEAVES | st.text() | st.integers(min_value=10**300, max_value=10**320) | st.times())
def test_any_cell_is_read_or_lost(value):
    for reading in (
        cells.read_number(value, 1, 5),
        cells.read_number(value, whole=False),
        cells.read_duration(value),
        cells.read_choice(value, {"yes": "yes 同意"}),
    ):
        assert not (reading.lost and reading.value is not None)
        assert len(reading.found) < 200


@QUICK
@given(st.binary(max_size=40))
def test_any_bytes_are_text_or_named(data):
    named("x.txt", lambda: decode(data, "x.txt"))


# --- what the long run has found, by kind of failure ------------------------------------------------------------------


def put(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "read",
    [codebook.read_codebook, instruments.survey_items, deidentify.read_waivers, platforms.read_mapping, grid.read,
     checklists.declarations, parameters.load, lambda path: datasets.crosswalk_of("book.csv", path)],
)  # fmt: skip
def test_small_files_in_no_encoding_empty_or_torn(tmp_path, read):
    """UnicodeDecodeError, ParserError and EmptyDataError came through; surplus cells shifted all others."""
    yaml = read in (platforms.read_mapping, grid.read, parameters.load)
    for data in (b"\xff\xff\x80\x81", b"", b"\x00\x00", b'a,b\n"unclosed', b"a,b\n1,2,3\n", b"[1, 2"):
        path = put(tmp_path / ("own.yml" if yaml else "own.csv"), data)
        try:
            read(str(path))
        except UserError as error:
            assert "own" in str(error)
        else:
            assert data == b"" and read in (parameters.load, checklists.declarations)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2,3\n", "line 2: 3 cells, expected 2"),
        ("a,b,a\n1,2,3\n", "column 'a' is there twice"),
        ("\n\n", "the table is empty"),
        ("a\n" + "x" * 200_000, "field larger than field limit"),
    ],
)
def test_small_tables_say_the_line(tmp_path, text, told):
    with pytest.raises(UserError, match=told):
        read_csv(put(tmp_path / "t.csv", text))


@pytest.mark.parametrize("text", ["a: !!int foo", "a: !!timestamp x", "? [a]\n: b", "a: " + "9" * 5000])
def test_yaml_values_that_cannot_be(tmp_path, text):
    """ValueError and AttributeError of the constructors came through; more such values in test_hostile."""
    path = put(tmp_path / "own.yml", text)
    for read in (parameters.load, grid.read, platforms.read_mapping):
        with pytest.raises(UserError, match=r"own\.yml"):
            read(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("only: [1.5]\nlist: [{seed: 1}]", "only: found"),
        ("only: {a: b}\nlist: [{seed: 1}]", "only: found"),
        ("study: " + "x" * 300 + "\nlist: [{seed: 1}]", "is not in studies/"),
        ("name: ../up\nlist: [{seed: 1}]", "name: found"),
    ],
)
def test_batches_of_the_wrong_shape(tmp_path, text, told):
    """AttributeError of a number among the notebooks, OSError of an endless name, a name that was a path."""
    with pytest.raises(UserError, match=told):
        grid.plans(grid.read(put(tmp_path / "g.yml", text)), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("keep: [{values: [a]}]", "no key 'keep.0.column'"),
        ("rows: {names: x, data: 2}", "rows.names: found 'x'"),
        ("rows: {names: 3, data: 2}", "expected a row below names"),
        ("item_pattern: '('", "item_pattern: found"),
        ("item_pattern: 'abc'", r"expected a group named \(\?P<item>"),
        ("group: practitioner", "group: found"),
        ("duration: !!python/name:os.system", "not readable as YAML"),
    ],
)
def test_mappings_of_the_wrong_shape(tmp_path, change, told):
    """KeyError, re.error and ConstructorError of a mapping's values came through."""
    key = change.split(":")[0]
    lines = [
        line
        for line in ("platform: X", "rows: {names: 1, data: 2}", "respondent: id", "items: [names]")
        if not line.startswith(key)
    ]
    with pytest.raises(UserError, match=told):
        platforms.read_mapping(put(tmp_path / "m.yml", "\n".join([*lines, change])))


@pytest.mark.parametrize("value", ["²", "9" * 5000, "-1", "x", ""])
def test_scales_of_an_instrument_that_are_no_numbers(tmp_path, value):
    """ValueError came through: a superscript is a digit and no number, and digits may be too many."""
    row = f"Q1,x,C1,both,{value},5,0,words,词"
    head = "item,construct,criterion,group,scale_min,scale_max,reverse,wording_en,wording_zh"
    with pytest.raises(UserError, match=r"items\.csv line 2: scale"):
        instruments.survey_items(put(tmp_path / "items.csv", f"{head}\n{row}\n"))


def test_a_parent_of_a_parent_that_is_no_code():
    """KeyError came through where the code with the unknown parent stands below its own child."""
    frame = pd.DataFrame({"code": ["child", "middle"], "parent": ["middle", "nowhere"]})
    with pytest.raises(UserError, match="parent 'nowhere' of code 'middle'"):
        codebook.validate_codebook(frame)


def test_declarations_of_the_wrong_shape(tmp_path):
    with pytest.raises(UserError, match="expected `item: words` lines"):
        checklists.declarations(str(put(tmp_path / "d.yml", "COREQ: words")))


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, content if item.filename == name else old.read(item))
    return made.getvalue()


@pytest.mark.parametrize(
    "part",
    [
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/styles.xml",
        "xl/worksheets/sheet1.xml",
        "docProps/core.xml",
    ],
)
@pytest.mark.parametrize("content", [b"", b"<a/>", b'<?xml version="1.0" encoding="klingon"?><a/>'])
def test_damaged_parts_of_workbooks(tmp_path, part, content):
    """XMLSyntaxError, TypeError, LookupError and KeyError came through, also from the annotated copy."""
    for name, base, read in (
        ("survey.xlsx", corpus.survey, lambda path: annotate(path, tmp_path / "copy.xlsx")),
        ("plan.xlsx", corpus.contact_log, read_feedback),
        ("book.xlsx", corpus.loan_workbook, tables.read_table),
    ):
        path = put(tmp_path / name, with_part(base(), part, content))
        named(name, lambda read=read, path=path: read(path))


@pytest.mark.parametrize(
    "part", ["word/document.xml", "_rels/.rels", "word/_rels/document.xml.rels", "[Content_Types].xml"]
)
def test_damaged_parts_of_word_documents(tmp_path, part):
    """AttributeError of a part that is another element, BadZipFile of a torn one."""
    for content in (b"", b"<a/>", b"not xml"):
        path = put(tmp_path / "P07.docx", with_part(corpus.dialogue_docx(), part, content))
        named("P07.docx", lambda path=path: transcripts.read_transcripts(path))


def test_torn_bytes_within_a_container(tmp_path):
    """zlib.error came through where a part's bytes are damaged and its length is not."""
    data = bytearray(corpus.survey())
    start = data.index(b"xl/workbook.xml") + 40
    data[start : start + 60] = b"\xff" * 60
    with pytest.raises(UserError, match=r"survey\.xlsx: .*damaged"):
        check(put(tmp_path / "survey.xlsx", bytes(data)))


@pytest.mark.parametrize("value", [1e308, float("inf"), 10**400, "9" * 400, "1.2.3 hours"])
def test_numbers_beyond_a_float(value):
    """OverflowError and ValueError came through."""
    assert cells.read_number(value, 1, 5).lost
    assert cells.read_duration(value).value is None or cells.read_duration(value).value < float("inf")


def test_infinite_numbers_in_a_loan_book():
    assert transforms.text(pd.Series([1.0, float("inf"), None])).tolist()[:2] == ["1.0", "inf"]


def test_dates_of_other_zones_and_formats_that_are_none():
    """TypeError of a column with a time zone, ValueError and re.error of a format came through."""
    here = pd.Series(pd.to_datetime(["2024-05-04"], utc=True))
    assert read_dates(here).tolist() == [pd.Timestamp("2024-05-04")]
    mixed = read_dates(pd.Series(["2024-01-01T00:00:00+08:00", "2024-01-01T00:00:00+01:00", "x"]))
    assert mixed.tolist()[:2] == [pd.Timestamp("2024-01-01")] * 2  # the day as it was written
    assert mixed.isna()[2]
    for form in ("%Q", "%", "%Y%Y"):
        with pytest.raises(UserError, match="not a format of dates"):
            transforms.TRANSFORMS["date"].apply([pd.Series(["2024-01-01"])], form)


def test_columns_of_bytes_and_lists_are_named(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"], "odd": [b"\xff", b"\x00"]})
    frame.to_parquet(tmp_path / "book.parquet")
    with pytest.raises(UserError, match=r"book\.parquet: column 'odd' holds bytes"):
        tables.read_table(tmp_path / "book.parquet")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unit,A\nu1,1\n", "r.csv"),
        ("unit,A,A\nu1,1,2\n", "column 'A' is there twice"),
        ("unit,A,B\n,1,2\n,2,1\n", "in the table twice"),
        ("unit,A,B\nu1,x,y\n", "needs their order"),
        (f"unit,A,B\nu1,{'9' * 400},1\n", "not every column can be a coder's"),
    ],
)
def test_tables_of_ratings_name_the_file(tmp_path, text, told):
    """TypeError of missing unit names, ValueError of two columns of one name, messages without the file."""
    with pytest.raises(UserError, match=told) as error:
        show_agreement([put(tmp_path / "r.csv", text)], level="ordinal", resamples=0)
    assert "r.csv" in str(error.value)


def test_a_coder_or_expert_who_is_there_twice_is_named_with_the_files(tmp_path):
    for name in ("coding_A.xlsx", "coding_B.xlsx"):
        put(tmp_path / name, corpus.coding())
    with pytest.raises(UserError, match=r"coding_A\.xlsx, coding_B\.xlsx: coder A coded"):
        read_coding(tmp_path)
    book = load_workbook(io.BytesIO(corpus.comparisons()))
    book.copy_worksheet(book["E01"])
    book.save(tmp_path / "ahp.xlsx")
    with pytest.raises(UserError, match=r"ahp\.xlsx: expert E01 is there twice"):
        read_ahp(tmp_path / "ahp.xlsx")


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole | {"attributes": {"name": ["x"]}},
        lambda whole: whole | {"tables": {"codes": [{"guid": 1}]}},
        lambda whole: whole | {"tables": {"codes": "x"}},
        lambda whole: whole | {"files": [None]},
        lambda whole: [whole],
    ],
)
def test_a_project_folder_of_the_wrong_shape(tmp_path, change):
    """TypeError came through when the project was written."""
    exchange.write_folder(corpus.project(), tmp_path)
    whole = json.loads((tmp_path / exchange.WHOLE).read_text(encoding="utf-8"))
    put(tmp_path / exchange.WHOLE, json.dumps(change(whole)))
    with pytest.raises(UserError, match=r"project\.json: damaged"):
        exchange.read_folder(tmp_path)


@pytest.mark.parametrize("place", ["31/12/2024", "", "1.5", "9" * 40])
def test_places_of_selections_that_are_no_numbers(tmp_path, place):
    """ValueError came through when the project was turned into tables."""
    text = corpus.qda("qde").decode("utf-8")
    path = put(tmp_path / "p.qde", re.sub(r'endPosition="\d+"', f'endPosition="{place}"', text, count=1))
    with pytest.raises(UserError, match=r"p\.qde: selection .*: endPosition is"):
        exchange.read_qda(path)


def test_a_project_file_in_no_encoding(tmp_path):
    exchange.write_folder(corpus.project(), tmp_path)
    for data in (b"\xff\xff\x80", b"[" * 100_000, b"{"):
        put(tmp_path / exchange.WHOLE, data)
        with pytest.raises(UserError, match=r"project\.json"):
            exchange.read_folder(tmp_path)
