"""The small vocabulary by which a crosswalk turns source columns into a construct. No expression is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from research.collect.dates import months_between, read_dates
from research.collect.numerals import LARGEST_WHOLE, read
from research.errors import UserError, nearest
from research.paths import DEFINITIONS

MAPS_FILE = DEFINITIONS / "crosswalks" / "maps.csv"
DIGITS = r"(-?\d+(?:\.\d+)?)"
PER_CENT = 0.01


def number(values: pd.Series) -> pd.Series:
    """Return float64, read as `numerals.read` does; what is no number becomes NaN."""
    return read(values).values


def text(values: pd.Series) -> pd.Series:
    """Return stripped text with missing values kept; whole numbers stored as floats lose their '.0'."""
    if pd.api.types.is_float_dtype(values):
        known = values.dropna()
        if len(known) and (known == known.round()).all() and known.abs().max() < LARGEST_WHOLE:
            values = values.astype("Int64")
    stripped = values.astype("string").str.strip()
    return stripped.mask(stripped == "")


def options(argument: str) -> dict[str, str]:
    """Read `key=value|key=value`; raise UserError on a part without '='."""
    found = {}
    for part in filter(None, (piece.strip() for piece in argument.split("|"))):
        key, equals, value = part.partition("=")
        if not equals:
            raise UserError(f"argument '{argument}': '{part}' is not of the form key=value")
        found[key.strip()] = value.strip()
    return found


@cache
def named_maps() -> dict[str, dict[str, str]]:
    """Return the map tables of maps.csv as {map: {source value: class}}."""
    table = pd.read_csv(MAPS_FILE, dtype=str, keep_default_na=False)
    return {
        name: dict(zip(rows["value"], rows["becomes"], strict=True)) for name, rows in table.groupby("map")
    }


def mapping(argument: str) -> dict[str, str]:
    """Return the map an argument names (`@name`) or writes out (`a=x|b=y|*=z`)."""
    if argument.startswith("@"):
        maps = named_maps()
        if argument[1:] not in maps:
            raise UserError(f"unknown map '{argument[1:]}'{nearest(argument[1:], maps)}")
        return maps[argument[1:]]
    return options(argument)


def _float(value: str, argument: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UserError(f"argument '{argument}': '{value}' is not a number") from None


def _scaled(values: pd.Series, argument: str) -> pd.Series:
    """Apply the options times, min and max of an arithmetic transform."""
    given = options(argument)
    unknown = set(given) - {"times", "min", "max"}
    if unknown:
        raise UserError(
            f"argument '{argument}': unknown option '{sorted(unknown)[0]}'; expected times, min, max"
        )
    low = _float(given["min"], argument) if "min" in given else None
    high = _float(given["max"], argument) if "max" in given else None
    return (values * _float(given.get("times", "1"), argument)).clip(lower=low, upper=high)


def _numbers(sources: list[pd.Series]) -> pd.DataFrame:
    return pd.concat([number(column) for column in sources], axis=1, keys=range(len(sources)))


def _first(sources: list[pd.Series]) -> pd.Series:
    known = text(sources[0])
    for other in sources[1:]:
        known = known.fillna(text(other))
    return known


def _identity(sources: list[pd.Series], argument: str) -> pd.Series:
    return sources[0]


def _multiply(sources: list[pd.Series], argument: str) -> pd.Series:
    return number(sources[0]) * _float(argument, argument)


def _map(sources: list[pd.Series], argument: str) -> pd.Series:
    table = mapping(argument)
    values = text(sources[0])
    result = values.map(table)
    if "*" in table:
        result = result.mask(result.isna() & values.notna(), table["*"])
    return result.replace("", pd.NA)


def _flag(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _first(sources)
    hit = values.isin([part.strip() for part in argument.split("|")]).astype("float64")
    return hit.where(values.notna())


def _sum(sources: list[pd.Series], argument: str) -> pd.Series:
    return _scaled(_numbers(sources).sum(axis=1, skipna=False), argument)


def _difference(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _numbers(sources)
    return _scaled(values[0] - values.drop(columns=0).sum(axis=1, skipna=False), argument)


def _ratio(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _numbers(sources)
    below = values.drop(columns=0).prod(axis=1, skipna=False)
    return _scaled(values[0] / below.where(below != 0), argument)


def _mean(sources: list[pd.Series], argument: str) -> pd.Series:
    return _scaled(_numbers(sources).mean(axis=1, skipna=False), argument)


def _mean_floored(sources: list[pd.Series], argument: str) -> pd.Series:
    return _numbers(sources).clip(lower=_float(argument, argument)).mean(axis=1, skipna=False)


def _count_over(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _numbers(sources)
    return (
        (values > _float(argument, argument)).sum(axis=1).astype("float64").where(values.notna().all(axis=1))
    )


def _ratio_of_sums(sources: list[pd.Series], argument: str) -> pd.Series:
    half = len(sources) // 2
    if 2 * half != len(sources):
        raise UserError(f"ratio_of_sums needs an even number of source columns, found {len(sources)}")
    above = _numbers(sources[:half]).sum(axis=1, skipna=False)
    below = _numbers(sources[half:]).sum(axis=1, skipna=False)
    return _scaled(above / below.where(below > 0), argument)


def _weighted_ratio(sources: list[pd.Series], argument: str) -> pd.Series:
    weights, _, rest = argument.partition("|")
    factors = [_float(part, argument) for part in weights.split()]
    if len(factors) != len(sources) - 1:
        raise UserError(
            f"argument '{argument}': {len(factors)} weights for {len(sources) - 1} source columns"
        )
    above = (_numbers(sources[:-1]) * factors).sum(axis=1, skipna=False)
    below = number(sources[-1])
    return _scaled(above / below.where(below != 0), rest)


def _where_known(sources: list[pd.Series], argument: str) -> pd.Series:
    return _scaled(number(sources[0]).where(number(sources[1]).notna()), argument)


def _above_minimum(sources: list[pd.Series], argument: str) -> pd.Series:
    values = number(sources[0])
    return values - values.min()


def _minimum(sources: list[pd.Series], argument: str) -> pd.Series:
    return _scaled(_numbers(sources).min(axis=1), argument)


def _first_known(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _numbers(sources).bfill(axis=1)[0]
    return _scaled(values, argument)


def _ratio_to_first_known(sources: list[pd.Series], argument: str) -> pd.Series:
    below = _numbers(sources[1:]).bfill(axis=1)[0]
    return _scaled(number(sources[0]) / below.where(below != 0), argument)


def _subtract_from(sources: list[pd.Series], argument: str) -> pd.Series:
    return _float(argument, argument) - number(sources[0])


def _digits(sources: list[pd.Series], argument: str) -> pd.Series:
    found = text(sources[0]).str.normalize("NFKC").str.extract(DIGITS, expand=False)
    return _scaled(found.astype("float64"), argument)


def _date(sources: list[pd.Series], argument: str) -> pd.Series:
    return read_dates(sources[0], argument)


def _between(sources: list[pd.Series], argument: str, months: float) -> pd.Series:
    """Time from the first date to the second, or to the date of the option `at`, in units of so many months."""
    given = options(argument)
    unknown = set(given) - {"from", "to", "at", "min", "max"}
    if unknown:
        raise UserError(
            f"argument '{argument}': unknown option '{sorted(unknown)[0]}'; expected from, to, at, min, max"
        )
    if (len(sources) == 1) != ("at" in given):
        raise UserError(f"argument '{argument}': expected two source columns, or one and at=2024-12-31")
    start = read_dates(sources[0], given.get("from", "").replace(",", "|"))
    if "at" in given:
        end = read_dates(pd.Series(given["at"], index=start.index))
        if len(end) and end.isna().all():
            raise UserError(f"argument '{argument}': at is no date such as 2024-12-31")
    else:
        end = read_dates(sources[1], given.get("to", "").replace(",", "|"))
    bounds = "|".join(f"{name}={given[name]}" for name in ("min", "max") if name in given)
    return _scaled(months_between(start, end) / months, bounds)


def _months_between(sources: list[pd.Series], argument: str) -> pd.Series:
    return _between(sources, argument, 1.0)


def _years_between(sources: list[pd.Series], argument: str) -> pd.Series:
    return _between(sources, argument, 12.0)


def _annuity(sources: list[pd.Series], argument: str) -> pd.Series:
    """Monthly payment = P·r / (1 − (1 + r)^−n), r = yearly rate / 12; `argument` is the unit of the rate."""
    unit = _float(argument, argument) if argument else 1.0
    amount, rate = number(sources[0]), read(sources[1], percentages=unit == PER_CENT).values
    months = _digits(sources[2:], "")
    monthly = rate * unit / 12
    payment = amount * monthly / -np.expm1(-months * np.log1p(monthly))
    return payment.where(monthly > 0, amount / months)


def _window_midpoint(sources: list[pd.Series], argument: str) -> pd.Series:
    """The value of the first source column above zero (or above the option over=); nearest window first."""
    parts = argument.split("|")
    over = [_float(part.removeprefix("over="), argument) for part in parts if part.startswith("over=")] or [
        0.0
    ]
    values = [_float(part, argument) for part in parts if not part.startswith("over=")]
    if len(values) != len(sources):
        raise UserError(f"argument '{argument}': {len(values)} values for {len(sources)} source columns")
    counts = _numbers(sources)
    result = pd.Series(np.nan, index=counts.index)
    for position, value in reversed(list(enumerate(values))):
        result = result.mask(counts[position] > over[0], value)
    return result


def _constant(sources: list[pd.Series], argument: str) -> pd.Series:
    return pd.Series(argument, index=sources[0].index)


def _row_number(sources: list[pd.Series], argument: str) -> pd.Series:
    index = sources[0].index
    return pd.Series([f"{argument}{position}" for position in range(1, len(index) + 1)], index=index)


@dataclass(frozen=True)
class Transform:
    """One word of the vocabulary: what it does, how many source columns it needs, what its argument is.

    One that reads numbers is given columns of numbers; the others are given the cells as they are.
    """

    apply: Callable[[list[pd.Series], str], pd.Series]
    sources: tuple[int, int]
    argument: str
    meaning: str
    reads_numbers: bool = True


_MANY = 20
TRANSFORMS: dict[str, Transform] = {
    "identity": Transform(_identity, (1, 1), "", "the value as it is"),
    "multiply": Transform(_multiply, (1, 1), "factor", "the value times a factor (a change of unit)"),
    "map": Transform(_map, (1, 1), "@map or a=x|b=y|*=rest", "the class a value belongs to", False),
    "flag": Transform(_flag, (1, 3), "values a|b", "1 when the first known value is one of these, else 0", False),
    "sum": Transform(_sum, (1, _MANY), "times= min= max=", "the sum; missing when a part is missing"),
    "difference": Transform(_difference, (2, _MANY), "times= min= max=", "the first minus the others"),
    "ratio": Transform(_ratio, (2, _MANY), "times= min= max=", "the first divided by the others; missing at zero"),
    "ratio_to_first_known": Transform(_ratio_to_first_known, (2, _MANY), "times= min= max=",
                                      "the first divided by the first known of the others"),
    "mean": Transform(_mean, (1, _MANY), "times= min= max=", "the mean; missing when a part is missing"),
    "mean_floored": Transform(_mean_floored, (1, _MANY), "floor", "the mean, smaller values set to the floor"),
    "count_over": Transform(_count_over, (1, _MANY), "number", "how many of the columns are above a number"),
    "ratio_of_sums": Transform(_ratio_of_sums, (2, _MANY), "times= min= max=",
                               "sum of the first half over the sum of the second; missing at or below zero"),
    "weighted_ratio": Transform(_weighted_ratio, (2, _MANY), "weights | min= max=",
                                "a weighted sum of all but the last, divided by the last"),
    "where_known": Transform(_where_known, (2, 2), "times= min= max=", "the first, missing where the second is"),
    "above_minimum": Transform(_above_minimum, (1, 1), "", "the value above the smallest one (a standardised column)"),
    "minimum": Transform(_minimum, (1, _MANY), "times= min= max=", "the smallest known value"),
    "first_known": Transform(_first_known, (1, _MANY), "times= min= max=", "the first value that is not missing"),
    "subtract_from": Transform(_subtract_from, (1, 1), "number", "a number minus the value"),
    "digits": Transform(_digits, (1, 1), "times= min= max=", "the first number in a text", False),
    "date": Transform(_date, (1, 1), "formats a|b",
                      "a date; strptime formats, excel, excel1904, sas, sasdatetime, or the usual forms", False),
    "months_between": Transform(_months_between, (1, 2), "from= to= at= min= max=",
                                "months from one date to another, or to the date at=", False),
    "years_between": Transform(_years_between, (1, 2), "from= to= at= min= max=", "the same in years", False),
    "annuity": Transform(_annuity, (3, 3), "unit of the rate", "monthly payment of amount, yearly rate, months", False),
    "window_midpoint": Transform(_window_midpoint, (1, _MANY), "months a|b", "months of the nearest busy window"),
    "constant": Transform(_constant, (0, 0), "value", "the same value for every row", False),
    "row_number": Transform(_row_number, (0, 0), "prefix", "prefix and row number, where a file has no identifier",
                            False),
}  # fmt: skip


def takes_percentages(transform: str, argument: str) -> bool:
    """Return whether a transform turns percentages into shares: 12.5% and 12.5 are then the same."""
    factor = argument if transform == "multiply" else ""
    for part in argument.split("|") if transform != "multiply" else ():
        if part.strip().startswith("times="):
            factor = part.partition("=")[2]
    try:
        return float(factor or "nan") == PER_CENT
    except ValueError:
        return False


def looks_like_days(terms: pd.Series) -> bool:
    """Return whether most contract terms are what terms in days are: 30, 90, 180, 360, 365, 730 … and seldom less."""
    known = terms.dropna()
    whole = (known % 30 == 0) | (known % 365 == 0)
    return bool(len(known)) and bool(whole.mean() > 0.5)


# Transforms that use whichever source is known; the others need all of them.
ANY_SOURCE = {"flag", "minimum", "first_known", "window_midpoint"}
# Transforms that divide: numbers that divide by zero are no fault of the data.
RATIOS = {"ratio", "ratio_to_first_known", "ratio_of_sums", "weighted_ratio"}
