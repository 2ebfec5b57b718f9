"""Numbers as a reader of one language writes them: the only formatter of tables, captions, figures, prose and rules."""

from __future__ import annotations

import math
import re
import string
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern, format_decimal, parse_pattern

ENGLISH = Locale("en", "GB")  # lists without a comma before "and"
SPEC = re.compile(r"(?P<sign>\+?)(?P<group>,?)(?:\.(?P<places>\d+))?(?P<kind>pp|g%|[dfg%]?)")
SMALLEST_P = 0.001
DIGITS = "#,##0"  # of a whole number, as the patterns of the Unicode locale data write them


def number(value: float, spec: str = "", locale: Locale = ENGLISH) -> str:
    """Return a number under a format; without one, about three digits that fit its size.

    Rounding is Python's, marks are those of the locale; a negative number has a true minus, nought has no sign.

    Args:
        value: a finite or infinite number.
        spec: `.3f`, `,.0f`, `+.1f`, `.1%`, `.1pp` (a share in percentage points), `.3g`, `.2g%` (two digits that
            count, in per cent), `,d`, `p` (a p-value; `p=` has a sign, for a sentence: `p {p:p=}`), or one of these in
            a text: `{:.2f} pp`.
        locale: a Babel locale (the object: a name is looked up anew at each call).

    Raises:
        ValueError: an unknown format.

    >>> number(-1234.5, ",.1f"), number(0.0178, ".2%"), number(-0.0001, ".2f"), number(0.0004, "p")
    ('−1,234.5', '1.78%', '0.00', '< 0.001')
    >>> number(0.306, ".2g%"), number(0.0004, ".2g%"), number(1.0, ".2g%"), number(-0.005, ".2g%")
    ('31%', '0.04%', '100%', '−0.5%')
    >>> number(1234.5, ",.1f", Locale("de"))
    '1.234,5'
    """
    if "{" in spec:
        return "".join(
            text + (number(value, inner or "", locale) if field is not None else "")
            for text, field, inner, _ in string.Formatter().parse(spec)
        )
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if spec in ("p", "p="):
        small, equals = value < SMALLEST_P, "= " if spec == "p=" else ""
        return f"{'< ' if small else equals}{number(SMALLEST_P if small else value, '.3f', locale)}"
    rounded, wanted = _rounded(value, spec or _default(value), locale.percent_formats[None].pattern)
    return format_decimal(rounded, wanted, locale, decimal_quantization=False).replace("-", "−")


def decimals(size: float) -> int:
    """Return how many decimals a number of this size needs: 3 below ten, down to none from a thousand."""
    if size >= 1000:
        return 0
    if size >= 100:
        return 1
    if size >= 10:
        return 2
    return 3 if size >= 0.001 or size == 0 else 5


def _default(value: float) -> str:
    whole = isinstance(value, int) or (float(value).is_integer() and abs(value) >= 10)
    return ",.0f" if whole else f",.{decimals(abs(value))}f"


def _rounded(value: float, spec: str, percent: str) -> tuple[Decimal, NumberPattern]:
    """Return the number rounded as Python rounds it, and the pattern that shows just these digits."""
    found = SPEC.fullmatch(spec)
    if not found or not spec:
        raise ValueError(f"'{spec}' is no format of a number; expected one such as ,.0f .3f .1% .3g p")
    kind, places = found["kind"] or "f", int(found["places"] or 0)
    if kind == "d":
        exact = Decimal(int(value))
    elif kind == "g":
        exact = Decimal(format(value, f".{places or 6}g"))
        places = max(0, -int(exact.as_tuple().exponent))
    elif kind == "g%":
        exact = Decimal(format(value * 100, f".{places}g"))
        places, exact = max(0, -int(exact.as_tuple().exponent)), exact.scaleb(-2)
    elif kind == "pp":
        exact = Decimal(format(value * 100, f".{places}f"))
    elif kind == "%":
        exact = Decimal(format(value, f".{places}%")[:-1]).scaleb(-2)
    else:
        exact = Decimal(format(value, f".{places}f"))
    whole = percent if kind.endswith("%") else DIGITS
    pattern = _pattern(whole, bool(found["sign"]), bool(found["group"]), 0 if kind == "d" else places)
    return (abs(exact) if exact == 0 else exact), pattern


@cache
def _pattern(whole: str, signed: bool, grouped: bool, places: int) -> NumberPattern:
    digits = (DIGITS if grouped else "0") + ("." + "0" * places if places else "")
    shown = whole.replace(DIGITS, digits)
    return parse_pattern(f"+{shown};-{shown}" if signed else shown)
