"""Text files that people write: in any usual encoding, and with a message where a library would give up."""

from __future__ import annotations

import csv
import io
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from research.errors import UserError
from research.files import limits
from research.files.inert import plain

if TYPE_CHECKING:
    import pandas as pd

ENCODINGS = ("utf-8-sig", "gb18030")  # GB18030 contains GBK and GB2312
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def is_file(path: str | Path) -> bool:
    """Return whether a file is there; a name that no file can have (too long, with NUL) is not."""
    return exists(path) and Path(path).is_file()


def exists(path: str | Path) -> bool:
    """Return whether a file or folder is there, see `is_file`."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


@contextmanager
def reading(path: str | Path) -> Iterator[Path]:
    """Yield the path of an ordinary file, to be opened in the block.

    Raises:
        UserError: it is missing, a folder, a pipe or a device (which would be waited for without end), or the block
            cannot read it.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError(f"{path}: a folder, expected a file")
        if not stat.S_ISREG(mode):
            raise UserError(f"{path}: a pipe or device, expected an ordinary file")
        yield path
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_bytes(path: str | Path, limit: str = "file_bytes") -> bytes:
    """Return what a file holds. Raises UserError, see `reading`; or it is larger than the limit of that name."""
    with reading(path) as file:
        limits.within(limit, file.stat().st_size, file.name)
        return file.read_bytes()


def decode(data: bytes, where: str) -> str:
    """Return the text of a file written in UTF-8, UTF-16 with a mark, or GBK/GB18030, as Excel and Windows do.

    Raises:
        UserError: binary data, or none of these encodings.
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            # lines that end in a return alone, as old programs of the Macintosh write them
            return text.replace("\r", "\n") if "\r" in text and "\n" not in text else text
    raise UserError(f"{where}: not text in UTF-8, UTF-16 or GBK; save it as UTF-8")


def read_text(path: str | Path, limit: str = "file_bytes") -> str:
    """Return the text of a file, see `decode`."""
    return decode(read_bytes(path, limit), Path(path).name)


def read_csv(path: str | Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """Read a small table with every cell as text, outer spaces removed; its index counts the rows from 0.

    Separated by comma, semicolon or tab; empty lines are passed over, short rows are filled with "".

    Raises:
        UserError: not readable, empty, a row longer than the header, a column that is there twice or is missing.
    """
    name = Path(path).name
    text = read_text(path)
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            cells = [plain(cell.strip()) for cell in cells]
            if not any(cells):
                continue
            if rows and any(cells[len(rows[0]) :]):
                raise UserError(
                    f"{name}, line {reader.line_num}: {len(cells)} cells, expected {len(rows[0])} as in the header"
                )
            width = len(rows[0]) if rows else len(cells)
            rows.append((cells + [""] * width)[:width])
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: not readable as a table ({error})") from None
    if not rows:
        raise UserError(f"{name}: the table is empty; expected a header and rows")
    header = rows[0]
    if twice := next((column for column in header if column and header.count(column) > 1), ""):
        raise UserError(f"{name}: column '{twice}' is there twice; expected each column once")
    if missing := [column for column in needed if column not in header]:
        raise UserError(f"{name}: missing columns {', '.join(missing)}; expected {', '.join(needed)}")
    import pandas as pd  # a run whose notebooks are all up to date reads no table

    return pd.DataFrame(rows[1:], columns=header, dtype=str)


@cache
def own_csv(path: Path) -> pd.DataFrame:
    """Return a table of the project's own with every cell as text; read once, so that nobody may change it."""
    import pandas as pd

    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def own_yaml(path: Path) -> Any:
    """Return what a YAML file of the project's own says: nobody else writes it, so that nothing in it is checked.

    With libyaml, where PyYAML was built with it: ten times as fast, and every notebook reads some.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_yaml(path: str | Path, expected: str = "`key: value` lines") -> dict[str, Any]:
    """Return the mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        UserError: not readable, see `parse_yaml`, or something else than a mapping.
    """
    content = parse_yaml(read_text(path, "yaml_bytes"), str(path), expected)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}, expected {expected}")
    return content


def parse_yaml(text: str, where: str, expected: str = "`key: value` lines") -> Any:
    """Return what a YAML text says: plain values, lists and mappings only, no objects of the language.

    Raises:
        UserError: not YAML, a tag of a language, a key that is there twice, a value that cannot be (a 13th month),
            characters that no text has, or aliases that stand for very many values or for themselves.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not have"
        raise UserError(f"{where}{line}: not readable as YAML ({problem}); expected {expected}") from None
    except RecursionError:
        raise UserError(f"{where}: not readable as YAML (nested too deep); expected {expected}") from None
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError):
        # what its constructors raise for a date, a number or a truth value that cannot be
        raise UserError(
            f"{where}: a date, number or truth value that cannot be; expected {expected}"
        ) from None


class _Loader(yaml.SafeLoader):
    """Plain values only, each key once, and brackets within brackets no deeper than anybody writes."""

    def fetch_flow_collection_start(self, kind: type[yaml.Token]) -> None:
        if self.flow_level >= limits.most("yaml_depth"):
            raise yaml.scanner.ScannerError(None, None, "nested too deep", self.get_mark())
        super().fetch_flow_collection_start(kind)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                told = f"key '{key.value}' is there twice"
                raise yaml.constructor.ConstructorError(None, None, told, key.start_mark)
            seen.add((key.tag, str(key.value)))
        return super().construct_mapping(node, deep)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for; a node that is being counted holds itself."""
    if isinstance(node, yaml.ScalarNode):
        if _NO_TEXT.search(node.value):
            raise yaml.YAMLError
        return 1
    if known.get(id(node)) == 0:
        raise yaml.composer.ComposerError(None, None, "an alias that holds itself", node.start_mark)
    if id(node) not in known:
        known[id(node)] = 0
        parts = node.value if isinstance(node, yaml.SequenceNode) else chain.from_iterable(node.value)
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
        if known[id(node)] > (allowed := limits.most("yaml_values")):
            told = f"aliases that stand for more than {allowed:,} values"
            raise yaml.composer.ComposerError(None, None, told, node.start_mark)
    return known[id(node)]
