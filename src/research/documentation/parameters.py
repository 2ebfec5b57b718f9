"""Reference of the parameters: those of a study, and those that single notebooks add."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from research.documentation.tables import code, head, prose, table, text
from research.files.textfiles import own_yaml
from research.pages.notebooks import GIVEN_BY_RUN, find
from research.parameters import Parameters, Study
from research.paths import NOTEBOOKS, STUDIES

BUILTIN = {kind.__name__: kind for kind in (str, int, float, bool, list, dict)}


def page() -> str:
    """Return `docs/reference/parameters.md`."""
    lines = head("Parameters", "the code or the study file")
    lines += prose(
        "A study is a YAML file in `studies/`, or anywhere else when its path is given.",
        "Every parameter has a default; a file names only what differs.",
        "`-p NAME=VALUE` changes one for a single run, nested ones by a dot: `-p costs.officer_hour=80`.",
        "An unknown or mistyped name is an error that tells the nearest right one.",
    )
    lines += ["", "## Parameters of a study"]
    groups = [("", "", Study), *_groups(Study)]
    for name, about, model in groups:
        if name:
            lines += ["", f"### {name}", "", f"{about[:1].upper()}{about[1:]}.", ""]
        else:
            lines += [""]
        prefix = f"{name}." if name else ""
        lines += table(("parameter", "type", "default", "allowed", "what it is"), _rows(model, prefix))
    lines += ["", "## The studies of the project", "", "What each sets; all else has the default.", ""]
    lines += table(("parameter", *(code(path.stem) for path in _studies())), _differences())
    lines += [
        "",
        "## Parameters of single notebooks",
        "",
        "They are given in the same way. `study`, `dataset` and `changes`, which all have, are set by the run.",
        "",
        *table(("notebook", "parameter", "type", "default", "what it is"), _notebook_rows()),
    ]
    return text(lines)


def fields() -> list[tuple[str, Any]]:
    """Return every parameter as (dotted name, pydantic field), groups left out."""
    found = [(name, field) for name, field in Study.model_fields.items() if not _is_group(field)]
    for group, _, model in _groups(Study):
        found += [(f"{group}.{name}", field) for name, field in model.model_fields.items()]
    return found


def _is_group(field: Any) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Parameters)


def _groups(model: type[Parameters]) -> list[tuple[str, str, type[Parameters]]]:
    return [
        (name, field.description or "", field.annotation)
        for name, field in model.model_fields.items()
        if _is_group(field)
    ]


def _rows(model: type[Parameters], prefix: str) -> list[tuple[str, ...]]:
    return [
        (
            code(prefix + name),
            kind(field.annotation),
            _shown(field.default),
            allowed(field),
            field.description or "",
        )
        for name, field in model.model_fields.items()
        if not _is_group(field)
    ]


def _shown(value: object) -> str:
    if value is PydanticUndefined:
        return "needed"
    if isinstance(value, list):
        return ", ".join(code(one) for one in value) or "empty"
    return code(value) or "empty"


def kind(annotation: Any) -> str:
    """Return a type in words."""
    names = {str: "text", int: "whole number", float: "number", bool: "yes or no"}
    if annotation in names:
        return names[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {kind(inner[0])}" + ("" if "Literal" in str(inner[0]) else "s")
    if origin is dict:
        return "numbers by letter"
    if "Literal" in str(origin):
        return "words" if len(inner) > 2 else "word"
    if origin is not None and inner:
        return " or ".join(dict.fromkeys(kind(one) for one in inner))
    return str(annotation)


def allowed(field: Any) -> str:
    """Return what a parameter may be: the words of a choice, or its range."""
    words = _choices(field.annotation)
    if words:
        return ", ".join(code(word) for word in words)
    said = []
    for rule in field.metadata:
        for sign, name in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt")):
            if (bound := getattr(rule, name, None)) is not None:
                said.append(f"{sign} {bound:,}")
    return ", ".join(said)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is dict:
        return _choices(get_args(annotation)[0])
    if "Literal" in str(get_origin(annotation)):
        return [str(word) for word in get_args(annotation)]
    return [word for inner in get_args(annotation) for word in _choices(inner)]


def _studies() -> list[Path]:
    return sorted(STUDIES.glob("*.yml"))


def _differences() -> list[list[str]]:
    contents = [own_yaml(path) for path in _studies()]
    names = [name for name in Study.model_fields if any(name in content for content in contents)]
    shown = [name for name in names if name not in ("name", "title")]
    return [
        [code(name), *(_shown(content[name]) if name in content else "" for content in contents)]
        for name in shown
    ]


def _notebook_rows() -> list[tuple[str, ...]]:
    rows = []
    for notebook in find(NOTEBOOKS):
        for name, type_name, default, about in _own(notebook.path):
            rows.append((code(notebook.stem), code(name), kind(BUILTIN[type_name]), _shown(default), about))
    return rows


def _own(path: Path) -> list[tuple[str, str, Any, str]]:
    """Return name, type, default and comment of the parameters that a notebook adds."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    source = "".join(
        line for cell in cells if "parameters" in cell["metadata"].get("tags", []) for line in cell["source"]
    )
    comments = [line.partition("  # ")[2] for line in source.splitlines()]
    return [
        (one.target.id, ast.unparse(one.annotation), ast.literal_eval(one.value), comments[one.lineno - 1])
        for one in ast.parse(source).body
        if isinstance(one, ast.AnnAssign) and one.target.id not in GIVEN_BY_RUN
    ]
