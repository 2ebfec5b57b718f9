"""De-identification: what in a text could tell who somebody is, and the written waivers that let it pass."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.files import limits
from research.files.inert import write_csv
from research.files.textfiles import read_csv, read_text

FINDING = ["finding", "document", "segment", "kind", "shown", "start", "end"]
WAIVER = ["finding", "reason", "by", "date"]
# Chinese is written without spaces, so that what surrounds a number or a Latin name may be any Chinese letter
# of the lengths that addresses may have
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.ASCII)
_DIGITS = re.compile(r"(?<![A-Za-z0-9.])\+?\d(?:[\s\-.()]{0,2}\d){5,22}[xX]?(?![A-Za-z0-9])")
_CHINESE_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_CHINESE_LANDLINE = re.compile(r"0\d{2,3}\d{7,8}|[48]00\d{7}")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏"
    "魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵"
    "万钱严覃武戴莫孔向汤"
)
_POSTS = "客户|支行|分行|总行|大堂|理财|产品|项目|风险|信贷|对公|部门|案"  # 任何客户经理 names nobody
_CHINESE_TITLE = re.compile(
    rf"[{_SURNAMES}](?!{_POSTS})[\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐|太太|老师|师傅|经理|行长|医生|律师|总(?![额数量体计是行共部会结包裁价之的]))"
)
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s[A-Z][a-zà-ÿ'’-]+(?: [A-Z][a-zà-ÿ'’-]+)?")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_CHINESE_DIGITS = dict(zip("〇零一二三四五六七八九幺", "001234567891", strict=True))
_SPELT_OUT = re.compile(f"[{''.join(_CHINESE_DIGITS)}]{{7,}}")  # fewer are words: 一三 may be in a name
_LABEL = "label"


@dataclass(frozen=True)
class Plain:
    """A text as it is searched, and for each of its letters where that begins and ends in the original."""

    text: str
    start: Sequence[int]
    end: Sequence[int]


def plain(text: str) -> Plain:
    """Return a text in normal form (NFKC), without letters that nobody sees, with the digits of all scripts as 0 to 9.

    Dashes become `-` and blanks spaces, line breaks stay; seven Chinese numerals or more in a row are digits.
    """
    if text.isascii():
        return Plain(text, range(len(text)), range(1, len(text) + 1))
    letters, start, end = [], [], []
    spelt = {place for match in _SPELT_OUT.finditer(text) for place in range(*match.span())}
    place = 0
    while place < len(text):
        after = place + 1
        while after < len(text) and unicodedata.combining(text[after]):
            after += 1
        cluster = text[place:after]
        if place in spelt:
            cluster = _CHINESE_DIGITS[cluster[0]]
        for letter in unicodedata.normalize("NFKC", cluster):
            kind = unicodedata.category(letter)
            if kind in {
                "Cf",
                "Mn",
                "Me",
            }:  # zero-width, marks of direction, soft hyphens, variation selectors
                continue
            shown = {"Nd": str(unicodedata.digit(letter, "")), "Pd": "-", "Zs": " "}.get(kind, letter)
            letters.append(shown)
            start.append(place)
            end.append(after)
        place = after
    return Plain("".join(letters), start, end)


def scan(texts: pd.DataFrame, names: Iterable[str] = (), units: pd.DataFrame | None = None) -> pd.DataFrame:
    """Look for what identifies people.

    Args:
        texts: document and text, whole (`transcripts.searched_texts`) or by segment (then with `segment`).
        names: names to look for, of participants, colleagues and places. Latin names count as whole words in any
            case, Chinese names anywhere; a line break within a name is no hindrance.
        units: document, segment, start and end, to say in which segment of a whole text a finding lies.

    Returns:
        One row per finding: finding (an id that does not show the text), document, segment (or `line 12` where no unit
        of coding is), kind (name, title, e-mail, phone, resident id, card), shown (masked), start, end (positions in
        the text as it was given).

    A resident id must have the checksum of GB 11643 (ISO 7064, MOD 11-2) and a possible date of birth, a card the
    checksum of Luhn; longer kinds win over shorter ones at one place.
    """
    rows = []
    patterns = [_name_pattern(name) for name in names if plain(name).text.strip()]
    spans = {} if units is None else {str(d): part for d, part in units.groupby("document", sort=False)}
    for row in texts.itertuples(index=False):
        text, document = str(row.text), str(row.document)
        searched = plain(text)
        for kind, first, last in _find(searched.text, patterns):
            found = searched.text[first:last]
            start, end = searched.start[first], searched.end[last - 1]
            segment = str(getattr(row, "segment", "")) or _segment(spans.get(document), text, start)
            rows.append((_id(document, kind, found), document, segment, kind, mask(found), start, end))
    return pd.DataFrame(rows, columns=FINDING)


def _segment(units: pd.DataFrame | None, text: str, place: int) -> str:
    """The segment that holds a place of a whole text, or the line where none does."""
    if units is not None:
        inside = units[(units["start"] <= place) & (units["end"] > place)]
        if len(inside):
            return str(inside["segment"].iloc[0])
    return f"line {text.count(chr(10), 0, place) + 1}"


def check_waivers(findings: pd.DataFrame, waivers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the findings with `waived` (true or false) and the waiver's reason, by and date."""
    given = pd.DataFrame(columns=WAIVER) if waivers is None else waivers
    merged = findings.merge(given, on="finding", how="left")
    merged["waived"] = merged["reason"].notna()
    return merged.fillna({"reason": "", "by": "", "date": ""})


def place_of(segment: str) -> str:
    """Return where a finding is, in words."""
    return f"segment {segment}" if segment.isalnum() and segment != _LABEL else segment


def require_clean(findings: pd.DataFrame, waivers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the findings of `scan` when every one is waived; this stands before anything is rendered.

    Raises:
        UserError: findings are open. The message shows them masked.
    """
    checked = check_waivers(findings, waivers)
    still = checked[~checked["waived"]]
    if len(still):
        lines = [
            f"{r.document} {place_of(r.segment)} — {r.kind} {r.shown} — finding {r.finding}"
            for r in still.head(20).itertuples()
        ]
        more = f"\n… and {len(still) - 20} more" if len(still) > 20 else ""
        told = f"{len(still)} places could identify someone; change the transcript, or waive each in writing"
        raise UserError("\n".join([told, *lines]) + more)
    return checked


def read_names(path: str | Path) -> list[str]:
    """Return the names of a text file, one a line; `#` begins a comment."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such list of names")
    lines = (line.split("#")[0].strip() for line in read_text(path).splitlines())
    names = [line for line in lines if line]
    limits.within("names", len(names), path.name)
    return names


def read_waivers(path: str | Path) -> pd.DataFrame:
    """Return the waivers of a CSV file: finding, reason, by, date.

    Raises:
        UserError: a column is missing, a finding is there twice, a reason or a name is empty, or a date is no date.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file of waivers")
    frame = read_csv(path, WAIVER)
    frame = frame[(frame[["reason", "by", "date"]] != "").any(axis=1)]  # lines not filled in waive nothing
    for row in frame.itertuples():
        line = row.Index + 2
        if len(row.reason) < 10 or not row.by:
            raise UserError(
                f"{path.name} line {line}: reason '{row.reason}', by '{row.by}'; expected a reason "
                "in words and who takes the responsibility"
            )
        try:
            dt.date.fromisoformat(row.date)
        except ValueError:
            raise UserError(f"{path.name} line {line}: date '{row.date}', expected YYYY-MM-DD") from None
    if frame["finding"].duplicated().any():
        raise UserError(
            f"{path.name}: finding {frame.loc[frame['finding'].duplicated(), 'finding'].iloc[0]} twice"
        )
    return frame[WAIVER].reset_index(drop=True)


def write_waiver_form(findings: pd.DataFrame, path: str | Path) -> Path:
    """Write a CSV with a line per open finding, whose reason, by and date are to be filled in. Return its path."""
    form = findings[["finding", "document", "segment", "kind", "shown"]].drop_duplicates("finding")
    return write_csv(form.assign(reason="", by="", date=""), path)


def mask(text: str) -> str:
    """Return a text with all but its first and last letter hidden: `13812345678` → `1•••••••••8`."""
    if len(text) <= 2:
        return text[:1] + "•"
    return text[0] + "•" * (len(text) - 2) + text[-1]


def valid_resident_id(number: str) -> bool:
    """Whether 18 characters are a Chinese resident id: GB 11643 checksum and a possible date of birth."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", number):
        return False
    if _ID_CHECK[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number, strict=False)) % 11] != number[17]:
        return False
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return 1880 <= born.year <= 2100


def valid_card(number: str) -> bool:
    """Whether 13 to 19 digits pass the Luhn checksum of bank cards."""
    if not re.fullmatch(r"[2-9]\d{12,18}", number) or len(set(number)) == 1:
        return False
    digits = [int(d) for d in reversed(number)]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def _find(text: str, names: list[re.Pattern[str]]) -> list[tuple[str, int, int]]:
    sought = [("name", names), ("e-mail", [_MAIL]), ("title", [_TITLE, _CHINESE_TITLE])]
    found = [(kind, *m.span()) for kind, each in sought for one in each for m in one.finditer(text)]
    found += _numbers(text)
    found.sort(key=lambda f: (f[1], f[1] - f[2]))
    kept: list[tuple[str, int, int]] = []
    for kind, start, end in found:
        if not kept or start >= kept[-1][2]:
            kept.append((kind, start, end))
    return kept


def _numbers(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _DIGITS.finditer(text):
        written = match.group()
        number = re.sub(r"[^\dxX]", "", written).upper()
        if valid_resident_id(number):
            yield "resident id", *match.span()
        elif _is_phone(written, number):
            yield "phone", *match.span()
        elif valid_card(number):
            yield "card", *match.span()


def _is_phone(written: str, number: str) -> bool:
    if written.startswith("+"):
        return 8 <= len(number) <= 15
    if _CHINESE_MOBILE.fullmatch(number) or _CHINESE_LANDLINE.fullmatch(number):
        return True
    in_groups = len(re.findall(r"\d+", written)) > 1  # as national numbers of other countries are written
    return in_groups and number.startswith("0") and 9 <= len(number) <= 12


def _name_pattern(name: str) -> re.Pattern[str]:
    words = plain(name).text.split()
    if re.search(r"[A-Za-zÀ-ÿ]", name) or name.isascii():
        broken = [r"(?:-?\n\s*)?".join(map(re.escape, word)) for word in words]
        whole = r"\s+".join(broken)
        return re.compile(rf"(?<![A-Za-zÀ-ÿ0-9]){whole}(?![A-Za-zÀ-ÿ0-9])", re.IGNORECASE)
    return re.compile(r"\s*".join(map(re.escape, "".join(words))))


def _id(document: str, kind: str, found: str) -> str:
    bare = re.sub(r"[\s\-.()]", "", found).lower()
    return hashlib.sha256(f"{document}\0{kind}\0{bare}".encode()).hexdigest()[:12]
