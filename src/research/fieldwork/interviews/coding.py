"""What the coded interviews say: frequencies, codes that come together, the tree of themes, quotations.

Coders are joined by one of three rules, always stated: `any` coder applied the code, `all` coders who worked on the
document did, or the codings of one coder by name (for example the settled ones).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from research.errors import UserError, nearest

_KEYS = ["document", "segment"]


def joined_codings(codings: pd.DataFrame, coders: str = "any") -> pd.DataFrame:
    """Return `document`, `segment`, `code`, `coders` (how many applied it), one row each, by the rule `coders`."""
    names = sorted(map(str, codings["coder"].unique()))
    if coders not in {"any", "all", *names}:
        raise UserError(f"coder '{coders}' is unknown{nearest(coders, ['any', 'all', *names])}")
    chosen = codings if coders in {"any", "all"} else codings[codings["coder"].astype(str) == coders]
    joined = chosen.groupby([*_KEYS, "code"], sort=False)["coder"].nunique().rename("coders").reset_index()
    if coders == "all":
        working = codings.groupby("document")["coder"].nunique()
        joined = joined[joined["coders"] == joined["document"].map(working)]
    return joined.reset_index(drop=True)


def participants(codings: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return who spoke: `group`, `language`, `participants`, `turns`, and `coded`, the turns that carry a code."""
    carrying = pd.MultiIndex.from_frame(codings[_KEYS].drop_duplicates())
    marked = units.assign(coded=pd.MultiIndex.from_frame(units[_KEYS]).isin(carrying))
    return (
        marked.groupby(["group", "language"])
        .agg(participants=("participant", "nunique"), turns=("segment", "size"), coded=("coded", "sum"))
        .reset_index()
    )


def code_frequencies(
    codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame, coders: str = "any"
) -> pd.DataFrame:
    """Return how many segments and participants carry each code, for everyone and per participant group.

    A parent code counts the segments and participants of its children as well (each once).

    Returns:
        `code`, `label_en`, `label_zh`, `parent`, `group` (`all` or a participant group), `segments`, `participants`,
        `share` (of the participants of the group), `of` (participants of the group); every code of the codebook.
    """
    placed = _placed(codings, units, coders)
    placed = _with_ancestors(placed, codebook)
    people = units[["participant", "group"]].drop_duplicates()
    groups = [("all", people["participant"])]
    groups += [(str(name), part["participant"]) for name, part in people.groupby("group", sort=True)]
    rows = []
    for group, members in groups:
        inside = placed[placed["participant"].isin(set(members))]
        counts = inside.groupby("code").agg(
            segments=("unit", "nunique"), participants=("participant", "nunique")
        )
        for entry in codebook.to_dict("records"):
            found = (
                counts.loc[entry["code"]]
                if entry["code"] in counts.index
                else {"segments": 0, "participants": 0}
            )
            of = members.nunique()
            rows.append(
                {
                    "code": entry["code"],
                    "label_en": entry.get("label_en", entry["code"]),
                    "label_zh": entry.get("label_zh", entry["code"]),
                    "parent": entry.get("parent"),
                    "group": group,
                    "segments": int(found["segments"]),
                    "participants": int(found["participants"]),
                    "share": found["participants"] / of if of else np.nan,
                    "of": of,
                }
            )
    return pd.DataFrame(rows)


def cooccurrence(codings: pd.DataFrame, codes: list[str], coders: str = "any") -> pd.DataFrame:
    """Return for every pair of codes how many segments carry both, and their Jaccard index.

    Returns:
        `code_1`, `code_2`, `segments` (with both), `segments_1`, `segments_2`, `jaccard` (both over either; NaN when
        neither occurs); pairs in the order of `codes`.
    """
    joined = joined_codings(codings, coders)
    carrying = {code: set(map(tuple, part[_KEYS].to_numpy())) for code, part in joined.groupby("code")}
    rows = []
    for first, second in combinations(codes, 2):
        a, b = carrying.get(first, set()), carrying.get(second, set())
        either = len(a | b)
        rows.append((first, second, len(a & b), len(a), len(b), len(a & b) / either if either else np.nan))
    return pd.DataFrame(rows, columns=["code_1", "code_2", "segments", "segments_1", "segments_2", "jaccard"])


def theme_tree(
    codings: pd.DataFrame, units: pd.DataFrame, codebook: pd.DataFrame, coders: str = "any"
) -> pd.DataFrame:
    """Return the codebook depth first with its counts.

    Returns:
        `code`, `label_en`, `label_zh`, `parent`, `depth` (0 for a theme), `path`, `own_segments` (without children),
        `segments`, `participants` (with children).

    Raises:
        UserError: a parent that is not a code, or codes that are each other's parents.
    """
    totals = code_frequencies(codings, units, codebook, coders)
    totals = totals[totals["group"] == "all"].set_index("code")
    own = joined_codings(codings, coders).groupby("code").size()
    ancestors = _ancestors(codebook)
    position = {code: i for i, code in enumerate(codebook["code"])}
    paths = {code: [*reversed(ancestors[code]), code] for code in codebook["code"]}
    ordered = sorted(codebook["code"], key=lambda code: [position[step] for step in paths[code]])
    table = totals.loc[ordered].reset_index()
    table["depth"] = [len(paths[code]) - 1 for code in ordered]
    table["path"] = [" › ".join(paths[code]) for code in ordered]
    table["own_segments"] = own.reindex(ordered).fillna(0).astype(int).to_numpy()
    return table[
        [
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
    ]


def quotations(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame,
    coders: str = "any",
    per_code: int | None = None,
) -> pd.DataFrame:
    """Return quotations with their ids, the clearest first.

    Clearest: applied by most coders; then a participant not yet quoted for the code, so that one voice does not stand
    for all; then the order of the interviews.

    Returns:
        `code`, `label_en`, `label_zh`, `participant`, `group`, `document`, `segment`, `quote_id` (participant:segment),
        `text`, `coders`; at most `per_code` per code.
    """
    placed = _placed(codings, units, coders)
    placed = placed[placed["code"].isin(codebook["code"])]
    placed["rank"] = placed.groupby(["code", "participant"], sort=False)["coders"].rank(
        method="first", ascending=False
    )
    code_order = {code: i for i, code in enumerate(codebook["code"])}
    placed["place"] = placed["code"].map(code_order)
    placed = placed.sort_values(
        ["place", "rank", "coders", "row"], ascending=[True, True, False, True], kind="stable"
    )
    if per_code is not None:
        placed = placed.groupby("code", sort=False).head(per_code)
    labels = codebook.set_index("code")
    for column in ("label_en", "label_zh"):
        placed[column] = placed["code"].map(labels[column]) if column in labels else placed["code"]
    placed["quote_id"] = placed["participant"].astype(str) + ":" + placed["segment"].astype(str)
    columns = ["code", "label_en", "label_zh", "participant", "group", *_KEYS, "quote_id", "text", "coders"]
    return placed[columns].reset_index(drop=True)


def _placed(codings: pd.DataFrame, units: pd.DataFrame, coders: str) -> pd.DataFrame:
    """Joined codings with participant, group and text of their unit."""
    joined = joined_codings(codings, coders)
    numbered = units.assign(row=np.arange(len(units)))
    placed = joined.merge(numbered, on=_KEYS, how="left", validate="many_to_one")
    lost = placed[placed["row"].isna()]
    if len(lost):
        first = lost.iloc[0]
        raise UserError(f"{first['document']} · {first['segment']} is coded but not among the units")
    placed["unit"] = placed["row"]
    return placed


def _ancestors(codebook: pd.DataFrame) -> dict[str, list[str]]:
    """Code → its parent, the parent's parent and so on."""
    parent = {
        code: above for code, above in zip(codebook["code"], codebook["parent"], strict=True) if _given(above)
    }
    lost = [f"'{above}' of {code}" for code, above in parent.items() if above not in set(codebook["code"])]
    if lost:
        raise UserError(f"codebook: parent {lost[0]} is not a code")
    found: dict[str, list[str]] = {}
    for code in codebook["code"]:
        chain, step = [], code
        while step in parent:
            step = parent[step]
            if step in chain or step == code:
                raise UserError(f"codebook: {code} is its own ancestor ({' › '.join([code, *chain, step])})")
            chain.append(step)
        found[code] = chain
    return found


def _given(cell: object) -> bool:
    return isinstance(cell, str) and cell.strip() != ""


def _with_ancestors(placed: pd.DataFrame, codebook: pd.DataFrame) -> pd.DataFrame:
    """Each coding also under the codes above it."""
    ancestors = _ancestors(codebook)
    unknown = sorted(set(placed["code"]) - ancestors.keys())
    if unknown:
        raise UserError(f"code '{unknown[0]}' is not in the codebook{nearest(unknown[0], ancestors)}")
    above = placed.assign(code=placed["code"].map(lambda code: [code, *ancestors[code]]))
    return above.explode("code").drop_duplicates(["code", "unit"])
