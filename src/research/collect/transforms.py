"""The small vocabulary by which a crosswalk turns source columns into a construct. No expression is evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd

from research.collect.dates import months_between, read_dates
from research.collect.numerals import LARGEST_WHOLE, read
from research.errors import UserError, nearest
from research.files.textfiles import own_csv
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
    maps = own_csv(MAPS_FILE).groupby("map")
    return {name: dict(zip(rows["value"], rows["becomes"], strict=True)) for name, rows in maps}


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
    given = {name: _float(value, argument) for name, value in _only(argument, "times", "min", "max").items()}
    return (values * given.get("times", 1.0)).clip(lower=given.get("min"), upper=given.get("max"))


def _only(argument: str, *known: str) -> dict[str, str]:
    """Return the options of an argument. Raises UserError for one that the transform does not know."""
    given = options(argument)
    if unknown := sorted(set(given) - set(known)):
        raise UserError(f"argument '{argument}': unknown option '{unknown[0]}'; expected {', '.join(known)}")
    return given


def _numbers(sources: list[pd.Series]) -> pd.DataFrame:
    return pd.concat([number(column) for column in sources], axis=1, keys=range(len(sources)))


def _first(sources: list[pd.Series]) -> pd.Series:
    known = text(sources[0])
    for other in sources[1:]:
        known = known.fillna(text(other))
    return known


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


def _sum(sources: list[pd.Series]) -> pd.Series:
    return _numbers(sources).sum(axis=1, skipna=False)


def _over(above: pd.Series, below: pd.Series, argument: str) -> pd.Series:
    """A ratio, missing where it would divide by zero."""
    return _scaled(above / below.where(below != 0), argument)


def _count_over(sources: list[pd.Series], argument: str) -> pd.Series:
    values = _numbers(sources)
    return (
        (values > _float(argument, argument)).sum(axis=1).where(values.notna().all(axis=1)).astype("float64")
    )


def _ratio_of_sums(sources: list[pd.Series], argument: str) -> pd.Series:
    half = len(sources) // 2
    if 2 * half != len(sources):
        raise UserError(f"ratio_of_sums needs an even number of source columns, found {len(sources)}")
    below = _sum(sources[half:])
    return _over(_sum(sources[:half]), below.where(below > 0), argument)


def _weighted_ratio(sources: list[pd.Series], argument: str) -> pd.Series:
    weights, _, rest = argument.partition("|")
    factors = [_float(part, argument) for part in weights.split()]
    if len(factors) != len(sources) - 1:
        raise UserError(
            f"argument '{argument}': {len(factors)} weights for {len(sources) - 1} source columns"
        )
    above = (_numbers(sources[:-1]) * factors).sum(axis=1, skipna=False)
    return _over(above, number(sources[-1]), rest)


def _known(sources: list[pd.Series]) -> pd.Series:
    """The first value that is not missing."""
    return _numbers(sources).bfill(axis=1)[0]


def _digits(sources: list[pd.Series], argument: str) -> pd.Series:
    found = text(sources[0]).str.normalize("NFKC").str.extract(DIGITS, expand=False)
    return _scaled(found.astype("float64"), argument)


def _between(sources: list[pd.Series], argument: str, months: float) -> pd.Series:
    """Time from the first date to the second, or to the date of the option `at`, in units of so many months."""
    given = _only(argument, "from", "to", "at", "min", "max")
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
    over = [_float(part.removeprefix("over="), argument) for part in parts if part.startswith("over=")]
    values = [_float(part, argument) for part in parts if not part.startswith("over=")]
    if len(values) != len(sources):
        raise UserError(f"argument '{argument}': {len(values)} values for {len(sources)} source columns")
    counts = _numbers(sources)
    result = pd.Series(np.nan, index=counts.index)
    for position, value in reversed(list(enumerate(values))):
        result = result.mask(counts[position] > (over[0] if over else 0.0), value)
    return result


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


_MANY, _SCALE = 20, "times= min= max="
TRANSFORMS: dict[str, Transform] = {
    "identity": Transform(lambda given, _: given[0], (1, 1), "", "the value as it is"),
    "multiply": Transform(lambda given, factor: number(given[0]) * _float(factor, factor), (1, 1), "factor",
                          "the value times a factor (a change of unit)"),
    "map": Transform(_map, (1, 1), "@map or a=x|b=y|*=rest", "the class a value belongs to", False),
    "flag": Transform(_flag, (1, 3), "values a|b", "1 when the first known value is one of these, else 0", False),
    "sum": Transform(lambda given, how: _scaled(_sum(given), how), (1, _MANY), _SCALE,
                     "the sum; missing when a part is missing"),
    "difference": Transform(lambda given, how: _scaled(number(given[0]) - _sum(given[1:]), how), (2, _MANY), _SCALE,
                            "the first minus the others"),
    "ratio": Transform(lambda given, how: _over(number(given[0]), _numbers(given[1:]).prod(axis=1, skipna=False), how),
                       (2, _MANY), _SCALE, "the first divided by the others; missing at zero"),
    "ratio_to_first_known": Transform(lambda given, how: _over(number(given[0]), _known(given[1:]), how), (2, _MANY),
                                      _SCALE, "the first divided by the first known of the others"),
    "mean": Transform(lambda given, how: _scaled(_numbers(given).mean(axis=1, skipna=False), how), (1, _MANY), _SCALE,
                      "the mean; missing when a part is missing"),
    "mean_floored": Transform(
        lambda given, floor: _numbers(given).clip(lower=_float(floor, floor)).mean(axis=1, skipna=False),
        (1, _MANY), "floor", "the mean, smaller values set to the floor"),
    "count_over": Transform(_count_over, (1, _MANY), "number", "how many of the columns are above a number"),
    "ratio_of_sums": Transform(_ratio_of_sums, (2, _MANY), _SCALE,
                               "sum of the first half over the sum of the second; missing at or below zero"),
    "weighted_ratio": Transform(_weighted_ratio, (2, _MANY), "weights | min= max=",
                                "a weighted sum of all but the last, divided by the last"),
    "where_known": Transform(lambda given, how: _scaled(number(given[0]).where(number(given[1]).notna()), how), (2, 2),
                             _SCALE, "the first, missing where the second is"),
    "above_minimum": Transform(lambda given, _: number(given[0]) - number(given[0]).min(), (1, 1), "",
                               "the value above the smallest one (a standardised column)"),
    "minimum": Transform(lambda given, how: _scaled(_numbers(given).min(axis=1), how), (1, _MANY), _SCALE,
                         "the smallest known value"),
    "first_known": Transform(lambda given, how: _scaled(_known(given), how), (1, _MANY), _SCALE,
                             "the first value that is not missing"),
    "subtract_from": Transform(lambda given, whole: _float(whole, whole) - number(given[0]), (1, 1), "number",
                               "a number minus the value"),
    "digits": Transform(_digits, (1, 1), _SCALE, "the first number in a text", False),
    "date": Transform(lambda given, form: read_dates(given[0], form), (1, 1), "formats a|b",
                      "a date; strptime formats, excel, excel1904, sas, sasdatetime, or the usual forms", False),
    "months_between": Transform(partial(_between, months=1.0), (1, 2), "from= to= at= min= max=",
                                "months from one date to another, or to the date at=", False),
    "years_between": Transform(partial(_between, months=12.0), (1, 2), "from= to= at= min= max=", "the same in years",
                               False),
    "annuity": Transform(_annuity, (3, 3), "unit of the rate", "monthly payment of amount, yearly rate, months", False),
    "window_midpoint": Transform(_window_midpoint, (1, _MANY), "months a|b", "months of the nearest busy window"),
    "constant": Transform(lambda given, value: pd.Series(value, index=given[0].index), (0, 0), "value",
                          "the same value for every row", False),
    "row_number": Transform(_row_number, (0, 0), "prefix", "prefix and row number, where a file has no identifier",
                            False),
}  # fmt: skip


def takes_percentages(transform: str, argument: str) -> bool:
    """Return whether a transform turns percentages into shares: 12.5% and 12.5 are then the same."""
    times = re.findall(r"(?:^|\|)\s*times=([^|]*)", argument)
    factor = argument if transform == "multiply" else "".join(times[-1:])
    try:
        return float(factor or "nan") == PER_CENT
    except ValueError:
        return False


def looks_like_days(terms: pd.Series) -> bool:
    """Return whether contract terms are in days: beyond twenty years for most if they were months, or beyond five and
    mostly 90, 180, 360, 365, 730 …
    """
    known = terms.dropna()
    whole = (known % 30 == 0) | (known % 365 == 0)
    return bool(known.median() > 240 or (known.median() > 60 and whole.mean() > 0.5))


# Transforms that use whichever source is known; the others need all of them.
ANY_SOURCE = {"flag", "minimum", "first_known", "window_midpoint"}
# Transforms that divide: numbers that divide by zero are no fault of the data.
RATIOS = {"ratio", "ratio_to_first_known", "ratio_of_sums", "weighted_ratio"}
