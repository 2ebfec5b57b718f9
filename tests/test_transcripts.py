"""Transcripts in three formats become the same units; hostile files are refused."""

from __future__ import annotations

import io
import stat
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from odf import text as odf_text
from odf.opendocument import OpenDocumentText

from research.errors import UserError
from research.fieldwork.interviews import transcripts
from research.files import archive, limits

LINES = [
    "Interview, second floor", "Participant: P07", "Group: 从业人员", "Language: en", "", "I: What did you see?",
    "P07: The score was fine.", "It told me nothing: that is the point.", "", "I: And then?",
    "I went on asking.", "P07：  我去看了他的店。  ",
]  # fmt: skip
TURNS = ["The score was fine.\nIt told me nothing: that is the point.", "我去看了他的店。"]


def as_txt(path, encoding="utf-8", newline="\n"):
    path.write_bytes(newline.join(LINES).encode(encoding))
    return path


def as_docx(path):
    document = docx.Document()
    for line in LINES:
        document.add_paragraph(line)
    document.save(path)
    return path


def as_odt(path):
    document = OpenDocumentText()
    for line in LINES:
        document.text.addElement(odf_text.P(text=line))
    document.save(path)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_in_the_encodings_of_windows(tmp_path, encoding, newline):
    units = transcripts.read_transcripts(as_txt(tmp_path / "t.txt", encoding, newline))
    assert units["text"].tolist() == TURNS


@pytest.mark.parametrize(("make", "name"), [(as_txt, "t.txt"), (as_docx, "t.docx"), (as_odt, "t.odt")])
def test_three_formats_give_the_same_units(tmp_path, make, name):
    path = make(tmp_path / name)
    units = transcripts.read_transcripts(path)
    assert units["text"].tolist() == TURNS
    assert units["segment"].tolist() == ["1", "2"] and set(units["document"]) == {"t"}
    assert units["question"].tolist() == ["What did you see?", "And then? I went on asking."]
    assert set(units["participant"]) == {"P07"} and set(units["group"]) == {"practitioner"}
    whole = transcripts.read_documents(path).loc[0, "text"]
    assert [whole[u.start : u.end] for u in units.itertuples()] == TURNS


def test_a_table_of_speaker_and_words(tmp_path):
    document = docx.Document()
    for line in LINES[1:3]:
        document.add_paragraph(line)
    table = document.add_table(rows=0, cols=2)
    for speaker, words in (("Interviewer", "Why?"), ("P07", "Because he asked.")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = speaker, words
    document.save(tmp_path / "table.docx")
    units = transcripts.read_transcripts(tmp_path / "table.docx")
    assert units[["text", "question"]].values.tolist() == [["Because he asked.", "Why?"]]


def word_of(path, *blocks):
    """A transcript whose body is made of pieces of WordprocessingML, after the head."""
    document = docx.Document()
    for line in LINES[1:3]:
        document.add_paragraph(line)
    body = document.element.body
    for block in blocks:
        body.insert(len(body) - 1, parse_xml(block.replace(">", f" {nsdecls('w')}>", 1)))
    document.save(path)
    return path


def run_of(text, tag="t"):
    return f'<w:r><w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


BY = 'w:id="1" w:author="a" w:date="2024-01-01T00:00:00Z"'
SHAPE = 'xmlns:v="urn:schemas-microsoft-com:vml"'


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([f"<w:p>{run_of('P07: I was ')}<w:ins {BY}>{run_of('not ')}</w:ins>{run_of('there.')}</w:p>"],
         ["I was not there."]),
        ([f"<w:p>{run_of('P07: I was ')}<w:del {BY}>{run_of('not ', 'delText')}</w:del>{run_of('there.')}</w:p>"],
         ["I was there."]),
        ([f"<w:p>{run_of('P07: One. ')}<w:moveFrom {BY}>{run_of('Two. ')}</w:moveFrom>{run_of('Three. ')}"
          f"<w:moveTo {BY}>{run_of('Two.')}</w:moveTo></w:p>"], ["One. Three. Two."]),
        ([f"<w:p><w:pPr><w:rPr><w:del {BY}/></w:rPr></w:pPr>{run_of('P07: One, ')}</w:p>",
          f"<w:p>{run_of('two.')}</w:p>"], ["One, two."]),
        ([f"<w:p>{run_of('P07: My branch is ')}<w:sdt><w:sdtContent>{run_of('in town')}</w:sdtContent></w:sdt></w:p>"],
         ["My branch is in town"]),
        ([f"<w:sdt><w:sdtContent><w:p>{run_of('P07: All of it.')}</w:p></w:sdtContent></w:sdt>"], ["All of it."]),
        ([f"<w:p>{run_of('P07: See the box.')}<w:r><w:pict><v:shape {SHAPE}><v:textbox><w:txbxContent><w:p>"
          f"{run_of('It was aside.')}</w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"],
         ["See the box.\nIt was aside."]),
        (["<w:tbl><w:tr><w:tc><w:tbl>"
          f"<w:tr><w:tc><w:p>{run_of('P07')}</w:p></w:tc><w:tc><w:p>{run_of('Within.')}</w:p></w:tc></w:tr>"
          "</w:tbl><w:p/></w:tc></w:tr></w:tbl>"], ["Within."]),
        ([f"<w:tbl><w:tr><w:tc><w:p>{run_of('P07')}</w:p></w:tc><w:tc><w:p>{run_of('Yes')}</w:p></w:tc>"
          f"<w:tc><w:p>{run_of('Yes')}</w:p></w:tc></w:tr></w:tbl>"], ["Yes Yes"]),
        ([f"<w:p>{run_of('P07: A')}<w:r><w:tab/></w:r><w:hyperlink>{run_of('link')}</w:hyperlink></w:p>"],
         ["A\tlink"]),
    ],
    ids=["inserted", "deleted", "moved", "joined", "control", "control of blocks", "box", "nested", "twins", "link"],
)  # fmt: skip
def test_what_word_keeps_in_other_places_is_read(tmp_path, blocks, expected):
    path = word_of(tmp_path / "t.docx", *blocks)
    units = transcripts.read_transcripts(path)
    assert units["text"].tolist() == expected
    whole = transcripts.read_documents(path).loc[0, "text"]
    assert [whole[u.start : u.end] for u in units.itertuples()] == expected


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ('<w:r><w:commentReference w:id="0"/></w:r>', "comments"),
        ('<w:r><w:footnoteReference w:id="2"/></w:r>', "footnotes"),
        ('<w:r><w:endnoteReference w:id="2"/></w:r>', "endnotes"),
        ("<w:r><w:object/></w:r>", "an embedded object"),
    ],
)
def test_what_is_not_read_of_a_word_document_is_refused_by_name(tmp_path, mark, told):
    path = word_of(tmp_path / "t.docx", f"<w:p>{run_of('P07: Yes.')}{mark}</w:p>")
    with pytest.raises(UserError, match=rf"t\.docx: holds {told}, which are not read"):
        transcripts.read_transcripts(path)


def open_of(path, body):
    """A transcript in OpenDocument whose body is made of pieces of its XML."""
    names = {"office": "office", "text": "text", "table": "table", "draw": "drawing"}
    spaces = " ".join(f'xmlns:{a}="urn:oasis:names:tc:opendocument:xmlns:{b}:1.0"' for a, b in names.items())
    head = "".join(f"<text:p>{line}</text:p>" for line in LINES[1:3])
    content = (
        f"<office:document-content {spaces}><office:body><office:text>{head}{body}</office:text></office:body>"
        "</office:document-content>"
    )
    return container(path, [("mimetype", b""), ("content.xml", content.encode())])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<text:tracked-changes><text:changed-region><text:deletion><text:p>P07: Gone.</text:p></text:deletion>"
         "</text:changed-region></text:tracked-changes><text:p>P07: Left.</text:p>", ["Left."]),
        ("<text:p>P07: See <draw:frame><draw:text-box><text:p>aside</text:p></draw:text-box></draw:frame>it.</text:p>",
         ["See it.\naside"]),
        ("<table:table><table:table-row><table:table-cell><text:p>P07</text:p></table:table-cell>"
         "<table:table-cell><text:p>In a table.</text:p></table:table-cell></table:table-row></table:table>",
         ["In a table."]),
        ('<text:list><text:list-item><text:p>P07: One<text:s text:c="2"/>two.</text:p></text:list-item></text:list>',
         ["One  two."]),
    ],
)  # fmt: skip
def test_what_opendocument_keeps_in_other_places_is_read_once(tmp_path, body, expected):
    assert transcripts.read_transcripts(open_of(tmp_path / "t.odt", body))["text"].tolist() == expected


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("<office:annotation><text:p>who?</text:p></office:annotation>", "comments"),
        (
            "<text:note><text:note-body><text:p>who?</text:p></text:note-body></text:note>",
            "footnotes or endnotes",
        ),
    ],
)
def test_what_is_not_read_of_opendocument_is_refused_by_name(tmp_path, mark, told):
    with pytest.raises(UserError, match=rf"t\.odt: holds {told}"):
        transcripts.read_transcripts(open_of(tmp_path / "t.odt", f"<text:p>P07: Yes{mark}.</text:p>"))


def test_without_speakers_each_paragraph_is_a_unit(tmp_path):
    (tmp_path / "C9.txt").write_text(
        "Participant: C9\nGroup: customer\n\nFirst thought.\n\nSecond thought.\n"
    )
    assert transcripts.read_transcripts(tmp_path / "C9.txt")["text"].tolist() == [
        "First thought.",
        "Second thought.",
    ]


def test_facts_from_a_list_beside_the_transcripts(tmp_path):
    (tmp_path / "talk.txt").write_text("Q: Hello?\nA: Hello.\n")
    with pytest.raises(UserError, match=r"talk\.txt: participant is '' and group is ''"):
        transcripts.read_transcripts(tmp_path)
    (tmp_path / "participants.csv").write_text("document,participant,group\ntalk,C3,customer\n")
    units = transcripts.read_transcripts(tmp_path)
    assert units[["participant", "group", "text"]].values.tolist() == [["C3", "customer", "Hello."]]


def test_chinese_labels_and_a_turn_that_looks_like_a_head(tmp_path):
    lines = ["群体：客户", "问：您觉得呢？", "受访者：我觉得银行应该先问清楚我想做什么，再来谈利率和期限。"]
    (tmp_path / "C8.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "participants.csv").write_text("document,participant,group\nC8,C8,customer\n")
    units = transcripts.read_transcripts(tmp_path)
    assert units[["participant", "group", "question"]].values.tolist() == [["C8", "customer", "您觉得呢？"]]
    assert units["text"].tolist() == [lines[2].removeprefix("受访者：")]


def test_two_files_of_one_document_are_refused(tmp_path):
    as_txt(tmp_path / "t.txt"), as_docx(tmp_path / "t.docx")
    with pytest.raises(UserError, match="document t is there twice"):
        transcripts.read_transcripts(tmp_path)


def test_files_that_are_no_transcripts(tmp_path):
    with pytest.raises(UserError, match="no transcript"):
        transcripts.read_transcripts(tmp_path)
    (tmp_path / "x.rtf").write_text("{}")
    with pytest.raises(UserError, match=r"transcripts are \.txt, \.docx, \.odt"):
        transcripts.read_transcripts(tmp_path / "x.rtf")
    (tmp_path / "x.docx").write_text("no zip")
    with pytest.raises(UserError, match="not a zip container"):
        transcripts.read_transcripts(tmp_path / "x.docx")
    (tmp_path / "y.txt").write_text("Participant: C9\nGroup: customer\nI: Only questions?\n")
    with pytest.raises(UserError, match="no turn of the participant"):
        transcripts.read_transcripts(tmp_path / "y.txt")


# --- containers of unknown origin -------------------------------------------------------------------------------------


def container(path, members, base=None):
    """Write a zip; with `base`, its members come first."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        if base is not None:
            with zipfile.ZipFile(base) as source:
                for name in source.namelist():
                    if name not in {m if isinstance(m, str) else m.filename for m, _ in members}:
                        target.writestr(name, source.read(name))
        for member, data in members:
            target.writestr(member, data)
    return path


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


XXE = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'
WIDE = XXE.decode().replace("?>", ' encoding="UTF-16"?>').encode("utf-16")  # hidden from a search for bytes
BILLION = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><d>&b;</d>'


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("../evil.xml", b"<a/>")], "points outside"),
        ([("/etc/evil.xml", b"<a/>")], "points outside"),
        ([("C:/evil.xml", b"<a/>")], "points outside"),
        ([("word\\..\\..\\evil", b"x")], "points outside"),
        ([(link("word/link"), b"/etc/passwd")], "is a link or device"),
        ([("big.bin", b"\x00" * (30 * 2**20))], "unpacks to 31,457,280 bytes"),
        ([("content.xml", XXE)], "document type definition"),
        ([("content.xml", BILLION)], "document type definition"),
        ([("content.xml", WIDE)], "document type definition"),
        ([("content.xml", b"<!--" + b" " * 70_000 + b"-->" + XXE[21:])], "no root element"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [as_docx, as_odt])
def test_hostile_containers_are_refused(tmp_path, make, members, told):
    base = make(tmp_path / ("base" + make.__name__.replace("as_", ".")))
    path = container(tmp_path / f"evil{base.suffix}", members, base)
    with pytest.raises(UserError) as error:
        transcripts.read_transcripts(path)
    assert told in str(error.value)


def test_a_part_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "twice.docx"
    with zipfile.ZipFile(path, "w") as target, pytest.warns(UserWarning, match="Duplicate"):
        target.writestr("a.xml", "<a/>")
        target.writestr("a.xml", "<b/>")
    with pytest.raises(UserError, match="there twice"), archive.open_archive(path):
        pass


def test_an_encrypted_part_is_refused(tmp_path):
    path = container(tmp_path / "e.docx", [("a.xml", b"<a/>")])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="is encrypted"), archive.open_archive(path):
        pass


def test_too_many_parts_are_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for n in range(limits.most("archive_parts") + 1):
            target.writestr(f"{n}", b"")
    (tmp_path / "many.odt").write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match="10,001 parts"), archive.open_archive(tmp_path / "many.odt"):
        pass
