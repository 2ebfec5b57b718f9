"""What the book and the simulation say about the claimed benefits H1, H2, H4 and H5."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

from research.manage.portfolio import money

COLUMNS = (
    "hypothesis", "quantity", "statement", "estimate", "ci_low", "ci_high", "null_value", "direction", "unit",
    "n", "depends_on", "answer", "remark",
)  # fmt: skip
NOT_TESTABLE = "not testable here"
EQUAL = "equal volume"


def hypothesis_evidence(
    frame: pd.DataFrame,
    comparison: pd.DataFrame,
    break_evens: pd.DataFrame,
    tiers_split: pd.DataFrame,
    *,
    default: pd.Series | None = None,
    value: pd.Series | None = None,
    potential: pd.Series | None = None,
    became_premium: pd.Series | None = None,
    truth: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Gather the evidence on the hypotheses in one tidy table.

    Args:
        frame: book; comparison: `policy.compare` of it; break_evens: `break_even.break_even`;
        tiers_split: `sensitivity.by_tier`.
        default: outcome 0/1 by customer, NaN = censored (left out and not counted in `n`).
        value: measured value of a customer to the bank, by customer.
        potential, became_premium: flag now and tier at the next review, 0/1 by customer; need repeated observation.
        truth: one row of `sensitivity.profit_by_truth` for this model, of a simulated book.

    Returns:
        One row per hypothesis and quantity. `depends_on` is `data` or `assumption`. An answer that rests on data
        is `supported` when the whole interval lies on the claimed side of the null value and `not supported`
        otherwise. An answer that rests on assumptions can refute a claim (`not supported`: it fails even within
        the assumed ranges) but never support it; otherwise it is `not testable here` and `remark` states the
        condition under which the claim holds.
    """
    rows = [
        *_risk(frame, comparison, break_evens, default, truth, level),
        *_value(frame, comparison, value, level),
        *_efficiency(comparison, tiers_split),
        *_growth(potential, became_premium, level),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ratio_of_rates(
    event: pd.Series, group: pd.Series, level: float = 0.95
) -> tuple[float, float, float, int]:
    """Return the rate of an event in a group over the rate outside it, its interval, and n.

    Interval of Katz et al. (1978) on the log scale; NaN where either side has no event or no customer.
    """
    known = event.notna() & group.notna()
    hit, inside = event[known].to_numpy(float), group[known].to_numpy(bool)
    events, size = (hit[inside].sum(), hit[~inside].sum()), (inside.sum(), (~inside).sum())
    if min(events) == 0 or min(size) == 0:
        return np.nan, np.nan, np.nan, int(known.sum())
    low, high = confint_proportions_2indep(
        events[0],
        size[0],
        events[1],
        size[1],
        compare="ratio",
        method="log",
        alpha=1 - level,
        correction=False,
    )
    return (events[0] / size[0]) / (events[1] / size[1]), low, high, int(known.sum())


def value_lift(value: pd.Series, group: pd.Series, level: float = 0.95) -> tuple[float, float, float, int]:
    """Return the group's share of all value over its share of customers, its interval, and n.

    With a = mean(v·g), b = mean(v), c = mean(g) the lift is a/(bc). Delta method on the log scale: the influence of
    a customer is v·g/a − v/b − g/c + 1, its standard deviation over √n the standard error. NaN where some value is
    negative or all are nil, because a share of the whole has no meaning then.
    """
    known = value.notna() & group.notna()
    worth, inside = value[known].to_numpy(float), group[known].to_numpy(float)
    n = len(worth)
    if n == 0 or worth.min() < 0 or worth.mean() == 0 or inside.mean() == 0 or (worth * inside).mean() == 0:
        return np.nan, np.nan, np.nan, n
    a, b, c = (worth * inside).mean(), worth.mean(), inside.mean()
    lift = a / (b * c)
    influence = worth * inside / a - worth / b - inside / c + 1
    error = norm.ppf((1 + level) / 2) * influence.std(ddof=1) / np.sqrt(n)
    return lift, lift * np.exp(-error), lift * np.exp(error), n


def _answer(estimate: float, low: float, high: float, null: float, direction: str, depends_on: str) -> str:
    if not np.isfinite([estimate, low, high]).all():
        return NOT_TESTABLE
    sign = 1.0 if direction == "greater" else -1.0
    worst, best = sorted((sign * (low - null), sign * (high - null)))
    if depends_on == "data":
        return "supported" if worst > 0 else "not supported"
    return "not supported" if best <= 0 else NOT_TESTABLE


def _row(hypothesis, quantity, statement, found, null, direction, unit, n, depends_on, remark="") -> tuple:
    answer = _answer(*found, null, direction, depends_on)
    if depends_on == "assumption" and answer == "not supported":
        remark = f"fails over the whole range of the assumed effects; {remark}"
    return (hypothesis, quantity, statement, *found, null, direction, unit, n, depends_on, answer, remark)


def _pick(comparison: pd.DataFrame, policy: str, measure: str) -> tuple[float, float, float]:
    chosen = comparison[
        (comparison["policy"] == policy) & (comparison["basis"] == EQUAL) & (comparison["measure"] == measure)
    ]
    row = chosen.iloc[0]
    return float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"])


def _risk(frame, comparison, break_evens, default, truth, level) -> list[tuple]:
    high = pd.Series(frame["tier"].astype(object) == "high", index=frame.index)
    if default is None:
        found, n, remark = (np.nan, np.nan, np.nan), 0, "the data set has no outcome"
    else:
        *found, n = ratio_of_rates(default.reindex(frame.index), high, level)
        remark = "" if np.isfinite(found[0]) else "too few defaults or an empty tier"
    monitoring = break_evens[break_evens["id"] == "T1a"].iloc[0]
    threshold = "no break-even within range" if np.isnan(monitoring["break_even"]) else (
        f"closer monitoring pays when it cuts PD by at least {monitoring['break_even']:.1%}"
    )  # fmt: skip
    rows = [
        _row("H1", "default_rate_ratio", "Default rate of the high-risk tier over that of all other tiers", found, 1.0,
             "greater", "ratio", n, "data", remark),
        _row("H1", "expected_loss_ratio", "Expected loss, tiered over uniform policy at equal volume",
             _pick(comparison, "tiered ÷ uniform", "expected loss"), 1.0, "less", "ratio", len(frame), "assumption",
             f"rests on the assumed effects; {threshold}"),
        _row("H1", "targeting_loss_ratio", "Expected loss, tiered over the same actions dealt at random, equal volume",
             _pick(comparison, "tiered ÷ untargeted", "expected loss"), 1.0, "less", "ratio", len(frame), "assumption",
             "what the tiering adds to the actions; its size scales with the assumed effects"),
    ]  # fmt: skip
    if truth is not None:
        gain = float(truth["targeting"].iloc[0])
        rows.append(
            _row("H1", "true_targeting_gain", "Yearly profit of targeting under the true PD of the simulated book",
                 (gain, gain, gain), 0.0, "greater", "currency per year", len(frame), "assumption",
                 "simulated data; no interval, the truth is known")
        )  # fmt: skip
    return rows


def _value(frame, comparison, value, level) -> list[tuple]:
    premium = pd.Series(frame["tier"].astype(object) == "premium", index=frame.index)
    if value is None:
        found, n, remark = (np.nan, np.nan, np.nan), 0, "the data set measures no value"
    else:
        *found, n = value_lift(value.reindex(frame.index), premium, level)
        remark = (
            ""
            if np.isfinite(found[0])
            else "value is negative or nil for some, so that a share of it has no meaning"
        )
    profit = _pick(comparison, "tiered − uniform", "profit")
    remark_profit = "" if np.isfinite(profit[0]) else "no contract rate, so income is not measured"
    return [
        _row("H2", "premium_value_lift", "Premium tier's share of all value over its share of customers", found, 1.0,
             "greater", "ratio", n, "data", remark),
        _row("H2", "profit_difference", "Yearly profit, tiered minus uniform policy at equal volume", profit, 0.0,
             "greater", "currency per year", len(frame), "assumption",
             remark_profit or "rests on the assumed effects; the break-even table says what would have to hold"),
    ]  # fmt: skip


def _efficiency(comparison: pd.DataFrame, tiers_split: pd.DataFrame) -> list[tuple]:
    hours = tiers_split[tiers_split["measure"] == "officer hours"].set_index(["policy", "tier"])
    change = hours.loc["tiered − uniform"]
    n = int(change["n"].sum())
    low, premium = change.loc["low"], change.loc["premium"]
    freed = (-float(low["estimate"]), -float(low["ci_high"]), -float(low["ci_low"]))
    remark = "hours are assumed; officer time is not in the data"
    more = f"{remark}; the premium tier takes {premium['estimate']:,.0f} more hours"
    return [
        _row("H4", "officer_hours_ratio", "Officer hours, tiered over uniform policy at equal volume",
             _pick(comparison, "tiered ÷ uniform", "officer hours"), 1.0, "less", "ratio", n, "assumption", remark),
        _row("H4", "hours_freed_low", "Officer hours per year freed by all actions in the low-risk tier", freed, 0.0,
             "greater", "hours per year", n, "assumption", more),
    ]  # fmt: skip


def _growth(potential, became_premium, level) -> list[tuple]:
    statement = "Share of flagged customers who reach the premium tier over that share of the others"
    if potential is None or became_premium is None:
        found, n, remark = (np.nan, np.nan, np.nan), 0, "needs the same customers at two reviews"
    else:
        *found, n = ratio_of_rates(became_premium, potential.reindex(became_premium.index), level)
        remark = "" if np.isfinite(found[0]) else "too few customers changed tier"
    return [
        _row("H5", "potential_premium_lift", statement, found, 1.0, "greater", "ratio", n, "data", remark)
    ]


def answers(evidence: pd.DataFrame) -> pd.DataFrame:
    """Count the answers per hypothesis: columns `hypothesis`, `supported`, `not supported`, `not testable here`."""
    counts = pd.crosstab(evidence["hypothesis"], evidence["answer"])
    return counts.reindex(columns=["supported", "not supported", NOT_TESTABLE], fill_value=0).reset_index()


def statement(comparison: pd.DataFrame, break_evens: pd.DataFrame, title: str, currency: str = "") -> str:
    """Say in a few sentences what the simulation found for one model's tiers.

    Args:
        comparison: rows of `policy.compare` of that model; break_evens: rows of `break_even.break_even`.
        title: name of the model.
        currency: that of the data set, in words.
    """
    verdicts = break_evens["verdict"]
    pays, judged = (
        verdicts.str.startswith(("pays over", "pays at base")).sum(),
        (verdicts.str[:3] != "not").sum(),
    )
    watch = break_evens.loc[break_evens["id"] == "T1a", "break_even"].iloc[0]
    watching = "has no break-even in its range"
    if np.isfinite(watch):
        watching = f"pays when it cuts PD by at least {watch:.1%}"
    unit = "" if money(currency) == "currency" else f" in {money(currency)}"
    gain = [f"{part:+,.0f}" for part in _pick(comparison, "tiered − uniform", "profit")]
    together = f"All actions together change yearly profit{unit} by {gain[0]} ({gain[1]} to {gain[2]}) at equal volume."
    if "nan" in gain[0]:
        together = "Income is not testable here, because no contract rate is measured."
    ratio = [f"{part - 1:+.1%}" for part in _pick(comparison, "tiered ÷ untargeted", "expected loss")]
    aimed = _pick(comparison, "tiered − untargeted", "profit")
    unclear = ""
    if aimed[1] <= 0 <= aimed[2]:
        estimate, low, high = (f"{part:+,.0f}" for part in aimed)
        unclear = f"; whether yearly profit gains by it is not clear: {estimate} ({low} to {high})"
    words = (
        f"{pays} of {judged} levers pay at their assumed base effect; closer monitoring of the high-risk tier "
        f"{watching}. {together} Aimed by the tiers ({title}) instead of dealt at random, the same actions change "
        f"expected loss by {ratio[0]} ({ratio[1]} to {ratio[2]}){unclear}."
    )
    return words.replace(" -", " −").replace("(-", "(−")
