"""Page 04, what a model is made of: cut points, indicators, points, and rules with their rates."""

from __future__ import annotations

import pandas as pd

from research.exhibits.exhibit import Exhibit, interval
from research.exhibits.models import ranking_name
from research.exhibits.style import rate_of, with_outcome
from research.exhibits.words import N_, Said, chosen

SCORES = {"recency_months": ("recency", "upper", N_("Months since the last event, at most")),
          "frequency_count": ("frequency", "lower", N_("Frequency, more than")),
          "monetary_amount": ("amount", "lower", N_("Amount, more than"))}  # fmt: skip


def rfm_cuts(cuts: pd.DataFrame) -> Exhibit:
    """Return RFM's cut points: what a customer needs for each score."""
    parts, headings = {}, {"score": N_("Score")}
    for name, part in cuts.groupby("input", sort=False):
        column, end, heading = SCORES[str(name)]
        parts[column], headings[column] = part.set_index("score")[end], heading
    frame = pd.DataFrame(parts).sort_index(ascending=False).rename_axis("score").reset_index()
    said = N_(
        "RFM scores each customer from one to five on {inputs}; the cut points stay as they were learned."
    )
    return Exhibit(
        "rfm_cuts", frame, Said(said, {"inputs": list(cuts["label"].str.lower().unique())}), headings=headings,
        formats=dict.fromkeys(parts, ",.0f"), within=None,
    )  # fmt: skip


BLOCKS = {"A": N_("Value"), "B": N_("Risk"), "C": N_("Need")}
SIGNS = {1: N_("raises the score"), -1: N_("lowers the score")}


def abc_indicators(indicators: pd.DataFrame, absent: list[str]) -> Exhibit:
    """Return ABC's indicators with sign and weight; `absent`: those of the definition that are not measured."""
    frame = indicators.assign(
        score=indicators["block"].map(BLOCKS), effect=indicators["sign"].map(SIGNS)
    ).drop(columns=["block", "sign"])
    said = N_("ABC weighs {used} indicators into three scores, each standardised by the mean and spread shown; "
              "{absent} of its definition are not measured here.")  # fmt: skip
    return Exhibit(
        "abc_indicators", frame, Said(said, {"used": len(frame), "absent": len(absent)}),
        headings={"label": N_("Indicator"), "score": N_("Score"), "effect": N_("More of it"),
                  "weight": N_("Weight in the score"), "mean": N_("Mean"), "sd": N_("Spread"),
                  "missing_share": N_("Missing")}, formats={"weight": ".1%", "missing_share": ".1%"}, within=None,
    )  # fmt: skip


RULED = {"pd": interval(".2%", "pd"), "n": ",.0f", "bads": ",.0f"}
READ = {
    "more": N_("{rules} rules to read, riskiest first; pruning alone would keep {alone}, too few for the tiers."),
    "all": N_("{rules} rules to read, riskiest first; each customer meets exactly one."),
}  # fmt: skip


def ruled(outcome: str, first: str = N_("Rule")) -> dict[str, str | Said]:
    """Return the headings of rules with their customers and the rate of the outcome (its name)."""
    return {"rule": first, "n": N_("Customers"), "bads": with_outcome(outcome), "pd": rate_of(outcome)}


def tree_rules(rules: pd.DataFrame, alone: int, outcome: str) -> Exhibit:
    """Return the tree's rules, riskiest first; pruning `alone` would keep so many. `outcome`: its name."""
    return Exhibit(
        "tree_rules", rules, chosen(READ, "more" if alone < len(rules) else "all", rules=len(rules), alone=alone),
        headings=ruled(outcome) | {"tier": N_("Tier by this rule"),
                                   "matched_tiers": N_("With the study's tier shares")}, formats=RULED,
    )  # fmt: skip


def scorecard_points(rules: pd.DataFrame, outcome: str) -> Exhibit:
    """Return the scorecard: points per input and class; a customer's score is their sum. `outcome`: its name."""
    said = N_("The scorecard adds up points for {inputs} inputs; more points are safer.")
    first = N_("Input and class")
    return Exhibit(
        "scorecard_points", rules.drop(columns=["length", "tier"]),
        Said(said, {"inputs": rules["input"].nunique()}),
        headings={"rule": first, "points": N_("Points")} | ruled(outcome, first),
        formats=RULED | {"points": ".0f"}, within=["input"],
    )  # fmt: skip


def scorecard_cuts(cuts: pd.DataFrame, rates: pd.DataFrame, outcome: str) -> Exhibit:
    """Return the cut-offs of the scorecard with the rate of the outcome (its name) of unseen customers."""
    unseen = rates[(rates["ranking"] == "scorecard") & (rates["judged"] == "unseen")]
    frame = unseen[["tier", "n", "bad", "rate", "ci_low", "ci_high"]]
    by_tier = cuts.set_index("tier")
    frame = frame.assign(**{name: frame["tier"].map(by_tier[name]) for name in by_tier})
    said = N_("Cut-offs of the scorecard: fewer than {high:.0f} points is high risk; premium needs a value index "
              "above {value:.2f} besides.")  # fmt: skip
    given = {"high": by_tier.at["high", "points_below"], "value": by_tier.at["premium", "value_above"]}
    return Exhibit(
        "scorecard_cuts", frame, Said(said, given),
        headings={"tier": N_("Tier"), "points_from": N_("Points from"), "points_below": N_("Points below"),
                  "n": N_("Unseen customers"), "bad": with_outcome(outcome), "rate": rate_of(outcome)},
        formats={"points_from": ".0f", "points_below": ".0f", "n": ",.0f", "bad": ",.0f",
                 "rate": interval(".2%", "rate")},
    )  # fmt: skip


def own_rules(rules: pd.DataFrame, ranking: str, outcome: str) -> Exhibit:
    """Return the rules of RFM or the cells of ABC, with the rate of the outcome (its name): for the supplement."""
    said = N_("The own rule of {ranking}: {rules} rows, on the customers it was set up on.")
    return Exhibit(
        f"{ranking}_rules", rules.drop(columns="length"),
        Said(said, {"ranking": ranking_name(ranking), "rules": len(rules)}),
        headings=ruled(outcome) | {"tier": N_("Tier")} | ({"reason": N_("Why")} if "reason" in rules else {}),
        formats=RULED, supplement=True,
    )  # fmt: skip


def segments(table: pd.DataFrame, outcome: str) -> Exhibit:
    """Return RFM's named segments, with the rate of the outcome (its name): for the supplement."""
    said = N_("Customers in RFM's named segments; the first row of the definition that fits gives the name.")
    return Exhibit(
        "rfm_segments", table, Said(said),
        headings={"segment": N_("Segment"), "n": N_("Customers"), "bads": with_outcome(outcome),
                  "pd": rate_of(outcome)},
        formats=RULED, supplement=True,
    )  # fmt: skip
