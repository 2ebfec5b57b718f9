"""Every number that a run shows: collected from the executed notebooks, written as data, compared with a reference."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from research.files.inert import inert
from research.pages.files import write_if_changed
from research.pages.payload import WITHHELD, exhibit_numbers, exhibits, payload_to_frame
from research.pages.worded import worded
from research.pages.workbook import workbook_bytes

PROSE = ("finding", "answer", "limits")
TABULAR = ("table", "figure")


@dataclass
class Collected:
    """The exhibits of a run, keyed `notebook/exhibit`, in order of appearance."""

    prose: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    banners: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: dict[str, dict[str, str]] = field(default_factory=dict)

    def answer(self, stem: str) -> dict[str, Any] | None:
        """Return the answer of a notebook, None when it gives none."""
        return self.prose.get(f"{stem}/answer")


def collect(executed: Iterable[Path]) -> Collected:
    """Return the exhibits of executed notebooks; each keeps the number of its cell (counted from 1)."""
    found = Collected()
    for path in executed:
        one = exhibits_of(path.stem, path.read_text(encoding="utf-8"))
        for name, entries in vars(one).items():
            getattr(found, name).update(entries)
    return found


@lru_cache(maxsize=32)  # a run asks for those of each notebook twice: for its tables and for the index
def exhibits_of(stem: str, text: str) -> Collected:
    """Return the exhibits of one executed notebook, to be read and not changed."""
    found = Collected()
    notebook = nbformat.reads(text, as_version=4)
    found.numbers[stem] = exhibit_numbers(notebook, stem)
    for cell, payload in exhibits(notebook):
        entry = {"cell": cell, **worded(payload)}
        key = f"{stem}/{payload['name']}"
        if payload["kind"] in PROSE:
            found.prose[key] = entry
        elif payload["kind"] in TABULAR:
            found.tables[key] = entry
        elif payload["kind"] == "banner":
            found.banners.setdefault(stem, []).append(entry)
    return found


def values_record(collected: Collected, study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of `values.json`: numbers of prose, tables and captions, each with notebook and cell."""
    return {
        "study": {"name": study["name"], "sha256": study["sha256"]},
        "prose": {
            key: {"cell": entry["cell"], "text": entry["text"], "values": entry["values"]}
            for key, entry in collected.prose.items()
        },
        "tables": {
            key: {
                "cell": entry["cell"],
                "columns": [column["name"] for column in entry["columns"]],
                "rows": entry["rows"],
                **({"caption": entry["values"]} if entry["values"] else {}),
                **({WITHHELD: entry[WITHHELD]} if WITHHELD in entry else {}),
            }
            for key, entry in collected.tables.items()
        },
    }


def values_text(record: Mapping[str, Any]) -> str:
    """Return `values.json` as text, one exhibit per line, so that a difference can be read."""
    parts = [f'"study": {json.dumps(record["study"], ensure_ascii=False)}']
    for group in ("prose", "tables"):
        lines = ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(entry, ensure_ascii=False)}"
            for key, entry in record[group].items()
        )
        parts.append(f'"{group}": {{\n{lines}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def flatten(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of every value in `values.json`, such as `03_drivers/auc.estimate`."""
    for key, entry in record["prose"].items():
        for name, value in entry["values"].items():
            yield f"{key}.{name}", value
    for key, entry in record["tables"].items():
        for number, row in enumerate(entry["rows"], start=1):
            for column, value in zip(entry["columns"], row, strict=True):
                yield f"{key}[{number}].{column}", value
        for name, value in entry.get("caption", {}).items():
            yield f"{key}.caption.{name}", value


def compare_with_reference(
    values: Mapping[str, Any], reference: Mapping[str, Any], rtol: float = 1e-6
) -> dict[str, Any]:
    """Compare two `values.json` records.

    Only notebooks that both have are compared, so that a partial run is not called different.

    Returns:
        `compared`, `reproduced`, and `moved`: rows (name, reference, now), where a value that only one side has
        is None on the other. Numbers agree within the relative tolerance, anything else exactly.
    """
    now, then = dict(flatten(values)), dict(flatten(reference))
    shared = {name.partition("/")[0] for name in now} & {name.partition("/")[0] for name in then}
    names = [name for name in dict.fromkeys([*then, *now]) if name.partition("/")[0] in shared]
    moved = [
        {"name": name, "reference": then.get(name), "now": now.get(name)}
        for name in names
        if name not in now or name not in then or not same(now[name], then[name], rtol)
    ]
    return {"compared": len(names), "reproduced": len(names) - len(moved), "moved": moved}


def reproduced(found: Mapping[str, Any], reference: Path | None) -> dict[str, Any]:
    """Return how a `values.json` record compares with that of a file, or the `reason` why it was not compared."""
    if reference is None or not reference.exists():
        return {"reason": "there are no reference values yet"}
    then = json.loads(reference.read_text(encoding="utf-8"))
    if then["study"]["sha256"] != found["study"]["sha256"]:
        return {"reason": f"the reference belongs to study '{then['study']['name']}' with other parameters"}
    return compare_with_reference(found, then)


def same(now: Any, then: Any, rtol: float) -> bool:
    """Return whether two values agree."""
    if now == then:
        return True
    both = (now, then)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in both):
        return math.isclose(now, then, rel_tol=rtol, abs_tol=1e-12)
    if all(isinstance(v, list) for v in both):
        return len(now) == len(then) and all(same(a, b, rtol) for a, b in zip(now, then, strict=True))
    if all(isinstance(v, dict) for v in both):
        return now.keys() == then.keys() and all(same(now[key], then[key], rtol) for key in now)
    return False


def write_tables(folder: Path, tables: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write the tables of one notebook (`notebook/exhibit` → payload) as Parquet and CSV and return the files.

    Files in the folder that an earlier run made and this one did not are removed.
    """
    written: list[Path] = []
    for key, entry in tables.items():
        frame = payload_to_frame(entry)
        withheld = {(row, column) for row, column in entry.get(WITHHELD, ())}
        for ending, content in (
            (".parquet", frame.to_parquet(index=False)),
            (".csv", csv_bytes(frame, withheld)),
        ):
            path = folder / f"{key.partition('/')[2]}{ending}"
            write_if_changed(path, content)
            written.append(path)
    for stale in set(folder.glob("*.*")) - set(written):
        stale.unlink()
    return written


def write_workbook(path: Path, tables: Mapping[str, Mapping[str, Any]], look: str, note: Path) -> None:
    """Write all tables of a run as one workbook, unless it is there and made of the same; without tables remove it.

    Args:
        path: the workbook.
        tables: `notebook/exhibit` to payload.
        look: the fingerprint of the code that decides what a workbook looks like.
        note: a file that remembers what the workbook was made of.
    """
    if not tables:
        path.unlink(missing_ok=True)
        return
    made_of = sha256(f"{look}{json.dumps(tables)}".encode())
    if path.exists() and note.exists() and note.read_text() == f"{made_of} {sha256(path.read_bytes())}":
        return
    content = workbook_bytes(tables)
    write_if_changed(path, content)
    write_if_changed(note, f"{made_of} {sha256(content)}")


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes as text."""
    return hashlib.sha256(content).hexdigest()


def csv_bytes(frame: pd.DataFrame, withheld: Collection[tuple[int, str]] = ()) -> bytes:
    """Return a frame as CSV; a text that a spreadsheet would run as a formula gets an apostrophe in front.

    Cells (row, column) that are not published say so; in Parquet, where a number must be one, they are missing.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(inert, frame.columns))
    for number, row in enumerate(frame.astype(object).itertuples(index=False, name=None)):
        cells = ["" if pd.isna(value) else inert(value) for value in row]
        for place, column in enumerate(frame.columns):
            if (number, column) in withheld:
                cells[place] = WITHHELD
        writer.writerow(cells)
    return stream.getvalue().encode("utf-8")
