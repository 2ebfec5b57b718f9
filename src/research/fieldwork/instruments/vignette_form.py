"""Vignettes: real customers of the study, shown to experts without what could identify them, to be placed in tiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from research.collect import constructs
from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.items import TIER_CHOICES
from research.fieldwork.instruments.layout import REASON, TIER, VIGNETTE
from research.fieldwork.instruments.stamp import form_version
from research.inert import write_csv
from research.textfiles import read_csv

# In this order, as far as the customer table has them. The lender's own grade is left out: it would be copied.
FACTS = (
    "loan_amount",
    "term_months",
    "interest_rate",
    "loan_purpose",
    "income",
    "employment_years",
    "home_ownership",
    "debt_to_income",
    "expenses",
    "assets",
    "liabilities",
    "past_delinquencies",
    "months_since_delinquency",
    "credit_utilisation",
    "inquiries",
    "products_held",
    "deposit_balance",
    "need_intensity",
    "complaints",
)
_MAX_FACTS = 13
_FORBIDDEN = {"identity", "protected", "outcome", "post", "time"}
_SPREAD_BY = ("credit_grade", "credit_score", "interest_rate", "past_delinquencies", "loan_amount")
_NUMBER = {
    "share": "0.0%",
    "share per year": "0.00%",
    "currency": "#,##0",
    "currency per year": "#,##0",
    "years": "0.#",
}


def draw_vignettes(
    customers: pd.DataFrame, n: int = 24, *, facts: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """Draw customers that cover the range from safe to risky and reduce them to anonymous facts.

    Customers are ordered by the first risk variable present (grade, score, rate, delinquencies, amount) and every
    k-th is taken from a random start, then the order is shuffled: a systematic sample, so that the few risky ones
    are there. Amounts are rounded to two significant digits.

    Args:
        customers: a canonical customer table.
        n: how many.
        facts: constructs to show; by default the first thirteen of `FACTS` that the table has.
        seed: of the random start and the order.

    Returns:
        Indexed by vignette (V01 …), column customer_id and then the facts.

    Raises:
        UserError: fewer than n customers, or a fact that identifies, is protected, or is known only afterwards.
    """
    definitions = constructs.constructs()
    chosen = [f for f in FACTS if f in customers.columns][:_MAX_FACTS] if facts is None else list(facts)
    for fact in chosen:
        if fact not in customers.columns:
            raise UserError(f"vignette fact '{fact}' is not a column of the customer table")
        if constructs.construct(fact)["role"] in _FORBIDDEN:
            raise UserError(
                f"vignette fact '{fact}' has the role '{definitions.loc[fact, 'role']}' and may not be shown"
            )
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
            money = str(definitions.loc[fact, "unit"]).startswith("currency")
            drawn[fact] = drawn[fact].map(_two_digits) if money else drawn[fact].round(4)
    drawn.insert(0, "customer_id", drawn.index.astype(str))
    drawn.index = pd.Index([f"V{k:02d}" for k in range(1, n + 1)], name="vignette")
    return drawn


def vignette_form(
    path: str | Path,
    vignettes: pd.DataFrame,
    experts: Sequence[str],
    *,
    dataset: str = "",
    currency: str = "",
    invented: bool = False,
) -> Path:
    """Write the workbook in which experts place vignettes in tiers, one sheet per expert, and its key.

    The key (`NAME.key.csv`: vignette, customer_id, dataset) stays with the researcher: the workbook itself holds no
    customer id. Return the path of the workbook.
    """
    path = Path(path)
    book = vignette_workbook(vignettes, experts, dataset=dataset, currency=currency, invented=invented)
    write_key(path, vignettes, dataset)
    return wb.save(book, path)


def write_key(path: Path, vignettes: pd.DataFrame, dataset: str) -> Path:
    """Write the key beside a vignette workbook and return its path.

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


def vignette_workbook(
    vignettes: pd.DataFrame,
    experts: Sequence[str],
    *,
    dataset: str = "",
    currency: str = "",
    invented: bool = False,
) -> Workbook:
    """Return the workbook of `vignette_form`; `dataset` and `currency` are named on the first sheet."""
    facts = vignettes.drop(columns="customer_id")
    book = wb.new_workbook("Vignettes: customers to be placed in tiers")
    names = [str(expert).strip() for expert in experts]
    if not names or len(set(names)) < len(names):
        raise UserError(f"experts: {names}; expected at least one code, all different")
    for expert in names:
        _expert_sheet(book.create_sheet(expert), expert, facts, invented)
    wb.add_instructions(
        book,
        "vignettes",
        invented=invented,
        currency_en=f", in {currency}" if currency else "",
        currency_zh=f"，单位为 {currency}" if currency else "",
    )
    wb.add_stamp(book, form="vignettes", version=form_version(facts.reset_index()), dataset=dataset)
    return book


def _expert_sheet(sheet: Worksheet, expert: str, facts: pd.DataFrame, invented: bool) -> None:
    definitions = constructs.constructs()
    columns = [VIGNETTE]
    for fact in facts.columns:
        unit = str(definitions.loc[fact, "unit"])
        shown = f" ({unit})" if unit in {"months", "years", "currency per year", "count"} else ""
        label, chinese = str(definitions.loc[fact, "label"]), str(definitions.loc[fact, "label_zh"])
        columns.append(Column(fact, f"{label}{shown}", chinese))
    columns += [TIER, REASON]
    top = wb.banner(sheet, 1, len(columns)) if invented else 1
    wb.labelled_field(sheet, top, "expert", "专家代码", expert)
    first = wb.header(sheet, top + 2, columns, height=44)
    tier_column = len(columns) - 1
    for row, (vignette, values) in enumerate(facts.iterrows(), start=first):
        wb.text_cell(sheet, row, 1, vignette, bold=True)
        for column, fact in enumerate(facts.columns, start=2):
            value = values[fact]
            form = _NUMBER.get(str(definitions.loc[fact, "unit"]))
            number = isinstance(value, (int, float, np.number))
            shown = None if pd.isna(value) else float(value) if number else str(value).replace("_", " ")
            wb.text_cell(sheet, row, column, shown, number_format=form if number else None)
        wb.field(sheet, row, tier_column)
        wb.field(sheet, row, tier_column + 1, wrap=True)
        sheet.row_dimensions[row].height = 30
    letter = sheet.cell(first, tier_column).column_letter
    cells = f"{letter}{first}:{letter}{first + len(facts) - 1}"
    wb.choices(sheet, cells, list(TIER_CHOICES.values()), "One of the four tiers 四个层级之一")
    wb.widths(sheet, [16, *[13] * len(facts.columns), 20, 26])
    sheet.freeze_panes = sheet.cell(first, 2)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top + 2}:{first - 1}")


def _two_digits(value: float) -> float:
    if not np.isfinite(value) or value == 0:
        return value
    magnitude = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(np.round(value / magnitude) * magnitude)
