"""Loan quality: five categories (五级分类) and IFRS 9 stages by a versioned policy, and where they contradict tiers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.files.textfiles import own_yaml
from research.manage.strategies import TIER_LABELS
from research.paths import DEFINITIONS
from research.tiers import TIERS

STATUSES = ("verified", "unverified", "own rule")
SEVERITIES = ("critical", "serious")
RULE_KEYS = ("id", "scheme", "gives", "measure", "instrument", "article", "status", "seen_in", "note")


@dataclasses.dataclass(frozen=True)
class Policy:
    """A loan-quality policy: version, classes of each scheme from best to worst, rules and contradictions."""

    version: str
    schemes: dict[str, pd.DataFrame]
    measures: dict[str, str]
    rules: pd.DataFrame
    contradictions: pd.DataFrame

    def flags(self, measures: pd.Series) -> pd.Series:
        """Return which measures are yes or no."""
        return measures.map(self.measures).str.startswith("1 when")

    def label(self, scheme: str, name: str) -> str:
        """Return a class in English and Chinese."""
        return " ".join(self.schemes[scheme].loc[name, ["label", "label_zh"]])

    def rank(self, scheme: str, name: str) -> int:
        """Return the place of a class in its scheme, 0 = best."""
        return int(self.schemes[scheme].index.get_loc(name))


def policy(path: Path = DEFINITIONS / "loan_quality_policy.yml") -> Policy:
    """Read the policy file. Raises UserError for a rule that names something unknown, has no threshold, or claims to be
    verified without saying where.
    """
    content: dict[str, Any] = own_yaml(path)
    schemes = {
        name: pd.DataFrame(scheme["classes"]).set_index("name") for name, scheme in content["schemes"].items()
    }
    rules = []
    for rule in content["rules"]:
        place = f"{path.name}, rule {rule.get('id', '?')}"
        missing = [key for key in RULE_KEYS if key not in rule]
        if missing:
            raise UserError(f"{place}: no {', '.join(missing)}")
        _one_of(place, "scheme", rule["scheme"], schemes)
        _one_of(place, "gives", rule["gives"], schemes[rule["scheme"]].index)
        _one_of(place, "measure", rule["measure"], content["measures"])
        _one_of(place, "status", rule["status"], STATUSES)
        if ("above" in rule) == ("at_least" in rule):
            raise UserError(f"{place}: expected one threshold, `above` or `at_least`")
        if (rule["status"] == "verified") != bool(rule["seen_in"]):
            raise UserError(f"{place}: status '{rule['status']}' does not fit seen_in '{rule['seen_in']}'")
        test, threshold = ("above", rule["above"]) if "above" in rule else ("at_least", rule["at_least"])
        rules.append({**{key: rule[key] for key in RULE_KEYS}, "test": test, "threshold": float(threshold)})
    contradictions = pd.DataFrame(content["contradictions"]).explode("tiers")
    contradictions = contradictions.rename(columns={"tiers": "tier"})
    for entry in contradictions.to_dict("records"):
        place = f"{path.name}, contradictions"
        _one_of(place, "tier", entry["tier"], TIERS)
        _one_of(place, "scheme", entry["scheme"], schemes)
        _one_of(place, "gives", entry["gives"], schemes[entry["scheme"]].index)
        _one_of(place, "severity", entry["severity"], SEVERITIES)
    version, measures = str(content["version"]), content["measures"]
    return Policy(version, schemes, measures, pd.DataFrame(rules), contradictions)


def _one_of(place: str, what: str, value: str, options: Any) -> None:
    if value not in list(options):
        raise UserError(f"{place}, {what}: found '{value}'{nearest(str(value), map(str, options))}")


def classify(customers: pd.DataFrame, rules: Policy) -> pd.DataFrame:
    """Give each loan the worst class that any applicable rule gives it.

    Args:
        customers: any of the policy's measures as columns (`days_past_due`, `credit_impaired`, …), index `customer_id`.
            A measure that is absent leaves its rules unapplied; a missing value triggers nothing.

    Returns:
        Per scheme a column of the class (ordered categorical, NaN where all measures are missing) and
        `<scheme>_rule`, the ids of the rules that gave it; also `days_past_due`.
    """
    present = [name for name in rules.measures if name in customers.columns]
    known = customers[present].notna().any(axis=1).to_numpy()
    result = pd.DataFrame(index=customers.index)
    for scheme, classes in rules.schemes.items():
        worst = np.zeros(len(customers), dtype=int)
        given = np.full(len(customers), "", dtype=object)
        mine = rules.rules[(rules.rules["scheme"] == scheme) & rules.rules["measure"].isin(present)]
        for rule in mine.itertuples(index=False):
            values = customers[rule.measure].to_numpy(float)
            hit = values > rule.threshold if rule.test == "above" else values >= rule.threshold
            place = rules.rank(scheme, rule.gives)
            given = np.where(hit & (place == worst), given + f", {rule.id}", given)
            given = np.where(hit & (place > worst), rule.id, given)
            worst = np.where(hit, np.maximum(worst, place), worst)
        codes = np.where(known, worst, -1)
        result[scheme] = pd.Categorical.from_codes(codes, categories=list(classes.index), ordered=True)
        result[f"{scheme}_rule"] = given
    days = customers.get("days_past_due", pd.Series(np.nan, index=customers.index))
    return result.assign(days_past_due=days.astype(float))


def provenance(rules: Policy, customers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per rule: what it says, where that comes from, and whether the data set can apply it."""
    table = rules.rules.copy()
    sign = table["test"].map({"above": "more than", "at_least": "at least"})
    named = table["measure"].str.replace("_", " ")
    numbers = named + " " + sign + " " + table["threshold"].map("{:g}".format)
    table["rule"] = named.where(rules.flags(table["measure"]), numbers)
    given = zip(table["scheme"], table["gives"], strict=True)
    table["gives"] = [rules.schemes[scheme].at[name, "label"] for scheme, name in given]
    here = table["measure"].isin(customers.columns)
    table["applied"] = np.where(here, "applied", "not testable here: not measured")
    columns = [
        "id",
        "scheme",
        "rule",
        "gives",
        "instrument",
        "article",
        "status",
        "seen_in",
        "note",
        "applied",
    ]
    return table[columns].assign(version=rules.version)


def crosswalk(quality: pd.DataFrame, tiers: pd.Series) -> pd.DataFrame:
    """Cross tier × category × stage: `tier`, `five_category`, `ifrs9_stage`, `n`, `share_of_tier`.

    All combinations that occur, in order. Loans without a class count under `unclassified`.
    """
    placed = pd.Categorical(tiers.reindex(quality.index), categories=list(TIERS), ordered=True)
    frame = pd.DataFrame({"tier": placed}, index=quality.index)
    for scheme in ("five_category", "ifrs9_stage"):
        frame[scheme] = quality[scheme].cat.add_categories("unclassified").fillna("unclassified")
    counts = frame.groupby(list(frame), observed=True).size().rename("n").reset_index()
    whole = counts.groupby("tier", observed=True)["n"].transform("sum")
    return counts.assign(share_of_tier=counts["n"] / whole)


def labelled(table: pd.DataFrame, rules: Policy) -> pd.DataFrame:
    """Return a crosswalk with its classes in English and Chinese."""
    shown = {}
    for scheme, classes in rules.schemes.items():
        words = {name: rules.label(scheme, name) for name in classes.index}
        shown[scheme] = table[scheme].astype(object).replace(words)
    return table.assign(**shown)


def contradictions(quality: pd.DataFrame, tiers: pd.Series, rules: Policy) -> pd.DataFrame:
    """List the customers whose tier and loan quality cannot both be right, the gravest first.

    Also lists loans whose two schemes disagree: non-performing without stage 3, or stage 3 without being non-performing
    (by the policy's rule that a credit-impaired asset is non-performing).

    Returns:
        Index `customer_id`; columns `severity`, `tier`, `days_past_due`, `five_category`, `ifrs9_stage`, `rules`
        (that gave the classes) and `message`.
    """
    placed = tiers.reindex(quality.index).astype(object)
    gravity = np.full(len(quality), len(SEVERITIES))
    for entry in rules.contradictions.to_dict("records"):
        codes = quality[entry["scheme"]].cat.codes.to_numpy()
        hit = (placed == entry["tier"]).to_numpy() & (codes >= rules.rank(entry["scheme"], entry["gives"]))
        gravity = np.where(hit, np.minimum(gravity, SEVERITIES.index(entry["severity"])), gravity)
    category, stage = (quality[scheme].cat.codes.to_numpy() for scheme in ("five_category", "ifrs9_stage"))
    nonperforming = category >= rules.rank("five_category", "substandard")
    disagree = (category >= 0) & (nonperforming != (stage == rules.rank("ifrs9_stage", "3")))
    gravity = np.where(disagree, np.minimum(gravity, SEVERITIES.index("serious")), gravity)
    chosen = gravity < len(SEVERITIES)
    found = quality[chosen].assign(tier=placed[chosen], gravity=gravity[chosen])
    found["place"] = found["tier"].map(list(TIERS).index)
    order = {"gravity": True, "days_past_due": False, "place": True}
    found = found.sort_values([*order], ascending=[*order.values()], kind="stable")
    found["severity"] = [SEVERITIES[code] for code in found["gravity"]]
    found["rules"] = found["five_category_rule"] + "; " + found["ifrs9_stage_rule"]
    found["message"] = [_message(row, rules) for row in found.itertuples()]
    return found[["severity", "tier", "days_past_due", "five_category", "ifrs9_stage", "rules", "message"]]


def contradiction_summary(found: pd.DataFrame) -> pd.DataFrame:
    """Count contradictions by `severity`, `tier`, `five_category`, `ifrs9_stage` (`customers`), the gravest first; no
    customers are named, nor their days past due.
    """
    keys = ["severity", "tier", "five_category", "ifrs9_stage"]
    return found[keys].astype(str).groupby(keys, sort=False).size().rename("customers").reset_index()


def _message(row: Any, rules: Policy) -> str:
    category = rules.schemes["five_category"].loc[row.five_category]
    days = "unknown days" if np.isnan(row.days_past_due) else f"{row.days_past_due:.0f} days"
    tier = TIER_LABELS[row.tier][0].lower()
    stage = rules.schemes["ifrs9_stage"].loc[row.ifrs9_stage, "label"].lower()
    return f"{tier} customer {days} past due: {category['label'].lower()} {category['label_zh']}, {stage}"
