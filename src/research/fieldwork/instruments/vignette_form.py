"""Vignettes: real customers of the study, shown to experts without what could identify them, to be placed in tiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from research.collect import constructs
from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.items import TIER_CHOICES
from research.fieldwork.instruments.layout import REASON, TIER, VIGNETTE
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.instruments.workbook import FIELD, LONG_FIELD
from research.files.inert import write_csv
from research.files.textfiles import read_csv

# In this order, as far as the customer table has them. The lender's own grade is left out: it would be copied.
FACTS = (
    "loan_amount", "term_months", "interest_rate", "loan_purpose", "income", "employment_years", "home_ownership",
    "debt_to_income", "expenses", "assets", "liabilities", "past_delinquencies", "months_since_delinquency",
    "credit_utilisation", "inquiries", "products_held", "deposit_balance", "need_intensity", "complaints",
)  # fmt: skip
_MAX_FACTS = 13
_SPREAD_BY = ("credit_grade", "credit_score", "interest_rate", "past_delinquencies", "loan_amount")
_NUMBER = {
    "share": "0.0%",
    "share per year": "0.00%",
    "currency": "#,##0",
    "currency per year": "#,##0",
    "years": "0.#",
}


def draw_vignettes(customers: pd.DataFrame, n: int = 24, *, seed: int = 0) -> pd.DataFrame:
    """Draw customers that cover the range from safe to risky and reduce them to anonymous facts.

    Customers are ordered by the first risk variable present (grade, score, rate, delinquencies, amount) and every
    k-th is taken from a random start, then the order is shuffled: a systematic sample, so that the few risky ones
    are there. Amounts are rounded to two significant digits.

    Args:
        customers: a canonical customer table.
        n: how many.
        seed: of the random start and the order.

    Returns:
        Indexed by vignette (V01 …), column customer_id and then the first thirteen of `FACTS` that the table has.

    Raises:
        UserError: fewer than n customers, or none of the facts.
    """
    chosen = [f for f in FACTS if f in customers.columns][:_MAX_FACTS]
    if not chosen:
        raise UserError("the customer table has none of the constructs that a vignette can show")
    if not 1 <= n <= len(customers):
        raise UserError(f"{n} vignettes asked of {len(customers)} customers; expected 1 to {len(customers)}")
    rng = np.random.default_rng(seed)
    by = [name for name in _SPREAD_BY if name in customers.columns][:2]
    ranked = customers.sort_values(by, kind="stable") if by else customers
    step = len(ranked) / n
    places = np.floor(rng.uniform(0, step) + step * np.arange(n)).astype(int)
    drawn = ranked.iloc[places][chosen].iloc[rng.permutation(n)]
    for fact in chosen:
        if pd.api.types.is_numeric_dtype(drawn[fact]):
            money = str(constructs.construct(fact)["unit"]).startswith("currency")
            drawn[fact] = drawn[fact].map(_two_digits) if money else drawn[fact].round(4)
    drawn.insert(0, "customer_id", drawn.index.astype(str))
    drawn.index = pd.Index([f"V{k:02d}" for k in range(1, n + 1)], name="vignette")
    return drawn


def write_key(path: Path, vignettes: pd.DataFrame, dataset: str) -> Path:
    """Write the key (vignette, customer_id, dataset) beside a vignette workbook, and return its path.

    It stays with the researcher.

    Raises:
        UserError: another key is there. Without it nobody knows whom the experts judged, so it is never replaced.
    """
    key = vignettes[["customer_id"]].assign(dataset=dataset).rename_axis("vignette").reset_index()
    out = key_of(path)
    if out.exists():
        if not read_csv(out).equals(key.astype(str)):
            raise UserError(
                f"{out}: is the key of other vignettes, which may have been sent out; it is never replaced: "
                "name another workbook, or move the key away"
            )
        return out
    return write_csv(key, out)


def key_of(path: Path) -> Path:
    """Return where the key of a vignette workbook is: beside it, `NAME.key.csv`."""
    return path.with_name(f"{path.stem}.key.csv")


def vignette_form(
    vignettes: pd.DataFrame,
    experts: Sequence[str],
    *,
    dataset: str = "",
    currency: str = "",
    invented: bool = False,
) -> Workbook:
    """Return the workbook in which experts place vignettes in tiers, one sheet per expert; it holds no customer id.

    `dataset` and `currency` are named on the first sheet.
    """
    facts = vignettes.drop(columns="customer_id")
    book = wb.new_workbook("Vignettes: customers to be placed in tiers")
    names = [str(expert).strip() for expert in experts]
    if not names or len(set(names)) < len(names):
        raise UserError(f"experts: {names}; expected at least one code, all different")
    columns = [VIGNETTE, *(_fact(name) for name in facts), TIER, REASON]
    shown = [facts.index, *([_shown(value) for value in facts[name]] for name in facts)]
    rows = [[*values, FIELD, LONG_FIELD] for values in zip(*shown, strict=True)]
    for expert in names:
        sheet, first = wb.form_sheet(
            book, expert, columns, rows, widths=[16, *[13] * len(facts.columns), 20, 26],
            heights=[30] * len(rows), banner=len(columns) * invented, labelled=("expert", "专家代码", expert),
            head=44, frozen=2, bold=True,
        )  # fmt: skip
        letter = get_column_letter(len(columns) - 1)
        cells = f"{letter}{first}:{letter}{first + len(rows) - 1}"
        wb.choices(sheet, cells, list(TIER_CHOICES.values()), "One of the four tiers 四个层级之一")
    money = {
        "currency_en": f", in {currency}" if currency else "",
        "currency_zh": f"，单位为 {currency}" if currency else "",
    }
    wb.add_instructions(book, "vignettes", invented=invented, **money)
    wb.add_stamp(book, form="vignettes", version=form_version(facts.reset_index()), dataset=dataset)
    return book


def _fact(name: str) -> Column:
    told = constructs.construct(name)
    unit = f" ({told['unit']})" if told["unit"] in {"months", "years", "currency per year", "count"} else ""
    return Column(name, f"{told['label']}{unit}", str(told["label_zh"]), shown=_NUMBER.get(str(told["unit"])))


def _shown(value: object) -> float | str | None:
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, (int, float, np.number)) else str(value).replace("_", " ")


def _two_digits(value: float) -> float:
    if not np.isfinite(value) or value == 0:
        return value
    magnitude = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(np.round(value / magnitude) * magnitude)
