"""`research fieldwork kit`: complete in both languages, every item asked, every blank seen, the same bytes."""

from __future__ import annotations

import re
import shutil

import docx
import pandas as pd
import pytest
import yaml
from docx.oxml.ns import qn
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.fieldwork import kit
from research.fieldwork.instruments.items import GROUPS, background_questions, survey_items
from research.paths import DEFINITIONS

LANGUAGES = ("en", "zh")
CONTENT = kit.definitions()
FILLED = kit.read_values(
    {name: "7" if one.get("whole") else f"filled {name}" for name, one in CONTENT["blanks"].items()}
)
NAMES = {
    *(f"{one}_{group}" for one in ("guide", "information", "questionnaire") for group in GROUPS),
    *("consent", "data_handling", "field_notes", "sampling"),
}
REPORTING = pd.read_csv(DEFINITIONS / kit.REPORTING, dtype=str, keep_default_na=False)


def said(value):
    """Yield every pair of wordings in the definitions of the kit."""
    if isinstance(value, dict) and "en" in value:
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from said(one)


def text_of(document) -> str:
    """Return what a reader sees on the pages of a document, header and footer left out."""
    return "\n".join(written(one) for one in document.element.body.iter(qn("w:p")))


def written(paragraph) -> str:
    """Return the text of a paragraph in the file, tabs and breaks as Python writes them."""
    marks = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:rPr"): ""}
    runs = paragraph.iterchildren(qn("w:r"))
    return "".join(marks.get(one.tag, one.text or "") for run in runs for one in run.iterchildren())


def cells_of(document) -> list[list[str]]:
    """Return the cells of all tables, row by row."""
    return [
        ["\n".join(map(written, cell.iter(qn("w:p")))) for cell in row.iter(qn("w:tc"))]
        for row in document.element.body.iter(qn("w:tr"))
    ]


@pytest.fixture(scope="module", params=LANGUAGES)
def made(request):
    """The documents of a language without and with everything filled in."""
    empty = dict(kit.documents(request.param, kit.read_values({})))
    return request.param, empty, dict(kit.documents(request.param, FILLED))


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_every_sentence_is_there_in_both_languages_with_the_same_blanks():
    pairs = list(said(CONTENT))
    assert len(pairs) > 250
    for pair in pairs:
        assert bool(pair["en"]) == bool(pair["zh"]), pair
        assert not re.search("[\u4e00-\u9fff]", pair["en"]), pair
        assert sorted(re.findall(r"\{(\w+)\}", pair["en"])) == sorted(re.findall(r"\{(\w+)\}", pair["zh"])), (
            pair
        )
        if re.search("[a-z]{3}", pair["en"]):
            assert re.search("[\u4e00-\u9fff]", pair["zh"]), pair
            assert not re.search(r"[\u4e00-\u9fff][,;?!:]|[\u4e00-\u9fff]\.(?!\w)", pair["zh"]), pair


def test_every_document_of_the_kit_is_made(made):
    language, empty, _ = made
    assert set(empty) == NAMES
    for name, document in empty.items():
        group = next((one for one in GROUPS if name.endswith(one)), "")
        title = next(one["title"][language] for one in CONTENT["documents"] if name.startswith(one["id"]))
        assert document.paragraphs[0].text == title.format(
            group=CONTENT["groups"].get(group, {}).get(language)
        )


def test_pages_are_a4_and_say_which_study_version_and_wording_they_are(made):
    language, _, filled = made
    for document in filled.values():
        (page,) = document.sections
        assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
        head, foot = page.header.paragraphs[0], page.footer.paragraphs[0]
        assert head.text.startswith(CONTENT["study"][language]) and "filled version" in head.text
        assert head.text.endswith(document.paragraphs[0].text)
        assert kit.wording() in foot.text
        assert document.core_properties.comments == kit.wording()
        fields = [one.get(qn("w:instr")) for one in page.footer.part.element.iter(qn("w:fldSimple"))]
        assert fields == ["PAGE", "NUMPAGES"]


def test_every_style_in_use_has_an_east_asian_font_and_none_of_a_theme(made):
    language, empty, _ = made
    for document in empty.values():
        used = {paragraph.style.name for paragraph in document.paragraphs} | {
            "Cell", "Column", "Header", "Footer",
        }  # fmt: skip
        for name in used:
            fonts = document.styles[name].element.rPr.rFonts
            assert fonts.get(qn("w:eastAsia")) in ("SimSun", "SimHei"), name
            assert not [key for key in fonts.keys() if "Theme" in key]  # noqa: SIM118 (an XML element)
            assert (fonts.get(qn("w:hint")) == "eastAsia") == (language == "zh")


def test_what_is_not_filled_in_stands_out_and_what_is_filled_in_is_there(made):
    _, empty, filled = made
    for name, document in empty.items():
        marked = [
            run for one in document.element.iter(qn("w:r")) if (run := one.find(qn("w:rPr"))) is not None
        ]
        blank = [one for one in marked if one.find(qn("w:rStyle")) is not None]
        assert len(blank) == text_of(document).count("________]"), name
        assert "________" not in text_of(filled[name]), name
        assert not re.search(r"\{\w+\}", text_of(document) + text_of(filled[name])), name
    everything = "\n".join(map(text_of, filled.values()))
    assert all(
        f"filled {name}" in everything for name, one in CONTENT["blanks"].items() if not one.get("whole")
    )


def test_a_blank_is_named_in_words(made):
    language, empty, _ = made
    assert CONTENT["blanks"]["bank"][language] in text_of(empty["sampling"])
    assert CONTENT["blanks"]["ethics"][language] in text_of(empty["information_customer"])


@pytest.mark.parametrize("group", GROUPS)
def test_the_questionnaire_asks_every_item_of_the_group_and_no_other(made, group):
    language, empty, _ = made
    document = empty[f"questionnaire_{group}"]
    rows = cells_of(document)
    asked = [row for row in rows if row.count(kit.BOX) == 5]
    items = survey_items(group=group)
    assert [row[:2] for row in asked] == items[["item", f"wording_{language}"]].to_numpy().tolist()
    points = [one[language] for one in CONTENT["agreement"]]
    assert sum(row[2:] == points for row in rows) == len(CONTENT["parts"])
    text = text_of(document)
    for question in background_questions(group=group).to_dict("records"):
        assert question[f"wording_{language}"] in text
        assert all(f"{kit.BOX} {one}" in text for one in question[f"choices_{language}"])
    assert str(len(items)) in text


def test_an_item_of_another_name_or_scale_is_printed_too(monkeypatch):
    items = survey_items(group="customer").iloc[:3].assign(item=["X_1", "C1_1", "C1_2"])
    items["scale_max"] = [7, 5, 7]
    monkeypatch.setattr(kit, "survey_items", lambda group: items)
    document = dict(kit.documents("en", FILLED))["questionnaire_customer"]
    rows = cells_of(document)
    assert {row[0]: row.count(kit.BOX) for row in rows if kit.BOX in row} == {"X_1": 7, "C1_1": 5, "C1_2": 7}


@pytest.mark.parametrize("group", GROUPS)
def test_the_guide_has_every_question_and_says_what_it_is_for(made, group):
    language, empty, _ = made
    guide = yaml.safe_load((DEFINITIONS / "interview_guides.yml").read_text(encoding="utf-8"))[group]
    text = text_of(empty[f"guide_{group}"])
    purposes = {row[0]: row for row in cells_of(empty[f"guide_{group}"])}
    claims = pd.read_csv(DEFINITIONS / "claims.csv")
    for question in guide["questions"]:
        assert all(one in text for one in (question[language], *question.get(f"probes_{language}", [])))
        topics = purposes[question["id"]][1]
        assert topics.split("\n") == [
            f"{one} {CONTENT['topics'][one][language]}" for one in question["relates_to"]
        ]
        spoken = claims[claims["benefit"].isin(question["relates_to"])]["claim"]
        assert re.findall(r"^H\d[a-c]", purposes[question["id"]][2], re.MULTILINE) == list(spoken)
    assert guide["opening"][language] in text and guide["closing"][language] in text


def test_people_are_told_what_concerns_them_alone(made):
    _, empty, _ = made
    only = [block for one in CONTENT["documents"] for part in one["sections"] for block in part["blocks"]
            if "only" in block]  # fmt: skip
    assert {block["only"] for block in only} == set(GROUPS)
    texts = {name: text_of(document) for name, document in empty.items()}
    for block in only:
        words = re.split(r"\{\w+\}", next(said(block))[made[0]])[0]
        seen = {name for name, text in texts.items() if words in text}
        assert seen and all(name.endswith(block["only"]) for name in seen), words


def places() -> set[tuple[str, str]]:
    """Return (document, section) of the kit; questions of a guide are sections."""
    found = {(one["id"], section["id"]) for one in CONTENT["documents"] for section in one["sections"]}
    guides = kit.definitions("interview_guides.yml")
    return found | {("guide", question["id"]) for group in GROUPS for question in guides[group]["questions"]}


def test_the_table_of_reporting_answers_every_item_of_coreq_cross_and_the_source():
    for name in ("coreq", "cross"):
        checklist = yaml.safe_load((DEFINITIONS / "checklists" / f"{name}.yml").read_text(encoding="utf-8"))
        listed = REPORTING.loc[REPORTING["list"] == name.upper(), "item"]
        assert list(dict.fromkeys(listed)) == [item["id"] for item in checklist["items"]]
    source = pd.read_csv(DEFINITIONS / "traceability.csv", dtype=str)["id"]
    assert list(dict.fromkeys(REPORTING.loc[REPORTING["list"] == "source", "item"])) == list(source)


def test_the_table_of_reporting_names_places_that_exist_or_says_where_else():
    for row in REPORTING.to_dict("records"):
        if row["document"]:
            assert (row["document"], row["section"]) in places(), row
            assert row["elsewhere"] == row["elsewhere_zh"] == ""
        else:
            assert row["elsewhere"] and re.search("[\u4e00-\u9fff]", row["elsewhere_zh"]), row


def test_what_only_the_researcher_can_say_has_a_place_in_the_kit():
    """Items that the checklists leave to the researcher's declarations are asked for by a document of the kit."""
    for name in ("coreq", "cross"):
        checklist = yaml.safe_load((DEFINITIONS / "checklists" / f"{name}.yml").read_text(encoding="utf-8"))
        open_items = {item["id"] for item in checklist["items"] if item.get("researcher")}
        placed = REPORTING[(REPORTING["list"] == name.upper()) & (REPORTING["document"] != "")]
        assert open_items - set(placed["item"]) <= {"19"}  # thanks: written when the fieldwork is over


def test_the_table_names_just_the_questions_that_are_tied_to_an_item_of_the_source():
    guides = kit.definitions("interview_guides.yml")
    tied = {(item, question["id"]) for group in GROUPS for question in guides[group]["questions"]
            for item in question["relates_to"]}  # fmt: skip
    named = REPORTING[REPORTING["section"].str.fullmatch(r"G\d+")]
    assert set(zip(named["item"], named["section"], strict=True)) == tied
    asked = REPORTING[(REPORTING["list"] == "source") & (REPORTING["section"] == "statements")]["item"]
    assert set(survey_items()["criterion"]) | {"R2", "R3"} == set(asked)


def test_a_kit_is_written_in_both_languages_with_the_same_bytes_and_never_over_what_was_filled_in(tmp_path):
    folder = tmp_path / "kit"
    first = run("kit", folder, "-p", "bank=Example Bank", "-p", "retention_years=10")
    assert first.exit_code == 0, first.exception
    assert "left blank" in first.output and "contact" in first.output and "bank," not in first.output
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {f"{name}_en.docx" for name in NAMES} | {"reporting.csv"}
    assert run("kit", folder, "-p", "bank=Example Bank", "-p", "retention_years=10").exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert run("kit", folder, "--language", "zh").exit_code == 0
    assert len(list(folder.iterdir())) == 2 * len(NAMES) + 1
    signed = docx.Document(str(folder / "consent_en.docx"))
    assert "10" in text_of(signed)
    signed.tables[0].rows[0].cells[1].text = "signed"
    signed.save(str(folder / "consent_en.docx"))
    kept = (folder / "consent_en.docx").read_bytes()
    again = run("kit", folder)
    assert isinstance(again.exception, UserError) and "is not as this command left it" in str(again.exception)
    assert (folder / "consent_en.docx").read_bytes() == kept


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("bnak=x", "-p bnak: no such blank; did you mean 'bank'?"),
        ("bank=", "expected one line of 1 to 300 characters"),
        ("bank=a\nb", "expected one line of 1 to 300 characters"),
        ("bank=" + "x" * 301, "expected one line of 1 to 300 characters"),
        ("bank=a\x07b", "expected one line of 1 to 300 characters"),
        ("retention_years=ten", "-p retention_years: found 'ten', expected a whole number above 0"),
        ("retention_years=0", "expected a whole number above 0"),
        ("bank", "expected name=value"),
    ],
)
def test_a_value_that_cannot_be_printed_is_one_message(tmp_path, given, told):
    result = run("kit", tmp_path / "kit", "-p", given)
    assert isinstance(result.exception, UserError) and told in str(result.exception)
    assert not (tmp_path / "kit").exists()


def test_a_value_is_printed_as_it_is_typed():
    """No telephone number becomes another one, no brace a blank, no bracket a tag."""
    given = {"bank": "Bank {contact} & <Sons>", "contact": " 010-0123 ", "version": "1.10"}
    document = next(one for name, one in kit.documents("en", kit.read_values(given)) if name == "consent")
    sheet = next(
        one for name, one in kit.documents("en", kit.read_values(given)) if name.startswith("information")
    )
    assert "Questions: 010-0123." in text_of(document) and "version 1.10," in text_of(document)
    assert "interviews at Bank {contact} & <Sons>." in text_of(sheet)


def test_another_wording_has_another_mark(tmp_path, monkeypatch):
    before = kit.wording()
    for name in kit.SOURCES:
        shutil.copy(DEFINITIONS / name, tmp_path / name)
    monkeypatch.setattr(kit, "DEFINITIONS", tmp_path)
    assert kit.wording() == before
    for name in kit.SOURCES:
        kept = (tmp_path / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(kept.replace("\n", "\r\n"), encoding="utf-8", newline="")
        assert kit.wording() == before  # a copy with the line ends of Windows is the same wording
        (tmp_path / name).write_text(kept + "\n# changed", encoding="utf-8")
        assert kit.wording() != before
        (tmp_path / name).write_text(kept, encoding="utf-8")
