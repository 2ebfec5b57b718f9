"""De-identification: checksums against published examples, findings at their place, waivers in writing."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.fieldwork.interviews import deidentify, transcripts


def units(*texts):
    rows = [("P01", str(n), text) for n, text in enumerate(texts, 1)]
    return pd.DataFrame(rows, columns=["document", "segment", "text"])


def kinds(text, names=()):
    found = deidentify.scan(units(text), names)
    return [(row.kind, text[row.start : row.end]) for row in found.itertuples()]


def test_resident_id_checksum():
    # the example of the Chinese standard GB 11643-1999, annex: 110105 19491231 002, check character X
    assert deidentify.valid_resident_id("11010519491231002X")
    assert deidentify.valid_resident_id("440524188001010014")
    assert not deidentify.valid_resident_id("110105194912310021")
    assert not deidentify.valid_resident_id("11010519491331002X")  # month 13
    assert not deidentify.valid_resident_id("1101051949123100")


def test_luhn_checksum():
    # 79927398713 is the worked example of Luhn's checksum; 4111… is the card industry's test number
    assert deidentify.valid_card("4111111111111111")
    assert not deidentify.valid_card("4111111111111112")
    assert deidentify.valid_card("6222021234567890128")  # 19 digits, as Chinese debit cards have
    assert not deidentify.valid_card("0000000000000000")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的身份证是11010519491231002X。", [("resident id", "11010519491231002X")]),
        (
            "ID １１０１０５１９４９１２３１００２Ｘ",
            [("resident id", "１１０１０５１９４９１２３１００２Ｘ")],
        ),
        ("卡号 4111 1111 1111 1111 谢谢", [("card", "4111 1111 1111 1111")]),
        ("手机13812345678打不通", [("phone", "13812345678")]),
        ("+86 138-1234-5678", [("phone", "+86 138-1234-5678")]),
        ("座机 010-62345678", [("phone", "010-62345678")]),
        ("Call +44 20 7946 0958 now", [("phone", "+44 20 7946 0958")]),
        ("call 020 7946 0958 now", [("phone", "020 7946 0958")]),
        ("热线400-820-0000", [("phone", "400-820-0000")]),
        ("write to a.b+c@mail.example.org!", [("e-mail", "a.b+c@mail.example.org")]),
        ("王小明先生说可以", [("title", "王小明先生")]),
        ("张经理和李总都在", [("title", "张经理"), ("title", "李总")]),
        ("I asked Mrs. Brown about it", [("title", "Mrs. Brown")]),
    ],
)
def test_what_identifies_is_found(text, expected):
    assert kinds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "流水一千一百万，1100万，2009年开业，300,000元",
        "The rate was 4.35 per cent over 120 months, 250000 in all.",
        "订单号 110105194912310021",  # the checksum of a resident id does not fit
        "reference 4111111111111112",  # nor that of a card
        "总额、资金总量、任何客户经理、支行行长、方案经理",
        "Mr and Mrs as such",
        "2024-03-18 10:15:00",
    ],
)
def test_what_does_not_identify_is_left(text):
    assert kinds(text) == []


def test_names_are_whole_words_in_any_case_and_chinese_names_anywhere():
    found = kinds("Ann met ANN and Hannah; 我认识李国栋很久。", ["Ann", "李国栋"])
    assert [text for _, text in found] == ["Ann", "ANN", "李国栋"]


def test_findings_are_masked_and_keep_their_id_across_segments():
    found = deidentify.scan(units("打13812345678吧", "再打 138 1234 5678"))
    assert found["shown"].tolist() == ["1•••••••••8", "1•••••••••••8"]
    assert found["finding"].nunique() == 1 and found["segment"].tolist() == ["1", "2"]


def test_open_findings_block_and_a_waiver_in_writing_lifts_it(tmp_path):
    text = units("our hotline is 400-820-0000", "nothing here")
    with pytest.raises(UserError, match="1 places could identify someone") as error:
        deidentify.require_clean(deidentify.scan(text))
    assert "400-820-0000" not in str(error.value)
    form = deidentify.write_waiver_form(deidentify.scan(text), tmp_path / "w.csv")
    with pytest.raises(UserError, match="1 places"):  # a line that is not filled in waives nothing
        deidentify.require_clean(deidentify.scan(text), deidentify.read_waivers(form))
    filled = pd.read_csv(form, dtype=str, keep_default_na=False)
    filled["reason"], filled["by"], filled["date"] = (
        "public number of a bank",
        "lead researcher",
        "2024-03-18",
    )
    filled.to_csv(form, index=False)
    checked = deidentify.require_clean(deidentify.scan(text), deidentify.read_waivers(form))
    assert checked[["waived", "by"]].values.tolist() == [[True, "lead researcher"]]
    with pytest.raises(UserError, match="1 places"):  # a waiver is for one finding of one document
        deidentify.require_clean(deidentify.scan(units("call 13812345678")), deidentify.read_waivers(form))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("abc,because,me,2024-03-18", "expected a reason in words"),
        ("abc,a public number,,2024-03-18", "by ''"),
        ("abc,a public number,me,18.3.2024", "expected YYYY-MM-DD"),
        ("abc,a public number,me,2024-03-18\nabc,a public number,me,2024-03-18", "finding abc twice"),
    ],
)
def test_waivers_need_reason_name_and_date(tmp_path, line, told):
    path = tmp_path / "w.csv"
    path.write_text(f"finding,reason,by,date\n{line}\n")
    with pytest.raises(UserError) as error:
        deidentify.read_waivers(path)
    assert told in str(error.value)


def test_names_file(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("# people\n孙晓禾\n\nAnn Lee # twice\n".encode("gb18030"))
    assert deidentify.read_names(path) == ["孙晓禾", "Ann Lee"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("138\u200b1234\u200b5678", [("phone", "138\u200b1234\u200b5678")]),
        ("٠١٠-٦٢٣٤٥٦٧٨", [("phone", "٠١٠-٦٢٣٤٥٦٧٨")]),
        ("１３８１２３４５６７８", [("phone", "１３８１２３４５６７８")]),
        ("१३८१२३४५६७८", [("phone", "१३८१२३४५६७८")]),
        ("打一三八一二三四五六七八吧", [("phone", "一三八一二三四五六七八")]),
        ("138‐1234‑5678", [("phone", "138‐1234‑5678")]),
        ("138\n1234 5678", [("phone", "138\n1234 5678")]),
        ("a.b\u200b@mail.example.org", [("e-mail", "a.b\u200b@mail.example.org")]),
        ("Anna\nLee came", [("name", "Anna\nLee")]),
        ("An-\nna  Lee came", [("name", "An-\nna  Lee")]),
        ("Ａｎｎａ\u00a0Ｌｅｅ", [("name", "Ａｎｎａ\u00a0Ｌｅｅ")]),
        ("李国\n栋说", [("name", "李国\n栋")]),
        ("李\u200b国栋说", [("name", "李\u200b国栋")]),
        ("Jose\u0301 said", [("name", "Jose\u0301")]),
        ("ﬁnally Mr\nBrown", [("title", "Mr\nBrown")]),
    ],
)
def test_what_is_written_in_another_way_is_found_at_its_place(text, expected):
    assert kinds(text, ["Anna Lee", "李国栋", "José"]) == expected


@pytest.mark.parametrize("text", ["在二〇二四年", "一二三四五六", "٢٠٢٤", "Annalee", "国栋\n李"])
def test_other_digits_and_line_breaks_alone_identify_nobody(text):
    assert kinds(text, ["Anna Lee", "李国栋"]) == []


TALK = """Participant: {participant}
Group: customer

I: Did {asked} come, too?
{participant}: Yes, the day after.
She stayed.
"""


def test_interviewers_turns_heads_and_labels_are_searched(tmp_path):
    path = tmp_path / "talk.txt"
    path.write_text(TALK.format(participant="Anna Lee", asked="Bo\nChen"), encoding="utf-8")
    found = transcripts.transcripts(path)
    texts, units = transcripts.searched_texts(found), transcripts.units_of(found)
    findings = deidentify.scan(texts, ["Anna Lee", "Bo Chen", "stayed"], units)
    assert findings["segment"].tolist() == ["line 1", "line 4", "line 6", "1"]
    names = tmp_path / "names.txt"
    names.write_text("Anna Lee\nBo Chen\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["deidentify", str(path), "--names", str(names)])
    assert isinstance(result.exception, UserError)
    assert "talk line 1 — name A••••••e" in str(result.exception) and "Anna" not in str(result.exception)


def test_names_in_a_list_of_participants_and_in_file_names_are_found(tmp_path):
    (tmp_path / "Anna Lee.txt").write_text("Q: Hello?\nA: Hello.\n")
    (tmp_path / "participants.csv").write_text("document,participant,group\nAnna Lee,Bo Chen,customer\n")
    found = transcripts.transcripts(tmp_path)
    findings = deidentify.scan(transcripts.searched_texts(found), ["Anna Lee", "Bo Chen"])
    assert findings["segment"].tolist() == ["label", "label"]
    with pytest.raises(UserError, match="label — name"):
        deidentify.require_clean(findings)
