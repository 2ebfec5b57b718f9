# ruff: noqa: E501 - lists of odd values are easier to read in long lines
"""What can happen to bytes, to text and to single values."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

ENCODINGS = (
    "utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252",
    "utf-7",
)  # fmt: skip

# What people, spreadsheets and attackers put where something else is expected.
WORDS = (
    "", " ", "0", "-1", "3", "7", "1.5", "1e308", "-1e308", "1e999", "nan", "inf", "-inf", "NaN", "null", "NULL", "N/A", "true",
    "９", "²", "٣", "一", "½", "１．５", "1,5", "1.234,56", "1,234.56", "5分", "4 agree", "10%", "0x1F", "1_000", "007",
    "9" * 400, "9" * 5000, "x" * 300, "x" * 40_000, "\u200b", "\ufeff", "\u00a0", "\u202eabc", "é", "中文", "😀", "\x00", "\x07",
    "\t", "\r", "=1+1", "=HYPERLINK(\"http://example.org\")", "+1", "-1+1", "@SUM(A1)", "#REF!", "#N/A", "2024-02-30",
    "2024-13-45", "0000-00-00", "9999-12-31", "1677-01-01", "2300-01-01", "31/12/2024", "25:61:61", "<script>alert(1)</script>", "'", '"',
    '"""', "a\nb", "a;b", "a,b", "a|b", "a=b", "|", "=", "*", "(", "[", "(?P<x>", "(a+)+$", "\\", "%s", "{0}", "{x}", "${x}",
    "../../etc/passwd", "/etc/passwd", "C:\\con", "con", "a/b", ".", "..", "~", "-p", "--help", "None", "self", "__class__",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 6, 44, 2**31, 2**53 + 1, 2**64, 10**30, 0.5, -0.0, 1e-300, 1e308, -1e308,
    dt.datetime(1900, 1, 1), dt.datetime(2024, 5, 4, 13, 30), dt.datetime(9999, 12, 31), dt.date(2024, 2, 29), dt.time(0, 11),
    dt.timedelta(seconds=-5), dt.timedelta(days=40_000),
)  # fmt: skip


def value(random: Random) -> Any:
    """Return a value of any type that a cell can hold."""
    return random.choice(VALUES) if random.random() < 0.4 else word(random)


def word(random: Random) -> str:
    """Return a text that is rarely what was expected."""
    return random.choice(WORDS)


def some_bytes(data: bytes, random: Random) -> bytes:
    """Flip, cut, insert, repeat or overwrite bytes."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5, 20))):
        place = random.randrange(len(data) + 1)
        what = random.randrange(7)
        if what == 0 and data:
            data[place % len(data)] ^= 1 << random.randrange(8)
        elif what == 1:
            del data[place:]
        elif what == 2:
            data[place:place] = random.randbytes(random.choice((1, 2, 8, 200)))
        elif what == 3:
            del data[place : place + random.choice((1, 4, 64, 1000))]
        elif what == 4:
            end = place + random.choice((1, 16, 300))
            data[place:place] = data[place:end]
        elif what == 5:
            data[place : place + 8] = b"\x00" * 8
        else:
            data[place:place] = random.choice(
                (b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\x80", b"\r", b"\x1a", b"PK\x03\x04")
            )
    return bytes(data)


def text(data: str, random: Random, mark: str = "") -> str:
    """Change lines or words of a text; `mark` separates the words (any white space when empty)."""
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        lines = data.split("\n")
        place = random.randrange(len(lines))
        what = random.randrange(9)
        if what == 0:
            del lines[place]
        elif what == 1:
            lines.insert(place, lines[random.randrange(len(lines))])
        elif what == 2:
            lines.insert(place, word(random))
        elif what == 3:
            other = random.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        elif what == 4:
            lines = lines[: place + 1]
        elif what == 5:
            letter = random.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:letter] + word(random) + lines[place][letter:]
        else:
            words = lines[place].split(mark) if mark else lines[place].split()
            if words:
                one = random.randrange(len(words))
                words[one : one + 1] = random.choice(([word(random)], [], [words[one]] * 2, [word(random)]))
                lines[place] = (mark or " ").join(words)
        data = "\n".join(lines)
    return data


def encoded(data: str, random: Random, usual: str = "utf-8") -> bytes:
    """Encode a text, sometimes in an encoding that nobody expects, sometimes with other line ends."""
    if random.random() < 0.15:
        data = data.replace("\n", random.choice(("\r\n", "\r", "\n\n", "\u2028", "\x85")))
    encoding = random.choice(ENCODINGS) if random.random() < 0.25 else usual
    return data.encode(encoding, errors=random.choice(("replace", "ignore")))


def a_file(data: str, random: Random, mark: str = "", usual: str = "utf-8") -> bytes:
    """Return the bytes of a text file after changes of text, encoding or bytes; now and then of nothing at all."""
    if random.random() < 0.02:
        return random.choice(
            (b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b" " * 100_000, b"\x00" * 100, b"%PDF-1.7\n")
        )
    changed = text(data, random, mark) if random.random() < 0.8 else data
    made = encoded(changed, random, usual)
    return some_bytes(made, random) if random.random() < 0.3 else made
