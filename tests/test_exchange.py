"""REFI-QDA: projects of ATLAS.ti are read, what is written is valid, and a round trip loses nothing that is held."""

from __future__ import annotations

import stat
import zipfile

import pandas as pd
import pytest
from lxml import etree

from research.errors import UserError
from research.fieldwork import exchange
from research.fieldwork.exchange.project import TABLES
from research.fieldwork.instruments import codebook

SPACE = "urn:QDA-XML:project:1.0"
GUID = "11111111-1111-4111-8111-11111111111{}"


def qde(body, head=""):
    return f'<?xml version="1.0" encoding="utf-8"?>{head}<Project xmlns="{SPACE}" name="t">{body}</Project>'.encode()


def qdpx(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.fixture
def schema(verification_data):
    return etree.XMLSchema(etree.parse(verification_data("refi_qda") / "Project.xsd"))


@pytest.fixture
def interviews():
    units = pd.DataFrame(
        [
            ("P01", "1", "她总是提前还款。", "P01", "practitioner", "zh", "经理", "怎么判断？", 15, 23),
            ("P01", "2", "We rang\nin May.", "P01", "practitioner", "zh", "经理", "", 28, 43),
            ("C01", "1", "Nobody told me 😀 why.", "C01", "customer", "en", "baker", "And?", 0, 21),
            ("C01", "2", "Uncoded <&> text", "C01", "customer", "en", "baker", "", 22, 38),
        ],
        columns=[
            "document", "segment", "text", "participant", "group", "language", "role", "question", "start",
            "end",
        ],
    )  # fmt: skip
    documents = pd.DataFrame(
        {
            "document": ["P01", "C01"],
            "text": [
                "I: 怎么判断？\nP01: x她总是提前还款。\nP01: We rang\nin May.\n",
                "Nobody told me 😀 why.\nUncoded <&> text",
            ],
        }
    )
    documents.loc[0, "text"] = "I: 怎么判断？\n\nP01: 她总是提前还款。\nP01: We rang\nin May.\n"
    for n in (0, 1):
        start = documents.loc[0, "text"].index(units.loc[n, "text"])
        units.loc[n, ["start", "end"]] = start, start + len(units.loc[n, "text"])
    units.loc[2, ["start", "end"]] = 0, len(units.loc[2, "text"])
    units.loc[3, ["start", "end"]] = len(units.loc[2, "text"]) + 1, len(documents.loc[1, "text"])
    codings = pd.DataFrame(
        [("A", "P01", "1", "behaviour"), ("A", "P01", "1", "loyalty"), ("B", "P01", "1", "behaviour"),
         ("B", "P01", "2", "early_warning"), ("A", "C01", "1", "unfair_treatment")],
        columns=["coder", "document", "segment", "code"],
    )  # fmt: skip
    memos = pd.DataFrame(
        [("B", "C01", "1", "why not <rule>?")], columns=["coder", "document", "segment", "memo"]
    )
    assignments = pd.DataFrame([(c, d) for c in "AB" for d in ("P01", "C01")], columns=["coder", "document"])
    return exchange.Interviews(codebook.read_codebook(), units, codings, memos, assignments, documents)


def equal(first, second):
    for name, a, b in zip(first._fields, first, second, strict=True):
        b = b[list(a.columns)]
        keys = list(a.columns)
        a, b = (f.astype(str).sort_values(keys).reset_index(drop=True) for f in (a, b))
        pd.testing.assert_frame_equal(a, b, check_dtype=False, obj=name)


def test_own_tables_survive_a_round_trip(interviews, schema, tmp_path):
    project = exchange.from_interviews(interviews, "Study")
    path = exchange.write_qda(project, tmp_path / "own.qdpx")
    with zipfile.ZipFile(path) as archive:
        assert schema.validate(etree.fromstring(archive.read("project.qde")).getroottree()), schema.error_log
    back = exchange.read_qda(path)
    equal(interviews, exchange.to_interviews(back))
    counts = {
        k: back.counts()[k] for k in ("codes", "codings", "sources", "selections", "cases", "users", "notes")
    }
    assert counts == {
        "codes": 35, "codings": 5, "sources": 2, "selections": 4, "cases": 2, "users": 2, "notes": 1,
    }  # fmt: skip
    assert exchange.write_qda(back, tmp_path / "again.qdpx").read_bytes() == path.read_bytes()


def test_without_whole_texts_the_units_make_the_text(interviews, tmp_path):
    bare = interviews._replace(
        documents=interviews.documents.iloc[:0], units=interviews.units.drop(columns=["start", "end"])
    )
    path = exchange.write_qda(exchange.from_interviews(bare), tmp_path / "bare.qdpx")
    back = exchange.to_interviews(exchange.read_qda(path))
    assert back.units["text"].tolist() == interviews.units["text"].tolist()
    assert back.documents["text"].tolist()[1] == "Nobody told me 😀 why.\nUncoded <&> text\n"


def test_codebook_survives_a_round_trip(tmp_path):
    book = codebook.read_codebook()
    none = exchange.Interviews(
        book,
        pd.DataFrame(columns=["document", "segment", "text", "participant", "group"]),
        pd.DataFrame(columns=["coder", "document", "segment", "code"]),
        pd.DataFrame(columns=["coder", "document", "segment", "memo"]),
        pd.DataFrame(columns=["coder", "document"]),
        pd.DataFrame(columns=["document", "text"]),
    )
    path = exchange.write_qda(exchange.from_interviews(none), tmp_path / "book.qdc")
    root = etree.parse(path).getroot()
    assert root.tag == "{urn:QDA-XML:codebook:1.0}CodeBook"
    assert len(root.findall(".//{*}Code")) == 35 and len(root.findall("{*}Codes/{*}Code")) == 8
    back = exchange.to_interviews(exchange.read_qda(path)).codebook
    pd.testing.assert_frame_equal(back[list(book.columns)].astype(str), book.astype(str), check_dtype=False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "atlas8_mac_TestProject",
            {"codes": 14, "codings": 16, "sources": 12, "notes": 2, "sets": 16, "links": 1},
        ),
        ("atlas23_win_target", {"codes": 3, "codings": 0, "sources": 0}),
        ("atlas23_win_blank", {"codes": 0, "codings": 0, "sources": 0}),
    ],
)
def test_projects_of_atlas_ti(verification_data, schema, tmp_path, name, expected):
    project = exchange.read_qda(verification_data("refi_qda") / f"{name}.qdpx")
    counts = project.counts()
    assert {key: counts[key] for key in expected} == expected
    written = exchange.write_qda(project, tmp_path / "again.qde")
    assert schema.validate(etree.parse(written)), schema.error_log
    back = exchange.read_qda(written)
    exchange.write_folder(project, tmp_path / "folder")
    from_folder = exchange.read_folder(tmp_path / "folder")
    for again in (back, from_folder):
        assert again.attributes == project.attributes
        for table in TABLES:
            pd.testing.assert_frame_equal(again[table], project[table], obj=table)


def test_what_an_atlas_project_says(verification_data):
    project = exchange.read_qda(verification_data("refi_qda") / "atlas8_mac_TestProject.qdpx")
    found = exchange.to_interviews(project)
    mabel = found.codings[found.codings["document"] == "Mabel.txt"]
    assert set(mabel["code"]) == {"bacon and eggs", "cornflakes", "happiness"}
    assert set(found.codings["coder"]) == {"Friedrich Markgraf"}
    assert found.codebook.set_index("code").loc["Coke", "definition"] == "the breakfast of champions"
    # one region of a page and its text share a GUID and a code: one coding of one segment
    assert len(found.codings) == 14
    assert project.not_held == {"Graphs": 1}
    assert found.memos["memo"].str.startswith("This version is much better").all()  # linked to a quotation


def test_texts_are_taken_by_position_also_past_the_basic_plane(tmp_path):
    body = f"""<Users><User guid="{GUID.format(1)}" name="Ann"/></Users>
      <CodeBook><Codes><Code guid="{GUID.format(2)}" name="mood" isCodable="true"/></Codes></CodeBook>
      <Sources><TextSource guid="{GUID.format(3)}" name="talk" plainTextPath="internal://{GUID.format(3)}.txt">
        <PlainTextSelection guid="{GUID.format(4)}" startPosition="3" endPosition="7">
          <Coding guid="{GUID.format(5)}" creatingUser="{{{GUID.format(1).upper()}}}">
            <CodeRef targetGUID="{{{GUID.format(2)}}}"/></Coding></PlainTextSelection>
        <Coding guid="{GUID.format(6)}" creatingUser="{GUID.format(1)}">
          <CodeRef targetGUID="{GUID.format(2)}"/></Coding>
      </TextSource></Sources>"""
    text = "\ufeff😀, 很好！ok".encode()
    path = qdpx(tmp_path / "t.qdpx", [("project.qde", qde(body)), (f"sources/{GUID.format(3)}.txt", text)])
    found = exchange.to_interviews(exchange.read_qda(path))
    assert found.units[["segment", "text"]].values.tolist() == [["1", "很好！o"], ["0", ""]]
    assert found.codings.values.tolist() == [["Ann", "talk", "1", "mood"], ["Ann", "talk", "0", "mood"]]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            [("project.qde", qde("", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'))],
            "document type",
        ),
        ([("project.qde", qde("")), ("../out.txt", b"x")], "points outside"),
        ([("project.qde", qde("")), ("Sources/big", b"\x00" * 2**25)], "unpacks to"),
        ([("other.xml", b"<a/>")], "0 project files"),
        ([("project.qde", b"<Project/>")], "expected Project in urn:QDA-XML"),
        ([("project.qde", b"<Project")], "damaged"),
        ([("project.qde", b"\xff\xfe\x00")], "damaged"),
    ],
)
def test_hostile_and_broken_projects_are_refused(tmp_path, members, told):
    path = tmp_path / "evil.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    with pytest.raises(UserError) as error:
        exchange.read_qda(path)
    assert told in str(error.value) and "evil.qdpx" in str(error.value)


def test_a_link_among_the_sources_is_refused(tmp_path):
    info = zipfile.ZipInfo("Sources/a.txt")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UserError, match="is a link"):
        exchange.read_qda(qdpx(tmp_path / "l.qdpx", [("project.qde", qde("")), (info, b"/etc/passwd")]))


@pytest.mark.parametrize(
    "path", ["relative://../../etc/passwd", "absolute:///etc/passwd", "internal://../../etc/passwd"]
)
def test_files_outside_the_project_are_never_read(tmp_path, path):
    body = f'<Sources><TextSource guid="{GUID.format(3)}" name="s" plainTextPath="{path}"/></Sources>'
    project = exchange.read_qda(qdpx(tmp_path / "p.qdpx", [("project.qde", qde(body))]))
    assert project.files == {} and project.text(project["sources"]["id"].iloc[0]) is None


def test_entities_in_bare_files_are_refused(tmp_path):
    path = tmp_path / "x.qdc"
    path.write_bytes(
        b'<!DOCTYPE c [<!ENTITY a "b">]><CodeBook xmlns="urn:QDA-XML:codebook:1.0">&a;</CodeBook>'
    )
    with pytest.raises(UserError, match="entities or a document type"):
        exchange.read_qda(path)


def test_a_coding_without_its_code_is_named(tmp_path):
    body = f"""<Sources><TextSource guid="{GUID.format(3)}"><Coding guid="{GUID.format(5)}">
      <CodeRef targetGUID="{GUID.format(9)}"/></Coding></TextSource></Sources>"""
    (tmp_path / "c.qde").write_bytes(qde(body))
    with pytest.raises(UserError, match="1 codings point to codes that are not in the codebook"):
        exchange.read_qda(tmp_path / "c.qde")


def test_other_files_and_folders_are_named(tmp_path):
    (tmp_path / "x.nvp").write_bytes(b"x")
    for path, told in (
        (tmp_path / "x.nvp", "expected a REFI-QDA file"),
        (tmp_path / "no.qdpx", "no such file"),
    ):
        with pytest.raises(UserError, match=told):
            exchange.read_qda(path)
    with pytest.raises(UserError, match=r"no project\.json"):
        exchange.read_folder(tmp_path)
    with pytest.raises(UserError, match="expected the ending"):
        exchange.write_qda(exchange.Project(), tmp_path / "x.nvp")


def test_control_characters_cannot_be_written(interviews, tmp_path):
    interviews.memos.loc[0, "memo"] = "a\x0bb"
    with pytest.raises(UserError, match="cannot be written as XML"):
        exchange.write_qda(exchange.from_interviews(interviews), tmp_path / "x.qdpx")


def test_groups_in_groups_without_end_are_refused(tmp_path):
    space = exchange.project.PROJECT_SPACE
    groups = "<CodeBook>" + "<Codes>" * 3000 + "</Codes>" * 3000 + "</CodeBook>"
    path = tmp_path / "deep.qde"
    path.write_text(f'<Project xmlns="{space}" name="p">{groups}</Project>', encoding="utf-8")
    with pytest.raises(UserError, match=r"deep\.qde: (groups lie in groups|its XML is damaged)"):
        exchange.read_project(path)
