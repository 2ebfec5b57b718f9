"""Forms: drop-downs, limits, protection, stamp, the same bytes each time; and they open in LibreOffice."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from research.collect import constructs
from research.errors import UserError
from research.fieldwork.instruments import codebook, comparison_form, forms, vignette_form
from research.fieldwork.instruments import items as instruments
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.instruments.workbook import INVENTED, save
from research.fieldwork.intake.check import check
from research.fieldwork.interviews import resolution

UNITS = pd.DataFrame(
    {
        "document": ["P01", "P01", "C01"],
        "segment": ["1", "2", "1"],
        "text": ["She pays early.", "每月都看流水。", "I was not told why."],
        "participant": ["P01", "P01", "C01"],
        "group": ["practitioner", "practitioner", "customer"],
    }
)


def rules(sheet):
    return {str(area): rule for rule in sheet.data_validations.dataValidation for area in rule.sqref.ranges}


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(5)
    n = 300
    return pd.DataFrame(
        {
            "credit_grade": rng.integers(1, 8, n).astype(float),
            "loan_amount": rng.uniform(1_000, 40_000, n),
            "interest_rate": rng.uniform(0.05, 0.3, n),
            "income": rng.lognormal(11, 0.5, n),
            "loan_purpose": pd.Categorical(rng.choice(["car", "home_improvement"], n)),
            "age": rng.uniform(20, 70, n),
            "default": 0.0,
        },
        index=pd.Index([f"secret-{k:05d}" for k in range(n)], name="customer_id"),
    )


def test_survey_form(tmp_path):
    path = save(forms.survey_form(rows=5), tmp_path / "survey.xlsx")
    book = load_workbook(path)
    assert book.sheetnames == ["instructions 说明", "practitioners 从业人员", "customers 客户", "_form"]
    assert book["_form"].sheet_state == "veryHidden"
    assert book["_form"]["B2"].value == form_version(instruments.survey_items())
    sheet = book["practitioners 从业人员"]
    keys = [cell.value for cell in sheet[1]]
    items = instruments.survey_items(group="practitioner")
    assert keys[-len(items) :] == list(items["item"])
    assert sheet.cell(2, keys.index("C1_1") + 1).value == items.loc[0, "wording_en"]
    assert sheet.cell(3, keys.index("C1_1") + 1).value == items.loc[0, "wording_zh"]
    assert sheet.freeze_panes == "B4" and sheet.protection.sheet
    assert sheet["A1"].protection.locked and not sheet["A4"].protection.locked
    assert sheet.print_title_rows == "$1:$3" and sheet.page_setup.orientation == "landscape"
    column = sheet.cell(1, keys.index("C1_1") + 1).column_letter
    rule = rules(sheet)[f"{column}4:{column}8"]
    assert (rule.type, rule.formula1) == ("list", '"1,2,3,4,5"')
    column = sheet.cell(1, keys.index("weight") + 1).column_letter
    assert rules(sheet)[f"{column}4:{column}8"].type == "decimal"


def test_forms_are_the_same_bytes_each_time(tmp_path, customers):
    drawn = vignette_form.draw_vignettes(customers, 6, seed=3)
    for name, make in {
        "survey": lambda: forms.survey_form(rows=3),
        "questionnaire": lambda: forms.questionnaire("customer"),
        "coding": lambda: forms.coding_form(UNITS, coder="A"),
        "ahp": lambda: comparison_form.comparison_form(["E1", "E2"]),
        "vignettes": lambda: vignette_form.vignette_form(drawn, ["E1"]),
    }.items():
        first, second = (save(make(), tmp_path / f"{name}{n}.xlsx") for n in (1, 2))
        assert first.read_bytes() == second.read_bytes(), name


def test_empty_forms_have_no_error_but_what_is_empty(tmp_path, customers):
    drawn = vignette_form.draw_vignettes(customers, 6, seed=3)
    assert check(save(forms.survey_form(rows=3), tmp_path / "s.xlsx")) == []
    assert check(save(comparison_form.comparison_form(["E1"]), tmp_path / "a.xlsx")) == []
    (fault,) = check(save(vignette_form.vignette_form(drawn, ["E1"]), tmp_path / "v.xlsx"))
    assert (fault.level, fault.found) == ("note", "6 vignettes without a tier")
    (fault,) = check(save(forms.coding_form(UNITS, coder="A"), tmp_path / "c.xlsx"))
    assert fault.found == "no code in the whole workbook"


def test_coding_form_offers_every_code_of_the_codebook():
    book = forms.coding_form(UNITS, coder="A")
    allowed = codebook.assignable(codebook.read_codebook())
    listed = [book["codebook 编码本"].cell(5 + n, 1).value for n in range(len(allowed))]
    assert listed == allowed
    (rule,) = book["coding 编码"].data_validations.dataValidation
    assert rule.formula1 == f"'codebook 编码本'!$A$5:$A${4 + len(allowed)}"
    with pytest.raises(UserError, match="missing text"):
        forms.coding_form(UNITS.drop(columns="text"))


def test_vignettes_cover_the_range_and_hide_who_it_is(tmp_path, customers):
    drawn = vignette_form.draw_vignettes(customers, 24, seed=1)
    assert list(drawn.index) == [f"V{k:02d}" for k in range(1, 25)]
    grades = customers.loc[drawn["customer_id"], "credit_grade"]
    assert grades.min() == 1 and grades.max() == 7
    assert not {"age", "default", "credit_grade"} & set(drawn.columns)
    assert (drawn["loan_amount"].astype(int).astype(str).str.rstrip("0").str.len() <= 2).all()
    assert drawn.equals(vignette_form.draw_vignettes(customers, 24, seed=1))
    path = save(vignette_form.vignette_form(drawn, ["E1"], dataset="own"), tmp_path / "v.xlsx")
    vignette_form.write_key(path, drawn, "own")
    texts = {
        str(c.value) for sheet in load_workbook(path) for row in sheet.iter_rows() for c in row if c.value
    }
    assert not any("secret" in text for text in texts)
    key = pd.read_csv(vignette_form.key_of(path), index_col=0)
    assert list(key["customer_id"]) == list(drawn["customer_id"]) and set(key["dataset"]) == {"own"}


def test_no_vignette_shows_what_identifies_is_protected_or_known_only_later():
    roles = constructs.constructs().loc[list(vignette_form.FACTS), "role"]
    assert not set(roles) & {"identity", "protected", "outcome", "post", "time"}


def test_vignettes_refuse_more_than_there_are(customers):
    with pytest.raises(UserError, match="301 vignettes asked of 300"):
        vignette_form.draw_vignettes(customers, 301)


def test_experts_must_differ():
    with pytest.raises(UserError, match="all different"):
        comparison_form.comparison_form(["E1", "E1"])


def test_invented_forms_say_so_on_every_sheet(customers):
    drawn = vignette_form.draw_vignettes(customers, 4, seed=1)
    books = [
        vignette_form.vignette_form(drawn, ["E1"], invented=True),
        forms.survey_form(rows=2, invented=True),
        forms.coding_form(UNITS, coder="A", invented=True),
        comparison_form.comparison_form(["E1"], invented=True),
    ]
    for book in books:
        assert [s.title for s in book if s["A1"].value != INVENTED] == ["_form"], book.properties.title


def test_disagreements_are_written_down_with_a_decision_to_take():
    rows = [("P01", "1", "loyalty", "A", "B"), ("P01", "2", "behaviour", "B", "A")]
    frame = pd.DataFrame(rows, columns=["document", "segment", "code", "applied_by", "not_applied_by"])
    book = resolution.resolution_form(frame.assign(text="…", participant="P01", definition="…"))
    sheet = book["disagreements 分歧"]
    assert [cell.value for cell in sheet[4]][:8] == ["P01", "1", "P01", "…", "loyalty", "…", "A", "B"]
    assert '"keep 保留,drop 删除"' in {rule.formula1 for rule in sheet.data_validations.dataValidation}
    with pytest.raises(UserError, match="nothing to resolve"):
        resolution.resolution_form(frame.iloc[:0])


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_and_prints_a_form(tmp_path):
    path = save(comparison_form.comparison_form(["E1"]), tmp_path / "ahp.xlsx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "ahp.pdf").read_bytes().startswith(b"%PDF")
