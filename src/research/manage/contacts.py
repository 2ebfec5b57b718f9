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
LEAST_STRIKING = 0.6


def cadence(path: Path = DEFINITIONS / "contact_cadence.csv") -> pd.DataFrame:
    """Read how often each tier is contacted: index `tier`; `days` between contacts, `first_within` days, `channel`, …

    Raises:
        UserError: a tier is missing or twice there, or a number or channel does not fit.
    """
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
    last_contact: pd.Series | None = None,
    urgency: pd.Series | None = None,
    intervals: pd.DataFrame | None = None,
    holidays: Sequence[datetime.date] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Plan the next contact with every customer.

    A customer with a critical alert is contacted on the first working day. Others are contacted at most `days` after
    their last contact, on the working day of the last `first_within` of these that has the fewest contacts. Where no
    last contact is known, or the next one is overdue, they are spread evenly over the working days of the tier's
    `first_within`, the most urgent first, so that no day has more of them than each tier's number divided by its
    working days, rounded up.

    Args:
        customers: only the index `customer_id` is used, which fixes the order of the rows.
        tiers, reasons, rule: by customer; reasons in words from `reasons_in_words`, rule = the model's rule in words.
        strategies: table of `strategies.strategies`.
        potential: from `potential_premium`.
        alerts: from `loan_quality.contradictions`; columns `severity` and `message`.
        last_contact: date by customer, NaT = unknown. urgency: higher = sooner, by customer.
        intervals: from `cadence`; the file by default.
        seed: decides the order of customers who are equally urgent.

    Returns:
        Index `customer_id`; columns `tier`, `tier_label`, `next_contact` (datetime64), `channel`, `days_between`,
        `reasons`, `rule`, `actions`, `purpose`, `potential_premium` (bool), `potential_reason`, `alert`.

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
    table = cadence() if intervals is None else intervals
    plan = pd.DataFrame(index=customers.index.rename("customer_id"))
    plan["tier"] = pd.Categorical(placed, categories=list(TIERS), ordered=True)
    plan["tier_label"] = placed.map({tier: " ".join(labels) for tier, labels in TIER_LABELS.items()})
    plan["channel"] = placed.map(table["channel"])
    plan["days_between"] = placed.map(table["days"]).astype(int)
    plan["reasons"] = reasons.reindex(plan.index).fillna("")
    plan["rule"] = "" if rule is None else rule.reindex(plan.index).fillna("")
    plan["actions"] = placed.map(_actions_in_words(strategies))
    plan["purpose"] = placed.map(table["purpose"])
    plan["potential_premium"] = (
        False if potential is None else potential["potential"].reindex(plan.index, fill_value=False)
    )
    plan["potential_reason"] = "" if potential is None else potential["reason"].reindex(plan.index).fillna("")
    plan["alert"] = "" if alerts is None else alerts["message"].reindex(plan.index).fillna("")
    critical = pd.Series(False, index=plan.index)
    if alerts is not None:
        critical = plan.index.to_series().isin(alerts.index[alerts["severity"] == "critical"])
    plan["next_contact"] = _dates(
        plan["tier"], table, start_date, critical, last_contact, urgency, holidays, seed
    )
    return plan[list(COLUMNS)]


def _actions_in_words(strategies: pd.DataFrame) -> dict[str, str]:
    listed = actions(strategies)
    words = listed["action"] + " " + listed["action_zh"]
    return words.groupby(listed["tier"]).agg("; ".join).reindex(list(TIERS), fill_value="").to_dict()


def _dates(
    tiers: pd.Series,
    table: pd.DataFrame,
    start: datetime.date,
    critical: pd.Series,
    last_contact: pd.Series | None,
    urgency: pd.Series | None,
    holidays: Sequence[datetime.date],
    seed: int,
) -> np.ndarray:
    closed = np.array([np.datetime64(day, "D") for day in holidays], dtype="datetime64[D]")
    first = np.datetime64(start, "D")
    window = tiers.map(table["first_within"]).to_numpy(int)
    due = np.full(len(tiers), first)
    if last_contact is not None:
        known = pd.to_datetime(last_contact.reindex(tiers.index)).to_numpy().astype("datetime64[D]")
        due = known + tiers.map(table["days"]).to_numpy(int).astype("timedelta64[D]")
    later, urgent = due > first, critical.to_numpy()  # an unknown day is not later
    horizon = max(int(window.max(initial=1)), *(due[later] - first).astype(int).tolist(), 1)
    working = np.arange(first, first + horizon + 1)
    working = working[np.is_busday(working, holidays=closed)]
    if not len(working):
        working = np.busday_offset([first], 0, roll="forward", holidays=closed)
    place = np.zeros(len(tiers), dtype=int)
    order = _order(tiers.index, urgency, seed)
    for tier in TIERS:
        turn = order[(tiers.to_numpy() == tier)[order] & ~later[order] & ~urgent[order]]
        days = max(int((working < first + window[turn[0]]).sum()), 1) if len(turn) else 1
        place[turn] = np.arange(len(turn)) * days // max(len(turn), 1)
    load = np.bincount(place[~later], minlength=len(working))
    turn = order[later[order] & ~urgent[order]]
    for one in turn[np.argsort(due[turn], kind="stable")]:
        end = max(int(np.searchsorted(working, due[one], side="right")), 1)
        begin = min(int(np.searchsorted(working, due[one] - window[one], side="right")), end - 1)
        place[one] = end - 1 - int(np.argmin(load[begin:end][::-1]))
        load[place[one]] += 1
    return working[place].astype("datetime64[s]")


def _order(customers: pd.Index, urgency: pd.Series | None, seed: int) -> np.ndarray:
    """Positions of customers, the most urgent first, equally urgent ones in an order drawn by the seed."""
    shuffled = np.random.default_rng(seed).permutation(len(customers))
    if urgency is None:
        return shuffled
    value = urgency.reindex(customers).to_numpy(float)[shuffled]
    return shuffled[np.argsort(-np.where(np.isnan(value), -np.inf, value), kind="stable")]


def reasons_in_words(customers: pd.DataFrame, indicators: Sequence[str], *, most: int = 3) -> pd.Series:
    """Say by which indicators each customer stands out: "Debt to income 62 % (higher than 94 % of customers)".

    A value is as striking as the share of customers strictly below or strictly above it, whichever is larger; the
    `most` striking values are named, if they exceed 60 %. Missing and categorical values are not ranked.

    Args:
        customers: canonical customer table; indicators: its columns that the tiering used.

    Returns:
        Text by customer, empty where nothing stands out.

    Raises:
        UserError: an indicator is not in the table.
    """
    defined = constructs()
    missing = [name for name in indicators if name not in customers.columns]
    if missing:
        raise UserError(f"reasons: no column {', '.join(missing)}{nearest(missing[0], customers.columns)}")
    numeric = [name for name in indicators if pd.api.types.is_numeric_dtype(customers[name])]
    if not numeric or customers.empty:
        return pd.Series("", index=customers.index, dtype=object)
    values = customers[numeric]
    below = (values.rank(method="min") - 1) / values.notna().sum()
    above = (values.rank(method="min", ascending=False) - 1) / values.notna().sum()
    striking = np.fmax(below.to_numpy(), above.to_numpy())
    striking = np.where(np.isnan(striking) | (striking < LEAST_STRIKING), -1.0, striking)
    ranked = np.argsort(-striking, axis=1, kind="stable")[:, :most]
    pieces = np.full((len(values), ranked.shape[1]), "", dtype=object)
    for column, name in enumerate(numeric):
        row, slot = np.nonzero((ranked == column) & (np.take_along_axis(striking, ranked, axis=1) > 0))
        if not len(row):
            continue
        label = defined.at[name, "label"] if name in defined.index else name.replace("_", " ")
        unit = defined.at[name, "unit"] if name in defined.index else ""
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

    Where customers under the same rule are in several tiers, what tells them apart is added: the value or the risk, and
    the range of it that is this tier under this rule.

    Args:
        assessed: a row per customer with the model's component scores, and `tier`, `risk_score`, `value_score` where
            known; rules: the model's rules. Where both have a column `leaf` the leaf's rule is given, otherwise the
            scores.
    """
    if "leaf" in assessed and "leaf" in rules:
        by_leaf = rules.set_index("leaf")["rule"]
        words = assessed["leaf"].astype(int).map(by_leaf).fillna("").astype(object)
    else:
        shown = [name for name in assessed if name.endswith("_score") or name in {"risk", "value"}]
        shown = [name for name in shown if name not in {"risk_score", "value_score"}] or shown
        parts = [name.replace("_", " ") + " " + assessed[name].map("{:.3g}".format) for name in shown]
        words = parts[0] if parts else pd.Series("", index=assessed.index)
        for part in parts[1:]:
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
            ends = (
                rows.groupby(rows["tier"].astype(object))[f"{name}_score"]
                .agg(["min", "max"])
                .sort_values("min")
            )
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
    *,
    reach: float = 0.2,
    cuts: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Flag low-risk customers who may become premium.

    The rule: in the low-risk tier, with a value in the tier's top `reach`, and with every growth sign given (such as
    cross-sell potential or need intensity) at or above the tier's median. A missing sign does not stand in the way,
    a missing value does.

    Args:
        tiers, value: by customer.
        growth: signs of growth by name.
        reach: share of the low-risk tier that is valuable enough.
        cuts: cut-offs from `potential_cuts` of other customers or months; those of these customers when not given.

    Returns:
        Index of `tiers`; `potential` (bool), `reason` (text, empty where not flagged).

    Raises:
        UserError: `reach` is not between 0 and 1.
    """
    signs = growth or {}
    limits = potential_cuts(tiers, value, signs, reach=reach) if cuts is None else cuts
    worth = value.reindex(tiers.index).to_numpy(float)
    flagged = (tiers.astype(object) == "low").to_numpy() & (worth >= limits.get("value", np.nan))
    words = [f"value in the top {reach:.0%} of the low-risk tier"]
    for name in [name for name in signs if name in limits]:
        found = signs[name].reindex(tiers.index).to_numpy(float)
        flagged &= ~np.isfinite(found) | (found >= limits[name])
        words.append(f"{name} at or above the tier's median")
    reason = np.where(flagged, "; ".join(words), "")
    return pd.DataFrame({"potential": flagged, "reason": reason}, index=tiers.index)


def potential_cuts(
    tiers: pd.Series, value: pd.Series, growth: Mapping[str, pd.Series], *, reach: float = 0.2
) -> dict[str, float]:
    """Return the cut-offs of `potential_premium` in the low-risk tier of customers: `value` and each known sign."""
    if not 0 < reach < 1:
        raise UserError(f"reach: found {reach:g}, expected between 0 and 1")
    low = tiers.index[(tiers.astype(object) == "low").to_numpy()]
    known = {
        name: part[np.isfinite(part)]
        for name, column in {"value": value, **growth}.items()
        for part in [column.reindex(low).to_numpy(float)]
    }
    at = {name: 1 - reach if name == "value" else 0.5 for name in known}
    return {name: float(np.quantile(part, at[name])) for name, part in known.items() if len(part)}
