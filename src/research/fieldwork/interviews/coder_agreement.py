"""Agreement of coders on interviews: per code and overall, on coded segments and on all units.

A segment may carry several codes, so each code is a yes/no rating of every unit. Two bases are always given:
*all* units, where the many segments that nobody coded inflate percent agreement, and *coded* units, those with
any code of any coder.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.interviews.agreement import COLUMNS, agreement_table, set_alpha
from research.files import limits
from research.files.textfiles import read_csv
from research.paths import DEFINITIONS

_KEYS = ["document", "segment"]


def presence_table(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame | None = None,
    assignments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return who applied which code where: 1 applied, 0 not applied, NaN unit not seen by the coder.

    Args:
        codings: `coder`, `document`, `segment`, `code`, one row per code applied.
        units: `document`, `segment` of every unit that could be coded.
        codebook: `code`; codes nobody used are kept. Without it the codes are those used.
        assignments: `coder`, `document` pairs given to code. Without it a coder has seen a document when at
            least one unit of it carries a code of theirs.

    Returns:
        Index `document`, `segment`, `code`; one column per coder.

    Raises:
        UserError: fewer than two coders, a coding of an unknown unit or code, a unit listed twice.
    """
    places = pd.MultiIndex.from_frame(units[_KEYS])
    if places.has_duplicates:
        twice = places[places.duplicated()][0]
        raise UserError(f"unit {twice[0]} · {twice[1]} is listed twice; expected one row per unit")
    coders = sorted(
        codings["coder"].unique() if assignments is None else assignments["coder"].unique(), key=str
    )
    if len(coders) < 2:
        raise UserError(f"agreement needs two coders or more; found {', '.join(map(str, coders)) or 'none'}")
    known = list(codebook["code"] if codebook is not None else sorted(codings["code"].unique(), key=str))
    limits.within("codes", len(known), "agreement")
    limits.within("agreement_cells", len(places) * len(known) * len(coders), "agreement")
    position = places.get_indexer(pd.MultiIndex.from_frame(codings[_KEYS]))
    which = pd.Index(known).get_indexer(codings["code"])
    if (position < 0).any():
        stray = codings[position < 0].iloc[0]
        place = f"{stray['document']} · {stray['segment']}"
        raise UserError(f"coder {stray['coder']} coded {place}, which is not among the units")
    if (which < 0).any():
        stray = codings[which < 0].iloc[0]
        raise UserError(
            f"coder {stray['coder']}, {stray['document']} · {stray['segment']}: code '{stray['code']}' is not in the "
            f"codebook{nearest(str(stray['code']), map(str, known))}"
        )
    who = pd.Index(coders).get_indexer(codings["coder"])
    seen_pairs = codings if assignments is None else assignments
    seen = pd.crosstab(seen_pairs["document"], seen_pairs["coder"]).reindex(
        index=places.get_level_values(0), columns=coders, fill_value=0
    )
    applied = np.zeros((len(places), len(known), len(coders)))
    applied[position[who >= 0], which[who >= 0], who[who >= 0]] = 1
    applied[np.broadcast_to((seen.to_numpy() == 0)[:, None, :], applied.shape)] = np.nan
    each = [places.get_level_values(level).repeat(len(known)) for level in _KEYS]
    index = pd.MultiIndex.from_arrays([*each, known * len(places)], names=[*_KEYS, "code"])
    return pd.DataFrame(applied.reshape(-1, len(coders)), index=index, columns=coders)


def code_agreement(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame | None = None,
    *,
    assignments: pd.DataFrame | None = None,
    resample: str = "segment",
    resamples: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return every coefficient per code and overall, on coded units and on all units.

    *Overall* pools the yes/no ratings of all codes (resampling units, not single ratings) and adds
    Krippendorff's α on the sets of codes (MASI).

    Args:
        codings, units, codebook, assignments: as in `presence_table`.
        resample: `segment`, or `document` to let whole interviews vary (wider, and right when segments of one
            interview are alike).

    Returns:
        `scope` (code, overall), `code`, `base` (coded, all), the columns of `agreement_table`, and `applied`
        (times the code was applied, summed over the coders).
    """
    presence = presence_table(codings, units, codebook, assignments)
    options = {"resamples": resamples, "seed": seed}
    tables = []
    for base, kept in (("coded", coded_units(presence)), ("all", presence.index.droplevel("code"))):
        inside = presence[presence.index.droplevel("code").isin(kept)]
        sets = set_alpha(code_sets(inside), **options).assign(scope="overall", code="all codes")
        tables += [part.assign(base=base) for part in (units_agreement(inside, resample, **options), sets)]
    table = pd.concat(tables, ignore_index=True)
    applied = presence.groupby(level="code").sum().sum(axis=1)
    table["applied"] = table["code"].map(applied).fillna(presence.eq(1).sum().sum()).astype(int)
    table.loc[table["applied"] == 0, "note"] = "no coder applied the code"
    return table[["scope", "code", "base", *COLUMNS, "applied"]]


def coded_units(presence: pd.DataFrame) -> pd.MultiIndex:
    """Return `document`, `segment` of the units of a presence table that carry a code of anybody."""
    any_code = presence.eq(1).any(axis=1).groupby(level=_KEYS, sort=False).any()
    return any_code[any_code].index


def units_agreement(presence: pd.DataFrame, resample: str = "segment", **options: int) -> pd.DataFrame:
    """Return every coefficient of the coders of a presence table, per code and overall.

    Args:
        presence: see `presence_table`, of the units to be looked at; its columns are the coders compared.
        resample, options: as in `code_agreement`.

    Returns:
        `scope` (code, overall), `code`, and the columns of `agreement_table`.
    """
    tables = [
        _rated(ratings, resample, options).assign(scope="code", code=code)
        for code, ratings in presence.groupby(level="code", sort=False)
    ]
    pooled = _rated(presence, resample, options).assign(scope="overall", code="all codes")
    return pd.concat([*tables, pooled], ignore_index=True)


def code_sets(presence: pd.DataFrame) -> pd.DataFrame:
    """Turn a presence table into units × coders, each cell the frozenset of codes applied, NaN where not seen."""

    def of_coder(column: pd.Series) -> pd.Series:
        wide = column.unstack("code")
        cells = wide.to_numpy(dtype=float)
        rows = [np.nan if np.isnan(row).any() else frozenset(wide.columns[row == 1]) for row in cells]
        return pd.Series(rows, index=wide.index, dtype=object)

    return pd.DataFrame({coder: of_coder(presence[coder]) for coder in presence.columns})


def disagreements(
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame | None = None,
    assignments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return each unit and code on which the coders who saw it differ, to be talked through.

    Returns:
        `document`, `segment`, `participant`, `text` (where `units` has them), `code`, `definition` (where the
        codebook has it), `applied_by`, `not_applied_by`; in the order of `units`.
    """
    presence = presence_table(codings, units, codebook, assignments)
    yes, no = presence.eq(1), presence.eq(0)
    split = presence[yes.any(axis=1) & no.any(axis=1)]
    rows = split.index.to_frame(index=False)
    for name, marks in (("applied_by", yes), ("not_applied_by", no)):
        rows[name] = [", ".join(map(str, split.columns[row])) for row in marks.loc[split.index].to_numpy()]
    rows = rows.merge(
        units[[*_KEYS, *(c for c in ("participant", "text") if c in units)]], on=_KEYS, how="left"
    )
    if codebook is not None and "definition" in codebook:
        rows = rows.merge(codebook[["code", "definition"]], on="code", how="left")
    order = [*_KEYS, "participant", "text", "code", "definition", "applied_by", "not_applied_by"]
    return rows[[name for name in order if name in rows]]


def bars() -> dict[str, float]:
    """Return level → the least α at which a code is relied on: `tentative`, `reliable`."""
    table = read_csv(DEFINITIONS / "agreement_bars.csv")
    return dict(zip(table["level"], table["least"].astype(float), strict=True))


def readings(table: pd.DataFrame) -> pd.Series:
    """Return what an α says of a code, by its whole interval.

    Args:
        table: `ci_low`, `ci_high`.

    Returns:
        *reliable* (the interval reaches no lower than the upper bar), *tentative* (no lower than the lower one), *low*
        (wholly below the lower one), *open* (it holds a bar), *undefined* (there is no interval).
    """
    least = bars()
    low, high = table["ci_low"], table["ci_high"]
    tests = {
        "undefined": low.isna() | high.isna(),
        "reliable": low >= least["reliable"],
        "tentative": low >= least["tentative"],
        "low": high < least["tentative"],
    }
    return pd.Series(np.select(list(tests.values()), list(tests), "open"), index=table.index, dtype=object)


def _rated(ratings: pd.DataFrame, resample: str, options: dict[str, object]) -> pd.DataFrame:
    if not ratings.notna().sum(axis=1).ge(2).any():
        empty = "no unit was seen by two coders" if len(ratings) else "no unit carries a code"
        row = {"measure": "krippendorff_alpha", "label": "Krippendorff α, nominal", "n": 0, "resamples": 0,
               "raters": ratings.shape[1], "note": empty}  # fmt: skip
        return pd.DataFrame([row]).reindex(columns=COLUMNS)
    levels = _KEYS if resample == "segment" else ["document"]
    groups = pd.Series(ratings.groupby(level=levels, sort=False).ngroup(), index=ratings.index)
    return agreement_table(ratings, categories=[0.0, 1.0], clusters=groups, **options)
