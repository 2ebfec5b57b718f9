"""The lists a mutation run reads, and the page it writes."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from mutators import Mutant

ID = ("module", "function", "before", "after", "occurrence")
SAYS = ("state", "by", "seconds")
FOUND = ("killed", "timeout")
Key = tuple[str, ...]
INTRODUCTION = """\
Written by `make mutation`. One small fault at a time is put into a function of a numeric module: a comparison flipped,
+ and − or × and ÷ swapped, a term, factor or correction dropped, a constant moved, a condition negated, minimum and
maximum swapped, an absolute value or limit removed, an axis changed. The tests that call the function must fail. A
mutant that runs far longer than its tests counts as found. An equivalent mutant changes no result; the reason stands
beside it."""


def covering(path: Path, only: list[str]) -> dict[str, list[str]]:
    """Return module → test files that cover it; only some modules when asked."""
    rows = _rows(path)
    unknown = set(only) - {row["module"] for row in rows}
    if unknown:
        raise SystemExit(f"not in {path.name}: {', '.join(sorted(unknown))}")
    return {row["module"]: row["tests"].split() for row in rows if not only or row["module"] in only}


def reasons(path: Path) -> dict[Key, str]:
    """Return mutant → why it changes no result."""
    return {_key(row): row["reason"] for row in _rows(path)}


def found(path: Path) -> dict[Key, dict[str, str]]:
    """Return the mutants that an earlier run found, with what it says of them."""
    return {_key(row): {name: row[name] for name in SAYS} for row in _rows(path) if row["state"] in FOUND}


def save(path: Path, results: list[dict[str, Any]]) -> None:
    """Write the results so far, one row a mutant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*ID, "line", *SAYS])
        writer.writeheader()
        writer.writerows(results)


def key(mutant: Mutant) -> Key:
    """Return what stays the same when lines move."""
    return tuple(str(part) for part in mutant.name)


def row(mutant: Mutant) -> dict[str, Any]:
    """Return the columns that name a mutant."""
    return dict(zip(ID, mutant.name, strict=True)) | {"line": mutant.line}


def unexplained(results: list[dict[str, Any]], known: dict[Key, str]) -> list[dict[str, Any]]:
    """Return the survivors that have no reason."""
    return [row for row in results if row["state"] not in FOUND and _key(row) not in known]


def page(results: list[dict[str, Any]], known: dict[Key, str], seed: int, most: int) -> str:
    """Return the page: counts per module, then the survivors."""
    counts: dict[str, Counter[str]] = {}
    for result in results:
        counts.setdefault(result["module"], Counter())[_state(result, known)] += 1
    total = sum(counts.values(), Counter())
    lines = [
        "# Mutation test",
        "",
        *INTRODUCTION.splitlines(),
        "",
        f"{sum(total.values())} mutants, at most {most} of a function, drawn with seed {seed}; {date.today()}.",
        "",
        "| module | mutants | found | equivalent | open | found of those that matter |",
        "|---|---|---|---|---|---|",
    ]
    for module, count in [*counts.items(), ("all", total)]:
        n, same, left = sum(count.values()), count["equivalent"], count["open"]
        share = f"{100 * count['found'] / (n - same):.0f} %" if n > same else "–"
        lines.append(f"| {module} | {n} | {count['found']} | {same} | {left} | {share} |")
    for title, wanted in (("Open", "open"), ("Equivalent", "equivalent")):
        shown = [result for result in results if _state(result, known) == wanted]
        lines += ["", f"## {title}", ""] + ([line(result, known) for result in shown] or ["None."])
    return "\n".join(lines) + "\n"


def line(result: dict[str, Any], known: dict[Key, str]) -> str:
    """Return a mutant in words: where, what changed, and the reason when it changes no result."""
    change = f"`{result['before']}` → `{result['after']}`"
    return f"- {result['module']}, {result['function']}: {change}. {known.get(_key(result), '')}".rstrip()


def _state(result: dict[str, Any], known: dict[Key, str]) -> str:
    if result["state"] in FOUND:
        return "found"
    return "equivalent" if _key(result) in known else "open"


def _key(row: dict[str, Any]) -> Key:
    return tuple(str(row[name]) for name in ID)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
