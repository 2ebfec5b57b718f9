"""The field kit: guides, information sheets, consent form, data handling, field notes, sampling plan, questionnaires.

Every document is made by one template from wording that is data: `data/definitions/field_kit.yml` holds documents,
sections and blocks in English and Chinese; the questions come from the guides and the items. What nobody has filled in
stays as a visible blank.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_PARAGRAPH_ALIGNMENT, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from research.errors import UserError, nearest, visible
from research.fieldwork.instruments.items import background_questions, survey_items
from research.fieldwork.instruments.workbook import EPOCH, without_times
from research.files.inert import write_csv
from research.files.textfiles import parse_yaml, read_csv, read_text
from research.files.wholefiles import whole
from research.paths import DEFINITIONS

REPORTING = "field_kit_reporting.csv"
SOURCES = ("field_kit.yml", "interview_guides.yml", "survey_items.csv", "survey_background.csv", "claims.csv")
BOX = "☐"
_LONGEST = 300  # characters of what is filled in
_WIDTH = 17.0  # cm between the margins
_LOOKS = {  # points, bold, space before and after, colour
    "Normal": (10.5, False, 0, 5, "000000"), "Title": (20, True, 0, 10, "1F3A5F"),
    "Heading 1": (13, True, 12, 4, "1F3A5F"), "Heading 2": (11, True, 8, 4, "1F3A5F"),
    "Question": (11, True, 8, 3, "000000"), "Point": (10.5, False, 0, 3, "000000"),
    "Tick": (10.5, False, 0, 5, "000000"), "Cell": (9.5, False, 2, 2, "000000"),
    "Column": (9, True, 2, 2, "1F3A5F"), "Gap": (5, False, 0, 0, "000000"),
    "Header": (8.5, False, 0, 0, "55606E"), "Footer": (8.5, False, 0, 0, "55606E"),
}  # fmt: skip
_KEPT = ("Table Grid", "Normal Table", "Default Paragraph Font", "No List")
_HANGING = {"Question": 1.9, "Tick": 0.8, "Point": 0.5}  # cm
Text = Mapping[str, str] | str | None


def definitions(name: str = "field_kit.yml") -> dict[str, Any]:
    """Return one of the YAML files that the kit is made from."""
    return parse_yaml(read_text(DEFINITIONS / name), name)


def wording() -> str:
    """Return the version of all that the kit is made from: 10 hex digits, printed at the foot of each page."""
    texts = [read_text(DEFINITIONS / name).replace("\r\n", "\n") for name in SOURCES]
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()[:10]


def read_values(given: Mapping[str, str]) -> dict[str, str]:
    """Return what is written into the blanks, those that have a value of their own included.

    Raises:
        UserError: an unknown blank, or a value that cannot be printed there.
    """
    blanks = definitions()["blanks"]
    found = {name: one["value"] for name, one in blanks.items() if "value" in one}
    for name, value in given.items():
        if name not in blanks:
            raise UserError(f"-p {name}: no such blank{nearest(name, blanks)}")
        text = value.strip()
        if blanks[name].get("whole") and not re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII):
            raise UserError(f"-p {name}: found '{value}', expected a whole number above 0")
        if not 0 < len(text) <= _LONGEST or visible(text) != text or "\n" in text:
            raise UserError(f"-p {name}: found '{value}', expected one line of 1 to {_LONGEST} characters")
        found[name] = text
    return found


def write_kit(out: Path, language: str, values: Mapping[str, str]) -> list[Path]:
    """Write each document of the kit in a language ("en" or "zh"), and the table of reporting items; return the paths.

    `values` are those of `read_values`. Equal values and definitions give equal bytes.
    """
    made = {}
    for name, document in documents(language, values):
        buffer = io.BytesIO()
        document.save(buffer)
        made[out / f"{name}_{language}.docx"] = without_times(buffer.getvalue())
    for path, content in made.items():
        with whole(path) as new:
            new.write_bytes(content)
    return [*made, write_csv(read_csv(DEFINITIONS / REPORTING), out / "reporting.csv")]


def documents(language: str, values: Mapping[str, str]) -> Iterator[tuple[str, Document]]:
    """Yield the name and the content of each document; those for several groups once for each."""
    content = definitions() | {"guides": definitions("interview_guides.yml"), "mark": wording()}
    for told in content["documents"]:
        for group in told.get("for", [""]):
            page = _Page(content, language, values, group)
            yield f"{told['id']}_{group}".rstrip("_"), page.document(told)


class _Page:
    """A document in the making: its language, what is filled in, and the group of people that it is for."""

    def __init__(self, content: dict[str, Any], language: str, values: Mapping[str, str], group: str) -> None:
        self.content, self.language, self.values, self.group = content, language, dict(values), group
        if group:
            self.values["group"] = self.content["groups"][group][language]
            self.values["items"] = str(len(survey_items(group=group)))
        self.made = docx.Document()
        style(self.made, language)

    def document(self, told: Mapping[str, Any]) -> Document:
        """Return the document: title, sections with their blocks, header and footer."""
        title = told["title"][self.language].format(**self.values)
        about = self.made.core_properties
        about.title, about.author, about.language = title, self.content["study"]["en"], self.language
        about.created, about.modified, about.comments = EPOCH, EPOCH, self.content["mark"]
        self._frame(title)
        self.say(title, "Title")
        for section in told["sections"]:
            self.say(section["title"], "Heading 1")
            self.made.paragraphs[-1].paragraph_format.page_break_before = section.get("new_page", False)
            for block in section["blocks"]:
                if block.get("only", self.group) == self.group:
                    self._block(block)
        return self.made

    def _frame(self, title: str) -> None:
        """Write study, version and title above each page; wording and page number below."""
        section = self.made.sections[0]
        version = f"{self.word('version')} {self.values['version']}"
        section.header.paragraphs[0].text = f"{self.content['study'][self.language]} · {version}\t{title}"
        foot = section.footer.paragraphs[0]
        foot.text = self.word("wording").format(hash=self.content["mark"]) + "\t"
        for part in re.split(r"\{(pages?)\}", self.word("page")):
            code = {"page": "PAGE", "pages": "NUMPAGES"}.get(part)
            if code is None:
                foot.add_run(part)
            else:  # what the reader's program computes
                field = f'<w:fldSimple {nsdecls("w")} w:instr="{code}"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
                section.footer.part.element[-1].append(parse_xml(field))

    def _block(self, block: Mapping[str, Any]) -> None:
        for one in [block["say"]] if "say" in block else []:
            self.say(one)
        for one in block.get("list", []):
            self.say(one, "Point", "•\t")
        for one in block.get("tick", []):
            self.say(one, "Tick", f"{BOX}\t")
        if "fill" in block:
            self.table([], [[one, None] for one in block["fill"]], [6.5, _WIDTH - 6.5], height=0.95)
        if "grid" in block:
            grid, count = block["grid"], len(block["grid"]["columns"])
            rows = grid.get("rows", [])
            first = grid.get("first", [None] * rows if isinstance(rows, int) else [])
            body = [[label] + [None] * (count - 1) for label in first] or rows
            height = 0.9 if "first" in grid else 1.6 if first else 0
            self.table(grid["columns"], body, grid.get("widths", [_WIDTH / count] * count), height=height)
        if "insert" in block:
            getattr(self, f"_{block['insert']}")()

    def _guide(self) -> None:
        """The questions of the group's guide, with their probes."""
        guide = self.content["guides"][self.group]
        opening, closing = ({"id": self.word(name), **guide[name]} for name in ("opening", "closing"))
        for question in (opening, *guide["questions"], closing):
            self.say(question, "Question", f"{question['id']}\t")
            for probe in question.get(f"probes_{self.language}", []):
                self.say(probe, "Point", "•\t")

    def _purposes(self) -> None:
        """What each question is for: topics of the source, and the claims that speak of them."""
        claims, rows = read_csv(DEFINITIONS / "claims.csv"), []
        said = {"en": "statement", "zh": "statement_zh"}[self.language]
        for question in self.content["guides"][self.group]["questions"]:
            named = {one: self.content["topics"].get(one, {}) for one in question["relates_to"]}
            topics = [f"{one} {topic.get(self.language, '')}" for one, topic in named.items()]
            spoken = claims[claims["benefit"].isin(question["relates_to"])]
            lines = [f"{claim} {words}" for claim, words in zip(spoken["claim"], spoken[said], strict=True)]
            rows.append([question["id"], "\n".join(topics), "\n".join(lines) or "–"])
        self.table([self.word(one) for one in ("question", "topics", "claims")], rows, [1.8, 6.2, 9])

    def _background(self) -> None:
        """The background questions of the group, with a box for each choice."""
        for row in background_questions(group=self.group).to_dict("records"):
            self.say(row[f"wording_{self.language}"], "Heading 2")
            self.say("     ".join(f"{BOX} {one}" for one in row[f"choices_{self.language}"]))

    def _statements(self) -> None:
        """The items of the group, part by part, with a box for each point of the scale."""
        items, points = survey_items(group=self.group), self.content["agreement"]
        for part in self.content["parts"]:
            chosen = items[items["item"].str.startswith(tuple(part.get("letters", [""])))]
            items = items.drop(chosen.index)
            self.say(part, "Heading 2")
            for (low, high), same in chosen.groupby(["scale_min", "scale_max"], sort=False):
                scale = points if (low, high) == (1, len(points)) else [str(n) for n in range(low, high + 1)]
                said = zip(same["item"], same[f"wording_{self.language}"], strict=True)
                rows = [[item, words, *[BOX] * len(scale)] for item, words in said]
                columns = [self.word("item"), self.word("statement"), *scale]
                self.table(columns, rows, [1.4, 8.1, *[7.5 / len(scale)] * len(scale)])

    def word(self, name: str) -> str:
        """Return a word of the template."""
        return self.content["words"][name][self.language]

    def say(self, text: Text, look: str = "Normal", before: str = "", place: Any = None) -> None:
        """Add a paragraph, or write one of a cell; blanks for which nothing is given stand out."""
        paragraph = place or self.made.add_paragraph()
        paragraph.style = look
        paragraph.add_run(before)
        said = text if isinstance(text, str) else (text or {}).get(self.language, "")
        for number, part in enumerate(re.split(r"\{(\w+)\}", said)):
            if number % 2 and part not in self.values:
                blank = self.content["blanks"][part]
                name = "" if blank.get("whole") else f"{blank[self.language]}{self.word('colon')}"
                paragraph.add_run(f"[{name}________]", "Blank")
            else:
                paragraph.add_run(self.values[part] if number % 2 else part)

    def table(
        self,
        columns: Sequence[Text],
        rows: Sequence[Sequence[Text]],
        widths: Sequence[float],
        height: float = 0,
    ) -> None:
        """Add a table; a cell of None is to be written in, `height` is the least of a row in cm."""
        table = self.made.add_table(0, len(widths), "Table Grid")
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        for number, cells in enumerate([*([columns] if columns else []), *rows]):
            row, heading = table.add_row(), bool(columns) and number == 0
            row.height = Cm(height) if height and not heading else None
            for cell, text, width in zip(row.cells, cells, widths, strict=True):
                cell.width = Cm(width)
                cell.paragraphs[0].alignment = WD_PARAGRAPH_ALIGNMENT.CENTER if text == BOX else None
                self.say(text, "Column" if heading else "Cell", place=cell.paragraphs[0])
        last = self.made.element.body[-2]  # the setup of the page comes after it
        for number, row in enumerate(last.iter(qn("w:tr"))):
            again = "<w:tblHeader/>" if columns and number == 0 else ""
            kept = parse_xml(f"<w:trPr {nsdecls('w')}><w:cantSplit/>{again}</w:trPr>")
            row.get_or_add_trPr().extend(list(kept))
        self.say("", "Gap")


def style(document: Document, language: str) -> None:
    """Give a document the look of the kit: A4, margins, and every style with a Latin and an East Asian font."""
    page, styles = document.sections[0], document.styles
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm((21 - _WIDTH) / 2)
    page.top_margin = page.bottom_margin = Cm(2.2)
    # Every use of a style looks through all of them. Those of lists stay: the numbering of the file names them.
    for one in list(styles):
        if one.name not in (*_LOOKS, *_KEPT) and not one.name.startswith("List "):
            one.delete()
    # links to styles that are gone, and a line under titles
    for odd in list(styles.element.iter(qn("w:link"), qn("w:pBdr"))):
        odd.getparent().remove(odd)
    blank = styles.add_style("Blank", WD_STYLE_TYPE.CHARACTER)
    blank.element.get_or_add_rPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="FFF2B3"/>'))
    for name, (size, bold, before, after, colour) in _LOOKS.items():
        look = styles[name] if name in styles else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        properties = look.element.get_or_add_rPr()
        fonts = properties.get_or_add_rFonts()
        fonts.attrib.clear()  # the fonts of a theme would go before these
        eastern = "SimHei" if bold and language == "zh" else "SimSun"
        named = {"ascii": "Arial", "hAnsi": "Arial", "cs": "Arial", "eastAsia": eastern}
        for kind, font in (named | ({"hint": "eastAsia"} if language == "zh" else {})).items():
            fonts.set(qn(f"w:{kind}"), font)
        look.font.size, look.font.bold, look.font.color.rgb = Pt(size), bold, RGBColor.from_string(colour)
        space, indent = look.paragraph_format, _HANGING.get(name)
        space.space_before, space.space_after, space.line_spacing = Pt(before), Pt(after), 1.15
        space.keep_with_next = name in ("Title", "Heading 1", "Heading 2", "Question")
        if indent:
            space.left_indent, space.first_line_indent = Cm(indent), Cm(-indent)
            space.tab_stops.add_tab_stop(Cm(indent))
        if name in ("Header", "Footer"):
            space.tab_stops.clear_all()
            space.tab_stops.add_tab_stop(Cm(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    tongue = parse_xml(f'<w:lang {nsdecls("w")} w:val="en-GB" w:eastAsia="zh-CN"/>')
    styles["Normal"].element.get_or_add_rPr().append(tongue)
