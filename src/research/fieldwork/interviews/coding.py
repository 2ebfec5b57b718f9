"""What the coded interviews say: frequencies, codes that come together, the tree of themes, quotations.

A code counts when any coder applied it.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.codebook import ancestors

_KEYS = ["document", "segment"]


def joined_codings(codings: pd.DataFrame) -> pd.DataFrame:
    """Return `document`, `segment`, `code`, `coders` (how many applied it), one row each."""
    return codings.groupby([*_KEYS, "code"], sort=False)["coder"].nunique().rename("coders").reset_index()


def participants(codings: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return who spoke: `group`, `language`, `participants`, `turns`, and `coded`, the turns that carry a code."""
    carrying = pd.MultiIndex.from_frame(codings[_KEYS].drop_duplicates())
    marked = units.assign(coded=pd.MultiIndex.from_frame(units[_KEYS]).isin(carrying))
    return (
        marked.groupby(["group", "language"])
        .agg(participants=("participant", "nunique"), turns=("segment", "size"), coded=("coded", "sum"))
        .reset_index()
    )


def code_frequencies(codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame) -> pd.DataFrame:
    """Return how many segments and participants carry each code, for everyone and per participant group.

    A parent code counts the segments and participants of its children as well (each once).

    Returns:
        `code`, `label_en`, `label_zh`, `parent`, `group` (`all` or a participant group), `segments`, `participants`,
        `share` (of the participants of the group), `of` (participants of the group); every code of the codebook.
    """
    placed, above = _placed(codings, units), ancestors(codebook)
    placed["code"] = [[code, *above[code]] for code in placed["code"]]
    placed = placed.explode("code").drop_duplicates(["code", "row"])
    people = units[["participant", "group"]].drop_duplicates()
    groups = [("all", people["participant"])]
    groups += [(str(name), part["participant"]) for name, part in people.groupby("group", sort=True)]
    labels = _labelled(codebook)[["code", "label_en", "label_zh", "parent"]]
    tables = []
    for group, members in groups:
        carrying = placed[placed["participant"].isin(set(members))].groupby("code")
        counts = carrying.agg(segments=("row", "nunique"), participants=("participant", "nunique"))
        counts = counts.reindex(labels["code"], fill_value=0).reset_index(drop=True)
        of = members.nunique()
        tables.append(
            labels.assign(group=group, **counts, share=counts["participants"] / (of or np.nan), of=of)
        )
    return pd.concat(tables, ignore_index=True)


def cooccurrence(codings: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """Return for every pair of codes how many segments carry both, and their Jaccard index.

    Returns:
        `code_1`, `code_2`, `segments` (with both), `segments_1`, `segments_2`, `jaccard` (both over either; NaN when
        neither occurs); pairs in the order of `codes`.
    """
    carrying = {code: set(map(tuple, part[_KEYS].to_numpy())) for code, part in codings.groupby("code")}
    rows = []
    for first, second in combinations(codes, 2):
        a, b = carrying.get(first, set()), carrying.get(second, set())
        either = len(a | b)
        rows.append((first, second, len(a & b), len(a), len(b), len(a & b) / either if either else np.nan))
    return pd.DataFrame(rows, columns=["code_1", "code_2", "segments", "segments_1", "segments_2", "jaccard"])


def theme_tree(codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame) -> pd.DataFrame:
    """Return the codebook depth first with its counts.

    Returns:
        `code`, `label_en`, `label_zh`, `parent`, `depth` (0 for a theme), `path`, `own_segments` (without children),
        `segments`, `participants` (with children).
    """
    totals = code_frequencies(codings, units, codebook)
    own = joined_codings(codings).groupby("code").size()
    position = {code: i for i, code in enumerate(codebook["code"])}
    paths = {code: [*reversed(above), code] for code, above in ancestors(codebook).items()}
    ordered = sorted(paths, key=lambda code: [position[step] for step in paths[code]])
    table = totals[totals["group"] == "all"].set_index("code").loc[ordered].reset_index()
    table["depth"] = [len(paths[code]) - 1 for code in ordered]
    table["path"] = [" › ".join(paths[code]) for code in ordered]
    table["own_segments"] = own.reindex(ordered, fill_value=0).to_numpy()
    kept = [
        "code",
        "label_en",
        "label_zh",
        "parent",
        "depth",
        "path",
        "own_segments",
        "segments",
        "participants",
    ]
    return table[kept]


def quotations(codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame) -> pd.DataFrame:
    """Return quotations with their ids, code by code, the clearest first.

    Clearest: applied by most coders; then a participant not yet quoted for the code, so that one voice does not stand
    for all; then the order of the interviews.

    Returns:
        `code`, `label_en`, `label_zh`, `participant`, `group`, `document`, `segment`, `quote_id` (participant:segment),
        `text`, `coders`.
    """
    labels = _labelled(codebook)[["code", "label_en", "label_zh"]]
    placed = _placed(codings, units).merge(labels.reset_index(names="place"), on="code")
    voices = placed.groupby(["code", "participant"], sort=False)["coders"]
    placed["rank"] = voices.rank(method="first", ascending=False)
    order = {"place": True, "rank": True, "coders": False, "row": True}
    placed = placed.sort_values(list(order), ascending=list(order.values()), kind="stable")
    placed["quote_id"] = placed["participant"].astype(str) + ":" + placed["segment"].astype(str)
    columns = [*labels, "participant", "group", *_KEYS, "quote_id", "text", "coders"]
    return placed[columns].reset_index(drop=True)


def _labelled(codebook: pd.DataFrame) -> pd.DataFrame:
    """The codebook with labels: a code of a codebook without them is its own."""
    names = {name: codebook.get(name, codebook["code"]) for name in ("label_en", "label_zh")}
    return codebook.reset_index(drop=True).assign(**names)


def _placed(codings: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Joined codings with participant, group, text and number (`row`) of their unit."""
    numbered = units.assign(row=np.arange(len(units)))
    placed = joined_codings(codings).merge(numbered, on=_KEYS, how="left", validate="many_to_one")
    if (lost := placed[placed["row"].isna()]).size:
        first = lost.iloc[0]
        raise UserError(f"{first['document']} · {first['segment']} is coded but not among the units")
    return placed
