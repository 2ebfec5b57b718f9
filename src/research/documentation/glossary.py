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
        lines += [
            "",
            f"## {topic}",
            "",
            *table(("term", "中文", "meaning"), _columns(rows, "term", "term_zh", "meaning")),
        ]
    return text(lines)


def chinese_page() -> str:
    """Return `docs/zh/glossary.md`."""
    lines = [
        "# 术语表",
        "",
        "本页由 `make docs` 从 `docs/data/glossary.csv` 生成，请修改该文件，不要直接修改本页。",
        "",
    ]
    lines += ["本研究对业内用语的界定。英文版见 [Glossary](../reference/glossary.md)。"]
    for topic, rows in terms().groupby("topic_zh", sort=False):
        lines += [
            "",
            f"## {topic}",
            "",
            *table(("术语", "英文", "含义"), _columns(rows, "term_zh", "term", "meaning_zh")),
        ]
    return text(lines)


def _columns(rows: pd.DataFrame, *names: str) -> list[tuple[str, ...]]:
    return list(rows[list(names)].itertuples(index=False, name=None))
