"""A batch file: which runs it asks for, all checked before the first one starts."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.errors import UserError, nearest
from research.files import limits
from research.files.textfiles import is_file, read_yaml
from research.pages import notebooks as books
from research.pages.notebooks import Notebook
from research.parameters import NAME
from research.runs.plan import Plan, plan

KEYS = ("name", "study", "only", "product", "zip", "list")
LONGEST_NAME = 80
MISTAKES_SHOWN = 20


@dataclass(frozen=True)
class Grid:
    """A batch: its name, the study it starts from, the notebooks to run and the changes of every run."""

    name: str
    study: str
    only: tuple[str, ...]
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def varied(self) -> list[str]:
        """The parameters that differ between runs, in the order of the file."""
        names = dict.fromkeys(name for run in self.runs for name in run)
        return [name for name in names if len({canonical(run.get(name)) for run in self.runs}) > 1]


def read(path: Path) -> Grid:
    """Read a batch file.

    Keys: `study` (a name or path, default `default`), `only` (notebooks), and at least one of `product` (parameter →
    values, every combination), `zip` (parameter → values of equal number, taken together) and `list` (one mapping
    per run). `product` and `zip` are combined with each other; the runs of `list` come on top.

    Raises:
        UserError: the file is missing, is not YAML, has an unknown key, or asks for no run or the same run twice.
    """
    content = read_yaml(path, f"keys {', '.join(KEYS)}")
    for key in content:
        if key not in KEYS:
            raise UserError(f"{path}: unknown key '{key}'{nearest(str(key), KEYS)}")
    runs = expand(content, str(path))
    names = [run_name(run) for run in runs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"{path}: the same run is asked for more than once: {', '.join(sorted(twice))}")
    only = content.get("only") or []
    only = [only] if isinstance(only, str | int) else only
    if not isinstance(only, list) or not all(isinstance(name, str | int) for name in only):
        raise UserError(f"{path}: only: found {only!r}, expected names of notebooks such as [05_comparison]")
    name = str(content.get("name", path.stem))
    if not re.fullmatch(NAME, name) or len(name) > LONGEST_NAME:
        raise UserError(f"{path}: name: found '{name}', expected letters, digits, spaces, dots or dashes")
    study = str(content.get("study", "default"))
    beside = path.parent / study
    return Grid(
        name=name,
        study=str(beside) if beside.suffix in (".yml", ".yaml") and is_file(beside) else study,
        only=tuple(map(str, only)),
        runs=runs,
    )


def expand(content: Mapping[str, Any], where: str = "grid") -> list[dict[str, Any]]:
    """Return the changes of every run. Raises UserError for the wrong shape or when there is no run."""
    product = lists_of(content, "product", where)
    zipped = lists_of(content, "zip", where)
    lengths = {name: len(values) for name, values in zipped.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UserError(f"{where}: zip: the lists differ in length: {told}")
    if both := set(product) & set(zipped):
        raise UserError(f"{where}: in product and in zip: {', '.join(sorted(both))}")
    asked = math.prod(map(len, [*product.values(), *list(zipped.values())[:1]])) if product or zipped else 0
    limits.within("batch_runs", asked, where)
    runs: list[dict[str, Any]] = []
    if product or zipped:
        together = [
            dict(zip(zipped, values, strict=True)) for values in zip(*zipped.values(), strict=True)
        ] or [{}]
        for values in itertools.product(*product.values()):
            runs += [{**dict(zip(product, values, strict=True)), **extra} for extra in together]
    explicit = content.get("list") or []
    if not isinstance(explicit, list) or not all(isinstance(run, dict) for run in explicit):
        raise UserError(f"{where}: list: expected one `parameter: value` mapping per run")
    runs += [{str(name): value for name, value in run.items()} for run in explicit]
    limits.within("batch_runs", len(runs), where)
    if not runs:
        raise UserError(f"{where}: asks for no run; give product, zip or list")
    return runs


def lists_of(content: Mapping[str, Any], key: str, where: str) -> dict[str, list[Any]]:
    """Return the mapping parameter → values under a key."""
    group = content.get(key) or {}
    if not isinstance(group, dict):
        raise UserError(f"{where}: {key}: expected `parameter: [values]`, found {type(group).__name__}")
    for name, values in group.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{where}: {key}: {name}: expected a list of values, found {values!r}")
    return {str(name): values for name, values in group.items()}


def run_name(changes: Mapping[str, Any]) -> str:
    """Return a readable folder name of a run; it depends on its parameters only, so that a batch can resume."""
    text = "_".join(f"{name}-{value}" for name, value in changes.items()) or "unchanged"
    safe = re.sub(r"[^\w.-]+", "-", text).strip("-.")
    if safe == text and len(safe) <= LONGEST_NAME:
        return safe
    digest = hashlib.sha256(canonical(changes).encode()).hexdigest()[:8]
    return f"{safe[: LONGEST_NAME - 9]}-{digest}"


def canonical(value: Any) -> str:
    """Return a value as text, the same for the same value whatever the order and kind of its keys."""

    def named(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {str(name): named(item) for name, item in part.items()}
        return [named(item) for item in part] if isinstance(part, list) else part

    return json.dumps(named(value), sort_keys=True, default=str)


def plans(grid: Grid, out: Path, notebooks: list[Notebook] | None = None) -> list[Plan]:
    """Return the plan of every run. Raises UserError that lists the mistakes of all runs."""
    known = books.find() if notebooks is None else notebooks
    made: list[Plan] = []
    mistakes: list[str] = []
    for changes in grid.runs:
        name = run_name(changes)
        try:
            target = out / "runs" / name
            made.append(plan(grid.study, changes=changes, only=grid.only, out=target, notebooks=known))
        except UserError as error:
            mistakes.append(f"{name}: {error}")
    if mistakes:
        more = f"\n… and {len(mistakes) - MISTAKES_SHOWN} more" if len(mistakes) > MISTAKES_SHOWN else ""
        told = "\n".join(mistakes[:MISTAKES_SHOWN])
        raise UserError(f"{len(mistakes)} of {len(grid.runs)} runs cannot start, so none did:\n{told}{more}")
    return made
