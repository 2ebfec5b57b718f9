"""The terms of the field in English and Chinese."""

from __future__ import annotations

import pandas as pd

from research.documentation.tables import data_file, head, table, text


def terms() -> pd.DataFrame:
    """Return `topic, topic_zh, term, term_zh, meaning, meaning_zh`, one row per term."""
    return pd.read_csv(data_file("glossary.csv"), dtype=str, keep_default_na=False)


def page() -> str:
    """Return `docs/reference/glossary.md`."""
    lines = head("Glossary", "`docs/data/glossary.csv`")
    lines += ["How the study uses the words of the field. In Chinese: [术语表](../zh/glossary.md)."]
    for topic, rows in terms().groupby("topic", sort=False):
        lines += _topic(topic, ("term", "中文", "meaning"), rows[["term", "term_zh", "meaning"]])
    return text(lines)


def chinese_page() -> str:
    """Return `docs/zh/glossary.md`."""
    note = "本页由 `make docs` 从 `docs/data/glossary.csv` 生成，请修改该文件，不要直接修改本页。"
    lines = [
        "# 术语表",
        "",
        note,
        "",
        "本研究对业内用语的界定。英文版见 [Glossary](../reference/glossary.md)。",
    ]
    for topic, rows in terms().groupby("topic_zh", sort=False):
        lines += _topic(topic, ("术语", "英文", "含义"), rows[["term_zh", "term", "meaning_zh"]])
    return text(lines)


def _topic(title: str, header: tuple[str, ...], rows: pd.DataFrame) -> list[str]:
    return ["", f"## {title}", "", *table(header, rows.itertuples(index=False, name=None))]
