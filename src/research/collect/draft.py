"""A first crosswalk for a file nobody has described yet: proposed from column names, units and values, to be edited."""

from __future__ import annotations

import difflib
import re
from functools import cache

import pandas as pd

from research.collect.constructs import constructs
from research.collect.crosswalk import COLUMNS, OPTIONAL
from research.collect.dates import day_or_month_first, read_dates
from research.collect.headings import synonyms, unit, words
from research.collect.identifiers import BIRTH_DATE, identifiers
from research.collect.numerals import read
from research.collect.transforms import looks_like_days, number, text
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

VALUE_SYNONYMS_FILE = DEFINITIONS / "value_synonyms.csv"
EVENT_FEATURES_FILE = DEFINITIONS / "event_features.csv"
CLOSE = 0.82  # share of alike letters from which a word is taken for another
# the window that a heading counts over, such as "last 6 months"
WINDOW = re.compile(r"(?: last| in)?(?: \d+ (?:m|d|y|months?|days?|years?))$")
LOOKED_AT = 200  # values of a column of dates
DAY = 12 / 365.25  # months
MONEY = {"万元": 10_000.0, "万": 10_000.0, "千元": 1_000.0}
MONTHS = dict.fromkeys(("天", "日", "days", "day", "d"), DAY) | dict.fromkeys(("年", "years", "year"), 12.0)
MONTHS["weeks"] = 7 * DAY
MONTHLY = re.compile(r"\bmonth(?:s|ly)?\b|^月|每月")
DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m", "%Y%m", "%b-%Y", "%d.%m.%Y", "%d%b%Y",
)  # fmt: skip
# Where the years 2000 to 2029 lie in serial numbers of days or seconds
SERIAL = {"excel": (36_526, 47_484), "sas": (14_610, 25_568), "sasdatetime": (1.262e9, 2.21e9)}


@cache
def _values() -> dict[str, dict[str, str]]:
    known = own_csv(VALUE_SYNONYMS_FILE).groupby("construct")
    return {name: dict(zip(rows["value"], rows["becomes"], strict=True)) for name, rows in known}


def _score(column: str, synonym: str) -> float:
    """1 for the same words, less for a name that contains them or is spelt alike, 0 for a stranger."""
    if column == synonym:
        return 1.0
    inside = f" {synonym} " in f" {column} " if synonym.isascii() else len(synonym) > 1 and synonym in column
    if inside:
        return 0.9 * len(synonym) / len(column) + 0.05
    ones, others = column.split(), synonym.split()
    alike = len(ones) == len(others) and all(
        _alike(*pair) >= CLOSE for pair in zip(ones, others, strict=True)
    )
    return 0.9 * _alike(column, synonym) if alike else 0.0


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _event(column: str) -> tuple[str, int] | None:
    """The construct that a column of `research events` serves ("" for none) and the months of its window."""
    for row in own_csv(EVENT_FEATURES_FILE).itertuples():
        found = re.fullmatch(rf"{row.feature}(?:_(?:(\d+)m|\d+d|all))?", column)
        if found and column not in ("amount", "frequency"):
            return row.serves, int(found[1] or 0)
    return None


def _matches(columns: list[str]) -> pd.DataFrame:
    """Every construct and column whose names are alike, the best first; of windows the one nearest twelve months."""
    found = []
    for column in columns:
        if event := _event(column):
            construct, months = event
            score = 1.0 - abs(months - 12) / 1000 - (column != "recency_months") / 1000
            found += [(construct, column, score)] if construct else []
            continue
        plain = WINDOW.sub("", words(column))
        found += [
            (row.construct, column, score)
            for row in synonyms().itertuples()
            if plain and (score := _score(plain, WINDOW.sub("", row.words))) > 0.4
        ]
    table = pd.DataFrame(found, columns=["construct", "column", "score"])
    return table.sort_values(["score", "construct", "column"], ascending=[False, True, True])


def _months(column: str) -> float:
    """Months in the unit that a heading names, in brackets or as its last word; 1 without."""
    return MONTHS.get(unit(column)) or MONTHS.get((words(column).split() or [""])[-1]) or 1.0


def _term_row(column: str, values: pd.Series) -> tuple[str, str, str]:
    named = _months(column)
    if named != 1:
        unit_ = "days" if named == DAY else "years" if named == 12 else "weeks"
        return "multiply", f"{named:.8g}", f"given in {unit_}"
    if looks_like_days(number(values)):
        return "multiply", f"{DAY:.8g}", "looks like days"
    return "identity", "", ""


def _number_row(name: str, column: str, values: pd.Series, kept_in: str) -> tuple[str, str, str]:
    """Transform, argument and a note for a numeric construct."""
    mark, reading = unit(column), read(values, percentages=True)
    median = reading.values.median()
    if kept_in == "0 or 1":
        return _class_row(name, values)
    if not pd.api.types.is_numeric_dtype(values) and reading.values.isna().mean() > 0.5:
        return "digits", "", "text; the first number in it is used"
    note = f"{reading.said}; {reading.problem}".strip("; ")
    if kept_in.startswith("share"):
        percent = mark in ("%", "％") or "percent" in words(column).split() or "per cent sign" in reading.said
        if percent or (pd.notna(median) and median > 1):
            return "multiply", "0.01", "; ".join(filter(None, ["taken as a percentage", note]))
        return "identity", "", note
    if name == "term_months":
        return _term_row(column, values)
    factor = _months(column) / (12 if kept_in == "years" else 1)
    if kept_in in ("months", "years") and factor != 1 and _months(column) != 1:
        return "multiply", f"{factor:.8g}", f"given in {mark or words(column).split()[-1]}"
    monthly = kept_in == "currency per year" and MONTHLY.search(words(column))
    if kept_in.startswith("currency") and mark in MONEY:
        return "multiply", f"{MONEY[mark] * (12 if monthly else 1):g}", f"given in {mark}"
    return ("multiply", "12", "taken as monthly") if monthly else ("identity", "", note)


def _class_row(name: str, values: pd.Series) -> tuple[str, str, str]:
    """A map for a categorical construct; what is not recognised is named for the reader to decide."""
    seen = text(values).dropna().value_counts().index[:30].tolist()
    known = _values().get(name)
    if known is None:
        return "identity", "", ""
    pairs = {value: known[value.lower()] for value in seen if value.lower() in known}
    strange = [value for value in seen if value not in pairs]
    note = f"not recognised: {', '.join(strange[:8])}" if strange else ""
    return "map", "|".join(f"{value}={becomes}" for value, becomes in pairs.items()), note


def _date_format(values: pd.Series) -> tuple[str, str]:
    """Return the form of a column of dates and a note for the reader."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "", ""
    sample = text(values).dropna().head(LOOKED_AT)
    for form in DATE_FORMATS:
        if read_dates(sample, form).notna().mean() > 0.95:
            return form, ""
    numbers = number(sample)
    for form, (low, high) in SERIAL.items():
        if numbers.between(low, high).mean() > 0.95:
            return form, f"taken for day numbers of {form}"
    if day_or_month_first(sample) == "unclear":
        return "", "day or month first cannot be told: give the format"
    serial = numbers.between(*SERIAL["excel"])
    forms = [form for form in DATE_FORMATS if read_dates(sample[~serial], form).notna().mean() > 0.05]
    if serial.any() and forms:
        return "|".join(["excel", *forms]), "several forms in one column, some are day numbers of Excel"
    if read_dates(sample).notna().mean() > 0.95:
        return "", "several forms in one column"
    return "", "format not recognised: give it in the column argument"


def _looks_like_dates(values: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(values):
        return True
    sample = text(values).dropna().head(LOOKED_AT)
    if sample.empty or number(sample).between(0, 5_000).mean() > 0.05:
        return False
    return bool(read_dates(sample).notna().mean() > 0.95)


def _since_row(column: str, raw: pd.DataFrame, loan_date: str, months: str) -> tuple[str, str, str, str]:
    """Source, transform, argument and note of a time since a date, up to the loan's."""
    given, note = _date_format(raw[column])
    from_ = [f"from={given.replace('|', ',')}"] if given else []
    if not loan_date:
        return column, months, "|".join([*from_, "at="]), "a date: write the day to count to after at="
    to = _date_format(raw[loan_date])[0]
    argument = "|".join([*from_, *([f"to={to.replace('|', ',')}"] if to else [])])
    return f"{column};{loan_date}", months, argument, f"a date: counted to the loan's; {note}".rstrip("; ")


def _proposal(name: str, column: str, raw: pd.DataFrame, loan_date: str) -> tuple[str, str, str, str]:
    """Source, transform, argument and a note for one construct."""
    row, values = constructs().loc[name], raw[column]
    if row["dtype"] == "datetime":
        form, note = _date_format(values)
        return column, "date", form, note
    if row["dtype"] == "float" and row["unit"] in ("months", "years") and _looks_like_dates(values):
        return _since_row(column, raw, loan_date, f"{row['unit']}_between")
    if row["dtype"] == "category":
        return column, *_class_row(name, values)
    if row["dtype"] == "string":
        return column, "identity", "", ""
    return column, *_number_row(name, column, values, row["unit"])


def draft_crosswalk(raw: pd.DataFrame) -> pd.DataFrame:
    """Propose a crosswalk for a table: one row per construct, every proposal marked to be checked.

    A column serves one construct, a direct identifier none; a date of birth gives the age at the loan and nothing else.
    Fit is "proxy" with the word "check" in the reason until a person has looked at it. `attrs` hold the columns without
    a construct (`unused`) and the identifiers and personal data that are left out (`identifiers`).
    """
    personal = identifiers(raw).drop_duplicates("column").set_index("column")["kind"]
    taken: dict[str, tuple[str, float]] = {}
    used: set[str] = set()
    for row in _matches([name for name in raw.columns if name not in personal.index]).itertuples():
        if row.construct not in taken and row.column not in used:
            taken[row.construct] = (row.column, row.score)
            used.add(row.column)
    loan_date = taken.get("loan_date", ("", 0.0))[0]
    born = personal.index[(personal == BIRTH_DATE).to_numpy()]
    found = []
    for name in constructs().index:
        unit_ = constructs().at[name, "unit"]
        if name == "age" and name not in taken and len(born) and _looks_like_dates(raw[born[0]]):
            source, transform, argument, note = _since_row(born[0], raw, loan_date, "years_between")
            reason = f"check: from the date of birth, which is personal data; {note}"
        elif name in taken:
            column, score = taken[name]
            source, transform, argument, note = _proposal(name, column, raw, loan_date)
            sure = "same name" if score == 1 else "similar name"
            sure = "computed by research events" if _event(column) else sure
            reason = f"check: proposed by {sure}" + (f"; {note}" if note else "")
        elif name == "customer_id":
            source, transform, argument, reason = "", "row_number", "L", "check: no identifier was recognised"
        else:
            found.append({"construct": name, "fit": "absent", "reason": "no column was recognised"})
            continue
        found.append(
            {"construct": name, "source": source, "transform": transform, "argument": argument, "unit": unit_,
             "fit": "proxy", "reason": reason}
        )  # fmt: skip
    table = pd.DataFrame(found).reindex(columns=[*COLUMNS, *OPTIONAL], fill_value="").fillna("")
    table.attrs["unused"] = [name for name in raw.columns if name not in used and name not in personal.index]
    table.attrs["identifiers"] = sorted(personal.index)
    return table
