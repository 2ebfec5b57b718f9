"""Agreement of coders who chose the limits of their selections themselves: Krippendorff's α for unitised continua.

A text is a line of characters; each coder cuts it into coded segments and gaps. Observed are the lengths on which two
coders meet with the same value, expected those of any two segments, except of a segment with itself (Krippendorff
2019, *Content Analysis*, 4th ed., §12.6; Krippendorff, Mathet, Bouvry & Widlöcher 2016, *Quality & Quantity* 50:2347):

    ℓ(c, k) = Σ over pairs of coders of the length valued c by one and k by the other, / (m − 1)
    ε(c, k) = (ℓ(c) ℓ(k) − [c = k] s(c)) / (ℓ − s / ℓ),   s(c) = Σ length² of segments valued c, Σ length of gaps

and α = 1 − Σ ℓ(c≠k) / Σ ε(c≠k). *uα* asks where and which code, *|uα* where anything is coded, *cuα* which code where
both coded (there the length of a segment is what the others coded of it, per other coder). Where a coder gave several
codes to one place, their combination is the value. Several documents are one long line; those that only one coder saw
are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import UserError
from research.fieldwork.interviews.agreement import COLUMNS
from research.fieldwork.interviews.coefficients import resampled
from research.files import limits
from research.intervals import percentile

_UNDEFINED = "undefined: nothing was coded, or everything alike"
_SEVERAL = ("u_alpha", "Krippendorff uα (where and which code)")
_ANYTHING = ("u_alpha_binary", "Krippendorff |uα (where anything is coded)")
_GIVEN = ("cu_alpha", "Krippendorff cuα (which code, where both coded)")
_ONE = ("u_alpha_binary", "Krippendorff |uα")

Segments = tuple[np.ndarray, np.ndarray, np.ndarray]  # begin, end, value (from 1); apart and in order


@dataclass
class Lengths:
    """Documents × values: length agreed on, whole length, and what a segment shares with itself (0: gaps)."""

    same: np.ndarray
    whole: np.ndarray
    own: np.ndarray

    def alpha(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return α and the expected disagreement per character; `times` (rows × documents) counts documents."""
        same, whole, own = times @ self.same, times @ self.whole, times @ self.own
        total = whole.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = ((whole**2 - own).sum(axis=1)) / (total - own.sum(axis=1) / total)
            expected = total - chance
            alpha = 1 - (total - same.sum(axis=1)) / expected
            return np.where(expected > 1e-9 * total, alpha, np.nan), expected / total


def unitising_agreement(
    selections: pd.DataFrame,
    lengths: Mapping[str, int],
    assignments: pd.DataFrame | None = None,
    *,
    resamples: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return uα, |uα and cuα over all codes, and |uα of each code.

    Args:
        selections: `coder`, `document`, `code`, `start`, `end` (positions of characters; `end` does not belong).
        lengths: document → number of characters; a document that is missing ends with its last selection.
        assignments: `coder`, `document` pairs given to code; without it a coder has seen what they coded.
        resamples: bootstrap resamples of whole documents.

    Returns:
        `scope` (overall, code), `code`, the columns of `agreement_table` (n counts documents), `applied` (selections).

    Raises:
        UserError: a selection that ends before it begins, no document seen by two coders, or too many selections.
    """
    limits.within("selections", len(selections), "agreement")
    turned = selections[selections["end"] < selections["start"]]
    if len(turned):
        row = turned.iloc[0]
        raise UserError(
            f"coder {row['coder']}, document {row['document']}: a selection from {row['start']} to {row['end']}; "
            "expected an end after its start"
        )
    given = selections[selections["end"] > selections["start"]]
    seen = given if assignments is None else assignments
    coders = seen.groupby("document", sort=False)["coder"].unique()
    coders = {document: list(who) for document, who in coders.items() if len(who) > 1}
    if not coders:
        raise UserError("no document was coded by two coders or more, so there is nothing to compare")
    given = given[given["document"].isin(coders)]
    ends = given.groupby("document")["end"].max()
    size = {d: int(max(lengths.get(d, 0), ends.get(d, 0), 1)) for d in coders}
    places = dict(iter(given.groupby(["document", "coder"], sort=False)))
    values: dict[frozenset, int] = {}
    cut = {
        document: [_combined(places.get((document, coder)), values) for coder in who]
        for document, who in coders.items()
    }
    limits.within("selection_cells", len(coders) * len(values), "agreement")
    anything = {d: [(begin, end, np.ones_like(value)) for begin, end, value in who] for d, who in cut.items()}
    tables = [
        (_SEVERAL, "all codes", len(given), _lengths(cut, size, len(values) + 1, gaps=True)),
        (_ANYTHING, "all codes", len(given), _lengths(anything, size, 2, gaps=True)),
        (_GIVEN, "all codes", len(given), _lengths(cut, size, len(values) + 1, gaps=False)),
    ]
    for code, part in given.groupby("code", sort=True):
        marks = dict(iter(part.groupby(["document", "coder"], sort=False)))
        one: dict[frozenset, int] = {}
        parts = {d: [_combined(marks.get((d, coder)), one) for coder in who] for d, who in coders.items()}
        tables.append((_ONE, code, len(part), _lengths(parts, size, 2, gaps=True)))
    raters = max(map(len, coders.values()))
    rows = [_row(*table, len(coders), raters, resamples, seed) for table in tables]
    return pd.DataFrame(rows)[["scope", "code", *COLUMNS, "applied"]]


def _combined(part: pd.DataFrame | None, values: dict[frozenset, int]) -> Segments:
    """Cut one coder's selections of a document where a code begins or ends; numbers for new combinations are added."""
    if part is None:
        return np.array([], dtype=int), np.array([], dtype=int), np.array([], dtype=int)
    marks: dict[int, list[tuple[int, object]]] = {}
    for code, spans in part.groupby("code", sort=False):
        for begin, end in _joined(zip(spans["start"], spans["end"], strict=True)):
            marks.setdefault(begin, []).append((1, code))
            marks.setdefault(end, []).append((-1, code))
    cut, active, before = [], {}, 0
    for place in sorted(marks):
        if active:
            cut.append((before, place, values.setdefault(frozenset(active), len(values) + 1)))
        for change, code in sorted(marks[place], key=lambda mark: mark[0]):
            active[code] = active.get(code, 0) + change
            if not active[code]:
                del active[code]
        before = place
    begin, end, value = np.array(cut, dtype=int).reshape(-1, 3).T
    return begin, end, value


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Selections of one code that overlap are one; those that only touch stay two."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted((int(a), int(b)) for a, b in spans):
        if found and begin < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _lengths(
    cut: Mapping[str, list[Segments]], size: Mapping[str, int], values: int, *, gaps: bool
) -> Lengths:
    """Return the lengths of every document; without `gaps` only places that two coders coded count."""
    shape = (len(cut), values)
    found = Lengths(np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for row, (document, coders) in enumerate(cut.items()):
        bounds = np.unique(
            np.concatenate([[0, size[document]], *[part[k] for part in coders for k in (0, 1)]])
        )
        width = np.diff(bounds)
        value = np.zeros((len(coders), len(width)), dtype=int)
        segment = np.full(value.shape, -1)
        for coder, (begin, end, number) in enumerate(coders):
            if len(begin):
                at = np.searchsorted(begin, bounds[:-1], side="right") - 1
                inside = (at >= 0) & (bounds[:-1] < end[at])
                value[coder] = np.where(inside, number[at], 0)
                segment[coder] = np.where(inside, at, -1)
        coded = value > 0
        others = np.full(value.shape, len(coders) - 1) if gaps else (coded.sum(axis=0) - coded) * coded
        for coder, (_, _, number) in enumerate(coders):
            weight = width * others[coder] / (len(coders) - 1)  # the length that is paired, per other coder
            equal = ((value == value[coder]).sum(axis=0) - 1) * (others[coder] > 0)
            found.same[row] += np.bincount(value[coder], width * equal / (len(coders) - 1), values)
            found.whole[row] += np.bincount(value[coder], weight, values)
            held = segment[coder] >= 0
            if held.any():
                found.own[row] += np.bincount(
                    number, np.bincount(segment[coder][held], weight[held], len(number)) ** 2, values
                )
            if gaps:
                found.own[row, 0] += width[~held].sum()
    return found


def _row(
    named: tuple[str, str], code: str, applied: int, found: Lengths,
    n: int, raters: int, resamples: int, seed: int,
) -> dict[str, object]:  # fmt: skip
    alpha, expected = found.alpha(np.ones((1, n)))
    drawn = np.array([])
    if n > 1 and resamples:
        step = max(1, 4_000_000 // found.same.shape[1])
        times = resampled(n, resamples, seed, 0)
        drawn = np.concatenate([found.alpha(times[k : k + step])[0] for k in range(0, resamples, step)])
    low, high = (np.nan, np.nan) if np.isnan(alpha[0]) else percentile(drawn, resamples)
    note = _UNDEFINED if np.isnan(alpha[0]) else "one document: no interval" if n == 1 and resamples else ""
    return {
        "scope": "overall" if code == "all codes" else "code", "code": code, "measure": named[0], "label": named[1],
        "estimate": float(alpha[0]), "ci_low": low, "ci_high": high, "expected": float(expected[0]), "n": n,
        "raters": raters, "resamples": np.count_nonzero(~np.isnan(drawn)), "note": note, "applied": applied,
    }  # fmt: skip
