"""Exports of survey platforms, made here in each platform's own layout."""

from __future__ import annotations

import csv
import json

import pytest
from openpyxl import Workbook

from research.errors import UserError
from research.fieldwork.instruments.items import survey_items
from research.fieldwork.intake import platforms
from research.fieldwork.intake.survey import read_survey

LABELS = {1: "非常不同意", 2: "不同意", 3: "一般", 4: "同意", 5: "非常同意"}


def write_csv(path, rows, encoding="utf-8-sig"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
    return path


def answers(items, shift=0):
    return {item: 1 + (n + shift) % 5 for n, item in enumerate(items)}


@pytest.fixture
def qualtrics(tmp_path):
    items = survey_items()
    ahead = [
        "StartDate",
        "Status",
        "IPAddress",
        "Duration (in seconds)",
        "Finished",
        "ResponseId",
        "consent",
        "group",
    ]
    rows = [
        [*ahead, *items["item"], "Q_comment"],
        [*ahead, *items["wording_en"], "Anything else?"],
        [json.dumps({"ImportId": f"QID{n}"}) for n in range(len(ahead) + len(items) + 1)],
    ]
    for n, (status, who, group) in enumerate(
        [
            ("IP Address", "R_1", "practitioner"),
            ("Survey Preview", "R_2", "customer"),
            ("IP Address", "R_3", "customer"),
        ]
    ):
        given = answers(items["item"], n)
        asked = set(survey_items(group=group)["item"])
        cells = [given[i] if i in asked else "" for i in items["item"]]
        cells[0] = "-99" if n == 2 else "Strongly agree"
        rows.append(
            ["2024-03-01 10:00:00", status, "203.0.113.7", 431, "True", who, "1", group, *cells, "fine"]
        )
    return write_csv(tmp_path / "qualtrics.csv", rows)


def test_qualtrics_has_three_header_rows(qualtrics):
    found = platforms.read_platform(qualtrics, "qualtrics")
    got = found.responses
    assert list(got.index) == ["R_1", "R_3"] and list(got["group"]) == ["practitioner", "customer"]
    assert found.left_out == {"not an answer that was sent": 1}
    assert got.loc["R_1", "C1_1"] == 5 and got.loc["R_3", "C1_1"] != got.loc["R_3", "C1_1"]
    expected = answers(survey_items()["item"], 2)
    assert (
        got.loc["R_3", "S_2"] == expected["S_2"]
        and got.loc["R_1", "C4_2"] == answers(survey_items()["item"])["C4_2"]
    )
    assert got["duration_seconds"].tolist() == [431, 431]
    assert "IPAddress" in found.unmapped and "Q_comment" in found.unmapped
    assert "ip" not in " ".join(got.columns).lower()


def test_columns_of_the_bank_are_taken_along_by_their_name_alone(tmp_path):
    items = survey_items(group="customer")
    given = answers(items["item"])
    rows = [["ResponseId", "Branch", "Tier", *items["item"], "Q_branch"]]
    rows += [["", "", "", *items["wording_en"], "Which tier is your branch in?"], [""] * len(rows[0])]
    rows.append(["R_1", "B07", "high", *given.values(), "no idea"])
    mapping = tmp_path / "own.yml"
    told = [
        "platform: own",
        "rows: {names: 1, wordings: 2, data: 4}",
        "respondent: ResponseId",
        "items: [names]",
    ]
    mapping.write_text("\n".join(told), encoding="utf-8")
    found = platforms.read_platform(write_csv(tmp_path / "own.csv", rows), mapping, group="customer")
    assert found.responses.loc["R_1", ["branch", "tier"]].tolist() == ["B07", "high"]
    assert found.unmapped == ["Q_branch"]


@pytest.mark.parametrize("brackets", [True, False])
def test_limesurvey_answer_codes(tmp_path, brackets):
    items = survey_items(group="customer")
    names = [f"{c[0]}X[{i.replace('_', '')}]" if brackets else i.replace("_", "") for i, c in
             zip(items["item"], items["construct"], strict=True)]  # fmt: skip
    given = answers(items["item"])
    rows = [["id", "submitdate", "lastpage", "startlanguage", "interviewtime", *names]]
    rows.append([7, "2024-03-01 10:12:00", 4, "zh-Hans", "388.21", *[f"A{given[i]}" for i in items["item"]]])
    rows.append([8, "", 2, "en", "40.00", *["" for _ in names]])
    path = write_csv(tmp_path / "lime.csv", rows, "utf-8")
    found = platforms.read_platform(path, "limesurvey", group="customer")
    assert found.faults == [] and found.left_out == {"not an answer that was sent": 1}
    assert found.responses.loc["7", list(items["item"])].astype(int).to_dict() == given
    assert found.responses["duration_seconds"].tolist() == [388.21]
    with pytest.raises(UserError, match="name the group of the file"):
        platforms.read_platform(path, "limesurvey")


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_wenjuanxing_matrix_by_wording(tmp_path, texts, kind):
    items = survey_items()
    head = [
        "序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "1、您是否同意参与本研究？",
        "2、您的身份", "3、从事信贷工作年限",
    ]  # fmt: skip
    head += [f"{n + 4}、请选择您的同意程度—{w}" for n, w in enumerate(items["wording_zh"])]
    rows = [head]
    for n, (consent, who, years) in enumerate(
        [("同意", "从业人员", "3至9年"), ("不同意", "客户", ""), ("同意", "客户", "(跳过)")], 1
    ):
        group = "practitioner" if who == "从业人员" else "customer"
        asked = set(survey_items(group=group)["item"])
        given = answers(items["item"], n)
        cells = [
            (LABELS[given[i]] if texts else given[i]) if i in asked else ("(跳过)" if texts else -3)
            for i in items["item"]
        ]
        rows.append(
            [
                n,
                "2024/3/1 9:30:00",
                f"{200 + n}秒",
                "微信",
                "N/A",
                "203.0.113.7(北京)",
                consent,
                who,
                years,
                *cells,
            ]
        )
    path = tmp_path / f"问卷.{kind}"
    if kind == "csv":
        write_csv(path, rows, "gb18030")
    else:
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    found = platforms.read_platform(path, "wenjuanxing")
    assert found.faults == [] and found.left_out == {"no consent": 1}
    assert list(found.responses.index) == ["wjx1", "wjx3"]
    assert found.responses.loc["wjx1", "experience"] == "3 to 9"
    assert found.responses["duration_seconds"].tolist() == [201, 203]
    expected = answers(items["item"], 3)
    assert (
        found.responses.loc["wjx3", "T2_2"] == expected["T2_2"]
        and found.responses.loc["wjx3", "S_1"] == expected["S_1"]
    )
    assert found.responses.loc["wjx3", ["W_1", "W_2", "W_3"]].isna().all()


def test_imported_answers_go_on_as_a_table(qualtrics, tmp_path):
    found = platforms.read_platform(qualtrics, "qualtrics")
    again = read_survey(platforms.write_responses(found.responses, tmp_path / "responses.csv"))
    items = list(survey_items()["item"])
    assert again[items].equals(found.responses[items]) and list(again["group"]) == list(
        found.responses["group"]
    )


def test_own_names_by_map_and_faulty_answers(tmp_path):
    items = survey_items(group="customer")
    mapping = tmp_path / "own.yml"
    own = {f"Q{n}": item for n, item in enumerate(items["item"])}
    mapping.write_text(
        "platform: Own\nrows: {names: 1, data: 2}\nrespondent: nr\nitems: [map]\nmap:\n"
        + "".join(f"  {name}: {item}\n" for name, item in own.items())
    )
    path = write_csv(tmp_path / "own.csv", [["nr", *own], ["a", *["9"] * 1, *["4"] * (len(own) - 1)]])
    with pytest.raises(UserError, match="own!B2 — 9 — a whole number from 1 to 5"):
        platforms.read_platform(path, mapping, group="customer")
    found = platforms.read_platform(path, mapping, group="customer", accept_faults=True)
    assert found.responses.loc["a", items["item"]].sum() == 4 * (len(own) - 1)


def test_missing_items_are_named(tmp_path):
    path = write_csv(tmp_path / "few.csv", [["id", "submitdate", "C11"], [1, "2024-03-01", "A4"]])
    with pytest.raises(UserError, match="no column for C1_2, C1_3"):
        platforms.read_platform(path, "limesurvey", group="customer")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "platform: X\nrows: {names: 1, data: 2}\nrespondent: id\nitmes: [map]\n",
            "unknown key 'itmes'; did you mean 'items'?",
        ),
        ("platform: X\nrows: {names: 1, data: 2}\nitems: [map]\n", "no key 'respondent'"),
        ("platform: X\nrows: {names: 1}\nrespondent: id\nitems: [map]\n", "no key 'rows.data'"),
    ],
)
def test_broken_mappings_are_refused(tmp_path, text, told):
    path = tmp_path / "m.yml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        platforms.read_mapping(path)
    assert told in str(error.value)


def test_unknown_platform_and_wrong_export(tmp_path, qualtrics):
    with pytest.raises(UserError, match="did you mean 'qualtrics'"):
        platforms.read_platform(qualtrics, "qualtrix")
    with pytest.raises(UserError, match=r"no column '序号'.*is it an export of Wenjuanxing"):
        platforms.read_platform(qualtrics, "wenjuanxing")
