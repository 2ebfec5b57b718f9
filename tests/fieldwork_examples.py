"""The example workbooks of `data/examples`, invented for demonstration: `python tests/fieldwork_examples.py`.

The transcripts and their reference coding are written by hand; everything else is drawn here from a seed. Nobody
answered these forms. The customers of the vignettes are real rows of an open data set, their tiers are invented.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from research.collect import datasets
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.codebook import assignable, read_codebook
from research.fieldwork.instruments.comparison_form import comparison_form
from research.fieldwork.instruments.forms import coding_form, survey_form
from research.fieldwork.instruments.items import (
    GROUP_LABELS,
    GROUPS,
    TIER_CHOICES,
    survey_items,
)
from research.fieldwork.instruments.layout import CONSENT, background
from research.fieldwork.instruments.pairs import EQUAL, comparison_pairs
from research.fieldwork.instruments.stamp import STAMP_SHEET
from research.fieldwork.instruments.vignette_form import draw_vignettes, vignette_form, write_key
from research.fieldwork.interviews.transcripts import read_transcripts
from research.paths import EXAMPLES
from research.tiers import TIERS

SEED = 20240607
RESPONDENTS = {"practitioner": 80, "customer": 100}
EXPERTS = tuple(f"E{n:02d}" for n in range(1, 13))
VIGNETTE_EXPERTS = EXPERTS[:10]
DATASET = "lendingclub2018"

# Mean of the latent agreement (0 = the middle of the scale) per construct: practitioners, customers.
_LEVELS = {
    "risk_level": (1.0, 0.3),
    "loan_contract": (0.5, 0.2),
    "industry_income": (0.5, 0.0),
    "repayment_capacity": (1.1, 0.6),
    "customer_behaviour": (0.9, 0.9),
    "customer_value": (0.6, -0.4),
    "customer_need": (0.4, 1.0),
    "strategy_high_risk": (0.8, 0.2),
    "strategy_medium_risk": (0.5, 0.6),
    "strategy_low_risk": (0.7, 1.0),
    "strategy_premium": (0.6, -0.1),
    "risk_management": (0.8, 0.3),
    "business_value": (0.4, 0.0),
    "customer_experience": (0.3, -0.2),
    "efficiency": (0.5, 0.4),
    "growth": (0.4, 0.2),
    "own_workload": (0.1, 0.0),
    "own_satisfaction": (0.0, 0.4),
}
_CUTS = (-1.4, -0.5, 0.35, 1.3)
_CONFUSED = {  # codes that coders take for one another
    "risk_signals": "repayment_capacity",
    "repayment_capacity": "income_sector",
    "income_sector": "risk_signals",
    "behaviour": "loyalty",
    "customer_value": "income_uplift",
    "unmet_need": "need_fit",
    "need_fit": "unmet_need",
    "early_warning": "close_monitoring",
    "close_monitoring": "early_warning",
    "faster_process": "simple_process",
    "simple_process": "faster_process",
    "resources_freed": "faster_process",
    "dedicated_service": "loyalty",
    "unfair_treatment": "growth_limited",
    "growth_limited": "unfair_treatment",
    "risk_misjudged": "review_movement",
    "loan_terms": "unmet_need",
    "value_not_realised": "cross_sell",
    "loyalty": "dedicated_service",
}


def make_examples(folder: Path = EXAMPLES, seed: int = SEED) -> list[Path]:
    """Write all example workbooks and return their paths; equal seeds give equal bytes."""
    answers = survey_answers(np.random.default_rng(seed))
    made = [wb.save(_survey_book(answers), folder / "survey_clean.xlsx")]
    book = _survey_book(answers)
    spoil(book)
    made.append(wb.save(book, folder / "survey_returned.xlsx"))
    made.append(wb.save(_ahp_book(np.random.default_rng(seed + 1)), folder / "ahp.xlsx"))
    vignettes = draw_vignettes(datasets.load(DATASET), 24, seed=seed)
    tiers = vignette_tiers(vignettes, np.random.default_rng(seed + 2))
    made.append(wb.save(_vignette_book(vignettes, tiers), folder / "vignettes.xlsx"))
    made.append(write_key(folder / "vignettes.xlsx", vignettes, DATASET))
    units = read_transcripts(EXAMPLES / "interviews")
    for number, coder in enumerate(("A", "B")):
        codings = coder_codings(units, np.random.default_rng(seed + 3 + number))
        made.append(
            wb.save(_coding_book(units, coder, codings), folder / "interviews" / f"coding_{coder}.xlsx")
        )
    runs = [model_codings(units, run, np.random.default_rng(seed + 5 + run)) for run in (1, 2)]
    pd.concat(runs).to_csv(folder / "model_codings.csv", index=False, lineterminator="\n")
    return [*made, folder / "model_codings.csv"]


def model_codings(units: pd.DataFrame, run: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw what a language model could have returned: it codes as a coder does, refuses one turn in thirty, and gives
    none to one in fifty and now and then a code that does not exist. No model was run."""
    rows = []
    for (document, segment), codes in coder_codings(units, rng).items():
        chance = rng.random()
        given = (
            ["refused"] if chance < 1 / 30 else [*codes, *(["brand_image"] if chance > 0.98 else [])] or [""]
        )
        if rng.random() >= 0.02:
            rows += [("invented-model", run, document, segment, code) for code in given]
    return pd.DataFrame(rows, columns=["coder", "run", "document", "segment", "code"])


def survey_answers(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Draw the answers of both groups from a factor model: a general factor, one per construct, and item noise.

    Items load 0.45 on the general factor and 0.35 to 0.85 on that of their construct, reverse-keyed ones 0.2 less, with
    noise of standard deviation 0.75: α of three items between about 0.6 and 0.8. A few respondents answer the same
    throughout, a few hurry, and one answer in sixty is missing.
    """
    found = {}
    items = survey_items()
    for number, group in enumerate(GROUPS):
        n = RESPONDENTS[group]
        asked = items[items["group"].isin([group, "both"])]
        general = rng.normal(size=n)
        frame = pd.DataFrame(index=[f"{group[0].upper()}{k:03d}" for k in range(1, n + 1)])
        for construct, rows in asked.groupby("construct", sort=False):
            own = rng.normal(size=n)
            for item in rows.itertuples():
                loading = rng.uniform(0.35, 0.85) - 0.2 * item.reverse
                level = _LEVELS[construct][number] + rng.normal(0, 0.15)
                latent = level + 0.45 * general + loading * own + 0.75 * rng.normal(size=n)
                answer = np.searchsorted(_CUTS, latent) + 1
                frame[item.item] = (6 - answer if item.reverse else answer).astype(float)
        body = frame.to_numpy(copy=True)
        for row in rng.choice(n, 3, replace=False):
            body[row] = rng.integers(3, 5)
        body[rng.random(body.shape) < 1 / 60] = np.nan
        half = int(rng.integers(n))
        body[half, 30:] = np.nan  # somebody stopped in the middle
        seconds = np.round(np.exp(rng.normal(6.2, 0.35, size=n)))
        seconds[rng.choice(n, 4, replace=False)] = rng.integers(55, 90, size=4)
        found[group] = _with_background(frame, body, seconds, group, rng)
    return found


def _with_background(
    frame: pd.DataFrame, body: np.ndarray, seconds: np.ndarray, group: str, rng: np.random.Generator
) -> pd.DataFrame:
    frame = pd.DataFrame(body, index=frame.index, columns=frame.columns)
    ahead = pd.DataFrame(index=frame.index)
    ahead["consent"] = CONSENT["yes"]
    for asked in background(group):
        texts = list(asked.options.values())
        share = rng.dirichlet(np.full(len(texts), 6.0))
        ahead[asked.key] = rng.choice(texts, size=len(frame), p=share)
    if group == "customer":  # a sample with too many borrowers for housing, weighted back
        few = {text: rng.uniform(0.7, 1.5) for text in ahead["loan_type"].unique()}
        weight = ahead["loan_type"].map(few)
        ahead["weight"] = (weight / weight.mean()).round(3)
    lots = np.random.default_rng([SEED, GROUPS.index(group)])  # by lot: neither has to do with the answers
    shares = lots.dirichlet(np.full(12, 9.0))
    ahead["branch"] = [f"B{n + 1:02d}" for n in lots.choice(12, len(frame), p=shares)]
    if group == "customer":
        ahead["tier"] = lots.choice(
            [TIER_CHOICES[name] for name in TIERS], len(frame), p=[0.2, 0.35, 0.3, 0.15]
        )
    ahead["duration_seconds"] = seconds
    return pd.concat([ahead, frame], axis=1).rename_axis("respondent_id")


def _survey_book(answers: dict[str, pd.DataFrame]) -> Workbook:
    book = survey_form(rows=max(RESPONDENTS.values()) + 5, invented=True)
    for group, frame in answers.items():
        sheet = book[GROUP_LABELS[group]]
        keys = [cell.value for cell in sheet[2]]
        for row, (respondent, values) in enumerate(frame.iterrows(), start=5):
            for column, key in enumerate(keys, start=1):
                value = respondent if key == "respondent_id" else values.get(key)
                if value is not None and value == value:
                    whole = isinstance(value, float) and key != "weight"
                    sheet.cell(row, column).value = int(value) if whole else value
    return book


def spoil(book: Workbook) -> None:
    """Put in what people really return: each kind of fault at least once, at fixed places."""
    first, second = (book[GROUP_LABELS[group]] for group in GROUPS)
    column = {cell.value: cell.column for sheet in (first, second) for cell in sheet[2]}
    here = {cell.value: cell.column for cell in second[2]}

    def put(sheet: Worksheet, row: int, name: str, value: object) -> None:
        places = here if sheet is second else {cell.value: cell.column for cell in sheet[2]}
        sheet.cell(row, places[name]).value = value

    for row, name, value in (
        (7, "C1_1", "４"),
        (8, "C1_2", " 5 "),
        (9, "C1_3", "2"),
        (10, "C2_1", "同意"),
        (11, "C2_2", "4 agree"),
        (12, "C2_3", 7),
        (13, "C3_1", 44),
        (14, "C3_2", 0),
        (15, "C3_3", "不知道"),
        (16, "C4_1", 3.5),
        (17, "C4_2", dt.datetime(2024, 5, 4)),
        (18, "C4_3", "=2+2"),
        (19, "C5_1", "n/a"),
        (20, "C5_2", "三"),
        (21, "institution", "城商行或农商行"),
        (22, "experience", "10年左右"),
        (23, "duration_seconds", "８分"),
        (24, "duration_seconds", "11 min"),
    ):
        put(first, row, name, value)
    put(first, 30, "respondent_id", first.cell(29, 1).value)
    put(first, 33, "respondent_id", " Ｐ029x ")
    first.merge_cells(start_row=40, start_column=column["C6_1"], end_row=41, end_column=column["C6_1"])
    first.row_dimensions[44].hidden = True
    for row, name, value in (
        (9, "consent", CONSENT["no"]),
        (12, "consent", None),
        (15, "respondent_id", None),
        (18, "weight", -1),
        (20, "weight", "１．２"),
        (25, "loan_type", "房贷"),
        (28, "S_1", "非常同意"),
        (31, "S_2", "5！"),
        (34, "H5_3", "４ "),
    ):
        put(second, row, name, value)
    for name in [key for key in here if key and key[0] in "CTHS" and "_" in key][12:]:
        put(second, 50, name, None)
    for name in here:
        if name not in {"respondent_id", None}:
            put(second, 61, name, second.cell(60, here[name]).value)
    second.title = "客户问卷 (2)"
    book[STAMP_SHEET]["B2"] = "0c0ffee000"


def _ahp_book(rng: np.random.Generator) -> Workbook:
    pairs = comparison_pairs()
    book = comparison_form(EXPERTS, invented=True)
    belief = {"A": 0.30, "B": 0.50, "C": 0.20, "R": 0.30, "F": 0.25, "M": 0.45}
    for number, expert in enumerate(EXPERTS):
        own = {key: value * np.exp(rng.normal(0, 0.35)) for key, value in belief.items()}
        slip = 1.0 if number in {4, 9} else 0.12  # two experts contradict themselves
        for row, pair in enumerate(pairs.itertuples(), start=7):
            ratio = own[pair.left] / own[pair.right] * np.exp(rng.normal(0, slip))
            degree = int(np.clip(np.round(max(ratio, 1 / ratio)), 1, 9))
            side = EQUAL if degree == 1 else pair.left if ratio > 1 else pair.right
            book[expert].cell(row, 7).value = side
            book[expert].cell(row, 8).value = degree
    return book


def vignette_tiers(vignettes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Invent the experts' tiers (vignette × expert).

    Rule: risk is the mean of the standardised rate, debt to income, utilisation, delinquencies and inquiries; value the
    mean of standardised log income and log amount. Each expert sees risk and value with an own leaning (standard
    deviation 0.25) and noise (0.35). The riskiest sixth is "high", the next third "medium"; of the others those with
    value above the mean plus 0.6 are "premium", the rest "low".
    """

    def standard(column: pd.Series) -> pd.Series:
        return (column - column.mean()) / (column.std() or 1)

    risky = ["interest_rate", "debt_to_income", "credit_utilisation", "past_delinquencies", "inquiries"]
    risk = standard(pd.concat([standard(vignettes[name].fillna(0)) for name in risky], axis=1).mean(axis=1))
    worth = [np.log(vignettes[name].clip(lower=1).fillna(1)) for name in ("income", "loan_amount")]
    value = standard(pd.concat([standard(column) for column in worth], axis=1).mean(axis=1))
    high, medium = risk.quantile(5 / 6), risk.quantile(1 / 2)
    found = {}
    for expert in VIGNETTE_EXPERTS:
        seen = risk + rng.normal(0, 0.25) + rng.normal(0, 0.35, size=len(risk))
        worth_seen = value + rng.normal(0, 0.25) + rng.normal(0, 0.35, size=len(value))
        tier = np.select([seen > high, seen > medium, worth_seen > 0.6], ["high", "medium", "premium"], "low")
        found[expert] = pd.Series(tier, index=vignettes.index)
    return pd.DataFrame(found)


def _vignette_book(vignettes: pd.DataFrame, tiers: pd.DataFrame) -> Workbook:
    book = vignette_form(vignettes, VIGNETTE_EXPERTS, dataset=DATASET, currency="USD", invented=True)
    column = len(vignettes.columns) + 1
    for expert in VIGNETTE_EXPERTS:
        for row, tier in enumerate(tiers[expert], start=7):
            book[expert].cell(row, column).value = TIER_CHOICES[tier]
    return book


def coder_codings(units: pd.DataFrame, rng: np.random.Generator) -> dict[tuple[str, str], list[str]]:
    """Draw one coder's codes from the reference coding: some missed, some confused with a neighbour, a few added."""
    reference = pd.read_csv(
        EXAMPLES / "interviews" / "reference_coding.csv", dtype=str, keep_default_na=False
    )
    meant = {(r.document, r.segment): [c for c in r.codes.split(";") if c] for r in reference.itertuples()}
    allowed = assignable(read_codebook())
    found = {}
    for unit in units.itertuples():
        place, codes = (unit.document, unit.segment), []
        for code in meant[place]:
            chance = rng.random()
            if chance < 0.88:
                codes.append(code)
            elif chance < 0.94 and code in _CONFUSED:
                codes.append(_CONFUSED[code])
        if rng.random() < 0.05:
            codes.append(str(rng.choice(allowed)))
        found[place] = list(dict.fromkeys(codes))
    return found


def _coding_book(units: pd.DataFrame, coder: str, codings: dict[tuple[str, str], list[str]]) -> Workbook:
    book = coding_form(units, coder=coder, invented=True)
    sheet = book["coding 编码"]
    for row, unit in enumerate(units.itertuples(), start=7):
        for column, code in enumerate(codings[unit.document, unit.segment], start=6):
            sheet.cell(row, column).value = code
    return book


if __name__ == "__main__":
    for path in make_examples():
        sys.stdout.write(f"{path}\n")
