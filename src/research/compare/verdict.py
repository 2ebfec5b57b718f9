"""The verdict in words, computed from the table of criteria and the tests. A negative finding is a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from research.compare.criteria import definitions
from research.compare.inference import holm
from research.errors import UserError

NO_WINNER = "no clear winner"
UNTESTED = "not testable"
FEW_BAD = 100


@dataclass(frozen=True)
class Verdict:
    """What the results say about one data set and arm.

    Attributes:
        criteria: one row per criterion, see `judge_criteria`.
        ranking: `model, mean_rank, clear_wins, criteria`, best first.
        leader: model with the lowest mean rank.
        clear: True when the leader also has most clear wins and leads whichever criterion is left out.
        statement: the overall verdict, one sentence.
        findings: one sentence per criterion.
        caveats: what a reader must know before using the verdict.
    """

    criteria: pd.DataFrame
    ranking: pd.DataFrame
    leader: str
    clear: bool
    statement: str
    findings: tuple[str, ...]
    caveats: tuple[str, ...]


def judge(
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    models: Sequence[str],
    labels: Mapping[str, str] | None = None,
    bad: int | None = None,
    alpha: float = 0.05,
    left_out: Mapping[int, str] | None = None,
) -> Verdict:
    """Compute the verdict for one data set and arm.

    Args:
        table: criterion rows of one data set and one arm.
        pairs: result of `inference.pairwise` for the same.
        models: the candidates; other models in the table are references and do not take part in the ranking.
        labels: how to write a model's name.
        bad: number of bad outcomes, for the caveat about few of them.
        alpha: level of the tests.
        left_out: criterion to the reason why it does not count though there are results.

    Raises:
        UserError: more than one data set or arm, or no criterion with two candidates.
    """
    if table["dataset"].nunique() != 1 or table["arm"].nunique() != 1:
        raise UserError("verdict: expected the criteria of one data set and one arm")
    reasons = dict(left_out or {})
    measures = definitions().set_index("measure")["criterion"]
    not_counted = table["measure"].map(measures).isin(reasons)
    criteria = judge_criteria(table[~not_counted], pairs, models, alpha)
    criteria["decided_by"] = [
        reasons.get(row.criterion, row.decided_by) for row in criteria.itertuples(index=False)
    ]
    tested = criteria[criteria["best"] != ""]
    if tested.empty:
        raise UserError("verdict: found no criterion with results for two of the models")
    names = {model: (labels or {}).get(model, model) for model in table["model"].unique()}
    ranking, clear = standing(tested)
    leader = str(ranking["model"].iloc[0])
    against = against_random(table, pairs, models, alpha)
    return Verdict(
        criteria=criteria.drop(columns="ranks"),
        ranking=ranking,
        leader=leader,
        clear=clear,
        statement=_statement(ranking, clear, names, str(table["dataset"].iloc[0]), len(tested)),
        findings=tuple(_finding(row, names) for row in criteria.itertuples())
        + tuple(_negative(against, names)),
        caveats=tuple(_caveats(criteria, bad)),
    )


def judge_criteria(
    table: pd.DataFrame, pairs: pd.DataFrame, models: Sequence[str], alpha: float = 0.05
) -> pd.DataFrame:
    """Find the best candidate per criterion and whether it is clearly best.

    The primary measure decides; where it is not known for two candidates, the criterion's next measure does. The best
    candidate is a clear winner when it beats every other one: by the corrected resampled t-test with Holm adjustment
    over the candidates where there is one, else by intervals that do not overlap, else (counts) by the number.

    Returns:
        One row per criterion: `criterion, measure, label, direction, winner` (or "no clear winner", or "" where not
        testable), `best, estimate, ci_low, ci_high, runner_up, difference` (best - runner-up), `p_holm, tied_with,
        decided_by, ranks` (candidate to rank).
    """
    rows = []
    known = table[table["model"].isin(models) & table["estimate"].notna()]
    enough = known.groupby("measure", observed=True)["model"].nunique() > 1
    tests = _tests(pairs)
    for criterion, measures in _in_order():
        chosen = next((measure for measure in measures if enough.get(measure.measure, False)), None)
        if chosen is None:
            first = measures[0]
            rows.append({"criterion": criterion, "measure": first.measure, "label": first.label,
                         "direction": first.direction, "winner": "", "best": "", "decided_by": UNTESTED,
                         "tied_with": "", "runner_up": "", "ranks": {}})  # fmt: skip
            continue
        rows.append({"criterion": criterion, "measure": chosen.measure, "label": chosen.label,
                     "direction": chosen.direction, **_decide(known, tests, chosen, alpha)})  # fmt: skip
    columns = ["criterion", "measure", "label", "direction", "winner", "best", "estimate", "ci_low", "ci_high",
               "runner_up", "difference", "p_holm", "tied_with", "decided_by", "ranks"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def standing(criteria: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the ranking (see `rank_models`) from judged criteria, and whether its first is clearly best.

    Args:
        criteria: rows of `judge_criteria`; those without results do not count.
    """
    tested = criteria[criteria["best"] != ""]
    ranks = pd.DataFrame({row.criterion: row.ranks for row in tested.itertuples()}).T
    ranking = rank_models(ranks, tested["winner"])
    return ranking, _clear_lead(ranks, ranking)


def rank_models(ranks: pd.DataFrame, winner: pd.Series) -> pd.DataFrame:
    """Return `model, mean_rank, clear_wins, criteria` from ranks (criteria × models); criteria weigh the same."""
    return (
        pd.DataFrame({"mean_rank": ranks.mean(), "criteria": ranks.notna().sum()})
        .assign(clear_wins=[int((winner == model).sum()) for model in ranks.columns])
        .rename_axis("model")
        .reset_index()
        .sort_values(["mean_rank", "clear_wins"], ascending=[True, False], kind="stable")
        .reset_index(drop=True)[["model", "mean_rank", "clear_wins", "criteria"]]
    )


def against_random(
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    models: Sequence[str],
    alpha: float = 0.05,
    random: str = "random",
) -> pd.DataFrame:
    """Test every candidate against random tiers on the tested measures of criteria 1, 2, 4, 5 and 7.

    Returns:
        `criterion, measure, label, model, difference` (above 0 = better than random), `p_holm, better`; no rows where
        there is no such reference.
    """
    rows, tests = [], _tests(pairs)
    known = definitions().query("primary == 'yes' and criterion in [1, 2, 4, 5, 7]")
    for measure in known.itertuples():
        sign = 1 if measure.direction == "higher" else -1
        found = []
        for model in models:
            if (test := tests.get((measure.measure, model, random))) is not None:
                found.append({"criterion": measure.criterion, "measure": measure.measure, "label": measure.label,
                              "model": model, "difference": sign * test[0], "p_value": test[1]})  # fmt: skip
        if found:
            adjusted = holm(np.array([row["p_value"] for row in found]))
            rows += [{**row, "p_holm": p, "better": bool(row["difference"] > 0 and p < alpha)}
                     for row, p in zip(found, adjusted, strict=True)]  # fmt: skip
    columns = ["criterion", "measure", "label", "model", "difference", "p_holm", "better"]
    return pd.DataFrame(rows).reindex(columns=columns)


@cache
def _in_order() -> list[tuple[int, list[Any]]]:
    """Return each criterion with its measures, the primary one first."""
    table = definitions().sort_values("primary", ascending=False, kind="stable")
    return [(number, list(part.itertuples())) for number, part in table.groupby("criterion", sort=True)]


def _tests(pairs: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return (measure, a, b) to the difference a - b and its p-value, for both orders of every pair tested."""
    found = {}
    for row in pairs.itertuples():
        found[(row.measure, row.model_a, row.model_b)] = (float(row.difference), float(row.p_value))
        found[(row.measure, row.model_b, row.model_a)] = (-float(row.difference), float(row.p_value))
    return found


def _decide(
    known: pd.DataFrame,
    tested: Mapping[tuple[str, str, str], tuple[float, float]],
    measure: Any,
    alpha: float,
) -> dict[str, object]:
    known = known[known["measure"] == measure.measure]
    ranked = known.sort_values("estimate", ascending=measure.direction == "lower", kind="stable")
    best, others = ranked.iloc[0], ranked.iloc[1:]
    names = list(ranked["model"])
    tests = {
        (a, b): test
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        if (test := tested.get((measure.measure, a, b))) is not None
    }
    adjusted = dict(zip(tests, holm(np.array([p for _, p in tests.values()])), strict=True))
    beaten, ways = [], set()
    for other in others.itertuples():
        p = adjusted.get((best["model"], other.model), np.nan)
        if not np.isnan(p):
            beaten.append(p < alpha)
            ways.add("corrected t-test")
        elif not np.isnan([best["ci_low"], best["ci_high"], other.ci_low, other.ci_high]).any():
            apart = (
                best["ci_low"] > other.ci_high
                if measure.direction == "higher"
                else best["ci_high"] < other.ci_low
            )
            beaten.append(bool(apart))
            ways.add("intervals")
        else:
            beaten.append(other.estimate != best["estimate"])
            ways.add("number")
    tied = [name for name, lost in zip(others["model"], beaten, strict=True) if not lost]
    return {
        "winner": NO_WINNER if tied else best["model"],
        "best": best["model"],
        "estimate": best["estimate"],
        "ci_low": best["ci_low"],
        "ci_high": best["ci_high"],
        "runner_up": names[1],
        "difference": best["estimate"] - others["estimate"].iloc[0],
        "p_holm": adjusted.get((best["model"], names[1]), np.nan),
        "tied_with": ", ".join(tied),
        "decided_by": " and ".join(sorted(ways)),
        "ranks": known.set_index("model")["estimate"].rank(ascending=measure.direction == "lower").to_dict(),
    }


def _clear_lead(ranks: pd.DataFrame, ranking: pd.DataFrame) -> bool:
    """Return True when one model leads by mean rank, whichever criterion is left out, and has most clear wins."""
    leader, wins = ranking["model"].iloc[0], ranking["clear_wins"]
    if len(ranks) < 2 or wins.iloc[0] <= wins.iloc[1:].max():
        return False
    for left_out in [None, *ranks.index]:
        means = ranks.drop(index=left_out).mean() if left_out is not None else ranks.mean()
        if not (means[leader] < means.drop(leader)).all():
            return False
    return True


def _statement(
    ranking: pd.DataFrame, clear: bool, names: Mapping[str, str], dataset: str, criteria: int
) -> str:
    order = "; ".join(
        f"{names[row.model]} {row.mean_rank:.2f} ({row.clear_wins} clear {'win' if row.clear_wins == 1 else 'wins'})"
        for row in ranking.itertuples()
    )
    lead = names[ranking["model"].iloc[0]]
    if clear:
        start = f"On {dataset}, {lead} serves best over {criteria} criteria of equal weight"
    else:
        start = f"On {dataset}, no model is clearly best over {criteria} criteria of equal weight"
    return f"{start}; mean ranks: {order}."


def _finding(row: object, names: Mapping[str, str]) -> str:
    start = f"Criterion {row.criterion}, {row.label}: "
    if not row.best:
        return f"{start}{row.decided_by}." if row.decided_by != UNTESTED else f"{start}{UNTESTED} here."
    said = [] if np.isnan(row.ci_low) else [f"95 % interval {_number(row.ci_low)} to {_number(row.ci_high)}"]
    said.append(f"difference to {names[row.runner_up]} {_number(row.difference)}")
    if not np.isnan(row.p_holm):
        said.append("Holm p < 0.001" if row.p_holm < 0.001 else f"Holm p = {row.p_holm:.3f}")
    said.append(f"decided by {row.decided_by}")
    value = f"{_number(row.estimate)} ({'; '.join(said)})"
    if row.winner == NO_WINNER:
        tied = ", ".join(names[name] for name in row.tied_with.split(", "))
        return f"{start}no clear winner; {names[row.best]} has {value} and is not clearly better than {tied}."
    return f"{start}{names[row.best]} is clearly best with {value}."


def _negative(against: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Say where candidates are no better than random tiers."""
    sentences = []
    for _, part in against.groupby("criterion", sort=True):
        failed = [names[model] for model in part.loc[~part["better"], "model"]]
        if failed:
            label, criterion = part["label"].iloc[0], part["criterion"].iloc[0]
            sentences.append(
                f"Criterion {criterion}, {label}: not clearly better than random tiers: {', '.join(failed)}."
            )
    return sentences


def _numbered(criteria: pd.Series) -> str:
    noun = "criterion" if len(criteria) == 1 else "criteria"
    return f"{noun} {', '.join(map(str, criteria))}"


def _caveats(criteria: pd.DataFrame, bad: int | None) -> list[str]:
    found = ["Criteria weigh the same; another weighting can give another order."]
    missing = criteria.loc[criteria["decided_by"] == UNTESTED, "criterion"]
    if len(missing):
        found.append(f"Not testable here: {_numbered(missing)}.")
    others = criteria[(criteria["best"] == "") & (criteria["decided_by"] != UNTESTED)]
    found += [f"Criterion {row.criterion} is {row.decided_by}." for row in others.itertuples()]
    if bad is not None and bad < FEW_BAD:
        found.append(f"Only {bad} bad outcomes: intervals are wide and differences hard to see.")
    counted = criteria.loc[criteria["decided_by"].str.contains("number"), "criterion"]
    if len(counted):
        found.append(f"Compared as plain numbers, without an interval: {_numbered(counted)}.")
    texts = definitions().set_index("measure")["caveat"]
    used = criteria.loc[criteria["best"] != "", "measure"]
    return found + [text for text in texts.reindex(used) if isinstance(text, str)]


def _number(value: float) -> str:
    """Return a number with three digits, never in powers of ten, with a true minus sign."""
    text = f"{value:.0f}"
    if abs(value) < 100 and value != round(value):
        text = np.format_float_positional(value, precision=3, fractional=False, trim="-")
    return text.replace("-", "−")
