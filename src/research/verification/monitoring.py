"""Published values of stability indices and of intervals of rates."""

from __future__ import annotations

from research import intervals
from research.manage import drift
from research.verification.checks import computes, published_table


@computes("stability")
def stability() -> dict[str, float]:
    """The stability index of seven credit grades, its five per cent bound and the p-value of no change."""
    grades = published_table("seven_grades")
    row = drift.stability(grades["base"], grades["current"])
    return {"psi_grades": row["estimate"], "psi_bound": row["benchmark"], "psi_p": row["p_value"]}


@computes("jeffreys")
def jeffreys() -> dict[str, float]:
    """Jeffreys intervals of 25 and of 10 events among 200."""
    low, high = intervals.jeffreys([25, 10], [200, 200])
    return {
        f"jeffreys_{n}_{end}": ends[i]
        for i, n in enumerate((25, 10))
        for end, ends in (("low", low), ("high", high))
    }
