"""A finished run as somebody has it: a folder of reports, or its `values.json` alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from string import digits
from typing import Any

from lxml import html as parser
from lxml.etree import ParserError

from research.errors import UserError
from research.files.textfiles import exists, read_csv, read_text
from research.pages.pagecheck import PICTURES
from research.pages.values import Collected, collect
from research.suppression import WITHHELD

VALUES, PROVENANCE = "values.json", "provenance.json"
KEY = re.compile(r"\w[\w-]*/[\w.-]+")  # notebook/exhibit; both become names of files and anchors
NAMED = "a folder of reports (research run makes one), or a values.json"


@dataclass(frozen=True)
class Shown:
    """What a page shows of a table or figure: its number, its caption with the numbers in it, its picture."""

    number: str
    caption: str
    values: Mapping[str, Any]
    picture: str
    alt: str


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        name: what a reader may call it: the name of its folder, without where that lies.
        values: the content of `values.json`.
        provenance: the content of `provenance.json`; nothing when only the values are here.
        folder: of its reports; None when only the values are here.
        files: notebook → the name of its page, where that is another.
    """

    name: str
    values: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def numbered_as(self, other: Finished) -> Finished:
        """Return the run with the pages that the other shows under another number called as they are there."""
        theirs = {stem.lstrip(digits): stem for stem in other.stems if stem not in self.stems}
        own = [stem for stem in self.stems if stem not in other.stems]
        called = {stem: theirs[stem.lstrip(digits)] for stem in own if stem.lstrip(digits) in theirs}
        values = dict(self.values)
        for group in ("prose", "tables"):
            parts = [(*key.partition("/"), entry) for key, entry in values[group].items()]
            values[group] = {f"{called.get(stem, stem)}/{name}": entry for stem, _, name, entry in parts}
        return replace(self, values=values, files={now: stem for stem, now in called.items()})

    @cached_property
    def stems(self) -> list[str]:
        """The notebooks that show something, in order."""
        return sorted({key.partition("/")[0] for group in ("prose", "tables") for key in self.values[group]})

    @cached_property
    def collected(self) -> Collected:
        """What the executed notebooks carry; nothing when only the values are here. Raises UserError."""
        executed = sorted((self.folder / "executed").glob("*.ipynb")) if self.folder else []
        try:
            return collect(executed)
        except (ValueError, KeyError) as error:
            raise UserError(f"{self.folder}: its notebooks are not as a run writes them: {error}") from None

    @cached_property
    def _pages(self) -> dict[str, Any]:
        """The pages of the notebooks as trees, by stem; none when only the values are here."""
        pages = {stem: f"{self.files.get(stem, stem)}.html" for stem in self.stems if self.folder}
        paths = {stem: Path(self.folder or "", page) for stem, page in pages.items()}
        return {stem: _tree(path) for stem, path in paths.items() if path.is_file()}

    @cached_property
    def titles(self) -> dict[str, str]:
        """What the pages are called, by stem."""
        return {stem: tree.xpath("string(//title)") for stem, tree in self._pages.items()}

    @cached_property
    def shown(self) -> dict[str, Shown]:
        """What the pages show of each exhibit (`notebook/exhibit`)."""
        return {key: one for stem, tree in self._pages.items() for key, one in _on_page(stem, tree)}


def finished(path: Path) -> Finished:
    """Return the run of a folder or of a `values.json`.

    Raises:
        UserError: there is nothing, or no run; a file is damaged or not of this project; the run is not finished.
    """
    if not exists(path):
        raise UserError(f"{path}: no such file or folder; expected {NAMED}")
    name = path.resolve().name if path.is_dir() else path.resolve().parent.name or path.name
    if not path.is_dir():
        return Finished(name, _values(path))
    if not (path / VALUES).exists():
        begun = (path / PROVENANCE).exists()
        found = "a run that has not come to its end" if begun else "no values.json in it"
        raise UserError(f"{path}: {found}; expected {NAMED}")
    values = _values(path / VALUES)
    if not (path / PROVENANCE).exists():  # recorded values stand in a folder of their own
        return Finished(name, values)
    record = read_json(path / PROVENANCE)
    study = record.get("study")
    named = _has(study, sha256=str, parameters=dict) and study["parameters"]
    if not named or not all(isinstance(named.get(part, ""), str) for part in ("dataset", "crosswalk")):
        told = "the study is not as a run writes it; expected the folder of a run"
        raise UserError(f"{path / PROVENANCE}: {told}")
    return Finished(name, values, record, path)


def runs_of(batch: Path) -> list[tuple[str, Finished | None]]:
    """Return the runs of a batch in its order (by name without `runs.csv`); None for one that did not finish.

    Raises:
        UserError: it is no folder of a batch, fewer than two runs finished, or the first did not.
    """
    if not exists(batch):
        raise UserError(f"{batch}: no such file or folder; expected {NAMED}")
    folders = {path.name: path for path in sorted((batch / "runs").glob("*/"))}
    if not folders:
        raise UserError(f"{batch}: not the folder of a batch (no runs/ in it); for two runs name both")
    names, failed = list(folders), set[str]()
    if (batch / "runs.csv").exists():
        table = read_csv(batch / "runs.csv", ["run", "state"])
        names = [name for name in table["run"] if name in folders]
        failed = set(table.loc[table["state"] == "failed", "run"])
    ended = {name for name in names if name not in failed and (folders[name] / VALUES).exists()}
    runs = [(name, finished(folders[name]) if name in ended else None) for name in names]
    if not runs or runs[0][1] is None or sum(run is not None for _, run in runs) < 2:
        raise UserError(f"{batch}: the first run, or all others, did not finish; start the batch again")
    return runs


def outside(out: Path, runs: Sequence[Path]) -> None:
    """Raise UserError when a file would be written into the folder of a run: what is there belongs to the run."""
    for run in runs:
        if run.is_dir() and run.resolve() in out.resolve().parents:
            raise UserError(f"{out}: lies in {run}, which this command reads; name a place elsewhere")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds. Raises UserError when it holds none."""
    try:  # NaN is no JSON, but Python writes it
        content = json.loads(read_text(path), parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not readable as JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{path}: not readable as JSON (nested too deep)") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}, expected an object")
    return content


def _values(path: Path) -> dict[str, Any]:
    record = read_json(path)
    wrong = [key for key in ("study", "prose", "tables") if not isinstance(record.get(key), dict)]
    if not wrong:
        wrong = [key for key, entry in record["prose"].items() if not _has(entry, text=str, values=dict)]
        wrong += [key for key, entry in record["tables"].items() if not _is_table(entry)]
        wrong += [key for group in ("prose", "tables") for key in record[group] if not KEY.fullmatch(key)]
    if wrong:
        raise UserError(f"{path}: '{wrong[0]}' is not as a run writes it; expected the values.json of a run")
    return record


def _is_table(entry: Any) -> bool:
    if not _has(entry, columns=list, rows=list) or not isinstance(entry.get("caption", {}), dict):
        return False
    columns, withheld = entry["columns"], entry.get(WITHHELD, ())
    return (
        all(isinstance(column, str) for column in columns)
        and all(isinstance(row, list) and len(row) == len(columns) for row in entry["rows"])
        and all(isinstance(cell, list) and [*map(type, cell)] == [int, str] for cell in withheld)
    )


def _has(entry: Any, **kinds: type) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())


def _tree(page: Path) -> Any:
    try:
        return parser.document_fromstring(read_text(page), parser=parser.HTMLParser(huge_tree=True))
    except (ValueError, ParserError):
        raise UserError(f"{page}: not readable as a page of a run") from None


def _on_page(stem: str, tree: Any) -> list[tuple[str, Shown]]:
    found = []
    for exhibit in tree.xpath("//div[contains(@class, 'exhibit')][@id]"):
        captions = exhibit.xpath("./figure/figcaption|./div/table/caption")
        if not captions:
            continue
        number = captions[0].xpath("string(.//a[@class='number'])").strip()
        parts = captions[0].xpath(
            ".//text()[not(ancestor::*[@class='number' or starts-with(@class, 'tag')])]"
        )
        said = " ".join("".join(parts).split())
        values = {
            data.get("data-name", str(place)): _number(data.get("value"))
            for place, data in enumerate(captions[0].iter("data"))
        }
        pictures = [one for one in exhibit.xpath("./figure//img") if PICTURES.fullmatch(one.get("src") or "")]
        picture, alt = (pictures[0].get("src"), pictures[0].get("alt") or "") if pictures else ("", "")
        found.append((f"{stem}/{exhibit.get('id')}", Shown(number, said, values, picture, alt)))
    return found


def _number(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return text
