"""Real answers: the National Financial Well-Being Survey 2016, its people sorted into tiers, and what they need.

Adults of the United States, not loan customers, and no default: what is found here says nothing of the study's models.
Tiers are made of income and four signs of strain (`nfwbs_tiers.csv`); what people hold, use, do and ask is compared
(`nfwbs_questions.csv`) and is no input of the tiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from research.fieldwork.survey import group_model, weighted
from research.fieldwork.survey.weighted import Linearised
from research.multiplicity import holm
from research.paths import DEFINITIONS
from research.tiers import TIERS

YEAR = 2016  # October to December
DRAWS = 500  # random tiers: the mean over draws, and the middle 95 % of them
ENDS = [0.025, 0.975]
TABLES = ("needs", "means", "wellbeing", "answers", "alike")
AGAINST = "low"  # the tier that the others are held against, their people alike otherwise


@cache
def _questions() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "nfwbs_questions.csv", keep_default_na=False)


@cache
def _rules() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "nfwbs_tiers.csv")


class Answers(NamedTuple):
    """The survey, one row per person.

    Attributes:
        weight: of mean 1.
        score: financial well-being, 14 to 95, missing where not answered.
        income: band, 1 (below $20,000) to 9 ($150,000 or more).
        signs: kind of strain → 1, 0, or missing.
        needs: question → code of the answer, or missing.
        held: what is held equal in a model, such as the age group → its code, or missing.
    """

    weight: np.ndarray
    score: pd.Series
    income: pd.Series
    signs: pd.DataFrame
    needs: pd.DataFrame
    held: pd.DataFrame


def read(path: Path) -> Answers:
    """Read the public use file; negative codes (user's guide, table 21) and those a question names are missing."""
    asked = _questions()
    table = pd.read_csv(path, usecols=asked["column"].tolist())[asked["column"].tolist()]
    for column, codes in zip(asked["column"], asked["missing"], strict=True):
        table[column] = table[column].where((table[column] >= 0) & ~table[column].isin(_codes(codes)))
    by_role = asked.groupby("role")["column"].agg(list)
    risks = asked[asked["role"] == "risk"]
    return Answers(
        table["finalwt"].to_numpy(),
        table[by_role["score"][0]],
        table[by_role["income"][0]],
        pd.DataFrame({kind: _any(_counted(table, part)) for kind, part in risks.groupby("kind", sort=False)}),
        table[by_role["need"]],
        table[[*by_role["income"], *by_role["held"]]],
    )


def _codes(text: str) -> list[float]:
    return [float(code) for code in str(text).split(";") if code]


def _counted(table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Return 1 where the answer is one that counts, 0 where it is another, missing where there is none."""
    found = {
        column: table[column].isin(_codes(codes)).astype(float).where(table[column].notna())
        for column, codes in zip(asked["column"], asked["counted"], strict=True)
    }
    return pd.DataFrame(found, index=table.index)


def _any(signs: pd.DataFrame) -> pd.Series:
    """Return 1 where one of the columns is 1, missing where none is and not all are known."""
    return signs.max(axis=1).where(signs.notna().all(axis=1) | (signs.max(axis=1) == 1))


def tiers(answers: Answers) -> pd.Series:
    """Return each person's tier as its place in `TIERS`, −1 where a sign is not known; the first rule that fits."""
    signs, found = answers.signs.sum(axis=1, skipna=False), pd.Series(-1, index=answers.income.index)
    for rule in _rules().to_dict("records"):
        fits = signs.between(rule["least_signs"], rule["most_signs"]) & (
            answers.income >= rule["least_income"]
        )
        found[fits & (found < 0)] = TIERS.index(rule["tier"])
    return found


def by_income(answers: Answers, placed: pd.Series) -> pd.Series:
    """Return tiers by income alone, cut at the bands' limits that bring their shares nearest to those of `placed`."""
    used, w = placed >= 0, pd.Series(answers.weight, index=placed.index)
    shares = w[used].groupby(placed[used]).sum().cumsum() / w[used].sum()
    above = w[used].groupby(answers.income[used]).sum()[::-1].cumsum() / w[used].sum()
    limits = [float((above - shares[code]).abs().idxmin()) for code in range(len(TIERS) - 1)]
    found = sum((answers.income < limit).astype(int) for limit in limits)
    return pd.Series(found, index=placed.index).where(used, -1)


def tables(answers: Answers, bar: float, margin: float, seed: int) -> dict[str, pd.DataFrame]:
    """Return what is shown of the survey.

    Args:
        answers: of `read`.
        bar: V from which on tiers are said to differ.
        margin: difference of V that does not matter.
        seed: of the random tiers.

    Returns:
        `needs`: per question V of the tiers and of income alone with intervals, the upper end of random tiers, and
        `result` (above, below, open) against the bar. `means`: the mean V over the questions of tiers, income alone and
        random tiers, its difference from the tiers, and `result` of that difference, the tiers against it (equivalent;
        no better: within the margin, and below nought; better, worse, open). `wellbeing`: score by tier. `answers`:
        share of the counted answer by tier. `alike`: the score of each tier less that of low risk, as it is and among
        people alike in income and the rest of `Answers.held`; `result` (lower, higher, open) after Holm.
    """
    asked = _questions().query("role == 'need'").reset_index(drop=True)
    placed = tiers(answers)
    sorted_by = {"tiers": placed.to_numpy(), "income": by_income(answers, placed).to_numpy()}
    codes = [answers.needs[name].astype("category").cat.codes.to_numpy() for name in asked["column"]]
    found = {
        name: [weighted.association(rows, code, answers.weight) for code in codes]
        for name, rows in sorted_by.items()
    }
    lots = _random(sorted_by["tiers"], codes, answers.weight, seed)
    needs = pd.DataFrame(
        [
            {
                **{name: one[name] for name in ("kind", "text", "answer")},
                "n": int(((placed >= 0) & (code >= 0)).sum()),
                **_with_ends("", tier.estimate, tier.interval()),
                **_with_ends("income_", income.estimate, income.interval()),
                "random_high": high,
                "bar": bar,
                "result": _against(tier.interval(), bar),
            }
            for one, code, tier, income, high in zip(
                asked.to_dict("records"),
                codes,
                *found.values(),
                np.quantile(lots, ENDS[1], axis=0),
                strict=True,
            )
        ]
    )
    return {
        "needs": needs.sort_values("estimate", ascending=False, ignore_index=True),
        "means": _means(found, lots.mean(axis=1), margin).assign(
            questions=len(asked), n=int((placed >= 0).sum()), bar=bar, margin=margin
        ),
        "wellbeing": _wellbeing(answers, placed),
        "answers": _answers(answers, placed, asked),
        "alike": _alike(answers, placed),
    }


def _with_ends(before: str, estimate: float, ends: Iterable[float]) -> dict[str, float]:
    low, high = ends
    return {f"{before}estimate": estimate, f"{before}ci_low": float(low), f"{before}ci_high": float(high)}


def _against(ends: tuple[float, float], bar: float) -> str:
    return "above" if ends[0] > bar else "below" if ends[1] < bar else "open"


def _random(placed: np.ndarray, codes: list[np.ndarray], weights: np.ndarray, seed: int) -> np.ndarray:
    """Return V of random tiers of the same sizes, (draws, questions)."""
    used = np.flatnonzero(placed >= 0)
    found = np.empty((DRAWS, len(codes)))
    for draw in range(DRAWS):
        lot = np.random.default_rng([seed, draw]).permutation(placed[used])
        found[draw] = [weighted.association(lot, code[used], weights[used]).estimate for code in codes]
    return found


def _means(found: dict[str, list[Linearised]], lots: np.ndarray, margin: float) -> pd.DataFrame:
    tier, income = (weighted.mean(parts) for parts in found.values())
    gap = weighted.difference(tier, income)
    rows = [
        {"by": "tiers", **_with_ends("", tier.estimate, tier.interval()), "result": ""},
        {
            "by": "income",
            **_with_ends("", income.estimate, income.interval()),
            **_with_ends("difference_", gap.estimate, gap.interval()),
            "result": _difference(*gap.interval(), margin),
        },
    ]
    gaps = tier.estimate - lots
    rows.append(
        {
            "by": "random",
            **_with_ends("", lots.mean(), np.quantile(lots, ENDS)),
            **_with_ends("difference_", gaps.mean(), np.quantile(gaps, ENDS)),
            "result": _difference(*np.quantile(gaps, ENDS), margin),
        }
    )
    return pd.DataFrame(rows)


def _difference(low: float, high: float, margin: float) -> str:
    if -margin < low and high < margin:
        return "no better" if high < 0 else "equivalent"
    return "better" if low > 0 else "worse" if high < 0 else "open"


def _wellbeing(answers: Answers, placed: pd.Series) -> pd.DataFrame:
    """Return the mean score by tier, and the difference of premium and high risk with its interval in every row."""
    score, w = answers.score.to_numpy(dtype=float), answers.weight
    known, rules = (placed >= 0).to_numpy(), _rules().set_index("tier")["rule"]
    inside = {name: np.where(placed == code, score, np.nan) for code, name in enumerate(TIERS)}
    means = {name: weighted.average(part, w) for name, part in inside.items()}
    gap = weighted.difference(means["premium"], means["high"])
    low, high = gap.interval()
    rows = [
        {
            "tier": name,
            "rule": rules[name],
            "n": int((~np.isnan(inside[name])).sum()),
            "share": float(w[placed == code].sum() / w[known].sum()),
            **_with_ends("", means[name].estimate, means[name].interval()),
        }
        for code, name in enumerate(TIERS)
    ]
    return pd.DataFrame(rows).assign(
        overall=weighted.average(score, w).estimate,
        people=len(score),
        year=YEAR,
        **_with_ends("difference_", gap.estimate, (low, high)),
        result="apart" if low > 0 else "reversed" if high < 0 else "open",
    )


def _answers(answers: Answers, placed: pd.Series, asked: pd.DataFrame) -> pd.DataFrame:
    """Return the share that gave the counted answer to each question, by tier, with intervals."""
    counted = _counted(answers.needs, asked)
    rows = []
    for one in asked.to_dict("records"):
        row = {name: one[name] for name in ("kind", "text", "answer")}
        for code, tier in enumerate(TIERS):
            part = weighted.average(np.where(placed == code, counted[one["column"]], np.nan), answers.weight)
            low, high = part.share_interval()
            row |= {tier: part.estimate, f"{tier}_low": low, f"{tier}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def _alike(answers: Answers, placed: pd.Series) -> pd.DataFrame:
    """Return the score by tier against `AGAINST`, plain and with what is held equal in the model; one row per tier."""
    held = answers.held.join(answers.score.rename("score")).dropna()
    held = held[placed[held.index] >= 0]
    tier = placed[held.index].map(dict(enumerate(TIERS)))
    weights, score = answers.weight[held.index], held.pop("score").to_numpy(float)
    people = np.arange(len(held))
    rows = []
    for name in (name for name in TIERS if name != AGAINST):
        plain, equal = (
            group_model.coefficient(group_model.design_of(tier, name, AGAINST, part), score, weights, people)
            for part in (held.iloc[:, :0], held)
        )
        ends = [*_with_ends("", equal.estimate, equal.interval()).items(),
                *_with_ends("plain_", plain.estimate, plain.interval()).items()]  # fmt: skip
        rows.append({"tier": name, **dict(ends), "p_value": equal.p_value(), "n": len(held)})
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_value"])
    side = np.where(table["estimate"] < 0, "lower", "higher")
    return table.assign(result=np.where(table["p_holm"] < group_model.LEVEL, side, "open"))
