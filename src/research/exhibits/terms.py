"""What models, purposes, measures and results of tests are called on every page."""

from __future__ import annotations

import pandas as pd

from research.exhibits.words import N_, Said

MODELS = ("rfm", "abc", "tree")
NAMES = {
    "rfm": N_("RFM"),
    "abc": N_("ABC"),
    "tree": N_("Decision tree"),
    "scorecard": N_("Scorecard"),
    "grade": N_("Lender's grade"),
    "single": N_("Best single variable"),
    "boosting": N_("Gradient boosting"),
    "random": N_("Random tiers"),
    "optimal_tree": N_("Optimal tree"),
}
PURPOSES = {
    "risk": N_("find the risky"),
    "state_risk": N_("state the risk"),
    "value": N_("find the valuable"),
    "need": N_("part the needs"),
    "stability": N_("hold still"),
    "profit": N_("earn"),
    "hand": N_("be used by hand"),
    "fairness": N_("be fair"),
    "practitioners": N_("agree with practitioners"),
}
MEASURES = {
    "risk": N_("AUC"),
    "value": N_("concentration of value"),
    "need": N_("Cramér's V"),
    "stability": N_("adjusted Rand index"),
    "profit": N_("maximum profit per unit lent"),
    "hand": N_("rows to read"),
    "fairness": N_("equal-opportunity ratio"),
    "practitioners": N_("quadratic κ"),
}
RESULTS = {
    "better": N_("the first is better"),
    "worse": N_("the first is worse"),
    "equivalent": N_("no difference that matters"),
    "undecided": N_("undecided"),
    "not tested": N_("not tested"),
}
NAMES_IN_TEXT = {
    "rfm": N_("RFM"),
    "abc": N_("ABC"),
    "tree": N_("the tree"),
    "scorecard": N_("the scorecard"),
    "grade": N_("the lender's grade"),
    "single": N_("the best single variable"),
    "boosting": N_("gradient boosting"),
    "random": N_("random tiers"),
}
NOBODY = N_("none")


def in_text(names: list[str]) -> list[Said]:
    """Return models as they stand in a sentence."""
    return [Said(NAMES_IN_TEXT[name]) for name in names] or [Said(NOBODY)]


def named(rows: pd.DataFrame, grade: str) -> pd.DataFrame:
    """Return rows in which the one-variable reference is called what it is."""
    columns = [name for name in ("model", "model_a", "model_b") if name in rows]
    return rows.assign(**{name: rows[name].replace("grade", grade) for name in columns})


def titled(rows: pd.DataFrame, grade: str) -> pd.DataFrame:
    """Return rows whose models have the names that a table shows."""
    made = named(rows, grade)
    columns = [name for name in ("model", "model_a", "model_b") if name in made]
    return made.assign(**{name: made[name].map(NAMES) for name in columns})
