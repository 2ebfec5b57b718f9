"""Returned workbooks: every way in which people fill forms, found at its cell and read where it can be."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
import zipfile

import pandas as pd
import pytest
from openpyxl import load_workbook

from research.errors import UserError
from research.fieldwork.instruments import comparison_form, forms, vignette_form
from research.fieldwork.instruments.items import survey_items
from research.fieldwork.instruments.workbook import save
from research.fieldwork.intake.cells import read_choice, read_duration, read_number
from research.fieldwork.intake.check import annotate, check
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.intake.faults import Fault
from research.fieldwork.intake.judgements import read_vignettes
from research.fieldwork.intake.sheets import open_returned
from research.fieldwork.intake.survey import examine_survey, read_survey

PRACTITIONERS, CUSTOMERS = "practitioners 从业人员", "customers 客户"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A survey of three practitioners and two customers, all answers valid."""
    path = save(forms.survey_form(rows=4), tmp_path_factory.mktemp("survey") / "filled.xlsx")
    book = load_workbook(path)
    for name, prefix, n in ((PRACTITIONERS, "P", 3), (CUSTOMERS, "C", 2)):
        sheet = book[name]
        for row in range(4, 4 + n):
            for cell in sheet[1]:
                value = {"respondent_id": f"{prefix}{row - 3}", "consent": "yes 同意"}.get(cell.value)
                if re.fullmatch(r"[A-Z]\d?_\d", cell.value):
                    value = 1 + (row * 7 + cell.column * row) % 5
                sheet.cell(row, cell.column).value = value
    book.save(path)
    return path


@pytest.fixture
def spoil(filled, tmp_path):
    """Return a function that changes a copy of the filled survey and returns its path."""

    def change(edit, name="returned.xlsx"):
        book = load_workbook(filled)
        edit(book)
        book.save(tmp_path / name)
        return tmp_path / name

    return change


def column(sheet, key):
    return next(cell.column_letter for cell in sheet[1] if cell.value == key)


def put(key, row, value, name=PRACTITIONERS):
    def edit(book):
        sheet = book[name]
        sheet[f"{column(sheet, key)}{row}"] = value

    return edit


# --- single cells -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4, 4), (4.0, 4), ("4", 4), ("４", 4), (" 4 ", 4), ("\u200b4", 4), ("4.0", 4), ("四", 4), ("4分", 4),
        ("agree", 4), ("Strongly Agree", 5), ("非常不同意", 1), ("4 agree", 4), ("4、同意", 4), ("4=同意", 4),
        (None, None), ("", None), ("  ", None), ("n/a", None), ("无", None), ("—", None),
    ],
)  # fmt: skip
def test_numbers_that_are_understood(value, expected):
    from research.fieldwork.instruments.layout import ANSWER_LABELS

    reading = read_number(value, 1, 5, labels=ANSWER_LABELS)
    assert reading.value == expected and not reading.lost
    assert bool(reading.found) == (isinstance(value, str) and value != "")


@pytest.mark.parametrize(
    "value",
    [
        0,
        6,
        44,
        -1,
        3.5,
        "6",
        "4-5",
        "不知道",
        "5!",
        "1/5",
        True,
        dt.datetime(2024, 5, 4),
        dt.time(1, 5),
        "5 同意",
    ],
)
def test_numbers_that_are_lost(value):
    from research.fieldwork.instruments.layout import ANSWER_LABELS

    assert read_number(value, 1, 5, labels=ANSWER_LABELS).lost


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(215, 215), ("215", 215), ("215秒", 215), ("3分35秒", 215), ("８分", 480), ("11 min", 660), ("0:11:00", 660),
     ("3:35", 215), ("1小时2分", 3720), (dt.time(0, 3, 35), 215), (dt.timedelta(minutes=2), 120), (None, None)],
)  # fmt: skip
def test_durations(value, seconds):
    assert read_duration(value).value == seconds


def test_duration_that_is_no_duration():
    assert read_duration("long").lost and read_duration(dt.datetime(2024, 1, 1)).lost


@pytest.mark.parametrize(
    "value", ["premium", "premium 优质客户层", "优质客户层", " Premium ", "ＰＲＥＭＩＵＭ"]
)
def test_choices_in_either_language(value):
    assert read_choice(value, {"premium": "premium 优质客户层", "low": "low 低风险层"}).value == "premium"


def test_choice_that_is_none():
    assert read_choice("gold", {"premium": "premium 优质客户层"}).lost


# --- the survey -------------------------------------------------------------------------------------------------------


def test_a_clean_survey_has_no_fault_and_reads_whole(filled):
    assert check(filled) == []
    answers = read_survey(filled)
    assert list(answers.index) == ["P1", "P2", "P3", "C1", "C2"]
    assert list(answers["group"]) == ["practitioner"] * 3 + ["customer"] * 2
    assert "weight" not in answers and "duration_seconds" not in answers
    sheet = load_workbook(filled)[PRACTITIONERS]
    assert answers.loc["P2", "T1_1"] == sheet[f"{column(sheet, 'T1_1')}5"].value
    assert answers.loc[["C1", "C2"], "W_1"].isna().all()  # not asked
    assert answers.loc[["P1", "P2", "P3"], "W_1"].notna().all()
    assert answers[list(survey_items()["item"])].dtypes.eq("float64").all()


ANSWERS = {
    "C1_1": ("４", "note", "'４' (text), read as 4", 4),
    "C1_2": (" 2 ", "note", "' 2 ' (text), read as 2", 2),
    "C1_3": ("同意", "note", "'同意' (text), read as 4", 4),
    "C2_1": ("n/a", "note", "'n/a' (text), read as empty", None),
    "C2_2": (7, "error", "7", None),
    "C2_3": ("不清楚", "error", "'不清楚' (text)", None),
    "C3_1": (dt.datetime(2024, 5, 4), "error", "a date or time (2024-05-04 00:00:00)", None),
    "C3_2": ("=2+2", "error", "a formula without a stored value", None),
    "C3_3": ("#N/A", "error", "'#N/A' (text)", None),
}


def test_answer_faults_are_named_by_cell(spoil):
    def edit(book):
        for item, (value, *_) in ANSWERS.items():
            put(item, 5, value)(book)

    path = spoil(edit)
    sheet = load_workbook(path)[PRACTITIONERS]
    expected = "a whole number from 1 to 5, or empty"
    assert check(path) == [
        Fault(PRACTITIONERS, f"{column(sheet, item)}5", found, expected, level)
        for item, (_, level, found, _) in ANSWERS.items()
    ]
    assert str(check(path)[4]) == f"{PRACTITIONERS}!L5 — 7 — {expected}"
    answers = examine_survey(open_returned(path), survey_items())[0].loc["P2", list(ANSWERS)]
    assert answers.astype(object).where(answers.notna(), None).tolist() == [a[3] for a in ANSWERS.values()]
    with pytest.raises(UserError, match=r"returned\.xlsx: 5 faults"):
        read_survey(path)


def test_a_formula_with_a_stored_value_is_read_and_noted(spoil, tmp_path):
    path = spoil(put("C2_1", 5, "=2+2"))
    stored = tmp_path / "stored.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(stored, "w") as target:
        for name in source.namelist():
            target.writestr(
                name, re.sub(rb"<f>2\+2</f><v ?/?>(</v>)?", b"<f>2+2</f><v>4</v>", source.read(name))
            )
    (fault,) = check(stored)
    assert fault.level == "note" and fault.found == "a formula; its stored value 4.0 was read"
    assert read_survey(stored).loc["P2", "C2_1"] == 4


def test_merged_hidden_and_renamed(spoil):
    def edit(book):
        sheet = book[PRACTITIONERS]
        sheet.merge_cells("H4:H5")
        sheet.row_dimensions[6].hidden = True
        sheet.column_dimensions["I"].hidden = True
        book[CUSTOMERS].title = "客户问卷 (2)"

    faults = {(f.level, f.sheet, f.cell, f.found) for f in check(spoil(edit))}
    assert faults == {
        ("error", PRACTITIONERS, "H4:H5", "merged cells"),
        ("note", PRACTITIONERS, "A6", "a hidden row with answers (read)"),
        ("note", PRACTITIONERS, "I1", "hidden column 'C1_2' (read)"),
        ("note", "客户问卷 (2)", "A1", "a renamed sheet (read as customers)"),
    }


def test_branch_and_tier_are_what_the_bank_fills_in_and_may_be_missing(spoil, filled):
    def edit(book):
        for key, row, value, name in (
            ("tier", 4, "premium 优质客户层", CUSTOMERS), ("tier", 5, "gold", CUSTOMERS),
            ("branch", 4, 12.0, CUSTOMERS), ("branch", 5, " B7 ", PRACTITIONERS),
        ):  # fmt: skip
            put(key, row, value, name)(book)

    path = spoil(edit)
    place = f"{CUSTOMERS}!{column(load_workbook(path)[CUSTOMERS], 'tier')}5"
    assert [str(fault) for fault in check(path)] == [
        f"{place} — 'gold' (text) — premium, low, medium or high, or empty"
    ]
    found = examine_survey(open_returned(path), survey_items())[0]
    assert found["tier"].fillna("").to_dict() == {"P1": "", "P2": "", "P3": "", "C1": "premium", "C2": ""}
    assert found["branch"].to_dict() == {"P1": "", "P2": "B7", "P3": "", "C1": "12", "C2": ""}
    assert not {"tier", "branch"} & set(read_survey(filled).columns)


def test_a_sheet_without_a_telling_name_is_known_by_its_columns(spoil):
    def edit(book):
        book[PRACTITIONERS].title, book[CUSTOMERS].title = "Sheet1", "Sheet2"

    answers = read_survey(spoil(edit))
    assert list(answers["group"]) == ["practitioner"] * 3 + ["customer"] * 2


def test_missing_sheet_older_form_and_missing_columns(spoil):
    def edit(book):
        del book[CUSTOMERS]
        book["_form"]["B2"] = "0123456789"
        sheet = book[PRACTITIONERS]
        sheet.delete_cols(sheet[f"{column(sheet, 'H5_3')}1"].column)

    path = spoil(edit)
    assert [(f.level, f.cell, f.found) for f in check(path)] == [
        ("note", "A1", "no such sheet"),
        ("note", "B2", "form version 0123456789"),
        ("note", "A1", "no column H5_3 (older form)"),
    ]
    assert read_survey(path)["H5_3"].isna().all()


def test_a_missing_column_of_the_present_form_is_an_error(spoil):
    def edit(book):
        sheet = book[PRACTITIONERS]
        sheet.delete_cols(sheet[f"{column(sheet, 'T4_3')}1"].column)

    (fault,) = check(spoil(edit))
    assert (fault.level, fault.found) == ("error", "no column T4_3")


def test_respondents_twice_without_id_without_consent(spoil):
    def edit(book):
        put("respondent_id", 5, " Ｐ1 ")(book)
        put("respondent_id", 6, None)(book)
        put("consent", 4, "no 不同意", CUSTOMERS)(book)
        put("consent", 5, None, CUSTOMERS)(book)

    path = spoil(edit)
    told = [(f.level, f.cell, f.found) for f in check(path)]
    assert told == [
        ("note", "A5", "' Ｐ1 ', read as P1"),
        ("error", "A5", f"respondent P1 a second time (first at {PRACTITIONERS}!A4)"),
        ("error", "A6", "answers without a respondent id"),
        ("note", "B4", "no consent; the row is left out"),
        ("error", "B5", "consent is empty; the row is left out"),
    ]
    assert list(examine_survey(open_returned(path), survey_items())[0].index) == ["P1"]


def test_partly_filled_and_copied_rows(spoil):
    def edit(book):
        sheet = book[PRACTITIONERS]
        for cell in sheet[1]:
            if cell.value and re.fullmatch(r"[TH]\d_\d|C[3-7]_\d", cell.value):
                sheet[f"{cell.column_letter}6"] = None
            if cell.value != "respondent_id":
                sheet[f"{cell.column_letter}5"] = sheet[f"{cell.column_letter}4"].value

    told = [(f.level, f.found) for f in check(spoil(edit))]
    assert told == [("note", "the same answers as respondent P1"), ("note", "42 of 51 answers empty")]


def test_a_title_row_above_the_header_is_no_fault(spoil):
    def edit(book):
        book[PRACTITIONERS].insert_rows(1)
        book[PRACTITIONERS]["A1"] = "2024 年问卷汇总"

    assert len(read_survey(spoil(edit))) == 5


def test_several_files_are_joined_and_a_respondent_in_two_is_refused(filled, spoil):
    with pytest.raises(UserError, match="P1, P2, P3 are in more than one file"):
        read_survey([filled, spoil(lambda book: book.remove(book[CUSTOMERS]))])


def test_macros_workbook_and_password_and_strangers(spoil, tmp_path):
    assert len(read_survey(spoil(lambda book: None, "returned.xlsm"))) == 5
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
    for name, data, told in [
        ("locked.xlsx", ole + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("old.xls", ole + "Workbook".encode("utf-16-le"), "Excel 97–2003"),
        ("page.xlsx", b"<html><table><tr><td>1</td></tr></table></html>", "a web page"),
        ("doc.xlsx", b"%PDF-1.7", "a PDF"),
        ("table.xlsx", b"respondent_id,C1_1\nP1,4\n", "CSV table"),
        ("empty.xlsx", b"", "is empty"),
        ("cut.xlsx", b"PK\x03\x04 not the rest", "damaged"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError) as error:
            check(tmp_path / name)
        assert told in str(error.value) and name in str(error.value)
    with pytest.raises(UserError, match=r"none\.xlsx: no such file"):
        check(tmp_path / "none.xlsx")


def test_a_word_file_named_xlsx(tmp_path):
    import docx

    docx.Document().save(tmp_path / "words.xlsx")
    with pytest.raises(UserError, match="a Word document"):
        check(tmp_path / "words.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_tables_in_the_encodings_and_separators_of_excel(tmp_path, encoding, mark):
    items = list(survey_items(group="customer")["item"])
    rows = [["respondent_id", "group", "loan_type", "duration_seconds", *items]]
    rows += [
        ["C1", "客户", "住房贷款", "3分35秒", *["4"] * len(items)],
        ["C2", "customer", "", "", *["５"] * len(items)],
    ]
    path = tmp_path / "answers.csv"
    path.write_bytes("\n".join(mark.join(row) for row in rows).encode(encoding))
    answers, faults = examine_survey(open_returned(path), survey_items())
    assert answers["C1_1"].tolist() == [4, 5] and answers["loan_type"].tolist()[0] == "housing"
    assert answers["duration_seconds"].tolist()[0] == 215
    assert sum("read as 4" in fault.found for fault in faults) == 0  # a plain 4 in a table is no fault
    assert sum("read as 5" in fault.found for fault in faults) == len(items)


def test_consent_and_choices_typed_in_another_way_are_understood(spoil):
    def edit(book):
        book[PRACTITIONERS]["B4"] = " YES "
        book[CUSTOMERS]["B4"] = "ｙｅｓ"

    answers, faults = examine_survey(open_returned(spoil(edit)), survey_items())
    assert len(answers) == 5 and sum("read as yes" in fault.found for fault in faults) == 2
    options = {"none": "none 无", "one": "one 一笔"}
    assert [read_choice(text, options).value for text in ("none", "无", "none 无", "-", "")] == [
        "none", "none", "none", None, None,
    ]  # fmt: skip


def test_binary_rubbish_named_csv(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\x00\xff\x00\x81\x00")
    with pytest.raises(UserError, match="not text"):
        check(tmp_path / "x.csv")


def test_single_questionnaires_are_read_with_their_own_addresses(tmp_path):
    path = save(forms.questionnaire("customer"), tmp_path / "q.xlsx")
    book = load_workbook(path)
    sheet = book["questionnaire 问卷"]
    rows = {sheet.cell(r, 1).value: r for r in range(1, sheet.max_row + 1)}
    sheet.cell(rows["respondent_id"], 4).value = "C7"
    sheet.cell(rows["consent"], 4).value = "yes 同意"
    for item in survey_items(group="customer")["item"]:
        sheet.cell(rows[item], 4).value = 3
    sheet.cell(rows["S_2"], 4).value = "９"
    book.save(path)
    (fault,) = check(path)
    assert (fault.cell, fault.found) == (f"D{rows['S_2']}", "'９' (text)")
    answers = examine_survey(open_returned(path), survey_items())[0]
    assert answers.loc["C7", "group"] == "customer" and answers.loc["C7", "S_1"] == 3


def test_reading_many_questionnaires_takes_seconds(tmp_path):
    items = list(survey_items(group="customer")["item"])
    lines = [",".join(["respondent_id", "group", *items])]
    lines += [
        ",".join([f"C{n}", "customer", *(str(1 + (n * k + k) % 5) for k in range(len(items)))])
        for n in range(5000)
    ]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    start = time.process_time()
    assert len(read_survey(path)) == 5000
    assert time.process_time() - start < 20  # about 2 s


# --- the annotated copy -----------------------------------------------------------------------------------------------


def test_annotated_copy_marks_each_fault_and_leaves_the_original(spoil, tmp_path):
    def edit(book):
        put("C2_1", 5, 9)(book)
        put("C2_2", 5, "４")(book)
        put("respondent_id", 6, "=P")(book)
        book[PRACTITIONERS].merge_cells("G4:G5")

    path = spoil(edit)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    out = annotate(path, tmp_path / "marked.xlsx")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    book = load_workbook(out)
    sheet = book[PRACTITIONERS]
    wrong, odd = sheet[f"{column(sheet, 'C2_1')}5"], sheet[f"{column(sheet, 'C2_2')}5"]
    assert wrong.value == 9 and "expected 应为: a whole number from 1 to 5" in wrong.comment.text
    assert wrong.fill.fgColor.rgb == "00F4A6A0" and odd.fill.fgColor.rgb == "00FBE08A"
    assert sheet["G4"].comment.text.startswith("merged cells")
    listed = book["faults 问题清单"]
    faults = check(path)
    assert [row[1].value for row in listed.iter_rows(min_row=2)] == [fault.cell for fault in faults]
    assert not any(cell.data_type == "f" for row in listed.iter_rows() for cell in row)
    assert annotate(path, tmp_path / "again.xlsx").read_bytes() == out.read_bytes()


def test_annotated_copy_is_never_the_original(filled):
    with pytest.raises(UserError, match="would replace the original"):
        annotate(filled, filled)
    with pytest.raises(UserError, match=r"must end in \.xlsx"):
        annotate(filled, filled.with_suffix(".pdf"))


def test_annotated_copy_of_a_table(tmp_path):
    items = list(survey_items(group="customer")["item"])
    path = tmp_path / "t.csv"
    path.write_text(f"respondent_id,group,{','.join(items)}\nC1,customer,{','.join('9' for _ in items)}\n")
    book = load_workbook(annotate(path, tmp_path / "t.xlsx"))
    assert book["t"]["C2"].value == 9 and book["t"]["C2"].comment is not None


# --- experts and coders -----------------------------------------------------------------------------------------------


def expert_form(path, answers):
    save(comparison_form.comparison_form(["E1"]), path)
    book = load_workbook(path)
    for row, (side, degree) in enumerate(answers, start=6):
        book["E1"].cell(row, 7).value, book["E1"].cell(row, 8).value = side, degree
    book.save(path)
    return path


def test_comparisons_are_left_over_right(tmp_path):
    answers = [("A", 3), ("C", 5), ("equal 同等", 1), ("equal", None), ("M", "９"), (None, None)]
    judged = read_ahp(expert_form(tmp_path / "a.xlsx", answers))
    assert judged["value"].tolist() == [3, 1 / 5, 1, 1, 1 / 9]
    assert judged.iloc[1][["expert", "set", "left", "right"]].tolist() == ["E1", "abc", "A", "C"]


def test_comparison_faults(tmp_path):
    answers = [("A", dt.datetime(2026, 1, 5)), ("Z", 3), ("equal 同等", 4), ("R", None), ("M", 12), (None, 3)]
    faults = check(expert_form(tmp_path / "a.xlsx", answers))
    assert [(f.cell, f.found) for f in faults] == [
        ("H6", "a date (05 Jan): a fraction was typed"),
        ("G7", "'Z' (text)"),
        ("H8", "equal, but degree 4"),
        ("H9", "empty, though the pair was begun"),
        ("H10", "12"),
        ("G11", "empty, though the pair was begun"),
    ]


def test_vignettes_come_back_with_their_customers(tmp_path):
    people = pd.DataFrame({"loan_amount": [1e3, 2e3, 3e3]}, index=["a", "b", "c"])
    drawn = vignette_form.draw_vignettes(people, 3, seed=2)
    path = save(vignette_form.vignette_form(drawn, ["E1", "E2"], dataset="own"), tmp_path / "v.xlsx")
    vignette_form.write_key(path, drawn, "own")
    book = load_workbook(path)
    for row, tier in enumerate(["premium 优质客户层", "高风险层", None], start=6):
        book["E1"].cell(row, 3).value = tier
    book["E2"]["C6"], book["E2"]["D6"] = "gold", "rich"
    book.save(path)
    assert [f.found for f in check(path) if f.level == "error"] == ["'gold' (text)"]
    book["E2"]["C6"] = book["E2"]["D6"] = None
    book.save(path)
    judged = read_vignettes(path)
    assert judged["tier"].tolist() == ["premium", "high"] and judged["tier"].cat.ordered
    assert judged["customer_id"].tolist() == drawn["customer_id"].tolist()[:2]
    assert set(judged["dataset"]) == {"own"}
    vignette_form.key_of(path).unlink()
    with pytest.raises(UserError, match=r"its key v\.key\.csv is not beside it"):
        read_vignettes(path)


@pytest.fixture
def coded(tmp_path):
    units = pd.DataFrame(
        {
            "document": ["P01"] * 3,
            "segment": ["1", "2", "3"],
            "text": ["a", "b", "c"],
            "participant": "P01",
            "group": "practitioner",
        }
    )

    def make(coder, codes, name=None):
        path = save(forms.coding_form(units, coder=coder), tmp_path / f"{name or coder}.xlsx")
        book = load_workbook(path)
        for row, given in enumerate(codes, start=6):
            for place, code in enumerate(given, start=6):
                book["coding 编码"].cell(row, place).value = code
        book.save(path)
        return path

    return make


def test_codings_of_two_coders(coded):
    found = read_coding(
        [coded("A", [["loyalty", "behaviour"], [], []]), coded("B", [["Loyalty "], ["忠诚与信任"], []])]
    )
    assert found.codings.drop(columns="document").values.tolist() == [
        ["A", "1", "loyalty"],
        ["A", "1", "behaviour"],
        ["B", "1", "loyalty"],
        ["B", "2", "loyalty"],
    ]
    assert len(found.units) == 3 and found.assignments.values.tolist() == [["A", "P01"], ["B", "P01"]]


def test_coding_faults(coded):
    faults = check(coded("", [["loyality", "criteria"], ["loyalty", "loyalty"], []], name="nameless"))
    assert [(f.level, f.cell, f.found) for f in faults] == [
        ("error", "B1", "no coder's code; the file's name 'nameless' was taken"),
        ("error", "F6", "'loyality'"),
        ("error", "G6", "'criteria', a theme"),
        ("note", "G7", "loyalty a second time in the segment"),
    ]
    assert faults[1].expected == "a code of the codebook; did you mean 'loyalty'?"


def test_coders_must_have_seen_the_same_text_and_come_once(coded, tmp_path):
    first, second = coded("A", [["loyalty"], [], []]), coded("B", [["loyalty"], [], []])
    with pytest.raises(UserError, match="coder A coded document P01 in two workbooks"):
        read_coding([first, coded("A", [["loyalty"], [], []], name="again")])
    book = load_workbook(second)
    book["coding 编码"]["E6"] = "another text"
    book.save(second)
    with pytest.raises(UserError, match="segment 1: the coders' workbooks differ"):
        read_coding([first, second])


def test_a_form_of_another_kind_is_named(filled, coded):
    with pytest.raises(UserError, match="kind 'survey', expected 'coding'"):
        read_coding(filled)
    with pytest.raises(UserError, match="kind 'coding', expected 'survey'"):
        read_survey(coded("A", [["loyalty"], [], []]))
