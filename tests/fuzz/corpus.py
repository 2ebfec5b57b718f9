"""Small sound inputs of every kind, made by the project's own writers or taken from its examples."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import docx
import pandas as pd
from odf import text as odf_text
from odf.opendocument import OpenDocumentText
from openpyxl import load_workbook

from research.collect.tables import read_table
from research.fieldwork import exchange
from research.fieldwork.instruments import codebook, comparison_form, forms, vignette_form
from research.fieldwork.instruments.items import survey_items
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.instruments.workbook import save
from research.fieldwork.interviews import transcripts
from research.manage import contact_workbook
from research.paths import DEFINITIONS, EXAMPLES

DIALOGUE = (
    "Participant: P07\nGroup: 从业人员\nLanguage: en\n\nI: What did you see?\nP07: The score was fine.\n"
    "Nothing else: that is it.\n\nI: And then?\nI went on asking.\nP07：我去看了他的店，电话 010-6655 4433。\n"
    "I: Thank you.\nP07: Mr Smith said 12.5 per cent.\n"
)


def written(write: Callable[[Path], object], name: str) -> bytes:
    """Return the bytes of the file that a writer makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


@cache
def survey() -> bytes:
    """Three practitioners and two customers with every answer."""

    def write(path: Path) -> None:
        book = load_workbook(save(forms.survey_form(rows=4), path))
        for sheet, prefix, people in zip(book.worksheets[1:3], "PC", (3, 2), strict=True):
            for row in range(4, 4 + people):
                for cell in sheet[1]:
                    known = {
                        "respondent_id": f"{prefix}{row - 3}",
                        "consent": "yes 同意",
                        "weight": 1.5,
                        "duration_seconds": 300,
                    }
                    sheet.cell(row, cell.column).value = known.get(str(cell.value))
                    if re.fullmatch(r"[A-Z]\d?_\d", str(cell.value)):
                        sheet.cell(row, cell.column).value = 1 + (row * 7 + cell.column * row) % 5
        book.save(path)

    return written(write, "survey.xlsx")


@cache
def questionnaire() -> bytes:
    """One questionnaire, filled."""

    def write(path: Path) -> None:
        book = load_workbook(save(forms.questionnaire("customer"), path))
        for row in book.worksheets[1].iter_rows() if len(book.worksheets) > 1 else ():
            if re.fullmatch(r"[A-Z]\d?_\d", str(row[0].value)):
                row[-1].value = 4
        book.save(path)

    return written(write, "questionnaire.xlsx")


@cache
def survey_table() -> str:
    """The survey as one table with a column for the group."""
    items = list(survey_items()["item"])
    rows = [["respondent_id", "group", "consent", "weight", *items]]
    rows += [[f"R{n}", group, "yes", "1.5", *[str(1 + (n + k) % 5) for k in range(len(items))]]
             for n, group in enumerate(("practitioner", "customer", "customer"))]  # fmt: skip
    return table_text(rows)


@cache
def units() -> pd.DataFrame:
    """The turns of the dialogue."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "P07.txt"
        path.write_text(DIALOGUE, encoding="utf-8")
        return transcripts.read_transcripts(path)


@cache
def coding() -> bytes:
    """A coding workbook with a code in every segment."""
    book = codebook.read_codebook()
    codes = codebook.assignable(book)

    def write(path: Path) -> None:
        save(forms.coding_form(units(), coder="A", codebook=book), path)
        filled = load_workbook(path)
        sheet = next(
            s
            for s in filled.worksheets
            if any(cell.value == "code_1" for row in s.iter_rows(max_row=12) for cell in row)
        )
        head = next(row for row in sheet.iter_rows(max_row=12) if any(cell.value == "code_1" for cell in row))
        for column in (cell.column for cell in head if str(cell.value).startswith("code_")):
            for row in range(head[0].row + 3, head[0].row + 3 + len(units())):
                sheet.cell(row, column).value = codes[(row * column) % len(codes)]
        filled.save(path)

    return written(write, "coding_A.xlsx")


@cache
def vignettes() -> tuple[bytes, str]:
    """Two experts' tiers of four vignettes, and the key."""
    facts = pd.DataFrame(
        {"loan_amount": [1e4, 2e4, 3e4, 4e4], "income": [5e4, None, 7e4, 8e4], "purpose": list("abcd")}
    )
    facts.index = pd.Index([f"K{n}" for n in range(4)], name="customer_id")
    drawn = vignette_form.draw_vignettes(facts, 4, seed=1)

    def write(path: Path) -> None:
        book = load_workbook(save(vignette_form.vignette_form(drawn, ["E01", "E02"], dataset="own"), path))
        for sheet in (book["E01"], book["E02"]):
            for row in range(6, 10):
                sheet.cell(row, 4).value = "low 低风险层"
        book.save(path)

    key = drawn[["customer_id"]].assign(dataset="own").rename_axis("vignette").to_csv()
    return written(write, "vignettes.xlsx"), key


@cache
def comparisons() -> bytes:
    """Two experts' comparisons."""

    def write(path: Path) -> None:
        book = load_workbook(save(comparison_form.comparison_form(["E01", "E02"]), path))
        for sheet in (book["E01"], book["E02"]):
            for number, pair in enumerate(comparison_pairs().itertuples()):
                sheet.cell(6 + number, 7).value = (pair.left, pair.right, "equal 同等")[number % 3]
                sheet.cell(6 + number, 8).value = (3, 5, 1)[number % 3]
        book.save(path)

    return written(write, "ahp.xlsx")


@cache
def export(platform: str) -> str:
    """An export of a survey platform, as csv."""
    items = survey_items()
    given = [str(1 + n % 5) for n in range(len(items))]
    if platform == "qualtrics":
        ahead = ["Status", "Duration (in seconds)", "Finished", "ResponseId", "consent", "group"]
        rows = [[*ahead, *items["item"]], [*ahead, *items["wording_en"]], ["{}"] * (len(ahead) + len(items))]
        rows += [
            ["IP Address", "431", "True", f"R_{n}", "1", group, *given]
            for n, group in enumerate(("practitioner", "customer"))
        ]
    elif platform == "limesurvey":
        rows = [["id", "submitdate", "interviewtime", "group", "consent", *items["item"]]]
        rows += [
            [str(n), "2024-03-01 10:00:00", "300.5", group, "Y", *given]
            for n, group in enumerate(("practitioner", "customer"))
        ]
    else:
        wordings = [f"{n}、{wording}" for n, wording in enumerate(items["wording_zh"], start=3)]
        rows = [["序号", "所用时间", "1、您的身份", "2、您是否同意参与本研究", *wordings]]
        rows += [[str(n), "215秒", group, "同意", *given] for n, group in enumerate(("从业人员", "客户"))]
    return table_text(rows)


@cache
def mapping(platform: str) -> str:
    """The mapping of a survey platform."""
    return (DEFINITIONS / "platform_mappings" / f"{platform}.yml").read_text(encoding="utf-8")


@cache
def loan_book() -> str:
    """The first loans of the example, as csv."""
    return read_table(EXAMPLES / "loan_book_example.csv").head(12).to_csv(index=False)


@cache
def loan_frame() -> pd.DataFrame:
    """The first loans of the example, as a frame."""
    return read_table(EXAMPLES / "loan_book_example.csv").head(12)


@cache
def loan_workbook() -> bytes:
    """The first loans of the example, as a workbook."""
    return written(lambda path: loan_frame().to_excel(path, index=False), "book.xlsx")


@cache
def crosswalk() -> str:
    """The crosswalk of the example without its absent constructs, reading no direct identifier."""
    table = pd.read_csv(
        EXAMPLES / "loan_book_crosswalk.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
    return table[table["fit"] != "absent"].to_csv(index=False)


@cache
def project() -> exchange.Project:
    """A REFI-QDA project of the dialogue and two codes of it."""
    book = codebook.read_codebook()
    codes = codebook.assignable(book)[:2]
    codings = pd.DataFrame({"coder": "A", "document": "P07", "segment": ["1", "2"], "code": codes})
    memos = pd.DataFrame({"coder": ["A"], "document": ["P07"], "segment": ["1"], "memo": ["so what?"]})
    assigned = pd.DataFrame({"coder": ["A"], "document": ["P07"]})
    documents = pd.DataFrame({"document": ["P07"], "text": [DIALOGUE]})
    return exchange.from_interviews(
        exchange.Interviews(book.head(12), units(), codings, memos, assigned, documents)
    )


@cache
def qda(ending: str) -> bytes:
    """The project as .qdpx, .qde or .qdc."""
    return written(lambda path: exchange.write_qda(project(), path), f"project.{ending}")


@cache
def qda_folder() -> dict[str, bytes]:
    """The project as a folder of tables: name → bytes."""
    with tempfile.TemporaryDirectory() as folder:
        exchange.write_folder(project(), folder)
        made = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in made}


@cache
def dialogue_docx() -> bytes:
    """The dialogue as a Word document, partly in a table."""

    def write(path: Path) -> None:
        document = docx.Document()
        for line in DIALOGUE.split("\n"):
            document.add_paragraph(line)
        cells = document.add_table(rows=1, cols=2).rows[0].cells
        cells[0].text, cells[1].text = "P07", "Because he asked."
        document.save(str(path))

    return written(write, "P07.docx")


@cache
def dialogue_odt() -> bytes:
    """The dialogue as an OpenDocument text."""

    def write(path: Path) -> None:
        document = OpenDocumentText()
        for line in DIALOGUE.split("\n"):
            paragraph = odf_text.P(text=line)
            paragraph.addElement(odf_text.S(c=2))
            document.text.addElement(paragraph)
        document.save(str(path))

    return written(write, "P07.odt")


@cache
def ratings() -> str:
    """Ratings of three coders, one column each."""
    return "unit,A,B,C\n" + "".join(
        f"u{n},{1 + n % 3},{1 + (n + n // 4) % 3},{1 + n % 2}\n" for n in range(8)
    )


@cache
def contact_log() -> bytes:
    """A returned contact plan with two contacts in its log."""
    columns = ["tier_label", "next_contact", "channel", "days_between", "alert", "reasons", "rule", "actions",
               "purpose", "potential_premium", "potential_reason"]  # fmt: skip
    plan = pd.DataFrame(
        [["low", pd.Timestamp("2026-01-05"), "phone", 30, "", "r", "r", "a", "p", False, ""]] * 2,
        columns=columns,
    )
    plan.index = pd.Index(["K1", "K2"], name="customer_id")

    def write(path: Path) -> None:
        start = pd.Timestamp("2026-01-01").date()
        book = load_workbook(contact_workbook.write_contact_plan(plan, path, start_date=start))
        book.remove(book[contact_workbook.PLAN])
        for row, customer in enumerate(("K1", "K2"), start=2):
            entry = ["2026-01-06", customer, "Li", contact_workbook.CHANNELS[0], "reached", 4, "fits"]
            for column, value in enumerate(entry, start=1):
                book[contact_workbook.LOG].cell(row, column).value = value
        book.save(path)

    return written(write, "plan.xlsx")


def table_text(rows: list[list[str]]) -> str:
    """Return rows as csv."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
