"""How coders resolve their disagreements: the workbook for it, the consensus that follows, and what it changed.

Reliability is the agreement of coders who worked alone. What they agree on after talking is a result of the talk: how
near each of them was to it is told beside, and never instead.
"""

from __future__ import annotations

import pandas as pd
from openpyxl import Workbook

from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.codebook import assignable
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.forms import CODES, coding_form
from research.fieldwork.instruments.layout import CASE, MAX_CODES, MOST_CODES, RESOLUTION, UNIT
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.instruments.workbook import FIELD, LONG_FIELD
from research.fieldwork.interviews.coder_agreement import coded_units, presence_table, units_agreement

CONSENSUS = "consensus"
_SIGNS = {"keep": 1.0, "drop": 0.0}


def codings_version(codings: pd.DataFrame, assignments: pd.DataFrame, disagreements: pd.DataFrame) -> str:
    """Return the version of codings: it is another when a code, who saw what, or a text in dispute is another."""
    texts = disagreements.get("text", pd.Series("", disagreements.index))
    disputed = disagreements[CASE].assign(text=["".join(str(text).split()) for text in texts])
    parts = [codings[["coder", *CASE]], assignments[["coder", "document"]], disputed]
    ordered = [part.astype(str).sort_values(list(part)).drop_duplicates() for part in parts]
    return form_version(pd.concat(ordered, ignore_index=True).fillna(""))


def resolution_form(disagreements: pd.DataFrame, version: str = "") -> Workbook:
    """Return the rows of `coder_agreement.disagreements` as a workbook with a decision to take for each.

    `version` is that of the codings, see `codings_version`: decisions are read back for these codings only.
    """
    if disagreements.empty:
        raise UserError("the coders agree on every code of every segment; there is nothing to resolve")
    book = wb.new_workbook("Disagreements of coders")
    shown = disagreements.reindex(columns=keys(RESOLUTION[:-3]), fill_value="")
    sheet, first = wb.form_sheet(
        book, "disagreements 分歧", RESOLUTION,
        [[*row, FIELD, FIELD, LONG_FIELD] for row in shown.to_numpy(dtype=object)],
        widths=[10, 9, 11, 60, 22, 34, 12, 13, 12, 14, 30],
        heights=[
            min(wb.row_height([(str(text), 60), (str(definition), 34)]), 400)
            for text, definition in zip(shown["text"], shown["definition"], strict=True)
        ],
    )  # fmt: skip
    cells = f"I{first}:I{first + len(shown) - 1}"
    options = list(RESOLUTION[-3].options.values())
    wb.choices(sheet, cells, options, "keep or drop the code 保留或删除该编码")
    wb.add_instructions(book, "resolution")
    wb.add_stamp(book, form="resolution", version=version)
    return book


def settled(codings: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the codings that count: those on which the coders who saw the segment agree, and those kept.

    They stay the codings of who gave them, so that every count of codes may take them for the coders' own. A case that
    is dropped or undecided does not count.
    """
    out = pd.MultiIndex.from_frame(decisions.loc[decisions["decision"] != "keep", CASE])
    return codings[~pd.MultiIndex.from_frame(codings[CASE]).isin(out)].reset_index(drop=True)


def with_consensus(presence: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Add the coder `consensus` to a presence table; a case that is undecided is one that it has not rated."""
    if CONSENSUS in presence:
        raise UserError(f"a coder is called {CONSENSUS}; expected a name that is not the consensus of all")
    case = decisions.set_index(CASE)["decision"].map(_SIGNS)
    agreed = presence.max(axis=1)
    agreed.loc[pd.MultiIndex.from_frame(decisions[CASE])] = case.to_numpy()
    return presence.assign(**{CONSENSUS: agreed})


def by_code(decisions: pd.DataFrame, alpha: pd.DataFrame) -> pd.DataFrame:
    """Return for each code, and for all, the agreement before and what was decided.

    Args:
        decisions: see `decisions.read_decisions`.
        alpha: of the coders who worked alone.

    Returns:
        `scope`, `code`, `estimate`, `ci_low`, `ci_high` of α, `differ` (cases), `keep`, `drop` and `undecided`.
    """
    names = {"keep": "keep", "drop": "drop", "": "undecided"}
    counts = pd.crosstab(decisions["code"], decisions["decision"].map(names))
    counts = counts.reindex(columns=list(names.values()), fill_value=0)
    counts.loc["all codes"] = counts.sum()
    counts.insert(0, "differ", counts.sum(axis=1))
    table = alpha[["scope", "code", "estimate", "ci_low", "ci_high"]]
    return table.join(counts, on="code").fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def by_coder(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame | None,
    assignments: pd.DataFrame,
    decisions: pd.DataFrame,
    **options: int,
) -> pd.DataFrame:
    """Return for each coder how often the decision went their way, and how near they were to the consensus.

    The first four are as in `coder_agreement.presence_table`, `decisions` as in `by_code`.

    Returns:
        `coder`, `decided` (cases that the coder had rated), `followed` (decided as the coder had rated), `changed`
        (decided otherwise), of which `added` and `removed`; and for the agreement with the consensus on turns with a
        code of anybody: `kappa` (Cohen), `alpha` (Krippendorff), `ci_low`, `ci_high` (of α), `n`.
    """
    presence = with_consensus(presence_table(codings, units, codebook, assignments), decisions)
    coders = [name for name in presence if name != CONSENSUS]
    coded = presence[presence.index.droplevel("code").isin(coded_units(presence[coders]))]
    cases = presence.loc[pd.MultiIndex.from_frame(decisions.loc[decisions["decision"] != "", CASE])]
    rows = []
    for coder in coders:
        own, decided = cases[coder], cases[CONSENSUS]
        after = units_agreement(coded[[coder, CONSENSUS]].dropna(), **options)
        after = after[after["scope"] == "overall"].set_index("measure")
        alpha = after.loc["krippendorff_alpha"]
        rows.append({
            "coder": coder, "decided": own.notna().sum(), "followed": (own == decided).sum(),
            "changed": (own.notna() & (own != decided)).sum(), "added": ((own == 0) & (decided == 1)).sum(),
            "removed": ((own == 1) & (decided == 0)).sum(),
            "kappa": after["estimate"].get("cohen_kappa", float("nan")), "alpha": alpha["estimate"],
            "ci_low": alpha["ci_low"], "ci_high": alpha["ci_high"], "n": alpha["n"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def consensus_form(
    units: pd.DataFrame,
    codings: pd.DataFrame,
    decisions: pd.DataFrame,
    codebook: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
) -> Workbook:
    """Return the consensus as a coding workbook, with a sheet for each of the `tables`.

    Args:
        units, codebook: as for `forms.coding_form`.
        codings: those that count, see `settled`.
        decisions: as in `by_code`; an undecided case is told in the memo of its segment.
        tables: name of the sheet → what it shows.

    Raises:
        UserError: a segment has more codes than are read.
    """
    allowed = set(assignable(codebook))
    if odd := [code for code in codings["code"].unique() if code not in allowed]:
        raise UserError(
            f"'{odd[0]}' is no code below a theme of the codebook; name the right one (--codebook)"
        )
    units = units.reindex(columns=keys(UNIT), fill_value="")
    counted = codings.drop_duplicates(CASE).groupby(["document", "segment"], sort=False)["code"]
    given = counted.agg(list).to_dict()
    most = max(map(len, given.values()), default=0)
    if most > MOST_CODES:
        raise UserError(f"a segment keeps {most} codes; a coding workbook has room for {MOST_CODES}")
    slots = max(MAX_CODES, most)
    book = coding_form(units, coder=CONSENSUS, codebook=codebook, slots=slots, kind=CONSENSUS)
    still = decisions[decisions["decision"] == ""]
    open_ones = still.groupby(["document", "segment"])["code"].agg(", ".join).to_dict()
    sheet = book[CODES]
    for row, place in enumerate(zip(units["document"], units["segment"], strict=True), start=6):
        for column, code in enumerate(given.get(place, []), start=6):
            wb.put(sheet, row, column, code)
        if place in open_ones:
            wb.put(sheet, row, 6 + slots, f"undecided 未决定: {open_ones[place]}")
    wb.add_tables(book, tables)
    return book
