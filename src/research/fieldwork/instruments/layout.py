"""The columns of the forms for survey, vignettes and codings."""

from __future__ import annotations

import pandas as pd

from research.fieldwork.instruments.columns import Column, choice
from research.fieldwork.instruments.items import GROUPS, TIER_CHOICES, background_questions

MAX_CODES = 6  # of a segment, in the form that a coder fills
MOST_CODES = 60  # that are read: what several coders agreed on may be more
CONSENT = {"yes": "yes 同意", "no": "no 不同意"}
ANSWER_LABELS = {
    "strongly disagree": 1, "disagree": 2, "neither": 3, "neither agree nor disagree": 3, "neutral": 3, "agree": 4,
    "strongly agree": 5, "非常不同意": 1, "不同意": 2, "一般": 3, "中立": 3, "同意": 4, "非常同意": 5,
}  # fmt: skip


RESPONDENT = Column("respondent_id", "Respondent (a code; no name)", "受访者编号（勿填姓名）")
AGREED = choice("consent", "Consent given", "同意参与", CONSENT, "yes or no")
GROUP = choice(
    "group", "Group", "群体", {"practitioner": "practitioner 从业人员", "customer": "customer 客户"},
    "practitioner or customer",
)  # fmt: skip
BRANCH = Column("branch", "Branch or officer (optional; a code)", "网点或客户经理（代码，可空）")
PLACED = choice("tier", "Tier the bank has the customer in (optional)", "银行所定客户层级（可空）", TIER_CHOICES,
                "premium, low, medium or high, or empty")  # fmt: skip
WEIGHT = Column("weight", "Survey weight (optional)", "权重（可空）", "number", low=1e-9, high=1e6,
                expected="a number above 0, or empty")  # fmt: skip
DURATION = Column("duration_seconds", "Seconds needed (optional)", "用时（秒，可空）", "duration",
                  expected="seconds, or empty")  # fmt: skip
OF_THE_BANK = (PLACED, BRANCH, WEIGHT, DURATION)  # not for the respondent to fill
QUESTIONNAIRE = [
    Column("item", "Item", "题号"),
    Column("wording_en", "Statement", "陈述（英文）"),
    Column("wording_zh", "Statement in Chinese", "陈述"),
    Column("answer", "Answer 1 to 5", "回答 1 至 5"),
]
UNIT = [
    Column("document", "Document", "文档"),
    Column("segment", "Segment", "片段"),
    Column("participant", "Participant", "受访者"),
    Column("group", "Group", "群体"),
    Column("text", "Text", "文本"),
]
SLOTS = [Column(f"code_{n}", f"Code {n}", f"编码 {n}") for n in range(1, MOST_CODES + 1)]
MEMO = Column("memo", "Memo", "备忘")
CODING = [*UNIT, *SLOTS, MEMO]
CODEBOOK = [
    Column("code", "Code", "编码"),
    Column("theme", "Theme", "主题"),
    Column("label_en", "Name", "英文名"),
    Column("label_zh", "Name in Chinese", "名称"),
    Column("definition", "Definition", "定义"),
    Column("when_to_use", "When to use", "何时使用"),
    Column("when_not", "When not", "何时不用"),
    Column("example", "Example", "示例"),
]
VIGNETTE = Column("vignette", "Vignette", "编号")
TIER = choice("tier", "Your tier", "您的判断", TIER_CHOICES, "premium, low, medium or high")
REASON = Column("reason", "Reason (optional)", "理由（可空）")
CASE = ["document", "segment", "code"]  # what a decision is about
RESOLUTION = [
    *(column for column in UNIT if column.key != "group"),
    Column("code", "Code", "编码"),
    Column("definition", "Definition", "定义"),
    Column("applied_by", "Applied by", "使用者"),
    Column("not_applied_by", "Not applied by", "未使用者"),
    choice("decision", "Decision", "决定", {"keep": "keep 保留", "drop": "drop 删除"}, "keep or drop"),
    Column("decided_by", "Decided by", "决定者"),
    Column("reason", "Reason", "理由"),
]


def background(group: str) -> list[Column]:
    """Return the background questions of a group."""
    found = []
    for q in background_questions(group=group).itertuples():
        options = {en: f"{en} {zh}" for en, zh in zip(q.choices_en, q.choices_zh, strict=True)}
        found.append(choice(q.field, q.wording_en, q.wording_zh, options, f"one of: {'; '.join(options)}"))
    return found


def item_columns(items: pd.DataFrame) -> list[Column]:
    """Return the columns of survey items."""
    return [
        Column(
            i.item, i.wording_en, i.wording_zh, "whole", low=i.scale_min, high=i.scale_max, labels=ANSWER_LABELS,
            expected=f"a whole number from {i.scale_min} to {i.scale_max}, or empty",
        )
        for i in items.itertuples()
    ]  # fmt: skip


def survey_columns(items: pd.DataFrame, group: str) -> list[Column]:
    """Return the columns of a group's survey sheet, one row per respondent."""
    asked = items[items["group"].isin([group, "both"])]
    known = [PLACED, BRANCH] if group == "customer" else [BRANCH]
    return [RESPONDENT, AGREED, *background(group), *known, WEIGHT, DURATION, *item_columns(asked)]


def known_survey_columns(items: pd.DataFrame) -> dict[str, list[Column]]:
    """Return every column that a table of answers may have, by key; a key may have a heading in each group."""
    found: dict[str, list[Column]] = {GROUP.key: [GROUP]}
    for group in GROUPS:
        for column in survey_columns(items, group):
            found.setdefault(column.key, []).append(column)
    return found
