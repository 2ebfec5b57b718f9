"""Claims, what they rest on, and the verdict: computed from an interval, a bar and the grade of the evidence.

A claim of the source (H1 to H5) is split into claims that can fail on their own; `data/definitions/claims.csv` holds
for each one quantity, its bar, its margin and what would settle it. Only real evidence bears a verdict: what is
assumed, simulated or invented is shown and never judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from research.paths import DEFINITIONS

GRADES = ("replicated", "consistent across lenders", "measured", "reported", "assumed", "demonstration")
BEARING = GRADES[:4]  # the others are shown and never judged
VERDICTS = ("supported", "contradicted", "refuted", "not refuted", "undecided", "not tested here")


@cache
def _definitions() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "claims.csv", keep_default_na=False).set_index("claim", drop=False)


def definitions() -> pd.DataFrame:
    """Return one row per claim, indexed by its id: statement, quantity, bar, margin, direction, rule, and more."""
    table = _definitions().copy()
    return table.assign(bar=table["bar"].astype(float), margin=pd.to_numeric(table["margin"]))


def grade(
    *,
    real: bool,
    seen_before: bool = True,
    lenders: int = 1,
    consistent: bool = False,
    people_said: bool = False,
    assumed: bool = False,
) -> str:
    """Return the grade of a piece of evidence from what it is made of.

    Args:
        real: made of real loans or of answers that real people gave; simulated and invented material is not.
        seen_before: results on these data were known when the protocol was written; False for registered, unseen data.
        lenders: lenders whose customers, unseen by the model, were judged.
        consistent: `pooling.consistent` of those lenders.
        people_said: it is what people said in a survey or an interview.
        assumed: it is computed from assumptions about effects, hours or costs.
    """
    if not real:
        return "demonstration"
    if assumed:
        return "assumed"
    if people_said:
        return "reported"
    if not seen_before:
        return "replicated"
    return "consistent across lenders" if lenders > 1 and consistent else "measured"


def verdict(claim: Mapping[str, Any], low: float, high: float, evidence: str) -> str:
    """Return one of `VERDICTS`.

    Args:
        claim: a row of `definitions`: `bar`, `direction` (greater or less) and `rule`. The rule `supports` can end
            either way; `refutes` (a necessary condition) ends as refuted or not refuted; the others need a trial or
            a bank's own hours, so that nothing here can judge them.
        low, high: the interval of the quantity; missing where the data do not hold it or a tier is empty.
        evidence: one of `GRADES`.

    >>> claim = {"bar": 1.0, "direction": "greater", "rule": "supports"}
    >>> verdict(claim, 1.2, 2.0, "measured"), verdict(claim, 0.4, 0.8, "measured"), verdict(claim, 0.8, 1.5, "measured")
    ('supported', 'contradicted', 'undecided')
    >>> verdict(claim, 1.2, 2.0, "demonstration")
    'not tested here'
    """
    if evidence not in GRADES:
        raise ValueError(f"grade '{evidence}' is unknown; expected one of {', '.join(GRADES)}")
    if evidence not in BEARING or not np.isfinite([low, high]).all():
        return "not tested here"
    if claim["rule"] not in ("supports", "refutes"):
        return "not tested here"
    beyond, short = low > claim["bar"], high < claim["bar"]
    if claim["direction"] == "less":
        beyond, short = short, beyond
    words = ("supported", "contradicted") if claim["rule"] == "supports" else ("not refuted", "refuted")
    return words[0] if beyond else words[1] if short else "undecided"
