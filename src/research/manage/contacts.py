"""Contact plan: whom an officer contacts when, why and with what, one row per customer (P10, P11)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from research.collect.constructs import constructs
from research.errors import UserError, nearest
from research.manage.strategies import TIER_LABELS, actions
from research.paths import DEFINITIONS
from research.tiers import TIERS

CHANNELS = ("visit", "call", "message", "letter")
COLUMNS = (
    "tier", "tier_label", "next_contact", "channel", "days_between", "reasons", "rule", "actions", "purpose",
    "potential_premium", "potential_reason", "alert",
)  # fmt: skip
LEAST_STRIKING, MOST_REASONS = 0.6, 3
REACH = 0.2  # share of the low-risk tier that is valuable enough for premium


def cadence(path: Path = DEFINITIONS / "contact_cadence.csv") -> pd.DataFrame:
    """Read how often each tier is contacted: index `tier`; `days`, `first_within` (days), `channel`, `purpose`."""
    table = pd.read_csv(path, keep_default_na=False)
    if sorted(table["tier"]) != sorted(TIERS):
        raise UserError(
            f"{path.name}: found tiers {', '.join(table['tier'])}; expected each of {', '.join(TIERS)} once"
        )
    for row in table.itertuples():
        place = f"{path.name}, row {row.Index + 2}"
        if row.channel not in CHANNELS:
            raise UserError(f"{place}, column channel: found '{row.channel}'{nearest(row.channel, CHANNELS)}")
        if not 1 <= row.first_within <= row.days:
            raise UserError(f"{place}: first_within {row.first_within} must be from 1 to days {row.days}")
    return table.set_index("tier").loc[list(TIERS)]


def contact_plan(
    customers: pd.DataFrame,
    tiers: pd.Series,
    reasons: pd.Series,
    strategies: pd.DataFrame,
    start_date: datetime.date,
    *,
    rule: pd.Series | None = None,
    potential: pd.DataFrame | None = None,
    alerts: pd.DataFrame | None = None,
    urgency: pd.Series | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Plan the next contact with every customer: index `customer_id`, the columns `COLUMNS`.

    A customer with a critical alert is contacted on the first working day. The others are spread evenly over the
    working days of the tier's `first_within`, the most urgent first, so that no day has more of them than each tier's
    number divided by its working days, rounded up.

    Args:
        customers: only the index `customer_id` is used, which fixes the order of the rows.
        tiers, reasons, rule, urgency: by customer; higher = more urgent.
        potential: from `potential_premium`.
        alerts: from `loan_quality.contradictions`; columns `severity` and `message`.
        seed: decides the order of customers who are equally urgent.

    Raises:
        UserError: customers without a tier, or twice in the table.
    """
    if customers.index.has_duplicates:
        twice = customers.index[customers.index.duplicated()][0]
        raise UserError(f"contact plan: customer {twice} is in the table twice")
    placed = tiers.reindex(customers.index).astype(object)
    unknown = ~placed.isin(TIERS)
    if unknown.any():
        raise UserError(f"contact plan: {int(unknown.sum()):,} of {len(placed):,} customers have no tier")
    table = cadence()
    plan = pd.DataFrame(index=customers.index.rename("customer_id"))
    plan["tier"] = pd.Categorical(placed, categories=list(TIERS), ordered=True)
    plan["tier_label"] = placed.map({tier: " ".join(labels) for tier, labels in TIER_LABELS.items()})
    plan["channel"] = placed.map(table["channel"])
    plan["days_between"] = placed.map(table["days"]).astype(int)
    plan["reasons"] = reasons.reindex(plan.index).fillna("")
    plan["rule"] = "" if rule is None else rule.reindex(plan.index).fillna("")
    plan["actions"] = placed.map(_actions_in_words(strategies))
    plan["purpose"] = placed.map(table["purpose"])
    if potential is None:
        potential = pd.DataFrame({"potential": False, "reason": ""}, index=plan.index)
    if alerts is None:
        alerts = pd.DataFrame(columns=["severity", "message"], dtype=object)
    plan["potential_premium"] = potential["potential"].reindex(plan.index, fill_value=False)
    plan["potential_reason"] = potential["reason"].reindex(plan.index).fillna("")
    plan["alert"] = alerts["message"].reindex(plan.index).fillna("")
    critical = plan.index.isin(alerts.index[alerts["severity"] == "critical"])
    order = _order(plan.index, urgency, seed)
    plan["next_contact"] = _dates(plan["tier"], table["first_within"], start_date, critical, order)
    return plan[list(COLUMNS)]


def _actions_in_words(strategies: pd.DataFrame) -> dict[str, str]:
    listed = actions(strategies)
    words = listed["action"] + " " + listed["action_zh"]
    return words.groupby(listed["tier"]).agg("; ".join).reindex(list(TIERS), fill_value="").to_dict()


def _dates(
    tiers: pd.Series, first_within: pd.Series, start: datetime.date, critical: np.ndarray, order: np.ndarray
) -> np.ndarray:
    first = np.datetime64(start, "D")
    days = np.arange(first, first + max(int(first_within.max()), 7))
    working = days[np.is_busday(days)]
    place = np.zeros(len(tiers), dtype=int)
    for tier in TIERS:
        turn = order[((tiers.to_numpy() == tier) & ~critical)[order]]
        among = max(int((working < first + int(first_within[tier])).sum()), 1)
        place[turn] = np.arange(len(turn)) * among // max(len(turn), 1)
    return working[place].astype("datetime64[s]")


def _order(customers: pd.Index, urgency: pd.Series | None, seed: int) -> np.ndarray:
    """Positions of customers, the most urgent first, equally urgent ones in an order drawn by the seed."""
    shuffled = np.random.default_rng(seed).permutation(len(customers))
    if urgency is None:
        return shuffled
    value = urgency.reindex(customers).to_numpy(float)[shuffled]
    return shuffled[np.argsort(-np.where(np.isnan(value), -np.inf, value), kind="stable")]


def reasons_in_words(customers: pd.DataFrame, indicators: Sequence[str]) -> pd.Series:
    """Say by which indicators each customer stands out: "Debt to income 62 % (higher than 94 % of customers)".

    A value is as striking as the share of customers strictly below or strictly above it, whichever is larger; the three
    most striking values are named, if they exceed 60 %. Missing and categorical values are not ranked. Empty where
    nothing stands out.
    """
    defined = constructs()
    numeric = [name for name in indicators if pd.api.types.is_numeric_dtype(customers[name])]
    if not numeric or customers.empty:
        return pd.Series("", index=customers.index, dtype=object)
    values = customers[numeric]
    below = (values.rank(method="min") - 1) / values.notna().sum()
    above = (values.rank(method="min", ascending=False) - 1) / values.notna().sum()
    striking = np.fmax(below.to_numpy(), above.to_numpy())
    striking = np.where(np.isnan(striking) | (striking < LEAST_STRIKING), -1.0, striking)
    ranked = np.argsort(-striking, axis=1, kind="stable")[:, :MOST_REASONS]
    pieces = np.full((len(values), ranked.shape[1]), "", dtype=object)
    for column, name in enumerate(numeric):
        row, slot = np.nonzero((ranked == column) & (np.take_along_axis(striking, ranked, axis=1) > 0))
        label, unit = defined.loc[name, ["label", "unit"]]
        shown = _shown(values[name].to_numpy()[row], unit)
        up = below[name].to_numpy()[row] >= above[name].to_numpy()[row]
        share = np.floor(100 * striking[row, column])
        pieces[row, slot] = [
            f"{label} {text} ({'higher' if high else 'lower'} than {part:.0f} % of customers)"
            for text, high, part in zip(shown, up, share, strict=True)
        ]
    texts = ["; ".join(filter(None, line)) for line in pieces]
    return pd.Series(texts, index=customers.index, dtype=object)


def _shown(values: np.ndarray, unit: str) -> list[str]:
    if unit.startswith("share"):
        return [f"{100 * value:.1f} %" for value in values]
    if unit == "0 or 1":
        return ["yes" if value else "no" for value in values]
    if unit in {"months", "years", "days"}:
        return [f"{value:,.0f} {unit}" for value in values]
    return [f"{value:,.2f}" if abs(value) < 10 and value % 1 else f"{value:,.0f}" for value in values]


def rule_in_words(assessed: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    """Say by which rule or scores a model placed each customer.

    Where both have a column `leaf` the leaf's rule is given, otherwise the model's component scores. Where customers
    under the same rule are in several tiers, what tells them apart is added: the value or the risk, and the range of it
    that is this tier under this rule.
    """
    if "leaf" in assessed and "leaf" in rules:
        by_leaf = rules.set_index("leaf")["rule"]
        words = assessed["leaf"].astype(int).map(by_leaf).fillna("").astype(object)
    else:
        shown = [name for name in assessed if name.endswith("_score") or name in {"risk", "value"}]
        shown = [name for name in shown if name not in {"risk_score", "value_score"}] or shown
        words, *more = [name.replace("_", " ") + " " + assessed[name].map("{:.3g}".format) for name in shown]
        for part in more:
            words = words + ", " + part
    if not {"tier", "risk_score", "value_score"} <= set(assessed):
        return words.astype(object)
    return _told_apart(words.astype(object), assessed)


def _told_apart(words: pd.Series, assessed: pd.DataFrame) -> pd.Series:
    tiers = assessed["tier"].astype(object)
    several = tiers.groupby(words).transform("nunique") > 1
    told = words.copy()
    for rule, rows in assessed[several].groupby(words[several], sort=False):
        for name in ("value", "risk"):
            scores = rows.groupby(rows["tier"].astype(object))[f"{name}_score"]
            ends = scores.agg(["min", "max"]).sort_values("min")
            if (ends["min"].to_numpy()[1:] >= ends["max"].to_numpy()[:-1]).all():
                break
        else:
            told[rows.index] = [
                f"{rule}; here by value {value:.3g} and risk {risk:.3g}"
                for value, risk in zip(rows["value_score"], rows["risk_score"], strict=True)
            ]
            continue
        ranges = {tier: f"{low:.3g} to {high:.3g}" for tier, low, high in ends.itertuples()}
        told[rows.index] = [
            f"{rule}; {name} {score:.3g}: {tier} here from {ranges[tier]}"
            for tier, score in zip(rows["tier"], rows[f"{name}_score"], strict=True)
        ]
    return told


def potential_premium(
    tiers: pd.Series,
    value: pd.Series,
    growth: Mapping[str, pd.Series] | None = None,
    cuts: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Flag low-risk customers who may become premium: `potential` (bool), `reason` (text, empty where not flagged).

    The rule: in the low-risk tier, with a value in the tier's top `REACH`, and with every growth sign given (such as
    cross-sell potential or need intensity) at or above the tier's median. A missing sign does not stand in the way,
    a missing value does.

    Args:
        tiers, value: by customer.
        growth: signs of growth by name.
        cuts: cut-offs from `potential_cuts` of other customers or months; those of these customers when not given.
    """
    signs = growth or {}
    limits = potential_cuts(tiers, value, signs) if cuts is None else cuts
    worth = value.reindex(tiers.index).to_numpy(float)
    flagged = (tiers.astype(object) == "low").to_numpy() & (worth >= limits.get("value", np.nan))
    words = [f"value in the top {REACH:.0%} of the low-risk tier"]
    for name in [name for name in signs if name in limits]:
        found = signs[name].reindex(tiers.index).to_numpy(float)
        flagged &= ~np.isfinite(found) | (found >= limits[name])
        words.append(f"{name} at or above the tier's median")
    reason = np.where(flagged, "; ".join(words), "")
    return pd.DataFrame({"potential": flagged, "reason": reason}, index=tiers.index)


def potential_cuts(tiers: pd.Series, value: pd.Series, growth: Mapping[str, pd.Series]) -> dict[str, float]:
    """Return the cut-offs of `potential_premium` in the low-risk tier of customers: `value` and each known sign."""
    low = tiers.index[(tiers.astype(object) == "low").to_numpy()]
    cuts = {}
    for name, column in {"value": value, **growth}.items():
        known = column.reindex(low).to_numpy(float)
        known = known[np.isfinite(known)]
        if len(known):
            cuts[name] = float(np.quantile(known, 1 - REACH if name == "value" else 0.5))
    return cuts
